//! Conversion of values to types, by Terraform's rules.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::path::{Path, Step};
use super::types::unify;
use super::{Data, Entries, Field, Name, Number, Type, Value};

/// Why a value has no counterpart in a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversionError {
    /// The part that does not fit; empty for the whole.
    pub path: Path,
    /// What is required there.
    pub message: String,
}

impl ConversionError {
    fn new(message: impl Into<String>) -> Self {
        Self { path: Path::root(), message: message.into() }
    }

    fn below(mut self, step: Step) -> Self {
        self.path.0.insert(0, step);
        self
    }
}

impl fmt::Display for ConversionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_root() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for ConversionError {}

/// Converts `value` to `ty`. Null is of every type. Marks stay where they are, unknowns keep their
/// origin unless the conversion may fail once they are known. `any` inside a collection stands for
/// the one type that all elements can have; elsewhere it takes what there is.
pub fn convert(value: &Value, ty: &Type) -> Result<Value, ConversionError> {
    if let Some(same) = unchanged(value, ty) {
        return Ok(same);
    }
    let converted = match value.data() {
        Data::Null => return Ok(value.clone()),
        Data::Unknown(unknown) => {
            if !may_convert(&unknown.ty, ty) {
                return Err(mismatch(value, ty));
            }
            let target = if ty.has_any() { merged(&unknown.ty, ty) } else { ty.clone() };
            let same = match &unknown.origin {
                Some(origin) if always_converts(&unknown.ty, &target) => {
                    Value::unknown_from(target, Arc::clone(origin))
                }
                _ => Value::unknown(target),
            };
            if unknown.never_null { same.never_null() } else { same }
        }
        _ => match ty {
            Type::Any => value.clone(),
            Type::String => to_string(value).ok_or_else(|| mismatch(value, ty))?,
            Type::Number => to_number(value)?,
            Type::Bool => to_bool(value)?,
            Type::List(element) => {
                let elements = sequence(value, element).ok_or_else(|| mismatch(value, ty))??;
                let (element, elements) = unified(element, elements, "list")?;
                Value::list(element, elements)
            }
            Type::Set(element) => {
                let elements = sequence(value, element).ok_or_else(|| mismatch(value, ty))??;
                let (element, elements) = unified(element, elements, "set")?;
                Value::set(element, elements)
            }
            Type::Map(element) => to_map(value, element, ty)?,
            Type::Tuple(types) => to_tuple(value, types, ty)?,
            Type::Object(fields) => to_object(value, fields, ty)?,
        },
    };
    let marked = value.is_sensitive() || converted.is_sensitive();
    Ok(converted.with_sensitive(marked))
}

/// Returns the value itself where it plainly is of the type already.
fn unchanged(value: &Value, ty: &Type) -> Option<Value> {
    let same = match (value.data(), ty) {
        (Data::Bool(_), Type::Bool)
        | (Data::Number(_), Type::Number)
        | (Data::String(_), Type::String)
        | (_, Type::Any) => true,
        (Data::List(have, _), Type::List(want))
        | (Data::Set(have, _), Type::Set(want))
        | (Data::Map(have, _), Type::Map(want)) => have == want && !want.has_any(),
        _ => false,
    };
    same.then(|| value.clone())
}

fn mismatch(value: &Value, ty: &Type) -> ConversionError {
    let have = value.type_of();
    match ty {
        Type::Bool | Type::Number | Type::String if have.is_primitive() => {
            let article = if *ty == Type::Bool || *ty == Type::Number { "a " } else { "" };
            ConversionError::new(format!("{article}{} is required", ty.friendly_constraint()))
        }
        _ => ConversionError::new(format!(
            "{} required, but have {}",
            ty.friendly_constraint(),
            have.friendly_name()
        )),
    }
}

fn to_string(value: &Value) -> Option<Value> {
    match value.data() {
        Data::Bool(b) => Some(Value::string(if *b { "true" } else { "false" })),
        Data::Number(number) => Some(Value::string(number.to_string())),
        _ => None,
    }
}

fn to_number(value: &Value) -> Result<Value, ConversionError> {
    match value.data() {
        Data::String(text) => Number::parse(text)
            .map(|number| Value::new(Data::Number(number)))
            .map_err(|error| ConversionError::new(error.to_string())),
        _ => Err(mismatch(value, &Type::Number)),
    }
}

fn to_bool(value: &Value) -> Result<Value, ConversionError> {
    let Some(text) = value.as_str() else { return Err(mismatch(value, &Type::Bool)) };
    match text {
        "true" | "1" => Ok(Value::from(true)),
        "false" | "0" => Ok(Value::from(false)),
        "True" | "TRUE" => Err(ConversionError::new(
            "a bool is required; to convert from string, use lowercase \"true\"",
        )),
        "False" | "FALSE" => Err(ConversionError::new(
            "a bool is required; to convert from string, use lowercase \"false\"",
        )),
        _ => Err(ConversionError::new("a bool is required")),
    }
}

