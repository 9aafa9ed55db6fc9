//! Resource types with what the planner needs of them for every instance: names and types of the
//! attributes, made once and shared.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::resources::schema::OnChange;
use crate::resources::{Attribute, Object, ResourceType, Role, Schema};
use crate::value::{Name, Type, Value};

/// One resource type.
pub(crate) struct Kind {
    /// The resource type.
    pub(crate) resource: &'static dyn ResourceType,
    /// Its schema.
    pub(crate) schema: &'static Schema,
    /// Its attributes with their names and types.
    pub(crate) attributes: Vec<Known>,
}

/// One attribute.
pub(crate) struct Known {
    /// The attribute as declared.
    pub(crate) attribute: &'static Attribute,
    /// Its name, shared by all objects.
    pub(crate) name: Name,
    /// Its type.
    pub(crate) ty: Type,
}

impl Known {
    /// Returns whether configuration may set it.
    pub(crate) fn is_input(&self) -> bool {
        self.attribute.role == Role::Input
    }

    /// Returns whether a difference in it is drift.
    pub(crate) fn drifts(&self) -> bool {
        self.attribute.readable && self.attribute.role != Role::Volatile
    }

    /// Returns whether a change of it replaces the object.
    pub(crate) fn forces_replacement(&self) -> bool {
        self.is_input() && self.attribute.on_change == OnChange::Replace
    }
}

impl Kind {
    fn new(resource: &'static dyn ResourceType) -> Self {
        let schema = resource.schema();
        let attributes = schema
            .attributes
            .iter()
            .map(|attribute| Known {
                attribute,
                name: attribute.name.into(),
                ty: attribute.kind.ty(),
            })
            .collect();
        Self { resource, schema, attributes }
    }

    /// Returns the attribute of that name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Known> {
        self.attributes.iter().find(|a| &*a.name == name)
    }

    /// Returns the unknown value of an attribute of the object at `address`.
    pub(crate) fn unknown(&self, address: &str, known: &Known) -> Value {
        Value::unknown_from(known.ty.clone(), format!("{address}.{}", known.name))
    }
}

/// All resource types by name.
pub(crate) struct Kinds(BTreeMap<&'static str, Kind>);

impl Kinds {
    /// Prepares these resource types.
    pub(crate) fn new(types: impl IntoIterator<Item = &'static dyn ResourceType>) -> Self {
        Self(types.into_iter().map(|t| (t.schema().kind, Kind::new(t))).collect())
    }

    /// Returns the resource type of that name.
    pub(crate) fn get(&self, kind: &str) -> Option<&Kind> {
        self.0.get(kind)
    }
}

/// Lays what was read over what is recorded: a field that the answer leaves out keeps its recorded
/// value, one that cannot be read keeps it in any case, and marks stay.
pub(crate) fn overlay(kind: &Kind, recorded: &Object, live: &Object) -> Object {
    let mut merged = recorded.clone();
    for (name, value) in live.iter() {
        let Some(known) = kind.attribute(name) else { continue };
        if !known.attribute.readable && recorded.get(name).is_some() {
            continue;
        }
        let marked = match recorded.get(name) {
            Some(old) if old.deep_sensitive() => value.with_sensitive_paths(&old.sensitive_paths()),
            _ => value.clone(),
        };
        merged.set(Arc::clone(&known.name), marked);
    }
    merged
}
