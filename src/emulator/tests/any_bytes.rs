//! Whatever comes, an answer goes out: nothing panics, and no broken request changes the world.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;

use super::probe::{Probe, START, signed};
use crate::api::catalogue::Action;
use crate::api::http::HttpRequest;
use crate::emulator::answer::Format;
use crate::emulator::world::dump::Dump;
use crate::emulator::{Emulator, Settings, Timings};
use crate::environment::ManualClock;

fn is_answer(response: &crate::api::http::HttpResponse) -> bool {
    let json = serde_json::from_slice::<Value>(&response.body);
    json.is_ok() || response.body.starts_with(b"<?xml")
}

/// Values that come near to what is right.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("1".to_owned()),
        Just("vpc-emulator".to_owned()),
        Just("vsw-emulator-a".to_owned()),
        Just("198.18.0.1".to_owned()),
        Just("198.18.0.1,198.18.0.2".to_owned()),
        Just("192.168.1.0/24".to_owned()),
        Just("true".to_owned()),
        Just("Enhanced".to_owned()),
        Just("18446744073709551616".to_owned()),
        Just("-1".to_owned()),
        Just("9223372036854775807".to_owned()),
        "\\PC{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_request_is_answered(
        method in "[A-Z]{0,8}|GET|POST",
        target in "\\PC{0,80}|/\\?[ -~]{0,120}",
        headers in prop::collection::vec(("[a-z-]{1,20}|authorization|content-type", "\\PC{0,60}|ACS3-HMAC-SHA256 [ -~]{0,60}"), 0..6),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut probe = Probe::instant();
        let before = probe.world.dump();
        let outcome = probe.send(&HttpRequest { method, target, headers, body });
        prop_assert!(outcome.response.status >= 400);
        prop_assert!(is_answer(&outcome.response));
        prop_assert_eq!(probe.world.dump(), before);
    }

    #[test]
    fn any_control_request_is_answered(
        method in "GET|PUT|POST|DELETE|PATCH",
        name in "health|calls|world|conditions|reset|faults|clock|settle|eips|[ -~]{0,20}",
        body in prop_oneof![
            Just(String::new()),
            Just("{}".to_owned()),
            Just(r#"{"advance_ms": 9223372036854775807}"#.to_owned()),
            Just(r#"{"meta": {"counter": 18446744073709551615, "clock_offset_ms": -9223372036854775808}}"#.to_owned()),
            Just(r#"{"effect": {"delay_ms": 18446744073709551615, "truncate": 0}}"#.to_owned()),
            Just(r#"{"limits": [{"per_second": -1e300, "burst": 4294967295}]}"#.to_owned()),
            Just(r#"{"quotas": {"ips_per_package": 18446744073709551615}}"#.to_owned()),
            "\\PC{0,60}",
        ],
    ) {
        let settings = Settings { timings: Timings::instant(), ..Settings::default() };
        let emulator = Emulator::open(settings, Arc::new(ManualClock::at(START))).unwrap();
        let target = format!("/_natform/{name}");
        for _ in 0..2 {
            let request = HttpRequest {
                method: method.clone(),
                target: target.clone(),
                headers: Vec::new(),
                body: body.clone().into_bytes(),
            };
            prop_assert!(is_answer(&emulator.handle(&request).response));
            let create = [("Action", "CreateNatGateway"), ("RegionId", "cn-hangzhou"), ("VpcId", "vpc-emulator")];
            prop_assert!(is_answer(&emulator.handle(&signed(START, 1, &create)).response));
        }
    }

    #[test]
    fn any_parameters_are_answered(
        action in 0..Action::ALL.len(),
        calls in prop::collection::vec((0usize..24, prop::collection::vec((0usize..16, value()), 0..10)), 1..8),
        xml in any::<bool>(),
    ) {
        let mut probe = Probe::instant();
        let made = probe.gateway();
        let format = if xml { Format::Xml } else { Format::Json };
        for (number, (step, values)) in (0..).zip(calls) {
            let action = Action::ALL[(action + step) % Action::ALL.len()];
            let mut parameters: Vec<(String, String)> = vec![
                ("Action".into(), action.name().into()),
                ("RegionId".into(), "cn-hangzhou".into()),
                ("Format".into(), if format == Format::Xml { "XML" } else { "JSON" }.into()),
                ("NatGatewayId".into(), made.id.clone()),
                ("ForwardTableId".into(), made.forward_table.clone()),
                ("SnatTableId".into(), made.snat_table.clone()),
                ("BandwidthPackageId".into(), made.package.clone()),
                ("ExternalIp".into(), made.ips[0].clone()),
                ("SnatIp".into(), made.ips[1].clone()),
            ];
            for (which, value) in values {
                let known = action.parameters();
                let name = known[which % known.len()].name.replace(".N", ".1");
                parameters.retain(|(n, _)| *n != name);
                parameters.push((name, value));
            }
            let pairs: Vec<(&str, &str)> =
                parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let outcome = probe.send(&signed(START, 10_000 + number, &pairs));
            prop_assert!(is_answer(&outcome.response));
            prop_assert!(outcome.response.status < 500);
        }
        // Whatever happened, the world is one that can be written down and read again.
        let dump = probe.world.dump();
        let text = serde_json::to_string(&dump).unwrap();
        prop_assert_eq!(serde_json::from_str::<Dump>(&text).unwrap(), dump);
    }
}
