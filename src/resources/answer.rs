//! Reading of answers into objects, driven by schemas and tolerant of both editions' shapes (see
//! [`api::answer`](crate::api::answer)).

use serde_json::Value as Json;

use super::schema::{Attribute, Kind, name};
use super::{Object, spelling};
use crate::api::answer::{field, get_bool, get_int, get_str, list};
use crate::value::{Type, Value};

/// Returns a member as text; none for an empty one.
pub(super) fn member_text(json: &Json, wire: &str) -> Option<String> {
    get_str(json, wire).filter(|text| !text.is_empty())
}

/// Returns a member as a count.
pub(super) fn member_count(json: &Json, wire: &str) -> Option<u64> {
    get_int(json, wire).and_then(|count| u64::try_from(count).ok())
}

/// Returns a member as a list of texts; none when the answer does not say.
pub(super) fn member_texts(json: &Json, wire: &str) -> Option<Vec<String>> {
    crate::api::answer::texts(json, wire, singular(wire))
}

/// Returns what the elements of a list are called: `IpLists` has `IpList`.
fn singular(wire: &str) -> &str {
    wire.strip_suffix('s').unwrap_or(wire)
}

/// Reads a member of a kind; none when the answer does not say. An empty text is null: the answer
/// says that there is nothing.
fn member(kind: Kind, json: &Json, wire: &str) -> Option<Value> {
    Some(match kind {
        Kind::String => match get_str(json, wire)? {
            text if text.is_empty() => Value::null(),
            text => Value::text(&text),
        },
        Kind::Integer => Value::from(get_int(json, wire)?),
        Kind::Bool => Value::from(get_bool(json, wire)?),
        Kind::Strings => string_list(member_texts(json, wire)?.iter().map(String::as_str)),
        Kind::StringSet => {
            let texts = member_texts(json, wire)?;
            let parts = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
            Value::set(Type::String, parts.filter(|part| !part.is_empty()).map(Value::text))
        }
        Kind::Objects(fields) => {
            let rows = list(json, wire, singular(wire))?;
            object_list(kind, rows.into_iter().map(|row| fields_of(fields, row)))
        }
        Kind::Struct(fields) => match field(json, wire)? {
            object @ Json::Object(_) => fields_of(fields, object),
            _ => Value::null(),
        },
    })
}

/// Reads an object value that has every field, null where the answer has none.
fn fields_of(fields: &[Attribute], json: &Json) -> Value {
    let value = |field: &Attribute| member(field.kind, json, field.wire);
    Value::object(
        fields
            .iter()
            .map(|field| (name(field.name), value(field).unwrap_or_else(Value::null)))
            .collect(),
    )
}

/// Reads a row: every attribute of which the answer says something.
pub(super) fn object(attributes: &[Attribute], json: &Json) -> Object {
    attributes
        .iter()
        .filter(|attribute| attribute.readable && !attribute.wire.is_empty())
        .filter_map(|a| Some((name(a.name), member(a.kind, json, a.wire)?)))
        .collect()
}

/// Makes a list of texts.
pub(super) fn string_list<'a>(texts: impl IntoIterator<Item = &'a str>) -> Value {
    Value::list(Type::String, texts.into_iter().map(Value::text))
}

/// Makes a list of objects of a kind that is one.
pub(super) fn object_list(kind: Kind, objects: impl IntoIterator<Item = Value>) -> Value {
    match kind.ty() {
        Type::List(element) => Value::list((*element).clone(), objects),
        _ => Value::tuple(objects),
    }
}

/// Makes a list of addresses in natform's order for new ones: by number.
pub(super) fn address_list(mut addresses: Vec<String>) -> Vec<String> {
    addresses.sort_by(|a, b| spelling::by_number(a, b));
    addresses.dedup();
    addresses
}
