//! A service that does what the documents say.

use super::world::Manner;
use super::*;
use crate::api::catalogue::Action;

#[test]
fn a_gateway_and_its_entries_are_made_and_deleted() {
    let bench = Bench::new(Manner::default());
    let wish = Wish::default().gateway("g").entries("g", [80, 443]);
    let outcome = bench.apply(&wish);
    assert_done(&outcome);
    assert_eq!((outcome.counts.created, outcome.operations), (3, 3));
    bench.assert_converged(&wish);
    let snapshot = bench.snapshot();
    assert_eq!(snapshot.outputs["ids"].as_elements().unwrap().len(), 3);
    let entry = &snapshot.instances[&("forward_entry.g[\"80\"]".parse().unwrap(), None)];
    assert_eq!(entry.object.text("forward_table_id"), Some("ftb-1"));
    assert_eq!(entry.object.text("status"), Some("Available"));
    let started: Vec<_> = bench.world.actions();
    assert_eq!(started[0], Action::CreateNatGateway);

    assert_done(&bench.apply(&wish));
    assert_eq!(bench.world.sent().len(), 3, "nothing is left to do");

    let outcome = bench.apply(&Wish::default());
    assert_done(&outcome);
    assert_eq!(outcome.counts.deleted, 3);
    bench.assert_converged(&Wish::default());
    assert_eq!(*bench.world.actions().last().unwrap(), Action::DeleteNatGateway);
    let history = bench.store().history(100).unwrap();
    assert!(history.iter().all(|h| h.run.as_ref().unwrap().ended_at.is_some()));
}

#[test]
fn tables_fill_side_by_side_as_fast_as_the_service_lets_them() {
    let bench = Bench::new(Manner::default());
    let gateways: Vec<String> = (0..5).map(|i| format!("g{i}")).collect();
    let make = gateways.iter().fold(Wish::default(), |wish, g| wish.gateway(g));
    assert_done(&bench.apply(&make));
    let (sent, read) = (bench.world.sent().len(), bench.world.reads());
    let wish = gateways.iter().fold(make, |wish, g| wish.entries(g, 1..=60));
    let took = bench.took(|| assert_done(&bench.apply(&wish)));
    bench.assert_converged(&wish);
    let calls = bench.world.sent().len() - sent + bench.world.reads() - read;
    assert!(took.as_secs_f64() <= 60.0 * 1.05, "{took:?}");
    assert!(calls * 10 <= 300 * 22, "{calls} calls for 300 entries");
}

#[test]
fn deletes_overlap() {
    let bench = Bench::new(Manner::default());
    let gateway = Wish::default().gateway("g");
    assert_done(&bench.apply(&gateway.clone().entries("g", 1..=30)));
    let read = bench.world.reads();
    let took = bench.took(|| assert_done(&bench.apply(&gateway)));
    assert!(took.as_secs_f64() < 3.0, "{took:?}");
    assert!(bench.world.reads() - read < 12, "{} reads", bench.world.reads() - read);
    bench.assert_converged(&gateway);
}

#[test]
fn a_change_in_place_is_read_back() {
    let lag = Duration::from_millis(1500);
    let bench = Bench::new(Manner { lag, ..Manner::default() });
    let wish = Wish::default().gateway("g").entries("g", [80]);
    assert_done(&bench.apply(&wish));
    let wish = wish.with("forward_entry.g[\"80\"]", "internal_port", "8080");
    let outcome = bench.apply(&wish);
    assert_done(&outcome);
    assert_eq!(outcome.counts.updated, 1);
    bench.assert_converged(&wish);
}

#[test]
fn a_replacement_that_creates_first_sets_the_old_object_aside() {
    let bench = Bench::new(Manner::default());
    let wish = Wish::default().gateway("g");
    assert_done(&bench.apply(&wish));
    let snapshot = bench.snapshot();
    let instance = snapshot.instances.values().next().unwrap();
    let mut change =
        change("nat_gateway.g", ChangeKind::Replace { create_first: true }, Some(instance));
    let mut after = wish.evaluate("nat_gateway.g", &BTreeMap::new());
    after.set("id", Value::unknown_from(Type::String, "nat_gateway.g.id"));
    change.after = Some(after);
    let mut plan = Plan { changes: vec![change], ..Plan::default() };
    compile(&mut plan);
    bench.world.manner.lock().unwrap().faults.insert(2, world::Fault::Refused("Forbidden"));
    let outcome = bench.apply_plan(&plan, &wish);
    assert_eq!(codes(&outcome), ["service-refused"]);
    let snapshot = bench.snapshot();
    let keys: Vec<_> = snapshot.instances.iter().map(|(k, i)| (k.1.clone(), &*i.id)).collect();
    assert_eq!(keys, [(None, "ngw-2"), (Some("aside".to_owned()), "ngw-1")]);
    assert_done(&bench.apply(&wish));
    bench.assert_converged(&wish);
    assert_eq!(bench.snapshot().instances.values().next().unwrap().id, "ngw-2");
}

