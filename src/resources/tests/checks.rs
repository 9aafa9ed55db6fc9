//! Validation, normalisation and coercion.

use super::{
    REGION, forward, gateway, live_forward, live_gateway, live_package, live_snat, object, package,
    set, snat, with,
};
use crate::resources::{Fault, Object, ResourceType, data, data_source};
use crate::value::{Type, Value};

fn codes(faults: &[Fault]) -> Vec<String> {
    faults
        .iter()
        .map(|f| format!("{}{}: {}", if f.warning { "warning " } else { "" }, f.attribute, f.code))
        .collect()
}

fn faults(ty: &dyn ResourceType, name: &str, value: impl Into<Value>) -> Vec<String> {
    let faults = ty.validate(&with(&Object::new(), name, value));
    assert!(faults.iter().all(|f| !f.message.is_empty() && !f.help.is_empty()));
    codes(&faults)
}

#[test]
fn what_the_service_lists_passes() {
    for (ty, live) in [
        (gateway(), live_gateway()),
        (forward(), live_forward()),
        (snat(), live_snat()),
        (package(), live_package(&["203.0.113.7"])),
    ] {
        assert_eq!(codes(&ty.validate(&live)), [""; 0]);
        let unknown: Object = ty
            .schema()
            .attributes
            .iter()
            .map(|a| (a.name.into(), Value::unknown(a.kind.ty())))
            .collect();
        assert_eq!(codes(&ty.validate(&unknown)), [""; 0]);
    }
}

#[test]
fn names_and_descriptions_have_their_form() {
    let long = "a".repeat(129);
    for wrong in ["", "a", "1abc", "_abc", "http://ab", "HTTPS://x", "a b", "a/b", &long] {
        assert_eq!(faults(gateway(), "name", wrong), ["name: name-malformed"], "{wrong}");
        assert_eq!(faults(package(), "name", wrong), ["name: name-malformed"], "{wrong}");
    }
    for right in ["ab", "网关", "网关-1", "Edge.1_a-b", &long[1..], "httpd", "http-x"] {
        assert_eq!(faults(gateway(), "name", right), [""; 0], "{right}");
    }
    assert_eq!(faults(forward(), "forward_entry_name", "a b/c"), [""; 0]);
    assert_eq!(faults(snat(), "snat_entry_name", "1"), ["snat_entry_name: name-malformed"]);
    let long = "描".repeat(257);
    for wrong in ["a", "1", "1 of it", " x", "http://x", "https://y", &long] {
        assert_eq!(faults(package(), "description", wrong), ["description: description-malformed"]);
    }
    assert_eq!(faults(gateway(), "description", "描述 of it, 1"), [""; 0]);
    // Only that of a new gateway may start with something else.
    assert_eq!(faults(gateway(), "description", "1 of it"), [""; 0]);
    let made = with(&live_gateway(), "description", "1 of it");
    let changed = with(&made, "description", "2 of it");
    let check = |prior: &Object, planned: &Object| {
        codes(&gateway().check("cn-hangzhou", Some(prior), planned))
    };
    assert_eq!(check(&made, &changed), ["description: description-malformed"]);
    assert_eq!(check(&made, &with(&made, "name", "other")), [""; 0]);
}

#[test]
fn words_are_spelt_as_the_service_does() {
    assert_eq!(faults(gateway(), "spec", "XLarge.1"), [""; 0]);
    assert_eq!(faults(gateway(), "spec", "Xlarge.1"), ["warning spec: other-spelling"]);
    assert_eq!(faults(gateway(), "spec", "Huge"), ["spec: value-not-supported"]);
    let fault = &gateway().validate(&object([("nat_type", "enhanced")]))[0];
    assert_eq!(fault.help, "write `Enhanced`");
    assert_eq!(faults(package(), "isp", "ChinaNet"), ["isp: value-not-supported"]);
    let mut spelt = object([("spec", "xlarge.1")]);
    gateway().normalise(&mut spelt);
    assert_eq!(spelt.text("spec"), Some("XLarge.1"));
}

#[test]
fn numbers_have_their_range() {
    for (value, right) in [(4_i64, false), (5, true), (1000, true), (1001, false)] {
        assert_eq!(faults(package(), "bandwidth", value).is_empty(), right, "{value}");
    }
    for (value, right) in [(-1_i64, false), (0, false), (1, true), (50, true)] {
        assert_eq!(faults(package(), "ip_count", value).is_empty(), right, "{value}");
    }
    let half = Value::new(crate::value::Data::Number(crate::value::Number::parse("5.5").unwrap()));
    assert_eq!(faults(package(), "bandwidth", half), ["bandwidth: out-of-range"]);
}

