//! Whether the world is what a configuration asks for, attribute by attribute: from the configuration
//! as data, not from what natform makes of it.

use std::collections::BTreeMap;

use natform::emulator::Dump;
use natform::resources::Object;
use natform::state::Snapshot;

use crate::ledger::objects;
use crate::model::{Dnat, Gateway, Model, Package, Snat, Source};

/// Compares, and collects what differs.
struct Comparison<'a> {
    dump: &'a Dump,
    /// Recorded objects by their addresses as text.
    recorded: BTreeMap<String, (&'a str, &'a Object)>,
    problems: Vec<String>,
    met: usize,
}

/// Returns what is not as the configuration asks. Without a configuration nothing may be there.
pub(crate) fn problems(model: Option<&Model>, snapshot: &Snapshot, dump: &Dump) -> Vec<String> {
    let mut comparison =
        Comparison { dump, recorded: BTreeMap::new(), problems: Vec::new(), met: 0 };
    for instance in snapshot.instances.values() {
        if let Some(key) = &instance.deposed {
            comparison.problems.push(format!("{} is set aside as {key}", instance.address));
        }
        if instance.status != natform::state::Status::Ready {
            comparison.problems.push(format!("{} is {:?}", instance.address, instance.status));
        }
        let entry = (instance.id.as_str(), &instance.object);
        comparison.recorded.insert(instance.address.to_string(), entry);
    }
    if let Some(model) = model {
        for index in 0..model.pool {
            comparison.pooled(&format!("nat_gateway.pool[{index}]"));
        }
        for gateway in &model.gateways {
            comparison.gateway(model, gateway);
        }
    }
    if comparison.met != comparison.recorded.len() {
        comparison.problems.push(format!(
            "{} objects are recorded, {} are asked for",
            comparison.recorded.len(),
            comparison.met
        ));
    }
    comparison.problems
}

/// Returns ids of recorded objects that are not there, and of those there that natform made and does
/// not record.
pub(crate) fn strays(snapshot: &Snapshot, dump: &Dump) -> (Vec<String>, Vec<String>) {
    let there = objects(dump);
    let recorded = snapshot.instances.values();
    let packages = recorded.filter(|instance| !instance.object.flag("convert_to_shared"));
    let ids: Vec<&str> = packages.map(|instance| instance.id.as_str()).collect();
    let missing = ids.iter().filter(|id| !there.contains_key(**id)).map(|id| (*id).to_owned());
    let unknown = there.keys().filter(|id| !ids.contains(id)).map(|id| (*id).to_owned());
    (missing.collect(), unknown.collect())
}

