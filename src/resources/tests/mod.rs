//! Tests of the resource types.

mod addresses;
mod checks;
mod compile;
mod completeness;
mod reads;
mod settle;

use std::collections::BTreeMap;

use super::bandwidth_package::BandwidthPackage;
use super::forward_entry::ForwardEntry;
use super::nat_gateway::NatGateway;
use super::snat_entry::SnatEntry;
use super::{ChangeRequest, Listing, Listings, Object, ReadScope, ResourceType, Step};
use crate::value::{Type, Value};

pub(super) const REGION: &str = "cn-qingdao";

pub(super) fn gateway() -> &'static dyn ResourceType {
    &NatGateway
}

pub(super) fn package() -> &'static dyn ResourceType {
    &BandwidthPackage
}

pub(super) fn forward() -> &'static dyn ResourceType {
    &ForwardEntry
}

pub(super) fn snat() -> &'static dyn ResourceType {
    &SnatEntry
}

/// Makes an object of texts.
pub(super) fn object<const N: usize>(texts: [(&str, &str); N]) -> Object {
    texts.into_iter().map(|(name, text)| (name.into(), Value::from(text))).collect()
}

/// Returns an object with one attribute set.
pub(super) fn with(object: &Object, name: &str, value: impl Into<Value>) -> Object {
    let mut object = object.clone();
    object.set(name, value.into());
    object
}

/// Makes a list of texts.
pub(super) fn list(texts: &[&str]) -> Value {
    Value::list(Type::String, texts.iter().map(|text| Value::from(*text)))
}

/// Makes a set of texts.
pub(super) fn set(texts: &[&str]) -> Value {
    Value::set(Type::String, texts.iter().map(|text| Value::from(*text)))
}

/// Makes a complete list of one row.
pub(super) fn listing(scope: ReadScope, rows: &[&Object]) -> (ReadScope, Listing) {
    let rows: BTreeMap<String, Object> =
        rows.iter().map(|row| (row.text("id").unwrap().to_owned(), (*row).clone())).collect();
    (scope, Listing::Rows(rows))
}

pub(super) fn gateways(rows: &[&Object]) -> (ReadScope, Listing) {
    listing(ReadScope::Gateways { region: REGION.to_owned() }, rows)
}

pub(super) fn packages(rows: &[&Object]) -> (ReadScope, Listing) {
    listing(ReadScope::BandwidthPackages { region: REGION.to_owned() }, rows)
}

pub(super) fn listings<const N: usize>(lists: [(ReadScope, Listing); N]) -> Listings {
    lists.into_iter().collect()
}

/// Compiles a change in place.
pub(super) fn update(ty: &dyn ResourceType, prior: &Object, planned: &Object) -> Vec<Step> {
    ty.compile(&ChangeRequest::update(REGION, prior, planned))
}

/// Writes a call as one line: `Action A=1 B=2`.
pub(super) fn line(step: &Step) -> String {
    let parameters = step.parameters.iter().map(|parameter| {
        format!(" {}={}", parameter.name, parameter.value.as_str().unwrap_or("?"))
    });
    step.action.name().to_owned() + &parameters.collect::<String>()
}

pub(super) fn lines(steps: &[Step]) -> Vec<String> {
    steps.iter().map(line).collect()
}

pub(super) fn live_gateway() -> Object {
    let mut gateway = object([
        ("id", "ngw-1"),
        ("vpc_id", "vpc-1"),
        ("name", "edge"),
        ("spec", "Small"),
        ("nat_type", "Normal"),
        ("status", "Available"),
        ("forward_table_id", "ftb-1"),
        ("snat_table_id", "stb-1"),
    ]);
    gateway.set("force", Value::from(false));
    gateway
}

pub(super) fn live_forward() -> Object {
    object([
        ("id", "fwd-1"),
        ("forward_table_id", "ftb-1"),
        ("external_ip", "203.0.113.7"),
        ("external_port", "443"),
        ("internal_ip", "192.168.1.10"),
        ("internal_port", "8443"),
        ("ip_protocol", "tcp"),
        ("status", "Available"),
    ])
}

