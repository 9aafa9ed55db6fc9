//! Putting objects into a world and taking them out, such that look-ups, the list of what is to be
//! stored and the memory of lagging reads always agree.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::emulator::world::World;
use crate::emulator::world::index::{Index, Indexed};
use crate::emulator::world::lag::Listed;
use crate::emulator::world::model::{
    BandwidthPackage, Eip, ForwardEntry, Gateway, Kind, SharedBandwidth, SnatEntry, Token, VSwitch,
    Vpc,
};

/// A kind of object that a world holds by its key.
pub trait Object: Clone + Serialize + DeserializeOwned + Indexed {
    /// Its kind.
    const KIND: Kind;
    /// Returns its id.
    fn key(&self) -> &str;
    /// Returns all of this kind.
    fn all(world: &World) -> &BTreeMap<String, Self>;
    /// Returns all of this kind, to change them.
    fn all_mut(world: &mut World) -> &mut BTreeMap<String, Self>;
    /// Returns it as something that a lagging list shows.
    fn listed(&self) -> Option<Listed> {
        None
    }
}

macro_rules! object {
    ($type:ident, $key:ident, $field:ident $(, $listed:ident)?) => {
        impl Object for $type {
            const KIND: Kind = Kind::$type;
            fn key(&self) -> &str {
                &self.$key
            }
            fn all(world: &World) -> &BTreeMap<String, Self> {
                &world.$field
            }
            fn all_mut(world: &mut World) -> &mut BTreeMap<String, Self> {
                &mut world.$field
            }
            $(fn listed(&self) -> Option<Listed> {
                Some(Listed::$listed(self.clone()))
            })?
        }
    };
}

object!(Vpc, id, vpcs);
object!(VSwitch, id, vswitches);
object!(Gateway, id, gateways, Gateway);
object!(BandwidthPackage, id, packages, BandwidthPackage);
object!(SharedBandwidth, id, shared_bandwidths);
object!(Eip, id, eips);
object!(ForwardEntry, id, forward_entries, ForwardEntry);
object!(SnatEntry, id, snat_entries, SnatEntry);
object!(Token, key, tokens);

impl Indexed for Vpc {
    fn index(&self, _: &mut Index, _: bool) {}
}

impl Indexed for VSwitch {
    fn index(&self, _: &mut Index, _: bool) {}
}

impl Indexed for SharedBandwidth {
    fn index(&self, _: &mut Index, _: bool) {}
}

impl World {
    /// Puts an object in place of the one with its id.
    pub(crate) fn put<T: Object>(&mut self, object: T) {
        let key = object.key().to_owned();
        let old = self.swap(&key, Some(object));
        self.changed(T::KIND, &key, old.as_ref().and_then(T::listed));
    }

    /// Takes an object out.
    pub(crate) fn remove<T: Object>(&mut self, key: &str) -> Option<T> {
        let old = self.swap::<T>(key, None)?;
        self.changed(T::KIND, key, old.listed());
        Some(old)
    }

    /// Puts in or takes out without noting that it changed: for objects that come from the store.
    pub(crate) fn swap<T: Object>(&mut self, key: &str, new: Option<T>) -> Option<T> {
        let old = T::all_mut(self).remove(key);
        if let Some(old) = &old {
            old.index(&mut self.index, false);
        }
        if let Some(new) = new {
            new.index(&mut self.index, true);
            T::all_mut(self).insert(key.to_owned(), new);
        }
        old
    }

    fn changed(&mut self, kind: Kind, key: &str, before: Option<Listed>) {
        self.dirty.insert((kind, key.to_owned()));
        if self.settings.timings.read_lag_ms > 0 {
            self.lag.note(self.time, kind, key, before);
        }
    }

    /// Notes that the world's numbers changed.
    pub(crate) fn touch_meta(&mut self) {
        self.dirty.insert((Kind::Meta, String::new()));
    }

    /// Notes that the world's conditions changed.
    pub(crate) fn touch_conditions(&mut self) {
        self.dirty.insert((Kind::Conditions, String::new()));
    }

    /// Returns the object as JSON, none when the world does not have it.
    pub(crate) fn row(&self, kind: Kind, key: &str) -> Option<String> {
        fn text<T: Object>(world: &World, key: &str) -> Option<String> {
            T::all(world).get(key).and_then(|o| serde_json::to_string(o).ok())
        }
        match kind {
            Kind::Meta => serde_json::to_string(&self.meta).ok(),
            Kind::Conditions => serde_json::to_string(&self.conditions).ok(),
            Kind::Vpc => text::<Vpc>(self, key),
            Kind::VSwitch => text::<VSwitch>(self, key),
            Kind::Gateway => text::<Gateway>(self, key),
            Kind::BandwidthPackage => text::<BandwidthPackage>(self, key),
            Kind::SharedBandwidth => text::<SharedBandwidth>(self, key),
            Kind::Eip => text::<Eip>(self, key),
            Kind::ForwardEntry => text::<ForwardEntry>(self, key),
            Kind::SnatEntry => text::<SnatEntry>(self, key),
            Kind::Token => text::<Token>(self, key),
        }
    }

    /// Puts in what [`World::row`] returned, or takes the object out.
    pub(crate) fn load_row(
        &mut self,
        kind: Kind,
        key: &str,
        row: Option<&str>,
    ) -> Result<(), serde_json::Error> {
        fn load<T: Object>(
            world: &mut World,
            key: &str,
            row: Option<&str>,
        ) -> Result<(), serde_json::Error> {
            let new = row.map(serde_json::from_str::<T>).transpose()?;
            world.swap(key, new);
            Ok(())
        }
        match kind {
            Kind::Meta => {
                if let Some(row) = row {
                    self.meta = serde_json::from_str(row)?;
                }
                Ok(())
            }
            Kind::Conditions => {
                if let Some(row) = row {
                    self.conditions = serde_json::from_str(row)?;
                }
                Ok(())
            }
            Kind::Vpc => load::<Vpc>(self, key, row),
            Kind::VSwitch => load::<VSwitch>(self, key, row),
            Kind::Gateway => load::<Gateway>(self, key, row),
            Kind::BandwidthPackage => load::<BandwidthPackage>(self, key, row),
            Kind::SharedBandwidth => load::<SharedBandwidth>(self, key, row),
            Kind::Eip => load::<Eip>(self, key, row),
            Kind::ForwardEntry => load::<ForwardEntry>(self, key, row),
            Kind::SnatEntry => load::<SnatEntry>(self, key, row),
            Kind::Token => load::<Token>(self, key, row),
        }
    }

    /// Returns what changed since this was last asked.
    pub(crate) fn take_changes(&mut self) -> std::collections::BTreeSet<(Kind, String)> {
        std::mem::take(&mut self.dirty)
    }
}

impl World {
    /// Takes everything out, to be read again.
    pub(crate) fn clear(&mut self) {
        self.vpcs.clear();
        self.vswitches.clear();
        self.gateways.clear();
        self.packages.clear();
        self.shared_bandwidths.clear();
        self.eips.clear();
        self.forward_entries.clear();
        self.snat_entries.clear();
        self.tokens.clear();
        self.index = Index::default();
    }
}
