//! The lossless form of values and types for state and plan files: types, marks, unknowns with their
//! origin and exact numbers come back as they were.
//!
//! Null, truth values, 64-bit whole numbers and strings are plain JSON and a tuple is an array;
//! everything else is an object with one key that says what it is: `{"object": {…}}`,
//! `{"list": [type, […]]}`, `{"set": …}`, `{"map": [type, {…}]}`, `{"number": "0.5"}`,
//! `{"unknown": {"type": …, "origin": …}}`, `{"sensitive": …}`. What is nested deeper than readers of
//! JSON follow stands as a text of its own: `{"nested": "…"}`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, Serialize, SerializeMap, Serializer};

use super::{Data, Entries, Field, Name, Number, Type, Unknown, Value};

/// Returns the lossless form of a value.
pub fn encode(value: &Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Reads the lossless form of a value; the error says what was expected.
pub fn decode(json: &serde_json::Value) -> Result<Value, serde_json::Error> {
    Value::deserialize(json)
}

/// How many collections may be nested before a part becomes a text of its own. Each may take four
/// levels of JSON, and readers follow 128.
const NESTING: usize = 24;

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Part { value: self, depth: 0 }.serialize(serializer)
    }
}

/// A part of a value, and how many collections it is in.
struct Part<'a> {
    value: &'a Value,
    depth: usize,
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let collection = self.value.as_elements().is_some() || self.value.as_entries().is_some();
        if self.depth >= NESTING && collection {
            let text =
                serde_json::to_string(self.value).map_err(<S::Error as ser::Error>::custom)?;
            return tagged(serializer, "nested", &text);
        }
        let bare = Bare { data: self.value.data(), depth: self.depth };
        if self.value.is_sensitive() {
            return tagged(serializer, "sensitive", &bare);
        }
        bare.serialize(serializer)
    }
}

/// A part without its mark.
struct Bare<'a> {
    data: &'a Data,
    depth: usize,
}

impl Serialize for Bare<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let depth = self.depth + 1;
        match self.data {
            Data::Null => serializer.serialize_unit(),
            Data::Bool(b) => serializer.serialize_bool(*b),
            Data::Number(number) => match number.to_i64() {
                Some(integer) if integer != 0 || !number.is_negative() => {
                    serializer.serialize_i64(integer)
                }
                _ => tagged(serializer, "number", &number.lossless_text()),
            },
            Data::String(text) => serializer.serialize_str(text),
            Data::Tuple(elements) => Elements { elements, depth }.serialize(serializer),
            Data::Object(entries) => tagged(serializer, "object", &Named { entries, depth }),
            Data::List(ty, elements) => {
                tagged(serializer, "list", &(&**ty, Elements { elements, depth }))
            }
            Data::Set(ty, elements) => {
                tagged(serializer, "set", &(&**ty, Elements { elements, depth }))
            }
            Data::Map(ty, entries) => tagged(serializer, "map", &(&**ty, Named { entries, depth })),
            Data::Unknown(unknown) => tagged(serializer, "unknown", &**unknown),
        }
    }
}

struct Elements<'a> {
    elements: &'a [Value],
    depth: usize,
}

impl Serialize for Elements<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.elements.iter().map(|value| Part { value, depth: self.depth }))
    }
}

struct Named<'a> {
    entries: &'a Entries,
    depth: usize,
}

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let part = |value| Part { value, depth: self.depth };
        serializer.collect_map(self.entries.iter().map(|(name, value)| (name, part(value))))
    }
}

fn tagged<S: Serializer, T: Serialize + ?Sized>(
    serializer: S,
    tag: &'static str,
    content: &T,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(tag, content)?;
    map.end()
}

