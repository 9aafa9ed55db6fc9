//! The text form of values, as an interactive console prints them.

use std::fmt;

use super::{Data, Name, Type, Value};

/// Stands for an unknown value.
pub const UNKNOWN: &str = "(known after apply)";
/// Stands for a sensitive value.
pub const SENSITIVE: &str = "(sensitive value)";

/// Writes a value over several lines: quoted strings, heredocs for strings of several lines,
/// `tolist([…])`, `toset([…])` and `tomap({…})` around collections.
pub fn display(value: &Value) -> String {
    display_as(value, &Type::Any)
}

/// Writes a value whose type is known, so that nulls show theirs: `tostring(null)`.
pub fn display_as(value: &Value, ty: &Type) -> String {
    let mut text = String::new();
    write(&mut text, value, ty, 0);
    text
}

fn write(out: &mut String, value: &Value, ty: &Type, indent: usize) {
    if value.is_sensitive() && !value.is_unknown() {
        return out.push_str(SENSITIVE);
    }
    match value.data() {
        Data::Null => out.push_str(&null(ty)),
        Data::Unknown(_) => out.push_str(UNKNOWN),
        Data::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Data::Number(number) => out.push_str(&number.to_string()),
        Data::String(text) if is_plain_text(text) => heredoc(out, text, indent),
        Data::String(text) => out.push_str(&quoted(text)),
        Data::List(element, elements) => {
            out.push_str("tolist(");
            sequence(out, elements.iter().map(|e| (e, &**element)), indent);
            out.push(')');
        }
        Data::Set(element, elements) => {
            out.push_str("toset(");
            sequence(out, elements.iter().map(|e| (e, &**element)), indent);
            out.push(')');
        }
        Data::Tuple(elements) => {
            let of = |i: usize| match ty {
                Type::Tuple(types) => types.get(i).unwrap_or(&Type::Any),
                _ => ty.element().unwrap_or(&Type::Any),
            };
            sequence(out, elements.iter().enumerate().map(|(i, e)| (e, of(i))), indent);
        }
        Data::Map(element, entries) => {
            out.push_str("tomap(");
            mapping(out, entries.iter().map(|(name, e)| (name, e, &**element)), indent);
            out.push(')');
        }
        Data::Object(attributes) => {
            let of = |name: &Name| match ty {
                Type::Object(fields) => fields.get(name).map_or(&Type::Any, |field| &field.ty),
                _ => ty.element().unwrap_or(&Type::Any),
            };
            mapping(out, attributes.iter().map(|(name, a)| (name, a, of(name))), indent);
        }
    }
}

/// Returns a null as an expression of its type.
fn null(ty: &Type) -> String {
    match ty {
        Type::Any => String::from("null"),
        Type::String => String::from("tostring(null)"),
        Type::Number => String::from("tonumber(null)"),
        Type::Bool => String::from("tobool(null)"),
        Type::List(of) => format!("tolist(null) /* of {} */", of.friendly_name()),
        Type::Set(of) => format!("toset(null) /* of {} */", of.friendly_name()),
        Type::Map(of) => format!("tomap(null) /* of {} */", of.friendly_name()),
        Type::Tuple(_) | Type::Object(_) => format!("null /* {} */", ty.friendly_name()),
    }
}

/// Returns whether a string has several lines and nothing that would upset a terminal.
fn is_plain_text(text: &str) -> bool {
    let harmless = |c: char| !c.is_control() || c == '\t';
    text.contains('\n')
        && text.split('\n').all(|l| l.strip_suffix('\r').unwrap_or(l).chars().all(harmless))
}

/// Writes a type over several lines, an attribute or element on each.
pub fn display_type(ty: &Type) -> String {
    let mut text = String::new();
    write_type(&mut text, ty, 0);
    text
}

fn write_type(out: &mut String, ty: &Type, indent: usize) {
    let inside = indent + 4;
    match ty {
        Type::Any => out.push_str("dynamic"),
        Type::Bool | Type::Number | Type::String => out.push_str(&ty.friendly_name()),
        Type::List(element) | Type::Set(element) | Type::Map(element) => {
            out.push_str(match ty {
                Type::List(_) => "list(",
                Type::Set(_) => "set(",
                _ => "map(",
            });
            if matches!(**element, Type::Tuple(_) | Type::Object(_)) {
                line(out, inside);
                write_type(out, element, inside);
                out.push(',');
                line(out, indent);
            } else {
                write_type(out, element, indent);
            }
            out.push(')');
        }
        Type::Tuple(elements) => {
            out.push_str("tuple([");
            for element in elements.iter() {
                line(out, inside);
                write_type(out, element, inside);
                out.push(',');
            }
            if !elements.is_empty() {
                line(out, indent);
            }
            out.push_str("])");
        }
        Type::Object(fields) => {
            out.push_str("object({");
            for (name, field) in fields.iter() {
                line(out, inside);
                out.push_str(name);
                out.push_str(": ");
                write_type(out, &field.ty, inside);
                out.push(',');
            }
            if !fields.is_empty() {
                line(out, indent);
            }
            out.push_str("})");
        }
    }
}

fn line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

fn sequence<'a>(
    out: &mut String,
    elements: impl ExactSizeIterator<Item = (&'a Value, &'a Type)>,
    indent: usize,
) {
    let empty = elements.len() == 0;
    out.push('[');
    for (element, ty) in elements {
        line(out, indent + 2);
        write(out, element, ty, indent + 2);
        out.push(',');
    }
    if !empty {
        line(out, indent);
    }
    out.push(']');
}

fn mapping<'a>(
    out: &mut String,
    entries: impl ExactSizeIterator<Item = (&'a Name, &'a Value, &'a Type)>,
    indent: usize,
) {
    let empty = entries.len() == 0;
    out.push('{');
    for (name, value, ty) in entries {
        line(out, indent + 2);
        out.push_str(&quoted(name));
        out.push_str(" = ");
        write(out, value, ty, indent + 2);
    }
    if !empty {
        line(out, indent);
    }
    out.push('}');
}

/// Writes a string of several lines as a heredoc whose delimiter is none of its lines.
fn heredoc(out: &mut String, text: &str, indent: usize) {
    let mut delimiter = String::from("EOT");
    while text.split('\n').any(|l| l.trim() == delimiter) {
        delimiter.push('_');
    }
    out.push_str(if indent > 0 { "<<-" } else { "<<" });
    out.push_str(&delimiter);
    for text_line in text.split('\n') {
        line(out, indent);
        out.push_str(text_line);
    }
    line(out, indent);
    out.push_str(&delimiter);
}

/// Returns `text` in double quotes with escapes for quotes, backslashes and what does not print.
pub fn quoted(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if is_printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                let written = match code {
                    0..0x80 => write!(out, "\\x{code:02x}"),
                    0x80..0x1_0000 => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
                debug_assert!(written.is_ok());
            }
        }
    }
    out.push('"');
    out
}

/// Returns whether a character shows as itself: no control, no format character, no space but ` `.
fn is_printable(c: char) -> bool {
    c == ' '
        || !(c.is_control()
            || c.is_whitespace()
            || matches!(c,
                '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
                | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
                | '\u{e0001}' | '\u{e0020}'..='\u{e007f}' | '\u{f0000}'..='\u{10ffff}'))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&display(self))
    }
}
