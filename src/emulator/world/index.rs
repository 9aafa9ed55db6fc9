//! What a world looks up quickly: tables with their entries and keys, addresses with their owners and
//! uses, and what is due when. Derived from the objects, never stored.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::emulator::world::model::{
    BandwidthPackage, Change, Eip, ForwardEntry, Gateway, Kind, SnatEntry, Token,
};
use crate::environment::Timestamp;

/// Address, port and protocol: (external ip, external port, protocol) or the internal ones.
pub type PortKey = (Ipv4Addr, String, String);

/// Ids in the order of creation.
pub type Ordered = BTreeSet<(u64, String)>;

/// A DNAT or SNAT table.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Its gateway, if the world has it.
    pub gateway: Option<String>,
    /// Entries in the order of creation.
    pub entries: Ordered,
    /// Entries with which anything is going on.
    pub pending: BTreeSet<String>,
    /// Entries that are being created or modified.
    pub settling: BTreeSet<String>,
    external: BTreeSet<(PortKey, String)>,
    internal: BTreeSet<(PortKey, String)>,
    /// Sources of SNAT entries.
    sources: BTreeSet<(Ipv4Net, String)>,
}

impl Table {
    /// Returns whether an SNAT entry other than `except` has exactly that source.
    pub fn has_source(&self, source: Ipv4Net, except: &str) -> bool {
        held(&self.sources, &source, except)
    }

    /// Returns whether an SNAT entry has a source that shares addresses with `source`. Of two ranges
    /// that do, one contains the other.
    pub fn overlaps_source(&self, source: Ipv4Net) -> bool {
        let around = (0..=source.prefix_len())
            .filter_map(|prefix| Ipv4Net::new(source.addr(), prefix).ok())
            .any(|net| self.has_source(net.trunc(), ""));
        let inside = || {
            let from = (source.trunc(), String::new());
            self.sources.range(from..).next().is_some_and(|(net, _)| source.contains(net))
        };
        around || inside()
    }

    /// Returns whether an entry other than `except` has that external key.
    pub fn has_external(&self, key: &PortKey, except: &str) -> bool {
        held(&self.external, key, except)
    }

    /// Returns whether an entry other than `except` has that internal key.
    pub fn has_internal(&self, key: &PortKey, except: &str) -> bool {
        held(&self.internal, key, except)
    }
}

fn held<K: Ord + Clone>(set: &BTreeSet<(K, String)>, key: &K, except: &str) -> bool {
    set.range((key.clone(), String::new())..)
        .take_while(|(k, _)| k == key)
        .any(|(_, id)| id != except)
}

/// Which object an address belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A bandwidth package.
    Package(String),
    /// An EIP.
    Eip(String),
}

/// Entries that use an address.
#[derive(Debug, Clone, Default)]
pub struct Uses {
    /// DNAT entries.
    pub forward: BTreeSet<String>,
    /// SNAT entries.
    pub snat: BTreeSet<String>,
}

impl Uses {
    /// Returns the status that lists of addresses show.
    pub fn status(&self) -> &'static str {
        match (self.forward.is_empty(), self.snat.is_empty()) {
            (true, true) => "Idle",
            (false, true) => "UsedByForwardTable",
            (true, false) => "UsedBySnatTable",
            (false, false) => "UsedByForwardSnatTable",
        }
    }
}

/// All look-ups of a world.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// Gateways of a region in the order of creation.
    pub gateways_by_region: BTreeMap<String, Ordered>,
    /// Gateways of a VPC.
    pub gateways_by_vpc: BTreeMap<String, BTreeSet<String>>,
    /// DNAT tables.
    pub forward_tables: BTreeMap<String, Table>,
    /// SNAT tables.
    pub snat_tables: BTreeMap<String, Table>,
    /// Bandwidth packages of a region in the order of creation.
    pub packages_by_region: BTreeMap<String, Ordered>,
    /// Bandwidth packages of a gateway in the order of creation.
    pub packages_by_gateway: BTreeMap<String, Ordered>,
    /// EIPs bound to a gateway, in the order of creation.
    pub eips_by_gateway: BTreeMap<String, Ordered>,
    /// Whose an address is.
    pub owners: BTreeMap<Ipv4Addr, Owner>,
    /// What uses an address.
    pub uses: BTreeMap<Ipv4Addr, Uses>,
    /// What is due when; what waits to be told is due at the end of time.
    pub due: BTreeSet<(Timestamp, Kind, String)>,
}

/// The time at which things are due that wait to be told.
pub const NEVER: Timestamp = Timestamp(i64::MAX);

/// An object that the look-ups know of.
pub trait Indexed {
    /// Enters the object (`present`) or takes it out.
    fn index(&self, index: &mut Index, present: bool);
}

fn mark<T: Ord>(set: &mut BTreeSet<T>, value: T, present: bool) {
    if present {
        set.insert(value);
    } else {
        set.remove(&value);
    }
}

fn place(
    lists: &mut BTreeMap<String, Ordered>,
    list: &str,
    sequence: u64,
    id: &str,
    present: bool,
) {
    let entries = lists.entry(list.to_owned()).or_default();
    mark(entries, (sequence, id.to_owned()), present);
    if entries.is_empty() {
        lists.remove(list);
    }
}

