//! Lists, tuples, maps and objects: `alltrue` to `zipmap`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation;

use super::{Call, ELEMENT_LIMIT, Failure, Outcome, check_count};
use crate::value::{Data, Equality, Name, Number, Type, Value, convert, equals, unify};

/// Returns the type that all elements of a value of type `ty` have.
fn element_of(ty: &Type) -> Type {
    match ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) => (**element).clone(),
        Type::Tuple(elements) => unify(elements.iter()).unwrap_or(Type::Any),
        Type::Object(fields) => unify(fields.values().map(|f| &f.ty)).unwrap_or(Type::Any),
        _ => Type::Any,
    }
}

/// The type of the first argument.
pub(super) fn first_type(arguments: &[Value]) -> Type {
    arguments.first().map_or(Type::Any, Value::type_of)
}

/// The type of an element of the first argument.
pub(super) fn element_type(arguments: &[Value]) -> Type {
    element_of(&first_type(arguments))
}

pub(super) fn alltrue(call: &Call<'_>) -> Outcome {
    Ok(all_or_any(call.value(0), false))
}

pub(super) fn anytrue(call: &Call<'_>) -> Outcome {
    Ok(all_or_any(call.value(0), true))
}

/// Looks for an element that decides the result; null counts as false.
fn all_or_any(list: &Value, deciding: bool) -> Value {
    let Some(elements) = list.as_elements() else { return Value::unknown(Type::Bool) };
    if elements.iter().any(|e| !e.is_unknown() && e.as_bool().unwrap_or(false) == deciding) {
        return deciding.into();
    }
    if elements.iter().any(Value::is_unknown) {
        return Value::unknown(Type::Bool);
    }
    (!deciding).into()
}

pub(super) fn chunklist(call: &Call<'_>) -> Outcome {
    let list = call.value(0);
    let (Data::List(element, elements), false) = (list.data(), call.value(1).is_unknown()) else {
        return Ok(Value::unknown(Type::list(list.type_of())));
    };
    let size = usize::try_from(call.whole(1)?)
        .map_err(|_| Failure::at(1, "the size argument must be positive"))?;
    let ty = Type::List(Arc::clone(element));
    if elements.is_empty() {
        return Ok(Value::list(ty, []));
    }
    let size = if size == 0 { elements.len() } else { size };
    let chunks = elements
        .chunks(size)
        .map(|chunk| Value::new(Data::List(Arc::clone(element), chunk.into())));
    Ok(Value::list(ty, chunks.collect::<Vec<_>>()))
}

/// The one type of all arguments.
pub(super) fn common_type(arguments: &[Value]) -> Type {
    let types: Vec<Type> = arguments.iter().map(Value::type_of).collect();
    unify(&types).unwrap_or(Type::Any)
}

pub(super) fn coalesce(call: &Call<'_>) -> Outcome {
    let types: Vec<Type> = call.rest(0).iter().map(Value::type_of).collect();
    let ty = unify(&types)
        .filter(|_| !types.is_empty())
        .ok_or_else(|| Failure::new("all arguments must have the same type"))?;
    for argument in call.rest(0) {
        if argument.is_unknown() {
            return Ok(Value::unknown(ty));
        }
        if argument.is_null() || argument.as_str() == Some("") {
            continue;
        }
        return convert(argument, &ty).map_err(|error| Failure::new(error.to_string()));
    }
    Err(Failure::new("no non-null, non-empty-string arguments"))
}

pub(super) fn coalescelist(call: &Call<'_>) -> Outcome {
    if call.count() == 0 {
        return Err(Failure::new("at least one argument is required"));
    }
    for (i, argument) in call.rest(0).iter().enumerate() {
        if !matches!(argument.type_of(), Type::Any | Type::List(_) | Type::Tuple(_)) {
            return Err(Failure::at(i, "coalescelist arguments must be lists or tuples"));
        }
    }
    for argument in call.rest(0) {
        if argument.is_unknown() {
            return Ok(Value::unknown(common_type(call.rest(0))));
        }
        if argument.as_elements().is_some_and(|elements| !elements.is_empty()) {
            return Ok(argument.clone());
        }
    }
    Err(Failure::new("no non-null arguments"))
}

