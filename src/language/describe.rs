//! Values in a few words, for messages.

use crate::value::{Data, Value, quoted};

/// Longest text that is shown, in characters.
const MAX_TEXT: usize = 60;

/// Describes a value in a few words: `80`, `"tcp"`, `map of string with 2 elements`. Returns none
/// for a sensitive value; of sensitive parts only the number shows.
pub fn describe(value: &Value) -> Option<String> {
    if value.is_sensitive() {
        return None;
    }
    Some(match value.data() {
        Data::Null => String::from("null"),
        Data::Unknown(unknown) => match unknown.ty.friendly_name().as_str() {
            "dynamic" => String::from("known only after apply"),
            name => format!("{name}, known only after apply"),
        },
        Data::Bool(value) => value.to_string(),
        Data::Number(number) => shortened(&number.to_string()),
        Data::String(text) => quoted(&shortened(text)),
        Data::List(_, elements) | Data::Set(_, elements) => {
            counted(&value.type_of().friendly_name(), elements.len(), "element")
        }
        Data::Tuple(elements) => counted("tuple", elements.len(), "element"),
        Data::Map(_, entries) => {
            counted(&value.type_of().friendly_name(), entries.len(), "element")
        }
        Data::Object(attributes) => counted("object", attributes.len(), "attribute"),
    })
}

fn counted(kind: &str, count: usize, part: &str) -> String {
    match count {
        0 => format!("empty {kind}"),
        1 => format!("{kind} with 1 {part}"),
        _ => format!("{kind} with {count} {part}s"),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Lists names for a message: "`a`, `b` and 3 more".
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let names: Vec<&str> = names.into_iter().collect();
    let text = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{}`", shortened(name)))
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}
