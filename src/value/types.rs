//! Types: how they are written, what a value's type is, and what several types have in common.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::convert::may_convert;
use super::{Data, Field, Name, Type, Value};

impl Type {
    /// Returns `list(element)`.
    pub fn list(element: Self) -> Self {
        Self::List(Arc::new(element))
    }

    /// Returns `set(element)`.
    pub fn set(element: Self) -> Self {
        Self::Set(Arc::new(element))
    }

    /// Returns `map(element)`.
    pub fn map(element: Self) -> Self {
        Self::Map(Arc::new(element))
    }

    /// Returns `tuple([…])`.
    pub fn tuple(elements: impl IntoIterator<Item = Self>) -> Self {
        Self::Tuple(elements.into_iter().collect())
    }

    /// Returns an object type in which every attribute is required.
    pub fn object<N: Into<Name>>(attributes: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Object(Arc::new(
            attributes
                .into_iter()
                .map(|(name, ty)| (name.into(), Field { ty, optional: false }))
                .collect(),
        ))
    }

    /// Returns whether it is `bool`, `number` or `string`.
    pub const fn is_primitive(&self) -> bool {
        matches!(self, Self::Bool | Self::Number | Self::String)
    }

    /// Returns whether it is a list, set or map.
    pub const fn is_collection(&self) -> bool {
        matches!(self, Self::List(_) | Self::Set(_) | Self::Map(_))
    }

    /// Returns the type of the elements of a list, set or map.
    pub fn element(&self) -> Option<&Self> {
        match self {
            Self::List(element) | Self::Set(element) | Self::Map(element) => Some(element),
            _ => None,
        }
    }

    /// Returns whether `any` occurs in it.
    pub fn has_any(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_any(),
            Self::Tuple(elements) => elements.iter().any(Self::has_any),
            Self::Object(fields) => fields.values().any(|field| field.ty.has_any()),
        }
    }

    /// Returns the type with what another one says where this one says `any`.
    #[must_use]
    pub fn completed(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Any, other) => other.clone(),
            (Self::List(a), Self::List(b)) => Self::list(a.completed(b)),
            (Self::Set(a), Self::Set(b)) => Self::set(a.completed(b)),
            (Self::Map(a), Self::Map(b)) => Self::map(a.completed(b)),
            (Self::Tuple(a), Self::Tuple(b)) if a.len() == b.len() => {
                Self::tuple(a.iter().zip(b.iter()).map(|(a, b)| a.completed(b)))
            }
            (Self::Object(a), Self::Object(b)) => {
                let field = |name: &Name, field: &Field| match b.get(name) {
                    Some(other) => Field { ty: field.ty.completed(&other.ty), ..field.clone() },
                    None => field.clone(),
                };
                let fields = a.iter().map(|(name, of)| (name.clone(), field(name, of)));
                Self::Object(Arc::new(fields.collect()))
            }
            _ => self.clone(),
        }
    }

    /// Returns the words for messages, such as `list of string`; attributes of objects are left out.
    pub fn friendly_name(&self) -> String {
        match self {
            Self::Any => String::from("dynamic"),
            Self::Bool => String::from("bool"),
            Self::Number => String::from("number"),
            Self::String => String::from("string"),
            Self::List(element) => format!("list of {}", element.friendly_constraint()),
            Self::Set(element) => format!("set of {}", element.friendly_constraint()),
            Self::Map(element) => format!("map of {}", element.friendly_constraint()),
            Self::Tuple(_) => String::from("tuple"),
            Self::Object(_) => String::from("object"),
        }
    }

    /// Returns the words for messages about what is wanted, such as `list of any single type`.
    pub fn friendly_constraint(&self) -> String {
        match self {
            Self::Any => String::from("any single type"),
            other => other.friendly_name(),
        }
    }
}

impl fmt::Display for Type {
    /// Writes it as it stands in a configuration: `map(number)`, `object({a=string})`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Set(element) => write!(f, "set({element})"),
            Self::Map(element) => write!(f, "map({element})"),
            Self::Tuple(elements) => {
                f.write_str("tuple([")?;
                for (i, element) in elements.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { "," })?;
                    write!(f, "{element}")?;
                }
                f.write_str("])")
            }
            Self::Object(fields) => {
                f.write_str("object({")?;
                for (i, (name, field)) in fields.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { "," })?;
                    if is_identifier(name) {
                        f.write_str(name)?;
                    } else {
                        f.write_str(&super::display::quoted(name))?;
                    }
                    if field.optional {
                        write!(f, "=optional({})", field.ty)?;
                    } else {
                        write!(f, "={}", field.ty)?;
                    }
                }
                f.write_str("})")
            }
        }
    }
}

/// Returns whether `name` may stand without quotes as a name in a configuration.
pub fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && characters.all(|c| c == '_' || c == '-' || c.is_alphanumeric())
}

