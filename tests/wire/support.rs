//! An emulator in a process of its own, and a client that writes every byte itself.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use natform::api::signature::{canonical_query, percent_encode, sign, string_to_sign};
use natform::environment::{Clock, RealClock};
use serde_json::Value;

/// `natform emulator` on a free port, until it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts one with these arguments beside its address.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_natform"))
            .args(["emulator", "-listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.rsplit('/').next().unwrap().trim().parse().unwrap();
        Self { child, address }
    }

    /// Starts one in which everything is done at once.
    pub(crate) fn instant() -> Self {
        Self::start(&["-timing", "instant"])
    }

    /// Starts one whose world is in a file.
    pub(crate) fn on(data: &Path) -> Self {
        Self::start(&["-timing", "instant", "-data", data.to_str().unwrap()])
    }

    /// Returns the id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Opens a connection.
    pub(crate) fn connect(&self) -> Connection {
        Connection::to(self.address)
    }

    /// Calls an action on a connection of its own.
    pub(crate) fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Reply {
        self.connect().call(action, parameters)
    }

    /// Calls an action that must succeed.
    pub(crate) fn ok(&self, action: &str, parameters: &[(&str, &str)]) -> Value {
        let reply = self.call(action, parameters);
        assert_eq!(reply.status, 200, "{action} {parameters:?}: {}", reply.text());
        reply.json()
    }

    /// Sends a request to the emulator's own interface.
    pub(crate) fn control(&self, method: &str, path: &str, body: &str) -> Reply {
        let headers = [("Host", "127.0.0.1")];
        let path = format!("/_natform/{path}");
        self.connect().send(&request(method, &path, &headers, body.as_bytes()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection that is kept alive.
pub(crate) struct Connection(BufReader<TcpStream>);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// Returns the code of an error, after a look at what every error has.
    pub(crate) fn code(&self) -> String {
        let body = self.json();
        for field in ["RequestId", "HostId", "Code", "Message", "Recommend"] {
            assert!(body[field].as_str().is_some_and(|t| !t.is_empty()), "{field} in {body}");
        }
        body["Code"].as_str().unwrap().to_owned()
    }
}

impl Connection {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// Sends a request and reads its answer.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Reply {
        self.write(bytes);
        self.read().unwrap()
    }

    /// Calls an action by GET.
    pub(crate) fn call(&mut self, action: &str, parameters: &[(&str, &str)]) -> Reply {
        self.send(&get(&Parameters::of(action, parameters).signed("GET")))
    }

    /// Reads an answer; none when the connection is closed before one is complete.
    pub(crate) fn read(&mut self) -> Option<Reply> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        loop {
            line.clear();
            self.0.read_line(&mut line).ok().filter(|n| *n > 0)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut reply = Reply { status, headers, body: Vec::new() };
        let length: usize = reply.header("content-length").unwrap_or("0").parse().ok()?;
        reply.body.resize(length, 0);
        self.0.read_exact(&mut reply.body).ok()?;
        Some(reply)
    }

    /// Reads until the connection is closed; none when it stays open.
    pub(crate) fn rest(&mut self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Ok(_) => Some(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => Some(bytes),
            Err(_) => None,
        }
    }
}

/// Writes a request of HTTP/1.1.
pub(crate) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        text.push_str("Host: vpc.aliyuncs.com\r\n");
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let mut bytes = (text + "\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Writes a GET with a query.
pub(crate) fn get(query: &str) -> Vec<u8> {
    request("GET", &format!("/?{query}"), &[], b"")
}

/// A nonce that no other request of any test has.
pub(crate) fn nonce() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let started = RealClock.now().0;
    format!("{}-{started}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Parameters of a call in the query or form, to be signed in them.
#[derive(Debug, Clone)]
pub(crate) struct Parameters {
    all: BTreeMap<String, String>,
    secret: String,
}

impl Parameters {
    pub(crate) fn of(action: &str, more: &[(&str, &str)]) -> Self {
        let all = [
            ("Action", action),
            ("Version", "2016-04-28"),
            ("AccessKeyId", "testid"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", &nonce()),
            ("Timestamp", &RealClock.now().iso8601()),
            ("RegionId", "cn-hangzhou"),
        ];
        let all = all.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let mut parameters = Self { all, secret: "testsecret".to_owned() };
        for (name, value) in more {
            parameters = parameters.with(name, value);
        }
        parameters
    }

    pub(crate) fn list() -> Self {
        Self::of("DescribeNatGateways", &[])
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.all.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.all.remove(name);
        self
    }

    pub(crate) fn secret(mut self, secret: &str) -> Self {
        secret.clone_into(&mut self.secret);
        self
    }

    /// Returns them encoded, with their signature for a method.
    pub(crate) fn signed(&self, method: &str) -> String {
        let signature = sign(&self.secret, &string_to_sign(method, &self.all));
        format!("{}&Signature={}", canonical_query(&self.all), percent_encode(&signature))
    }
}
