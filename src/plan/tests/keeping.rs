//! What stays: inputs that cannot be cleared or read, ignored changes, objects set aside, shared
//! bandwidth, unfinished operations.

use super::*;
use crate::value::Value;

#[test]
fn what_cannot_be_cleared_is_kept_and_said() {
    let text =
        GATEWAY.replace("vpc_id = \"vpc-1\"", "vpc_id = \"vpc-1\"\n  description = \"the edge\"");
    let mut bench = Bench::applied(&text);
    let plan = bench.write(GATEWAY).plan();
    let gateway = change(&plan, "nat_gateway.g");
    assert_eq!(gateway.kind, ChangeKind::NoOp);
    assert_eq!(gateway.kept, ["description"]);
    assert_eq!(gateway.after.as_ref().unwrap().text("description"), Some("the edge"));
}

#[test]
fn what_cannot_be_read_is_compared_with_the_state() {
    let broken = entry("a", 0, 80, 1).replace("\"tcp\"", "\"tcp\"\n  port_break = true");
    let mut bench = Bench::applied(&format!("{GATEWAY}{broken}"));
    assert_eq!(changes(&bench.plan()), "");
    let plain = format!("{GATEWAY}{}", entry("a", 0, 80, 1));
    assert_eq!(
        changes(&bench.write(&plain).plan()),
        "delete+create forward_entry.a (cannot_update)\n"
    );
    // After an import nothing is known of it: what is configured is taken for what is.
    bench.instance_mut("forward_entry.a").object.remove("port_break");
    assert_eq!(changes(&bench.plan()), "");
    bench.apply();
    assert_eq!(changes(&bench.write(&format!("{GATEWAY}{broken}")).plan()).lines().count(), 1);
}

#[test]
fn inputs_that_are_only_recorded_change_the_record() {
    let mut bench = Bench::applied(GATEWAY);
    let forced = GATEWAY.replace("vpc_id = \"vpc-1\"", "vpc_id = \"vpc-1\"\n  force = true");
    let plan = bench.write(&forced).apply();
    assert_eq!(changes(&plan), "update nat_gateway.g\n");
    assert!(plan.operations.is_empty());
    assert_eq!(changes(&bench.plan()), "");
    assert!(bench.instance("nat_gateway.g").object.flag("force"));
}

#[test]
fn ignored_changes_are_passed_over() {
    let text = |what: &str, port: u32| {
        let life = format!("\"tcp\"\n  lifecycle {{ ignore_changes = {what} }}");
        format!("{GATEWAY}{}", entry("a", 0, port, 1).replace("\"tcp\"", &life))
    };
    let mut bench = Bench::applied(&text("[external_port]", 80));
    assert_eq!(changes(&bench.write(&text("[external_port]", 81)).plan()), "");
    assert_eq!(changes(&bench.write(&text("all", 81)).plan()), "");
    assert_eq!(
        changes(&bench.write(&text("[internal_port]", 81)).plan()),
        "update forward_entry.a\n"
    );
    // A replacement takes what is configured.
    bench.write(&text("[external_port]", 81)).options.replace =
        vec!["forward_entry.a".parse().unwrap()];
    let plan = bench.plan();
    let after = change(&plan, "forward_entry.a").after.as_ref().unwrap();
    assert_eq!(after.text("external_port"), Some("81"));
}

#[test]
fn sets_and_spellings_make_no_difference() {
    let pool = snat("s", 0, "10.0.0.0/24").replace(
        "[bandwidth_package.p.public_ip_addresses[0]]",
        "[bandwidth_package.p.public_ip_addresses[1], bandwidth_package.p.public_ip_addresses[0]]",
    );
    let mut bench = Bench::applied(&format!("{GATEWAY}{pool}"));
    assert_eq!(changes(&bench.plan()), "");
    let other = pool.replace("[1], bandwidth", "[0], bandwidth").replace("s[0]]\n", "s[1]]\n");
    assert_eq!(changes(&bench.write(&format!("{GATEWAY}{other}")).plan()), "");
}

