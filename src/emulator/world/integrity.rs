//! Whether a document is a world: everything that one object says of another must be so. What a world
//! reaches by requests always passes; what people write is told what does not hold together.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::emulator::document::Problem;
use crate::emulator::world::conditions::Conditions;
use crate::emulator::world::dump::Dump;
use crate::emulator::world::gateway::SPECS;
use crate::emulator::world::model::{
    BandwidthPackage, Change, Eip, ForwardEntry, Gateway, GatewayChange, Pending, SnatEntry,
    VSwitch, Vpc,
};
use crate::emulator::world::network::{REGIONS, Region};

const NAT_TYPES: [&str; 2] = ["Normal", "Enhanced"];
const GATEWAY_CHARGES: [&str; 2] = ["PayBySpec", "PayByLcu"];
const INSTANCE_CHARGES: [&str; 2] = ["PostPaid", "PrePaid"];
const BANDWIDTH_CHARGES: [&str; 2] = ["PayByTraffic", "PayByBandwidth"];
const BUSINESS: [&str; 3] = ["Normal", "FinancialLocked", "SecurityLocked"];
const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "Any"];

/// Returns all that does not hold together in a world, in the order of the document.
pub fn problems(dump: &Dump) -> Vec<Problem> {
    let known = Known::of(dump);
    let mut check = Check { known, found: Vec::new() };
    if let Some(meta) = &dump.meta {
        check.unless(!meta.id.is_empty(), "meta.id", || "a world has an identity".into());
        check.unless(meta.clock_offset_ms >= 0, "meta.clock_offset_ms", || {
            "the world's time is never behind the clock".into()
        });
    }
    check.found.extend(condition_problems(&dump.conditions, "conditions."));
    check.vpcs(&dump.vpcs);
    check.vswitches(&dump.vswitches);
    check.gateways(&dump.gateways);
    check.packages(&dump.bandwidth_packages);
    check.shared_bandwidths(dump);
    check.eips(&dump.eips);
    check.addresses(dump);
    check.forward_entries(&dump.forward_entries);
    check.snat_entries(&dump.snat_entries);
    check.uses(dump);
    check.tokens(dump);
    check.found
}

/// Returns what is wrong with the settings of a world; `prefix` stands before each path.
pub fn condition_problems(conditions: &Conditions, prefix: &str) -> Vec<Problem> {
    let mut found = Vec::new();
    for region in &conditions.regions_without_enhanced {
        if Region::find(region).is_none() {
            let path = format!("{prefix}regions_without_enhanced");
            found.push(Problem::new(path, format!("there is no region `{region}`")));
        }
    }
    for (name, zones) in [
        ("zones_without_enhanced_stock", &conditions.zones_without_enhanced_stock),
        ("zones_without_addresses", &conditions.zones_without_addresses),
    ] {
        for zone in zones {
            if !REGIONS.iter().any(|region| region.has_zone(zone)) {
                let why = format!("there is no zone `{zone}`");
                found.push(Problem::new(format!("{prefix}{name}"), why));
            }
        }
    }
    found
}

/// Whose a public address is.
struct Address<'a> {
    gateway: Option<&'a str>,
    serves_both: bool,
}

/// What the document has, by what others name it by.
struct Known<'a> {
    vpcs: BTreeMap<&'a str, &'a Vpc>,
    vswitches: BTreeMap<&'a str, &'a VSwitch>,
    gateways: BTreeMap<&'a str, &'a Gateway>,
    forward_tables: BTreeMap<&'a str, &'a Gateway>,
    snat_tables: BTreeMap<&'a str, &'a Gateway>,
    addresses: BTreeMap<Ipv4Addr, Address<'a>>,
}

