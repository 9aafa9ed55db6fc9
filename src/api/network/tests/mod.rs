//! Tests over loopback, against a server that answers whatever the test says.

mod tls;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use super::*;
use crate::api::call::Call;
use crate::api::catalogue::Action;
use crate::api::client::{Client, ClientSettings};
use crate::api::credentials::Credentials;
use crate::api::endpoint::Endpoint;
use crate::api::error::{ApiError, NO_ANSWER, NOT_SENT, UNREADABLE_ANSWER};
use crate::api::log::NoLog;
use crate::api::sleep::TokioSleep;
use crate::environment::MemoryFiles;

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Environment {
        variables: Arc::new(variables),
        files: Arc::new(MemoryFiles::default()),
        ..Environment::real()
    }
}

/// Reads a request up to the end of its head.
fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Serves one connection with `answer` and returns the address and what was asked.
fn serve(answer: impl FnOnce(&mut TcpStream) + Send + 'static) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = read_head(&mut stream);
        answer(&mut stream);
        head
    });
    (format!("http://{address}"), server)
}

/// Waits for the server without holding up the client's side, and returns what was asked.
async fn finished(server: JoinHandle<String>) -> String {
    tokio::task::spawn_blocking(move || server.join().unwrap()).await.unwrap()
}

fn client(
    url: &str,
    timeout: Duration,
    longest_answer: usize,
    variables: &[(&str, &str)],
) -> Client {
    let endpoint = Endpoint::parse(url, true).unwrap();
    let environment = environment(variables);
    let settings = NetworkSettings { connect_timeout: Duration::from_secs(2), longest_answer };
    let network = Network::new(endpoint.site().unwrap(), settings, &environment).unwrap();
    let mut settings = ClientSettings::new(endpoint, Credentials::test_account(), "cn-hangzhou");
    settings.request_timeout = timeout;
    Client::new(settings, Arc::new(network), &environment, Arc::new(TokioSleep), Arc::new(NoLog))
}

const PATIENT: Duration = Duration::from_secs(10);

async fn call(url: &str) -> Result<crate::api::answer::Answer, ApiError> {
    let call = Call::new(Action::DeleteNatGateway).with("NatGatewayId", "ngw-1");
    client(url, PATIENT, 4096, &[]).send(&call).await
}

fn whole(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

#[tokio::test]
async fn an_answer_comes_back_and_the_request_went_out_as_signed() {
    let body = r#"{"RequestId":"R-1"}"#;
    let (url, server) =
        serve(move |stream| stream.write_all(&whole("200 OK", "X-Acs-A: b\r\n", body)).unwrap());
    let answer = call(&url).await.unwrap();
    assert_eq!((answer.request_id.as_str(), answer.status), ("R-1", 200));
    let head = finished(server).await;
    assert!(head.starts_with("GET /?AccessKeyId=testid&Action=DeleteNatGateway&"), "{head}");
    assert!(head.contains(&format!("host: {}", &url["http://".len()..])), "{head}");
    assert!(!head.to_lowercase().contains("accept-encoding"), "{head}");
}

#[tokio::test]
async fn a_path_before_the_service_s_own_is_kept() {
    let body = r#"{"RequestId":"R-1"}"#;
    let (url, server) = serve(move |stream| stream.write_all(&whole("200 OK", "", body)).unwrap());
    call(&format!("{url}/nat/")).await.unwrap();
    assert!(finished(server).await.starts_with("GET /nat/?AccessKeyId="));
}

#[tokio::test]
async fn hostile_answers_become_errors_that_certify_nothing() {
    let redirect = "Location: http://127.0.0.1:1/login\r\n";
    let cases: Vec<(Vec<u8>, &str, &str)> = vec![
        (whole("200 OK", "", "<!DOCTYPE html><title>Hello</title>"), UNREADABLE_ANSWER, "Hello"),
        (whole("200 OK", "", "{\"RequestId\":\"R"), UNREADABLE_ANSWER, "ends early"),
        (whole("302 Found", redirect, ""), UNREADABLE_ANSWER, "redirect to `http://127.0.0.1:1"),
        (whole("200 OK", "", ""), UNREADABLE_ANSWER, "empty"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"Req".to_vec(), NO_ANSWER, ""),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"R".to_vec(), NO_ANSWER, ""),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec(), NO_ANSWER, ""),
        (b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), NO_ANSWER, ""),
        (b"HTTP/1.1 200".to_vec(), NO_ANSWER, ""),
        (Vec::new(), NO_ANSWER, ""),
    ];
    for (answer, code, says) in cases {
        let shown = String::from_utf8_lossy(&answer).into_owned();
        let (url, server) = serve(move |stream| stream.write_all(&answer).unwrap());
        let error = call(&url).await.unwrap_err();
        assert_eq!(error.code, code, "{shown}: {error}");
        assert!(error.message.contains(says), "{error}");
        assert!(!error.is_definite());
        assert!(!error.message.contains("Signature"), "{error}");
        finished(server).await;
    }
}

