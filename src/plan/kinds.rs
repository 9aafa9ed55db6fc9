//! Resource types with what the planner needs of them for every instance: names and types of the
//! attributes, made once and shared.

use std::collections::BTreeMap;

use crate::resources::{self, Attribute, ResourceType, Role, Schema};
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
    /// An unknown value of its type, shared where nobody asks where it comes from.
    anonymous: Value,
}

impl Known {
    /// Returns whether a difference in it is drift.
    pub(crate) fn drifts(&self) -> bool {
        self.attribute.readable && self.attribute.role != Role::Volatile
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
                name: resources::schema::name(attribute.name),
                ty: attribute.kind.ty(),
                anonymous: Value::unknown(attribute.kind.ty()),
            })
            .collect();
        Self { resource, schema, attributes }
    }

    /// Returns the unknown value of an attribute of the object at `address`.
    pub(crate) fn unknown(address: &str, known: &Known) -> Value {
        if known.attribute.role == Role::Volatile {
            return known.anonymous.clone();
        }
        let value = Value::unknown_from(known.ty.clone(), format!("{address}.{}", known.name));
        // Every object has an id.
        if &*known.name == "id" { value.never_null() } else { value }
    }
}

/// All resource types by name.
pub(crate) struct Kinds(BTreeMap<&'static str, Kind>);

impl Kinds {
    /// Prepares all resource types.
    pub(crate) fn new() -> Self {
        Self(resources::all().into_iter().map(|t| (t.schema().kind, Kind::new(t))).collect())
    }

    /// Returns the resource type of that name.
    pub(crate) fn get(&self, kind: &str) -> Option<&Kind> {
        self.0.get(kind)
    }
}
