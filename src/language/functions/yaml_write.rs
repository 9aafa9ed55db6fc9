//! `yamlencode`: block style, every string in double quotes but for those of several lines, which
//! are literal blocks; keys sorted.

use std::fmt::Write as _;

use super::{Call, Failure, Outcome, check_length};
use crate::value::{Data, Entries, Value};

/// Column behind which a double-quoted string is broken at its next space.
const WIDTH: usize = 80;
/// Longest key that stands before its colon without a `?`, in bytes.
const SIMPLE_KEY: usize = 128;

pub(super) fn yamlencode(call: &Call<'_>) -> Outcome {
    let mut out = String::new();
    let value = call.value(0);
    match block(value) {
        Some(Block::Sequence(elements)) => sequence(&mut out, elements, 0, true)?,
        Some(Block::Mapping(entries)) => mapping(&mut out, entries, 0, true)?,
        None => {
            scalar(&mut out, value, 2);
            if !matches!(value.data(), Data::String(_)) && !out.ends_with([']', '}']) {
                out.push_str("\n...");
            }
        }
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    Ok(out.into())
}

/// A collection with something in it.
enum Block<'a> {
    Sequence(&'a [Value]),
    Mapping(&'a Entries),
}

fn block(value: &Value) -> Option<Block<'_>> {
    match (value.as_elements(), value.as_entries()) {
        (Some(elements), _) if !elements.is_empty() => Some(Block::Sequence(elements)),
        (_, Some(entries)) if !entries.is_empty() => Some(Block::Mapping(entries)),
        _ => None,
    }
}

/// Starts a line, unless one was just started.
fn line(out: &mut String, indent: usize) {
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out.extend(std::iter::repeat_n(' ', indent));
}

fn sequence(
    out: &mut String,
    elements: &[Value],
    indent: usize,
    inline: bool,
) -> Result<(), Failure> {
    for (i, element) in elements.iter().enumerate() {
        if i > 0 || !inline {
            line(out, indent);
        }
        out.push_str("- ");
        inside(out, element, indent + 2)?;
        check_length(out.len())?;
    }
    Ok(())
}

/// Writes a value that starts on the line of its dash or of the colon of a long key.
fn inside(out: &mut String, value: &Value, indent: usize) -> Result<(), Failure> {
    match block(value) {
        Some(Block::Sequence(elements)) => sequence(out, elements, indent, true),
        Some(Block::Mapping(entries)) => mapping(out, entries, indent, true),
        None => {
            scalar(out, value, indent);
            Ok(())
        }
    }
}

fn mapping(
    out: &mut String,
    entries: &Entries,
    indent: usize,
    inline: bool,
) -> Result<(), Failure> {
    for (i, (name, value)) in entries.iter().enumerate() {
        if i > 0 || !inline {
            line(out, indent);
        }
        if name.len() > SIMPLE_KEY || name.contains('\n') {
            out.push_str("? ");
            string(out, name, indent + 2);
            line(out, indent);
            out.push_str(": ");
            inside(out, value, indent + 2)?;
        } else {
            double_quoted(out, name, None);
            match block(value) {
                Some(Block::Sequence(elements)) => {
                    out.push(':');
                    sequence(out, elements, indent, false)?;
                }
                Some(Block::Mapping(entries)) => {
                    out.push(':');
                    mapping(out, entries, indent + 2, false)?;
                }
                None => {
                    out.push_str(": ");
                    scalar(out, value, indent + 2);
                }
            }
        }
        check_length(out.len())?;
    }
    Ok(())
}

/// Writes what fits on a line or is indented on its own.
fn scalar(out: &mut String, value: &Value, indent: usize) {
    match value.data() {
        Data::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Data::Number(number) if number.is_infinite() => {
            out.push_str(if number.is_negative() { "-.inf" } else { ".inf" });
        }
        Data::Number(number) => out.push_str(&number.to_string()),
        Data::String(text) => string(out, text, indent),
        Data::List(..) | Data::Set(..) | Data::Tuple(_) => out.push_str("[]"),
        Data::Map(..) | Data::Object(_) => out.push_str("{}"),
        Data::Null | Data::Unknown(_) => out.push_str("null"),
    }
}

fn string(out: &mut String, text: &str, indent: usize) {
    let suits_block = text.contains('\n')
        && !text.ends_with(' ')
        && !text.contains(" \n")
        && text.chars().all(|c| c == '\n' || (is_printable(c) && !is_break(c)));
    if suits_block {
        literal(out, text, indent);
    } else {
        double_quoted(out, text, Some(indent));
    }
}

/// Returns whether a character may stand as it is.
const fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

/// Returns whether a character ends a line in some version of YAML.
const fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Writes a literal block. The header tells the indentation where the text starts with white space,
/// and how many of the line ends at the end count.
fn literal(out: &mut String, text: &str, indent: usize) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    if !text.ends_with('\n') {
        out.push('-');
    } else if text == "\n" || text.ends_with("\n\n") {
        out.push('+');
    }
    out.push('\n');
    for text_line in text.split_inclusive('\n') {
        if text_line != "\n" {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str(text_line);
    }
}

/// Writes a string in double quotes; with an indentation, long ones are broken at spaces.
fn double_quoted(out: &mut String, text: &str, indent: Option<usize>) {
    let mut column = out.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    out.push('"');
    let mut after_space = false;
    for (at, c) in text.char_indices() {
        let before = out.len();
        if c == ' ' {
            let inner = at > 0 && at + 1 < text.len();
            match indent {
                Some(indent) if !after_space && inner && column > WIDTH => {
                    out.push('\n');
                    out.extend(std::iter::repeat_n(' ', indent));
                    column = indent;
                    if text[at + 1..].starts_with(' ') {
                        out.push('\\');
                        column += 1;
                    }
                }
                _ => {
                    out.push(' ');
                    column += 1;
                }
            }
            after_space = true;
            continue;
        }
        if is_printable(c) && !is_break(c) && c != '"' && c != '\\' {
            out.push(c);
            after_space = false;
        } else {
            escape(out, c);
        }
        column += out[before..].chars().count();
    }
    out.push('"');
}

fn escape(out: &mut String, c: char) {
    let short = match c {
        '\0' => "\\0",
        '\u{7}' => "\\a",
        '\u{8}' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\u{b}' => "\\v",
        '\u{c}' => "\\f",
        '\r' => "\\r",
        '\u{1b}' => "\\e",
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{85}' => "\\N",
        '\u{2028}' => "\\L",
        '\u{2029}' => "\\P",
        _ => "",
    };
    if !short.is_empty() {
        out.push_str(short);
        return;
    }
    let code = u32::from(c);
    let written = match code {
        0..=0xff => write!(out, "\\x{code:02X}"),
        0x100..=0xffff => write!(out, "\\u{code:04X}"),
        _ => write!(out, "\\U{code:08X}"),
    };
    debug_assert!(written.is_ok());
}
