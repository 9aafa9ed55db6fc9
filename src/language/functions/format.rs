//! `format` and `formatlist`: verbs as Go's `fmt` has them, with exact numbers.

use unicode_segmentation::UnicodeSegmentation;

use super::{Call, Failure, Outcome, check_count, check_length};
use crate::value::{Data, Number, Type, Value, convert, write_json_escaped};

/// Largest width and precision of a verb.
const WIDTH_LIMIT: usize = 100_000;

/// One verb of a format, such as `%-8.2f`.
#[derive(Debug, Default)]
struct Verb<'a> {
    /// How it is written.
    raw: &'a str,
    /// Where it starts, in bytes.
    offset: usize,
    sharp: bool,
    zero: bool,
    minus: bool,
    plus: bool,
    space: bool,
    width: Option<usize>,
    precision: Option<usize>,
    /// Which argument it takes, from 1.
    argument: usize,
    letter: char,
}

/// A part of a format.
enum Part<'a> {
    Literal(&'a str),
    Verb(Verb<'a>),
}

pub(super) fn format(call: &Call<'_>) -> Outcome {
    let parts = parse(call.text(0))?;
    check_used(&parts, call.rest(1).len())?;
    let arguments: Vec<&Value> = call.rest(1).iter().collect();
    render(&parts, &arguments).map(|text| Value::text(&text))
}

/// Formats once for each element of the lists among the arguments; other arguments repeat.
pub(super) fn formatlist(call: &Call<'_>) -> Outcome {
    if call.value(0).is_unknown() {
        return Ok(Value::unknown(Type::list(Type::String)));
    }
    let parts = parse(call.text(0))?;
    let arguments = call.rest(1);
    let mut length: Option<(usize, usize)> = None;
    for (i, argument) in arguments.iter().enumerate() {
        if argument.is_unknown() {
            return Ok(Value::unknown(Type::list(Type::String)));
        }
        let Some(elements) = argument.as_elements() else { continue };
        match length {
            Some((first, count)) if count != elements.len() => {
                let message = format!(
                    "argument {} has length {}, which is inconsistent with argument {} of length \
                     {count}",
                    i + 1,
                    elements.len(),
                    first + 1,
                );
                return Err(Failure::at(i + 1, message));
            }
            Some(_) => {}
            None => length = Some((i, elements.len())),
        }
    }
    let count = length.map_or(1, |(_, count)| count);
    if count > 0 {
        check_used(&parts, arguments.len())?;
    }
    check_count(count)?;
    let mut results = Vec::with_capacity(count);
    let mut total = 0_usize;
    for i in 0..count {
        let row: Vec<&Value> = arguments
            .iter()
            .map(|argument| argument.as_elements().and_then(|e| e.get(i)).unwrap_or(argument))
            .collect();
        if row.iter().any(|value| value.deep_unknown()) {
            results.push(Value::unknown(Type::String));
            continue;
        }
        let text = render(&parts, &row).map_err(|mut failure| {
            failure.message = format!("error on format iteration {i}: {}", failure.message);
            failure
        })?;
        total = total.saturating_add(text.len());
        check_length(total)?;
        results.push(Value::text(&text));
    }
    Ok(Value::list(Type::String, results))
}

/// Refuses arguments that no verb takes.
fn check_used(parts: &[Part<'_>], count: usize) -> Result<(), Failure> {
    let used = parts.iter().map(|part| match part {
        Part::Literal(_) => 0,
        Part::Verb(verb) => verb.argument,
    });
    let used = used.max().unwrap_or(0);
    if used >= count {
        return Ok(());
    }
    Err(Failure::at(
        used + 1,
        if used == 0 {
            String::from("too many arguments; no verbs in format string")
        } else {
            format!("too many arguments; only {used} used by format string")
        },
    ))
}

fn parse(text: &str) -> Result<Vec<Part<'_>>, Failure> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut next = 1;
    while let Some(at) = rest.find('%') {
        if at > 0 {
            parts.push(Part::Literal(&rest[..at]));
        }
        let offset = text.len() - rest.len() + at;
        if rest[at + 1..].starts_with('%') {
            parts.push(Part::Literal("%"));
            rest = &rest[at + 2..];
            continue;
        }
        let (verb, length) = parse_verb(&text[offset..], offset, next)?;
        next = verb.argument + 1;
        rest = &text[offset + length..];
        parts.push(Part::Verb(verb));
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest));
    }
    Ok(parts)
}