#[tokio::test]
async fn a_reset_is_no_answer() {
    let (url, server) = serve(|stream| {
        // Closing with unread input makes the kernel send a reset.
        stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
    });
    assert_eq!(call(&url).await.unwrap_err().code, NO_ANSWER);
    finished(server).await;
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let (url, server) = serve(|stream| {
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let chunk = format!("400\r\n{}\r\n", " ".repeat(0x400));
        let mut open = stream.write_all(head).is_ok();
        while open {
            open = stream.write_all(chunk.as_bytes()).is_ok();
        }
    });
    let error = call(&url).await.unwrap_err();
    assert_eq!(error.code, NO_ANSWER);
    assert!(error.message.contains("longer than 4096 bytes"), "{error}");
    finished(server).await;
}

#[tokio::test]
async fn an_answer_that_stalls_ends_at_the_time_limit() {
    let (url, server) = serve(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{").unwrap();
        // Until the client goes away.
        stream.read_exact(&mut [0]).unwrap_or_default();
    });
    let client = client(&url, Duration::from_millis(50), 4096, &[]);
    let error = client.send(&Call::new(Action::DeleteNatGateway)).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.is_definite()), (NO_ANSWER, false));
    assert!(error.message.contains("50ms"), "{error}");
    drop(client);
    finished(server).await;
}

#[tokio::test]
async fn what_cannot_be_sent_is_told_from_what_was() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = call(&format!("http://{free}")).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.is_definite()), (NOT_SENT, true));
    assert!(refused.message.contains(&free.to_string()), "{refused}");

    // A name that no resolver takes, so that none is asked over the network.
    let name = format!("http://{}.invalid", "a".repeat(64));
    let unknown = call(&name).await.unwrap_err();
    assert_eq!(unknown.code, NOT_SENT, "{unknown}");

    // A server that does not speak TLS.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap_or_default();
    });
    let plain = call(&format!("https://{address}")).await.unwrap_err();
    assert_eq!(plain.code, NOT_SENT, "{plain}");
    server.join().unwrap();
}

#[tokio::test]
async fn loopback_never_goes_through_a_proxy() {
    let body = r#"{"RequestId":"R-1"}"#;
    let (url, server) = serve(move |stream| stream.write_all(&whole("200 OK", "", body)).unwrap());
    let proxies = [
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("http_proxy", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
    ];
    let client = client(&url, PATIENT, 4096, &proxies);
    client.send(&Call::new(Action::DeleteNatGateway)).await.unwrap();
    finished(server).await;
}

#[tokio::test]
async fn other_hosts_go_through_the_proxy_that_the_environment_names() {
    let body = r#"{"RequestId":"R-1"}"#;
    let (proxy, server) =
        serve(move |stream| stream.write_all(&whole("200 OK", "", body)).unwrap());
    let through = [("http_proxy", proxy.as_str()), ("NO_PROXY", "other.example,10.0.0.0/8")];
    let client = client("http://nat.example", PATIENT, 4096, &through);
    client.send(&Call::new(Action::DeleteNatGateway)).await.unwrap();
    let head = finished(server).await;
    assert!(head.starts_with("GET http://nat.example/?AccessKeyId="), "{head}");
}

#[tokio::test]
async fn a_tunnel_that_the_proxy_refuses_was_not_sent() {
    let (proxy, server) =
        serve(|stream| stream.write_all(&whole("403 Forbidden", "", "")).unwrap());
    let through = [("HTTPS_PROXY", proxy.as_str())];
    let client = client("https://nat.example", PATIENT, 4096, &through);
    let error = client.send(&Call::new(Action::DeleteNatGateway)).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.is_definite()), (NOT_SENT, true));
    let head = finished(server).await;
    assert!(head.starts_with("CONNECT nat.example:443 HTTP/1.1"), "{head}");
    assert!(!head.contains("Signature"), "{head}");
}

#[test]
fn unusable_settings_are_named_without_their_secrets() {
    let site = |url: &str| Endpoint::parse(url, true).unwrap().site().unwrap().clone();
    let open = |url: &str, variables: &[(&str, &str)]| {
        Network::new(&site(url), NetworkSettings::default(), &environment(variables)).unwrap_err()
    };
    let missing = open("https://nat.example", &[("NATFORM_CA_FILE", "/missing.pem")]);
    assert!(missing.to_string().contains("`/missing.pem`, which `NATFORM_CA_FILE`"), "{missing}");
    let proxy = open("https://nat.example", &[("HTTPS_PROXY", "http://user:hunter2@[bad")]);
    assert!(matches!(proxy, NetworkError::Proxy { variable: "HTTPS_PROXY", .. }), "{proxy}");
    assert!(!proxy.to_string().contains("hunter2"), "{proxy}");
    let mut files = MemoryFiles::default();
    files.0.insert("/empty.pem".into(), b"nothing".to_vec());
    let mut environment = environment(&[("SSL_CERT_FILE", "/empty.pem")]);
    environment.files = Arc::new(files);
    let empty =
        Network::new(&site("https://nat.example"), NetworkSettings::default(), &environment)
            .unwrap_err();
    assert!(empty.to_string().contains("no usable certificate"), "{empty}");
    for error in [missing, proxy, empty] {
        assert!(!error.advice().is_empty());
    }
}
