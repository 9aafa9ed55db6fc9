//! A copy of what is live, as the emulator's world: made from the lists that plan and apply read.
//! What no list tells is assumed, and said.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;

use super::assumption::{Assumption, Assumptions};
use super::watch::unknown_network;
use crate::emulator::world::conditions::Conditions;
use crate::emulator::world::dump::FORMAT_VERSION;
use crate::emulator::world::model::{
    BandwidthPackage, Change, Conversion, Eip, ForwardEntry, Gateway, GatewayChange, NetworkStatus,
    Pending, PublicIp, Route, SnatEntry, VSwitch, Vpc,
};
use crate::emulator::world::network::Region;
use crate::emulator::{Dump, Timings};
use crate::environment::Timestamp;
use crate::plan::Plan;
use crate::resources::{self, Listing, Listings, Object, ReadScope};
use crate::value::Value;

/// The shared bandwidth in which all bound addresses are taken to be.
const SHARED: &str = "cbwp-assumed";

/// A world that was made from lists.
#[derive(Debug, Default)]
pub struct Mirrored {
    /// The world.
    pub dump: Dump,
    /// What was assumed.
    pub assumptions: Assumptions,
    /// Gateways of which the service does not tell which addresses are bound to them.
    pub untold: BTreeSet<String>,
    /// How many networks of vSwitches were made up.
    pub networks: u32,
}

/// Returns the lists that hold what a plan touches, by provider, as far as `read` tells of gateways:
/// of each region in which it acts the gateways and packages, and both tables of each gateway that a
/// change is about.
pub fn scopes(
    plan: &Plan,
    read: &BTreeMap<String, Listings>,
) -> BTreeMap<String, BTreeSet<ReadScope>> {
    let mut wanted: BTreeMap<String, BTreeSet<ReadScope>> = BTreeMap::new();
    let mut named: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for operation in &plan.operations {
        let Some(change) = plan.changes.get(operation.change) else { continue };
        let names = named.entry((&*change.provider, &*change.region)).or_default();
        names.extend(change.id.as_deref());
        let kind = resources::lookup(change.address.kind());
        for object in [&change.before, &change.after].into_iter().flatten() {
            let ids = ["nat_gateway_id", "forward_table_id", "snat_table_id"].into_iter();
            names.extend(ids.filter_map(|name| object.text(name)));
            let scopes = kind.map(|kind| kind.scopes(&change.region, object));
            wanted
                .entry(change.provider.to_string())
                .or_default()
                .extend(scopes.into_iter().flatten());
        }
    }
    for ((provider, region), names) in named {
        let region = || region.to_owned();
        let scopes = wanted.entry(provider.to_owned()).or_default();
        let gateways = ReadScope::Gateways { region: region() };
        let listing = read.get(provider).and_then(|lists| lists.get(&gateways));
        scopes.extend([gateways, ReadScope::BandwidthPackages { region: region() }]);
        let Some(Listing::Rows(rows)) = listing else { continue };
        for (id, gateway) in rows {
            let table = |name: &str| gateway.text(name);
            let (forward, snat) = (table("forward_table_id"), table("snat_table_id"));
            let ids = [Some(id.as_str()), forward, snat];
            if !ids.into_iter().flatten().any(|id| names.contains(id)) {
                continue;
            }
            let forward = forward.map(str::to_owned);
            let snat = snat.map(str::to_owned);
            scopes
                .extend(forward.map(|table| ReadScope::ForwardEntries { region: region(), table }));
            scopes.extend(snat.map(|table| ReadScope::SnatEntries { region: region(), table }));
        }
    }
    wanted
}

/// Makes a world from lists.
#[derive(Debug)]
pub struct Mirror {
    now: Timestamp,
    timings: Timings,
    made: Mirrored,
    seen: BTreeSet<String>,
    sequence: u64,
    /// DNAT entries that break ports, as the state knows.
    breaks: BTreeSet<String>,
    /// Addresses that are known to be somebody's.
    addresses: BTreeSet<Ipv4Addr>,
    /// VPC and region of the gateway of each SNAT table.
    tables: BTreeMap<String, (String, String)>,
}

