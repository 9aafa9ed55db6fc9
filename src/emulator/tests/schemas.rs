//! The schemas of worlds and rules say what the program reads, and what it reads holds together.

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::probe::{Probe, text};
use crate::emulator::document;
use crate::emulator::fault_check::file_problems;
use crate::emulator::faults::FaultFile;
use crate::emulator::settings::{Settings, Timings};
use crate::emulator::world::dump::Dump;
use crate::emulator::world::integrity::problems;

/// A world in which every field is set.
const RICH: &str = include_str!("world.json");

const WORLD: &str = include_str!("../../../state-schema/emulator-world.schema.json");
const FAULTS: &str = include_str!("../../../state-schema/emulator-faults.schema.json");

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| schema(WORLD));

fn schema(text: &str) -> Validator {
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

fn rich() -> Value {
    serde_json::from_str(RICH).unwrap()
}

fn read(document: &Value) -> Result<Dump, Vec<String>> {
    let said = |all: Vec<document::Problem>| all.iter().map(ToString::to_string).collect();
    Dump::read(document.to_string().as_bytes()).map_err(said)
}

fn is_fault_file(document: &Value) -> bool {
    let read = document::read::<FaultFile>(document.to_string().as_bytes());
    read.is_ok_and(|file| file_problems(&file).is_empty())
}

/// Returns the JSON pointers of all values below `value` that a schema says something of.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    let free = at.ends_with("/answer") || at.ends_with("/parameters");
    match value {
        Value::Object(fields) if !free => {
            for (name, value) in fields {
                let below = format!("{at}/{name}");
                out.push(below.clone());
                pointers(value, &below, out);
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                let below = format!("{at}/{n}");
                out.push(below.clone());
                pointers(value, &below, out);
            }
        }
        _ => {}
    }
}

/// Changes a document in many ways, and checks that schema and program judge each way alike.
fn judged_alike(document: &Value, schema: &Validator, accepted: impl Fn(&Value) -> bool) {
    let mut all = Vec::new();
    pointers(document, "", &mut all);
    let alike = |changed: &Value, what: String| {
        assert_eq!(schema.is_valid(changed), accepted(changed), "{what}");
    };
    for pointer in &all {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        for wrong in
            [json!(true), json!(-1), json!("no such"), json!([[]]), json!({"no": 1}), Value::Null]
        {
            let mut changed = document.clone();
            *changed.pointer_mut(pointer).unwrap() = wrong.clone();
            // Whether what is named is there is not for a schema to say.
            let alone = !matches!(wrong, Value::String(_)) || refers_to_nothing(pointer);
            // The program also takes the fields of an object in an array, in their order.
            let alone = alone && !(wrong.is_array() && is_object(document.pointer(pointer)));
            if alone && !changes_a_key(pointer) {
                alike(&changed, format!("{pointer} is {wrong}"));
            }
        }
        let mut changed = document.clone();
        if let Some(fields) = changed.pointer_mut(parent).unwrap().as_object_mut() {
            fields.remove(name);
            let holds = !matches!(parent, "" | "/match") || !name.ends_with('s');
            if holds && !changes_a_key(pointer) {
                alike(&changed, format!("without {pointer}"));
            }
            let mut changed = document.clone();
            changed.pointer_mut(parent).unwrap()["nonsense"] = json!(1);
            assert!(!schema.is_valid(&changed) && !accepted(&changed), "{parent}/nonsense");
        }
    }
}

fn is_object(value: Option<&Value>) -> bool {
    value.is_some_and(Value::is_object)
}

/// Whether a text there names nothing that has to be there elsewhere.
fn refers_to_nothing(pointer: &str) -> bool {
    const WORDS: [&str; 14] = [
        "status",
        "spec",
        "nat_type",
        "internet_charge_type",
        "instance_charge_type",
        "isp",
        "business_status",
        "protocol",
        "change",
        "conversions_fail_at",
        "fails_at",
        "external_port",
        "internal_port",
        "name",
    ];
    WORDS.iter().any(|word| pointer.ends_with(&format!("/{word}")))
}

/// Whether what holds together depends on the value there: such a change is judged by other tests.
fn changes_a_key(pointer: &str) -> bool {
    if pointer.starts_with("/eips/") && pointer.ends_with("/gateway") {
        return true;
    }
    [
        "/used",
        "/expires",
        "/ips",
        "/cidr",
        "/source_cidr",
        "/address",
        "/external_ip",
        "/snat_entry_enabled",
        "/conversion",
    ]
    .iter()
    .any(|end| pointer.ends_with(end))
}

