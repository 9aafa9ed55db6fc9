//! Faults and rates on demand, as somebody meets them who wrote them into a file.

use serde_json::{Value, json};

use crate::support::{Connection, Parameters, Server, get};

/// Starts an emulator with a file of rules.
fn with_rules(rules: &Value) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faults.json");
    std::fs::write(&path, rules.to_string()).unwrap();
    let server = Server::start(&["-timing", "instant", "-faults", path.to_str().unwrap()]);
    (folder, server)
}

fn create(name: &str) -> Vec<u8> {
    let parameters = [
        ("VpcId", "vpc-emulator"),
        ("NatType", "Enhanced"),
        ("VSwitchId", "vsw-emulator-a"),
        ("Name", name),
    ];
    get(&Parameters::of("CreateNatGateway", &parameters).signed("GET"))
}

fn gateways(server: &Server) -> u64 {
    server.control("GET", "health", "").json()["objects"]["gateway"].as_u64().unwrap()
}

fn statuses(server: &Server, times: usize) -> Vec<u16> {
    let mut connection = server.connect();
    (0..times).map(|_| connection.call("DescribeNatGateways", &[]).status).collect()
}

#[test]
fn rules_of_a_file_hit_what_they_match() {
    let named = |name: &str, effect: Value| json!({"name": name, "match": {"action": "CreateNatGateway", "parameters": {"Name": name}}, "effect": effect});
    let (_folder, server) = with_rules(&json!({"faults": [
        named("code", json!({"error": {"code": "ZONE_NO_AVAILABLE_IP"}})),
        named("words", json!({"error": {"code": "Mine", "http": 418, "message": "as told"}})),
        named("broken", json!({"error": {"http": 500}})),
        named("away", json!({"error": {"http": 503}})),
        named("after", json!({"error": {"http": 500, "processed": true}})),
        named("slower", json!({"throttle": {"retry_after_ms": 1500}})),
        named("lost-before", json!({"drop": "before"})),
        named("lost-after", json!({"drop": "after"})),
        named("cut", json!({"truncate": 7})),
        named("noise", json!({"garbage": true})),
        named("stall", json!({"stall": true})),
        named("late", json!({"delay_ms": 1, "error": {"code": "OperationConflict"}})),
    ]}));
    let answer = |name: &str| server.connect().send(&create(name));
    for (name, status, code, message) in [
        ("code", 400, "ZONE_NO_AVAILABLE_IP", "The Zone have no available ip."),
        ("words", 418, "Mine", "as told"),
        ("broken", 500, "InternalServerError", "some unknown error"),
        ("away", 503, "ServiceUnavailable", "temporary failure"),
        ("slower", 400, "Throttling.User", "Request was denied due to user flow control."),
        ("late", 409, "OperationConflict", "too frequent"),
    ] {
        let reply = answer(name);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{name}");
        assert!(reply.text().contains(message), "{name}: {}", reply.text());
    }
    assert_eq!(answer("slower").header("x-acs-retry-after"), Some("1500"));
    assert_eq!(gateways(&server), 0);
    assert_eq!(answer("after").status, 500);
    assert_eq!(gateways(&server), 1);
    let lost = |name: &str| {
        let mut connection = server.connect();
        connection.write(&create(name));
        connection.rest().unwrap()
    };
    assert_eq!(lost("lost-before"), b"");
    assert_eq!(gateways(&server), 1);
    assert_eq!(lost("lost-after"), b"");
    assert_eq!(gateways(&server), 2);
    assert!(lost("cut").ends_with(b"\r\n\r\n{\"Reque"));
    assert!(serde_json::from_slice::<Value>(&answer("noise").body).is_err());
    assert_eq!(gateways(&server), 4);
    // A stalled answer never comes to an end, and others are not held up by it.
    let mut stalled = server.connect();
    stalled.write(&create("stall"));
    stalled.stream().set_read_timeout(Some(std::time::Duration::from_millis(200))).unwrap();
    assert_eq!(stalled.read(), None);
    server.ok("DescribeNatGateways", &[]);
    let calls = server.control("GET", "calls", "").json();
    let of = |name: &str| {
        let calls = calls["calls"].as_array().unwrap();
        calls.iter().find(|call| call["fault"] == name).unwrap().clone()
    };
    assert_eq!((&of("lost-after")["lost"], &of("code")["lost"]), (&json!(true), &json!(false)));
    assert_eq!(calls["counts"]["CreateNatGateway"]["lost"], 5);
}