impl Mirror {
    /// Begins a world at `now`, with `quotas` as the provider block raised them. `breaks` are the ids
    /// of DNAT entries that the state knows to break ports, which no list tells.
    pub fn new(now: Timestamp, quotas: &BTreeMap<String, u64>, breaks: BTreeSet<String>) -> Self {
        let mut conditions = Conditions::default();
        let limit = |name: &str| quotas.get(name).and_then(|limit| usize::try_from(*limit).ok());
        let set = |place: &mut usize, name: &str| *place = limit(name).unwrap_or(*place);
        let own = &mut conditions.quotas;
        set(&mut own.forward_entries_per_table, "forward_entries_per_table");
        set(&mut own.packages_per_gateway, "bandwidth_packages_per_gateway");
        set(&mut own.ips_per_package, "ips_per_bandwidth_package");
        let dump = Dump { format_version: FORMAT_VERSION, conditions, ..Dump::default() };
        Self {
            now,
            timings: Timings::documented(),
            made: Mirrored { dump, ..Mirrored::default() },
            seen: BTreeSet::new(),
            sequence: 0,
            breaks,
            addresses: BTreeSet::new(),
            tables: BTreeMap::new(),
        }
    }

    /// Adds what lists hold: packages before gateways, so that their addresses are known to be theirs.
    pub fn add(&mut self, lists: &Listings) {
        let rank = |scope: &ReadScope| match scope {
            ReadScope::BandwidthPackages { .. } => 0,
            ReadScope::Gateways { .. } => 1,
            ReadScope::SnatEntries { .. } => 2,
            _ => 3,
        };
        let mut sorted: Vec<_> = lists.iter().collect();
        sorted.sort_by_key(|(scope, _)| rank(scope));
        for (scope, listing) in sorted {
            match listing {
                Listing::Rows(rows) | Listing::Part { rows, .. } => {
                    for (id, row) in rows {
                        if self.seen.insert(id.clone()) {
                            self.row(scope, id, row);
                        }
                    }
                }
                Listing::ParentGone => {}
                Listing::Failed(why) => {
                    let why = why.lines().next().unwrap_or_default();
                    let subject = format!("{scope}: {why}");
                    self.made.assumptions.about(Assumption::Unread, subject);
                }
            }
        }
    }

    fn row(&mut self, scope: &ReadScope, id: &str, row: &Object) {
        self.sequence += 1;
        match scope {
            ReadScope::Gateways { region } => self.gateway(region, id, row),
            ReadScope::BandwidthPackages { region } => self.package(region, id, row),
            ReadScope::ForwardEntries { table, .. } => self.forward_entry(table, id, row),
            ReadScope::SnatEntries { table, .. } => self.snat_entry(table, id, row),
            ReadScope::ConvertStatus { .. } | ReadScope::EnhancedZones { .. } => {}
        }
    }

    fn later(&self, ms: Option<u64>) -> Timestamp {
        self.now.after(Duration::from_millis(ms.unwrap_or_default()))
    }

    fn unsettled(&mut self, id: &str, status: &str) {
        self.made.assumptions.about(Assumption::Unsettled, format!("{id} ({status})"));
    }