impl Index {
    fn set_due(&mut self, ready: Option<Timestamp>, kind: Kind, id: &str, present: bool) {
        mark(&mut self.due, (ready.unwrap_or(NEVER), kind, id.to_owned()), present);
    }

    fn own(&mut self, address: Ipv4Addr, owner: Owner, present: bool) {
        if present {
            self.owners.insert(address, owner);
        } else if self.owners.get(&address) == Some(&owner) {
            self.owners.remove(&address);
        }
    }

    fn r#use(&mut self, address: Ipv4Addr, change: impl FnOnce(&mut Uses)) {
        let uses = self.uses.entry(address).or_default();
        change(uses);
        if uses.forward.is_empty() && uses.snat.is_empty() {
            self.uses.remove(&address);
        }
    }
}

impl Indexed for Gateway {
    fn index(&self, index: &mut Index, present: bool) {
        place(&mut index.gateways_by_region, &self.region, self.sequence, &self.id, present);
        let in_vpc = index.gateways_by_vpc.entry(self.vpc.clone()).or_default();
        mark(in_vpc, self.id.clone(), present);
        for (tables, id) in [
            (&mut index.forward_tables, &self.forward_table),
            (&mut index.snat_tables, &self.snat_table),
        ] {
            if present {
                tables.entry(id.clone()).or_default().gateway = Some(self.id.clone());
            } else if let Some(table) = tables.get_mut(id) {
                table.gateway = None;
                if table.entries.is_empty() {
                    tables.remove(id);
                }
            }
        }
        if let Some(pending) = &self.pending {
            index.set_due(pending.ready, Kind::Gateway, &self.id, present);
        }
    }
}

impl Indexed for BandwidthPackage {
    fn index(&self, index: &mut Index, present: bool) {
        place(&mut index.packages_by_region, &self.region, self.sequence, &self.id, present);
        place(&mut index.packages_by_gateway, &self.gateway, self.sequence, &self.id, present);
        for ip in &self.ips {
            index.own(ip.address, Owner::Package(self.id.clone()), present);
        }
        if let Some(pending) = &self.pending {
            index.set_due(pending.ready, Kind::BandwidthPackage, &self.id, present);
        }
    }
}

impl Indexed for Eip {
    fn index(&self, index: &mut Index, present: bool) {
        index.own(self.address, Owner::Eip(self.id.clone()), present);
        if let Some(gateway) = &self.gateway {
            place(&mut index.eips_by_gateway, gateway, self.sequence, &self.id, present);
        }
    }
}

/// Enters an entry in its table, or takes it out. Returns the table.
fn in_table<'a>(
    tables: &'a mut BTreeMap<String, Table>,
    (table, sequence, id): (&str, u64, &str),
    change: Option<Change>,
    present: bool,
) -> &'a mut Table {
    let table = tables.entry(table.to_owned()).or_default();
    mark(&mut table.entries, (sequence, id.to_owned()), present);
    if let Some(change) = change {
        mark(&mut table.pending, id.to_owned(), present);
        if change != Change::Delete {
            mark(&mut table.settling, id.to_owned(), present);
        }
    }
    table
}

impl Indexed for ForwardEntry {
    fn index(&self, index: &mut Index, present: bool) {
        let place = (self.table.as_str(), self.sequence, self.id.as_str());
        let change = self.pending.map(|p| p.change);
        let table = in_table(&mut index.forward_tables, place, change, present);
        mark(&mut table.external, (self.external_key(), self.id.clone()), present);
        mark(&mut table.internal, (self.internal_key(), self.id.clone()), present);
        if table.gateway.is_none() && table.entries.is_empty() {
            index.forward_tables.remove(&self.table);
        }
        index.r#use(self.external_ip, |u| mark(&mut u.forward, self.id.clone(), present));
        if let Some(pending) = &self.pending {
            index.set_due(pending.ready, Kind::ForwardEntry, &self.id, present);
        }
    }
}

impl ForwardEntry {
    /// Returns external address, external port and protocol.
    pub fn external_key(&self) -> PortKey {
        (self.external_ip, self.external_port.clone(), self.protocol.clone())
    }

    /// Returns internal address, internal port and protocol.
    pub fn internal_key(&self) -> PortKey {
        (self.internal_ip, self.internal_port.clone(), self.protocol.clone())
    }
}

impl Indexed for SnatEntry {
    fn index(&self, index: &mut Index, present: bool) {
        let place = (self.table.as_str(), self.sequence, self.id.as_str());
        let change = self.pending.map(|p| p.change);
        let table = in_table(&mut index.snat_tables, place, change, present);
        mark(&mut table.sources, (self.source_cidr, self.id.clone()), present);
        if table.gateway.is_none() && table.entries.is_empty() {
            index.snat_tables.remove(&self.table);
        }
        for ip in &self.ips {
            index.r#use(*ip, |u| mark(&mut u.snat, self.id.clone(), present));
        }
        if let Some(pending) = &self.pending {
            index.set_due(pending.ready, Kind::SnatEntry, &self.id, present);
        }
    }
}

impl Indexed for Token {
    fn index(&self, index: &mut Index, present: bool) {
        index.set_due(Some(self.expires), Kind::Token, &self.key, present);
    }
}