/// Reads the verb at the start of `text`; returns it with its length in bytes.
fn parse_verb(text: &str, offset: usize, next: usize) -> Result<(Verb<'_>, usize), Failure> {
    let bytes = text.as_bytes();
    let mut at = 1;
    let mut verb = Verb { offset, argument: next, ..Verb::default() };
    while let Some(flag) = bytes.get(at) {
        match flag {
            b'#' => verb.sharp = true,
            b'0' => verb.zero = true,
            b'-' => verb.minus = true,
            b'+' => verb.plus = true,
            b' ' => verb.space = true,
            _ => break,
        }
        at += 1;
    }
    if matches!(bytes.get(at), Some(b'1'..=b'9')) {
        verb.width = Some(count(text, &mut at)?);
    }
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        verb.precision = Some(count(text, &mut at)?);
    }
    let unrecognized = |at: usize, c: char| {
        Failure::at(0, format!("unrecognized format character {c:?} at offset {}", offset + at))
    };
    if bytes.get(at) == Some(&b'[') {
        at += 1;
        match bytes.get(at) {
            Some(b'1'..=b'9') => verb.argument = count(text, &mut at)?,
            _ => return Err(unrecognized(at, text[at..].chars().next().unwrap_or(']'))),
        }
        if bytes.get(at) != Some(&b']') {
            return Err(unrecognized(at, text[at..].chars().next().unwrap_or(']')));
        }
        at += 1;
    }
    let Some(letter) = text[at..].chars().next() else {
        return Err(Failure::at(
            0,
            format!("invalid format string starting at offset {}", offset + at),
        ));
    };
    if !letter.is_ascii_alphabetic() {
        return Err(unrecognized(at, letter));
    }
    at += 1;
    verb.letter = letter;
    verb.raw = &text[..at];
    Ok((verb, at))
}

/// Reads a number, which may be empty, and moves past it.
fn count(text: &str, at: &mut usize) -> Result<usize, Failure> {
    let digits = text[*at..].bytes().take_while(u8::is_ascii_digit).count();
    let number = &text[*at..*at + digits];
    *at += digits;
    if number.is_empty() {
        return Ok(0);
    }
    number.parse().ok().filter(|n| *n <= WIDTH_LIMIT).ok_or_else(|| {
        Failure::at(0, format!("width or precision {number} is beyond {WIDTH_LIMIT}"))
    })
}

fn render(parts: &[Part<'_>], arguments: &[&Value]) -> Result<String, Failure> {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Literal(text) => out.push_str(text),
            Part::Verb(verb) => {
                let argument = arguments.get(verb.argument - 1).ok_or_else(|| {
                    Failure::new(format!(
                        "not enough arguments for {:?} at {}: need index {} but have {} total",
                        verb.raw,
                        verb.offset,
                        verb.argument,
                        arguments.len()
                    ))
                })?;
                out.push_str(&render_verb(verb, argument)?);
            }
        }
        check_length(out.len())?;
    }
    Ok(out)
}

fn render_verb(verb: &Verb<'_>, argument: &Value) -> Result<String, Failure> {
    let unsupported = |why: String| {
        Failure::at(
            verb.argument,
            format!("unsupported value for {:?} at {}: {why}", verb.raw, verb.offset),
        )
    };
    let wanted = match verb.letter {
        'v' => return as_is(verb, argument).map_err(unsupported),
        't' => Type::Bool,
        'b' | 'd' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'g' | 'G' => Type::Number,
        's' | 'q' => Type::String,
        letter => {
            return Err(Failure::at(
                0,
                format!(
                    "unsupported format verb {letter:?} in {:?} at offset {}",
                    verb.raw, verb.offset
                ),
            ));
        }
    };
    if argument.is_null() {
        return Err(unsupported(String::from("null value cannot be formatted")));
    }
    let argument = convert(argument, &wanted).map_err(|error| unsupported(error.to_string()))?;
    match argument.data() {
        Data::Bool(b) => Ok(b.to_string()),
        Data::Number(number) if verb.letter.is_ascii_lowercase() || verb.letter != 'X' => {
            match verb.letter {
                'b' | 'd' | 'o' | 'x' => integer(verb, number).map_err(unsupported),
                _ => Ok(float(verb, number)),
            }
        }
        Data::Number(number) => integer(verb, number).map_err(unsupported),
        _ => Ok(string(verb, argument.as_str().unwrap_or_default())),
    }
}

