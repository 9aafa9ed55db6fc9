//! Every way to bring a call, and every way in which the wire refuses one: codes, statuses, messages,
//! in both formats.

use std::collections::BTreeMap;

use natform::api::signature::{
    acs3_canonical_request, acs3_sign, acs3_string_to_sign, canonical_query, sha256_hex,
};
use natform::environment::{Clock, RealClock, Timestamp};

use crate::support::{Connection, Parameters, Reply, Server, get, nonce, request};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");

fn post(query: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    request("POST", &format!("/{query}"), headers, body.as_bytes())
}

/// A request that is signed in its header, with its parts open to change.
#[derive(Debug, Clone)]
struct Signed {
    method: String,
    query: BTreeMap<String, String>,
    headers: Vec<(String, String)>,
    unsigned: Vec<(String, String)>,
    body: Vec<u8>,
    secret: String,
}

impl Signed {
    fn list() -> Self {
        let headers = [
            ("host", "127.0.0.1:8900"),
            ("x-acs-action", "DescribeNatGateways"),
            ("x-acs-version", "2016-04-28"),
            ("x-acs-date", &RealClock.now().iso8601()),
            ("x-acs-signature-nonce", &nonce()),
        ];
        let query = [("RegionId".to_owned(), "cn-hangzhou".to_owned())];
        Self {
            method: "POST".to_owned(),
            query: query.into(),
            headers: headers.map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
            unsigned: Vec::new(),
            body: Vec::new(),
            secret: "testsecret".to_owned(),
        }
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(n, _)| n != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        self.bytes_as(&self.body)
    }

    /// Signs its own body and sends another.
    fn bytes_as(&self, sent: &[u8]) -> Vec<u8> {
        let hash = sha256_hex(&self.body);
        let mut headers = self.headers.clone();
        headers.push(("x-acs-content-sha256".to_owned(), hash.clone()));
        let mut names: Vec<&str> = headers.iter().map(|(n, _)| n.as_str()).collect();
        names.sort_unstable();
        let canonical =
            acs3_canonical_request(&self.method, "/", &self.query, &headers, &names, &hash);
        let signature = acs3_sign(&self.secret, &acs3_string_to_sign(&canonical));
        let authorization = format!(
            "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={},Signature={signature}",
            names.join(";")
        );
        // Names of headers have no case.
        let all = headers.iter().chain(&self.unsigned);
        let mut sent_headers: Vec<(String, &str)> =
            all.map(|(n, v)| (n.to_uppercase(), v.as_str())).collect();
        sent_headers.push(("Authorization".to_owned(), &authorization));
        let pairs: Vec<(&str, &str)> = sent_headers.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        let target = format!("/?{}", canonical_query(&self.query));
        request(&self.method, &target, &pairs, sent)
    }
}

fn expect(connection: &mut Connection, bytes: &[u8], status: u16, code: &str) -> Reply {
    let reply = connection.send(bytes);
    let sent = String::from_utf8_lossy(bytes);
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{sent}\n{}", reply.text());
    reply
}

#[test]
fn calls_come_in_the_query_the_form_or_both() {
    let server = Server::instant();
    let mut c = server.connect();
    let mut fine = |bytes: Vec<u8>| {
        let reply = c.send(&bytes);
        assert_eq!(reply.status, 200, "{}\n{}", String::from_utf8_lossy(&bytes), reply.text());
        reply
    };
    fine(get(&Parameters::list().signed("GET")));
    fine(post(&format!("?{}", Parameters::list().signed("POST")), &[], ""));
    fine(post("", &[FORM], &Parameters::list().signed("POST")));
    // A client without a content type means a form as well.
    fine(post("", &[], &Parameters::list().signed("POST")));
    // Both: the signature covers all.
    let both = Parameters::list().with("Name", "x").signed("POST");
    let (query, form) = both.split_at(both.find("&Region").unwrap());
    fine(post(&format!("?{query}"), &[FORM], &form[1..]));
    // The same parameter in both places counts once.
    let all = Parameters::list().signed("POST");
    fine(post(&format!("?{all}"), &[FORM], "RegionId=cn-hangzhou"));
    // What is decoded is encoded anew: `+`, raw characters and lower-case escapes mean the same.
    let odd = Parameters::list().with("Name", "a b*c~(d)'!ü/é").signed("GET");
    fine(get(&odd));
    let odd = Parameters::list().with("Name", "a b*c~(d)'!ü/é").signed("GET");
    let raw = odd.replace("%20", "+").replace("%2A", "*").replace("%28", "(").replace("%27", "'");
    fine(get(&raw.replace("%C3%BC", "%c3%bc")));
    let odd = Parameters::list().with("Name", "~").signed("GET");
    fine(get(&odd.replace('~', "%7e")));
    // An empty parameter is signed, and counts as absent.
    fine(get(&Parameters::list().with("NatGatewayId", "").with("SignatureType", "").signed("GET")));
    // HTTP/1.0, with the connection kept and without.
    let old = String::from_utf8(get(&Parameters::list().signed("GET"))).unwrap();
    let kept =
        old.replace("HTTP/1.1", "HTTP/1.0").replace("Host:", "Connection: keep-alive\r\nHost:");
    assert_eq!(fine(kept.into_bytes()).header("connection"), Some("keep-alive"));
    // An absolute target, as proxies send it.
    let absolute = format!("http://vpc.aliyuncs.com/?{}", Parameters::list().signed("GET"));
    fine(request("GET", &absolute, &[], b""));
    // A body in pieces, and one that is announced first.
    let form = Parameters::list().signed("POST");
    let (first, second) = form.split_at(20);
    let pieces = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x};x=y\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    fine(pieces.into_bytes());
    let form = Parameters::list().signed("POST");
    let announced = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        form.len()
    );
    c.write(announced.as_bytes());
    assert_eq!(c.read().unwrap().status, 100);
    assert_eq!(c.send(form.as_bytes()).status, 200);
}