    fn gateway(&mut self, region: &str, id: &str, row: &Object) {
        let info = row.get("nat_gateway_private_info");
        let inner = |name: &str| info.and_then(|i| i.get(name)).and_then(Value::as_str);
        let nat_type = row.text("nat_type").unwrap_or("Normal").to_owned();
        let vpc = text(row, "vpc_id");
        let vswitch = row.text("vswitch_id").or_else(|| inner("vswitch_id"));
        let vswitch = vswitch.filter(|id| !id.is_empty()).map(str::to_owned);
        if !self.made.dump.vpcs.iter().any(|known| known.id == vpc) {
            self.made.dump.vpcs.push(self::vpc(&vpc, region));
        }
        if nat_type == "Normal"
            && let Some(vpc) = self.made.dump.vpcs.iter_mut().find(|known| known.id == vpc)
        {
            vpc.routes.push(Route {
                destination: Ipv4Net::default(),
                next_hop: id.to_owned(),
                automatic: true,
                settling: false,
            });
        }
        if let Some(vswitch) = &vswitch {
            let zone = inner("iz_no").map_or_else(|| first_zone(region), str::to_owned);
            self.place(vswitch, &vpc, zone, None);
        }
        self.bound(region, id, row);
        self.tables.insert(text(row, "snat_table_id"), (vpc.clone(), region.to_owned()));
        let status = row.text("status").unwrap_or("Available").to_owned();
        let timings = self.timings;
        let spec = row.text("spec").unwrap_or("Small").to_owned();
        let change = match status.as_str() {
            "Creating" | "Initiating" => Some((GatewayChange::Create, timings.gateway_create_ms)),
            "Modifying" | "Pending" => {
                Some((GatewayChange::Spec(spec.clone()), timings.gateway_modify_ms))
            }
            "Converting" => Some((GatewayChange::Convert, timings.gateway_convert_ms)),
            "Deleting" => Some((GatewayChange::Delete, timings.gateway_delete_ms)),
            _ => None,
        };
        if change.is_some() {
            self.unsettled(id, &status);
        }
        let converting = matches!(change, Some((GatewayChange::Convert, _)));
        let pending = change.map(|(change, ms)| Pending { change, ready: Some(self.later(ms)) });
        let ends = pending.as_ref().and_then(|pending| pending.ready);
        let text = |name: &str| text(row, name);
        let or = |name: &str, default: &str| row.text(name).unwrap_or(default).to_owned();
        self.made.dump.gateways.push(Gateway {
            id: id.to_owned(),
            sequence: self.sequence,
            region: region.to_owned(),
            vpc,
            vswitch,
            private_ip: inner("private_ip_address").and_then(|ip| ip.parse().ok()),
            name: or("name", id),
            description: text("description"),
            spec,
            nat_type,
            internet_charge_type: or("internet_charge_type", "PayBySpec"),
            instance_charge_type: or("instance_charge_type", "PostPaid"),
            auto_pay: row.flag("auto_pay"),
            expires: row.text("expired_time").and_then(time),
            business_status: or("business_status", "Normal"),
            created: row.text("creation_time").and_then(time).unwrap_or(self.now),
            forward_table: text("forward_table_id"),
            snat_table: text("snat_table_id"),
            deletion_protection: row.flag("deletion_protection"),
            ecs_metric_enabled: row.flag("ecs_metric_enabled"),
            resource_group: text("resource_group_id"),
            pending,
            conversion: converting.then_some(Conversion {
                started: self.now,
                ends,
                fails_at: None,
            }),
        });
    }

    /// Adds the addresses that are bound to a gateway and are no package's.
    fn bound(&mut self, region: &str, gateway: &str, row: &Object) {
        if !row.has("ip_lists") {
            self.made.untold.insert(gateway.to_owned());
        }
        let list = row.get("ip_lists").and_then(Value::as_elements).unwrap_or_default();
        for ip in list {
            let text = |name: &str| ip.get(name).and_then(Value::as_str);
            let Some(address) = text("ip_address").and_then(|text| text.parse().ok()) else {
                continue;
            };
            if self.addresses.insert(address) {
                let both = ip.get("snat_entry_enabled").and_then(Value::as_bool);
                let id =
                    text("allocation_id").map_or_else(|| format!("eip-{address}"), str::to_owned);
                self.sequence += 1;
                let both = both.unwrap_or_default();
                let eip = eip(&id, self.sequence, region, address, gateway, both);
                self.made.dump.eips.push(eip);
            }
        }
    }

    fn package(&mut self, region: &str, id: &str, row: &Object) {
        let list = row.get("public_ips").and_then(Value::as_elements).unwrap_or_default();
        let mut ips = Vec::new();
        for ip in list {
            let text = |name: &str| ip.get(name).and_then(Value::as_str);
            let Some(address) = text("ip_address").and_then(|text| text.parse().ok()) else {
                continue;
            };
            self.addresses.insert(address);
            let id = text("allocation_id");
            let allocation_id = id.map_or_else(|| format!("nateip-{address}"), str::to_owned);
            ips.push(PublicIp { address, allocation_id, snat_entry_enabled: false });
        }
        let or = |name: &str, default: &str| row.text(name).unwrap_or(default).to_owned();
        let bandwidth = row.integer("bandwidth").and_then(|number| u32::try_from(number).ok());
        self.made.dump.bandwidth_packages.push(BandwidthPackage {
            id: id.to_owned(),
            sequence: self.sequence,
            region: region.to_owned(),
            gateway: text(row, "nat_gateway_id"),
            name: text(row, "name"),
            description: text(row, "description"),
            bandwidth: bandwidth.unwrap_or(5),
            isp: or("isp", "BGP"),
            internet_charge_type: or("internet_charge_type", "PayByTraffic"),
            zone: row.text("zone").map_or_else(|| first_zone(region), str::to_owned),
            ips,
            business_status: or("business_status", "Normal"),
            created: row.text("creation_time").and_then(time).unwrap_or(self.now),
            pending: None,
        });
    }