type Elements = Result<Vec<Value>, ConversionError>;

/// Converts the elements of a list, set or tuple; none for other values.
fn sequence(value: &Value, element: &Type) -> Option<Elements> {
    let elements = value.as_elements()?;
    Some(
        elements
            .iter()
            .enumerate()
            .map(|(i, e)| convert(e, element).map_err(|error| error.below(Step::Index(i))))
            .collect(),
    )
}

/// Brings the elements of a collection to one type where `element` leaves it open.
fn unified(
    element: &Type,
    elements: Vec<Value>,
    kind: &str,
) -> Result<(Type, Vec<Value>), ConversionError> {
    if !element.has_any() {
        return Ok((element.clone(), elements));
    }
    let types: Vec<Type> = elements.iter().map(Value::type_of).collect();
    let common = unify(&types).ok_or_else(|| {
        ConversionError::new(format!("all {kind} elements must have the same type"))
    })?;
    if common.has_any() || types.iter().all(|ty| *ty == common) {
        return Ok((common, elements));
    }
    let converted: Elements = elements
        .iter()
        .enumerate()
        .map(|(i, e)| convert(e, &common).map_err(|error| error.below(Step::Index(i))))
        .collect();
    Ok((common, converted?))
}

fn to_map(value: &Value, element: &Type, ty: &Type) -> Result<Value, ConversionError> {
    let Some(entries) = value.as_entries() else { return Err(mismatch(value, ty)) };
    let keys: Vec<&Name> = entries.keys().collect();
    let named = |error: ConversionError, key: &Name| error.below(Step::Key(Arc::clone(key)));
    let values: Elements = entries
        .iter()
        .map(|(key, v)| convert(v, element).map_err(|error| named(error, key)))
        .collect();
    let (element, values) = unified(element, values?, "map")?;
    Ok(Value::map(element, keys.into_iter().cloned().zip(values).collect()))
}

fn to_tuple(value: &Value, types: &[Type], ty: &Type) -> Result<Value, ConversionError> {
    let Data::Tuple(elements) = value.data() else { return Err(mismatch(value, ty)) };
    if elements.len() != types.len() {
        let message =
            format!("tuple of {} elements required, but have {}", types.len(), elements.len());
        return Err(ConversionError::new(message));
    }
    let converted: Elements = elements
        .iter()
        .zip(types)
        .enumerate()
        .map(|(i, (e, ty))| convert(e, ty).map_err(|error| error.below(Step::Index(i))))
        .collect();
    converted.map(Value::tuple)
}

fn to_object(
    value: &Value,
    fields: &BTreeMap<Name, Field>,
    ty: &Type,
) -> Result<Value, ConversionError> {
    let Some(entries) = value.as_entries() else { return Err(mismatch(value, ty)) };
    let missing: Vec<String> = fields
        .iter()
        .filter(|(name, field)| !field.optional && !entries.contains_key(name))
        .map(|(name, _)| super::display::quoted(name))
        .collect();
    match &*missing {
        [] => {}
        [one] => {
            return Err(ConversionError::new(format!("attribute {one} is required")));
        }
        several => {
            let message = format!("attributes {} are required", several.join(", "));
            return Err(ConversionError::new(message));
        }
    }
    let mut attributes = BTreeMap::new();
    for (name, field) in fields {
        let converted = match entries.get(name) {
            Some(attribute) => convert(attribute, &field.ty)
                .map_err(|error| error.below(Step::Attribute(Arc::clone(name))))?,
            None => Value::null(),
        };
        attributes.insert(Arc::clone(name), converted);
    }
    Ok(Value::object(attributes.into()))
}

/// Returns whether values of type `from` may convert to `to` (a string may be a number).
pub fn may_convert(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Any, _)
        | (_, Type::Any)
        | (Type::Bool | Type::Number | Type::String, Type::String)
        | (Type::String | Type::Bool, Type::Bool)
        | (Type::String | Type::Number, Type::Number) => true,
        (Type::List(a) | Type::Set(a), Type::List(b) | Type::Set(b))
        | (Type::Map(a), Type::Map(b)) => may_convert(a, b),
        (Type::Tuple(a), Type::List(b) | Type::Set(b)) => a.iter().all(|e| may_convert(e, b)),
        (Type::Tuple(a), Type::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(x, y)| may_convert(x, y))
        }
        (Type::Object(a), Type::Map(b)) => a.values().all(|field| may_convert(&field.ty, b)),
        (Type::Map(a), Type::Object(b)) => b.values().all(|field| may_convert(a, &field.ty)),
        (Type::Object(a), Type::Object(b)) => b.iter().all(|(name, field)| match a.get(name) {
            Some(have) => may_convert(&have.ty, &field.ty),
            None => field.optional,
        }),
        _ => false,
    }
}