#[test]
fn calls_come_signed_in_the_header() {
    let server = Server::instant();
    let mut c = server.connect();
    let mut fine = |signed: &Signed| {
        let reply = c.send(&signed.bytes());
        assert_eq!(reply.status, 200, "{signed:?}\n{}", reply.text());
        reply
    };
    fine(&Signed::list());
    fine(&Signed { method: "GET".to_owned(), ..Signed::list() });
    // What the client signs beyond the least, and what it leaves unsigned.
    fine(&Signed::list().header("accept", "application/json").header("user-agent", "x  y"));
    let extra = ("accept-encoding".to_owned(), "identity".to_owned());
    fine(&Signed { unsigned: vec![extra], ..Signed::list() });
    // Without a format, the answer is JSON, unless XML alone is accepted.
    let reply = fine(&Signed::list().header("accept", "text/xml"));
    assert_eq!(reply.header("content-type"), Some("text/xml;charset=utf-8"));
    // Parameters in a form or in JSON.
    for (kind, body) in [
        ("application/x-www-form-urlencoded", "Name=abc&PageSize=20"),
        (
            "application/json; charset=UTF-8",
            r#"{"Name": "abc", "PageSize": 20, "X": [1, {"Y": true}]}"#,
        ),
    ] {
        let body = body.as_bytes().to_vec();
        let signed = Signed { body, ..Signed::list().header("content-type", kind) };
        assert_eq!(fine(&signed).json()["PageSize"], 20);
    }
    // The header says which action it is, not the query.
    let mut other = Signed::list();
    other.query.insert("Action".to_owned(), "CreateNatGateway".to_owned());
    assert_eq!(fine(&other).json()["TotalCount"], 0);
}

#[test]
fn header_signatures_are_refused_with_their_codes() {
    let server = Server::instant();
    let mut c = server.connect();
    let wrong = Signed { secret: "wrong".to_owned(), ..Signed::list() };
    let reply = expect(&mut c, &wrong.bytes(), 400, "SignatureDoesNotMatch");
    let message = reply.json()["Message"].as_str().unwrap().to_owned();
    assert!(message.contains("server string to sign is:ACS3-HMAC-SHA256\n"), "{message}");
    // Another body than the one that is signed.
    expect(&mut c, &Signed::list().bytes_as(b"Name=abc"), 400, "SignatureDoesNotMatch");
    let text = String::from_utf8(Signed::list().bytes()).unwrap();
    let action = text.replace("DescribeNatGateways", "CreateNatGateway");
    expect(&mut c, action.as_bytes(), 400, "SignatureDoesNotMatch");
    let late = RealClock.now().0 - 16 * 60 * 1000;
    let late = Signed::list().header("x-acs-date", &Timestamp(late).iso8601());
    expect(&mut c, &late.bytes(), 400, "InvalidTimeStamp.Expired");
    let when = Signed::list().header("x-acs-date", "now");
    expect(&mut c, &when.bytes(), 400, "InvalidTimeStamp.Format");
    let version = Signed::list().header("x-acs-version", "2014-05-26");
    expect(&mut c, &version.bytes(), 400, "InvalidVersion");
    let action = Signed::list().header("x-acs-action", "DescribeRegions");
    expect(&mut c, &action.bytes(), 404, "InvalidAction.NotFound");
    let again = Signed::list();
    assert_eq!(c.send(&again.bytes()).status, 200);
    expect(&mut c, &again.bytes(), 400, "SignatureNonceUsed");
    // What is not signed, comes twice, or is said to be signed and is not there.
    let unsigned = |name: &str| {
        let extra = (name.to_owned(), "x".to_owned());
        Signed { unsigned: vec![extra], ..Signed::list() }.bytes()
    };
    expect(&mut c, &unsigned("x-acs-security-token"), 400, "IncompleteSignature");
    expect(&mut c, &unsigned("x-acs-action"), 400, "IncompleteSignature");
    let text = String::from_utf8(Signed::list().bytes()).unwrap();
    for (from, to, code) in [
        ("SignedHeaders=host;", "SignedHeaders=host;accept;", "IncompleteSignature"),
        ("SignedHeaders=host;", "SignedHeaders=", "IncompleteSignature"),
        ("Signature=", "Signature=zz", "IncompleteSignature"),
        ("Credential=testid,", "", "IncompleteSignature"),
        ("ACS3-HMAC-SHA256 ", "Bearer ", "IncompleteSignature"),
        ("ACS3-HMAC-SHA256 ", "ACS3-HMAC-SM3 ", "InvalidSignatureMethod"),
    ] {
        expect(&mut c, text.replacen(from, to, 1).as_bytes(), 400, code);
    }
    let nobody = text.replace("Credential=testid", "Credential=nobody");
    expect(&mut c, nobody.as_bytes(), 404, "InvalidAccessKeyId.NotFound");
    let token = Signed::list().header("x-acs-security-token", "t");
    expect(&mut c, &token.bytes(), 400, "InvalidSecurityToken.MismatchWithAccessKey");
}

