//! Whatever arrives on the port, it is answered or closed, and the server goes on.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use proptest::prelude::*;

use crate::support::{Connection, Parameters, Server, get, request};

/// Sends bytes, says that no more will come, and returns the beginning of what comes back.
fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may close before everything is sent.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    let reset = ended.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset);
    assert!(ended.is_ok() || reset, "the connection stays open: {ended:?}");
    String::from_utf8_lossy(&answer).into_owned()
}

fn is_refusal(answer: &str) -> bool {
    answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.0 4")
}

fn still_well(server: &Server) {
    server.ok("DescribeNatGateways", &[]);
    let health = server.control("GET", "health", "").json();
    assert_eq!(health["objects"]["gateway"], 0);
}

#[test]
fn malformed_requests_are_refused() {
    let server = Server::instant();
    let long = |n: usize| "a".repeat(n);
    let flood: String = (0..500).map(|n| format!("X-Header-{n}: {n}\r\n")).collect();
    for bytes in [
        "\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "GET  /  HTTP/1.1\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\nHost: x\n\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_owned(),
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\ncut off".to_owned(),
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n"
            .to_owned(),
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(),
        "CONNECT vpc.aliyuncs.com:443 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        "GET http:// HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        "GET /?a=%zz&%&=&&&=x&Action=%ff HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        format!("GET /?{} HTTP/1.1\r\nHost: x\r\n\r\n", long(100_000)),
        format!("{} / HTTP/1.1\r\nHost: x\r\n\r\n", long(100_000)),
        format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", long(100_000)),
        format!("GET / HTTP/1.1\r\nHost: x\r\n{flood}\r\n"),
    ] {
        let answer = exchange(&server, bytes.as_bytes());
        let shown: String = bytes.chars().take(80).collect();
        assert!(is_refusal(&answer), "{shown}: {answer}");
    }
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..],
        b"\0\0\0\0",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
    ] {
        assert!(is_refusal(&exchange(&server, bytes)));
    }
    // Bad UTF-8 is told apart from what it hides.
    for target in ["/?Action=DescribeNatGateways&Name=%ff%fe", "/?Action=%c3%28"] {
        let answer = exchange(&server, &request("GET", target, &[], b""));
        assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("\"Code\""), "{answer}");
    }
    let named = Parameters::list().with("Name", "x").signed("POST").into_bytes();
    let broken = [&named[..], b"&More=\xc3\x28"].concat();
    let answer = exchange(&server, &request("POST", "/", &[], &broken));
    assert!(answer.contains("IncompleteSignature"), "{answer}");
    still_well(&server);
}

#[test]
fn huge_bodies_are_refused_and_large_ones_read() {
    let server = Server::instant();
    let ten = 10 * 1024 * 1024;
    for (body, code) in [
        (vec![b'a'; ten], "RequestEntityTooLarge"),
        (vec![b'a'; 1024 * 1024], "MissingParameter"),
        ("a=1&".repeat(250_000).into_bytes(), "MissingParameter"),
        (
            (0..100_000).map(|n| format!("p{n}=&")).collect::<String>().into_bytes(),
            "MissingParameter",
        ),
    ] {
        let answer = exchange(&server, &request("POST", "/", &[], &body));
        assert!(answer.contains(code), "{code}: {answer}");
    }
    // Who sends everything before reading, as most clients do, reads the refusal as well, and may go on.
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(&request("POST", "/", &[], &vec![b'a'; ten])).unwrap();
    stream.write_all(&get(&Parameters::list().signed("GET"))).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert!(answers.contains("RequestEntityTooLarge") && answers.contains("200 OK"), "{answers}");
    // Who waits for the answer before sending has it at once.
    let announced = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {ten}\r\n");
    for expect in ["", "Expect: 100-continue\r\n"] {
        let answer = exchange(&server, format!("{announced}{expect}\r\n").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }
    // Too large without saying so before.
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let piece = [b"10000\r\n".to_vec(), vec![b'a'; 0x10000], b"\r\n".to_vec()].concat();
    let pieces = [head.to_vec(), piece.repeat(20), b"0\r\n\r\n".to_vec()].concat();
    assert!(exchange(&server, &pieces).contains("RequestEntityTooLarge"));
    // A huge value, signed as it should be, is refused for what it is.
    let name = "n".repeat(200_000);
    let form = Parameters::of("CreateNatGateway", &[("VpcId", "vpc-emulator"), ("Name", &name)]);
    let answer = exchange(&server, &request("POST", "/", &[], form.signed("POST").as_bytes()));
    assert!(answer.contains("InvalidParameter.Name.Malformed"), "{answer}");
    // A world may be as large as it likes.
    let dump = server.control("GET", "world", "").text();
    let padded = format!("{dump}{}", " ".repeat(ten));
    let reply = server.control("PUT", "world", &padded);
    assert_eq!(reply.status, 200, "{}", reply.text());
    still_well(&server);
}

#[test]
fn requests_may_follow_without_waiting_and_ends_may_be_half() {
    let server = Server::instant();
    let many: Vec<u8> = (0..50).flat_map(|_| get(&Parameters::list().signed("GET"))).collect();
    let answers = exchange(&server, &many);
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 50, "{answers}");
    // A mistake in the middle ends them there.
    let broken = [get(&Parameters::list().signed("GET")), b"nonsense\r\n\r\n".to_vec()].concat();
    let answers = exchange(&server, &broken);
    assert!(answers.contains("HTTP/1.1 200") && answers.contains("HTTP/1.1 400"), "{answers}");
}

