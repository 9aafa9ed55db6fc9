//! Tests over the answers of both editions and over hostile ones.

use proptest::prelude::*;
use serde_json::json;

use super::super::answer::{list, texts};
use super::super::error::{Class, UNREADABLE_ANSWER};
use super::*;

fn response(status: u16, body: impl Into<Vec<u8>>) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: body.into() }
}

fn read(action: Action, status: u16, body: &str) -> Result<Answer, ApiError> {
    decode(action, &response(status, body), Timestamp(0))
}

#[test]
fn either_edition_s_answer_to_a_creation_is_read() {
    let newer_json = r#"{"RequestId": "R-1", "SnatTableIds": {"SnatTableId": ["stb-1"]},
        "ForwardTableIds": {"ForwardTableId": ["ftb-1"]}, "NatGatewayId": "ngw-1"}"#;
    let older_json = r#"{"BandwidthPackageIds": ["bwp-1"], "snatTableIds": ["stb-1"],
        "natGatewayId": "ngw-1", "RequestId": "R-1", "forwardTableIds": ["ftb-1"]}"#;
    let newer_xml = "<CreateNatGatewayResponse><RequestId>R-1</RequestId><SnatTableIds>
        <SnatTableId>stb-1</SnatTableId></SnatTableIds><ForwardTableIds><ForwardTableId>ftb-1
        </ForwardTableId></ForwardTableIds><NatGatewayId>ngw-1</NatGatewayId>
        </CreateNatGatewayResponse>";
    let older_xml = "<?xml version=\"1.0\"?><CreateNatGatewayResponse>
        <BandwidthPackageIds>bwp-1</BandwidthPackageIds><forwardTableIds>ftb-1</forwardTableIds>
        <natGatewayId>ngw-1</natGatewayId><snatTableIds>stb-1</snatTableIds>
        <RequestId>R-1</RequestId></CreateNatGatewayResponse>";
    for body in [newer_json, older_json, newer_xml, older_xml] {
        let answer = read(Action::CreateNatGateway, 200, body).unwrap();
        assert_eq!(answer.request_id, "R-1");
        assert_eq!(answer.text("NatGatewayId").as_deref(), Some("ngw-1"));
        let tables = texts(&answer.body, "ForwardTableIds", "ForwardTableId").unwrap();
        assert_eq!(tables, ["ftb-1"], "{body}");
        assert_eq!(texts(&answer.body, "SnatTableIds", "SnatTableId").unwrap(), ["stb-1"]);
    }
}

#[test]
fn rows_are_read_from_json_and_xml() {
    let json = r#"{"TotalCount":1,"NatGateways":{"NatGateway":[{"NatGatewayId":"ngw-1",
        "IpLists":{"IpList":[{"IpAddress":"1.2.3.4"}]}}]}}"#;
    let xml = "<DescribeNatGatewaysResponse><TotalCount>1</TotalCount><NatGateways><NatGateway>
        <NatGatewayId>ngw-1</NatGatewayId><IpLists><IpList><IpAddress>1.2.3.4</IpAddress></IpList>
        </IpLists></NatGateway></NatGateways></DescribeNatGatewaysResponse>";
    for body in [json, xml] {
        let answer = read(Action::DescribeNatGateways, 200, body).unwrap();
        assert_eq!(answer.integer("TotalCount"), Some(1));
        let rows = answer.rows(Action::DescribeNatGateways);
        assert_eq!(get_str(rows[0], "NatGatewayId").as_deref(), Some("ngw-1"));
        let addresses = list(rows[0], "IpLists", "IpList").unwrap();
        assert_eq!(get_str(addresses[0], "IpAddress").as_deref(), Some("1.2.3.4"));
    }
    let none = "<DescribeNatGatewaysResponse><TotalCount>0</TotalCount><NatGateways/>
        </DescribeNatGatewaysResponse>";
    let answer = read(Action::DescribeNatGateways, 200, none).unwrap();
    assert!(answer.rows(Action::DescribeNatGateways).is_empty());
}

#[test]
fn errors_are_read_from_json_and_xml() {
    let json = r#"{"RequestId":"R-9","HostId":"vpc.aliyuncs.com","Code":"OperationConflict",
        "Message":"too frequent","Recommend":"https://example.com"}"#;
    let xml = "<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>R-9</RequestId>
        <HostId>vpc.aliyuncs.com</HostId><Code>OperationConflict</Code>
        <Message>too frequent</Message></Error>";
    let lower = r#"{"requestId":"R-9","code":"OperationConflict","message":"too frequent"}"#;
    let nested = r#"{"RequestId":"R-9","Error":{"Code":"OperationConflict",
        "Message":"too frequent"}}"#;
    for body in [json, xml, lower, nested] {
        let error = read(Action::CreateForwardEntry, 409, body).unwrap_err();
        assert_eq!((error.code.as_str(), error.class), ("OperationConflict", Class::Busy));
        assert_eq!((error.status, error.message.as_str()), (409, "too frequent"), "{body}");
        assert_eq!(error.request_id, "R-9");
    }
}

#[test]
fn a_success_with_a_code_is_judged_by_the_code() {
    for code in ["200", "OK", "success", "Success", ""] {
        let body = json!({"Code": code, "RequestId": "r"}).to_string();
        assert!(read(Action::DeleteNatGateway, 200, &body).is_ok(), "{code}");
    }
    let body = r#"{"Code": 200, "Message": ""}"#;
    assert!(read(Action::DeleteNatGateway, 200, body).is_ok());
    let body = r#"{"Code":"QuotaExceeded","Message":"enough"}"#;
    let error = read(Action::ModifyForwardEntry, 200, body).unwrap_err();
    assert_eq!((error.class, error.status), (Class::Quota, 200));
    let body = r#"{"Code":"Unheard","Message":"of"}"#;
    let error = read(Action::ModifyForwardEntry, 200, body).unwrap_err();
    assert!(!error.is_definite(), "an unknown code beside a success certifies nothing");
}