pub(super) fn compact(call: &Call<'_>) -> Outcome {
    let kept = call.elements(0).iter().filter(|e| !e.is_null() && e.as_str() != Some(""));
    Ok(Value::list(Type::String, kept.cloned().collect::<Vec<_>>()))
}

pub(super) fn concat(call: &Call<'_>) -> Outcome {
    if call.count() == 0 {
        return Err(Failure::new("at least one argument is required"));
    }
    for (i, argument) in call.rest(0).iter().enumerate() {
        let ty = argument.type_of();
        if !matches!(ty, Type::List(_) | Type::Tuple(_) | Type::Any) {
            let message =
                format!("all arguments must be lists or tuples; got {}", ty.friendly_name());
            return Err(Failure::at(i, message));
        }
    }
    let unknown = call.rest(0).iter().any(Value::is_unknown);
    let types: Vec<Type> = call.rest(0).iter().map(Value::type_of).collect();
    let lists = types.iter().all(|ty| matches!(ty, Type::List(_)));
    let list = if lists { unify(&types) } else { None };
    if unknown {
        return Ok(Value::unknown(list.unwrap_or(Type::Any)));
    }
    let sequences = call.rest(0).iter().filter_map(Value::as_elements);
    check_count(sequences.clone().map(<[Value]>::len).sum())?;
    let elements = sequences.flatten().cloned();
    match list {
        Some(Type::List(element)) if !element.has_any() => {
            let converted: Result<Vec<Value>, _> =
                elements.map(|e| convert(&e, &element)).collect();
            let converted = converted.map_err(|error| Failure::new(error.to_string()))?;
            Ok(Value::list((*element).clone(), converted))
        }
        Some(Type::List(element)) => {
            Ok(Value::list((*element).clone(), elements.collect::<Vec<_>>()))
        }
        _ => Ok(Value::tuple(elements.collect::<Vec<_>>())),
    }
}

pub(super) fn contains(call: &Call<'_>) -> Outcome {
    let list = call.value(0);
    if list.is_unknown() {
        return Ok(Value::unknown(Type::Bool));
    }
    let elements =
        list.as_elements().ok_or_else(|| Failure::at(0, "argument must be list, tuple, or set"))?;
    let mut result = Value::from(false);
    for element in elements {
        match equals(element, call.value(1)) {
            Equality::Same => return Ok(true.into()),
            Equality::Undecided => result = Value::unknown(Type::Bool),
            Equality::Different => {}
        }
    }
    Ok(result)
}

pub(super) fn distinct(call: &Call<'_>) -> Outcome {
    let Data::List(element, elements) = call.value(0).data() else {
        return Ok(call.value(0).clone());
    };
    let mut seen = BTreeSet::new();
    let kept: Vec<Value> = elements.iter().filter(|e| seen.insert(*e)).cloned().collect();
    Ok(Value::list((**element).clone(), kept))
}

pub(super) fn element(call: &Call<'_>) -> Outcome {
    let list = call.value(0);
    let elements = match list.data() {
        Data::List(_, elements) | Data::Tuple(elements) if !call.value(1).is_unknown() => elements,
        _ => {
            return match list.type_of() {
                Type::List(_) | Type::Tuple(_) | Type::Any => {
                    Ok(Value::unknown(element_of(&list.type_of())))
                }
                ty => {
                    let message = format!("cannot read elements from {}", ty.friendly_name());
                    Err(Failure::at(0, message))
                }
            };
        }
    };
    let index = call.whole(1)?;
    let count = i64::try_from(elements.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Err(Failure::at(0, "cannot use element function with an empty list"));
    }
    let position = usize::try_from(index.rem_euclid(count)).unwrap_or(0);
    Ok(elements.get(position).cloned().unwrap_or_else(Value::null))
}

pub(super) fn flatten(call: &Call<'_>) -> Outcome {
    if !matches!(call.value(0).type_of(), Type::List(_) | Type::Set(_) | Type::Tuple(_) | Type::Any)
    {
        return Err(Failure::at(0, "can only flatten lists, sets and tuples"));
    }
    let mut found = Flat::default();
    flatten_into(call.value(0), &mut found)?;
    let result =
        if found.unknown { Value::unknown(Type::Any) } else { Value::tuple(found.elements) };
    Ok(result.with_sensitive(found.sensitive))
}

