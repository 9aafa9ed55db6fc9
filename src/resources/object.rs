//! An object: the attributes of one instance, in any of its four views.

use std::sync::{Arc, LazyLock};

use crate::value::{Entries, Name, Value};

/// The attributes of an instance by name. Cheap to clone; attributes that are absent read as null.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Object(Arc<Entries>);

impl Default for Object {
    /// Empty objects share one map: a plan of many creates has one an operation.
    fn default() -> Self {
        static EMPTY: LazyLock<Arc<Entries>> = LazyLock::new(Arc::default);
        Self(Arc::clone(&EMPTY))
    }
}

impl Object {
    /// Creates an object without attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns an attribute, if it is there and not null.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|v| !v.is_null())
    }

    /// Returns an attribute's text, if it is a known text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// Returns whether it says anything of an attribute, even that it is null.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns an attribute's whole number, if it is a known one.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_number()?.to_i64()
    }

    /// Returns an attribute's truth value; false where there is none.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// Returns an attribute's texts, if it is a list or set of known texts.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        let elements = self.get(name)?.as_elements()?;
        elements.iter().map(|element| element.as_str().map(str::to_owned)).collect()
    }

    /// Returns whether no attribute is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns this object laid over `under`: an attribute of which this one says nothing keeps the
    /// value that it has there, and one that is marked sensitive there stays marked.
    #[must_use]
    pub fn over(&self, under: &Self) -> Self {
        let mut merged = (*under.0).clone();
        for (name, value) in self.0.iter() {
            let marked = merged.get(name).is_some_and(Value::deep_sensitive);
            let value = if marked { value.clone().with_sensitive(true) } else { value.clone() };
            merged.insert(Arc::clone(name), value);
        }
        Self(Arc::new(merged))
    }

    /// Sets an attribute.
    pub fn set(&mut self, name: impl Into<Name>, value: Value) {
        Arc::make_mut(&mut self.0).insert(name.into(), value);
    }

    /// Removes an attribute.
    pub fn remove(&mut self, name: &str) {
        if self.0.contains_key(name) {
            Arc::make_mut(&mut self.0).remove(name);
        }
    }

    /// Iterates over the attributes by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Value)> {
        self.0.iter()
    }

    /// Returns it as a value of the language.
    pub fn to_value(&self) -> Value {
        Value::new(crate::value::Data::Object(Arc::clone(&self.0)))
    }
}

impl FromIterator<(Name, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (Name, Value)>>(attributes: I) -> Self {
        Self(Arc::new(attributes.into_iter().collect()))
    }
}
