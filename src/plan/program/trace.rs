//! What an evaluation used, noted while it ran, and the cache of what was evaluated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::Objects;
use super::objects::without_keys;
use crate::address::{Address, Key, Mode, ResourceAddress};
use crate::diagnostic::Diagnostics;
use crate::value::{Name, Value};

/// Most instances of one resource that are noted one by one for a shared value; beyond, the whole
/// resource is noted, so that many users of the value do not each carry a long list.
pub(super) const MAX_SHARED_INSTANCES: usize = 16;

/// A use of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Use {
    pub(super) resource: ResourceAddress,
    pub(super) part: Part,
    /// The attribute that was used; `None` for the whole object.
    pub(super) attribute: Option<Name>,
}

/// The part of a resource that was used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// All instances.
    Whole,
    /// One instance.
    Instance(Option<Key>),
}

/// What something depends on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DependencyOn {
    /// One instance.
    Instance(Address),
    /// All instances of a resource.
    Resource(ResourceAddress),
}

impl DependencyOn {
    /// Returns the resource.
    pub fn resource(&self) -> &ResourceAddress {
        match self {
            Self::Instance(address) => &address.resource,
            Self::Resource(resource) => resource,
        }
    }
}

/// A dependency of an instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    /// On what.
    pub on: DependencyOn,
    /// The attributes that are used; empty where the whole object is.
    pub attributes: BTreeSet<Name>,
    /// Whether it comes from `depends_on` alone.
    pub explicit: bool,
}

/// Makes dependencies of uses, sorted.
pub(super) fn dependencies(uses: &[Use]) -> Vec<Dependency> {
    let mut found: BTreeMap<DependencyOn, Option<BTreeSet<Name>>> = BTreeMap::new();
    for used in uses {
        let on = match &used.part {
            Part::Whole => DependencyOn::Resource(used.resource.clone()),
            Part::Instance(key) => DependencyOn::Instance(used.resource.instance(key.clone())),
        };
        let attributes = found.entry(on).or_insert_with(|| Some(BTreeSet::new()));
        match (&used.attribute, attributes.as_mut()) {
            (Some(name), Some(attributes)) => {
                attributes.insert(name.clone());
            }
            (None, _) => *attributes = None,
            (Some(_), None) => {}
        }
    }
    found
        .into_iter()
        .map(|(on, attributes)| Dependency {
            on,
            attributes: attributes.unwrap_or_default(),
            explicit: false,
        })
        .collect()
}

/// Sorts uses and shortens long lists of instances.
pub(super) fn shared(mut uses: Vec<Use>) -> Arc<[Use]> {
    uses.sort_unstable();
    uses.dedup();
    let mut counts: BTreeMap<&ResourceAddress, usize> = BTreeMap::new();
    for used in &uses {
        *counts.entry(&used.resource).or_default() += 1;
    }
    counts.retain(|_, count| *count > MAX_SHARED_INSTANCES);
    let long: BTreeSet<ResourceAddress> = counts.into_keys().cloned().collect();
    if !long.is_empty() {
        for used in uses.iter_mut().filter(|used| long.contains(&used.resource)) {
            used.part = Part::Whole;
        }
        uses.sort_unstable();
        uses.dedup();
    }
    uses.into()
}

/// What is kept of an evaluation: its name within a module instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    /// `var.name`
    Variable(Name),
    /// `local.name`
    Local(Name),
    /// An output of the module.
    Output(Name),
    /// The outputs of all instances of a called module.
    Call(Name),
    /// `count` or `for_each` of a block.
    Expansion(Mode, Name, Name),
    /// `count` or `for_each` of a module's call.
    Repetition(Name),
    /// All objects of a block.
    Block(Mode, Name, Name),
}

/// What a stamp was taken of.
#[derive(Debug)]
enum Stamped {
    Resource(ResourceAddress),
    /// A block in all instances of its modules: where many of them were used, so that it costs little
    /// to see whether any has changed.
    Block(ResourceAddress),
}

impl Stamped {
    fn stamp(&self, objects: &dyn Objects) -> u64 {
        match self {
            Self::Resource(resource) => objects.stamp(resource),
            Self::Block(resource) => objects.block_stamp(resource),
        }
    }
}

/// Takes the stamps of what was used.
fn stamps(uses: &[Use], objects: &dyn Objects) -> Vec<(Stamped, u64)> {
    let resources: BTreeSet<&ResourceAddress> = uses.iter().map(|u| &u.resource).collect();
    let mut blocks: BTreeMap<ResourceAddress, usize> = BTreeMap::new();
    if resources.len() > MAX_SHARED_INSTANCES {
        for resource in &resources {
            *blocks.entry(without_keys(resource)).or_default() += 1;
        }
        blocks.retain(|_, count| *count > MAX_SHARED_INSTANCES);
    }
    let single = |r: &&ResourceAddress| blocks.is_empty() || !blocks.contains_key(&without_keys(r));
    let singles = resources.into_iter().filter(single).cloned().map(Stamped::Resource);
    let mut stamped: Vec<Stamped> = singles.collect();
    stamped.extend(blocks.into_keys().map(Stamped::Block));
    let stamp = |stamped: Stamped| {
        let stamp = stamped.stamp(objects);
        (stamped, stamp)
    };
    stamped.into_iter().map(stamp).collect()
}

/// What an evaluation gave.
#[derive(Debug)]
pub(super) struct Entry<T = Value> {
    pub(super) value: T,
    /// What it used.
    pub(super) uses: Arc<[Use]>,
    /// The stamps of the resources that it used, at that time.
    stamps: Vec<(Stamped, u64)>,
    /// What is wrong with it, for everyone who uses it.
    pub(super) diagnostics: Diagnostics,
    /// Whether it could not be evaluated; then the value is unknown.
    pub(super) failed: bool,
}

impl<T> Entry<T> {
    pub(super) fn new(
        value: T,
        uses: Vec<Use>,
        mut diagnostics: Diagnostics,
        failed: bool,
        objects: &dyn Objects,
    ) -> Self {
        // What is used twice reports its mistakes twice.
        diagnostics.sort();
        let stamps = stamps(&uses, objects);
        Self { value, stamps, uses: shared(uses), diagnostics, failed }
    }

    fn is_valid(&self, objects: &dyn Objects) -> bool {
        self.stamps.iter().all(|(stamped, stamp)| stamped.stamp(objects) == *stamp)
    }
}

/// Results of evaluations by module instance and item.
#[derive(Debug)]
pub(super) struct Cache<T = Value>(Mutex<Entries<T>>);

type Entries<T> = BTreeMap<(usize, Item), Arc<Entry<T>>>;

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }
}

impl<T> Cache<T> {
    /// Returns what was evaluated, if nothing that it used has changed since.
    pub(super) fn get(&self, key: &(usize, Item), objects: &dyn Objects) -> Option<Arc<Entry<T>>> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(key).cloned();
        drop(entries);
        entry.filter(|entry| entry.is_valid(objects))
    }

    pub(super) fn put(&self, key: (usize, Item), entry: Arc<Entry<T>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, entry);
    }
}