#[test]
fn a_world_with_every_field_set_is_as_the_schema_says() {
    let dump = read(&rich()).unwrap();
    assert_eq!(json!(dump), rich(), "nothing is lost, and no field is left unset");
    let mut probe = Probe::instant();
    probe.world.load(dump);
    let shown = json!(probe.world.dump());
    assert_eq!(shown, rich());
    assert!(VALIDATOR.is_valid(&shown));
    assert!(VALIDATOR.is_valid(&json!({})) && read(&json!({})).is_ok());
}

#[test]
fn schema_and_program_judge_worlds_alike() {
    judged_alike(&rich(), &VALIDATOR, |document| read(document).is_ok());
}

#[test]
fn schema_and_program_judge_rules_alike() {
    let (schema, rich) = (
        schema(FAULTS),
        json!({
            "faults": [
                {
                    "name": "all of a match",
                    "match": {
                        "action": "CreateNatGateway", "mutating": true, "parameters": {"Name": "x"},
                        "nth": 2, "probability": 0.5, "seed": 7, "times": 3,
                    },
                    "effect": {
                        "delay_ms": 5, "drop": "after",
                        "error": {"http": 503, "code": "X", "message": "y", "processed": true},
                    },
                },
                {"effect": {"throttle": {"retry_after_ms": 5, "code": "T", "http": 429}, "truncate": 3}},
                {"effect": {"garbage": true, "stall": true}},
            ],
            "limits": [{"action": "DescribeNatGateways", "per_second": 0.5, "burst": 2}],
        }),
    );
    assert!(schema.is_valid(&rich) && is_fault_file(&rich));
    judged_alike(&rich, &schema, is_fault_file);
    for (effect, fine) in [
        (json!({"error": {}, "throttle": {}}), false),
        (json!({"drop": "before", "stall": true}), false),
        (json!({"drop": "before", "stall": false, "truncate": null}), true),
        (json!({"truncate": 1, "stall": true}), false),
        (json!({"garbage": true, "drop": "after"}), false),
    ] {
        let document = json!({"faults": [{"effect": effect}]});
        assert_eq!(
            (schema.is_valid(&document), is_fault_file(&document)),
            (fine, fine),
            "{document}"
        );
    }
}

#[test]
fn other_versions_are_refused_before_all_else() {
    for (version, why) in [(2, "newer natform"), (0, "there is no version 0")] {
        let said = read(&json!({"format_version": version, "brand_new": 1})).unwrap_err();
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("`format_version`: ") && said[0].contains(why), "{said:?}");
    }
}

