//! The emulator's world: a deterministic state machine of the service.
//!
//! [`World::handle`] is all there is to it: the same world, time and request give the same answer and
//! the same new world. There are no threads, timers, clocks or random numbers in here. What takes
//! time carries the point at which it is done, and each request first lets ripen what is due.
//!
//! `model` has the objects, `index` what is looked up quickly, `objects` keeps both in step; a file
//! per family has the actions.

pub mod bandwidth;
pub mod call;
pub mod conditions;
pub mod convert;
pub mod dump;
pub mod forward;
pub mod gateway;
mod gateway_create;
mod handle;
pub mod index;
pub mod integrity;
pub mod lag;
pub mod model;
pub mod network;
pub mod objects;
mod ripen;
pub mod snat;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::emulator::authentication::Nonces;
use crate::emulator::errors::{Refusal, Unlisted};
use crate::emulator::faults::{Faults, mix};
use crate::emulator::settings::Settings;
use crate::emulator::world::conditions::Conditions;
use crate::emulator::world::dump::Dump;
use crate::emulator::world::index::{Index, Owner};
use crate::emulator::world::lag::Lag;
use crate::emulator::world::model::{
    BandwidthPackage, Eip, ForwardEntry, Gateway, GatewayChange, Kind, Meta, Pending,
    SharedBandwidth, SnatEntry, Token, VSwitch, Vpc,
};
use crate::environment::Timestamp;

/// First of the addresses that are given out: 198.18.0.0/15 is set aside for tests and never routed.
const FIRST_ADDRESS: u32 = 0xC612_0000;
/// How many there are.
const ADDRESSES: u32 = 1 << 17;

/// The service with everything in it.
#[derive(Debug, Clone)]
pub struct World {
    pub(crate) settings: Arc<Settings>,
    pub(crate) meta: Meta,
    pub(crate) conditions: Conditions,
    pub(crate) vpcs: BTreeMap<String, Vpc>,
    pub(crate) vswitches: BTreeMap<String, VSwitch>,
    pub(crate) gateways: BTreeMap<String, Gateway>,
    pub(crate) packages: BTreeMap<String, BandwidthPackage>,
    pub(crate) shared_bandwidths: BTreeMap<String, SharedBandwidth>,
    pub(crate) eips: BTreeMap<String, Eip>,
    pub(crate) forward_entries: BTreeMap<String, ForwardEntry>,
    pub(crate) snat_entries: BTreeMap<String, SnatEntry>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) index: Index,
    lag: Lag,
    dirty: BTreeSet<(Kind, String)>,
    /// The world's time while something is handled.
    pub(crate) time: Timestamp,
    /// Faults in force. Not stored.
    pub faults: Faults,
    nonces: Nonces,
    requests: u64,
}

impl World {
    /// Creates the world that the settings describe, or the built-in one.
    pub fn new(settings: Arc<Settings>, now: Timestamp) -> Self {
        let start = settings.start.clone().unwrap_or_else(Dump::starting);
        let mut world = Self::empty(settings, now);
        world.load(start);
        world
    }

    /// Creates a world with nothing in it.
    pub(crate) fn empty(settings: Arc<Settings>, now: Timestamp) -> Self {
        let seed = settings.seed.unwrap_or_else(|| mix(now.0.unsigned_abs()));
        let faults = Faults::new(settings.faults.clone(), settings.limits.clone());
        let mut world = Self {
            settings,
            meta: Meta::default(),
            conditions: Conditions::default(),
            vpcs: BTreeMap::new(),
            vswitches: BTreeMap::new(),
            gateways: BTreeMap::new(),
            packages: BTreeMap::new(),
            shared_bandwidths: BTreeMap::new(),
            eips: BTreeMap::new(),
            forward_entries: BTreeMap::new(),
            snat_entries: BTreeMap::new(),
            tokens: BTreeMap::new(),
            index: Index::default(),
            lag: Lag::default(),
            dirty: BTreeSet::new(),
            time: now,
            faults,
            nonces: Nonces::default(),
            requests: 0,
        };
        world.meta.seed = seed;
        world.meta.id = world.uuid(&[b"world", &seed.to_be_bytes(), &now.0.to_be_bytes()]);
        world.touch_meta();
        world.touch_conditions();
        world
    }

    /// Returns the identity of this world: another one after a reset.
    pub fn id(&self) -> &str {
        &self.meta.id
    }

    /// Moves the world's time ahead of the clock by `ms` more milliseconds.
    pub fn advance(&mut self, ms: i64) {
        self.meta.clock_offset_ms = self.meta.clock_offset_ms.saturating_add(ms.max(0));
        self.touch_meta();
    }

