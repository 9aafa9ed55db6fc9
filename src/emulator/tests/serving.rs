//! The emulator over files and sockets.

use std::sync::Arc;

use serde_json::{Value, json};

use super::probe::{START, signed};
use crate::api::http::{HttpRequest, Transport, TransportError};
use crate::emulator::faults::{DropWhen, Effect, FaultError, RateLimit, Rule};
use crate::emulator::{Emulator, InProcess, Settings, Timings, server};
use crate::environment::{ManualClock, Timestamp};

fn emulator(settings: Settings) -> Emulator {
    let settings = Settings { seed: Some(1), timings: Timings::instant(), ..settings };
    Emulator::open(settings, Arc::new(ManualClock::at(START))).unwrap()
}

fn create(nonce: u64) -> HttpRequest {
    let parameters = [
        ("Action", "CreateNatGateway"),
        ("RegionId", "cn-hangzhou"),
        ("VpcId", "vpc-emulator"),
        ("ClientToken", "token"),
    ];
    signed(START, nonce, &parameters)
}

fn list(nonce: u64) -> HttpRequest {
    signed(START, nonce, &[("Action", "DescribeNatGateways"), ("RegionId", "cn-hangzhou")])
}

fn body(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn control(method: &str, path: &str, body: &Value) -> HttpRequest {
    HttpRequest {
        method: method.to_owned(),
        target: format!("/_natform/{path}"),
        headers: Vec::new(),
        body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
    }
}

#[test]
fn two_processes_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let data = Some(folder.path().join("new/emulator.db"));
    let one = emulator(Settings { data: data.clone(), ..Settings::default() });
    let two = emulator(Settings { data: data.clone(), ..Settings::default() });
    assert_eq!(one.world_id(), two.world_id());
    let made = one.handle(&create(1)).response;
    assert_eq!(made.status, 200);
    // The other process sees the gateway and the token.
    assert_eq!(body(&two.handle(&list(2)).response.body)["TotalCount"], 1);
    assert_eq!(two.handle(&create(3)).response.body, made.body);
    let id = body(&made.body)["NatGatewayId"].as_str().unwrap().to_owned();
    let delete = [
        ("Action", "DeleteNatGateway"),
        ("RegionId", "cn-hangzhou"),
        ("NatGatewayId", id.as_str()),
    ];
    assert_eq!(two.handle(&signed(START, 4, &delete)).response.status, 200);
    assert_eq!(body(&one.handle(&list(5)).response.body)["TotalCount"], 0);
    drop((one, two));
    let again = emulator(Settings { data, ..Settings::default() });
    assert_eq!(body(&again.handle(&list(6)).response.body)["TotalCount"], 0);
    assert_eq!(again.handle(&create(7)).response.body, made.body);
}

#[test]
fn a_file_of_something_else_is_a_diagnostic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("emulator.db");
    std::fs::write(&path, "this is not a database, and long enough to look at").unwrap();
    let settings = Settings { data: Some(path), ..Settings::default() };
    let error = Emulator::open(settings, Arc::new(ManualClock::at(Timestamp(0)))).unwrap_err();
    assert_eq!(error.iter().next().unwrap().code, "emulator-data");
}

