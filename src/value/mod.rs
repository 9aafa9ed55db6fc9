//! Values and types of the language: what expressions evaluate to and what objects are made of.
//!
//! A [`Value`] may be unknown (with its type and, where it has one, its origin) and may be marked
//! sensitive; the mark survives every operation. Values are cheap to clone. This module knows no
//! syntax and no resource type.

mod codec;
mod convert;
pub(crate) mod decimal;
mod display;
mod entries;
mod equality;
mod json;
mod marks;
mod number;
mod order;
mod path;
mod shape;
#[cfg(test)]
mod tests;
mod types;

pub use codec::{decode, encode};
pub use convert::{ConversionError, Defaults, convert, may_convert};
pub use display::{SENSITIVE, UNKNOWN, display, display_as, display_type, quoted};
pub use entries::Entries;
pub use equality::{Equality, equals, equals_value};
pub use json::{
    JsonError, NotWritable, from_json, from_json_tree, to_json, write_json, write_json_escaped,
};
pub use number::{Number, NumberError};
pub use path::{Path, Step};
pub use shape::Shape;
pub use types::{is_identifier, unify};

use std::collections::BTreeMap;
use std::sync::Arc;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// A name of an attribute or a key of a map.
pub type Name = Arc<str>;

/// The type of a value or of a variable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// Any type (`any`); as the type of an unknown value: not known yet.
    Any,
    /// `bool`
    Bool,
    /// `number`
    Number,
    /// `string`
    String,
    /// `list(T)`
    List(Arc<Type>),
    /// `set(T)`
    Set(Arc<Type>),
    /// `map(T)`
    Map(Arc<Type>),
    /// `tuple([T, …])`
    Tuple(Arc<[Type]>),
    /// `object({…})`
    Object(Arc<BTreeMap<Name, Field>>),
}

/// One attribute of an object type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field {
    /// Its type.
    pub ty: Type,
    /// Whether it may be left out (`optional(T)`).
    pub optional: bool,
}

/// What a value is, without its mark.
#[derive(Debug, Clone)]
pub enum Data {
    /// Absent; of any type.
    Null,
    /// Not known before apply.
    Unknown(Arc<Unknown>),
    /// Truth value.
    Bool(bool),
    /// Number.
    Number(Number),
    /// Text, in normalisation form C.
    String(Arc<str>),
    /// List with its element type.
    List(Arc<Type>, Arc<[Value]>),
    /// Set with its element type; elements sorted and distinct.
    Set(Arc<Type>, Arc<[Value]>),
    /// Tuple.
    Tuple(Arc<[Value]>),
    /// Map with its element type.
    Map(Arc<Type>, Arc<Entries>),
    /// Object.
    Object(Arc<Entries>),
}

/// A value that only apply will know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Its type, as far as it is known.
    pub ty: Type,
    /// Where it comes from, such as `nat_gateway.main.forward_table_id`: two unknowns of one origin
    /// are the same value.
    pub origin: Option<Arc<str>>,
    /// Whether it is sure not to be null.
    pub never_null: bool,
}

/// A value of the language.
#[derive(Debug, Clone)]
pub struct Value {
    data: Data,
    sensitive: bool,
}

impl Value {
    /// Wraps data without a mark.
    pub const fn new(data: Data) -> Self {
        Self { data, sensitive: false }
    }

    /// Returns the null value.
    pub const fn null() -> Self {
        Self::new(Data::Null)
    }

    /// Returns an unknown value of type `ty`.
    pub fn unknown(ty: Type) -> Self {
        Self::new(Data::Unknown(Arc::new(Unknown { ty, origin: None, never_null: false })))
    }

    /// Returns an unknown value that comes from `origin`.
    pub fn unknown_from(ty: Type, origin: impl Into<Arc<str>>) -> Self {
        let origin = Some(origin.into());
        Self::new(Data::Unknown(Arc::new(Unknown { ty, origin, never_null: false })))
    }

    /// Returns an unknown value as one that is sure not to be null; a known one as it is.
    #[must_use]
    pub fn never_null(mut self) -> Self {
        if let Data::Unknown(unknown) = &mut self.data
            && !unknown.never_null
        {
            Arc::make_mut(unknown).never_null = true;
        }
        self
    }

    /// Returns whether it is null, or unknown and may turn out to be.
    pub fn may_be_null(&self) -> bool {
        match &self.data {
            Data::Null => true,
            Data::Unknown(unknown) => !unknown.never_null,
            _ => false,
        }
    }