impl<'a> Known<'a> {
    fn of(dump: &'a Dump) -> Self {
        let gateways = || dump.gateways.iter();
        let of_packages = dump.bandwidth_packages.iter().flat_map(|package| {
            package.ips.iter().map(|ip| {
                let gateway = Some(package.gateway.as_str());
                (ip.address, Address { gateway, serves_both: ip.snat_entry_enabled })
            })
        });
        let of_eips = dump.eips.iter().map(|eip| {
            let gateway = eip.gateway.as_deref();
            (eip.address, Address { gateway, serves_both: eip.snat_entry_enabled })
        });
        Self {
            vpcs: first(dump.vpcs.iter().map(|v| (v.id.as_str(), v))),
            vswitches: first(dump.vswitches.iter().map(|v| (v.id.as_str(), v))),
            gateways: first(gateways().map(|g| (g.id.as_str(), g))),
            forward_tables: first(gateways().map(|g| (g.forward_table.as_str(), g))),
            snat_tables: first(gateways().map(|g| (g.snat_table.as_str(), g))),
            addresses: first(of_packages.chain(of_eips)),
        }
    }
}

/// Collects what has distinct keys; a second one with a key is a problem of its own, and of no other.
fn first<K: Ord, V>(pairs: impl Iterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    for (key, value) in pairs {
        map.entry(key).or_insert(value);
    }
    map
}

/// Keys that were met, with where.
type Met<K> = BTreeMap<K, String>;

struct Check<'a> {
    known: Known<'a>,
    found: Vec<Problem>,
}