    /// Returns the world's time when the clock shows `now`.
    pub fn time_at(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add(self.meta.clock_offset_ms))
    }

    /// Returns a new id with that prefix.
    pub(crate) fn new_id(&mut self, prefix: &str) -> String {
        self.meta.counter = self.meta.counter.wrapping_add(1);
        self.touch_meta();
        let mut number = mix(self.meta.seed ^ mix(self.meta.counter));
        let mut digits = [b'0'; 13];
        for digit in digits.iter_mut().rev() {
            let place = usize::try_from(number % 36).unwrap_or(0);
            *digit = b"0123456789abcdefghijklmnopqrstuvwxyz"[place];
            number /= 36;
        }
        format!("{prefix}-emu{}", String::from_utf8_lossy(&digits))
    }

    /// Returns the next place in the order of creation.
    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.meta.counter = self.meta.counter.wrapping_add(1);
        self.touch_meta();
        self.meta.counter
    }

    /// Returns a public address that nobody has.
    pub(crate) fn new_address(&mut self) -> Option<Ipv4Addr> {
        for _ in 0..ADDRESSES {
            let offset = self.meta.addresses % ADDRESSES;
            self.meta.addresses = self.meta.addresses.wrapping_add(1);
            self.touch_meta();
            let address = Ipv4Addr::from(FIRST_ADDRESS + offset);
            // The first and last of each 256 look like mistakes to people.
            if !matches!(address.octets()[3], 0 | 255) && !self.index.owners.contains_key(&address)
            {
                return Some(address);
            }
        }
        None
    }

    /// Returns a UUID in capitals that follows from `parts`.
    pub(crate) fn uuid(&self, parts: &[&[u8]]) -> String {
        let mut hash = Sha256::new();
        hash.update(self.meta.id.as_bytes());
        for part in parts {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string().to_uppercase()
    }

    /// Returns something that will be done in `ms` milliseconds.
    pub(crate) fn pending<T>(&self, change: T, ms: Option<u64>) -> Pending<T> {
        let ready = ms.map(|ms| self.time.after(std::time::Duration::from_millis(ms)));
        Pending { change, ready }
    }

    /// Returns the gateway that an address serves.
    pub(crate) fn gateway_of_address(&self, address: Ipv4Addr) -> Option<&str> {
        match self.index.owners.get(&address)? {
            Owner::Package(id) => self.packages.get(id).map(|p| p.gateway.as_str()),
            Owner::Eip(id) => self.eips.get(id).and_then(|e| e.gateway.as_deref()),
        }
    }

    /// Returns what shares bandwidth with an address: the id of its package or shared bandwidth.
    pub(crate) fn bandwidth_of_address(&self, address: Ipv4Addr) -> Option<&str> {
        match self.index.owners.get(&address)? {
            Owner::Package(id) => Some(id),
            Owner::Eip(id) => self.eips.get(id).and_then(|e| e.shared_bandwidth.as_deref()),
        }
    }

    /// Returns whether an address may serve DNAT and SNAT entries at a time.
    pub(crate) fn address_serves_both(&self, address: Ipv4Addr) -> bool {
        match self.index.owners.get(&address) {
            Some(Owner::Package(id)) => self.packages.get(id).is_some_and(|p| {
                p.ips.iter().any(|ip| ip.address == address && ip.snat_entry_enabled)
            }),
            Some(Owner::Eip(id)) => self.eips.get(id).is_some_and(|e| e.snat_entry_enabled),
            None => false,
        }
    }

    /// Returns the status of use that lists show of an address.
    pub(crate) fn using_status(&self, address: Ipv4Addr) -> &'static str {
        self.index.uses.get(&address).map_or("Idle", |u| u.status())
    }

    /// Refuses a change of a gateway, or of something that belongs to it, while it is busy.
    pub(crate) fn check_gateway_free(&self, gateway: &Gateway) -> Result<(), Refusal> {
        if gateway.pending.is_some() {
            return Err(Refusal::unlisted(Unlisted::GatewayBusy));
        }
        if self.conditions.one_change_per_gateway && self.anything_pending(gateway) {
            return Err(Refusal::unlisted(Unlisted::OperationConflict));
        }
        Ok(())
    }

    fn anything_pending(&self, gateway: &Gateway) -> bool {
        let table = |t: Option<&index::Table>| t.is_some_and(|t| !t.pending.is_empty());
        table(self.index.forward_tables.get(&gateway.forward_table))
            || table(self.index.snat_tables.get(&gateway.snat_table))
            || self.packages_of(&gateway.id).any(|p| p.pending.is_some())
    }

    /// Returns the packages of a gateway in the order of creation.
    pub(crate) fn packages_of(&self, gateway: &str) -> impl Iterator<Item = &BandwidthPackage> {
        let ids = self.index.packages_by_gateway.get(gateway);
        ids.into_iter().flatten().filter_map(|(_, id)| self.packages.get(id))
    }

    /// Returns the EIPs that are bound to a gateway in the order of creation.
    pub(crate) fn eips_of(&self, gateway: &str) -> impl Iterator<Item = &Eip> {
        let ids = self.index.eips_by_gateway.get(gateway);
        ids.into_iter().flatten().filter_map(|(_, id)| self.eips.get(id))
    }
}

/// Returns the gateway's status as the newer edition spells it.
pub(crate) fn gateway_status(gateway: &Gateway) -> &'static str {
    match gateway.pending.as_ref().map(|p| &p.change) {
        None => "Available",
        Some(GatewayChange::Create) => "Creating",
        Some(GatewayChange::Spec(_)) => "Modifying",
        Some(GatewayChange::Convert) => "Converting",
        Some(GatewayChange::Delete) => "Deleting",
    }
}
