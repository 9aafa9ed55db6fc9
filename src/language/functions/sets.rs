//! Sets: `setintersection` to `setunion`.

use std::collections::BTreeSet;

use super::{Call, Failure, Outcome, check_count};
use crate::value::{Data, Type, Value, convert, unify};

/// The one set type of all arguments.
pub(super) fn common_type(arguments: &[Value]) -> Type {
    let types: Vec<Type> = arguments.iter().map(Value::type_of).collect();
    unify(&types).unwrap_or(Type::set(Type::Any))
}

/// Converts all arguments to one set type; returns their elements with the type of those.
fn alike(call: &Call<'_>) -> Result<(Type, Vec<BTreeSet<Value>>), Failure> {
    let types: Vec<Type> = call.rest(0).iter().map(Value::type_of).collect();
    let element = match unify(&types) {
        Some(Type::Set(element)) => (*element).clone(),
        _ => return Err(Failure::new("all sets must have elements of the same type")),
    };
    let mut sets = Vec::new();
    for (i, argument) in call.rest(0).iter().enumerate() {
        let ty = Type::set(element.clone());
        let set = convert(argument, &ty).map_err(|error| Failure::at(i, error.to_string()))?;
        sets.push(set.as_elements().unwrap_or_default().iter().cloned().collect());
    }
    Ok((element, sets))
}

pub(super) fn setunion(call: &Call<'_>) -> Outcome {
    let (element, sets) = alike(call)?;
    let all: BTreeSet<Value> = sets.into_iter().flatten().collect();
    Ok(Value::set(element, all))
}

pub(super) fn setintersection(call: &Call<'_>) -> Outcome {
    let (element, mut sets) = alike(call)?;
    let mut common = if sets.is_empty() { BTreeSet::new() } else { sets.remove(0) };
    for set in &sets {
        common.retain(|value| set.contains(value));
    }
    Ok(Value::set(element, common))
}

pub(super) fn setsubtract(call: &Call<'_>) -> Outcome {
    let (element, mut sets) = alike(call)?;
    let mut left = if sets.is_empty() { BTreeSet::new() } else { sets.remove(0) };
    for set in &sets {
        left.retain(|value| !set.contains(value));
    }
    Ok(Value::set(element, left))
}

/// Returns every combination of one element of each argument: a set when all are sets, otherwise a
/// list.
pub(super) fn setproduct(call: &Call<'_>) -> Outcome {
    if call.count() < 2 {
        return Err(Failure::new("at least two arguments are required"));
    }
    let mut types = Vec::new();
    let mut lists = Vec::new();
    let mut any_set = false;
    for (i, argument) in call.rest(0).iter().enumerate() {
        let is_set = matches!(argument.type_of(), Type::Set(_));
        any_set |= is_set;
        if argument.is_unknown() {
            return Ok(Value::unknown(Type::Any));
        }
        if is_set && argument.deep_unknown() {
            return Ok(Value::unknown(Type::Any));
        }
        let wanted = if is_set { Type::set(Type::Any) } else { Type::list(Type::Any) };
        let list = convert(argument, &wanted).map_err(|error| Failure::at(i, error.to_string()))?;
        let (Data::List(element, elements) | Data::Set(element, elements)) = list.data() else {
            return Err(Failure::at(i, "a set or a list is required"));
        };
        types.push((**element).clone());
        lists.push(elements.to_vec());
    }
    let count = lists.iter().map(Vec::len).try_fold(1_usize, usize::checked_mul);
    let count = if lists.iter().any(Vec::is_empty) { Some(0) } else { count };
    let count = count.unwrap_or(usize::MAX);
    check_count(count.saturating_mul(lists.len()))?;
    let mut rows = Vec::with_capacity(count);
    for number in 0..count {
        let mut row = Vec::with_capacity(lists.len());
        let mut left = number;
        for list in lists.iter().rev() {
            row.push(list[left % list.len()].clone());
            left /= list.len();
        }
        row.reverse();
        rows.push(Value::tuple(row));
    }
    let element = Type::tuple(types);
    Ok(if any_set { Value::set(element, rows) } else { Value::list(element, rows) })
}