    /// Returns a text as it is; text from outside, which may not be in normalisation form C, goes
    /// through [`Value::text`].
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::new(Data::String(text.into()))
    }

    /// Returns a text, brought to normalisation form C.
    pub fn text(text: &str) -> Self {
        Self::new(Data::String(normalised(text)))
    }

    /// Returns a list of elements that are of type `element` already.
    pub fn list(element: Type, elements: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Data::List(Arc::new(element), elements.into_iter().collect()))
    }

    /// Returns a set of elements that are of type `element` already. Unknown elements count as
    /// different, unless they have one origin. A mark on an element becomes one on the set, because
    /// the place of an element would tell it.
    pub fn set(element: Type, elements: impl IntoIterator<Item = Self>) -> Self {
        let mut sensitive = false;
        let mut distinct: Vec<Self> = elements
            .into_iter()
            .map(|value| {
                if value.deep_sensitive() {
                    sensitive = true;
                    value.unmark_deep()
                } else {
                    value
                }
            })
            .collect();
        distinct.sort();
        distinct.dedup_by(|a, b| a == b && equals(a, b) == Equality::Same);
        if !element.is_primitive() {
            distinct.sort_by_cached_key(order::key);
        }
        Self::new(Data::Set(Arc::new(element), distinct.into())).with_sensitive(sensitive)
    }

    /// Returns a tuple.
    pub fn tuple(elements: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Data::Tuple(elements.into_iter().collect()))
    }

    /// Returns a map of elements that are of type `element` already.
    pub fn map(element: Type, entries: Entries) -> Self {
        Self::new(Data::Map(Arc::new(element), Arc::new(entries)))
    }

    /// Returns an object of attributes in any order.
    pub fn object_of<N: Into<Name>>(attributes: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::object(attributes.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// Returns an object.
    pub fn object(attributes: Entries) -> Self {
        Self::new(Data::Object(Arc::new(attributes)))
    }

    /// Returns what it is, without its mark.
    pub const fn data(&self) -> &Data {
        &self.data
    }

    /// Returns whether this value itself is marked (its elements may be marked on their own).
    pub const fn is_sensitive(&self) -> bool {
        self.sensitive
    }

    /// Returns it with the mark set or cleared.
    #[must_use]
    pub fn with_sensitive(mut self, sensitive: bool) -> Self {
        self.sensitive = sensitive;
        self
    }

    /// Returns whether it is null.
    pub const fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// Returns whether it is unknown itself (its elements may be unknown on their own).
    pub const fn is_unknown(&self) -> bool {
        matches!(self.data, Data::Unknown(_))
    }

    /// Returns the text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the truth value, if it is one.
    pub const fn as_bool(&self) -> Option<bool> {
        match &self.data {
            Data::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// Returns the number, if it is one.
    pub const fn as_number(&self) -> Option<&Number> {
        match &self.data {
            Data::Number(n) => Some(n),
            _ => None,
        }
    }

    /// Returns the elements, if it is a list, set or tuple.
    pub fn as_elements(&self) -> Option<&[Self]> {
        match &self.data {
            Data::List(_, e) | Data::Set(_, e) | Data::Tuple(e) => Some(e),
            _ => None,
        }
    }

    /// Returns the entries, if it is a map or object.
    pub fn as_entries(&self) -> Option<&Entries> {
        match &self.data {
            Data::Map(_, e) | Data::Object(e) => Some(e),
            _ => None,
        }
    }
}

/// Why an element cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The value has no elements, or is null.
    #[error("this value does not have any indices")]
    NotIndexable,
    /// The key is of the wrong type.
    #[error("{0}")]
    WrongKey(&'static str),
    /// There is no such element.
    #[error("the given key does not identify an element in this collection value: {0}")]
    Missing(String),
}

impl Value {
    /// Returns an entry of a map or an attribute of an object as it is stored (a mark on the whole
    /// is not added).
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_entries()?.get(name)
    }

    /// Returns the element at `key`: whole numbers for lists and tuples, strings for maps and
    /// objects, each also in the other's clothes. Marks of the whole and of the key pass to the
    /// element; an unknown key or whole gives an unknown element.
    pub fn index(&self, key: &Self) -> Result<Self, IndexError> {
        let sensitive = self.sensitive || key.sensitive;
        let marked = |value: Self| {
            let both = sensitive || value.sensitive;
            value.with_sensitive(both)
        };
        match &self.data {
            Data::List(_, elements) | Data::Tuple(elements) => {
                if key.is_unknown() {
                    return Ok(marked(Self::unknown(self.element_type())));
                }
                let position = whole_key(key)?;
                elements.get(position).cloned().map(marked).ok_or_else(|| {
                    IndexError::Missing(match elements.len() {
                        0 => String::from("there are no elements"),
                        1 => format!("the index {position} is beyond the only element"),
                        count => format!("the index {position} is beyond the {count} elements"),
                    })
                })
            }
            Data::Map(_, entries) | Data::Object(entries) => {
                if key.is_unknown() {
                    return Ok(marked(Self::unknown(self.element_type())));
                }
                let name = name_key(key)?;
                let missing = || IndexError::Missing(format!("there is no {}", quoted(&name)));
                entries.get(&name).cloned().map(marked).ok_or_else(missing)
            }
            Data::Unknown(unknown) => match &unknown.ty {
                Type::Any => Ok(marked(Self::unknown(Type::Any))),
                Type::List(_) | Type::Map(_) | Type::Tuple(_) | Type::Object(_) => {
                    let ty = indexed_type(&unknown.ty, key)?;
                    let object = matches!(unknown.ty, Type::Object(_));
                    Ok(marked(match (&unknown.origin, key_text(key, object)) {
                        (Some(origin), Some(step)) => {
                            Self::unknown_from(ty, format!("{origin}{step}"))
                        }
                        _ => Self::unknown(ty),
                    }))
                }
                _ => Err(IndexError::NotIndexable),
            },
            _ => Err(IndexError::NotIndexable),
        }
    }

    /// Returns the type that an element of it has, as far as all have one.
    fn element_type(&self) -> Type {
        match self.type_of() {
            Type::List(element) | Type::Set(element) | Type::Map(element) => (*element).clone(),
            Type::Tuple(elements) => unify(elements.iter()).unwrap_or(Type::Any),
            Type::Object(fields) => {
                unify(fields.values().map(|field| &field.ty)).unwrap_or(Type::Any)
            }
            _ => Type::Any,
        }
    }
}

/// Returns the step of a known key as it is appended to an origin.
fn key_text(key: &Value, object: bool) -> Option<String> {
    match &key.data {
        Data::String(text) if object && is_identifier(text) => Some(format!(".{text}")),
        Data::Number(number) => Some(format!("[{number}]")),
        Data::String(text) => Some(format!("[{}]", quoted(text))),
        _ => None,
    }
}

/// Returns the type of the element at `key` of an unknown value of type `ty`.
fn indexed_type(ty: &Type, key: &Value) -> Result<Type, IndexError> {
    match ty {
        Type::List(element) | Type::Map(element) => Ok((**element).clone()),
        Type::Tuple(elements) if !key.is_unknown() => {
            let position = whole_key(key)?;
            let beyond = || IndexError::Missing(format!("the index {position} is beyond the end"));
            elements.get(position).cloned().ok_or_else(beyond)
        }
        Type::Object(fields) if !key.is_unknown() => {
            let name = name_key(key)?;
            let missing = || IndexError::Missing(format!("there is no {}", quoted(&name)));
            fields.get(&name).map(|field| field.ty.clone()).ok_or_else(missing)
        }
        _ => Ok(Type::Any),
    }
}

fn whole_key(key: &Value) -> Result<usize, IndexError> {
    const MESSAGE: &str = "a whole number is required as key";
    let number = match &key.data {
        Data::Number(number) => number.clone(),
        Data::String(text) => Number::parse(text).map_err(|_| IndexError::WrongKey(MESSAGE))?,
        _ => return Err(IndexError::WrongKey(MESSAGE)),
    };
    if number.is_integer() && number.is_negative() && !number.is_zero() {
        return Err(IndexError::Missing(format!("the index {number} is negative")));
    }
    number.to_usize().ok_or(IndexError::WrongKey(MESSAGE))
}

fn name_key(key: &Value) -> Result<Name, IndexError> {
    match &key.data {
        Data::String(text) => Ok(Arc::clone(text)),
        Data::Number(number) => Ok(number.to_string().into()),
        Data::Bool(b) => Ok(b.to_string().into()),
        _ => Err(IndexError::WrongKey("a string is required as key")),
    }
}

/// Brings a text to normalisation form C.
pub fn normalised(text: &str) -> Name {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text.into();
    }
    text.nfc().collect::<String>().into()
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::new(Data::Number(number))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::new(Data::Number(Number::from(number)))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::string(text)
    }
}

impl From<Name> for Value {
    fn from(text: Name) -> Self {
        Self::string(text)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::new(Data::Bool(b))
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::new(Data::Number(Number::from(n)))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

/// Tells whether two values are the same: `None` while unknowns leave it open. Marks do not count.
pub fn same(a: &Value, b: &Value) -> Option<bool> {
    match equals(a, b) {
        Equality::Same => Some(true),
        Equality::Different => Some(false),
        Equality::Undecided => None,
    }
}
