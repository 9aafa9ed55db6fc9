//! Reads that lag behind writes: for a while, a list still shows what was there before.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::emulator::world::World;
use crate::emulator::world::index::Ordered;
use crate::emulator::world::model::{BandwidthPackage, ForwardEntry, Gateway, Kind, SnatEntry};
use crate::emulator::world::objects::Object;
use crate::environment::Timestamp;

/// Something that lists show.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names are those of the objects")]
pub enum Listed {
    Gateway(Gateway),
    BandwidthPackage(BandwidthPackage),
    ForwardEntry(ForwardEntry),
    SnatEntry(SnatEntry),
}

/// When something changed, and from what.
type Before = (Timestamp, Option<Listed>);

/// Recent changes with what was there before each.
#[derive(Debug, Clone, Default)]
pub struct Lag {
    changes: BTreeMap<(Kind, String), Vec<Before>>,
}

impl Lag {
    /// Notes that an object changed at `at` from `before`.
    pub fn note(&mut self, at: Timestamp, kind: Kind, key: &str, before: Option<Listed>) {
        self.changes.entry((kind, key.to_owned())).or_default().push((at, before));
    }

    /// Forgets changes up to `seen`.
    fn forget(&mut self, seen: Timestamp) {
        self.changes.retain(|_, list| {
            list.retain(|(at, _)| *at > seen);
            !list.is_empty()
        });
    }
}

/// An object that lists show in the order of creation.
pub trait Listable: Object {
    /// Returns its place in the order of creation.
    fn sequence(&self) -> u64;
    /// Takes it out of what a list shows.
    fn from_listed(listed: &Listed) -> Option<&Self>;
}

macro_rules! listable {
    ($type:ident) => {
        impl Listable for $type {
            fn sequence(&self) -> u64 {
                self.sequence
            }
            fn from_listed(listed: &Listed) -> Option<&Self> {
                match listed {
                    Listed::$type(object) => Some(object),
                    _ => None,
                }
            }
        }
    };
}

listable!(Gateway);
listable!(BandwidthPackage);
listable!(ForwardEntry);
listable!(SnatEntry);

impl World {
    /// Prepares lists to be read at this time.
    pub(crate) fn settle_lag(&mut self) {
        if self.settings.read_lag_ms > 0 {
            let lag = i64::try_from(self.settings.read_lag_ms).unwrap_or(i64::MAX);
            self.lag.forget(Timestamp(self.time.0.saturating_sub(lag)));
        }
    }

    /// Returns what a list shows now: the objects with those keys as the reader sees them, and those
    /// that are gone but still seen; in the order of creation, if they pass the filter.
    pub(crate) fn visible<'a, T: Listable>(
        &'a self,
        keys: Option<&'a Ordered>,
        passes: impl Fn(&T) -> bool,
    ) -> Vec<Cow<'a, T>> {
        let current = keys.into_iter().flatten().filter_map(|(_, key)| T::all(self).get(key));
        if self.lag.changes.is_empty() {
            return current.filter(|o| passes(o)).map(Cow::Borrowed).collect();
        }
        let mut seen: BTreeMap<(u64, String), Cow<'a, T>> = current
            .filter(|o| passes(o))
            .map(|o| ((o.sequence(), o.key().to_owned()), Cow::Borrowed(o)))
            .collect();
        let from = (T::KIND, String::new());
        for ((_, key), list) in
            self.lag.changes.range(from..).take_while(|((k, _), _)| *k == T::KIND)
        {
            let before = list.first().and_then(|(_, before)| before.as_ref());
            if let Some(current) = T::all(self).get(key) {
                seen.remove(&(current.sequence(), key.clone()));
            }
            if let Some(old) = before.and_then(T::from_listed).filter(|o| passes(o)) {
                seen.insert((old.sequence(), key.clone()), Cow::Borrowed(old));
            }
        }
        seen.into_values().collect()
    }
}