/// `%v`: strings and numbers plainly, everything else (and all with `#`) as JSON.
fn as_is(verb: &Verb<'_>, argument: &Value) -> Result<String, String> {
    let text = match argument.data() {
        Data::String(text) if !verb.sharp => text.to_string(),
        Data::Number(number) if !verb.sharp => match number.shortest() {
            Some(decimal) => {
                let sign = if number.is_negative() { "-" } else { "" };
                format!("{sign}{}", decimal.general(None, 'e'))
            }
            None => number.to_string(),
        },
        _ => write_json_escaped(argument).map_err(|error| error.to_string())?,
    };
    Ok(padded(verb, text))
}

/// Pads a text to the width, counted in characters as users see them.
fn padded(verb: &Verb<'_>, text: String) -> String {
    let Some(width) = verb.width else { return text };
    let missing = width.saturating_sub(text.graphemes(true).count());
    if verb.minus {
        return text + &" ".repeat(missing);
    }
    (if verb.zero { "0" } else { " " }).repeat(missing) + &text
}

fn string(verb: &Verb<'_>, text: &str) -> String {
    let cut: String = match verb.precision {
        // As in Terraform, none at all cannot be asked for.
        Some(count) if count > 0 => text.graphemes(true).take(count).collect(),
        _ => text.to_owned(),
    };
    if verb.letter == 'q' {
        let quoted = write_json_escaped(&Value::from(cut)).unwrap_or_default();
        return padded(verb, quoted);
    }
    padded(verb, cut)
}

fn sign(verb: &Verb<'_>, negative: bool) -> &'static str {
    match (negative, verb.plus, verb.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    }
}

fn integer(verb: &Verb<'_>, number: &Number) -> Result<String, String> {
    let integer = number.to_integer().ok_or_else(|| String::from("an integer is required"))?;
    let (negative, magnitude) = (number.is_negative() && !number.is_zero(), integer.into_parts().1);
    let (radix, prefix) = match verb.letter {
        'b' => (2, "0b"),
        'o' => (8, "0"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let mut digits = magnitude.in_radix(radix).to_string();
    if verb.letter == 'X' {
        digits.make_ascii_uppercase();
    }
    if let Some(precision) = verb.precision {
        if precision == 0 && magnitude.is_zero() {
            return Ok(String::new());
        }
        digits = "0".repeat(precision.saturating_sub(digits.len())) + &digits;
    }
    let sign = sign(verb, negative);
    let prefix = if verb.sharp { prefix } else { "" };
    let missing = verb.width.unwrap_or(0).saturating_sub(sign.len() + prefix.len() + digits.len());
    Ok(if verb.minus {
        format!("{sign}{prefix}{digits}{}", " ".repeat(missing))
    } else if verb.zero && verb.precision.is_none() {
        format!("{sign}{prefix}{}{digits}", "0".repeat(missing))
    } else {
        format!("{}{sign}{prefix}{digits}", " ".repeat(missing))
    })
}

fn float(verb: &Verb<'_>, number: &Number) -> String {
    let negative = number.is_negative();
    let exponent = if verb.letter.is_ascii_uppercase() { 'E' } else { 'e' };
    let (sign, text) = match number.shortest() {
        // The sign of positive infinity is always written.
        None if !negative => (if verb.space { " " } else { "+" }, String::from("Inf")),
        None => ("-", String::from("Inf")),
        Some(shortest) => {
            let text = match (verb.letter, verb.precision) {
                ('e' | 'E', precision) => {
                    number.exact().scientific(precision.unwrap_or(6), exponent)
                }
                ('f', precision) => {
                    let places = precision.unwrap_or(6);
                    let mut decimal = number.exact();
                    decimal.round_places(places);
                    decimal.fixed(places)
                }
                (_, None) => shortest.general(None, exponent),
                (_, Some(precision)) => number.exact().general(Some(precision.max(1)), exponent),
            };
            (sign(verb, negative), text)
        }
    };
    let missing = verb.width.unwrap_or(0).saturating_sub(sign.len() + text.len());
    if verb.zero && !number.is_infinite() {
        format!("{sign}{}{text}", "0".repeat(missing))
    } else if verb.minus {
        format!("{sign}{text}{}", " ".repeat(missing))
    } else {
        format!("{}{sign}{text}", " ".repeat(missing))
    }
}
