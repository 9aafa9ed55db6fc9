//! Values and objects as JSON text, as the state's columns hold them.
//!
//! Texts, truth values, whole numbers, tuples and objects are plain JSON; what JSON cannot tell
//! apart is an object with one member whose name starts with `$`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::resources::Object;
use crate::value::{Data, Field, Name, Number, Type, Value};

/// Hands out one shared text per name, so that 100,000 objects do not hold 100,000 copies.
#[derive(Debug, Default)]
pub struct Names(BTreeSet<Name>);

impl Names {
    /// Returns the shared text.
    pub fn intern(&mut self, name: &str) -> Name {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let new: Name = name.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}

/// Encodes an object; attributes that are null are left out.
pub fn encode_object(object: &Object) -> String {
    object_json(object).to_string()
}

/// Encodes an object as JSON; attributes that are null are left out.
pub(super) fn object_json(object: &Object) -> Json {
    let members = object
        .iter()
        .filter(|(_, value)| !value.is_null() || value.is_sensitive())
        .map(|(name, value)| (name.to_string(), value_json(value)));
    Json::Object(members.collect())
}

/// Decodes an object. The error says what is wrong with the text.
pub fn decode_object(text: &str, names: &mut Names) -> Result<Object, String> {
    let json: Json = serde_json::from_str(text).map_err(|e| e.to_string())?;
    object_from_json(&json, names)
}

/// Decodes an object from JSON.
pub(super) fn object_from_json(json: &Json, names: &mut Names) -> Result<Object, String> {
    let members = json.as_object().ok_or("an object is not a JSON object")?;
    members.iter().map(|(name, value)| Ok((names.intern(name), decode(value, names)?))).collect()
}

/// Encodes a value.
pub fn encode_value(value: &Value) -> String {
    value_json(value).to_string()
}

/// Decodes a value. The error says what is wrong with the text.
pub fn decode_value(text: &str) -> Result<Value, String> {
    let json: Json = serde_json::from_str(text).map_err(|e| e.to_string())?;
    decode(&json, &mut Names::default())
}

/// Decodes a value from JSON.
pub(super) fn value_from_json(json: &Json) -> Result<Value, String> {
    decode(json, &mut Names::default())
}

/// Encodes a value as JSON.
pub(super) fn value_json(value: &Value) -> Json {
    let plain = data_json(value.data());
    if value.is_sensitive() { json!({ "$sensitive": plain }) } else { plain }
}

fn data_json(data: &Data) -> Json {
    match data {
        Data::Null => Json::Null,
        Data::Bool(b) => Json::Bool(*b),
        Data::String(text) => Json::String(text.to_string()),
        Data::Number(number) => number_json(number),
        Data::Tuple(elements) => elements_json(elements),
        Data::Object(entries) if entries.keys().all(|k| !k.starts_with('$')) => {
            entries_json(entries)
        }
        Data::Object(entries) => json!({ "$object": entries_json(entries) }),
        Data::List(ty, elements) => json!({ "$list": [type_json(ty), elements_json(elements)] }),
        Data::Set(ty, elements) => json!({ "$set": [type_json(ty), elements_json(elements)] }),
        Data::Map(ty, entries) => json!({ "$map": [type_json(ty), entries_json(entries)] }),
        Data::Unknown(unknown) => {
            json!({ "$unknown": [type_json(&unknown.ty), unknown.origin.as_deref()] })
        }
    }
}

fn number_json(number: &Number) -> Json {
    let text = number.to_string();
    match text.parse::<i64>() {
        Ok(whole) => Json::from(whole),
        Err(_) => json!({ "$number": text }),
    }
}

fn elements_json(elements: &[Value]) -> Json {
    Json::Array(elements.iter().map(value_json).collect())
}

fn entries_json(entries: &BTreeMap<Name, Value>) -> Json {
    Json::Object(entries.iter().map(|(k, v)| (k.to_string(), value_json(v))).collect())
}

fn type_json(ty: &Type) -> Json {
    match ty {
        Type::Any => json!("any"),
        Type::Bool => json!("bool"),
        Type::Number => json!("number"),
        Type::String => json!("string"),
        Type::List(element) => json!({ "list": type_json(element) }),
        Type::Set(element) => json!({ "set": type_json(element) }),
        Type::Map(element) => json!({ "map": type_json(element) }),
        Type::Tuple(elements) => {
            json!({ "tuple": elements.iter().map(type_json).collect::<Vec<_>>() })
        }
        Type::Object(fields) => {
            let fields: Map<String, Json> = fields
                .iter()
                .map(|(name, field)| {
                    (name.to_string(), json!([type_json(&field.ty), field.optional]))
                })
                .collect();
            json!({ "object": fields })
        }
    }
}

fn decode(json: &Json, names: &mut Names) -> Result<Value, String> {
    Ok(Value::new(match json {
        Json::Null => Data::Null,
        Json::Bool(b) => Data::Bool(*b),
        Json::String(text) => Data::String(text.as_str().into()),
        Json::Number(number) => {
            Data::Number(number.as_i64().map(Number::from).ok_or("a number is not whole")?)
        }
        Json::Array(elements) => Data::Tuple(decode_elements(elements, names)?),
        Json::Object(members) => match members.iter().next() {
            Some((kind, inner)) if kind.starts_with('$') => {
                return decode_marked(kind, inner, names);
            }
            _ => Data::Object(decode_entries(members, names)?),
        },
    }))
}

fn decode_marked(kind: &str, inner: &Json, names: &mut Names) -> Result<Value, String> {
    let pair = || match inner.as_array().map(Vec::as_slice) {
        Some([first, second]) => Ok((first, second)),
        _ => Err(format!("`{kind}` does not hold two things")),
    };
    let elements = |json: &Json, names: &mut Names| match json {
        Json::Array(elements) => decode_elements(elements, names),
        _ => Err(format!("the elements of `{kind}` are not a list")),
    };
    let entries = |json: &Json, names: &mut Names| match json {
        Json::Object(members) => decode_entries(members, names),
        _ => Err(format!("the entries of `{kind}` are not an object")),
    };
    Ok(Value::new(match kind {
        "$sensitive" => return Ok(decode(inner, names)?.with_sensitive(true)),
        "$number" => {
            let text = inner.as_str().unwrap_or_default();
            Data::Number(text.parse::<i64>().map(Number::from).map_err(|e| e.to_string())?)
        }
        "$object" => Data::Object(entries(inner, names)?),
        "$list" => Data::List(decode_type(pair()?.0, names)?, elements(pair()?.1, names)?),
        "$set" => Data::Set(decode_type(pair()?.0, names)?, elements(pair()?.1, names)?),
        "$map" => Data::Map(decode_type(pair()?.0, names)?, entries(pair()?.1, names)?),
        "$unknown" => {
            let (ty, origin) = pair()?;
            let ty = decode_type(ty, names)?;
            return Ok(match origin.as_str() {
                Some(origin) => Value::unknown_from(ty, origin),
                None => Value::unknown(ty),
            });
        }
        other => return Err(format!("`{other}` is no kind of value")),
    }))
}

fn decode_elements(elements: &[Json], names: &mut Names) -> Result<Arc<[Value]>, String> {
    elements.iter().map(|e| decode(e, names)).collect()
}

fn decode_entries(
    members: &Map<String, Json>,
    names: &mut Names,
) -> Result<Arc<BTreeMap<Name, Value>>, String> {
    let entries: Result<BTreeMap<Name, Value>, String> =
        members.iter().map(|(k, v)| Ok((names.intern(k), decode(v, names)?))).collect();
    entries.map(Arc::new)
}

fn decode_type(json: &Json, names: &mut Names) -> Result<Type, String> {
    let wrong = || format!("`{json}` is not a type");
    if let Some(name) = json.as_str() {
        return Ok(match name {
            "any" => Type::Any,
            "bool" => Type::Bool,
            "number" => Type::Number,
            "string" => Type::String,
            _ => return Err(wrong()),
        });
    }
    let members = json.as_object().ok_or_else(wrong)?;
    let (kind, inner) = members.iter().next().ok_or_else(wrong)?;
    Ok(match kind.as_str() {
        "list" => Type::List(decode_type(inner, names)?.into()),
        "set" => Type::Set(decode_type(inner, names)?.into()),
        "map" => Type::Map(decode_type(inner, names)?.into()),
        "tuple" => {
            let elements = inner.as_array().ok_or_else(wrong)?;
            let elements: Result<Arc<[Type]>, String> =
                elements.iter().map(|e| decode_type(e, names)).collect();
            Type::Tuple(elements?)
        }
        "object" => {
            let mut fields = BTreeMap::new();
            for (name, field) in inner.as_object().ok_or_else(wrong)? {
                let ty = decode_type(field.get(0).ok_or_else(wrong)?, names)?;
                let optional = field.get(1).and_then(Json::as_bool).unwrap_or(false);
                fields.insert(names.intern(name), Field { ty, optional });
            }
            Type::Object(Arc::new(fields))
        }
        _ => return Err(wrong()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(value: &Value) {
        let text = encode_value(value);
        let back = decode_value(&text).unwrap();
        assert_eq!(format!("{back:?}"), format!("{value:?}"), "{text}");
    }

    #[test]
    fn keeps_types_unknowns_and_marks() {
        let list: Arc<[Value]> = vec![Value::from("a"), Value::from(1)].into();
        let entries: BTreeMap<Name, Value> = [("k".into(), Value::from(true))].into();
        let marked: BTreeMap<Name, Value> = [("$list".into(), Value::from("x"))].into();
        let fields = [("f".into(), Field { ty: Type::Bool, optional: true })].into();
        let deep = Type::Object(Arc::new(fields));
        for value in [
            Value::null(),
            Value::from("text").with_sensitive(true),
            Value::from(-7),
            Value::new(Data::Tuple(Arc::clone(&list))),
            Value::new(Data::List(Type::Any, Arc::clone(&list))),
            Value::new(Data::Set(Type::Tuple([Type::Number].into()), list)),
            Value::new(Data::Map(deep.clone(), Arc::new(entries.clone()))),
            Value::object(entries),
            Value::object(marked),
            Value::unknown(Type::List(Type::String.into())),
            Value::unknown_from(deep, "nat_gateway.a.id").with_sensitive(true),
        ] {
            round_trip(&value);
        }
    }

    #[test]
    fn wrong_texts_are_refused() {
        for text in
            ["", "[", "{\"$list\":1}", "{\"$what\":1}", "{\"$unknown\":[\"x\",null]}", "1.5e"]
        {
            assert!(decode_value(text).is_err(), "{text}");
        }
        assert!(decode_object("[]", &mut Names::default()).is_err());
    }

    #[test]
    fn absent_attributes_take_no_room() {
        let object: Object =
            [("a".into(), Value::null()), ("b".into(), Value::from(1))].into_iter().collect();
        assert_eq!(encode_object(&object), r#"{"b":1}"#);
    }
}