#[test]
fn what_is_not_as_planned_is_not_sent() {
    let bench = Bench::new(Manner::default());
    let wish = Wish::default().gateway("g").entries("g", [80]);
    let plan = plan(&Snapshot::default(), &wish);
    let changed = wish.with("forward_entry.g[\"80\"]", "internal_port", "81");
    let outcome = bench.apply_plan(&plan, &changed);
    assert_eq!(codes(&outcome), ["plan-not-kept"]);
    let text = outcome.diagnostics.iter().next().unwrap().detail.clone();
    assert_eq!(text, "The plan showed \"80\"; now it is \"81\".");
    assert_eq!(bench.world.actions(), [Action::CreateNatGateway]);
    assert!(bench.snapshot().open.is_empty());
}

#[test]
fn what_never_settles_is_tainted_and_replaced() {
    let bench = Bench::new(Manner { stuck: true, ..Manner::default() });
    let wish = Wish::default().gateway("g").entries("g", [80]);
    let outcome = bench.apply(&wish);
    assert_eq!(codes(&outcome), ["operation-timed-out"]);
    assert_eq!(outcome.skipped.len(), 1);
    let diagnostic = outcome.diagnostics.iter().next().unwrap();
    assert!(diagnostic.detail.contains("its status is `Pending`"), "{}", diagnostic.detail);
    assert!(bench.saw(|e| matches!(e, ApplyEvent::StillGoing { .. })) >= 29);
    let snapshot = bench.snapshot();
    assert_eq!(snapshot.instances.values().next().unwrap().status, Status::Tainted);
    assert!(snapshot.open.is_empty());
    bench.world.manner.lock().unwrap().stuck = false;
    assert_done(&bench.apply(&wish));
    bench.assert_converged(&wish);
}

#[test]
fn the_first_interrupt_finishes_what_is_in_flight() {
    let bench = Bench::new(Manner::default());
    let wish = Wish::default().gateway("g").entries("g", 1..=5);
    let plan = plan(&bench.snapshot(), &wish);
    let outcome = bench.run(async |context| {
        let events = Arc::clone(&bench.events);
        let interrupt = &bench.world.interrupter;
        let observer = move |event: ApplyEvent| {
            if let ApplyEvent::Started { operation, .. } = &event
                && operation.action == Action::CreateForwardEntry
            {
                interrupt.lock().unwrap().as_ref().unwrap().raise();
            }
            events.lock().unwrap().push(event);
        };
        let context = ApplyContext { observer: &observer, ..context };
        apply(&plan, &Evaluator::new(&wish), &BTreeMap::new(), context).await
    });
    assert!(outcome.interrupted && outcome.diagnostics.is_empty());
    assert_eq!((outcome.operations, outcome.not_begun), (2, 4));
    assert_eq!(bench.saw(|e| matches!(e, ApplyEvent::Finishing { in_flight: 1 })), 1);
    assert!(bench.snapshot().open.is_empty());
    assert_done(&bench.apply(&wish));
    bench.assert_converged(&wish);
}

#[test]
fn a_saved_plan_goes_on_where_it_was_broken_off() {
    let bench = Bench::new(Manner::default());
    let wish = Wish::default().gateway("g").entries("g", 1..=3);
    let plan = plan(&bench.snapshot(), &wish);
    bench.world.manner.lock().unwrap().faults.insert(2, world::Fault::Killed(true));
    let run = RunRecord {
        id: "saved".to_owned(),
        command: "apply".to_owned(),
        who: "ann@desk".to_owned(),
        plan: Some("digest".to_owned()),
        started_at: Timestamp(1),
        ended_at: None,
    };
    let again = || {
        let run = bench.store().run_of_plan("digest").unwrap().unwrap_or_else(|| run.clone());
        bench.run_as(Some(run), async |context| {
            apply(&plan, &Evaluator::new(&wish), &BTreeMap::new(), context).await
        })
    };
    assert!(again().interrupted);
    let run_now = bench.store().run_of_plan("digest").unwrap().unwrap();
    assert_eq!(run_now.ended_at, None);
    bench.run_as(Some(run_now), async |context| recover(context, &|_| true, &[]).await);
    assert_done(&again());
    bench.assert_converged(&wish);
    assert!(bench.store().run_of_plan("digest").unwrap().unwrap().ended_at.is_some());
}

