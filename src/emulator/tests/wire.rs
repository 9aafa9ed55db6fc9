//! Requests on the wire: signatures of both kinds, where parameters are, formats, refusals.

use std::collections::BTreeMap;

use serde_json::Value;

use super::probe::{Probe, START, signed, signed_by};
use crate::api::http::HttpRequest;
use crate::api::signature::{
    acs3_canonical_request, acs3_sign, acs3_string_to_sign, canonical_query, percent_encode,
    sha256_hex, sign, string_to_sign,
};
use crate::emulator::settings::{Account, Settings};
use crate::environment::Timestamp;

const LIST: [(&str, &str); 2] = [("Action", "DescribeNatGateways"), ("RegionId", "cn-hangzhou")];

fn send(probe: &mut Probe, request: &HttpRequest) -> (u16, Value) {
    let response = probe.send(request).response;
    (response.status, serde_json::from_slice(&response.body).unwrap())
}

fn code(probe: &mut Probe, request: &HttpRequest) -> (u16, String) {
    let (status, body) = send(probe, request);
    for field in ["RequestId", "HostId", "Code", "Message", "Recommend"] {
        assert!(body[field].is_string(), "{field} in {body}");
    }
    (status, body["Code"].as_str().unwrap().to_owned())
}

/// Puts the parameters of a signed GET elsewhere, and signs for the method.
fn as_post(parameters: &[(&str, &str)], nonce: u64, in_body: bool) -> HttpRequest {
    let get = signed(START, nonce, parameters);
    let query = get.target.trim_start_matches("/?");
    let mut all: BTreeMap<String, String> =
        crate::api::signature::decode_pairs(query).unwrap().into_iter().collect();
    all.remove("Signature");
    let signature = sign("testsecret", &string_to_sign("POST", &all));
    let text = format!("{}&Signature={}", canonical_query(&all), percent_encode(&signature));
    let form = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
    HttpRequest {
        method: "POST".to_owned(),
        target: if in_body { "/".to_owned() } else { format!("/?{text}") },
        headers: vec![form],
        body: if in_body { text.into_bytes() } else { Vec::new() },
    }
}

