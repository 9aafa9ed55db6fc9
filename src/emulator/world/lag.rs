//! Lists, and reads that lag behind writes: for a while, a list still shows what was there before.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::emulator::errors::Refusal;
use crate::emulator::world::World;
use crate::emulator::world::call::{Call, page_of};
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

/// Parameters of lists that leave nothing out of them.
const NO_FILTERS: [&str; 6] =
    ["RegionId", "ForwardTableId", "SnatTableId", "PageNumber", "PageSize", "DryRun"];

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
        if self.settings.timings.read_lag_ms > 0 {
            let lag = i64::try_from(self.settings.timings.read_lag_ms).unwrap_or(i64::MAX);
            self.lag.forget(Timestamp(self.time.0.saturating_sub(lag)));
        }
    }

    /// Answers a list: the page that the call asks for of the objects with those keys, and of those
    /// that are gone but still seen, as far as they pass the filter; in the order of creation.
    pub(crate) fn list<T: Listable>(
        &self,
        call: &Call,
        keys: Option<&Ordered>,
        names: (&str, &str),
        passes: impl Fn(&T) -> bool,
        render: impl Fn(&T) -> Value,
    ) -> Result<Value, Refusal> {
        let page = call.page()?;
        let skip = page.number.saturating_sub(1).saturating_mul(page.size);
        let filtered = call.parameters.keys().any(|name| !NO_FILTERS.contains(&name.as_str()));
        if self.lag.changes.is_empty() && !filtered {
            // The usual way does not look at what other pages show.
            let shown = keys.into_iter().flatten().skip(skip).take(page.size);
            let shown = shown.filter_map(|(_, key)| T::all(self).get(key)).map(render).collect();
            return Ok(page_of(page, keys.map_or(0, Ordered::len), names, shown));
        }
        let rows = self.visible(keys, passes);
        let shown = rows.iter().skip(skip).take(page.size).map(|row| render(row)).collect();
        Ok(page_of(page, rows.len(), names, shown))
    }

    fn visible<'a, T: Listable>(
        &'a self,
        keys: Option<&Ordered>,
        passes: impl Fn(&T) -> bool,
    ) -> Vec<&'a T> {
        let current = keys.into_iter().flatten().filter_map(|(_, key)| T::all(self).get(key));
        let mut seen: BTreeMap<(u64, &str), &'a T> =
            current.filter(|o| passes(o)).map(|o| ((o.sequence(), o.key()), o)).collect();
        let from = (T::KIND, String::new());
        let changes = self.lag.changes.range(from..).take_while(|((kind, _), _)| *kind == T::KIND);
        for ((_, key), list) in changes {
            if let Some(current) = T::all(self).get(key) {
                seen.remove(&(current.sequence(), key));
            }
            let before = list.first().and_then(|(_, before)| before.as_ref());
            if let Some(old) = before.and_then(T::from_listed).filter(|o| passes(o)) {
                seen.insert((old.sequence(), key), old);
            }
        }
        seen.into_values().collect()
    }
}