/// Returns whether every value of type `from` is one of `to`, whatever it will be.
fn always_converts(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Any, _)
        | (Type::String, Type::Bool | Type::Number)
        | (Type::Map(_), Type::Object(_)) => from == to,
        (Type::List(a) | Type::Set(a), Type::List(b) | Type::Set(b))
        | (Type::Map(a), Type::Map(b)) => always_converts(a, b),
        (Type::Tuple(a), Type::List(b) | Type::Set(b)) => a.iter().all(|e| always_converts(e, b)),
        (Type::Tuple(a), Type::Tuple(b)) => {
            a.iter().zip(b.iter()).all(|(x, y)| always_converts(x, y))
        }
        (Type::Object(a), Type::Map(b)) => a.values().all(|field| always_converts(&field.ty, b)),
        (Type::Object(a), Type::Object(b)) => b.iter().all(|(name, field)| {
            a.get(name).is_none_or(|have| always_converts(&have.ty, &field.ty))
        }),
        _ => may_convert(from, to),
    }
}

/// Fills the `any`s of `wanted` with what is known from `have`.
fn merged(have: &Type, wanted: &Type) -> Type {
    match (have, wanted) {
        (_, Type::Any) => have.clone(),
        (Type::List(a) | Type::Set(a), Type::List(b)) => Type::list(merged(a, b)),
        (Type::List(a) | Type::Set(a), Type::Set(b)) => Type::set(merged(a, b)),
        (Type::Map(a), Type::Map(b)) => Type::map(merged(a, b)),
        (Type::Tuple(a), Type::List(b)) if **b == Type::Any => {
            Type::list(unify(a.iter()).unwrap_or(Type::Any))
        }
        (Type::Tuple(a), Type::Set(b)) if **b == Type::Any => {
            Type::set(unify(a.iter()).unwrap_or(Type::Any))
        }
        (Type::Object(a), Type::Map(b)) if **b == Type::Any => {
            Type::map(unify(a.values().map(|field| &field.ty)).unwrap_or(Type::Any))
        }
        (Type::Object(a), Type::Object(b)) => Type::Object(Arc::new(
            b.iter()
                .map(|(name, field)| {
                    let ty = a.get(name).map_or(&field.ty, |have| &have.ty);
                    let ty = merged(ty, &field.ty);
                    (Arc::clone(name), Field { ty, optional: field.optional })
                })
                .collect(),
        )),
        _ => wanted.clone(),
    }
}

/// Default values of optional attributes (`optional(T, default)`), in a tree beside the type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Defaults {
    /// Defaults of the attributes of the object at this place.
    pub values: BTreeMap<Name, Value>,
    /// Defaults further inside: below attributes of an object by name, below elements of a tuple by
    /// index (`0`, `1`, …), below all elements of a collection by the empty name.
    pub children: BTreeMap<Name, Self>,
}

impl Defaults {
    /// Returns whether there is no default in it.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// Fills what is left out or null with the defaults; to be done before the conversion.
    pub fn apply(&self, value: &Value) -> Value {
        if self.is_empty() {
            return value.clone();
        }
        let applied = match value.data() {
            Data::List(_, elements) | Data::Set(_, elements) | Data::Tuple(elements) => {
                Value::tuple(elements.iter().enumerate().map(|(i, element)| {
                    match self.child(&i.to_string()) {
                        Some(defaults) => defaults.apply(element),
                        None => element.clone(),
                    }
                }))
            }
            Data::Map(_, entries) | Data::Object(entries) => self.apply_entries(entries),
            _ => return value.clone(),
        };
        applied.with_sensitive(value.is_sensitive())
    }

    fn apply_entries(&self, entries: &Entries) -> Value {
        let mut filled: BTreeMap<Name, Value> = entries.clone().into_iter().collect();
        for (name, default) in &self.values {
            let entry = filled.entry(Arc::clone(name)).or_insert_with(Value::null);
            if entry.is_null() {
                *entry = default.clone();
            }
        }
        for (name, entry) in &mut filled {
            if let Some(defaults) = self.child(name) {
                *entry = defaults.apply(entry);
            }
        }
        Value::object(filled.into())
    }

    fn child(&self, name: &str) -> Option<&Self> {
        self.children.get(name).or_else(|| self.children.get(""))
    }
}
