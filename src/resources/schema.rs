//! Schemas: the attributes of a resource type as data.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::Object;
use crate::api::catalogue::Edition;
use crate::value::{Data, Name, Type, Value};

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
    /// The object is replaced, because the service has no way back (`nat_type` to `Normal`).
    OneWay,
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
            Type::Object(Arc::new(
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

/// One attribute. The builders start from an optional, readable input that cannot be cleared.
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
    /// The only edition of the reference that has it, where one lacks it.
    pub edition: Option<Edition>,
    /// What it is, with units, format and range, for documentation and errors.
    pub doc: &'static str,
}

impl Attribute {
    const fn new(
        name: &'static str,
        wire: &'static str,
        kind: Kind,
        role: Role,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            wire,
            kind,
            role,
            required: false,
            computed: !matches!(role, Role::Input),
            readable: true,
            clearable: false,
            on_change: OnChange::Update,
            edition: None,
            doc,
        }
    }

    /// Creates an optional input.
    pub const fn input(
        name: &'static str,
        wire: &'static str,
        kind: Kind,
        on_change: OnChange,
        doc: &'static str,
    ) -> Self {
        let mut attribute = Self::new(name, wire, kind, Role::Input, doc);
        attribute.on_change = on_change;
        attribute
    }

    /// Creates an attribute that the service computes once.
    pub const fn stable(
        name: &'static str,
        wire: &'static str,
        kind: Kind,
        doc: &'static str,
    ) -> Self {
        Self::new(name, wire, kind, Role::Stable, doc)
    }

    /// Creates an attribute that the service computes and changes on its own.
    pub const fn volatile(
        name: &'static str,
        wire: &'static str,
        kind: Kind,
        doc: &'static str,
    ) -> Self {
        Self::new(name, wire, kind, Role::Volatile, doc)
    }

    /// Makes it one that configuration must set.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Makes it one for which the service chooses a value when configuration sets none.
    #[must_use]
    pub const fn computed(mut self) -> Self {
        self.computed = true;
        self
    }

    /// Makes it one that cannot be read back.
    #[must_use]
    pub const fn unreadable(mut self) -> Self {
        self.readable = false;
        self
    }

    /// Makes it one that can be cleared.
    #[must_use]
    pub const fn clearable(mut self) -> Self {
        self.clearable = true;
        self
    }

    /// Makes it one that only this edition of the reference has.
    #[must_use]
    pub const fn only_in(mut self, edition: Edition) -> Self {
        self.edition = Some(edition);
        self
    }

    /// Returns whether configuration may set it.
    pub const fn is_input(&self) -> bool {
        matches!(self.role, Role::Input)
    }

    /// Brings a configured value closer to the attribute's type than ordinary conversion does; called
    /// before it. A text for a set of texts becomes the set of its comma-separated parts, so that
    /// `snat_ip = "1.2.3.4"` and the service's own `"1.2.3.4,1.2.3.5"` are accepted.
    pub fn coerce(&self, value: &Value) -> Value {
        if !matches!(self.kind, Kind::StringSet) {
            return value.clone();
        }
        let coerced = match value.data() {
            Data::String(text) => Value::set(Type::String, parts(text)),
            Data::Unknown(unknown) if unknown.ty == Type::String => match &unknown.origin {
                Some(origin) => Value::unknown_from(self.kind.ty(), Arc::clone(origin)),
                None => Value::unknown(self.kind.ty()),
            },
            _ => return value.clone(),
        };
        coerced.with_sensitive(value.is_sensitive())
    }
}

/// Splits a comma-separated text into its parts.
fn parts(text: &str) -> impl Iterator<Item = Value> + '_ {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Value::from)
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
    /// Nested blocks: name, attributes, and how many there may be. The blocks of a name make up the
    /// input of that name, a list of objects with the same attributes, which says what a change of
    /// them means.
    pub blocks: &'static [(&'static str, &'static [Attribute], usize)],
    /// Version of the stored form of objects.
    pub version: u32,
}

impl Schema {
    /// Returns the attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }

    /// Returns the object as a value of the language that has every attribute, null where the object
    /// has none.
    pub fn complete(&self, object: &Object) -> Value {
        let mut attributes: BTreeMap<Name, Value> =
            self.attributes.iter().map(|a| (name(a.name), Value::null())).collect();
        attributes.extend(object.iter().map(|(n, v)| (Arc::clone(n), v.clone())));
        Value::object(attributes.into())
    }
}

/// Returns whether answers tell of an attribute.
const fn is_read(attribute: &Attribute) -> bool {
    attribute.readable && !(attribute.is_input() && attribute.wire.is_empty())
}

/// Counts the attributes of which answers tell.
pub(super) const fn count_readable(all: &[Attribute]) -> usize {
    let (mut count, mut index) = (0, 0);
    while index < all.len() {
        if is_read(&all[index]) {
            count += 1;
        }
        index += 1;
    }
    count
}

/// Picks the attributes of which answers tell.
pub(super) const fn readable<const N: usize>(all: &[Attribute]) -> [Attribute; N] {
    let mut picked = [all[0]; N];
    let (mut count, mut index) = (0, 0);
    while index < all.len() {
        if is_read(&all[index]) {
            picked[count] = all[index];
            count += 1;
        }
        index += 1;
    }
    picked
}

/// Returns the shared form of an attribute's name, so that 100,000 objects hold it once.
pub(crate) fn name(text: &str) -> Name {
    NAMES.get(text).map_or_else(|| text.into(), Arc::clone)
}

static NAMES: LazyLock<BTreeMap<&'static str, Name>> = LazyLock::new(|| {
    fn collect(attributes: &'static [Attribute], names: &mut BTreeMap<&'static str, Name>) {
        for attribute in attributes {
            names.entry(attribute.name).or_insert_with(|| attribute.name.into());
            if let Kind::Objects(fields) | Kind::Struct(fields) = attribute.kind {
                collect(fields, names);
            }
        }
    }
    let mut names = BTreeMap::new();
    for schema in super::schemas() {
        collect(schema.attributes, &mut names);
    }
    names
});
