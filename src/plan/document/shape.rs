//! Values as JSON for people and other programs: unknown parts are null, sensitive ones masked, and
//! two shapes beside the value say which parts are which.

use serde_json::{Map, Value as Json};

use super::MASK;
use crate::resources::Object;
use crate::value::{Data, Value};

/// Returns a value with unknown parts as null and sensitive ones masked, unless they are to be shown.
pub(crate) fn plain(value: &Value, show_sensitive: bool) -> Json {
    if value.is_sensitive() && !show_sensitive && !value.is_null() {
        return Json::from(MASK);
    }
    match value.data() {
        Data::List(_, e) | Data::Set(_, e) | Data::Tuple(e) => {
            e.iter().map(|e| plain(e, show_sensitive)).collect()
        }
        Data::Map(_, e) | Data::Object(e) => {
            let entries = e.iter().map(|(k, v)| (k.to_string(), plain(v, show_sensitive)));
            Json::Object(entries.collect())
        }
        Data::Unknown(_) => Json::Null,
        _ => crate::value::to_json(value).unwrap_or(Json::Null),
    }
}

/// Returns the attributes of an object, null where there is none; absent attributes are left out.
pub(crate) fn object(object: Option<&Object>, show_sensitive: bool) -> Json {
    let Some(object) = object else { return Json::Null };
    let attributes = object.iter().map(|(k, v)| (k.to_string(), plain(v, show_sensitive)));
    Json::Object(attributes.collect())
}

/// Returns the shape of the parts of an object for which `test` holds.
pub(crate) fn shape(object: Option<&Object>, test: fn(&Value) -> bool) -> Json {
    let attributes = object.into_iter().flat_map(Object::iter);
    let shaped = attributes.filter_map(|(k, v)| Some((k.to_string(), part(v, test)?)));
    Json::Object(shaped.collect())
}

/// Returns `true` where `test` holds of the value itself, a shape where it holds of parts of it, and
/// nothing where it holds nowhere.
pub(crate) fn part(value: &Value, test: fn(&Value) -> bool) -> Option<Json> {
    if test(value) {
        return Some(Json::Bool(true));
    }
    match value.data() {
        Data::List(_, e) | Data::Set(_, e) | Data::Tuple(e) => {
            let parts: Vec<Option<Json>> = e.iter().map(|e| part(e, test)).collect();
            parts
                .iter()
                .any(Option::is_some)
                .then(|| parts.into_iter().map(|p| p.unwrap_or(Json::Bool(false))).collect())
        }
        Data::Map(_, e) | Data::Object(e) => {
            let parts: Map<String, Json> =
                e.iter().filter_map(|(k, v)| Some((k.to_string(), part(v, test)?))).collect();
            (!parts.is_empty()).then_some(Json::Object(parts))
        }
        _ => None,
    }
}