impl Serialize for Unknown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.ty)?;
        if let Some(origin) = &self.origin {
            map.serialize_entry("origin", &**origin)?;
        }
        if self.never_null {
            map.serialize_entry("never_null", &true)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Unknown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Parts {
            #[serde(rename = "type")]
            ty: Type,
            origin: Option<String>,
            #[serde(default)]
            never_null: bool,
        }
        let parts = Parts::deserialize(deserializer)?;
        let origin = parts.origin.map(Arc::from);
        Ok(Self { ty: parts.ty, origin, never_null: parts.never_null })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of the language")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::null())
    }

    fn visit_bool<E: de::Error>(self, b: bool) -> Result<Value, E> {
        Ok(Value::from(b))
    }

    fn visit_i64<E: de::Error>(self, integer: i64) -> Result<Value, E> {
        Ok(Value::from(integer))
    }

    fn visit_u64<E: de::Error>(self, integer: u64) -> Result<Value, E> {
        Ok(Value::from(Number::from(integer)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::string(text))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::string(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element::<Value>()? {
            elements.push(element);
        }
        Ok(Value::tuple(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let tag: String = map
            .next_key()?
            .ok_or_else(|| de::Error::custom("a tag such as `object` is missing"))?;
        let value = match &*tag {
            "object" => Value::object(map.next_value::<Entries>()?),
            "list" => {
                let (element, elements) = map.next_value::<(Type, Vec<Value>)>()?;
                Value::list(element, elements)
            }
            "set" => {
                let (element, elements) = map.next_value::<(Type, Vec<Value>)>()?;
                Value::set(element, elements)
            }
            "map" => {
                let (element, entries) = map.next_value::<(Type, Entries)>()?;
                Value::map(element, entries)
            }
            "number" => {
                let text: String = map.next_value()?;
                Value::from(Number::parse(&text).map_err(de::Error::custom)?)
            }
            "unknown" => Value::new(Data::Unknown(Arc::new(map.next_value()?))),
            "nested" => {
                let text: String = map.next_value()?;
                serde_json::from_str(&text).map_err(de::Error::custom)?
            }
            "sensitive" => map.next_value::<Value>()?.with_sensitive(true),
            other => return Err(de::Error::custom(format_args!("unknown tag `{other}`"))),
        };
        if map.next_key::<String>()?.is_some() {
            return Err(de::Error::custom("a tagged value has more than one tag"));
        }
        Ok(value)
    }
}

impl Serialize for Type {
    /// A word for primitive types and `any`, an array with a word for the others:
    /// `["list", T]`, `["tuple", [T, …]]`, `["object", {name: T}, [optional names]]`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any => serializer.serialize_str("any"),
            Self::Bool => serializer.serialize_str("bool"),
            Self::Number => serializer.serialize_str("number"),
            Self::String => serializer.serialize_str("string"),
            Self::List(element) => ("list", &**element).serialize(serializer),
            Self::Set(element) => ("set", &**element).serialize(serializer),
            Self::Map(element) => ("map", &**element).serialize(serializer),
            Self::Tuple(elements) => ("tuple", &**elements).serialize(serializer),
            Self::Object(fields) => {
                let types: BTreeMap<&str, &Self> =
                    fields.iter().map(|(name, field)| (&**name, &field.ty)).collect();
                let optional: Vec<&str> = fields
                    .iter()
                    .filter(|(_, field)| field.optional)
                    .map(|(name, _)| &**name)
                    .collect();
                if optional.is_empty() {
                    ("object", types).serialize(serializer)
                } else {
                    ("object", types, optional).serialize(serializer)
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TypeVisitor)
    }
}

struct TypeVisitor;

impl<'de> Visitor<'de> for TypeVisitor {
    type Value = Type;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a type of the language")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Type, E> {
        match word {
            "any" => Ok(Type::Any),
            "bool" => Ok(Type::Bool),
            "number" => Ok(Type::Number),
            "string" => Ok(Type::String),
            other => Err(E::custom(format_args!("unknown type `{other}`"))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Type, A::Error> {
        let missing = || de::Error::custom("a type is cut off");
        let word: String = seq.next_element()?.ok_or_else(missing)?;
        match &*word {
            "list" => Ok(Type::list(seq.next_element()?.ok_or_else(missing)?)),
            "set" => Ok(Type::set(seq.next_element()?.ok_or_else(missing)?)),
            "map" => Ok(Type::map(seq.next_element()?.ok_or_else(missing)?)),
            "tuple" => Ok(Type::tuple(seq.next_element::<Vec<Type>>()?.ok_or_else(missing)?)),
            "object" => {
                let types: BTreeMap<Name, Type> = seq.next_element()?.ok_or_else(missing)?;
                let optional: Vec<String> = seq.next_element()?.unwrap_or_default();
                Ok(Type::Object(Arc::new(
                    types
                        .into_iter()
                        .map(|(name, ty)| {
                            let optional = optional.iter().any(|o| **o == *name);
                            (name, Field { ty, optional })
                        })
                        .collect(),
                )))
            }
            other => Err(de::Error::custom(format_args!("unknown type `{other}`"))),
        }
    }
}