#[test]
fn parameter_signatures_are_refused_with_their_codes() {
    let server = Server::instant();
    let mut c = server.connect();
    let get = |p: Parameters| get(&p.signed("GET"));
    let list = Parameters::list;
    let reply = expect(&mut c, &get(list().secret("wrong")), 400, "SignatureDoesNotMatch");
    let message = reply.json()["Message"].as_str().unwrap().to_owned();
    let (_, text) = message.split_once("server string to sign is:").unwrap();
    assert!(text.starts_with("GET&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeNatGateways%26"));
    let late = |minutes: i64| Timestamp(RealClock.now().0 + minutes * 60 * 1000).iso8601();
    assert_eq!(c.send(&get(list().with("Timestamp", &late(14)))).status, 200);
    assert_eq!(c.send(&get(list().with("Timestamp", &late(-14)))).status, 200);
    for (parameters, status, code, message) in [
        (
            list().with("Timestamp", &late(16)),
            400,
            "InvalidTimeStamp.Expired",
            "Specified time stamp or date value is expired.",
        ),
        (
            list().with("Timestamp", &late(-16)),
            400,
            "InvalidTimeStamp.Expired",
            "Specified time stamp or date value is expired.",
        ),
        (list().with("Timestamp", "2026-01-01 00:00:00"), 400, "InvalidTimeStamp.Format", ""),
        (
            list().with("AccessKeyId", "nobody"),
            404,
            "InvalidAccessKeyId.NotFound",
            "Specified access key is not found.",
        ),
        (list().with("SignatureMethod", "HMAC-SHA256"), 400, "InvalidSignatureMethod", ""),
        (list().with("SignatureVersion", "2.0"), 400, "InvalidSignatureVersion", ""),
        (
            list().with("Version", "2014-05-26"),
            400,
            "InvalidVersion",
            "Specified parameter Version is not valid.",
        ),
        (
            list().with("Action", "DescribeRegions"),
            404,
            "InvalidAction.NotFound",
            "Specified api is not found, please check your url and method.",
        ),
        (list().with("SecurityToken", "t"), 400, "InvalidSecurityToken.MismatchWithAccessKey", ""),
        (
            list().without("SignatureNonce"),
            400,
            "MissingParameter",
            "The input parameter \"SignatureNonce\" that is mandatory for processing this request is not supplied.",
        ),
        (list().without("Timestamp"), 400, "MissingParameter", ""),
        (list().without("AccessKeyId"), 400, "MissingParameter", ""),
        (list().without("SignatureMethod"), 400, "MissingParameter", ""),
        (list().without("Version"), 400, "MissingParameter", ""),
        (list().without("Action"), 400, "MissingParameter", ""),
        (list().without("RegionId"), 400, "MissingParameter", ""),
    ] {
        let reply = expect(&mut c, &get(parameters.clone()), status, code);
        let said = reply.json()["Message"].as_str().unwrap().to_owned();
        assert!(message.is_empty() || said == message, "{said}");
        // The same in XML.
        let reply = c.send(&get(parameters.with("Format", "XML").with("SignatureNonce", &nonce())));
        let text = reply.text();
        if code != "MissingParameter" {
            assert_eq!(reply.status, status);
            assert!(text.contains(&format!("<Code>{code}</Code>")), "{text}");
        }
        if reply.status != 200 {
            let parts = ["<Error><RequestId>", "<HostId>", "<Message>", "<Recommend>", "</Error>"];
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        }
    }
    // A nonce counts once for its key, whatever else differs.
    let first = list();
    assert_eq!(c.send(&get(first.clone())).status, 200);
    let reply = expect(&mut c, &get(first.with("Name", "x")), 400, "SignatureNonceUsed");
    assert_eq!(reply.json()["Message"], "Specified signature nonce was used already.");
    // Signatures that are none.
    let (unsigned, _) = list()
        .signed("GET")
        .split_once("&Signature=")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    for (signature, code) in [
        ("", "MissingParameter"),
        ("&Signature=", "MissingParameter"),
        ("&Signature=abc", "IncompleteSignature"),
        ("&Signature=AAAAAAAAAAAAAAAAAAAAAAAAAA%3D%3D", "IncompleteSignature"),
        ("&Signature=%%%%", "IncompleteSignature"),
        ("&Signature=AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D", "SignatureDoesNotMatch"),
    ] {
        expect(&mut c, &crate::support::get(&format!("{unsigned}{signature}")), 400, code);
    }
    // A header names no action for a request that does not sign it.
    let headers = [("x-acs-action", "DescribeNatGateways"), ("x-acs-version", "2016-04-28")];
    let query = format!("/?{}", list().without("Action").signed("GET"));
    expect(&mut c, &request("GET", &query, &headers, b""), 400, "MissingParameter");
}