#[test]
fn thousands_of_idle_connections_keep_nobody_out() {
    let server = Server::instant();
    let idle: Vec<TcpStream> = (0..1500)
        .map_while(|n| {
            let mut stream = TcpStream::connect(server.address).ok()?;
            // Some have begun a request and go no further.
            if n % 3 == 0 {
                stream.write_all(b"GET / HT").ok()?;
            }
            Some(stream)
        })
        .collect();
    assert!(idle.len() > 900, "{} connections", idle.len());
    still_well(&server);
    drop(idle);
    still_well(&server);
}

#[test]
fn who_does_not_read_is_not_waited_for() {
    let server = Server::instant();
    // Answers pile up behind a client that only writes.
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let piece = get(&Parameters::list().signed("GET")).repeat(100);
    let mut written = 0;
    while written < 200_000_000 {
        match stream.write(&piece) {
            Ok(n) => written += n,
            Err(_) => break,
        }
    }
    assert!(written < 50_000_000, "the server takes {written} bytes without an answer being read");
    still_well(&server);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1, ..ProptestConfig::default() })]

    // One server for all of the requests of the one case: what matters is that it goes on.
    #[test]
    fn any_bytes_are_answered_or_closed(
        requests in prop::collection::vec(bytes(), 200..=200),
    ) {
        let server = Server::instant();
        for bytes in requests {
            let answer = exchange(&server, &bytes);
            prop_assert!(is_refusal(&answer), "{:?}: {answer}", String::from_utf8_lossy(&bytes));
        }
        still_well(&server);
    }
}

/// Bytes that are near to a request.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let method = prop_oneof![Just("GET".to_owned()), Just("POST".to_owned()), "[ -~]{0,8}"];
    let target = prop_oneof![
        "/\\?[ -~]{0,60}",
        "\\PC{0,30}",
        "/\\?(Action=(DescribeNatGateways|CreateNatGateway)&)?(%[0-9a-f]{1,2}|[a-zA-Z=&+]){0,40}",
    ];
    let headers = prop::collection::vec(
        prop_oneof![
            "[a-zA-Z-]{1,12}: [ -~]{0,30}",
            "content-length: [0-9]{1,4}",
            "content-type: (application/json|application/x-www-form-urlencoded|x)",
            "transfer-encoding: chunked",
            "authorization: ACS3-HMAC-SHA256 [ -~]{0,60}",
            "x-acs-[a-z]{1,10}: \\PC{0,10}",
            "\\PC{0,20}",
        ],
        0..5,
    );
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..100),
        "[{}\\[\\]\":a-z0-9,]{0,60}".prop_map(String::into_bytes),
    ];
    (method, target, headers, body).prop_map(|(method, target, headers, body)| {
        let head = format!("{method} {target} HTTP/1.1\r\n{}\r\n\r\n", headers.join("\r\n"));
        [head.into_bytes(), body].concat()
    })
}

/// Runs for as many seconds as `NATFORM_FUZZ_SECONDS` says.
#[test]
#[ignore = "as long as told"]
#[expect(clippy::disallowed_methods, reason = "it runs for a time, which its user says")]
fn any_bytes_for_minutes() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let seconds = std::env::var("NATFORM_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok());
    let end = std::time::Instant::now() + Duration::from_secs(seconds.unwrap_or(60));
    let server = Server::instant();
    let resident = |server: &Server| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let mut runner = TestRunner::default();
    let (mut count, mut answered, strategy) = (0u64, 0u64, bytes());
    let mut memory = Vec::new();
    while std::time::Instant::now() < end {
        let bytes = strategy.new_tree(&mut runner).unwrap().current();
        let answer = exchange(&server, &bytes);
        assert!(is_refusal(&answer), "{:?}: {answer}", String::from_utf8_lossy(&bytes));
        count += 1;
        answered += u64::from(!answer.is_empty());
        if count % 5000 == 0 {
            memory.push(resident(&server));
        }
    }
    still_well(&server);
    println!("{count} requests, {answered} answered; resident KiB: {memory:?}");
}

#[test]
fn whoever_sends_nothing_more_is_closed() {
    // A connection that was answered waits for the next request, and ends with the client.
    let server = Server::instant();
    let mut connection = Connection::to(server.address);
    assert_eq!(connection.call("DescribeNatGateways", &[]).status, 200);
    connection.stream().shutdown(Shutdown::Write).unwrap();
    assert_eq!(connection.rest(), Some(Vec::new()));
}
