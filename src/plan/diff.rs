//! One instance: configured × recorded × live → the planned object, and what it takes to get there.

use std::sync::Arc;

use super::kinds::{Kind, Known};
use crate::resources::{Object, OnChange};
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
    /// Inputs that force one because the service has no way back.
    pub(crate) one_way: Vec<Name>,
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
            && self.one_way.is_empty()
            && self.refused.is_empty()
            && !self.marks
    }
}

/// Compares what configuration wants with an object that exists.
pub(crate) fn compare(kind: &Kind, wish: &Wish<'_>, prior: &Prior<'_>) -> Difference {
    let wanted = spelt(kind, wish.object);
    let mut difference = Difference { planned: prior.live.clone(), ..Difference::default() };
    let mut differing = Vec::new();
    for known in kind.attributes.iter().filter(|k| k.attribute.is_input()) {
        if !wish.ignore_all
            && !wish.ignore.contains(&known.name)
            && compare_input(known, &wanted, prior, &mut difference)
        {
            differing.push(known);
        }
    }
    for known in differing {
        let name = Arc::clone(&known.name);
        match kind.resource.on_change(known.attribute, prior.live, &difference.planned) {
            OnChange::Update => difference.updated.push(name),
            OnChange::Replace => difference.replacing.push(name),
            OnChange::OneWay => difference.one_way.push(name),
            OnChange::Refuse(advice) => difference.refused.push((name, advice)),
            OnChange::Record => difference.noted.push(name),
        }
    }
    difference
}

/// Returns the configured attributes in the configuration's spelling, with natform's own defaults.
pub(crate) fn spelt(kind: &Kind, configured: &Object) -> Object {
    let mut wanted = configured.clone();
    kind.resource.normalise(&mut wanted);
    kind.resource.defaults(&mut wanted);
    wanted
}

/// Plans one input; returns whether it differs, or may differ.
fn compare_input(
    known: &Known,
    wanted: &Object,
    prior: &Prior<'_>,
    difference: &mut Difference,
) -> bool {
    let null = Value::null();
    let name = &known.name;
    let current = prior.live.get(name);
    let value = match (wanted.get(name), current) {
        (Some(value), _) => value,
        (None, None) => return false,
        (None, Some(_)) if known.attribute.computed => return false,
        (None, Some(_)) if !known.attribute.clearable => {
            difference.kept.push(name.to_string());
            return false;
        }
        (None, Some(_)) => &null,
    };
    difference.planned.set(Arc::clone(name), value.clone());
    if !known.attribute.readable && !prior.recorded.has(name) {
        // Nothing is known of it (an import): what is configured is taken for what is.
        return false;
    }
    if same(current.unwrap_or(&null), value) != Some(true) {
        return true;
    }
    let marks = current.map(Value::sensitive_paths).unwrap_or_default();
    difference.marks |= marks != value.sensitive_paths();
    false
}

/// Returns the object to be made: the configured attributes, the defaults, and unknown values with
/// `address` as their origin for what the service chooses.
pub(crate) fn fresh(kind: &Kind, configured: &Object, address: &str) -> Object {
    let mut object = spelt(kind, configured);
    for known in &kind.attributes {
        if object.get(&known.name).is_some() {
            continue;
        }
        if !known.attribute.is_input() || known.attribute.computed {
            object.set(Arc::clone(&known.name), Kind::unknown(address, known));
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
        .filter(|known| known.attribute.is_input() || recorded.has(&known.name))
        .filter(|known| {
            let before = recorded.get(&known.name).unwrap_or(&null);
            let after = live.get(&known.name).unwrap_or(&null);
            same(before, after) != Some(true)
        })
        .map(|known| known.name.to_string())
        .collect()
}
