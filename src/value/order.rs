//! The order in which sets of lists, maps, tuples and objects give their elements: that of a text
//! which Terraform forms of each, so that lists made of such sets come out alike.

use super::display::quoted;
use super::{Data, Number, Value};

/// Digits of a number that count.
const DIGITS: usize = 10;

/// Returns what an element is sorted by: known ones first, then nulls, then unknown ones.
pub(super) fn key(value: &Value) -> (bool, bool, String) {
    let mut text = String::new();
    write(&mut text, value);
    (value.is_unknown(), value.is_null(), text)
}

fn write(out: &mut String, value: &Value) {
    match value.data() {
        Data::Unknown(_) => out.push('?'),
        Data::Null => out.push('~'),
        Data::Bool(truth) => out.push(if *truth { 'T' } else { 'F' }),
        Data::Number(number) => out.push_str(&short(number)),
        Data::String(text) => out.push_str(&quoted(text)),
        Data::List(_, elements) | Data::Set(_, elements) => sequence(out, ('[', ']'), &**elements),
        Data::Tuple(elements) => sequence(out, ('<', '>'), &**elements),
        Data::Object(attributes) => sequence(out, ('<', '>'), attributes.values()),
        Data::Map(_, entries) => {
            out.push('{');
            for (name, entry) in entries.iter() {
                out.push_str(&quoted(name));
                out.push(':');
                write(out, entry);
                out.push(';');
            }
            out.push('}');
        }
    }
}

fn sequence<'v>(
    out: &mut String,
    (open, close): (char, char),
    values: impl IntoIterator<Item = &'v Value>,
) {
    out.push(open);
    for value in values {
        write(out, value);
        out.push(';');
    }
    out.push(close);
}

fn short(number: &Number) -> String {
    if number.is_infinite() {
        return number.to_string();
    }
    let sign = if number.is_negative() { "-" } else { "" };
    format!("{sign}{}", number.exact().general(Some(DIGITS), 'e'))
}