/// Signs in the header, as newer clients do.
fn acs3(secret: &str, nonce: u64, query: &[(&str, &str)], extra: &[(&str, &str)]) -> HttpRequest {
    let mut headers: Vec<(String, String)> = [
        ("host", "127.0.0.1:8900".to_owned()),
        ("x-acs-action", "DescribeNatGateways".to_owned()),
        ("x-acs-version", "2016-04-28".to_owned()),
        ("x-acs-date", START.iso8601()),
        ("x-acs-signature-nonce", format!("acs3-{nonce}")),
        ("x-acs-content-sha256", sha256_hex(b"")),
        ("accept", "application/json".to_owned()),
    ]
    .into_iter()
    .map(|(k, v)| (k.to_owned(), v))
    .collect();
    headers.extend(extra.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    let mut names: Vec<&str> = headers.iter().map(|(n, _)| n.as_str()).collect();
    names.retain(|n| *n != "accept");
    names.sort_unstable();
    let query: BTreeMap<String, String> =
        query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let hash = sha256_hex(b"");
    let canonical = acs3_canonical_request("POST", "/", &query, &headers, &names, &hash);
    let signature = acs3_sign(secret, &acs3_string_to_sign(&canonical));
    let signed = names.join(";");
    let authorization =
        format!("ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={signed},Signature={signature}");
    headers.push(("authorization".to_owned(), authorization));
    HttpRequest {
        method: "POST".to_owned(),
        target: format!("/?{}", canonical_query(&query)),
        headers,
        body: Vec::new(),
    }
}

#[test]
fn parameters_come_in_query_or_form() {
    let mut probe = Probe::instant();
    assert_eq!(send(&mut probe, &signed(START, 1, &LIST)).0, 200);
    assert_eq!(send(&mut probe, &as_post(&LIST, 2, false)).0, 200);
    assert_eq!(send(&mut probe, &as_post(&LIST, 3, true)).0, 200);
    // What the client encodes otherwise than the signature does is the same to the server.
    let named = [&LIST[..], &[("Name", "a b*'()")]].concat();
    let mut request = signed(START, 4, &named);
    request.target = request.target.replace("%20", "+").replace("%27", "'").replace("%2A", "*");
    assert_eq!(send(&mut probe, &request).0, 200);
    // A signature for one method is none for the other.
    let mut post = signed(START, 5, &LIST);
    post.method = "POST".to_owned();
    assert_eq!(code(&mut probe, &post), (400, "SignatureDoesNotMatch".to_owned()));
    // Empty parameters are signed too, and count as absent.
    let empty = [&LIST[..], &[("SignatureType", ""), ("NatGatewayId", "")]].concat();
    assert_eq!(send(&mut probe, &signed(START, 6, &empty)).0, 200);
}

#[test]
fn a_wrong_signature_is_told_the_string_to_sign() {
    let mut probe = Probe::instant();
    let request = signed_by(("testid", "wrong"), START, 1, &LIST);
    let (status, body) = send(&mut probe, &request);
    assert_eq!((status, &body["Code"]), (400, &Value::from("SignatureDoesNotMatch")));
    let message = body["Message"].as_str().unwrap();
    let (_, text) = message.split_once("server string to sign is:").unwrap();
    assert!(text.starts_with("GET&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeNatGateways"));
}

#[test]
fn refusals_of_the_wire_have_their_codes() {
    let mut probe = Probe::instant();
    let bad = |name, value| [&LIST[..], &[(name, value)]].concat();
    let cases = [
        (bad("Version", "2014-05-26"), 400, "InvalidVersion"),
        (bad("Action", "DescribeRegions"), 404, "InvalidAction.NotFound"),
        (bad("Action", ""), 400, "MissingParameter"),
        (bad("SignatureMethod", "HMAC-MD5"), 400, "InvalidSignatureMethod"),
        (bad("SignatureVersion", "2.0"), 400, "InvalidSignatureVersion"),
        (bad("SignatureNonce", ""), 400, "MissingParameter"),
        (bad("Timestamp", "yesterday"), 400, "InvalidTimeStamp.Format"),
        (bad("Timestamp", "2012-06-01T12:00:00Z"), 400, "InvalidTimeStamp.Expired"),
        (bad("AccessKeyId", "nobody"), 404, "InvalidAccessKeyId.NotFound"),
        (bad("SecurityToken", "t"), 400, "InvalidSecurityToken.MismatchWithAccessKey"),
        (bad("RegionId", ""), 400, "MissingParameter"),
    ];
    for (number, (parameters, status, wanted)) in (10..).zip(cases) {
        let request = signed(START, number, &parameters);
        assert_eq!(code(&mut probe, &request), (status, wanted.to_owned()), "{parameters:?}");
    }
    let mut cut = signed(START, 30, &LIST);
    cut.target = cut.target.split("&Signature=").next().unwrap().to_owned() + "&Signature=abc";
    assert_eq!(code(&mut probe, &cut), (400, "IncompleteSignature".to_owned()));
    let mut unsigned = signed(START, 31, &LIST);
    unsigned.target = unsigned.target.split("&Signature=").next().unwrap().to_owned();
    assert_eq!(code(&mut probe, &unsigned), (400, "MissingParameter".to_owned()));
    let mut put = signed(START, 32, &LIST);
    put.method = "PUT".to_owned();
    assert_eq!(code(&mut probe, &put), (405, "UnsupportedHTTPMethod".to_owned()));
    let mut path = signed(START, 33, &LIST);
    path.target = path.target.replacen("/?", "/2016-04-28/gateways?", 1);
    assert_eq!(code(&mut probe, &path), (404, "InvalidAction.NotFound".to_owned()));
}

#[test]
fn a_nonce_is_used_once_and_a_request_in_time() {
    let mut probe = Probe::instant();
    assert_eq!(send(&mut probe, &signed(START, 1, &LIST)).0, 200);
    let again = code(&mut probe, &signed(START, 1, &LIST));
    assert_eq!(again, (400, "SignatureNonceUsed".to_owned()));
    for (skew, fine) in [(-900_000, true), (-901_000, false), (900_000, true), (901_000, false)] {
        let request = signed(Timestamp(START.0 + skew), 1000 + skew.unsigned_abs(), &LIST);
        let nonce = if skew < 0 { 1 } else { 2 } * 10_000_000 + skew.unsigned_abs();
        let request = if fine { signed(Timestamp(START.0 + skew), nonce, &LIST) } else { request };
        assert_eq!(send(&mut probe, &request).0 == 200, fine, "{skew}");
    }
}

#[test]
fn keys_may_be_disabled_limited_or_temporary() {
    let account = |id: &str| Account::new(id, "secret");
    let temporary = Account {
        security_token: Some("token".to_owned()),
        token_expires: Some(Timestamp(START.0 + 60_000)),
        ..account("temporary")
    };
    let accounts = vec![
        Account { disabled: true, ..account("disabled") },
        Account { denied_actions: ["DescribeNatGateways".to_owned()].into(), ..account("limited") },
        temporary,
    ];
    let mut probe = Probe::new(Settings { accounts, ..Settings::default() });
    let mut nonce = 0;
    let mut ask = |probe: &mut Probe, id: &str, token: Option<&str>| {
        nonce += 1;
        let mut parameters = LIST.to_vec();
        parameters.extend(token.map(|t| ("SecurityToken", t)));
        let (status, body) = send(probe, &signed_by((id, "secret"), probe.now, nonce, &parameters));
        (status, body["Code"].as_str().unwrap_or("").to_owned())
    };
    assert_eq!(ask(&mut probe, "disabled", None).1, "InvalidAccessKeyId.Inactive");
    assert_eq!(ask(&mut probe, "limited", None), (403, "Forbidden.RAM".to_owned()));
    assert_eq!(ask(&mut probe, "temporary", None).1, "MissingSecurityToken");
    assert_eq!(ask(&mut probe, "temporary", Some("x")).1, "InvalidSecurityToken.Malformed");
    assert_eq!(ask(&mut probe, "temporary", Some("token")).0, 200);
    probe.wait(60_000);
    assert_eq!(ask(&mut probe, "temporary", Some("token")).1, "InvalidSecurityToken.Expired");
}

#[test]
fn requests_may_be_signed_in_the_header() {
    let mut probe = Probe::instant();
    let query = [("RegionId", "cn-hangzhou"), ("Name", "a b")];
    assert_eq!(send(&mut probe, &acs3("testsecret", 1, &query, &[])).0, 200);
    let again = code(&mut probe, &acs3("testsecret", 1, &query, &[]));
    assert_eq!(again.1, "SignatureNonceUsed");
    assert_eq!(code(&mut probe, &acs3("wrong", 2, &query, &[])).1, "SignatureDoesNotMatch");
    let mut body = acs3("testsecret", 3, &query, &[]);
    body.body = b"Name=other".to_vec();
    assert_eq!(code(&mut probe, &body).1, "SignatureDoesNotMatch");
    let mut unsigned = acs3("testsecret", 4, &query, &[]);
    unsigned.headers.push(("x-acs-extra".to_owned(), "1".to_owned()));
    assert_eq!(code(&mut probe, &unsigned).1, "IncompleteSignature");
    let mut malformed = acs3("testsecret", 5, &query, &[]);
    malformed.headers.last_mut().unwrap().1 = "ACS3-HMAC-SHA256 Credential=testid".to_owned();
    assert_eq!(code(&mut probe, &malformed).1, "IncompleteSignature");
    let token = [("x-acs-security-token", "t"), ("x-acs-accesskey-id", "testid")];
    let with_token = code(&mut probe, &acs3("testsecret", 6, &query, &token));
    assert_eq!(with_token.1, "InvalidSecurityToken.MismatchWithAccessKey");
}

#[test]
fn answers_come_as_json_or_xml() {
    let mut probe = Probe::instant();
    probe.region = "cn-hangzhou";
    let made = probe.gateway();
    let xml = |probe: &mut Probe, action: &str, parameters: &[(&str, &str)]| {
        let all = [parameters, &[("Format", "xml")]].concat();
        let response = probe.outcome(action, &all).response;
        assert_eq!(response.header("content-type"), Some("text/xml;charset=utf-8"));
        String::from_utf8(response.body).unwrap()
    };
    let list = xml(&mut probe, "DescribeNatGateways", &[]);
    assert!(list.contains("<DescribeNatGatewaysResponse><RequestId>"), "{list}");
    assert!(list.contains("<TotalCount>1</TotalCount>"));
    let table = format!(
        "<ForwardTableIds><ForwardTableId>{}</ForwardTableId></ForwardTableIds>",
        made.forward_table
    );
    assert!(list.contains(&table));
    let error = xml(&mut probe, "DeleteNatGateway", &[("NatGatewayId", "<&>")]);
    assert!(error.contains("<Error><RequestId>"));
    assert!(error.contains("<Code>InvalidNatGatewayId.NotFound</Code>"));
    let id = [("BandwidthPackageId", made.package.as_str())];
    assert!(xml(&mut probe, "ConvertBandwidthPackage", &id).contains("<ConvertInstanceid>cbwp-"));
}

#[test]
fn unknown_parameters_are_tolerated_and_told() {
    let mut probe = Probe::instant();
    let outcome = probe.outcome("DescribeNatGateways", &[("Tag.1.Key", "x"), ("Nonsense", "1")]);
    assert_eq!(outcome.response.status, 200);
    assert_eq!(outcome.record.unwrap().unknown_parameters, ["Nonsense", "Tag.1.Key"]);
}

#[test]
fn fields_have_the_types_of_the_reference() {
    let mut probe = Probe::instant();
    let made = probe.gateway();
    probe.forward(&made, "80", "80").unwrap();
    let packages = probe.ok("DescribeBandwidthPackages", &[]);
    let package = &packages["BandwidthPackages"]["BandwidthPackage"][0];
    assert!(package["Bandwidth"].is_string() && package["IpCount"].is_string());
    for list in [packages, probe.ok("DescribeNatGateways", &[])] {
        for field in ["PageNumber", "PageSize", "TotalCount"] {
            assert!(list[field].is_u64(), "{field}");
        }
    }
    assert!(probe.forward_entries(&made)[0]["ExternalPort"].is_string());
    let gateway = probe.gateway_row(&made.id);
    assert!(gateway["DeletionProtection"].is_boolean());
    assert!(gateway["IpLists"]["IpList"].is_array());
    assert!(gateway["NatGatewayPrivateInfo"]["MaxBandwidth"].is_u64());
    assert_eq!(gateway["CreationTime"].as_str().unwrap().len(), 20);
}

#[test]
fn the_live_spelling_of_an_action_has_the_live_shape() {
    let mut probe = Probe::instant();
    let zones = probe.ok("ListEnhancedNatGatewayAvailableZones", &[]);
    assert_eq!(zones["Zones"]["Zone"][0]["ZoneId"], "cn-hangzhou-a");
    let zones = probe.ok("ListEnhanhcedNatGatewayAvailableZones", &[]);
    assert_eq!(zones["Zones"][0]["ZoneId"], "cn-hangzhou-a");
}
