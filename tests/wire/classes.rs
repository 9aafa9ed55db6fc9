//! What each documented refusal means to the client, against a table that was written by reading the
//! reference's messages, row by row.

use natform::api::catalogue::Action;
use natform::api::error::{ApiError, Class};
use natform::api::error_catalogue::advice;
use natform::emulator::errors;

/// `=Action` starts the rows of an action; each row is class, status, code and message.
const TABLE: &str = include_str!("rows_of_2020.txt");

struct Row {
    action: Action,
    class: Class,
    status: u16,
    code: &'static str,
    message: &'static str,
}

fn class(name: &str) -> Class {
    match name {
        "busy" => Class::Busy,
        "throttled" => Class::Throttled,
        "transient" => Class::Transient,
        "gone" => Class::Gone,
        "denied" => Class::Denied,
        "invalid" => Class::Invalid,
        "quota" => Class::Quota,
        "conflict" => Class::Conflict,
        "dependency" => Class::Dependency,
        "alreadydone" => Class::AlreadyDone,
        other => panic!("{other} is no class"),
    }
}

fn table() -> Vec<Row> {
    let mut action = None;
    let mut rows = Vec::new();
    for line in TABLE.lines() {
        if let Some(name) = line.strip_prefix('=') {
            action = Action::from_name(name);
            continue;
        }
        let (name, rest) = line.split_once(' ').unwrap();
        let mut parts = rest.trim_start().splitn(3, ' ');
        rows.push(Row {
            action: action.unwrap(),
            class: class(name),
            status: parts.next().unwrap().parse().unwrap(),
            code: parts.next().unwrap(),
            message: parts.next().unwrap(),
        });
    }
    rows
}

#[test]
fn each_documented_refusal_has_its_class() {
    let rows = table();
    assert_eq!(rows.len(), 164);
    for row in rows {
        let error = ApiError::answered(row.action, row.status, row.code, row.message, "id");
        assert_eq!(error.class, row.class, "{} {} {}", row.action, row.code, row.message);
        // Whether a call is sent again, and whether its token is kept, follow from the class.
        let again = matches!(row.class, Class::Busy | Class::Throttled | Class::Transient);
        assert_eq!(error.is_definite(), !again, "{} {}", row.action, row.code);
        assert!(advice(&error).len() > 20, "{} {}", row.action, row.code);
    }
}

#[test]
fn the_emulator_refuses_in_the_same_words() {
    let table: Vec<_> = table().iter().map(|r| (r.action, r.status, r.code, r.message)).collect();
    let emulated: Vec<_> =
        errors::rows().iter().map(|r| (r.action, r.status, r.code, r.message)).collect();
    assert_eq!(table, emulated);
}

#[test]
fn refusals_of_the_wire_have_classes_whatever_the_action() {
    for action in Action::ALL {
        for (status, code, class) in [
            (400, "SignatureDoesNotMatch", Class::Denied),
            (400, "IncompleteSignature", Class::Denied),
            (404, "InvalidAccessKeyId.NotFound", Class::Denied),
            (400, "InvalidAccessKeyId.Inactive", Class::Denied),
            (400, "InvalidTimeStamp.Expired", Class::Denied),
            (400, "InvalidTimeStamp.Format", Class::Denied),
            (400, "SignatureNonceUsed", Class::Transient),
            (400, "MissingSecurityToken", Class::Denied),
            (400, "InvalidSecurityToken.Expired", Class::Denied),
            (400, "MissingParameter", Class::Invalid),
            (404, "InvalidAction.NotFound", Class::Invalid),
            (400, "InvalidVersion", Class::Invalid),
            (405, "UnsupportedHTTPMethod", Class::Invalid),
            (400, "Throttling.User", Class::Throttled),
            (429, "Throttling", Class::Throttled),
            (503, "ServiceUnavailable", Class::Transient),
            (500, "InternalError", Class::Transient),
        ] {
            let error = ApiError::answered(action, status, code, "", "id");
            assert_eq!(error.class, class, "{action} {code}");
        }
    }
}