#[test]
fn rules_count_draw_and_end() {
    let rule = |more: Value| {
        let mut matcher = json!({"action": "DescribeNatGateways"});
        matcher.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"match": matcher, "effect": {"error": {"http": 503}}})
    };
    let server = Server::instant();
    let put = |rules: Value| {
        let reply = server.control("PUT", "faults", &json!({"faults": rules}).to_string());
        assert_eq!(reply.status, 200, "{}", reply.text());
    };
    put(json!([rule(json!({"nth": 3}))]));
    assert_eq!(statuses(&server, 5), [200, 200, 503, 200, 200]);
    put(json!([rule(json!({"times": 2}))]));
    assert_eq!(statuses(&server, 4), [503, 503, 200, 200]);
    // The same seed draws the same, another one something else.
    let drawn = |seed: u64| {
        put(json!([rule(json!({"probability": 0.5, "seed": seed}))]));
        statuses(&server, 64)
    };
    let (first, second) = (drawn(1), drawn(2));
    assert_eq!(drawn(1), first);
    assert_ne!(first, second);
    let hit = first.iter().filter(|status| **status == 503).count();
    assert!((20..=44).contains(&hit), "{hit} of 64");
    put(json!([rule(json!({"probability": 0.0}))]));
    assert_eq!(statuses(&server, 8), [200; 8]);
    put(json!([{"match": {"mutating": true}, "effect": {"error": {"http": 503}}}]));
    assert_eq!(statuses(&server, 2), [200; 2]);
    assert_eq!(server.connect().send(&create("x")).status, 503);
}

#[test]
fn rates_are_limited_for_each_action() {
    let (_folder, server) = with_rules(&json!({"limits": [
        {"action": "DescribeNatGateways", "per_second": 0.001, "burst": 3},
    ]}));
    assert_eq!(statuses(&server, 4), [200, 200, 200, 400]);
    let refused = server.call("DescribeNatGateways", &[]);
    assert_eq!(refused.code(), "Throttling.User");
    let wait: u64 = refused.header("x-acs-retry-after").unwrap().parse().unwrap();
    assert!((900_000..=1_000_000).contains(&wait), "{wait} ms");
    server.ok("DescribeBandwidthPackages", &[]);
}

#[test]
fn mistakes_in_rules_are_told_where_they_are() {
    let server = Server::instant();
    let folder = tempfile::tempdir().unwrap();
    for (rules, parts) in [
        (r#"{"faults": [{"effect": {"dely_ms": 5}}]}"#, ["`faults[0].effect.dely_ms`", "line 1"]),
        (
            r#"{"faults": [{"match": {"action": "CreateNatGatway"}, "effect": {"stall": true}}]}"#,
            ["`faults[0].match.action`", "did you mean `CreateNatGateway`?"],
        ),
        (
            r#"{"faults": [{"match": {"action": "DeleteNatGateway", "parameters": {"VpcId": "x"}}, "effect": {"stall": true}}]}"#,
            ["`faults[0].match.parameters`", "DeleteNatGateway has no parameter `VpcId`"],
        ),
        (
            r#"{"faults": [{"match": {"probability": 20}, "effect": {"stall": true}}]}"#,
            ["`faults[0].match.probability`", "from 0 to 1"],
        ),
        (
            r#"{"faults": [{"match": {"nth": 0}, "effect": {"stall": true}}]}"#,
            ["`faults[0].match.nth`", "from 1"],
        ),
        (
            r#"{"faults": [{"effect": {"error": {"http": 99}}}]}"#,
            ["`faults[0].effect.error.http`", "from 200 to 599"],
        ),
        (r#"{"faults": [{"effect": {"drop": "never"}}]}"#, ["`faults[0].effect.drop`", "never"]),
        (r#"{"limits": [{"per_second": 0}]}"#, ["`limits[0].per_second`", "more than 0"]),
        (r#"{"faults": ["#, ["line 1", "column 12"]),
        ("[]]", ["trailing characters", "line 1"]),
    ] {
        let reply = server.control("PUT", "faults", rules);
        assert_eq!(reply.status, 400, "{rules}");
        let answer = reply.json();
        let problem = |part: &str| answer["problems"][0][part].as_str().unwrap_or("").to_owned();
        let why = format!("`{}`: {}", problem("path"), problem("why"));
        let path = folder.path().join("rules.json");
        std::fs::write(&path, rules).unwrap();
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_natform"))
            .args(["emulator", "-listen", "127.0.0.1:0", "-faults"])
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(1), "{rules}: {said}");
        assert!(said.contains("rules.json"), "{said}");
        for part in parts {
            assert!(why.contains(part), "{part} in {why}");
            let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(part), "{part} in {said}");
        }
    }
}

#[test]
fn things_happen_when_told() {
    let server = Server::start(&["-timing", "manual"]);
    assert_eq!(server.connect().send(&create("edge")).status, 200);
    let mut connection: Connection = server.connect();
    let mut status = || {
        let list = connection.call("DescribeNatGateways", &[]).json();
        list["NatGateways"]["NatGateway"][0]["Status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status(), "Creating");
    server.control("PUT", "clock", r#"{"advance_ms": 86400000}"#);
    assert_eq!(status(), "Creating");
    assert_eq!(server.control("POST", "settle", "").json()["settled"], 1);
    assert_eq!(status(), "Available");
}
