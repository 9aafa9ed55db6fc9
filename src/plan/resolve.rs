//! During apply: the planned object with every input known, as far as it is known by then.

use std::fmt;
use std::sync::Arc;

use super::{Change, ChangeKind};
use crate::resources::{Object, ResourceType, schema};
use crate::value::{Data, Value, same};

/// Why a planned object cannot be completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// An input is still unknown.
    Unknown {
        /// The attribute.
        attribute: String,
    },
    /// An input turns out other than the plan showed it.
    Disagrees {
        /// The attribute.
        attribute: String,
    },
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { attribute } => write!(f, "`{attribute}` is still not known"),
            Self::Disagrees { attribute } => {
                write!(f, "`{attribute}` is not what the plan showed")
            }
        }
    }
}

impl std::error::Error for Unresolved {}

/// Fills in what the plan did not know. `configured` is the instance evaluated again, against the
/// objects that exist by now. Values that the service chooses stay unknown.
pub fn resolve(
    resource: &dyn ResourceType,
    change: &Change,
    configured: &Object,
) -> Result<Object, Unresolved> {
    let mut planned = change.after.clone().unwrap_or_default();
    let mut now = configured.clone();
    resource.normalise(&mut now);
    resource.defaults(&mut now);
    let makes = matches!(change.kind, ChangeKind::Create | ChangeKind::Replace { .. });
    for attribute in resource.schema().attributes.iter().filter(|a| a.is_input()) {
        let name = attribute.name;
        let attribute = || name.to_owned();
        let shown = planned.get(name).cloned().unwrap_or_else(Value::null);
        let value = now.get(name).cloned().unwrap_or_else(Value::null);
        if !shown.deep_unknown() {
            // What is left out or ignored keeps its value; only a create sends all that is set.
            if makes && !value.is_null() && same(&shown, &value) == Some(false) {
                return Err(Unresolved::Disagrees { attribute: attribute() });
            }
            continue;
        }
        if value.is_null() && is_own(&shown, change, name) {
            continue;
        }
        if value.deep_unknown() {
            return Err(Unresolved::Unknown { attribute: attribute() });
        }
        if !agrees(&shown, &value) {
            return Err(Unresolved::Disagrees { attribute: attribute() });
        }
        planned.set(schema::name(name), value);
    }
    Ok(planned)
}

/// Returns a planned object with the attributes that the plan did not know as they live by now. During
/// apply expressions see objects in this form: also what is still to change (an address that is to be
/// removed from a package) is seen as planned, so that nothing is evaluated otherwise than while
/// planning.
pub fn fill(planned: &Object, live: &Object) -> Object {
    let mut filled = planned.clone();
    for (name, value) in live.iter() {
        let known = planned.get(name).is_some_and(|shown| !shown.deep_unknown());
        if !known {
            filled.set(Arc::clone(name), value.clone());
        }
    }
    filled
}

/// Returns whether the service chooses the value.
fn is_own(value: &Value, change: &Change, name: &str) -> bool {
    let Data::Unknown(unknown) = value.data() else { return false };
    unknown.origin.as_deref().is_some_and(|o| *o == format!("{}.{name}", change.address))
}

/// Returns whether a value is one that the plan showed in part.
fn agrees(shown: &Value, value: &Value) -> bool {
    match (shown.data(), value.data()) {
        (Data::Unknown(_), _) => true,
        (Data::List(_, a), Data::List(_, b)) | (Data::Tuple(a), Data::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| agrees(a, b))
        }
        (Data::Set(_, a), Data::Set(_, b)) => {
            let known = a.iter().filter(|a| !a.deep_unknown());
            b.len() <= a.len()
                && known.into_iter().all(|a| b.iter().any(|b| same(a, b) == Some(true)))
        }
        (Data::Map(_, a), Data::Map(_, b)) | (Data::Object(a), Data::Object(b)) => {
            a.iter().all(|(key, a)| b.get(&Arc::clone(key)).is_some_and(|b| agrees(a, b)))
        }
        _ => same(shown, value) == Some(true),
    }
}
