//! One instance: configured × recorded × live → the planned object, and what it takes to get there.

use std::sync::Arc;

use super::kinds::{Kind, Known};
use crate::resources::Object;
use crate::resources::schema::OnChange;
use crate::value::{Name, Value, same};

/// What configuration wants of one instance.
pub(crate) struct Wish<'a> {
    /// The configured attributes; what is not set is absent or null, unknowns included.
    pub(crate) object: &'a Object,
    /// `lifecycle.ignore_changes`
    pub(crate) ignore: &'a [Name],
    /// `lifecycle.ignore_changes = all`
    pub(crate) ignore_all: bool,
}

/// An object that exists.
pub(crate) struct Prior<'a> {
    /// As recorded.
    pub(crate) recorded: &'a Object,
    /// As it is, laid over what is recorded.
    pub(crate) live: &'a Object,
}

/// How the planned object differs from the live one.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// The object as it shall be, when it is changed in place.
    pub(crate) planned: Object,
    /// Inputs that are changed in place by calls.
    pub(crate) updated: Vec<Name>,
    /// Inputs that are only recorded.
    pub(crate) noted: Vec<Name>,
    /// Inputs that force a replacement.
    pub(crate) replacing: Vec<Name>,
    /// Inputs that cannot be changed at all, with advice.
    pub(crate) refused: Vec<(Name, &'static str)>,
    /// Inputs removed from configuration that the service cannot clear.
    pub(crate) kept: Vec<String>,
    /// Whether marks of sensitivity appear or go.
    pub(crate) marks: bool,
}

impl Difference {
    /// Returns whether nothing changes, in the service or in the record.
    pub(crate) fn is_empty(&self) -> bool {
        self.updated.is_empty()
            && self.noted.is_empty()
            && self.replacing.is_empty()
            && self.refused.is_empty()
            && !self.marks
    }
}

/// Compares what configuration wants with an object that exists.
pub(crate) fn compare(kind: &Kind, wish: &Wish<'_>, prior: &Prior<'_>) -> Difference {
    let wanted = wanted(kind, wish.object, Some(prior.live));
    let mut difference = Difference { planned: prior.live.clone(), ..Difference::default() };
    for known in kind.attributes.iter().filter(|k| k.is_input()) {
        if !wish.ignore_all && !wish.ignore.contains(&known.name) {
            compare_input(known, &wanted, prior, &mut difference);
        }
    }
    difference
}

/// Returns the configured attributes in the configuration's spelling, with the values that the
/// service has chosen or would choose for those that configuration leaves out.
fn wanted(kind: &Kind, configured: &Object, live: Option<&Object>) -> Object {
    let mut wanted = configured.clone();
    kind.resource.normalise(&mut wanted);
    if let Some(live) = live {
        for known in kind.attributes.iter().filter(|k| k.is_input() && k.attribute.computed) {
            if wanted.get(&known.name).is_none()
                && let Some(value) = live.get(&known.name)
            {
                wanted.set(Arc::clone(&known.name), value.clone());
            }
        }
    }
    kind.resource.defaults(&mut wanted);
    wanted
}

fn compare_input(known: &Known, wanted: &Object, prior: &Prior<'_>, difference: &mut Difference) {
    let null = Value::null();
    let name = &known.name;
    let current = prior.live.get(name);
    let value = match (wanted.get(name), current) {
        (Some(value), _) => value,
        (None, None) => return,
        (None, Some(_)) if known.attribute.computed => return,
        (None, Some(_)) if !known.attribute.clearable => {
            difference.kept.push(name.to_string());
            return;
        }
        (None, Some(_)) => &null,
    };
    difference.planned.set(Arc::clone(name), value.clone());
    if !known.attribute.readable && !prior.recorded.has(name) {
        // Nothing is known of it (an import): what is configured is taken for what is.
        return;
    }
    match same(current.unwrap_or(&null), value) {
        Some(true) => {
            let marks = current.map(Value::sensitive_paths).unwrap_or_default();
            difference.marks |= marks != value.sensitive_paths();
        }
        Some(false) | None => match known.attribute.on_change {
            OnChange::Update => difference.updated.push(Arc::clone(name)),
            OnChange::Replace | OnChange::OneWay => difference.replacing.push(Arc::clone(name)),
            OnChange::Refuse(advice) => difference.refused.push((Arc::clone(name), advice)),
            OnChange::Record => difference.noted.push(Arc::clone(name)),
        },
    }
}

/// Returns the object to be made: the configured attributes, the defaults, and unknown values with
/// `address` as their origin for what the service chooses.
pub(crate) fn fresh(kind: &Kind, configured: &Object, address: &str) -> Object {
    let mut object = wanted(kind, configured, None);
    for known in &kind.attributes {
        if object.get(&known.name).is_some() {
            continue;
        }
        if !known.is_input() || known.attribute.computed {
            object.set(Arc::clone(&known.name), kind.unknown(address, known));
        } else if !known.attribute.readable {
            // Recorded as null, so that setting it later is seen as a change.
            object.set(Arc::clone(&known.name), Value::null());
        }
    }
    object
}

/// Returns the attributes (inputs that can be read, and stable ones) in which an object is no longer
/// as recorded.
pub(crate) fn drifted(kind: &Kind, recorded: &Object, live: &Object) -> Vec<String> {
    let null = Value::null();
    kind.attributes
        .iter()
        .filter(|known| known.drifts())
        // A computed attribute that was never recorded is news, not drift.
        .filter(|known| known.is_input() || recorded.has(&known.name))
        .filter(|known| {
            let before = recorded.get(&known.name).unwrap_or(&null);
            let after = live.get(&known.name).unwrap_or(&null);
            same(before, after) != Some(true)
        })
        .map(|known| known.name.to_string())
        .collect()
}

/// Returns whether two objects have the same values and the same marks.
pub(crate) fn identical(a: &Object, b: &Object) -> bool {
    let null = Value::null();
    let covers = |a: &Object, b: &Object| {
        a.iter().all(|(name, value)| {
            let other = b.get(name).unwrap_or(&null);
            same(value, other) == Some(true) && value.sensitive_paths() == other.sensitive_paths()
        })
    };
    covers(a, b) && covers(b, a)
}