#[test]
fn drift_is_recorded_and_moves_are_made() {
    let bench = Bench::new(Manner::default());
    let wish = Wish::default().gateway("g").gateway("h").gateway("i");
    assert_done(&bench.apply(&wish));
    let snapshot = bench.snapshot();
    let of =
        |name: &str| &snapshot.instances[&(format!("nat_gateway.{name}").parse().unwrap(), None)];
    // g becomes h, h becomes g, i is no longer there.
    let mut changes: Vec<Change> = [("g", "h"), ("h", "g")]
        .into_iter()
        .map(|(from, to)| {
            let mut change = change(&format!("nat_gateway.{to}"), ChangeKind::NoOp, Some(of(from)));
            change.previous_address = Some(Box::new(of(from).address.clone()));
            let mut live = of(from).object.clone();
            live.set("description", Value::from("new"));
            change.after = Some(live);
            change
        })
        .collect();
    changes.push(change("nat_gateway.i", ChangeKind::NoOp, None));
    let plan = Plan { changes, ..Plan::default() };
    let outcome = bench.apply_plan(&plan, &wish);
    assert_done(&outcome);
    assert_eq!(outcome.counts.moved, 2);
    let after = bench.snapshot();
    assert_eq!(after.instances.len(), 2);
    assert_eq!(after.instances[&(of("h").address.clone(), None)].id, of("g").id);
    assert_eq!(after.instances[&(of("g").address.clone(), None)].id, of("h").id);
    let told = |e: &ApplyEvent| matches!(e, ApplyEvent::Refreshed { recorded: 2, removed: 1 });
    assert_eq!(bench.saw(told), 1);
}

#[test]
fn what_was_learned_serves_the_next_run() {
    let bench = Bench::new(Manner::default());
    let wish = Wish::default().gateway("g").entries("g", 1..=20);
    assert_done(&bench.apply(&wish));
    let read = bench.world.reads();
    let wish = wish.entries("g", [99]);
    assert_done(&bench.apply(&wish));
    assert!(bench.world.reads() - read <= 4, "{}", bench.world.reads() - read);
}

#[test]
fn a_postcondition_that_does_not_hold_stops_what_depends_on_it() {
    let bench = Bench::new(Manner::default());
    let wish = Wish::default().gateway("g").entries("g", [80]).with(
        "forward_entry.g[\"80\"]",
        "internal_port",
        "666",
    );
    let outcome = bench.apply(&wish);
    assert_eq!(codes(&outcome), ["postcondition"]);
    assert_eq!((outcome.failed, outcome.counts.created), (1, 2), "it is there nevertheless");
    bench.assert_converged(&wish);
}

#[test]
fn what_becomes_known_is_checked_before_it_is_sent() {
    let bench = Bench::new(Manner::default());
    let wish = Wish::default().gateway("g").entries("g", [80]);
    assert_done(&bench.apply(&Wish::default().gateway("g")));
    // The port comes from elsewhere, and is none.
    let wish = wish.with("forward_entry.g[\"80\"]", "internal_port", "=nat_gateway.g.name");
    let mut plan = plan(&bench.snapshot(), &wish);
    let change = plan.changes.iter_mut().find(|c| c.kind == ChangeKind::Create).unwrap();
    let unknown = Value::unknown_from(Type::String, "nat_gateway.g.name");
    change.after.as_mut().unwrap().set("internal_port", unknown.clone());
    let parameters = plan.operations[0].parameters.iter_mut();
    parameters.filter(|p| &*p.name == "InternalPort").for_each(|p| p.value = unknown.clone());
    let outcome = bench.apply_plan(&plan, &wish);
    assert_eq!((outcome.failed, bench.world.sent().len()), (1, 1), "{outcome:#?}");
}