#[test]
fn temporary_keys_come_with_their_tokens() {
    let server = Server::start(&["-access-key", "temporary:secret:token:1"]);
    let mut c = server.connect();
    let call = || Parameters::list().with("AccessKeyId", "temporary").secret("secret");
    let mut ask = |p: Parameters| c.send(&get(&p.signed("GET")));
    assert_eq!(ask(call().with("SecurityToken", "token:1")).status, 200);
    assert_eq!(ask(call()).code(), "MissingSecurityToken");
    let wrong = ask(call().with("SecurityToken", "token:2"));
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "InvalidSecurityToken.Malformed"));
    // The token is signed as everything else is.
    let query = call().with("SecurityToken", "token:1").signed("GET").replace("token%3A1", "token");
    assert_eq!(c.send(&get(&query)).code(), "SignatureDoesNotMatch");
}

#[test]
fn methods_paths_and_repetitions_are_refused() {
    let server = Server::instant();
    let mut c = server.connect();
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "BREW"] {
        let query = format!("/?{}", Parameters::list().signed(method));
        let reply =
            expect(&mut c, &request(method, &query, &[], b""), 405, "UnsupportedHTTPMethod");
        assert_eq!(reply.header("allow"), Some("GET, POST"));
    }
    for path in ["/2016-04-28", "//", "/%2F", "/_natformx", "/favicon.ico"] {
        let target = format!("{path}?{}", Parameters::list().signed("GET"));
        expect(&mut c, &request("GET", &target, &[], b""), 404, "InvalidAction.NotFound");
        expect(&mut c, &request("GET", path, &[], b""), 404, "InvalidAction.NotFound");
    }
    let twice = format!("{}&RegionId=cn-beijing", Parameters::list().signed("GET"));
    expect(&mut c, &get(&twice), 400, "InvalidParameter");
    let twice = post(&format!("?{}", Parameters::list().signed("POST")), &[FORM], "RegionId=x");
    expect(&mut c, &twice, 400, "InvalidParameter");
    // A HEAD has no body.
    let query = format!("/?{}", Parameters::list().signed("HEAD"));
    c.write(&request("HEAD", &query, &[("Connection", "close")], b""));
    let answer = String::from_utf8(c.rest().unwrap()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn parameters_that_nobody_knows_are_counted() {
    let server = Server::instant();
    let extra = [("AvailabilityMode", "x"), ("Tag.1.Key", "k"), ("Long", &"v".repeat(50_000))];
    server.ok("DescribeNatGateways", &extra);
    let calls = server.control("GET", "calls", "");
    let counted = &calls.json()["counts"]["DescribeNatGateways"]["unknown_parameters"];
    assert_eq!(counted["AvailabilityMode"], 1);
    assert_eq!(counted["Tag.1.Key"], 1);
    // What is recorded is bounded, and holds no secret.
    let huge = "v".repeat(50_000);
    server.call("DescribeNatGateways", &[("Name", &huge)]);
    let calls = server.control("GET", "calls", "").text();
    assert!(calls.len() < 20_000, "{} bytes", calls.len());
    assert!(!calls.contains("testid") && !calls.contains("HMAC-SHA1"), "{calls}");
}
