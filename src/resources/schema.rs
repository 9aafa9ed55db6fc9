//! Schemas: the attributes of a resource type as data.

use crate::value::Type;

/// Where an attribute's value comes from, and whether a difference in it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Set by configuration.
    Input,
    /// Computed by the service once.
    Stable,
    /// Computed and changing on its own: never drift and never a reason for a change.
    Volatile,
}

/// What a change of an input means after creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnChange {
    /// Changed in place by the calls that `compile` gives.
    Update,
    /// The object is replaced.
    Replace,
    /// Refused, with this advice.
    Refuse(&'static str),
    /// Kept in state only; no call.
    Record,
}

/// The type of an attribute, as static data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// Whole number.
    Integer,
    /// Truth value.
    Bool,
    /// List of texts.
    Strings,
    /// Set of texts: compared without order.
    StringSet,
    /// List of objects.
    Objects(&'static [Attribute]),
    /// One object.
    Struct(&'static [Attribute]),
}

impl Kind {
    /// Returns the type of the language.
    pub fn ty(self) -> Type {
        let object = |fields: &[Attribute]| {
            Type::Object(std::sync::Arc::new(
                fields
                    .iter()
                    .map(|f| {
                        let field = crate::value::Field { ty: f.kind.ty(), optional: true };
                        (f.name.into(), field)
                    })
                    .collect(),
            ))
        };
        match self {
            Self::String => Type::String,
            Self::Integer => Type::Number,
            Self::Bool => Type::Bool,
            Self::Strings => Type::List(Type::String.into()),
            Self::StringSet => Type::Set(Type::String.into()),
            Self::Objects(fields) => Type::List(object(fields).into()),
            Self::Struct(fields) => object(fields),
        }
    }
}

/// One attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Name in configuration (the service's name in snake case).
    pub name: &'static str,
    /// Name on the wire.
    pub wire: &'static str,
    /// Type.
    pub kind: Kind,
    /// Where its value comes from.
    pub role: Role,
    /// Whether configuration must set it.
    pub required: bool,
    /// Whether the service chooses a value when configuration sets none.
    pub computed: bool,
    /// Whether it can be read back; one that cannot is compared with state alone.
    pub readable: bool,
    /// Whether it can be cleared; one that cannot keeps its live value when it is removed from
    /// configuration, and the plan says so.
    pub clearable: bool,
    /// What a change of it means.
    pub on_change: OnChange,
    /// What it is, with units, format and range, for documentation and errors.
    pub doc: &'static str,
}

/// A resource type's or data source's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// Name in configuration.
    pub kind: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Attributes in the order of documentation.
    pub attributes: &'static [Attribute],
    /// Nested blocks: name, attributes, and how many there may be.
    pub blocks: &'static [(&'static str, &'static [Attribute], usize)],
    /// Version of the stored form of objects.
    pub version: u32,
}

impl Schema {
    /// Returns the attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }
}