impl Value {
    /// Returns its type; `any` for null.
    pub fn type_of(&self) -> Type {
        match self.data() {
            Data::Null => Type::Any,
            Data::Unknown(unknown) => unknown.ty.clone(),
            Data::Bool(_) => Type::Bool,
            Data::Number(_) => Type::Number,
            Data::String(_) => Type::String,
            Data::List(element, _) => Type::List(Arc::clone(element)),
            Data::Set(element, _) => Type::Set(Arc::clone(element)),
            Data::Map(element, _) => Type::Map(Arc::clone(element)),
            Data::Tuple(elements) => Type::Tuple(elements.iter().map(Self::type_of).collect()),
            Data::Object(attributes) => {
                Type::object(attributes.iter().map(|(n, v)| (Arc::clone(n), v.type_of())))
            }
        }
    }
}

/// Finds the one type that values of all `types` can be converted to without a loss: objects of
/// different attributes become maps, tuples of different lengths lists, numbers and truth values
/// next to strings strings. None when there is no such type.
pub fn unify<'a>(types: impl IntoIterator<Item = &'a Type>) -> Option<Type> {
    let types: Vec<&Type> = types.into_iter().collect();
    unify_all(&types)
}

fn unify_all(types: &[&Type]) -> Option<Type> {
    let Some((first, rest)) = types.split_first() else { return Some(Type::Any) };
    if rest.iter().all(|ty| ty == first) {
        return Some((*first).clone());
    }
    // What is not known yet (or null) goes along with whatever the others have.
    let known: Vec<&Type> = types.iter().copied().filter(|ty| **ty != Type::Any).collect();
    if known.len() < types.len() {
        return unify_all(&known);
    }
    if types.iter().all(|ty| ty.is_primitive()) {
        let string = types.iter().any(|ty| **ty == Type::String);
        return string.then_some(Type::String);
    }
    if types.iter().all(|ty| matches!(ty, Type::Object(_))) {
        return unify_objects(types);
    }
    if types.iter().all(|ty| matches!(ty, Type::Tuple(_))) {
        return unify_tuples(types);
    }
    if types.iter().all(|ty| matches!(ty, Type::Object(_) | Type::Map(_))) {
        return unify_all(&elements(types)).map(Type::map);
    }
    if types.iter().all(|ty| matches!(ty, Type::Set(_))) {
        return unify_all(&elements(types)).map(Type::set);
    }
    if types.iter().all(|ty| matches!(ty, Type::Tuple(_) | Type::List(_))) {
        return unify_all(&elements(types)).map(Type::list);
    }
    if types.iter().all(|ty| matches!(ty, Type::Tuple(_) | Type::List(_) | Type::Set(_))) {
        return unify_with_sets(types);
    }
    None
}

/// Sets beside lists and tuples become the list that is among them, or else the set.
fn unify_with_sets(types: &[&Type]) -> Option<Type> {
    let lists = types.iter().filter(|ty| matches!(ty, Type::List(_)));
    let sets = types.iter().filter(|ty| matches!(ty, Type::Set(_)));
    let mut wanted = lists.chain(sets);
    wanted.find(|wanted| types.iter().all(|ty| may_convert(ty, wanted))).map(|ty| (*ty).clone())
}

/// Returns the types of everything that values of `types` contain.
fn elements<'a>(types: &[&'a Type]) -> Vec<&'a Type> {
    let mut found: Vec<&Type> = Vec::new();
    for ty in types {
        match ty {
            Type::List(element) | Type::Set(element) | Type::Map(element) => found.push(element),
            Type::Tuple(elements) => found.extend(elements.iter()),
            Type::Object(fields) => found.extend(fields.values().map(|field| &field.ty)),
            Type::Any | Type::Bool | Type::Number | Type::String => {}
        }
    }
    found
}

fn unify_objects(types: &[&Type]) -> Option<Type> {
    let all: Vec<&BTreeMap<Name, Field>> = types
        .iter()
        .filter_map(|ty| match ty {
            Type::Object(fields) => Some(&**fields),
            _ => None,
        })
        .collect();
    let first = all.first()?;
    if !all.iter().all(|fields| fields.keys().eq(first.keys())) {
        return unify_all(&elements(types)).map(Type::map);
    }
    let mut unified = BTreeMap::new();
    for name in first.keys() {
        let fields: Vec<&Field> = all.iter().filter_map(|fields| fields.get(name)).collect();
        let tys: Vec<&Type> = fields.iter().map(|field| &field.ty).collect();
        let optional = fields.iter().any(|field| field.optional);
        unified.insert(Arc::clone(name), Field { ty: unify_all(&tys)?, optional });
    }
    Some(Type::Object(Arc::new(unified)))
}

fn unify_tuples(types: &[&Type]) -> Option<Type> {
    let all: Vec<&[Type]> = types
        .iter()
        .filter_map(|ty| match ty {
            Type::Tuple(elements) => Some(&**elements),
            _ => None,
        })
        .collect();
    let length = all.first()?.len();
    if !all.iter().all(|tuple| tuple.len() == length) {
        return unify_all(&elements(types)).map(Type::list);
    }
    let unified: Option<Vec<Type>> = (0..length)
        .map(|i| unify_all(&all.iter().filter_map(|tuple| tuple.get(i)).collect::<Vec<_>>()))
        .collect();
    unified.map(Type::tuple)
}
