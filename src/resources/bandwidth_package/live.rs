//! What is live of a package: rows of its list, and what became of a converted one.

use std::collections::BTreeSet;

use super::super::listing::{self, Listings, Live};
use super::super::schema::{self, Kind};
use super::super::{Object, answer, public_addresses};
use super::SCHEMA;
use super::attributes::PUBLIC_IPS;
use crate::value::Value;

/// Tells whether a recorded package is known to have become shared bandwidth.
fn is_shared(object: &Object) -> bool {
    object.flag("convert_to_shared") && object.get("common_bandwidth_package_id").is_some()
}

/// Returns the addresses that something uses, as the service said when it was last read.
pub fn in_use(object: &Object) -> BTreeSet<String> {
    let list = object.get("public_ips").and_then(Value::as_elements).unwrap_or_default();
    let text = |ip: &Value, name: &str| ip.get(name).and_then(Value::as_str).map(str::to_owned);
    list.iter()
        .filter(|ip| text(ip, "using_status").is_some_and(|status| status.starts_with("Used")))
        .filter_map(|ip| text(ip, "ip_address"))
        .collect()
}

/// Returns the gateway's bound addresses among those of a package, as objects of `public_ips`; none
/// when the gateway was not read or is gone.
fn bound(recorded: &Object, listings: &Listings) -> Option<Vec<Value>> {
    let gateway = recorded.text("nat_gateway_id")?;
    let Live::Found(gateway) = listing::find_gateway(listings, gateway) else { return None };
    let addresses = recorded.texts("public_ip_addresses")?;
    let lists = gateway.get("ip_lists").and_then(Value::as_elements).unwrap_or_default();
    let of = |address: &String| {
        lists.iter().find(|ip| ip.get("ip_address").and_then(Value::as_str) == Some(address))
    };
    Some(addresses.iter().filter_map(of).map(as_public_ip).collect())
}

fn as_public_ip(bound: &Value) -> Value {
    Value::object(
        PUBLIC_IPS
            .iter()
            .map(|field| {
                let value = bound.get(field.name).cloned().unwrap_or_else(Value::null);
                (schema::name(field.name), value)
            })
            .collect(),
    )
}

/// What is live of a package that its complete list lacks: shared bandwidth, or nothing.
pub(super) fn converted(recorded: &Object, listings: &Listings) -> Live {
    let addresses = recorded.texts("public_ip_addresses").unwrap_or_default();
    let bound = bound(recorded, listings);
    let all_bound = bound.as_ref().is_some_and(|bound| bound.len() == addresses.len());
    if !is_shared(recorded) && (addresses.is_empty() || !all_bound) {
        return Live::Absent;
    }
    let mut object = recorded.clone();
    object.set(schema::name("convert_to_shared"), Value::from(true));
    object.set(schema::name("status"), Value::null());
    if let Some(bound) = bound {
        let list = answer::object_list(Kind::Objects(PUBLIC_IPS), bound);
        object.set(schema::name("public_ips"), list);
    }
    Live::Found(object)
}

/// Brings the addresses of a row into natform's order.
pub(super) fn reorder(object: &mut Object, recorded: &Object) {
    let listed = object.texts("public_ip_addresses").unwrap_or_default();
    let order = public_addresses::ordered(
        &recorded.texts("public_ip_addresses").unwrap_or_default(),
        &listed,
    );
    let place = |ip: &Value| {
        let address = ip.get("ip_address").and_then(Value::as_str);
        order.iter().position(|a| Some(a.as_str()) == address).unwrap_or(usize::MAX)
    };
    let ips = object.get("public_ips").and_then(Value::as_elements).map(<[Value]>::to_vec);
    if let Some(mut ips) = ips {
        ips.sort_by_key(place);
        let ips = answer::object_list(Kind::Objects(PUBLIC_IPS), ips);
        object.set(schema::name("public_ips"), ips);
        let list = answer::string_list(order.iter().map(String::as_str));
        object.set(schema::name("public_ip_addresses"), list);
    }
}

/// Reads a row of `DescribeBandwidthPackages`.
pub(in crate::resources) fn row(json: &serde_json::Value) -> Object {
    let mut object = answer::object(SCHEMA.attributes, json);
    if let Some(zone) = answer::member_text(json, "ZoneId") {
        object.set(schema::name("zone"), Value::from(zone.as_str()));
    }
    let ips = object.get("public_ips").and_then(Value::as_elements).unwrap_or_default();
    let addresses: Vec<String> = ips
        .iter()
        .filter_map(|ip| ip.get("ip_address").and_then(Value::as_str).map(str::to_owned))
        .collect();
    if object.has("public_ips") {
        let order = answer::address_list(addresses);
        let list = answer::string_list(order.iter().map(String::as_str));
        object.set(schema::name("public_ip_addresses"), list);
        reorder(&mut object, &Object::new());
    }
    object
}