pub(super) fn live_snat() -> Object {
    let entry = object([
        ("id", "snat-1"),
        ("snat_table_id", "stb-1"),
        ("source_vswitch_id", "vsw-1"),
        ("source_cidr", "192.168.1.0/24"),
        ("status", "Available"),
    ]);
    with(&entry, "snat_ip", set(&["203.0.113.7", "203.0.113.8"]))
}

pub(super) fn live_package(addresses: &[&str]) -> Object {
    let package = object([
        ("id", "bwp-1"),
        ("nat_gateway_id", "ngw-1"),
        ("name", "edge"),
        ("status", "Available"),
    ]);
    let package = with(&package, "bandwidth", 5_i64);
    let package = with(&package, "ip_count", i64::try_from(addresses.len()).unwrap());
    let package = with(&package, "convert_to_shared", false);
    let package = with(&package, "public_ip_addresses", list(addresses));
    with(&package, "public_ips", public_ips(addresses, &[]))
}

/// Makes a `public_ips` list; those in `used` serve DNAT.
pub(super) fn public_ips(addresses: &[&str], used: &[&str]) -> Value {
    let ip = |address: &&str| {
        let status = if used.contains(address) { "UsedByForwardTable" } else { "Idle" };
        Value::object_of([
            ("ip_address", Value::from(*address)),
            ("allocation_id", Value::from("nateip-1")),
            ("using_status", Value::from(status)),
            ("ap_access_enabled", Value::null()),
        ])
    };
    let element = package().schema().attribute("public_ips").unwrap().kind.ty();
    let Type::List(element) = element else { unreachable!() };
    Value::list((*element).clone(), addresses.iter().map(ip))
}

pub(super) struct Change {
    pub(super) ty: &'static dyn ResourceType,
    pub(super) prior: Option<Object>,
    pub(super) planned: Option<Object>,
}

/// Changes that together make every changing action with every parameter.
pub(super) fn sample_changes() -> Vec<Change> {
    let text = |ty: &dyn ResourceType| -> Object {
        let inputs = ty.schema().attributes.iter().filter(|a| a.is_input());
        inputs.map(|a| (a.name.into(), Value::from("text"))).collect()
    };
    let full_gateway = with(&with(&text(gateway()), "force", true), "auto_pay", true);
    let full_package = with(&with(&text(package()), "force", true), "convert_to_shared", false);
    let full_entry = with(&text(forward()), "port_break", true);
    let few = live_package(&["203.0.113.7"]);
    let many = live_package(&["203.0.113.7", "203.0.113.8"]);
    let renamed = with(&with(&few, "name", "other"), "description", "other");
    let converted = with(&live_gateway(), "nat_type", "Enhanced");
    let new_gateway = with(&with(&converted, "vswitch_id", "vsw-1"), "spec", "Large");
    let new_gateway = with(&with(&new_gateway, "name", "new"), "description", "new");
    let change = |ty, prior: Option<&Object>, planned: Option<&Object>| Change {
        ty,
        prior: prior.cloned(),
        planned: planned.cloned(),
    };
    vec![
        change(gateway(), None, Some(&full_gateway)),
        change(gateway(), Some(&live_gateway()), Some(&new_gateway)),
        change(gateway(), Some(&with(&full_gateway, "id", "ngw-1")), None),
        change(forward(), None, Some(&full_entry)),
        change(
            forward(),
            Some(&live_forward()),
            Some(&with(&live_forward(), "external_port", "1")),
        ),
        change(forward(), Some(&live_forward()), None),
        change(snat(), None, Some(&text(snat()))),
        change(
            snat(),
            Some(&live_snat()),
            Some(&with(&with(&live_snat(), "snat_entry_name", "b"), "snat_ip", set(&["1.2.3.4"]))),
        ),
        change(snat(), Some(&live_snat()), None),
        change(package(), None, Some(&full_package)),
        change(package(), Some(&few), Some(&with(&renamed, "bandwidth", 10_i64))),
        change(package(), Some(&few), Some(&many)),
        change(package(), Some(&many), Some(&few)),
        change(package(), Some(&few), Some(&with(&few, "convert_to_shared", true))),
        change(package(), Some(&with(&few, "force", true)), None),
    ]
}
