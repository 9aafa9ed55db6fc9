//! Reading of answers: tolerant of both editions' shapes. Names are found in any case
//! (`NatGatewayId`, `natGatewayId`, `VswitchId`), numbers may be texts, and a list may be flat,
//! wrapped (`{"NatGateway": […]}`) or, as XML gives it, a lone element.

use serde_json::Value as Json;

use super::schema::{Attribute, Kind, name};
use super::{Object, spelling};
use crate::value::{Type, Value};

/// Returns the member of that name in any case; null counts as absent.
pub(super) fn member<'a>(json: &'a Json, wire: &str) -> Option<&'a Json> {
    let members = json.as_object()?;
    members
        .get(wire)
        .or_else(|| members.iter().find(|(n, _)| n.eq_ignore_ascii_case(wire)).map(|(_, v)| v))
        .filter(|value| !value.is_null())
}

/// Returns a scalar as text; none for an empty one.
pub(super) fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) if text.is_empty() => None,
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// Returns a member as text.
pub(super) fn member_text(json: &Json, wire: &str) -> Option<String> {
    text(member(json, wire)?)
}

/// Returns a member as a count.
pub(super) fn member_count(json: &Json, wire: &str) -> Option<u64> {
    member_text(json, wire)?.parse().ok()
}

/// Returns the elements of a list in any of its shapes. `scalars` tells whether they are texts: then
/// an object is always a wrapper, while one among objects may be a lone element.
pub(super) fn elements(json: &Json, scalars: bool) -> Vec<&Json> {
    match json {
        Json::Array(elements) => elements.iter().collect(),
        Json::Object(members) => match members.iter().next() {
            None => Vec::new(),
            Some((_, inner)) if members.len() == 1 && wraps(inner, scalars) => {
                elements(inner, scalars)
            }
            Some(_) if scalars => Vec::new(),
            Some(_) => vec![json],
        },
        Json::String(text) if scalars && !text.is_empty() => vec![json],
        _ => Vec::new(),
    }
}

fn wraps(inner: &Json, scalars: bool) -> bool {
    scalars
        || inner.is_array()
        || inner.is_object()
        || inner.is_null()
        || inner.as_str() == Some("")
}

/// Returns a list of texts.
pub(super) fn texts(json: &Json) -> Vec<String> {
    elements(json, true).into_iter().filter_map(text).collect()
}

/// Reads a value of a kind. An empty text is null: the attribute is said to be empty. None when the
/// answer holds something else there.
pub(super) fn value(kind: Kind, json: &Json) -> Option<Value> {
    Some(match kind {
        Kind::String => match json {
            Json::String(text) if text.is_empty() => Value::null(),
            _ => Value::text(&text(json)?),
        },
        Kind::Integer => match json {
            Json::String(text) if text.is_empty() => Value::null(),
            _ => Value::from(text(json)?.trim().parse::<i64>().ok()?),
        },
        Kind::Bool => match text(json) {
            Some(text) if text.eq_ignore_ascii_case("true") => Value::from(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Value::from(false),
            Some(_) => return None,
            None => Value::null(),
        },
        Kind::Strings => string_list(texts(json).iter().map(String::as_str)),
        Kind::StringSet => {
            let texts = texts(json);
            let parts = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
            Value::set(Type::String, parts.filter(|part| !part.is_empty()).map(Value::text))
        }
        Kind::Objects(fields) => {
            let rows = elements(json, false);
            let Type::List(element) = kind.ty() else { return None };
            Value::list((*element).clone(), rows.into_iter().map(|row| fields_of(fields, row)))
        }
        Kind::Struct(fields) => match json {
            Json::Object(_) => fields_of(fields, json),
            _ => Value::null(),
        },
    })
}

/// Reads an object value that has every field, null where the answer has none.
fn fields_of(fields: &[Attribute], json: &Json) -> Value {
    Value::object(
        fields
            .iter()
            .map(|field| {
                let read = member(json, field.wire).and_then(|json| value(field.kind, json));
                (name(field.name), read.unwrap_or_else(Value::null))
            })
            .collect(),
    )
}

/// Reads a row: every attribute of which the answer says something.
pub(super) fn object(attributes: &[Attribute], json: &Json) -> Object {
    attributes
        .iter()
        .filter(|attribute| attribute.readable && !attribute.wire.is_empty())
        .filter_map(|attribute| {
            let read = value(attribute.kind, member(json, attribute.wire)?)?;
            Some((name(attribute.name), read))
        })
        .collect()
}

/// Makes a list of texts.
pub(super) fn string_list<'a>(texts: impl IntoIterator<Item = &'a str>) -> Value {
    Value::list(Type::String, texts.into_iter().map(Value::text))
}

/// Makes a list of addresses in natform's order for new ones: by number.
pub(super) fn address_list(mut addresses: Vec<String>) -> Vec<String> {
    addresses.sort_by(|a, b| spelling::by_number(a, b));
    addresses.dedup();
    addresses
}
