//! One spelling for values that the service writes in several ways: protocols, ports, addresses,
//! networks and specifications. Each function gives the configuration's spelling, or `None` for what
//! it does not understand, which then stays as it is and is reported by validation.

use std::cmp::Ordering;
use std::net::Ipv4Addr;

use super::Object;
use crate::value::{Type, Value};

/// The specifications of a gateway, from the smallest (edition 2020-09-25; the edition before it
/// spells the last one `Xlarge.1`).
pub const SPECS: [&str; 4] = ["Small", "Middle", "Large", "XLarge.1"];

/// Spells a protocol as `tcp`, `udp` or `any`.
pub fn protocol(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    ["tcp", "udp", "any"].contains(&lower.as_str()).then_some(lower)
}

/// Spells a protocol as requests do: `TCP`, `UDP` or `Any`.
pub fn wire_protocol(text: &str) -> String {
    match protocol(text).as_deref() {
        Some("tcp") => "TCP".to_owned(),
        Some("udp") => "UDP".to_owned(),
        Some("any") => "Any".to_owned(),
        _ => text.to_owned(),
    }
}

/// Spells a port as a plain decimal number from 1 to 65535, or `any`.
pub fn port(text: &str) -> Option<String> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("any") {
        return Some("any".to_owned());
    }
    let number: u16 = digits(text)?.parse().ok()?;
    (number > 0).then(|| number.to_string())
}

fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}

/// Spells an IPv4 address.
pub fn address(text: &str) -> Option<String> {
    text.trim().parse::<Ipv4Addr>().ok().map(|address| address.to_string())
}

/// Spells an IPv4 network in CIDR notation without bits below its prefix.
pub fn network(text: &str) -> Option<String> {
    let network: ipnet::Ipv4Net = text.trim().parse().ok()?;
    (network.network() == network.addr()).then(|| network.to_string())
}

/// Spells a gateway's specification as edition 2020-09-25 does.
pub fn spec(text: &str) -> Option<String> {
    SPECS.iter().find(|spec| spec.eq_ignore_ascii_case(text.trim())).map(|&spec| spec.to_owned())
}

/// Returns whether a status, in any case of letters, is the one in which nothing goes on.
pub fn is_available(status: &str) -> bool {
    status.trim().eq_ignore_ascii_case("Available")
}

/// Returns whether a status, in any case of letters, says that the object is being deleted.
pub fn is_deleting(status: &str) -> bool {
    status.trim().eq_ignore_ascii_case("Deleting")
}

/// Orders addresses by number; what is not an address comes last, as text.
pub fn by_number(a: &str, b: &str) -> Ordering {
    let key = |text: &str| text.parse::<Ipv4Addr>();
    match (key(a), key(b)) {
        (Ok(x), Ok(y)) => x.cmp(&y),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    }
}

/// Respells a known text attribute.
pub(super) fn respell(object: &mut Object, name: &str, spell: fn(&str) -> Option<String>) {
    let Some(value) = object.get(name) else { return };
    let Some(text) = value.as_str() else { return };
    if let Some(spelt) = spell(text).filter(|spelt| spelt != text) {
        let respelt = Value::from(spelt.as_str()).with_sensitive(value.is_sensitive());
        object.set(super::schema::name(name), respelt);
    }
}

/// Respells the known elements of an attribute that is a set of texts.
pub(super) fn respell_set(object: &mut Object, name: &str, spell: fn(&str) -> Option<String>) {
    let Some(value) = object.get(name) else { return };
    let Some(elements) = value.as_elements() else { return };
    let respelt = elements.iter().map(|element| {
        let spelt = element.as_str().and_then(spell);
        spelt.map_or_else(
            || element.clone(),
            |text| Value::from(text.as_str()).with_sensitive(element.is_sensitive()),
        )
    });
    let set = Value::set(Type::String, respelt);
    let marked = value.is_sensitive() || set.is_sensitive();
    object.set(super::schema::name(name), set.with_sensitive(marked));
}
