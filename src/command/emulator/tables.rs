//! What people see of an emulator: sentences and tables, from the documents of its control interface.

use std::fmt::Write;

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::api::redact::printable;

/// Bytes of one cell at most: anybody may have sent what is shown here.
const LONGEST_CELL: usize = 100;

/// The kinds of objects, as the interface names them and for people, one and several.
const KINDS: [(&str, &str, &str); 9] = [
    ("vpc", "VPC", "VPCs"),
    ("v_switch", "vSwitch", "vSwitches"),
    ("gateway", "gateway", "gateways"),
    ("bandwidth_package", "bandwidth package", "bandwidth packages"),
    ("shared_bandwidth", "shared bandwidth", "shared bandwidths"),
    ("eip", "EIP", "EIPs"),
    ("forward_entry", "DNAT entry", "DNAT entries"),
    ("snat_entry", "SNAT entry", "SNAT entries"),
    ("token", "ClientToken", "ClientTokens"),
];

/// Returns a value as one harmless line.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text, LONGEST_CELL),
        other => printable(&other.to_string(), LONGEST_CELL),
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

/// Lays cells out in columns; numbers, for which the heading begins with `>`, to the right.
fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
        let heading = headings[column].trim_start_matches('>').width();
        cells.chain([heading]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let mut line = String::new();
        for ((cell, width), heading) in cells.iter().zip(&widths).zip(headings) {
            let blank = " ".repeat(width.saturating_sub(cell.width()));
            let (left, right) = if heading.starts_with('>') {
                (blank, String::new())
            } else {
                (String::new(), blank)
            };
            line.push_str(&format!("{left}{cell}{right}  "));
        }
        format!("{}\n", line.trim_end())
    };
    let mut out = line(headings.iter().map(|h| h.trim_start_matches('>')).collect());
    for row in rows {
        out.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    out
}

/// Says how many objects there are, such as `1 gateway, 2 EIPs`.
pub(super) fn objects(counts: &Value) -> String {
    let counted: Vec<String> = KINDS
        .iter()
        .map(|(kind, one, several)| (number(&counts[*kind]), one, several))
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, several)| format!("{count} {}", if count == 1 { one } else { several }))
        .collect();
    if counted.is_empty() { "no objects".to_owned() } else { counted.join(", ") }
}

/// Shows an emulator's health.
pub(super) fn health(shown: &str, health: &Value) -> String {
    format!(
        "The emulator at {shown} is ready.\n  edition  {}\n  world    {}\n  time     {}\n  objects  {}\n",
        text(&health["edition"]),
        text(&health["world"]),
        text(&health["time"]),
        objects(&health["objects"]),
    )
}

/// Shows recorded calls and the counts per action.
pub(super) fn calls(document: &Value) -> String {
    let Some(counts) = document["counts"].as_object().filter(|counts| !counts.is_empty()) else {
        return "No calls are recorded.\n".to_owned();
    };
    let mut out = String::new();
    let calls: Vec<Vec<String>> =
        document["calls"].as_array().into_iter().flatten().map(call).collect();
    if !calls.is_empty() {
        out.push_str(&table(&[">#", "TIME", "ACTION", "ANSWER", "PARAMETERS"], &calls));
        out.push('\n');
    }
    let rows: Vec<Vec<String>> = counts.iter().map(|(name, counts)| count(name, counts)).collect();
    let headings = ["ACTION", ">CALLS", ">SUCCEEDED", ">REPLAYED", ">LOST", "ERRORS"];
    out.push_str(&table(&headings, &rows));
    out
}

fn call(call: &Value) -> Vec<String> {
    let mut answer = text(&call["status"]);
    if call["code"].is_string() {
        let _ = write!(answer, " {}", text(&call["code"]));
    }
    for word in ["replayed", "lost"] {
        if call[word] == true {
            let _ = write!(answer, ", {word}");
        }
    }
    if call["fault"].is_string() {
        let _ = write!(answer, ", fault: {}", text(&call["fault"]));
    }
    let parameters = call["parameters"].as_object().into_iter().flatten();
    let parameters: Vec<String> = parameters
        .filter(|(name, _)| !matches!(name.as_str(), "ClientToken" | "RegionId"))
        .map(|(name, value)| format!("{name}={}", text(value)))
        .collect();
    let action = text(&call["action"]);
    vec![
        text(&call["number"]),
        text(&call["time"]),
        if action.is_empty() { "(none)".to_owned() } else { action },
        answer,
        printable(&parameters.join(" "), LONGEST_CELL),
    ]
}

fn count(name: &str, counts: &Value) -> Vec<String> {
    let errors = counts["errors"].as_object().into_iter().flatten();
    let errors: Vec<String> =
        errors.map(|(code, n)| format!("{} {n}", printable(code, LONGEST_CELL))).collect();
    let mut row =
        vec![if name.is_empty() { "(none)".into() } else { printable(name, LONGEST_CELL) }];
    row.extend(["calls", "succeeded", "replayed", "lost"].map(|field| text(&counts[field])));
    row.push(errors.join(", "));
    row
}