#[test]
fn ports_addresses_and_protocols() {
    for (port, right) in [
        ("1", true),
        ("65535", true),
        ("any", true),
        ("Any", true),
        ("0443", true),
        ("0", false),
        ("65536", false),
        ("-1", false),
        ("+1", false),
        ("80-90", false),
        ("10/20", false),
        ("http", false),
        ("", false),
        ("1.0", false),
    ] {
        assert_eq!(faults(forward(), "external_port", port).is_empty(), right, "{port}");
    }
    let range = &forward().validate(&object([("internal_port", "10/20")]))[0];
    assert!(range.help.contains("for_each"));
    let id = &forward().validate(&object([("external_ip", "eip-abc")]))[0];
    assert!(id.help.contains("the address itself"), "{}", id.help);
    for wrong in ["1.2.3", "1.2.3.256", "01.2.3.4", "::1", "1.2.3.4/32", "", "name"] {
        assert_eq!(faults(forward(), "internal_ip", wrong), ["internal_ip: not-an-address"]);
    }
    for (protocol, right) in [("tcp", true), ("TCP", true), ("Any", true), ("icmp", false)] {
        assert_eq!(faults(forward(), "ip_protocol", protocol).is_empty(), right, "{protocol}");
    }
}

#[test]
fn any_port_goes_with_any_protocol() {
    let entry = object([("external_port", "any"), ("internal_port", "Any")]);
    assert_eq!(codes(&forward().validate(&with(&entry, "ip_protocol", "Any"))), [""; 0]);
    assert_eq!(forward().validate(&with(&entry, "ip_protocol", "TCP")).len(), 2);
    let unknown = with(&entry, "ip_protocol", Value::unknown(Type::String));
    assert_eq!(codes(&forward().validate(&unknown)), [""; 0]);
}

#[test]
fn entries_are_normalised() {
    let mut entry = object([
        ("external_ip", " 203.0.113.7"),
        ("external_port", "0443"),
        ("internal_port", "ANY"),
        ("ip_protocol", "TCP"),
        ("internal_ip", "not an address"),
    ]);
    entry.set("ip_protocol", Value::from("UDP").with_sensitive(true));
    forward().normalise(&mut entry);
    assert_eq!(entry.text("external_ip"), Some("203.0.113.7"));
    assert_eq!(entry.text("external_port"), Some("443"));
    assert_eq!(entry.text("internal_port"), Some("any"));
    assert_eq!(entry.text("ip_protocol"), Some("udp"));
    assert!(entry.get("ip_protocol").unwrap().is_sensitive());
    assert_eq!(entry.text("internal_ip"), Some("not an address"));
    let mut defaulted = Object::new();
    forward().defaults(&mut defaulted);
    assert_eq!(defaulted.get("port_break").and_then(Value::as_bool), Some(false));
}

#[test]
fn pools_and_sources() {
    assert_eq!(faults(snat(), "snat_ip", set(&[])), ["snat_ip: empty-pool"]);
    let pool = set(&["eip-1", "203.0.113.7"]);
    assert_eq!(faults(snat(), "snat_ip", pool), ["snat_ip: not-an-address"]);
    for (network, help) in [
        ("192.168.1.1", "for one instance, write `192.168.1.1/32`"),
        ("192.168.1.7/24", "the network is `192.168.1.0/24`"),
        ("192.168.1.0/33", "give an IPv4 network, such as `192.168.1.0/24`"),
        ("10.0.0.0/8x", "give an IPv4 network, such as `192.168.1.0/24`"),
    ] {
        let fault = &snat().validate(&object([("source_cidr", network)]))[0];
        assert_eq!(fault.help, help);
    }
    let both = object([("source_cidr", "10.0.0.0/8"), ("source_vswitch_id", "vsw-1")]);
    assert_eq!(codes(&snat().validate(&both)), ["source_cidr: conflicting-attributes"]);
    // The service fills in the other one.
    assert_eq!(codes(&snat().validate(&live_snat())), [""; 0]);
    let none = object([("snat_table_id", "stb-1")]);
    assert_eq!(codes(&snat().check(REGION, None, &none)), ["source_vswitch_id: missing-source"]);
    assert_eq!(codes(&snat().check(REGION, Some(&live_snat()), &none)), [""; 0]);
}

