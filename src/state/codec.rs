//! Objects and values as JSON text, as the state's columns hold them: the lossless form of
//! [`crate::value`], an object being a JSON object of its attributes.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value as Json};

use crate::resources::Object;
use crate::value::{self, Name, Value};

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
    Json::Object(object_json(object)).to_string()
}

/// Encodes an object as JSON; attributes that are null are left out.
pub(super) fn object_json(object: &Object) -> Map<String, Json> {
    let present = object.iter().filter(|(_, value)| !value.is_null() || value.is_sensitive());
    present.map(|(name, value)| (name.to_string(), value::encode(value))).collect()
}

/// Decodes an object. The error says what is wrong with the text.
pub fn decode_object(text: &str, names: &mut Names) -> Result<Object, String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let object = Attributes(names).deserialize(&mut deserializer).map_err(|e| e.to_string())?;
    deserializer.end().map_err(|e| e.to_string())?;
    Ok(object)
}

/// Decodes an object from JSON. The error says what is wrong with it.
pub(super) fn object_from_json(json: &Json) -> Result<Object, String> {
    Attributes(&mut Names::default()).deserialize(json).map_err(|e| e.to_string())
}

/// Encodes a value.
pub fn encode_value(value: &Value) -> String {
    value::encode(value).to_string()
}

/// Decodes a value. The error says what is wrong with the text.
pub fn decode_value(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|e| e.to_string())
}

/// Reads an object with shared names.
struct Attributes<'a>(&'a mut Names);

impl<'de> DeserializeSeed<'de> for Attributes<'_> {
    type Value = Object;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Attributes<'_> {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the attributes of an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut attributes: Vec<(Name, Value)> = Vec::new();
        while let Some(name) = map.next_key_seed(SharedName(&mut *self.0))? {
            attributes.push((name, map.next_value()?));
        }
        Ok(attributes.into_iter().collect())
    }
}

/// Reads one name.
struct SharedName<'a>(&'a mut Names);

impl<'de> DeserializeSeed<'de> for SharedName<'_> {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for SharedName<'_> {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an attribute")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        Ok(self.0.intern(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Type;

    #[test]
    fn absent_attributes_take_no_room_and_the_rest_comes_back() {
        let object: Object = [
            ("a".into(), Value::null()),
            ("b".into(), Value::from(1i64)),
            ("c".into(), Value::from("x").with_sensitive(true)),
            ("d".into(), Value::unknown_from(Type::String, "nat_gateway.a.id")),
        ]
        .into_iter()
        .collect();
        let text = encode_object(&object);
        assert!(!text.contains("\"a\""), "{text}");
        let back = decode_object(&text, &mut Names::default()).unwrap();
        assert_eq!(encode_object(&back), text);
        assert!(back.get("c").unwrap().is_sensitive());
        assert!(back.get("d").unwrap().is_unknown());
        let json: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(encode_object(&object_from_json(&json).unwrap()), text);
    }

    #[test]
    fn wrong_texts_are_refused() {
        for text in ["", "[]", "{\"a\":{\"what\":1}}", "{\"a\":1}x", "{\"a\":"] {
            assert!(decode_object(text, &mut Names::default()).is_err(), "{text}");
        }
    }
}