/// What does not hold together, with a part of what is said of it.
#[test]
fn worlds_that_do_not_hold_together_are_told_where() {
    let cases = [
        ("/meta/id", json!(""), "`meta.id`: a world has an identity"),
        ("/conditions/regions_without_enhanced", json!(["mars"]), "there is no region `mars`"),
        ("/conditions/zones_without_addresses", json!(["mars-a"]), "there is no zone `mars-a`"),
        ("/vpcs/0/region", json!("mars"), "`vpcs[0].region`: there is no region `mars`"),
        (
            "/vpcs/0/routes/1/destination",
            json!("0.0.0.0/0"),
            "is that of `vpcs[0].routes[0].destination` too",
        ),
        ("/vswitches/0/vpc", json!("vpc-x"), "`vswitches[0].vpc`: there is no VPC `vpc-x`"),
        ("/vswitches/0/zone", json!("cn-hangzhou-a"), "is no zone of `cn-qingdao`"),
        ("/vswitches/1/cidr", json!("11.0.0.0/16"), "is not within `10.0.0.0/8`"),
        ("/vswitches/1/cidr", json!("10.1.4.0/24"), "it overlaps `10.1.0.0/16` of `vswitches[0]`"),
        ("/gateways/0/vpc", json!("vpc-x"), "`gateways[0].vpc`: there is no VPC `vpc-x`"),
        (
            "/gateways/0/region",
            json!("cn-beijing"),
            "`gateways[0].region`: what it belongs to is in `cn-qingdao`",
        ),
        ("/gateways/0/vswitch", json!("vsw-x"), "there is no vSwitch `vsw-x`"),
        ("/gateways/0/private_ip", json!("10.2.0.9"), "is not within `10.1.0.0/16`"),
        (
            "/gateways/0/id",
            json!("ngw-normal"),
            "`gateways[1].id`: the id `ngw-normal` is that of `gateways[0].id` too",
        ),
        (
            "/gateways/0/forward_table",
            json!("ftb-normal"),
            "`gateways[1].forward_table`: the id `ftb-normal`",
        ),
        ("/gateways/0/spec", json!("Tiny"), "`Tiny` is none of `Small`, `Middle`"),
        (
            "/gateways/0/conversion",
            Value::Null,
            "a gateway that is being converted has a conversion",
        ),
        ("/gateways/1/pending/change/spec", json!("Tiny"), "`gateways[1].pending.change.spec`"),
        ("/bandwidth_packages/0/gateway", json!("ngw-x"), "there is no gateway `ngw-x`"),
        ("/bandwidth_packages/0/ips/1/allocation_id", json!("nateip-1"), "`nateip-1` is that of"),
        (
            "/bandwidth_packages/0/ips/1/address",
            json!("198.18.0.1"),
            "`bandwidth_packages[0].ips[1].address`: `198.18.0.1` is that of",
        ),
        (
            "/eips/1/address",
            json!("198.18.0.1"),
            "is that of `bandwidth_packages[0].ips[0].address` too",
        ),
        ("/eips/0/gateway", json!("ngw-x"), "there is no gateway `ngw-x`"),
        ("/forward_entries/0/table", json!("ftb-x"), "there is no DNAT table `ftb-x`"),
        (
            "/forward_entries/0/external_ip",
            json!("198.18.0.4"),
            "is no address of `ngw-converting`",
        ),
        (
            "/forward_entries/1/external_port",
            json!("0443"),
            "neither a port from 1 to 65535 nor `Any`",
        ),
        ("/forward_entries/1/protocol", json!("tcp"), "`tcp` is none of `TCP`"),
        ("/snat_entries/0/table", json!("stb-x"), "there is no SNAT table `stb-x`"),
        ("/snat_entries/0/source_cidr", json!("10.1.7.0/24"), "the source of `snat_entries[0]`"),
        ("/snat_entries/1/source_vswitch", json!("vsw-x"), "there is no vSwitch `vsw-x`"),
        ("/snat_entries/1/ips/1", json!("198.18.0.1"), "is that of `snat_entries[1].ips[0]` too"),
        ("/snat_entries/0/ips/0", json!("198.18.0.3"), "is no address of `ngw-normal`"),
        (
            "/bandwidth_packages/0/ips/0/snat_entry_enabled",
            json!(false),
            "`snat_entries[1].ips[0]`: `198.18.0.1` serves DNAT entries",
        ),
        ("/tokens/0/expires", json!(5), "`tokens[0].expires`: it is before `used`"),
    ];
    for (pointer, value, wanted) in cases {
        let mut changed = rich();
        *changed.pointer_mut(pointer).unwrap() = value.clone();
        let said = read(&changed).err().unwrap_or_default();
        assert!(said.iter().any(|s| s.contains(wanted)), "{pointer} = {value}: {said:#?}");
    }
}

