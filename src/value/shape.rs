//! Values as JSON for people and programs: what is unknown is null and what is sensitive is masked,
//! each with a shape that says where.

use serde_json::{Map, Value as Json};

use super::{SENSITIVE, Value, to_json};

/// A value as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The value; unknown parts are null, sensitive ones [`SENSITIVE`] unless they are to be shown.
    pub value: Json,
    /// `true` where it is unknown, in the shape of the value; `{}` or `[]` keep the shape, `false`
    /// stands for known elements.
    pub unknown: Json,
    /// `true` where it is sensitive, in the same way.
    pub sensitive: Json,
}

impl Value {
    /// Returns it as JSON with its shapes.
    pub fn shape(&self, show_sensitive: bool) -> Shape {
        if self.is_sensitive() {
            let inner = if show_sensitive {
                self.clone().with_sensitive(false).shape(true)
            } else {
                let unknown = Json::Bool(self.is_unknown());
                Shape { value: Json::from(SENSITIVE), unknown, sensitive: Json::Bool(true) }
            };
            return Shape { sensitive: Json::Bool(true), ..inner };
        }
        if self.is_unknown() {
            return Shape { value: Json::Null, unknown: true.into(), sensitive: false.into() };
        }
        if let Some(elements) = self.as_elements() {
            let mut shapes = Shape {
                value: Json::Array(Vec::new()),
                unknown: Json::Array(Vec::new()),
                sensitive: Json::Array(Vec::new()),
            };
            for element in elements {
                let shape = element.shape(show_sensitive);
                push(&mut shapes.value, shape.value);
                push(&mut shapes.unknown, shape.unknown);
                push(&mut shapes.sensitive, shape.sensitive);
            }
            return shapes;
        }
        if let Some(entries) = self.as_entries() {
            let mut value = Map::new();
            let mut unknown = Map::new();
            let mut sensitive = Map::new();
            for (name, entry) in entries {
                let shape = entry.shape(show_sensitive);
                insert_marked(&mut unknown, name, shape.unknown);
                insert_marked(&mut sensitive, name, shape.sensitive);
                value.insert(name.to_string(), shape.value);
            }
            return Shape {
                value: Json::Object(value),
                unknown: Json::Object(unknown),
                sensitive: Json::Object(sensitive),
            };
        }
        let value = to_json(self).unwrap_or(Json::Null);
        Shape { value, unknown: false.into(), sensitive: false.into() }
    }
}

fn push(list: &mut Json, item: Json) {
    if let Json::Array(items) = list {
        items.push(item);
    }
}

/// Inserts the mark of an entry, unless nothing is marked in it.
fn insert_marked(marks: &mut Map<String, Json>, name: &str, mark: Json) {
    if any(&mark) {
        marks.insert(name.to_owned(), mark);
    }
}

/// Returns whether a shape marks anything.
fn any(mark: &Json) -> bool {
    match mark {
        Json::Bool(marked) => *marked,
        Json::Array(items) => items.iter().any(any),
        Json::Object(entries) => entries.values().any(any),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Type;
    use serde_json::json;

    #[test]
    fn unknown_is_null_and_sensitive_is_masked() {
        let value = Value::object_of([
            ("a", Value::from("x")),
            ("b", Value::unknown(Type::String)),
            ("c", Value::tuple([Value::from(1_i64), Value::from("y").with_sensitive(true)])),
        ]);
        let shape = value.shape(false);
        assert_eq!(shape.value, json!({"a": "x", "b": null, "c": [1, SENSITIVE]}));
        assert_eq!(shape.unknown, json!({"b": true}));
        assert_eq!(shape.sensitive, json!({"c": [false, true]}));
        let shown = value.shape(true);
        assert_eq!(shown.value, json!({"a": "x", "b": null, "c": [1, "y"]}));
        assert_eq!(shown.sensitive, shape.sensitive);
    }
}