#[test]
fn subscriptions_need_their_parameters_when_they_are_made() {
    let prepaid = object([("vpc_id", "vpc-1"), ("instance_charge_type", "PrePaid")]);
    assert_eq!(
        codes(&gateway().check("cn-hangzhou", None, &prepaid)),
        [
            "pricing_cycle: missing-attribute",
            "duration: missing-attribute",
            "auto_pay: missing-attribute"
        ]
    );
    assert_eq!(codes(&gateway().check("cn-hangzhou", Some(&prepaid), &prepaid)), [""; 0]);
    let whole = with(&with(&prepaid, "pricing_cycle", "Month"), "duration", 9_i64);
    let whole = with(&whole, "auto_pay", true);
    assert_eq!(codes(&gateway().check("cn-hangzhou", None, &whole)), [""; 0]);
    assert_eq!(codes(&gateway().validate(&whole)), [""; 0]);
    let yearly = with(&whole, "pricing_cycle", "Year");
    assert_eq!(codes(&gateway().validate(&yearly)), ["duration: out-of-range"]);
    let unpaid = gateway().validate(&with(&whole, "auto_pay", false));
    assert_eq!(codes(&unpaid), ["auto_pay: unpaid-order"]);
    assert!(unpaid[0].message.contains("only once somebody paid"));
    let postpaid = with(&whole, "instance_charge_type", "PostPaid");
    assert!(gateway().validate(&postpaid).iter().all(|f| f.warning));
    assert_eq!(gateway().validate(&postpaid).len(), 3);
}

#[test]
fn enhanced_gateways_need_a_vswitch_and_a_region() {
    let enhanced = object([("vpc_id", "vpc-1"), ("nat_type", "Enhanced")]);
    let missing = ["vswitch_id: missing-attribute"];
    assert_eq!(codes(&gateway().check("cn-hangzhou", None, &enhanced)), missing);
    let by_region = object([("vpc_id", "vpc-1")]);
    assert_eq!(codes(&gateway().check("cn-hangzhou", None, &by_region)), [""; 0]);
    assert_eq!(codes(&gateway().check("ap-south-1", None, &by_region)), missing);
    let placed = with(&enhanced, "vswitch_id", "vsw-1");
    assert_eq!(codes(&gateway().check("cn-hangzhou", None, &placed)), [""; 0]);

    let prior = live_gateway();
    assert_eq!(codes(&gateway().check("cn-qingdao", Some(&prior), &placed)), [""; 0]);
    assert_eq!(
        codes(&gateway().check("cn-hangzhou", Some(&prior), &placed)),
        ["nat_type: conversion-region"]
    );
    let by_usage = with(&placed, "internet_charge_type", "PayByLcu");
    let warning = ["warning internet_charge_type: billing-region"];
    assert_eq!(codes(&gateway().check("cn-hangzhou", None, &by_usage)), warning);
    let normal = with(&by_usage, "nat_type", "Normal");
    assert_eq!(
        codes(&gateway().validate(&normal)),
        ["internet_charge_type: conflicting-attributes"]
    );
}

#[test]
fn the_size_of_an_existing_package_must_be_known() {
    let prior = live_package(&["203.0.113.7"]);
    let unknown = with(&prior, "ip_count", Value::unknown(Type::Number));
    let faults = package().check(REGION, Some(&prior), &unknown);
    assert_eq!(codes(&faults), ["ip_count: unknown-count"]);
    assert!(package().check(REGION, None, &unknown).is_empty());
}

#[test]
fn texts_become_pools() {
    let attribute = snat().schema().attribute("snat_ip").unwrap();
    assert_eq!(attribute.coerce(&Value::from("1.2.3.4")), set(&["1.2.3.4"]));
    assert_eq!(attribute.coerce(&Value::from("1.2.3.5, 1.2.3.4,")), set(&["1.2.3.4", "1.2.3.5"]));
    let marked = attribute.coerce(&Value::from("1.2.3.4").with_sensitive(true));
    assert!(marked.is_sensitive());
    let unknown = attribute.coerce(&Value::unknown_from(Type::String, "a.b"));
    assert_eq!(unknown, Value::unknown_from(Type::Set(Type::String.into()), "a.b"));
    let tuple = Value::tuple([Value::from("1.2.3.4")]);
    assert_eq!(attribute.coerce(&tuple), tuple);
    let table = snat().schema().attribute("snat_table_id").unwrap();
    assert_eq!(table.coerce(&Value::from("a,b")), Value::from("a,b"));
}

#[test]
fn filters_are_checked_and_spelt() {
    let schema = data_source("forward_entries").unwrap();
    let mut filters =
        object([("forward_table_id", "ftb-1"), ("ip_protocol", "tcp"), ("external_port", "080")]);
    data::normalise(&mut filters);
    assert!(data::validate(schema, &filters).is_empty());
    let parameters = data::parameters(schema, &filters);
    let text: Vec<String> = parameters.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(text, ["ExternalPort=80", "ForwardTableId=ftb-1", "IpProtocol=TCP"]);
    let wrong = object([("internal_ip", "x"), ("ip_protocol", "icmp")]);
    assert_eq!(data::validate(schema, &wrong).len(), 2);
}