#[test]
fn objects_set_aside_are_deleted() {
    let mut bench = Bench::applied(&format!("{GATEWAY}{}", entry("a", 0, 80, 1)));
    let old = bench.instance("forward_entry.a").clone();
    bench.cloud.next_like("fwd-old", &old.id, &[("external_port", "99"), ("internal_port", "99")]);
    let mut aside = old;
    aside.id = "fwd-old".into();
    aside.object.set("id", Value::from("fwd-old"));
    aside.deposed = Some("0011aabb".into());
    bench.snapshot.instances.insert(aside.key(), aside);
    let plan = bench.plan();
    assert_eq!(changes(&plan), "delete forward_entry.a (deposed)\n");
    let gone = plan.changes.iter().find(|c| c.deposed.is_some()).unwrap();
    assert_eq!(gone.id.as_deref(), Some("fwd-old"));
    assert_eq!(plan.operations[0].deposed.as_deref(), Some("0011aabb"));
    // What stands in its way is judged too: it holds its key until it is gone.
    let text = format!("{GATEWAY}{}{}", entry("a", 0, 80, 1), entry("b", 0, 99, 99));
    let plan = bench.write(&text).plan();
    assert_eq!(
        operations(&plan),
        "0 DeleteForwardEntry forward_entry.a\n1 CreateForwardEntry forward_entry.b <- 0\n"
    );
}

#[test]
fn shared_bandwidth_is_forgotten_with_a_warning() {
    let text = GATEWAY.replace("ip_count       = 2", "ip_count = 2\n  convert_to_shared = true");
    let mut bench = Bench::applied(GATEWAY);
    let plan = bench.write(&text).plan();
    assert_eq!(changes(&plan), "update bandwidth_package.p\n");
    assert_eq!(plan.operations[0].action.name(), "ConvertBandwidthPackage");
    let id = bench.id("bandwidth_package.p");
    let package = &mut bench.instance_mut("bandwidth_package.p").object;
    package.set("convert_to_shared", Value::from(true));
    package.set("common_bandwidth_package_id", Value::from("cbwp-1"));
    bench.cloud.objects.remove(&id);
    assert_eq!(changes(&bench.plan()), "", "absence from the list of packages is not drift");
    let gateway = GATEWAY.split("resource \"bandwidth_package\"").next().unwrap();
    let plan = bench.write(gateway).plan();
    assert_eq!(changes(&plan), "forget bandwidth_package.p (no_configuration)\n");
    assert!(bench.said().contains("warning[only-forgotten]"));
}

#[test]
fn unfinished_operations_are_shown() {
    let mut bench = Bench::applied(GATEWAY);
    let entry: crate::state::JournalEntry = serde_json::from_value(unfinished()).unwrap();
    bench.snapshot.open.push(entry);
    let plan = bench.plan();
    assert!(plan.has_changes());
    let document = document::PlanDocument::new(
        &plan,
        &Diagnostics::new(),
        &crate::diagnostic::SourceMap::default(),
        false,
    );
    assert_eq!(document.unfinished[0].action, "CreateNatGateway");
    assert!(document.unfinished[0].recovery.contains("the same token"));
}

/// A journal entry; fields that later versions add have defaults or are listed here.
fn unfinished() -> serde_json::Value {
    serde_json::json!({
        "id": 1, "run": "r", "operation": null, "address": "nat_gateway.x", "deposed": null,
        "creates": true, "sets_aside": null, "action": "CreateNatGateway", "parameters": {},
        "token": "t", "digest": "", "lane": "", "planned": null, "step": [0, 1],
        "natural_key": null, "existing": [], "provider": "", "region": "cn-hangzhou",
        "service": "Real", "dependencies": [], "create_before_destroy": false,
        "prevent_destroy": false, "ambiguous": false, "phase": "intended", "object_id": null,
        "request_id": "", "outcome": "", "intended_at": 0, "updated_at": 0,
    })
}