#[test]
fn whatever_is_not_the_service_s_is_said_and_never_definite() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_object = format!("{{\"a\":{deep}}}");
    let deep_xml = format!("<ErrorResponse>{}", "<a>".repeat(100_000));
    for (status, body, says) in [
        (200, "", "empty"),
        (200, "   \n", "empty"),
        (200, "<!DOCTYPE html><html><head><title>Sign\n in</title>", "HTML page titled `Sign in`"),
        (502, "<html>\r\n<body>Bad Gateway</body></html>", "HTML page"),
        (403, "<HTML><TITLE>Blocked</TITLE></HTML>", "titled `Blocked`"),
        (200, "{\"RequestId\":\"4C4", "ends early"),
        (200, "{\"RequestId\":\"4C4\", nonsense}", "malformed JSON"),
        (200, "[]", "not an object"),
        (200, "\"text\"", "not an object"),
        (200, "null", "not an object"),
        (200, "upstream\u{1b}[2J gone", "neither JSON nor XML: `upstream [2J gone`"),
        (200, "<Envelope><Body/></Envelope>", "root `Envelope`"),
        (200, "<DescribeNatGatewaysResponse><Nat", "XML"),
        (200, "{}", "lacks `NatGateways`"),
        (200, "{\"NatGateways\":{\"NatGateway\":[1]}}", "not a list of objects"),
        (400, "{\"Message\":\"no code\"}", "without a code"),
        (404, "<Error><Message>no code</Message></Error>", "without a code"),
        (200, deep_object.as_str(), "malformed JSON"),
        (200, deep.as_str(), "JSON"),
        (200, deep_xml.as_str(), "nested deeper"),
    ] {
        let error = read(Action::DescribeNatGateways, status, body).unwrap_err();
        assert_eq!(error.code, UNREADABLE_ANSWER, "{says}");
        assert!(error.message.contains(says), "{} ≠ {says}", error.message);
        assert_eq!((error.status, error.class), (status, Class::Transient));
        assert!(!error.is_definite());
        assert!(error.message.len() < 300, "{says}");
        assert!(!error.message.chars().any(char::is_control));
    }
}

#[test]
fn odd_bytes_redirects_and_encodings_are_said() {
    let mut redirect = response(302, "");
    redirect.headers =
        vec![("location".to_owned(), "https://portal.example/login?Signature=x".to_owned())];
    let mut packed = response(200, "{}");
    packed.headers = vec![("content-encoding".to_owned(), "br".to_owned())];
    for (response, says) in [
        (redirect, "a redirect to `https://portal.example/login`, which is not followed"),
        (response(304, ""), "a redirect, which is not followed"),
        (packed, "an answer encoded as `br`"),
        (response(200, vec![b'{', 0xff, b'}']), "an answer that is not UTF-8"),
        (response(200, vec![b' '; LONGEST_ANSWER + 1]), "an answer of more than 16 MiB"),
    ] {
        let error = decode(Action::DeleteNatGateway, &response, Timestamp(0)).unwrap_err();
        assert_eq!(error.message, says);
        assert!(!error.is_definite());
    }
}

#[test]
fn throttling_says_how_long_to_wait() {
    let body = r#"{"Code":"Throttling.User","Message":"flow control"}"#;
    let now = Timestamp(1_700_000_000_000);
    for (header, value, wait) in [
        ("x-acs-retry-after", "1500", Some(Duration::from_millis(1500))),
        ("retry-after", "2", Some(Duration::from_secs(2))),
        ("retry-after", "Tue, 14 Nov 2023 22:13:30 GMT", Some(Duration::from_secs(10))),
        ("retry-after", "Tue, 14 Nov 2023 22:13:10 GMT", Some(Duration::ZERO)),
        ("retry-after", "3000", Some(LONGEST_WAIT)),
        ("retry-after", "999999999", None),
        ("x-acs-retry-after", "1000000000000", None),
        ("x-acs-retry-after", "-1", None),
        ("x-acs-retry-after", "soon", None),
    ] {
        let mut response = response(400, body);
        response.headers = vec![(header.to_owned(), value.to_owned())];
        let error = decode(Action::DescribeNatGateways, &response, now).unwrap_err();
        assert_eq!((error.class, error.retry_after), (Class::Throttled, wait), "{header} {value}");
    }
    let bare = read(Action::DescribeNatGateways, 429, "slow down").unwrap_err();
    assert_eq!(bare.class, Class::Throttled);
}

#[test]
fn the_request_id_may_stand_in_a_header() {
    let mut response = response(503, "<html>");
    response.headers = vec![("x-acs-request-id".to_owned(), "R-7".to_owned())];
    let error = decode(Action::DescribeNatGateways, &response, Timestamp(0)).unwrap_err();
    assert_eq!(error.request_id, "R-7");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_answered_without_panic_or_false_success(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        status in 100u16..600,
    ) {
        prop_assert!(decode(Action::CreateNatGateway, &response(status, bytes), Timestamp(0)).is_err());
    }

    #[test]
    fn every_cut_of_an_answer_is_unreadable(cut in 0usize..80) {
        let whole = r#"{"RequestId":"2315DEB7-5E92-423A-91F7","NatGatewayId":"ngw-112za33e4"}"#;
        prop_assume!(cut < whole.len());
        let error = read(Action::CreateNatGateway, 200, &whole[..cut]).unwrap_err();
        prop_assert_eq!(error.code, UNREADABLE_ANSWER);
    }
}