impl Comparison<'_> {
    fn is(&mut self, address: &str, what: &str, wanted: &str, found: &str) {
        if wanted != found {
            self.problems.push(format!("{what} of {address} is `{found}` instead of `{wanted}`"));
        }
    }

    fn id(&mut self, address: &str) -> Option<String> {
        self.met += 1;
        let found = self.recorded.get(address).map(|(id, _)| (*id).to_owned());
        if found.is_none() {
            self.problems.push(format!("{address} is not recorded"));
        }
        found
    }

    fn lacks(&mut self, address: &str, id: &str) {
        self.problems.push(format!("{address} is not there: {id}"));
    }

    fn pooled(&mut self, address: &str) {
        let Some(id) = self.id(address) else { return };
        let Some(live) = self.dump.gateways.iter().find(|g| g.id == id) else {
            return self.lacks(address, &id);
        };
        self.is(address, "VPC", "vpc-pool", &live.vpc);
        self.is(address, "name", &id, &live.name);
        self.is(address, "pending", "None", &format!("{:?}", live.pending));
    }

    fn gateway(&mut self, model: &Model, gateway: &Gateway) {
        let address = format!("nat_gateway.g{}", gateway.key);
        let Some(id) = self.id(&address) else { return };
        let Some(live) = self.dump.gateways.iter().find(|g| g.id == id).cloned() else {
            return self.lacks(&address, &id);
        };
        self.is(&address, "VPC", &format!("vpc-{}", gateway.key), &live.vpc);
        if let Some(name) = &gateway.name {
            self.is(&address, "name", name, &live.name);
        }
        if let Some(description) = &gateway.description {
            self.is(&address, "description", description, &live.description);
        }
        self.is(&address, "spec", gateway.spec, &live.spec);
        let kind = if gateway.enhanced { "Enhanced" } else { "Normal" };
        self.is(&address, "type", kind, &live.nat_type);
        if gateway.enhanced {
            let vswitch = format!("vsw-{}-{}", gateway.key, gateway.vswitch);
            self.is(&address, "vSwitch", &vswitch, live.vswitch.as_deref().unwrap_or(""));
        }
        self.is(&address, "pending", "None", &format!("{:?}", live.pending));
        for package in &gateway.packages {
            self.package(&id, package);
        }
        for entry in &gateway.dnat {
            self.dnat(model, gateway.key, &live.forward_table, entry);
        }
        for entry in &gateway.snat {
            self.snat(gateway.key, &live.snat_table, entry);
        }
    }

    fn package(&mut self, gateway: &str, package: &Package) {
        let address = format!("bandwidth_package.p{}", package.key);
        let Some(id) = self.id(&address) else { return };
        let recorded = self.addresses(package.key);
        let count = package.addresses.to_string();
        self.is(&address, "number of recorded addresses", &count, &recorded.len().to_string());
        if package.shared {
            let there = self.dump.eips.iter().filter(|eip| {
                eip.gateway.as_deref() == Some(gateway)
                    && recorded.contains(&eip.address.to_string())
            });
            let there = there.count().to_string();
            return self.is(&address, "number of bound EIPs", &count, &there);
        }
        let Some(live) = self.dump.bandwidth_packages.iter().find(|p| p.id == id).cloned() else {
            return self.lacks(&address, &id);
        };
        self.is(&address, "gateway", gateway, &live.gateway);
        self.is(&address, "bandwidth", &package.bandwidth.to_string(), &live.bandwidth.to_string());
        if let Some(name) = &package.name {
            self.is(&address, "name", name, &live.name);
        }
        let billing = if package.by_bandwidth { "PayByBandwidth" } else { "PayByTraffic" };
        self.is(&address, "billing", billing, &live.internet_charge_type);
        let sorted = |mut list: Vec<String>| {
            list.sort();
            list.join(",")
        };
        let there = live.ips.iter().map(|ip| ip.address.to_string()).collect();
        self.is(&address, "addresses", &sorted(recorded), &sorted(there));
    }

    /// Returns a package's addresses in natform's order.
    fn addresses(&self, package: usize) -> Vec<String> {
        let recorded = self.recorded.get(&format!("bandwidth_package.p{package}"));
        recorded.and_then(|(_, object)| object.texts("public_ip_addresses")).unwrap_or_default()
    }

    fn dnat(&mut self, model: &Model, gateway: usize, table: &str, entry: &Dnat) {
        let address = format!("forward_entry.d{gateway}-{}[\"e{}\"]", entry.package, entry.key);
        let Some(id) = self.id(&address) else { return };
        let Some(live) = self.dump.forward_entries.iter().find(|e| e.id == id).cloned() else {
            return self.lacks(&address, &id);
        };
        let external = self.addresses(entry.package).get(entry.address).cloned();
        self.is(&address, "table", table, &live.table);
        self.is(&address, "address", &external.unwrap_or_default(), &live.external_ip.to_string());
        self.is(&address, "port", &entry.port.to_string(), &live.external_port);
        let inside = format!("192.168.1.{}:{}", entry.inside.0, entry.inside.1);
        let found = format!("{}:{}", live.internal_ip, live.internal_port);
        self.is(&address, "target", &inside, &found);
        self.is(&address, "protocol", entry.protocol, &live.protocol.to_lowercase());
        if let (true, Some(name)) = (model.is_new(), &entry.name) {
            self.is(&address, "name", name, &live.name);
        }
        self.is(&address, "pending", "None", &format!("{:?}", live.pending));
    }

    fn snat(&mut self, gateway: usize, table: &str, entry: &Snat) {
        let address = format!("snat_entry.s{}", entry.key);
        let Some(id) = self.id(&address) else { return };
        let Some(live) = self.dump.snat_entries.iter().find(|e| e.id == id).cloned() else {
            return self.lacks(&address, &id);
        };
        self.is(&address, "table", table, &live.table);
        let known = self.addresses(entry.package);
        let mut pool: Vec<String> =
            entry.addresses.iter().filter_map(|index| known.get(*index).cloned()).collect();
        let mut found: Vec<String> = live.ips.iter().map(ToString::to_string).collect();
        pool.sort();
        found.sort();
        self.is(&address, "pool", &pool.join(","), &found.join(","));
        match entry.source {
            Source::VSwitch(letter) => {
                let wanted = format!("vsw-{gateway}-{letter}");
                self.is(&address, "source", &wanted, live.source_vswitch.as_deref().unwrap_or(""));
            }
            Source::Host(host) => {
                let wanted = format!("192.168.9.{host}/32");
                self.is(&address, "source", &wanted, &live.source_cidr.to_string());
            }
        }
        if let Some(name) = &entry.name {
            self.is(&address, "name", name, &live.name);
        }
    }
}