#[test]
fn keys_are_taken_once_in_a_table() {
    let mut changed = rich();
    let mut twin = changed["forward_entries"][1].clone();
    twin["id"] = json!("fwd-twin");
    changed["forward_entries"].as_array_mut().unwrap().push(twin.clone());
    let said = read(&changed).unwrap_err();
    assert_eq!(said.len(), 2, "{said:#?}");
    assert_eq!(
        said[0],
        "`forward_entries[2]`: the external address, port and protocol is that of `forward_entries[1]` too"
    );
    twin["external_port"] = json!("444");
    changed["forward_entries"][2] = twin;
    assert_eq!(read(&changed).unwrap_err().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What requests make of a world is a document that can be loaded, at every moment.
    #[test]
    fn every_world_that_requests_reach_holds_together(
        steps in prop::collection::vec((0u8..14, 0usize..4, 0u32..3), 1..60),
        both: bool,
        slow: bool,
    ) {
        let timings = if slow { Timings::default() } else { Timings::instant() };
        let mut probe = Probe::new(Settings { timings, ..Settings::default() });
        probe.region = "cn-qingdao";
        probe.world.conditions.snat_entry_enabled = both;
        let made = [probe.gateway()];
        probe.world.bind_eips(&made[0].id, 2, Some("cbwp-outside"));
        for (kind, which, port) in steps {
            step(&mut probe, &made[0], kind, which, port);
            let wrong = problems(&probe.world.dump());
            prop_assert!(wrong.is_empty(), "{wrong:#?}");
        }
        prop_assert!(VALIDATOR.is_valid(&json!(probe.world.dump())));
    }
}

/// Sends one of several requests; it may well be refused.
fn step(probe: &mut Probe, made: &super::probe::Made, kind: u8, which: usize, port: u32) {
    let dump = probe.world.dump();
    let addresses: Vec<String> = dump
        .bandwidth_packages
        .iter()
        .flat_map(|p| p.ips.iter().map(|ip| ip.address))
        .chain(dump.eips.iter().map(|e| e.address))
        .map(|a| a.to_string())
        .collect();
    let address = addresses.get(which).cloned().unwrap_or_default();
    let forward = dump.forward_entries.get(which).map(|e| e.id.clone()).unwrap_or_default();
    let snat = dump.snat_entries.get(which).map(|e| e.id.clone()).unwrap_or_default();
    let package = dump.bandwidth_packages.first().map(|p| p.id.clone()).unwrap_or_default();
    let vswitch = ["vsw-emulator-a-qingdao", "vsw-emulator-b-qingdao"][which % 2];
    let (ngw, ftb, stb) = (made.id.as_str(), made.forward_table.as_str(), made.snat_table.as_str());
    let ports = ["80", "443", "Any"];
    let port = ports[port as usize];
    let protocol = if port == "Any" { "Any" } else { "TCP" };
    let mapping = [
        ("ForwardTableId", ftb),
        ("ExternalIp", &address),
        ("ExternalPort", port),
        ("InternalIp", "192.168.1.10"),
        ("InternalPort", port),
        ("IpProtocol", protocol),
    ];
    let (action, parameters): (&str, Vec<(&str, &str)>) = match kind {
        0 | 1 => ("CreateForwardEntry", mapping.to_vec()),
        2 => {
            ("ModifyForwardEntry", [&[("ForwardEntryId", forward.as_str())], &mapping[..]].concat())
        }
        3 => ("DeleteForwardEntry", vec![("ForwardTableId", ftb), ("ForwardEntryId", &forward)]),
        4 => (
            "CreateSnatEntry",
            vec![("SnatTableId", stb), ("SnatIp", &address), ("SourceVSwitchId", vswitch)],
        ),
        5 => (
            "CreateSnatEntry",
            vec![("SnatTableId", stb), ("SnatIp", &address), ("SourceCIDR", "192.168.2.128/25")],
        ),
        6 => (
            "ModifySnatEntry",
            vec![("SnatTableId", stb), ("SnatEntryId", &snat), ("SnatIp", &address)],
        ),
        7 => ("DeleteSnatEntry", vec![("SnatTableId", stb), ("SnatEntryId", &snat)]),
        8 => ("AddBandwidthPackageIps", vec![("BandwidthPackageId", &package), ("IpCount", "1")]),
        9 => (
            "RemoveBandwidthPackageIps",
            vec![("BandwidthPackageId", &package), ("RemovedIpAddresses.1", &address)],
        ),
        10 => ("ConvertBandwidthPackage", vec![("BandwidthPackageId", &package)]),
        11 if which == 0 => {
            ("DeleteBandwidthPackage", vec![("BandwidthPackageId", &package), ("Force", "true")])
        }
        11 => (
            "CreateBandwidthPackage",
            vec![("NatGatewayId", ngw), ("Bandwidth", "5"), ("IpCount", "2")],
        ),
        12 if which == 1 => ("DeleteNatGateway", vec![("NatGatewayId", ngw), ("Force", "true")]),
        12 => (
            "CreateNatGateway",
            vec![
                ("VpcId", "vpc-emulator-qingdao"),
                ("ClientToken", "t"),
                ("NatType", "Enhanced"),
                ("VSwitchId", vswitch),
            ],
        ),
        _ if which == 0 => (
            "UpdateNatGatewayNatType",
            vec![("NatGatewayId", ngw), ("NatType", "Enhanced"), ("VSwitchId", vswitch)],
        ),
        _ => {
            probe.wait(700);
            ("ModifyNatGatewaySpec", vec![("NatGatewayId", ngw), ("Spec", "Large")])
        }
    };
    probe.wait(400);
    let answer = probe.call(action, &parameters);
    if let Ok(answer) = answer {
        assert!(!text(&answer["RequestId"]).is_empty());
    }
}
