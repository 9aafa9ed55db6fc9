//! The renderings of one plan that has every kind of change.

use serde_json::{Value as Json, json};

use super::paint::Paint;
use super::{markdown, text};
use crate::plan::document::PlanDocument;

const PLAIN: Paint = Paint { on: false };

fn change(address: &str, actions: Json, before: Json, after: Json) -> Json {
    let (kind, name) = address.split_once('.').unwrap();
    json!({
        "address": address, "mode": "managed", "type": kind, "name": name, "index": null,
        "provider": "", "region": "cn-hangzhou", "actions": actions, "reasons": [],
        "before": before, "after": after, "after_unknown": {}, "before_sensitive": {},
        "after_sensitive": {}, "sensitivity_only": false, "replace_paths": [], "kept": [],
        "impacts": [], "remarks": [],
    })
}

fn with(mut change: Json, fields: Json) -> Json {
    for (name, value) in fields.as_object().unwrap() {
        change[name] = value.clone();
    }
    change
}

fn document(changes: &[Json], summary: Json) -> PlanDocument {
    let mut counts = json!({
        "create": 0, "update": 0, "replace": 0, "delete": 0, "forget": 0, "read": 0, "no_op": 0,
        "import": 0, "moved": 0, "drift": 0, "outputs": 0, "operations": 0,
    });
    for (name, value) in summary.as_object().unwrap() {
        counts[name] = value.clone();
    }
    serde_json::from_value(json!({
        "format_version": "1.0", "natform_version": "0.1.0", "mode": "normal", "applicable": true,
        "errored": false, "partial": false, "lineage": "", "serial": 1, "summary": counts,
        "changes": changes, "drift": [], "outputs": {}, "operations": [], "unfinished": [],
        "diagnostics": [],
    }))
    .unwrap()
}

fn text(document: &PlanDocument, paint: Paint) -> String {
    let mut out = Vec::new();
    text::plan(document, paint, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn everything() -> PlanDocument {
    let mut document = document(
        &[
            with(
                change(
                    "bandwidth_package.a",
                    json!(["create"]),
                    Json::Null,
                    json!({"bandwidth": 5, "public_ip_addresses": ["1.2.3.4", null]}),
                ),
                json!({"after_unknown": {"id": true, "public_ip_addresses": [false, true]}}),
            ),
            with(
                change(
                    "forward_entry.web",
                    json!(["update"]),
                    json!({"id": "fwd-1", "external_port": "80", "internal_port": "8080", "ip_protocol": "tcp"}),
                    json!({"id": "fwd-1", "external_port": "80", "internal_port": "9090", "ip_protocol": "tcp"}),
                ),
                json!({"impacts": ["interrupts_traffic"], "location": "main.nat.hcl:7"}),
            ),
            with(
                change(
                    "nat_gateway.g",
                    json!(["delete", "create"]),
                    json!({"id": "ngw-1", "vpc_id": "vpc-1", "description": "a <b>`x`"}),
                    json!({"vpc_id": "vpc-2", "description": "a <b>`x`"}),
                ),
                json!({
                    "after_unknown": {"id": true}, "replace_paths": ["vpc_id"],
                    "reasons": [{"code": "cannot_update", "sentence": "`vpc_id` cannot be changed in place"}],
                }),
            ),
            with(
                change(
                    "snat_entry.s",
                    json!(["update"]),
                    json!({"id": "snat-1", "snat_ip": ["1.1.1.1", "2.2.2.2"], "secret": "(sensitive value)"}),
                    json!({"id": "snat-1", "snat_ip": ["2.2.2.2", "3.3.3.3"], "secret": "(sensitive value)"}),
                ),
                json!({"before_sensitive": {"secret": true}, "after_sensitive": {"secret": true}}),
            ),
            with(
                change("snat_entry.t", json!(["delete"]), json!({"id": "snat-2"}), Json::Null),
                json!({"reasons": [{"code": "no_configuration", "sentence": "there is no block for it"}]}),
            ),
        ],
        json!({"create": 1, "update": 2, "replace": 1, "delete": 1, "drift": 1, "outputs": 1}),
    );
    document.drift = serde_json::from_value(json!([{
        "address": "forward_entry.web", "type": "forward_entry", "id": "fwd-1", "status": "changed",
        "attributes": ["internal_port"],
        "before": {"id": "fwd-1", "internal_port": "8000"},
        "after": {"id": "fwd-1", "internal_port": "8080"},
        "before_sensitive": {}, "after_sensitive": {},
    }]))
    .unwrap();
    document.summary.impacts = serde_json::from_value(json!({
        "interrupts_traffic": 4, "changes_billing": 2, "cannot_be_undone": 0, "releases_address": 1,
    }))
    .unwrap();
    let stops = |traffic: &str, seconds: Json| json!({"address": "forward_entry.web", "traffic": traffic, "begins": 1.0, "seconds": seconds});
    document.forecast = serde_json::from_value(json!({
        "seconds": 125.4, "times": "mixed", "critical_path": [0],
        "interruptions": [
            stops("1.1.1.1:443/tcp", json!(5.1)), stops("192.168.1.0/24 outbound", json!(75.0)),
            stops("1.1.1.1:53/udp", Json::Null), stops("1.1.1.1:80/tcp", json!(5.1)),
        ],
    }))
    .unwrap();
    document.outputs = serde_json::from_value(json!({
        "address": {"actions": ["update"], "before": "1.1.1.1", "after": null, "after_unknown": true, "sensitive": false},
    }))
    .unwrap();
    document
}

#[test]
fn text_shows_every_kind_of_change() {
    insta::assert_snapshot!(text(&everything(), PLAIN));
}

#[test]
fn markdown_counts_first_then_warns_then_shows() {
    insta::assert_snapshot!(markdown::plan(&everything()).unwrap());
}

#[test]
fn colour_only_adds_escape_sequences() {
    let coloured = text(&everything(), Paint { on: true });
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_ne!(coloured, plain);
    assert_eq!(plain, text(&everything(), PLAIN));
}

#[test]
fn a_long_plan_stays_within_a_comment_and_says_what_is_missing() {
    let description = "x".repeat(2000);
    let changes: Vec<Json> = (0..100)
        .map(|i| {
            let after = json!({"description": description});
            change(&format!("nat_gateway.g{i}"), json!(["create"]), Json::Null, after)
        })
        .collect();
    let text = markdown::plan(&document(&changes, json!({"create": 100}))).unwrap();
    assert!(text.chars().count() < 65_536);
    assert!(text.starts_with("## natform: Plan: 100 to add"));
    let shown = text.matches("<details>").count();
    assert!(text.contains(&format!("**{} changes are not shown**", 100 - shown)), "{shown}");
}

#[test]
fn a_plan_without_changes_says_so() {
    let text = text(&document(&[], json!({})), PLAIN);
    assert_eq!(text, "No changes. The live objects match the configuration.\n");
}
