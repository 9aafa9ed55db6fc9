//! What differs between two states, in words: what `restore` and `push` are about to write.

use std::collections::{BTreeMap, BTreeSet};

use super::{describe, named};
use crate::report::paint::Paint;
use crate::state::{Instance, Service, Snapshot};

/// What differs.
pub(super) struct Difference<'a> {
    added: Vec<&'a Instance>,
    changed: Vec<&'a Instance>,
    removed: Vec<&'a Instance>,
    outputs: Vec<String>,
    /// Objects of the service that nobody owns afterwards.
    left: Vec<&'a Instance>,
    /// Objects of the service that are owned again and may be gone.
    regained: Vec<&'a Instance>,
}

/// Tells an object of the service from others.
fn owned(instance: &Instance) -> (&str, &Service, &str, &str) {
    (instance.address.kind(), &instance.service, &instance.region, &instance.id)
}

impl<'a> Difference<'a> {
    /// Compares the state as it is with what it is to become.
    pub(super) fn between(present: &'a Snapshot, wanted: &'a Snapshot) -> Self {
        let lacks = |snapshot: &'a Snapshot, of: &'a Snapshot| -> Vec<&'a Instance> {
            let keys = of.instances.iter().filter(|(key, _)| !snapshot.instances.contains_key(key));
            keys.map(|(_, instance)| instance).collect()
        };
        let strangers = |snapshot: &'a Snapshot, of: &'a Snapshot| -> Vec<&'a Instance> {
            let known: BTreeSet<_> = snapshot.instances.values().map(owned).collect();
            of.instances.values().filter(|i| !known.contains(&owned(i))).collect()
        };
        let changed = wanted.instances.iter().filter(|(key, instance)| {
            present.instances.get(*key).is_some_and(|before| !same(before, instance))
        });
        let names: BTreeSet<_> = present.outputs.keys().chain(wanted.outputs.keys()).collect();
        let (before, after) = (encoded(present), encoded(wanted));
        let differs = |name: &crate::value::Name| before.get(&**name) != after.get(&**name);
        Self {
            added: lacks(present, wanted),
            changed: changed.map(|(_, instance)| instance).collect(),
            removed: lacks(wanted, present),
            outputs: names.into_iter().filter(|n| differs(n)).map(ToString::to_string).collect(),
            left: strangers(wanted, present),
            regained: strangers(present, wanted),
        }
    }

    /// Returns whether nothing differs.
    pub(super) fn is_empty(&self) -> bool {
        let objects = self.added.len() + self.changed.len() + self.removed.len();
        objects + self.outputs.len() == 0
    }

    /// Returns the counts in words.
    pub(super) fn counts(&self) -> String {
        format!(
            "{} added, {} changed, {} forgotten",
            self.added.len(),
            self.changed.len(),
            self.removed.len()
        )
    }

    /// Lists all that differs, and what it means for the objects in the service.
    pub(super) fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        let groups = [
            (paint.green("+"), &self.added),
            (paint.yellow("~"), &self.changed),
            (paint.red("-"), &self.removed),
        ];
        for (symbol, list) in groups {
            for instance in list {
                text.push_str(&format!("  {symbol} {} (id {})\n", named(instance), instance.id));
            }
        }
        for name in &self.outputs {
            text.push_str(&format!("  {} output {name}\n", paint.yellow("~")));
        }
        let notes = [
            (
                "These objects live on in the service and are not recorded any more; the next \
                 plan does not know of them:",
                &self.left,
            ),
            (
                "These objects are recorded again; where they were deleted since, the next plan \
                 tells:",
                &self.regained,
            ),
        ];
        for (note, list) in notes.iter().filter(|(_, list)| !list.is_empty()) {
            text.push_str(&format!("\n{}\n", paint.yellow(note)));
            for instance in *list {
                text.push_str(&format!("  {}, {}\n", named(instance), describe(instance)));
            }
        }
        text
    }
}

fn encoded(snapshot: &Snapshot) -> BTreeMap<&str, String> {
    let outputs = snapshot.outputs.iter();
    outputs.map(|(name, value)| (&**name, crate::state::codec::encode_value(value))).collect()
}

/// Returns whether two records of one address say the same.
fn same(one: &Instance, other: &Instance) -> bool {
    let beside = |i: &Instance| {
        (
            i.id.clone(),
            i.status,
            i.dependencies.iter().cloned().collect::<BTreeSet<_>>(),
            i.provider.clone(),
            i.region.clone(),
            i.service.clone(),
            (i.schema_version, i.create_before_destroy, i.prevent_destroy),
        )
    };
    let object = |i: &Instance| crate::state::codec::encode_object(&i.object);
    beside(one) == beside(other) && object(one) == object(other)
}
