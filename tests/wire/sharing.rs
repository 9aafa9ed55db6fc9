//! Tokens and nonces: the same request twice, after a while, at the same time, and in another process
//! that shares the world.

use std::sync::Barrier;

use serde_json::json;

use crate::support::{Parameters, Reply, Server, get};

const CREATE: [(&str, &str); 3] =
    [("VpcId", "vpc-emulator"), ("Name", "edge"), ("ClientToken", "token-1")];

fn gateways(server: &Server) -> usize {
    let list = server.ok("DescribeNatGateways", &[]);
    list["NatGateways"]["NatGateway"].as_array().unwrap().len()
}

#[test]
fn a_token_brings_its_answer_again() {
    let server = Server::instant();
    let first = server.call("CreateNatGateway", &CREATE);
    assert_eq!(first.status, 200, "{}", first.text());
    let again = server.call("CreateNatGateway", &CREATE);
    // Byte for byte, the id of the first request included.
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(again.header("x-acs-request-id"), first.header("x-acs-request-id"));
    assert_eq!(gateways(&server), 1);
    let other = [CREATE[0], ("Name", "other"), CREATE[2]];
    let other = server.call("CreateNatGateway", &other);
    assert_eq!((other.status, other.code().as_str()), (400, "IdempotentParameterMismatch"));
    let fewer = server.call("CreateNatGateway", &[CREATE[0], CREATE[2]]);
    assert_eq!(fewer.code(), "IdempotentParameterMismatch");
    assert_eq!(gateways(&server), 1);
    // A token belongs to its action, has an end of its length, and its case counts.
    for (token, status) in [("é", 400), (&*"t".repeat(65), 400), (&*"t".repeat(64), 200)] {
        let id =
            server.ok("DescribeNatGateways", &[])["NatGateways"]["NatGateway"][0]["NatGatewayId"]
                .as_str()
                .unwrap()
                .to_owned();
        let spec = [("NatGatewayId", id.as_str()), ("Spec", "Large"), ("ClientToken", token)];
        let reply = server.call("ModifyNatGatewaySpec", &spec);
        assert_eq!(reply.status, status, "{}", reply.text());
    }
    // After a refusal the token is free.
    let refused = [("VpcId", "vpc-none"), ("ClientToken", "token-2")];
    assert_eq!(server.call("CreateNatGateway", &refused).code(), "InvalidVpcId.NotFound");
    let enhanced = [
        ("VpcId", "vpc-emulator"),
        ("NatType", "Enhanced"),
        ("VSwitchId", "vsw-emulator-a"),
        ("ClientToken", "token-2"),
    ];
    server.ok("CreateNatGateway", &enhanced);
}

#[test]
fn a_token_lives_as_long_as_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("timing.json");
    let zero: Vec<(String, serde_json::Value)> =
        ["gateway_create_ms", "gateway_modify_ms", "gateway_delete_ms"]
            .map(|name| (name.to_owned(), json!(0)))
            .into();
    let mut timing: serde_json::Map<_, _> = zero.into_iter().collect();
    timing.insert("token_lifetime_ms".to_owned(), json!(60_000));
    std::fs::write(&path, serde_json::to_string(&timing).unwrap()).unwrap();
    let server = Server::start(&["-timing", path.to_str().unwrap()]);
    let enhanced = [
        ("VpcId", "vpc-emulator"),
        ("NatType", "Enhanced"),
        ("VSwitchId", "vsw-emulator-a"),
        ("ClientToken", "token"),
    ];
    let first = server.ok("CreateNatGateway", &enhanced);
    server.control("PUT", "clock", r#"{"advance_ms": 59000}"#);
    assert_eq!(server.ok("CreateNatGateway", &enhanced), first);
    server.control("PUT", "clock", r#"{"advance_ms": 2000}"#);
    assert_ne!(server.ok("CreateNatGateway", &enhanced), first);
}

#[test]
fn a_token_whose_answer_is_held_back_is_being_processed() {
    let server = Server::instant();
    let rule =
        json!({"match": {"action": "CreateNatGateway", "nth": 1}, "effect": {"delay_ms": 600_000}});
    assert_eq!(server.control("POST", "faults", &rule.to_string()).status, 200);
    let mut waiting = server.connect();
    waiting.write(&get(&Parameters::of("CreateNatGateway", &CREATE).signed("GET")));
    while server.control("GET", "health", "").json()["objects"]["gateway"] != 1 {}
    let second = server.call("CreateNatGateway", &CREATE);
    assert_eq!((second.status, second.code().as_str()), (403, "LastTokenProcessing"));
    // The token with other parameters is wrong at any time.
    let other = [CREATE[0], ("Name", "other"), CREATE[2]];
    assert_eq!(server.call("CreateNatGateway", &other).code(), "IdempotentParameterMismatch");
    server.control("PUT", "clock", r#"{"advance_ms": 600000}"#);
    assert_eq!(server.call("CreateNatGateway", &CREATE).status, 200);
    assert_eq!(gateways(&server), 1);
}

#[test]
fn one_token_at_the_same_time_in_two_processes_has_one_effect() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("world.db");
    let servers = [Server::on(&data), Server::on(&data)];
    let begin = Barrier::new(8);
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|n| {
                let (server, begin) = (&servers[n % 2], &begin);
                scope.spawn(move || {
                    let mut connection = server.connect();
                    begin.wait();
                    connection.call("CreateNatGateway", &CREATE)
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    for reply in &replies {
        assert_eq!((reply.status, &reply.body), (200, &replies[0].body), "{}", reply.text());
    }
    assert_eq!([gateways(&servers[0]), gateways(&servers[1])], [1, 1]);
}

#[test]
fn a_nonce_counts_in_every_process_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("world.db");
    let (one, two) = (Server::on(&data), Server::on(&data));
    let request = get(&Parameters::list().signed("GET"));
    assert_eq!(one.connect().send(&request).status, 200);
    assert_eq!(two.connect().send(&request).code(), "SignatureNonceUsed");
    drop((one, two));
    let again = Server::on(&data);
    assert_eq!(again.connect().send(&request).code(), "SignatureNonceUsed");
    again.ok("DescribeNatGateways", &[]);
}