impl Check<'_> {
    fn unless(&mut self, holds: bool, path: impl Into<String>, why: impl FnOnce() -> String) {
        if !holds {
            self.found.push(Problem::new(path, why()));
        }
    }

    /// Says so when a key was met before.
    fn once<K: Ord>(&mut self, met: &mut Met<K>, key: K, path: String, what: &str) {
        if let Some(before) = met.get(&key) {
            self.found.push(Problem::new(path, format!("{what} is that of `{before}` too")));
        } else {
            met.insert(key, path);
        }
    }

    /// Checks an id: there, and nobody else's.
    fn id<'i>(&mut self, met: &mut Met<&'i str>, id: &'i str, path: String) {
        self.unless(!id.is_empty(), &path, || "it is empty".into());
        self.once(met, id, path, &format!("the id `{id}`"));
    }

    fn one_of(&mut self, value: &str, allowed: &[&str], path: String) {
        self.unless(allowed.contains(&value), path, || {
            let names: Vec<String> = allowed.iter().map(|name| format!("`{name}`")).collect();
            format!("`{value}` is none of {}", names.join(", "))
        });
    }

    fn region(&mut self, id: &str, path: &str) {
        self.unless(Region::find(id).is_some(), format!("{path}.region"), || {
            format!("there is no region `{id}`")
        });
    }

    /// Checks that an object lies in the region of what it belongs to.
    fn same_region(&mut self, own: &str, other: Option<&str>, path: &str) {
        self.unless(other.is_none_or(|other| other == own), format!("{path}.region"), || {
            format!("what it belongs to is in `{}`", other.unwrap_or_default())
        });
    }

    fn vpcs(&mut self, vpcs: &[Vpc]) {
        let mut ids = Met::new();
        for (n, vpc) in vpcs.iter().enumerate() {
            let path = format!("vpcs[{n}]");
            self.id(&mut ids, &vpc.id, format!("{path}.id"));
            self.region(&vpc.region, &path);
            let mut destinations = Met::new();
            for (n, route) in vpc.routes.iter().enumerate() {
                let path = format!("{path}.routes[{n}].destination");
                self.once(&mut destinations, route.destination, path, "the destination");
            }
        }
    }

    fn vswitches(&mut self, vswitches: &[VSwitch]) {
        let mut ids = Met::new();
        let mut ranges: BTreeMap<&str, Vec<(Ipv4Net, usize)>> = BTreeMap::new();
        for (n, vswitch) in vswitches.iter().enumerate() {
            let path = format!("vswitches[{n}]");
            self.id(&mut ids, &vswitch.id, format!("{path}.id"));
            let Some(vpc) = self.known.vpcs.get(vswitch.vpc.as_str()).copied() else {
                self.found.push(missing(format!("{path}.vpc"), "VPC", &vswitch.vpc));
                continue;
            };
            let zone_fits = Region::find(&vpc.region).is_none_or(|r| r.has_zone(&vswitch.zone));
            self.unless(zone_fits, format!("{path}.zone"), || {
                format!("`{}` is no zone of `{}`", vswitch.zone, vpc.region)
            });
            self.unless(vpc.cidr.contains(&vswitch.cidr), format!("{path}.cidr"), || {
                format!("`{}` is not within `{}`, the range of its VPC", vswitch.cidr, vpc.cidr)
            });
            let others = ranges.entry(vswitch.vpc.as_str()).or_default();
            let overlapping = others.iter().find(|(other, _)| overlap(*other, vswitch.cidr));
            if let Some((range, other)) = overlapping {
                let why = format!("it overlaps `{range}` of `vswitches[{other}]`");
                self.found.push(Problem::new(format!("{path}.cidr"), why));
            }
            others.push((vswitch.cidr, n));
        }
    }

    fn gateways(&mut self, gateways: &[Gateway]) {
        let (mut ids, mut tables, mut addresses) = (Met::new(), Met::new(), Met::new());
        for (n, gateway) in gateways.iter().enumerate() {
            let path = format!("gateways[{n}]");
            self.id(&mut ids, &gateway.id, format!("{path}.id"));
            self.id(&mut tables, &gateway.forward_table, format!("{path}.forward_table"));
            self.id(&mut tables, &gateway.snat_table, format!("{path}.snat_table"));
            self.region(&gateway.region, &path);
            let vpc = self.known.vpcs.get(gateway.vpc.as_str()).copied();
            self.same_region(&gateway.region, vpc.map(|v| v.region.as_str()), &path);
            if vpc.is_none() {
                self.found.push(missing(format!("{path}.vpc"), "VPC", &gateway.vpc));
            }
            self.place(gateway, &path);
            if let Some(address) = gateway.private_ip {
                let key = (gateway.vpc.as_str(), address);
                self.once(&mut addresses, key, format!("{path}.private_ip"), "the address");
            }
            self.words(gateway, &path);
        }
    }

    /// Checks a gateway's vSwitch and private address.
    fn place(&mut self, gateway: &Gateway, path: &str) {
        let vswitch = gateway.vswitch.as_deref().map(|id| (id, self.known.vswitches.get(id)));
        match vswitch {
            None => {}
            Some((id, None)) => self.found.push(missing(format!("{path}.vswitch"), "vSwitch", id)),
            Some((id, Some(vswitch))) => {
                let (in_vpc, range) = (vswitch.vpc == gateway.vpc, vswitch.cidr);
                self.unless(in_vpc, format!("{path}.vswitch"), || {
                    format!("`{id}` does not belong to the VPC `{}`", gateway.vpc)
                });
                let inside = gateway.private_ip.is_none_or(|address| range.contains(&address));
                self.unless(inside, format!("{path}.private_ip"), || {
                    format!("it is not within `{range}`, the range of its vSwitch")
                });
            }
        }
    }

    /// Checks the fields of a gateway that have fixed values.
    fn words(&mut self, gateway: &Gateway, path: &str) {
        self.one_of(&gateway.spec, &SPECS, format!("{path}.spec"));
        self.one_of(&gateway.nat_type, &NAT_TYPES, format!("{path}.nat_type"));
        let charge = &gateway.internet_charge_type;
        self.one_of(charge, &GATEWAY_CHARGES, format!("{path}.internet_charge_type"));
        let charge = &gateway.instance_charge_type;
        self.one_of(charge, &INSTANCE_CHARGES, format!("{path}.instance_charge_type"));
        self.one_of(&gateway.business_status, &BUSINESS, format!("{path}.business_status"));
        match gateway.pending.as_ref().map(|pending| &pending.change) {
            Some(GatewayChange::Spec(spec)) => {
                self.one_of(spec, &SPECS, format!("{path}.pending.change.spec"));
            }
            Some(GatewayChange::Convert) => {
                self.unless(gateway.conversion.is_some(), format!("{path}.conversion"), || {
                    "a gateway that is being converted has a conversion".into()
                });
            }
            Some(GatewayChange::Create | GatewayChange::Delete) | None => {}
        }
    }

    fn packages(&mut self, packages: &[BandwidthPackage]) {
        let (mut ids, mut allocations) = (Met::new(), Met::new());
        for (n, package) in packages.iter().enumerate() {
            let path = format!("bandwidth_packages[{n}]");
            self.id(&mut ids, &package.id, format!("{path}.id"));
            let gateway = self.known.gateways.get(package.gateway.as_str());
            let region = gateway.map(|g| g.region.as_str());
            if region.is_none() {
                self.found.push(missing(format!("{path}.gateway"), "gateway", &package.gateway));
            }
            self.same_region(&package.region, region, &path);
            self.one_of(&package.isp, &["BGP"], format!("{path}.isp"));
            let charge = &package.internet_charge_type;
            self.one_of(charge, &BANDWIDTH_CHARGES, format!("{path}.internet_charge_type"));
            self.one_of(&package.business_status, &BUSINESS, format!("{path}.business_status"));
            self.unless(package.bandwidth > 0, format!("{path}.bandwidth"), || "it is 0".into());
            for (n, ip) in package.ips.iter().enumerate() {
                let path = format!("{path}.ips[{n}].allocation_id");
                self.id(&mut allocations, &ip.allocation_id, path);
            }
        }
    }

    fn shared_bandwidths(&mut self, dump: &Dump) {
        let mut ids = Met::new();
        for (n, shared) in dump.shared_bandwidths.iter().enumerate() {
            let path = format!("shared_bandwidths[{n}]");
            self.id(&mut ids, &shared.id, format!("{path}.id"));
            self.region(&shared.region, &path);
            let charge = &shared.internet_charge_type;
            self.one_of(charge, &BANDWIDTH_CHARGES, format!("{path}.internet_charge_type"));
        }
    }

    fn eips(&mut self, eips: &[Eip]) {
        let mut ids = Met::new();
        for (n, eip) in eips.iter().enumerate() {
            let path = format!("eips[{n}]");
            self.id(&mut ids, &eip.id, format!("{path}.id"));
            self.region(&eip.region, &path);
            let Some(id) = eip.gateway.as_deref() else { continue };
            let gateway = self.known.gateways.get(id);
            let region = gateway.map(|g| g.region.as_str());
            if region.is_none() {
                self.found.push(missing(format!("{path}.gateway"), "gateway", id));
            }
            self.same_region(&eip.region, region, &path);
        }
    }

    /// Checks that each public address is one package's or one EIP's.
    fn addresses(&mut self, dump: &Dump) {
        let mut met = Met::new();
        for (n, package) in dump.bandwidth_packages.iter().enumerate() {
            for (m, ip) in package.ips.iter().enumerate() {
                let path = format!("bandwidth_packages[{n}].ips[{m}].address");
                self.once(&mut met, ip.address, path, &format!("`{}`", ip.address));
            }
        }
        for (n, eip) in dump.eips.iter().enumerate() {
            let path = format!("eips[{n}].address");
            self.once(&mut met, eip.address, path, &format!("`{}`", eip.address));
        }
    }

    /// Checks that a public address serves the gateway of a table. An entry that goes with its
    /// gateway keeps its address for a while after that was unbound.
    fn serves(&mut self, (address, goes): (Ipv4Addr, bool), gateway: &str, path: String) {
        let owner = self.known.addresses.get(&address).map(|owner| owner.gateway);
        self.unless(goes || owner == Some(Some(gateway)), path, || {
            format!("`{address}` is no address of `{gateway}`, the gateway of the table")
        });
    }

    fn forward_entries(&mut self, entries: &[ForwardEntry]) {
        let (mut ids, mut external, mut internal) = (Met::new(), Met::new(), Met::new());
        for (n, entry) in entries.iter().enumerate() {
            let path = format!("forward_entries[{n}]");
            self.id(&mut ids, &entry.id, format!("{path}.id"));
            self.one_of(&entry.protocol, &PROTOCOLS, format!("{path}.protocol"));
            for (name, port) in
                [("external_port", &entry.external_port), ("internal_port", &entry.internal_port)]
            {
                self.unless(is_port(port), format!("{path}.{name}"), || {
                    format!("`{port}` is neither a port from 1 to 65535 nor `Any`")
                });
            }
            let table = entry.table.as_str();
            match self.known.forward_tables.get(table).map(|gateway| gateway.id.as_str()) {
                None => self.found.push(missing(format!("{path}.table"), "DNAT table", table)),
                Some(gateway) => {
                    let address = (entry.external_ip, is_going(entry.pending));
                    self.serves(address, gateway, format!("{path}.external_ip"));
                }
            }
            let key = (table, entry.external_key());
            let what = "address, port and protocol";
            self.once(&mut external, key, path.clone(), &format!("the external {what}"));
            let key = (table, entry.internal_key());
            self.once(&mut internal, key, path, &format!("the internal {what}"));
        }
    }

    fn snat_entries(&mut self, entries: &[SnatEntry]) {
        let mut ids = Met::new();
        let mut sources: BTreeMap<&str, Vec<(Ipv4Net, usize)>> = BTreeMap::new();
        for (n, entry) in entries.iter().enumerate() {
            let path = format!("snat_entries[{n}]");
            self.id(&mut ids, &entry.id, format!("{path}.id"));
            self.unless(!entry.ips.is_empty(), format!("{path}.ips"), || "it is empty".into());
            let table = entry.table.as_str();
            match self.known.snat_tables.get(table).copied() {
                None => self.found.push(missing(format!("{path}.table"), "SNAT table", table)),
                Some(gateway) => {
                    for (n, ip) in entry.ips.iter().enumerate() {
                        let address = (*ip, is_going(entry.pending));
                        self.serves(address, &gateway.id, format!("{path}.ips[{n}]"));
                    }
                    self.source(entry, &gateway.vpc, &path);
                }
            }
            let mut pool = Met::new();
            for (n, ip) in entry.ips.iter().enumerate() {
                self.once(&mut pool, ip, format!("{path}.ips[{n}]"), "the address");
            }
            let others = sources.entry(table).or_default();
            let overlapping = others.iter().find(|(other, _)| overlap(*other, entry.source_cidr));
            if let Some((range, other)) = overlapping {
                let why = format!("it overlaps `{range}`, the source of `snat_entries[{other}]`");
                self.found.push(Problem::new(format!("{path}.source_cidr"), why));
            }
            others.push((entry.source_cidr, n));
        }
    }

    /// Checks the vSwitch that is the source of an entry.
    fn source(&mut self, entry: &SnatEntry, vpc: &str, path: &str) {
        let Some(id) = entry.source_vswitch.as_deref() else { return };
        let path = format!("{path}.source_vswitch");
        match self.known.vswitches.get(id).map(|vswitch| vswitch.vpc == vpc) {
            None => self.found.push(missing(path, "vSwitch", id)),
            Some(inside) => self.unless(inside, path, || {
                format!("`{id}` does not belong to `{vpc}`, the VPC of the gateway")
            }),
        }
    }

    /// Checks that only addresses that may do so serve DNAT and SNAT entries at a time.
    fn uses(&mut self, dump: &Dump) {
        let forward: BTreeSet<Ipv4Addr> =
            dump.forward_entries.iter().map(|entry| entry.external_ip).collect();
        for (n, entry) in dump.snat_entries.iter().enumerate() {
            for (m, ip) in entry.ips.iter().enumerate() {
                let owner = self.known.addresses.get(ip);
                let holds = owner.is_none_or(|o| o.serves_both) || !forward.contains(ip);
                self.unless(holds, format!("snat_entries[{n}].ips[{m}]"), || {
                    format!("`{ip}` serves DNAT entries, and is not `snat_entry_enabled`")
                });
            }
        }
    }

    fn tokens(&mut self, dump: &Dump) {
        let mut keys = Met::new();
        for (n, token) in dump.tokens.iter().enumerate() {
            let path = format!("tokens[{n}]");
            self.once(&mut keys, &token.key, format!("{path}.key"), "the key");
            self.unless(token.used <= token.expires, format!("{path}.expires"), || {
                "it is before `used`".into()
            });
        }
    }
}

fn missing(path: String, what: &str, id: &str) -> Problem {
    Problem::new(path, format!("there is no {what} `{id}`"))
}

fn is_going(pending: Option<Pending<Change>>) -> bool {
    pending.is_some_and(|pending| pending.change == Change::Delete)
}

fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other) || other.contains(&one)
}

fn is_port(text: &str) -> bool {
    text == "Any"
        || (!text.starts_with(['0', '+']) && text.parse::<u16>().is_ok_and(|port| port > 0))
}
