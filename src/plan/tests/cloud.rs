//! A stand-in of the service at the level of objects: it carries out the operations of a plan one by
//! one and panics where the service would refuse.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::program::{ObjectMap, Program};
use super::{Operation, Plan, Purpose, fill, resolve, steps};
use crate::address::Mode;
use crate::api::catalogue::Action;
use crate::refresh::{DataRead, Reader};
use crate::resources::{self, Listing, Listings, Live, Object, ReadScope};
use crate::value::{Type, Value};

/// The service.
#[derive(Debug, Clone, Default)]
pub(in crate::plan) struct Cloud {
    pub(in crate::plan) objects: BTreeMap<String, (String, Object)>,
    pub(in crate::plan) failing: BTreeSet<ReadScope>,
    pub(in crate::plan) data: BTreeMap<String, Object>,
    pub(in crate::plan) asked: RefCell<Vec<String>>,
    next: usize,
}

const QUOTA: usize = 100;

impl Cloud {
    fn id(&mut self, prefix: &str) -> String {
        self.next += 1;
        format!("{prefix}-{}", self.next)
    }

    pub(in crate::plan) fn of_kind<'a>(
        &'a self,
        kind: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a Object)> + 'a {
        self.objects.iter().filter(move |(_, (k, _))| k == kind).map(|(id, (_, o))| (id, o))
    }

    /// Adds an object that nobody manages.
    pub(in crate::plan) fn add(&mut self, kind: &str, id: &str, attributes: &[(&str, Value)]) {
        let mut object: Object = attributes.iter().map(|(n, v)| ((*n).into(), v.clone())).collect();
        object.set("id", Value::from(id));
        self.objects.insert(id.to_owned(), (kind.to_owned(), object));
    }

    /// Adds an object like another one, but for some texts.
    pub(in crate::plan) fn next_like(&mut self, id: &str, like: &str, texts: &[(&str, &str)]) {
        let (kind, mut object) = self.objects[like].clone();
        object.set("id", Value::from(id));
        for (name, text) in texts {
            object.set(*name, Value::from(*text));
        }
        self.objects.insert(id.to_owned(), (kind, object));
    }

    pub(in crate::plan) fn edit(&mut self, id: &str, attribute: &str, value: Value) {
        self.objects.get_mut(id).unwrap().1.set(attribute, value);
    }

    /// Reads an object as an apply does at its end.
    pub(in crate::plan) fn reread(
        &self,
        kind: &str,
        id: &str,
        object: &Object,
        region: &str,
    ) -> Object {
        let resource = resources::lookup(kind).unwrap();
        let lists = self.lists("", &resource.scopes(region, object));
        match resource.live(object, &lists) {
            Live::Found(found) => found,
            other => panic!("{id} is not there: {other:?}"),
        }
    }

    fn list(&self, scope: &ReadScope) -> Listing {
        if self.failing.contains(scope) {
            return Listing::Failed("the service is away".into());
        }
        let of = |kind: &str, filter: &dyn Fn(&Object) -> bool| {
            let rows = self.of_kind(kind).filter(|(_, o)| filter(o));
            Listing::Rows(rows.map(|(id, o)| (id.clone(), row(kind, o))).collect())
        };
        let has_table = |name: &str, table: &str| {
            self.of_kind("nat_gateway").any(|(_, g)| g.text(name) == Some(table))
        };
        match scope {
            ReadScope::Gateways { .. } => of("nat_gateway", &|_| true),
            ReadScope::BandwidthPackages { .. } => of("bandwidth_package", &|_| true),
            ReadScope::ForwardEntries { table, .. } if has_table("forward_table_id", table) => {
                of("forward_entry", &|o| o.text("forward_table_id") == Some(table))
            }
            ReadScope::SnatEntries { table, .. } if has_table("snat_table_id", table) => {
                of("snat_entry", &|o| o.text("snat_table_id") == Some(table))
            }
            _ => Listing::ParentGone,
        }
    }

    /// Carries out one operation: evaluates its instance again, compiles, and does what the call says.
    pub(in crate::plan) fn carry_out(
        &mut self,
        plan: &Plan,
        index: usize,
        program: &Program,
        objects: &mut ObjectMap,
    ) {
        let operation = &plan.operations[index];
        let change = &plan.changes[operation.change];
        let resource = resources::lookup(change.address.kind()).unwrap();
        let planned = change.after.as_ref().filter(|_| operation.purpose != Purpose::Delete);
        let planned = planned.map(|_| {
            let configured = if change.address.resource.mode == Mode::Managed {
                program.instance(&change.address, objects).0.object
            } else {
                Object::new()
            };
            resolve(resource, change, &configured).unwrap_or_else(|e| {
                panic!("{} of {}: {e}", operation.action.name(), change.address)
            })
        });
        let compiled =
            steps(resource, change, operation.purpose, change.before.as_ref(), planned.as_ref());
        let step = &compiled[operation.step.0 as usize];
        assert_eq!(step.action, operation.action);
        for (shown, sent) in operation.parameters.iter().skip(1).zip(&step.parameters) {
            assert_eq!(*shown.name, *sent.name);
            assert!(!sent.value.deep_unknown(), "{} is not known when it is sent", sent.name);
            if !shown.value.deep_unknown() {
                assert_eq!(shown.value, sent.value, "{} is not as shown", sent.name);
            }
        }
        match operation.purpose {
            Purpose::Create => self.create(operation, &planned.unwrap(), objects),
            Purpose::Update => {
                self.update(operation, change.id.as_deref().unwrap(), &planned.unwrap(), step);
                let Some((_, live)) = self.objects.get(change.id.as_deref().unwrap()) else {
                    return;
                };
                let done = operation.step.0 + 1 == operation.step.1;
                let planned = objects.get(&change.address).unwrap().clone();
                let now = fill(&planned, live);
                objects.set(&change.address, if done { live.over(&now) } else { now });
            }
            Purpose::Delete => self.delete(operation, change.id.as_deref().unwrap()),
        }
    }

    fn create(&mut self, operation: &Operation, planned: &Object, objects: &mut ObjectMap) {
        let kind = operation.address.kind().to_owned();
        let mut object = planned.clone();
        let known: Vec<_> = planned.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
        for (name, value) in known {
            if value.deep_unknown() {
                object.set(name, Value::null());
            }
        }
        let id = match &*kind {
            "nat_gateway" => self.new_gateway(&mut object),
            "bandwidth_package" => self.new_package(&mut object),
            "forward_entry" => self.id("fwd"),
            _ => self.id("snat"),
        };
        object.set("id", Value::from(id.as_str()));
        object.set("status", Value::from("Available"));
        self.objects.insert(id.clone(), (kind, object));
        self.judge(operation);
        let object = self.objects[&id].1.clone();
        objects.set(&operation.address, object.over(planned));
    }

    fn new_gateway(&mut self, object: &mut Object) -> String {
        for (name, prefix) in [("forward_table_id", "ftb"), ("snat_table_id", "stb")] {
            let id = self.id(prefix);
            object.set(name, Value::from(id.as_str()));
        }
        for (name, value) in [("nat_type", "Normal"), ("spec", "Small")] {
            if object.get(name).is_none() {
                object.set(name, Value::from(value));
            }
        }
        let ips = resources::lookup("nat_gateway").unwrap().schema().attribute("ip_lists").unwrap();
        if let Type::List(element) = ips.kind.ty() {
            object.set("ip_lists", Value::list((*element).clone(), []));
        }
        let id = self.id("ngw");
        if object.get("name").is_none() {
            object.set("name", Value::from(id.as_str()));
        }
        id
    }

    fn new_package(&mut self, object: &mut Object) -> String {
        let count = object.integer("ip_count").unwrap();
        let ips: Vec<Value> = (0..count).map(|_| self.new_ip()).collect();
        object.set("public_ip_addresses", Value::list(Type::String, ips));
        self.id("bwp")
    }

    fn new_ip(&mut self) -> Value {
        self.next += 1;
        Value::from(format!("47.0.{}.{}", self.next / 250, self.next % 250).as_str())
    }

    fn update(
        &mut self,
        operation: &Operation,
        id: &str,
        planned: &Object,
        step: &resources::Step,
    ) {
        let mut object = self.objects[id].1.clone();
        let mut addresses = object.texts("public_ip_addresses").unwrap_or_default();
        let of = |name: &str| {
            step.parameters
                .iter()
                .filter(move |p| p.name.starts_with(name))
                .map(|p| p.value.as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        match operation.action {
            Action::AddBandwidthPackageIps => {
                let count: usize = of("IpCount")[0].parse().unwrap();
                for _ in 0..count {
                    addresses.push(self.new_ip().as_str().unwrap().to_owned());
                }
            }
            Action::RemoveBandwidthPackageIps => {
                let removed = of("RemovedIpAddresses");
                assert!(!removed.is_empty() && removed.len() <= 20);
                addresses.retain(|ip| !removed.contains(ip));
                for ip in &removed {
                    assert_eq!(self.users(ip), "", "{ip} is removed while it is used");
                }
            }
            Action::ConvertBandwidthPackage => {
                self.objects.remove(id);
                return;
            }
            Action::UpdateNatGatewayNatType => {
                let packages = self.of_kind("bandwidth_package");
                let held = packages.filter(|(_, p)| p.text("nat_gateway_id") == Some(id)).count();
                assert_eq!(held, 0, "{id} is converted while it holds packages");
            }
            _ => {}
        }
        if matches!(
            operation.action,
            Action::AddBandwidthPackageIps | Action::RemoveBandwidthPackageIps
        ) {
            object.set("ip_count", Value::from(i64::try_from(addresses.len()).unwrap()));
            let list = addresses.iter().map(|a| Value::from(a.as_str()));
            object.set("public_ip_addresses", Value::list(Type::String, list));
        } else {
            for parameter in &step.parameters {
                if &*parameter.attribute != "id" {
                    let value = planned.get(&parameter.attribute).unwrap().clone();
                    object.set(parameter.attribute.clone(), value);
                }
            }
        }
        let kind = operation.address.kind().to_owned();
        self.objects.insert(id.to_owned(), (kind, object));
        self.judge(operation);
    }

    fn users(&self, ip: &str) -> String {
        let dnat = self.of_kind("forward_entry").filter(|(_, e)| e.text("external_ip") == Some(ip));
        let snat = self
            .of_kind("snat_entry")
            .filter(|(_, e)| e.texts("snat_ip").is_some_and(|pool| pool.iter().any(|p| p == ip)));
        dnat.chain(snat).map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn delete(&mut self, operation: &Operation, id: &str) {
        let (kind, object) = self.objects.remove(id).expect("it exists until it is deleted");
        assert_eq!(kind, operation.address.kind());
        if kind == "bandwidth_package" {
            for ip in object.texts("public_ip_addresses").unwrap_or_default() {
                assert_eq!(self.users(&ip), "", "{id} goes while {ip} is used");
            }
        }
        if kind == "nat_gateway" {
            let tables = [object.text("forward_table_id"), object.text("snat_table_id"), Some(id)];
            for (other, (_, o)) in &self.objects {
                for name in ["forward_table_id", "snat_table_id", "nat_gateway_id"] {
                    assert!(
                        o.get(name).is_none() || o.has("vpc_id") || !tables.contains(&o.text(name)),
                        "{id} is deleted while {other} is in it"
                    );
                }
            }
        }
    }

    /// Refuses what the service refuses.
    fn judge(&self, operation: &Operation) {
        let refuse =
            |why: String| panic!("{} {}: {why}", operation.action.name(), operation.address);
        let mut keys: BTreeMap<String, &str> = BTreeMap::new();
        let mut take = |key: String, id: &'_ str| {
            if let Some(other) = keys.insert(key.clone(), "taken") {
                refuse(format!("{id}: {key} is {other}"));
            }
        };
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut dnat = BTreeSet::new();
        for (id, e) in self.of_kind("forward_entry") {
            let text = |name: &str| e.text(name).unwrap_or_else(|| panic!("{id}: {name}"));
            let table = text("forward_table_id");
            take(
                format!(
                    "{table} {} {} {}",
                    text("external_ip"),
                    text("external_port"),
                    text("ip_protocol")
                ),
                id,
            );
            take(
                format!(
                    "{table} {} {} {}",
                    text("ip_protocol"),
                    text("internal_ip"),
                    text("internal_port")
                ),
                id,
            );
            *counts.entry(table.to_owned()).or_default() += 1;
            dnat.insert(text("external_ip").to_owned());
        }
        for (id, e) in self.of_kind("snat_entry") {
            take(format!("{} {:?}", e.text("snat_table_id").unwrap(), e.text("source_cidr")), id);
            for ip in e.texts("snat_ip").unwrap() {
                if dnat.contains(&ip) {
                    refuse(format!("{ip} serves DNAT and SNAT"));
                }
            }
        }
        for (id, g) in self.of_kind("nat_gateway") {
            if g.text("nat_type") == Some("Normal") {
                take(format!("route of {}", g.text("vpc_id").unwrap()), id);
            }
        }
        let mut packages: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, p) in self.of_kind("bandwidth_package") {
            *packages.entry(p.text("nat_gateway_id").unwrap()).or_default() += 1;
        }
        if counts.values().any(|n| *n > QUOTA) || packages.values().any(|n| *n > 4) {
            refuse("a quota is exceeded".into());
        }
    }
}

/// Returns an object as a list shows it: without what cannot be read.
fn row(kind: &str, object: &Object) -> Object {
    let schema = resources::lookup(kind).unwrap().schema();
    object
        .iter()
        .filter(|(name, _)| schema.attribute(name).is_some_and(|a| a.readable))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

impl Reader for Cloud {
    fn lists(&self, _: &str, scopes: &[ReadScope]) -> Listings {
        self.asked.borrow_mut().extend(scopes.iter().map(ToString::to_string));
        scopes.iter().map(|scope| (scope.clone(), self.list(scope))).collect()
    }

    fn data(&self, read: &DataRead) -> Result<Object, String> {
        self.asked.borrow_mut().push(format!("data {}", read.kind));
        self.data.get(&read.kind).cloned().ok_or_else(|| "there is nothing".to_owned())
    }
}