/// Shows the rules of faults and the limits in force.
pub(super) fn faults(document: &Value) -> String {
    let list = |name: &str| document[name].as_array().cloned().unwrap_or_default();
    let rules: Vec<Vec<String>> =
        (1..).zip(list("faults")).map(|(n, rule)| fault(n, &rule)).collect();
    let limits: Vec<Vec<String>> = list("limits").iter().map(limit).collect();
    let mut out = String::new();
    if rules.is_empty() && limits.is_empty() {
        out.push_str("There are no faults.\n");
    }
    if !rules.is_empty() {
        let headings = [">#", "NAME", "REQUESTS", "EFFECT", ">SEEN", ">HIT"];
        out.push_str(&table(&headings, &rules));
    }
    if !limits.is_empty() {
        if !rules.is_empty() {
            out.push('\n');
        }
        out.push_str(&table(&["LIMIT OF", ">A SECOND", ">AT ONCE"], &limits));
    }
    out
}

fn fault(n: u64, rule: &Value) -> Vec<String> {
    let matcher = parts(&rule["match"], &[]);
    vec![
        n.to_string(),
        text(&rule["name"]),
        if matcher.is_empty() { "all".to_owned() } else { matcher },
        parts(&rule["effect"], &[]),
        text(&rule["seen"]),
        text(&rule["fired"]),
    ]
}

/// Writes what is set in an object on one line: `drop after, delay_ms 5`.
fn parts(value: &Value, before: &[&str]) -> String {
    let mut shown = Vec::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Null | Value::Bool(false) => {}
            // A seed means nothing without a probability, and 0 is what it is unless it is set.
            Value::Number(n) if name == "seed" && n.as_u64() == Some(0) => {}
            Value::Bool(true) => shown.push(name.clone()),
            Value::Object(inner) if inner.is_empty() => shown.push(name.clone()),
            Value::Object(_) => {
                let inner = parts(value, &[before, &[name.as_str()]].concat());
                shown.push(if inner.is_empty() {
                    name.clone()
                } else {
                    format!("{name} ({inner})")
                });
            }
            other => shown.push(format!("{name} {}", text(other))),
        }
    }
    printable(&shown.join(", "), LONGEST_CELL)
}

fn limit(limit: &Value) -> Vec<String> {
    let action = text(&limit["action"]);
    vec![
        if action.is_empty() { "all actions".to_owned() } else { action },
        text(&limit["per_second"]),
        text(&limit["burst"]),
    ]
}

/// Shows the world's time.
pub(super) fn clock(document: &Value) -> String {
    let time = text(&document["time"]);
    match number(&document["ahead_ms"]) {
        0 => format!("The world's time is {time}, that of the clock.\n"),
        ms => format!("The world's time is {time}, {} ahead of the clock.\n", span(ms)),
    }
}

/// Writes milliseconds as `1h 30m`.
fn span(mut ms: u64) -> String {
    let mut parts = Vec::new();
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
    {
        if ms >= size {
            parts.push(format!("{}{unit}", ms / size));
            ms %= size;
        }
    }
    parts.join(" ")
}

/// Shows new EIPs.
pub(super) fn eips(document: &Value) -> String {
    let rows: Vec<Vec<String>> = document["eips"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|eip| ["id", "address", "gateway"].map(|field| text(&eip[field])).to_vec())
        .collect();
    table(&["EIP", "ADDRESS", "GATEWAY"], &rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_strangers_sent_is_harmless_on_a_terminal() {
        let calls = calls(&json!({
            "counts": {"\u{1b}[31mX": {"calls": 1, "succeeded": 0, "replayed": 0, "lost": 0, "errors": {"A\nB": 1}}},
            "calls": [{"number": 1, "time": "t", "action": "\u{1b}[2J", "status": 404, "code": "C",
                       "fault": "f", "lost": true, "replayed": false, "parameters": {"a\nb": "\r\u{7}"}}],
        }));
        assert!(!calls.contains(['\u{1b}', '\r', '\u{7}']), "{calls:?}");
        assert_eq!(calls.lines().count(), 5, "{calls}");
        assert!(calls.contains("404 C, lost, fault: f"), "{calls}");
    }

    #[test]
    fn calls_are_listed_and_counted() {
        let counted = |calls: u64, errors: Value| json!({"calls": calls, "succeeded": 1, "replayed": 1, "lost": 0, "errors": errors});
        let document = json!({
            "counts": {
                "CreateNatGateway": counted(12, json!({"QuotaExceeded": 10, "Throttling.User": 1})),
                "DescribeNatGateways": counted(1, json!({})),
            },
            "calls": [
                {"number": 9, "time": "2026-11-22T05:30:01Z", "action": "CreateNatGateway",
                 "parameters": {"ClientToken": "t", "RegionId": "r", "VpcId": "vpc-a", "Name": "a b"},
                 "status": 200, "code": null, "replayed": true, "fault": null, "lost": false},
                {"number": 10, "time": "2026-11-22T05:30:02Z", "action": "CreateNatGateway",
                 "parameters": {}, "status": 400, "code": "Throttling.User", "replayed": false,
                 "fault": "slow", "lost": true},
            ],
        });
        let wanted = "\x20#  TIME                  ACTION            ANSWER                                  PARAMETERS
 9  2026-11-22T05:30:01Z  CreateNatGateway  200, replayed                           VpcId=vpc-a Name=a b
10  2026-11-22T05:30:02Z  CreateNatGateway  400 Throttling.User, lost, fault: slow

ACTION               CALLS  SUCCEEDED  REPLAYED  LOST  ERRORS
CreateNatGateway        12          1         1     0  QuotaExceeded 10, Throttling.User 1
DescribeNatGateways      1          1         1     0
";
        assert_eq!(calls(&document), wanted);
    }

    #[test]
    fn spans_are_written_as_people_write_them() {
        assert_eq!(span(5_400_000), "1h 30m");
        assert_eq!(span(90_061_001), "1d 1h 1m 1s 1ms");
    }
}