#[tokio::test]
async fn requests_come_in_process() {
    let emulator = Arc::new(emulator(Settings::default()));
    let transport = InProcess::new(emulator.clone());
    assert_eq!(transport.send(create(1)).await.unwrap().status, 200);
    emulator
        .with_world(|world, _| {
            let effect = Effect { drop: Some(DropWhen::After), ..Effect::default() };
            world.faults.add(Rule { effect, ..Rule::default() });
        })
        .unwrap();
    let lost = transport.send(list(2)).await;
    assert!(matches!(lost, Err(TransportError::NoAnswer { .. })));
    assert!(emulator.calls()[1].lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_come_over_http() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let emulator = Arc::new(emulator(Settings::default()));
    let (address, _running) = server::serve_on_free_port(emulator).await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = create(1);
    let text = format!(
        "GET {} HTTP/1.1\r\nhost: vpc.aliyuncs.com\r\nconnection: close\r\n\r\n",
        request.target
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-type: application/json;charset=utf-8\r\n"));
    assert!(answer.contains("\"NatGatewayId\":\"ngw-"));
}

/// Sends bytes on a connection of its own and returns all that comes back until it is closed, or
/// until nothing more comes for a while.
async fn exchange(address: std::net::SocketAddr, bytes: &[u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    // The server may close before everything is sent.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let wait = std::time::Duration::from_millis(300);
    let _ = tokio::time::timeout(wait, stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(request: &HttpRequest) -> Vec<u8> {
    format!("GET {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", request.target).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_reach_the_wire() {
    let emulator = Arc::new(emulator(Settings::default()));
    let (address, _running) = server::serve_on_free_port(emulator.clone()).await.unwrap();
    let fault = |effect: Effect| {
        emulator
            .with_world(|world, _| {
                world.faults.clear();
                world.faults.add(Rule { effect, ..Rule::default() });
            })
            .unwrap();
    };
    let gateways = || emulator.with_world(|world, _| world.dump().gateways.len()).unwrap();
    fault(Effect { drop: Some(DropWhen::Before), ..Effect::default() });
    assert_eq!(exchange(address, &get(&create(1))).await, "");
    assert_eq!(gateways(), 0);
    fault(Effect { drop: Some(DropWhen::After), ..Effect::default() });
    assert_eq!(exchange(address, &get(&create(2))).await, "");
    assert_eq!(gateways(), 1);
    fault(Effect { truncate: Some(5), ..Effect::default() });
    let cut = exchange(address, &get(&list(3))).await;
    assert!(cut.ends_with("\r\n\r\n{\"Req"), "{cut}");
    fault(Effect { stall: true, ..Effect::default() });
    let stalled = exchange(address, &get(&list(4))).await;
    assert!(stalled.contains("HTTP/1.1 200 OK") && !stalled.ends_with('}'), "{stalled}");
    fault(Effect { garbage: true, ..Effect::default() });
    let garbage = exchange(address, &get(&list(5))).await;
    assert!(garbage.contains("garbage"));
    fault(Effect {
        error: Some(FaultError { http: Some(503), ..FaultError::default() }),
        delay_ms: Some(1),
        ..Effect::default()
    });
    let failed = exchange(address, &get(&list(6))).await;
    assert!(failed.starts_with("HTTP/1.1 503") && failed.contains("ServiceUnavailable"));
    assert_eq!(emulator.counts()["DescribeNatGateways"].lost, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_requests_do_not_end_the_server() {
    let emulator = Arc::new(emulator(Settings::default()));
    let (address, _running) = server::serve_on_free_port(emulator).await.unwrap();
    let long = [b"GET /?".to_vec(), vec![b'a'; 100_000], b" HTTP/1.1\r\n\r\n".to_vec()].concat();
    let broken: [&[u8]; 6] = [
        b"",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        &long,
    ];
    for bytes in broken {
        let answer = exchange(address, bytes).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    // Who asks before sending is answered at once.
    let large = b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
        content-length: 11000000\r\n\r\n";
    let answer = exchange(address, large).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("RequestEntityTooLarge"));
    let fine = exchange(address, &get(&list(1))).await;
    assert!(fine.starts_with("HTTP/1.1 200"), "{fine}");
}

#[tokio::test(start_paused = true)]
async fn slow_clients_are_not_waited_for() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let emulator = Arc::new(emulator(Settings::default()));
    let (address, _running) = server::serve_on_free_port(emulator).await.unwrap();
    let begun = tokio::time::Instant::now();
    for (sent, wanted) in [
        // Nothing at all, half a request, headers that trickle in, a body that stops.
        ("", ""),
        ("GET /?Action=Desc", ""),
        ("GET / HTTP/1.1\r\nhost: x\r\n", ""),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\na=1", "HTTP/1.1 408"),
        ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\na", "HTTP/1.1 408"),
        // A whole request, and then nothing more.
        ("GET / HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 400"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(wanted) && answer.is_empty() == wanted.is_empty(), "{answer}");
    }
    // A minute each, and another to wait for the next request.
    assert!(begun.elapsed() < std::time::Duration::from_secs(12 * 60));
}

#[tokio::test]
async fn other_machines_are_kept_out_unless_allowed() {
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let emulator = Arc::new(emulator(Settings::default()));
    let limits = server::Limits::default();
    let refused = server::serve(listener, emulator, limits, std::future::ready(())).await;
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
}

#[test]
fn web_pages_cannot_control_it() {
    let emulator = emulator(Settings::default());
    let mut request = control("POST", "reset", &Value::Null);
    request.headers.push(("origin".to_owned(), "http://example.com".to_owned()));
    assert_eq!(emulator.handle(&request).response.status, 403);
}

#[test]
fn rates_are_limited_when_told() {
    let limits = vec![RateLimit { action: None, per_second: 2.0, burst: 1 }];
    let emulator = emulator(Settings { limits, ..Settings::default() });
    assert_eq!(emulator.handle(&list(1)).response.status, 200);
    let response = emulator.handle(&list(2)).response;
    assert_eq!((response.status, &body(&response.body)["Code"]), (400, &json!("Throttling.User")));
    assert_eq!(response.header("x-acs-retry-after"), Some("500"));
}

#[test]
fn eips_are_bound_and_released_from_outside() {
    let emulator = emulator(Settings::default());
    let made = body(&emulator.handle(&create(1)).response.body);
    let bound = emulator
        .handle(&control("POST", "eips", &json!({"gateway": made["NatGatewayId"], "count": 2})))
        .response;
    let bound = body(&bound.body);
    let listed = body(&emulator.handle(&list(2)).response.body);
    let ips = listed["NatGateways"]["NatGateway"][0]["IpLists"]["IpList"].as_array().unwrap();
    assert_eq!(ips.len(), 2);
    let id = json!({"id": bound["eips"][0]["id"]});
    assert_eq!(emulator.handle(&control("DELETE", "eips", &id)).response.status, 200);
    assert_eq!(emulator.handle(&control("DELETE", "eips", &id)).response.status, 404);
}

#[test]
fn the_control_interface_shows_and_changes_the_world() {
    let emulator = emulator(Settings::default());
    emulator.handle(&create(1));
    let ask = |method: &str, path: &str, request: Value| {
        let response = emulator.handle(&control(method, path, &request)).response;
        (response.status, body(&response.body))
    };
    let (status, health) = ask("GET", "health", Value::Null);
    assert_eq!((status, &health["status"]), (200, &json!("ok")));
    assert_eq!(health["objects"]["gateway"], 1);
    let (_, calls) = ask("GET", "calls", Value::Null);
    assert_eq!(calls["counts"]["CreateNatGateway"]["succeeded"], 1);
    assert!(!calls.to_string().contains("testid"));
    assert!(!calls.to_string().contains("Signature"));
    ask("DELETE", "calls", Value::Null);
    assert_eq!(ask("GET", "calls", Value::Null).1["calls"], json!([]));
    let (_, dump) = ask("GET", "world", Value::Null);
    let (_, reset) = ask("POST", "reset", Value::Null);
    assert_ne!(reset["world"], health["world"]);
    assert_eq!(ask("GET", "health", Value::Null).1["objects"]["gateway"], 0);
    assert_eq!(ask("PUT", "world", dump).0, 200);
    assert_eq!(ask("GET", "health", Value::Null).1["objects"]["gateway"], 1);
    let rule = json!({"match": {"action": "DescribeNatGateways", "times": 1}, "effect": {"throttle": {"retry_after_ms": 1500}}});
    ask("POST", "faults", rule);
    let throttled = emulator.handle(&list(2)).response;
    assert_eq!(throttled.header("x-acs-retry-after"), Some("1500"));
    assert_eq!(emulator.handle(&list(3)).response.status, 200);
    assert_eq!(ask("GET", "faults", Value::Null).1["faults"][0]["fired"], 1);
    assert_eq!(ask("PUT", "clock", json!({"advance_ms": 5000})).1["ahead_ms"], 5000);
    assert_eq!(ask("PUT", "world", json!({"nonsense": 1})).0, 400);
    assert_eq!(ask("PUT", "health", Value::Null).0, 405);
    assert_eq!(ask("GET", "nothing", Value::Null).0, 404);
}