#[derive(Default)]
struct Flat {
    elements: Vec<Value>,
    unknown: bool,
    sensitive: bool,
}

/// A marked list inside tells by its length, so its mark goes to the whole; an unknown one makes the
/// whole unknown.
fn flatten_into(value: &Value, found: &mut Flat) -> Result<(), Failure> {
    match value.data() {
        Data::List(_, elements) | Data::Set(_, elements) | Data::Tuple(elements) => {
            found.sensitive |= value.is_sensitive();
            elements.iter().try_for_each(|element| flatten_into(element, found))
        }
        Data::Unknown(unknown)
            if matches!(unknown.ty, Type::Any | Type::List(_) | Type::Set(_) | Type::Tuple(_)) =>
        {
            found.unknown = true;
            found.sensitive |= value.is_sensitive();
            Ok(())
        }
        _ => {
            found.elements.push(value.clone());
            check_count(found.elements.len())
        }
    }
}

pub(super) fn index(call: &Call<'_>) -> Outcome {
    let list = call.value(0);
    if list.is_unknown() {
        return Ok(Value::unknown(Type::Number));
    }
    let (Data::List(_, elements) | Data::Tuple(elements)) = list.data() else {
        return Err(Failure::at(0, "argument must be a list or tuple"));
    };
    if elements.is_empty() {
        return Err(Failure::at(0, "cannot search an empty list"));
    }
    for (i, element) in elements.iter().enumerate() {
        match equals(element, call.value(1)) {
            Equality::Same => return Ok(i.into()),
            Equality::Undecided => return Ok(Value::unknown(Type::Number)),
            Equality::Different => {}
        }
    }
    Err(Failure::at(1, "item not found"))
}

/// The type of a list of the keys of the first argument.
pub(super) fn keys_type(arguments: &[Value]) -> Type {
    match first_type(arguments) {
        Type::Object(fields) => Type::tuple(fields.keys().map(|_| Type::String)),
        _ => Type::list(Type::String),
    }
}

pub(super) fn keys(call: &Call<'_>) -> Outcome {
    let map = call.value(0);
    let named = |name: &Name| Value::string(Arc::clone(name));
    match map.data() {
        Data::Map(_, entries) => {
            Ok(Value::list(Type::String, entries.keys().map(named).collect::<Vec<_>>()))
        }
        Data::Object(entries) => Ok(Value::tuple(entries.keys().map(named).collect::<Vec<_>>())),
        Data::Unknown(unknown) => match &unknown.ty {
            Type::Object(fields) => Ok(Value::tuple(fields.keys().map(named).collect::<Vec<_>>())),
            Type::Map(_) | Type::Any => Ok(Value::unknown(Type::list(Type::String))),
            _ => Err(Failure::at(0, "must have map or object type")),
        },
        _ => Err(Failure::at(0, "must have map or object type")),
    }
}

pub(super) fn length(call: &Call<'_>) -> Outcome {
    let value = call.value(0);
    let count = match value.data() {
        Data::String(text) => text.graphemes(true).count(),
        // Unknown elements of a set may turn out to be the same.
        Data::Set(_, elements) if elements.len() > 1 && value.deep_unknown() => {
            return Ok(Value::unknown(Type::Number));
        }
        Data::List(_, elements) | Data::Set(_, elements) | Data::Tuple(elements) => elements.len(),
        Data::Map(_, entries) | Data::Object(entries) => entries.len(),
        Data::Unknown(unknown) => match &unknown.ty {
            Type::Tuple(elements) => elements.len(),
            Type::Object(fields) => fields.len(),
            Type::Bool | Type::Number => return Err(without_length()),
            _ => return Ok(Value::unknown(Type::Number)),
        },
        _ => return Err(without_length()),
    };
    Ok(count.into())
}

fn without_length() -> Failure {
    Failure::at(0, "argument must be a string, a collection type, or a structural type")
}

