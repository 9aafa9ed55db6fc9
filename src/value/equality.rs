//! Equality and order of values: structural, as sets and tests need it, and three-valued, as the
//! operator `==` needs it.

use std::cmp::Ordering;

use super::{Data, Entries, Type, Unknown, Value};

/// Whether two values are the same, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Equality {
    /// They are.
    Same,
    /// They are not.
    Different,
    /// Only apply will know.
    Undecided,
}

impl Equality {
    fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Different => Self::Different,
            Self::Same => other(),
            Self::Undecided => match other() {
                Self::Different => Self::Different,
                Self::Same | Self::Undecided => Self::Undecided,
            },
        }
    }
}

/// Compares as `a == b` does: values of different types differ, null is the same as null only, and
/// two unknowns of one origin are the same. Marks play no part.
pub fn equals(a: &Value, b: &Value) -> Equality {
    match (a.data(), b.data()) {
        (Data::Unknown(x), Data::Unknown(y)) => {
            if x.origin.is_some() && compare_unknowns(x, y) == Ordering::Equal {
                Equality::Same
            } else {
                Equality::Undecided
            }
        }
        (Data::Unknown(unknown), _) => known_and_unknown(b, unknown),
        (_, Data::Unknown(unknown)) => known_and_unknown(a, unknown),
        (Data::Null, Data::Null) => Equality::Same,
        (Data::Bool(x), Data::Bool(y)) => decided(x == y),
        (Data::Number(x), Data::Number(y)) => decided(x == y),
        (Data::String(x), Data::String(y)) => decided(x == y),
        (Data::List(of_a, x), Data::List(of_b, y)) => decided(of_a == of_b).and(|| elements(x, y)),
        (Data::Tuple(x), Data::Tuple(y)) => elements(x, y),
        (Data::Set(of_a, x), Data::Set(of_b, y)) => decided(of_a == of_b).and(|| sets(x, y)),
        (Data::Map(of_a, x), Data::Map(of_b, y)) => decided(of_a == of_b).and(|| entries(x, y)),
        (Data::Object(x), Data::Object(y)) => entries(x, y),
        _ => Equality::Different,
    }
}

/// The result of `a == b` as a value, marked if any part of either is sensitive.
pub fn equals_value(a: &Value, b: &Value) -> Value {
    let result = match equals(a, b) {
        Equality::Same => Value::from(true),
        Equality::Different => Value::from(false),
        Equality::Undecided => Value::unknown(Type::Bool).never_null(),
    };
    result.with_sensitive(a.deep_sensitive() || b.deep_sensitive())
}

const fn decided(same: bool) -> Equality {
    if same { Equality::Same } else { Equality::Different }
}

/// A known value can be told from an unknown one by type alone, except null, which is of any type and
/// only differs from what is never null.
fn known_and_unknown(known: &Value, unknown: &Unknown) -> Equality {
    if known.is_null() {
        return if unknown.never_null { Equality::Different } else { Equality::Undecided };
    }
    let known = known.type_of();
    if unknown.ty.has_any() || known.has_any() || known == unknown.ty {
        Equality::Undecided
    } else {
        Equality::Different
    }
}

fn elements(x: &[Value], y: &[Value]) -> Equality {
    if x.len() != y.len() {
        return Equality::Different;
    }
    x.iter().zip(y).fold(Equality::Same, |so_far, (a, b)| so_far.and(|| equals(a, b)))
}

fn entries(x: &Entries, y: &Entries) -> Equality {
    if x.len() != y.len() || !x.keys().eq(y.keys()) {
        return Equality::Different;
    }
    x.values().zip(y.values()).fold(Equality::Same, |so_far, (a, b)| so_far.and(|| equals(a, b)))
}

fn sets(x: &[Value], y: &[Value]) -> Equality {
    let same = x.len() == y.len() && x.iter().zip(y).all(|(a, b)| equals(a, b) == Equality::Same);
    if same {
        return Equality::Same;
    }
    if x.iter().chain(y).all(Value::is_wholly_known) {
        return Equality::Different;
    }
    // Unknown elements may turn out to be those that the other has.
    let missing = |from: &[Value], among: &[Value]| {
        from.iter().any(|a| among.iter().all(|b| equals(a, b) == Equality::Different))
    };
    if missing(x, y) || missing(y, x) { Equality::Different } else { Equality::Undecided }
}

impl Ord for Value {
    /// A total order, in which strings are ordered by bytes, numbers by size and `false` is before
    /// `true`; it does not look at `any`, and the mark decides last.
    fn cmp(&self, other: &Self) -> Ordering {
        compare(self.data(), other.data()).then(self.is_sensitive().cmp(&other.is_sensitive()))
    }
}

fn compare(a: &Data, b: &Data) -> Ordering {
    match (a, b) {
        (Data::Bool(x), Data::Bool(y)) => x.cmp(y),
        (Data::Number(x), Data::Number(y)) => x.cmp(y),
        (Data::String(x), Data::String(y)) => x.cmp(y),
        (Data::List(of_a, x), Data::List(of_b, y)) | (Data::Set(of_a, x), Data::Set(of_b, y)) => {
            x.cmp(y).then_with(|| of_a.cmp(of_b))
        }
        (Data::Tuple(x), Data::Tuple(y)) => x.cmp(y),
        (Data::Map(of_a, x), Data::Map(of_b, y)) => x.cmp(y).then_with(|| of_a.cmp(of_b)),
        (Data::Object(x), Data::Object(y)) => x.cmp(y),
        (Data::Unknown(x), Data::Unknown(y)) => compare_unknowns(x, y),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn compare_unknowns(x: &Unknown, y: &Unknown) -> Ordering {
    x.origin.cmp(&y.origin).then_with(|| x.ty.cmp(&y.ty))
}

const fn rank(data: &Data) -> u8 {
    match data {
        Data::Bool(_) => 0,
        Data::Number(_) => 1,
        Data::String(_) => 2,
        Data::List(..) => 3,
        Data::Set(..) => 4,
        Data::Tuple(_) => 5,
        Data::Map(..) => 6,
        Data::Object(_) => 7,
        Data::Null => 8,
        Data::Unknown(_) => 9,
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    /// Structural equality: types, marks and unknowns count.
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}