    fn forward_entry(&mut self, table: &str, id: &str, row: &Object) {
        let ip = |name: &str| row.text(name).and_then(|text| text.parse().ok());
        let (Some(external_ip), Some(internal_ip)) = (ip("external_ip"), ip("internal_ip")) else {
            let why = format!("the entry `{id}` of `{table}`: its addresses cannot be read");
            return self.made.assumptions.about(Assumption::Unread, why);
        };
        let timings = self.timings;
        let modify = (Change::Modify, timings.forward_entry_modify_ms);
        let delete = (Change::Delete, timings.forward_entry_delete_ms);
        let pending = self.pending(id, row, modify, delete);
        self.made.dump.forward_entries.push(ForwardEntry {
            id: id.to_owned(),
            sequence: self.sequence,
            table: table.to_owned(),
            name: text(row, "forward_entry_name"),
            external_ip,
            external_port: any(&text(row, "external_port")),
            internal_ip,
            internal_port: any(&text(row, "internal_port")),
            protocol: match text(row, "ip_protocol").to_uppercase().as_str() {
                "ANY" => "Any".to_owned(),
                other => other.to_owned(),
            },
            port_break: self.breaks.contains(id),
            pending,
        });
    }

    fn snat_entry(&mut self, table: &str, id: &str, row: &Object) {
        let cidr: Option<Ipv4Net> = row.text("source_cidr").and_then(|text| text.parse().ok());
        let vswitch = row.text("source_vswitch_id").filter(|id| !id.is_empty());
        let (vpc, region) = self.tables.get(table).cloned().unwrap_or_default();
        let known = vswitch.map(|id| self.place(id, &vpc, first_zone(&region), cidr));
        let Some(source_cidr) = cidr.or(known) else {
            let why = format!("the entry `{id}` of `{table}`: its source cannot be read");
            return self.made.assumptions.about(Assumption::Unread, why);
        };
        let pool = row.texts("snat_ip").unwrap_or_default();
        let timings = self.timings;
        let modify = (Change::Modify, timings.snat_entry_modify_ms);
        let delete = (Change::Delete, timings.snat_entry_delete_ms);
        let pending = self.pending(id, row, modify, delete);
        self.made.dump.snat_entries.push(SnatEntry {
            id: id.to_owned(),
            sequence: self.sequence,
            table: table.to_owned(),
            name: text(row, "snat_entry_name"),
            source_cidr,
            source_vswitch: vswitch.map(str::to_owned),
            ips: pool.iter().filter_map(|ip| ip.parse().ok()).collect(),
            pending,
        });
    }

    fn pending(
        &mut self,
        id: &str,
        row: &Object,
        modify: (Change, Option<u64>),
        delete: (Change, Option<u64>),
    ) -> Option<Pending<Change>> {
        let status = row.text("status").unwrap_or("Available");
        let (change, ms) = match status {
            "Pending" | "Modifying" | "Creating" => modify,
            "Deleting" => delete,
            _ => return None,
        };
        self.unsettled(id, status);
        Some(Pending { change, ready: Some(self.later(ms)) })
    }

    /// Adds a vSwitch, with its network where that is known, and returns its network.
    fn place(&mut self, id: &str, vpc: &str, zone: String, cidr: Option<Ipv4Net>) -> Ipv4Net {
        if let Some(known) = self.made.dump.vswitches.iter_mut().find(|known| known.id == id) {
            known.cidr = cidr.unwrap_or(known.cidr);
            return known.cidr;
        }
        let cidr = cidr.unwrap_or_else(|| network(&mut self.made.networks));
        self.made.dump.vswitches.push(vswitch(id, vpc, zone, cidr));
        cidr
    }