pub(super) fn lookup(call: &Call<'_>) -> Outcome {
    if call.count() > 3 {
        let message = format!("lookup() takes two or three arguments, got {}", call.count());
        return Err(Failure::new(message));
    }
    let (map, key) = (call.value(0), call.value(1));
    let default = call.arguments.get(2);
    let element = match map.data() {
        Data::Map(element, _) => Some(element),
        _ => None,
    };
    let default = match (element, default) {
        (Some(element), Some(default)) => Some(convert(default, element).map_err(|_| {
            Failure::at(2, "the default value must have the same type as the map elements")
        })?),
        (_, default) => default.cloned(),
    };
    let (Data::Map(_, entries) | Data::Object(entries), Some(name)) = (map.data(), key.as_str())
    else {
        return lookup_unknown(&map.type_of(), key);
    };
    match (entries.get(name), default) {
        (Some(found), _) => Ok(found.clone()),
        (None, Some(default)) => Ok(default),
        (None, None) if matches!(map.data(), Data::Object(_)) => {
            let message = format!("the given object has no attribute {name:?}");
            Err(Failure::at(1, message).quoting())
        }
        (None, None) => {
            let message = format!("lookup failed to find key {name:?}");
            Err(Failure::at(1, message).quoting())
        }
    }
}

/// Looks up with an unknown map or key.
fn lookup_unknown(ty: &Type, key: &Value) -> Outcome {
    match ty {
        Type::Map(_) | Type::Any => Ok(Value::unknown(element_of(ty))),
        Type::Object(fields) => {
            let field = key.as_str().and_then(|name| fields.get(name));
            Ok(Value::unknown(field.map_or_else(|| element_of(ty), |field| field.ty.clone())))
        }
        _ => Err(Failure::at(0, "lookup() requires a map as the first argument")),
    }
}

pub(super) fn matchkeys(call: &Call<'_>) -> Outcome {
    let (values, keys, wanted) = (call.value(0), call.value(1), call.value(2));
    let ty = unify([&keys.type_of(), &wanted.type_of()])
        .ok_or_else(|| Failure::at(1, "keys and searchset must be of the same type"))?;
    let converted = |list: &Value, argument: usize| {
        convert(list, &ty).map_err(|error| Failure::at(argument, error.to_string()))
    };
    let (keys, wanted) = (converted(keys, 1)?, converted(wanted, 2)?);
    let (Data::List(element, values), Some(keys)) = (values.data(), keys.as_elements()) else {
        return Ok(values.clone());
    };
    if values.len() != keys.len() {
        return Err(Failure::new("length of keys and values should be equal"));
    }
    let wanted: BTreeSet<&Value> = wanted.as_elements().unwrap_or_default().iter().collect();
    let matching = values.iter().zip(keys).filter(|(_, key)| wanted.contains(key));
    let kept: Vec<Value> = matching.map(|(value, _)| value.clone()).collect();
    Ok(Value::list((**element).clone(), kept))
}

pub(super) fn merge(call: &Call<'_>) -> Outcome {
    let arguments: Vec<&Value> = call.rest(0).iter().filter(|value| !value.is_null()).collect();
    for (i, argument) in call.rest(0).iter().enumerate() {
        let ty = argument.type_of();
        if !matches!(ty, Type::Map(_) | Type::Object(_) | Type::Any) {
            let message =
                format!("arguments must be maps or objects, got {:?}", ty.friendly_name());
            return Err(Failure::at(i, message));
        }
    }
    let Some(first) = arguments.first() else { return Ok(Value::object(BTreeMap::new().into())) };
    let ty = first.type_of();
    let one_map = matches!(ty, Type::Map(_)) && arguments.iter().all(|a| a.type_of() == ty);
    if arguments.iter().any(|argument| argument.is_unknown()) {
        return Ok(Value::unknown(if one_map { ty } else { Type::Any }));
    }
    let mut merged = BTreeMap::new();
    for argument in arguments {
        for (name, value) in argument.as_entries().into_iter().flatten() {
            merged.insert(Arc::clone(name), value.clone());
        }
        check_count(merged.len())?;
    }
    Ok(match (one_map, ty) {
        (true, Type::Map(element)) => Value::map((*element).clone(), merged.into()),
        _ => Value::object(merged.into()),
    })
}

