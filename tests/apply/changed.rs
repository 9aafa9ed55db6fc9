//! What others change while a plan waits to be applied, and while it is applied.

use std::time::Duration;

use natform::api::catalogue::Action;
use natform::emulator::Settings;
use natform::resources::ReadScope;

use crate::bench::Bench;
use crate::configurations::shop;

/// A shop of which both entries are to change, and the list of their table.
fn changing() -> (Bench, String, ReadScope) {
    let bench = Bench::new(Settings::default());
    bench.converge(&shop(&[(80, 8080), (443, 8443)], 5, 2));
    let table = bench
        .snapshot()
        .instances
        .values()
        .find_map(|instance| instance.object.text("forward_table_id").map(str::to_owned))
        .unwrap();
    let scope = ReadScope::ForwardEntries { region: "cn-hangzhou".to_owned(), table };
    (bench, shop(&[(80, 8081), (443, 8444)], 5, 2), scope)
}

/// Somebody leads one of the entries elsewhere.
fn edit(bench: &Bench, key: &str) {
    let snapshot = bench.snapshot();
    let entry = snapshot.instances.values().find(|i| i.address.to_string().ends_with(key)).unwrap();
    let text = |name: &str| entry.object.text(name).unwrap();
    bench.outsider(
        Action::ModifyForwardEntry,
        &[
            ("ForwardTableId", text("forward_table_id")),
            ("ForwardEntryId", text("id")),
            ("InternalIp", "192.168.1.99"),
        ],
    );
    bench.clock.advance(Duration::from_secs(5));
}

/// Applies and asserts that one entry is left as somebody has made it.
fn stops_at_the_edited(bench: &Bench, text: &str, scope: &ReadScope, edited_before: bool) {
    let program = bench.program(text);
    let plan = bench.plan(&program);
    if edited_before {
        edit(bench, "[\"80\"]");
    }
    let lists = bench.lists(std::slice::from_ref(scope));
    if !edited_before {
        edit(bench, "[\"80\"]");
    }
    bench.emulator.forget_calls();
    let outcome = bench.carry_out_after(&program, &plan, None, &lists).unwrap();
    assert_eq!((outcome.failed, outcome.counts.updated), (1, 1), "{outcome:#?}");
    let diagnostic = outcome.diagnostics.iter().next().unwrap();
    assert_eq!(diagnostic.code, "changed-since-plan");
    assert!(
        diagnostic.detail.contains("internal_ip: \"192.168.1.10\" → \"192.168.1.99\""),
        "{}",
        diagnostic.detail
    );
    let counts = bench.emulator.counts();
    assert_eq!(counts["ModifyForwardEntry"].calls, 1);
    // The next plan shows it, and undoes it.
    bench.converge(text);
    bench.assert_converged(text);
}

#[test]
fn what_was_changed_before_the_first_call_is_noticed_from_the_refresh() {
    let (bench, text, scope) = changing();
    stops_at_the_edited(&bench, &text, &scope, true);
}

#[test]
fn what_was_changed_since_is_noticed_from_the_polls_of_the_lane() {
    let (bench, text, scope) = changing();
    stops_at_the_edited(&bench, &text, &scope, false);
}

#[test]
fn noticing_costs_no_call() {
    let (bench, text, scope) = changing();
    let program = bench.program(&text);
    let plan = bench.plan(&program);
    let lists = bench.lists(&[scope]);
    bench.emulator.forget_calls();
    let outcome = bench.carry_out_after(&program, &plan, None, &lists).unwrap();
    assert!(outcome.is_success(), "{outcome:#?}");
    let counts = bench.emulator.counts();
    assert_eq!(counts["ModifyForwardEntry"].calls, 2);
    assert!(counts["DescribeForwardTableEntries"].calls <= 4, "{counts:#?}");
    bench.assert_converged(&text);
}