    /// Ends the world: quotas are at least what is there already, and addresses that entries use
    /// although nothing tells of them are bound.
    pub fn finish(mut self) -> Mirrored {
        self.bind_used();
        let dump = &self.made.dump;
        let mut forward: BTreeMap<&str, usize> = BTreeMap::new();
        dump.forward_entries.iter().for_each(|e| *forward.entry(&e.table).or_default() += 1);
        let mut snat: BTreeMap<&str, usize> = BTreeMap::new();
        dump.snat_entries.iter().for_each(|e| *snat.entry(&e.table).or_default() += 1);
        let mut packages: BTreeMap<&str, usize> = BTreeMap::new();
        dump.bandwidth_packages.iter().for_each(|p| *packages.entry(&p.gateway).or_default() += 1);
        let mut enhanced: BTreeMap<&str, usize> = BTreeMap::new();
        let gateways = dump.gateways.iter().filter(|gateway| gateway.nat_type == "Enhanced");
        gateways.for_each(|gateway| *enhanced.entry(&gateway.vpc).or_default() += 1);
        let mut quotas = dump.conditions.quotas.clone();
        let mut raise = |quota: &mut usize, counts: &BTreeMap<&str, usize>, what: &str| {
            let (place, most) =
                counts.iter().max_by_key(|(_, count)| **count).map_or(("", 0), |(p, c)| (*p, *c));
            if most > *quota {
                *quota = most;
                let subject = format!("{most} {what} of {place}");
                self.made.assumptions.about(Assumption::Quota, subject);
            }
        };
        raise(&mut quotas.forward_entries_per_table, &forward, "DNAT entries");
        raise(&mut quotas.snat_entries_per_table, &snat, "SNAT entries");
        raise(&mut quotas.packages_per_gateway, &packages, "bandwidth packages");
        raise(&mut quotas.enhanced_gateways_per_vpc, &enhanced, "Enhanced gateways");
        let largest = dump.bandwidth_packages.iter().map(|package| package.ips.len()).max();
        quotas.ips_per_package = quotas.ips_per_package.max(largest.unwrap_or_default());
        self.made.dump.conditions.quotas = quotas;
        self.made
    }

    /// Binds addresses that entries use and that nothing tells of.
    fn bind_used(&mut self) {
        let gateways = &self.made.dump.gateways;
        let of = |table: &str| {
            let found = gateways.iter().find(|g| g.forward_table == table || g.snat_table == table);
            found.map(|gateway| (gateway.id.clone(), gateway.region.clone()))
        };
        let forward = self.made.dump.forward_entries.iter();
        let snat = self.made.dump.snat_entries.iter();
        let used: BTreeMap<Ipv4Addr, Option<(String, String)>> = forward
            .map(|entry| (entry.external_ip, entry.table.as_str()))
            .chain(snat.flat_map(|entry| entry.ips.iter().map(|ip| (*ip, entry.table.as_str()))))
            .filter(|(ip, _)| !self.addresses.contains(ip))
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .map(|(ip, table)| (ip, of(table)))
            .collect();
        for (address, place) in used {
            let Some((gateway, region)) = place else { continue };
            self.sequence += 1;
            let id = format!("eip-{address}");
            self.made.dump.eips.push(eip(&id, self.sequence, &region, address, &gateway, false));
            self.made.assumptions.about(Assumption::UnlistedAddress, address.to_string());
        }
    }
}

fn text(row: &Object, name: &str) -> String {
    row.text(name).unwrap_or_default().to_owned()
}

/// Returns a port as the emulator spells it.
fn any(port: &str) -> String {
    if port.eq_ignore_ascii_case("any") { "Any".to_owned() } else { port.to_owned() }
}

fn time(text: &str) -> Option<Timestamp> {
    let whole = if text.len() == 17 { text.replace('Z', ":00Z") } else { text.to_owned() };
    let time: jiff::Timestamp = whole.parse().ok()?;
    Some(Timestamp(time.as_millisecond()))
}

/// Returns a VPC of which nothing but the id is known: its range has every address.
pub(super) fn vpc(id: &str, region: &str) -> Vpc {
    Vpc::new(id, region, Ipv4Net::default())
}

/// Returns a vSwitch of which little is known.
pub(super) fn vswitch(id: &str, vpc: &str, zone: String, cidr: Ipv4Net) -> VSwitch {
    VSwitch {
        id: id.to_owned(),
        vpc: vpc.to_owned(),
        zone,
        cidr,
        status: NetworkStatus::Available,
        has_ha_vip: false,
    }
}

/// Returns an address that is bound to a gateway.
pub(super) fn eip(
    id: &str,
    sequence: u64,
    region: &str,
    address: Ipv4Addr,
    gateway: &str,
    both: bool,
) -> Eip {
    Eip {
        id: id.to_owned(),
        sequence,
        region: region.to_owned(),
        address,
        gateway: Some(gateway.to_owned()),
        shared_bandwidth: Some(SHARED.to_owned()),
        snat_entry_enabled: both,
        settling: false,
    }
}

/// Returns the next made-up network.
pub(super) fn network(made: &mut u32) -> Ipv4Net {
    *made += 1;
    unknown_network(*made)
}

/// Returns a zone of a region.
pub(super) fn first_zone(region: &str) -> String {
    let zone = Region::find(region).and_then(|region| region.zone_ids().next());
    zone.unwrap_or_else(|| format!("{region}-a"))
}