pub(super) fn one(call: &Call<'_>) -> Outcome {
    let wrong =
        || Failure::at(0, "must be a list, set, or tuple value with either zero or one elements");
    let list = call.value(0);
    match list.data() {
        Data::List(_, elements) | Data::Set(_, elements) | Data::Tuple(elements) => {
            match &**elements {
                [] => Ok(Value::null()),
                [only] => Ok(only.clone()),
                _ if matches!(list.data(), Data::Set(..)) && list.deep_unknown() => {
                    Ok(Value::unknown(element_of(&list.type_of())))
                }
                _ => Err(wrong()),
            }
        }
        Data::Unknown(unknown) => match &unknown.ty {
            Type::List(_) | Type::Set(_) | Type::Any => Ok(Value::unknown(element_of(&unknown.ty))),
            Type::Tuple(elements) if elements.len() <= 1 => {
                Ok(Value::unknown(element_of(&unknown.ty)))
            }
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

pub(super) fn range(call: &Call<'_>) -> Outcome {
    let (start, end, step) = match call.count() {
        1 => (Number::ZERO, call.number(0), None),
        2 => (call.number(0), call.number(1), None),
        3 => (call.number(0), call.number(1), Some(call.number(2))),
        _ => return Err(Failure::new("must have one, two, or three arguments")),
    };
    let step = step.unwrap_or_else(|| Number::from(if end < start { -1_i64 } else { 1 }));
    if step.is_zero() {
        return Err(Failure::at(2, "step must not be zero"));
    }
    let down = step < Number::ZERO;
    if down && end > start {
        return Err(Failure::at(1, "end must be less than start when step is negative"));
    }
    if !down && end < start {
        return Err(Failure::at(1, "end must be greater than start when step is positive"));
    }
    let count = end.subtract(&start).and_then(|distance| distance.divide(&step));
    if count.is_ok_and(|count| count > Number::from(ELEMENT_LIMIT)) {
        check_count(usize::MAX)?;
    }
    let mut values = Vec::new();
    let mut next = start;
    while (down && next > end) || (!down && next < end) {
        let following = next.add(&step).map_err(|error| Failure::new(error.to_string()))?;
        if following == next {
            return Err(Failure::at(2, "step is too small"));
        }
        values.push(Value::from(std::mem::replace(&mut next, following)));
        check_count(values.len())?;
    }
    Ok(Value::list(Type::Number, values))
}

/// The type of a reversed list.
pub(super) fn reversed_type(arguments: &[Value]) -> Type {
    match first_type(arguments) {
        Type::Tuple(elements) => Type::tuple(elements.iter().rev().cloned()),
        Type::Set(element) => Type::List(element),
        ty => ty,
    }
}

pub(super) fn reverse(call: &Call<'_>) -> Outcome {
    let list = call.value(0);
    match list.data() {
        Data::Tuple(elements) => {
            Ok(Value::tuple(elements.iter().rev().cloned().collect::<Vec<_>>()))
        }
        Data::List(element, elements) | Data::Set(element, elements) => {
            Ok(Value::list((**element).clone(), elements.iter().rev().cloned().collect::<Vec<_>>()))
        }
        Data::Unknown(unknown)
            if matches!(unknown.ty, Type::List(_) | Type::Set(_) | Type::Tuple(_) | Type::Any) =>
        {
            Ok(Value::unknown(reversed_type(std::slice::from_ref(list))))
        }
        _ => {
            let name = list.type_of().friendly_name();
            Err(Failure::at(0, format!("can only reverse list or tuple values, not {name}")))
        }
    }
}

pub(super) fn slice(call: &Call<'_>) -> Outcome {
    let list = call.value(0);
    let elements = match list.data() {
        Data::List(_, elements) | Data::Tuple(elements) => elements,
        Data::Set(..) => {
            return Err(Failure::at(
                0,
                "cannot slice a set, because its elements do not have indices; explicitly convert \
                 to a list if the ordering of the result is not important",
            ));
        }
        Data::Unknown(unknown) => match unknown.ty {
            Type::List(_) => return Ok(Value::unknown(unknown.ty.clone())),
            Type::Tuple(_) | Type::Any => return Ok(Value::unknown(Type::Any)),
            _ => return Err(Failure::at(0, "must be a list or tuple value")),
        },
        _ => return Err(Failure::at(0, "must be a list or tuple value")),
    };
    if call.value(1).is_unknown() || call.value(2).is_unknown() {
        let ty = list.type_of();
        return Ok(Value::unknown(if matches!(ty, Type::List(_)) { ty } else { Type::Any }));
    }
    let (start, end) = (call.whole(1)?, call.whole(2)?);
    if start < 0 {
        return Err(Failure::at(1, "start index must not be less than zero"));
    }
    let count = i64::try_from(elements.len()).unwrap_or(i64::MAX);
    if end > count {
        return Err(Failure::at(2, "end index must not be greater than the length of the list"));
    }
    if start > end {
        return Err(Failure::at(1, "start index must not be greater than end index"));
    }
    let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
    let kept = elements.get(range).unwrap_or_default();
    Ok(match list.data() {
        Data::List(element, _) => Value::new(Data::List(Arc::clone(element), kept.into())),
        _ => Value::tuple(kept.iter().cloned()),
    })
}

pub(super) fn sort(call: &Call<'_>) -> Outcome {
    for (i, element) in call.elements(0).iter().enumerate() {
        if element.is_null() {
            let message = format!("given list element {i} is null; a null string cannot be sorted");
            return Err(Failure::at(0, message));
        }
    }
    let mut sorted = call.elements(0).to_vec();
    sorted.sort();
    Ok(Value::list(Type::String, sorted))
}

pub(super) fn transpose(call: &Call<'_>) -> Outcome {
    let mut turned: BTreeMap<Name, Vec<Value>> = BTreeMap::new();
    for (key, list) in call.value(0).as_entries().into_iter().flatten() {
        if list.is_null() {
            return Err(Failure::at(0, "input must not contain null list"));
        }
        for text in list.as_elements().unwrap_or_default() {
            let Data::String(text) = text.data() else {
                return Err(Failure::at(0, "input list must not contain null string"));
            };
            turned.entry(Arc::clone(text)).or_default().push(Value::string(Arc::clone(key)));
        }
    }
    let lists = turned.into_iter().map(|(key, list)| (key, Value::list(Type::String, list)));
    Ok(Value::map(Type::list(Type::String), lists.collect()))
}

pub(super) fn values(call: &Call<'_>) -> Outcome {
    let map = call.value(0);
    match map.data() {
        Data::Map(element, entries) => {
            Ok(Value::list((**element).clone(), entries.values().cloned().collect::<Vec<_>>()))
        }
        Data::Object(entries) => Ok(Value::tuple(entries.values().cloned().collect::<Vec<_>>())),
        Data::Unknown(unknown) => match &unknown.ty {
            Type::Object(fields) => {
                Ok(Value::unknown(Type::tuple(fields.values().map(|field| field.ty.clone()))))
            }
            Type::Map(element) => Ok(Value::unknown(Type::List(Arc::clone(element)))),
            Type::Any => Ok(Value::unknown(Type::Any)),
            _ => Err(Failure::at(0, "values() requires a map as the first argument")),
        },
        _ => Err(Failure::at(0, "values() requires a map as the first argument")),
    }
}

pub(super) fn zipmap(call: &Call<'_>) -> Outcome {
    let (keys, values) = (call.value(0), call.value(1));
    let element = match values.type_of() {
        Type::List(element) => Some(element),
        Type::Tuple(_) | Type::Any => None,
        _ => return Err(Failure::at(1, "values must be a list or tuple value")),
    };
    let (Some(names), Some(elements)) = (keys.as_elements(), values.as_elements()) else {
        return Ok(Value::unknown(element.map_or(Type::Any, Type::Map)));
    };
    if names.iter().any(Value::is_unknown) {
        return Ok(Value::unknown(element.map_or(Type::Any, Type::Map)));
    }
    if names.len() != elements.len() {
        return Err(Failure::new(format!(
            "number of keys ({}) does not match number of values ({})",
            names.len(),
            elements.len()
        )));
    }
    let mut zipped = BTreeMap::new();
    for (i, (name, value)) in names.iter().zip(elements).enumerate() {
        let Data::String(name) = name.data() else {
            return Err(Failure::at(0, format!("keys list has null value at index {i}")));
        };
        zipped.insert(Arc::clone(name), value.clone());
    }
    let result = match element {
        Some(element) => Value::map((*element).clone(), zipped.into()),
        None => Value::object(zipped.into()),
    };
    Ok(result.with_sensitive(keys.deep_sensitive()))
}
