//! A service and a network that do not behave.

use super::world::{Fault, Manner};
use super::*;
use crate::api::catalogue::{Action, Edition};
use crate::state::Phase;

fn bench(faults: &[(usize, Fault)]) -> Bench {
    Bench::new(Manner { faults: faults.iter().copied().collect(), ..Manner::default() })
}

#[test]
fn every_passing_fault_of_a_create_leaves_one_object() {
    let wish = Wish::default().gateway("g").entries("g", [80]);
    for fault in [
        Fault::Lost,
        Fault::Unanswered,
        Fault::Fails,
        Fault::NotSent,
        Fault::Throttled,
        Fault::Refused("OperationConflict"),
        Fault::Refused("LastTokenProcessing"),
        Fault::Refused("IncorretForwardEntryStatus"),
    ] {
        for edition in Edition::ALL {
            let bench = bench(&[(1, fault), (2, fault)]);
            bench.world.manner.lock().unwrap().edition = edition;
            let outcome = bench.apply(&wish);
            assert!(outcome.is_success(), "{fault:?} {edition}: {outcome:#?}");
            bench.assert_converged(&wish);
            let creates =
                bench.world.sent().into_iter().filter(|c| c.action == Action::CreateForwardEntry);
            let tokens: BTreeSet<_> = creates.map(|c| c.token().map(str::to_owned)).collect();
            assert_eq!(tokens.len(), 1, "{fault:?}: the token stays");
        }
    }
}

#[test]
fn every_passing_fault_of_a_modify_or_delete_is_overcome() {
    let before = Wish::default().gateway("g").entries("g", [80, 81]);
    let after = Wish::default().gateway("g").entries("g", [80]).with(
        "forward_entry.g[\"80\"]",
        "internal_port",
        "8080",
    );
    for fault in [
        Fault::Lost,
        Fault::Unanswered,
        Fault::Fails,
        Fault::NotSent,
        Fault::Throttled,
        Fault::Refused("OperationConflict"),
        Fault::Refused("IncorretForwardEntryStatus"),
    ] {
        let bench = bench(&[(3, fault), (4, fault)]);
        assert_done(&bench.apply(&before));
        let outcome = bench.apply(&after);
        assert!(outcome.is_success(), "{fault:?}: {outcome:#?}");
        bench.assert_converged(&after);
    }
}

#[test]
fn a_refusal_stops_what_depends_on_it_and_nothing_else() {
    let bench =
        bench(&[(0, Fault::Refused("Forbidden.RAM")), (1, Fault::Refused("Forbidden.RAM"))]);
    let wish = Wish::default().gateway("g").entries("g", [80]);
    let outcome = bench.apply(&wish);
    assert_eq!(codes(&outcome), ["service-refused"]);
    assert_eq!((outcome.failed, outcome.skipped.len()), (1, 1));
    assert!(bench.snapshot().open.is_empty());
    let other = wish.gateway("h").entries("h", [80]);
    let outcome = bench.apply(&other);
    assert_eq!((outcome.failed, outcome.counts.created), (1, 2));
    let rows = bench.store().entries_of_run("run-2").unwrap();
    assert_eq!(rows.iter().filter(|r| r.phase == Phase::Rejected).count(), 1);
    assert_done(&bench.apply(&other));
    bench.assert_converged(&other);
}

#[test]
fn a_refusal_after_an_unanswered_send_is_followed_by_a_look() {
    let wish = Wish::default().gateway("g").entries("g", [80]);
    let made = bench(&[(1, Fault::Unanswered), (2, Fault::Refused("Forbidden.RAM"))]);
    assert_done(&made.apply(&wish));
    made.assert_converged(&wish);
    let not_made = bench(&[(1, Fault::Lost), (2, Fault::Refused("Forbidden.RAM"))]);
    let outcome = not_made.apply(&wish);
    assert_eq!(codes(&outcome), ["service-refused"]);
    let rows = not_made.store().entries_of_run("run-1").unwrap();
    assert_eq!(rows[1].phase, Phase::Abandoned);
    assert!(not_made.snapshot().open.is_empty());
}

#[test]
fn what_is_gone_settles_a_delete_and_stops_a_modify() {
    let bench = bench(&[]);
    let wish = Wish::default().gateway("g").entries("g", [80, 81, 82]);
    assert_done(&bench.apply(&wish));
    let id = |port: u32| {
        let address = format!("forward_entry.g[\"{port}\"]").parse().unwrap();
        bench.snapshot().instances[&(address, None)].id.clone()
    };
    bench.world.vanish(&id(81));
    bench.world.vanish(&id(80));
    let wish = Wish::default().gateway("g").entries("g", [80, 82]).with(
        "forward_entry.g[\"80\"]",
        "internal_port",
        "8080",
    );
    let outcome = bench.apply(&wish);
    assert_eq!(outcome.counts.deleted, 1, "{outcome:#?}");
    assert_eq!((outcome.failed, outcome.counts.updated), (1, 0));
    let detail = &outcome.diagnostics.iter().next().unwrap().detail;
    assert!(detail.contains("the object is gone"), "{detail}");
}

#[test]
fn endless_refusals_end_with_the_time_and_name_what_blocks() {
    let faults: Vec<_> =
        (1..500).map(|i| (i, Fault::Refused("IncorretForwardEntryStatus"))).collect();
    let bench = bench(&faults);
    let wish = Wish::default().gateway("g").entries("g", [80]);
    let took = bench.took(|| {
        let outcome = bench.apply(&wish);
        assert_eq!(codes(&outcome), ["operation-timed-out"]);
        let detail = &outcome.diagnostics.iter().next().unwrap().detail;
        assert!(detail.contains("IncorretForwardEntryStatus"), "{detail}");
    });
    assert!(took.as_secs() < 320, "{took:?}");
    assert!(bench.snapshot().open.is_empty());
}

#[test]
fn a_table_that_bears_less_than_documented_is_learned() {
    let bench = bench(&[]);
    let gateway = Wish::default().gateway("g");
    assert_done(&bench.apply(&gateway.clone().entries("g", 1..=6)));
    bench.world.manner.lock().unwrap().strict = true;
    assert_done(&bench.apply(&gateway));
    bench.assert_converged(&gateway);
    assert!(bench.saw(|e| matches!(e, ApplyEvent::Busy { .. })) > 0);
    bench.events.lock().unwrap().clear();
    bench.world.manner.lock().unwrap().strict = false;
    let full = gateway.clone().entries("g", 1..=6);
    assert_done(&bench.apply(&full));
    bench.world.manner.lock().unwrap().strict = true;
    assert_done(&bench.apply(&gateway));
    assert_eq!(bench.saw(|e| matches!(e, ApplyEvent::Busy { .. })), 0);
}

#[test]
fn lists_that_lag_do_not_make_objects_vanish() {
    for edition in Edition::ALL {
        let lag = Duration::from_millis(1900);
        let bench = Bench::new(Manner { lag, edition, ..Manner::default() });
        let wish = Wish::default().gateway("g").entries("g", [80, 81]);
        bench.world.manner.lock().unwrap().faults.insert(2, Fault::Unanswered);
        let outcome = bench.apply(&wish);
        assert_done(&outcome);
        bench.world.clock.advance(lag);
        bench.assert_converged(&wish);
        assert_done(&bench.apply(&Wish::default()));
        bench.assert_converged(&Wish::default());
    }
}

#[test]
fn a_state_that_cannot_be_written_stops_the_run_before_the_next_call() {
    let bench = bench(&[]);
    let wish = Wish::default().gateway("g").entries("g", [80]);
    let plan = plan(&bench.snapshot(), &wish);
    let outcome = bench.run(async |context| {
        // The lock of another state is refused as a full disk would be.
        let other = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::new(other.path().join("x.db"), &bench.environment());
        let context = ApplyContext { store: &mut store, ..context };
        apply(&plan, &Evaluator::new(&wish), &BTreeMap::new(), context).await
    });
    assert!(outcome.state_error.is_some() && !outcome.is_success());
    assert!(bench.world.sent().is_empty());
}

#[test]
fn what_was_only_just_vacated_is_taken_in_a_second_attempt() {
    let bench = bench(&[]);
    let before = Wish::default().gateway("g").entries("g", [80]);
    assert_done(&bench.apply(&before));
    // A key that a delete has left: the service refuses it for a moment longer.
    let snapshot = bench.snapshot();
    let mut plan = plan(&snapshot, &before.clone().entries("g", [81]));
    let gone = snapshot.instances.values().find(|i| i.address.kind() == "forward_entry");
    plan.changes.push(change(&gone.unwrap().address.to_string(), ChangeKind::Delete, gone));
    let index = plan.changes.len() - 1;
    plan.operations.push(operation(&plan.changes[index], index, Purpose::Delete));
    let delete = plan.operations.len() - 1;
    plan.operations[0].after.push(delete);
    let sent = bench.world.sent().len();
    let fault = Fault::Refused("Forbidden.ExternalIp.UsedInSnatTable");
    bench.world.manner.lock().unwrap().faults.insert(sent + 1, fault);
    let wish = Wish::default().gateway("g").entries("g", [81]);
    assert_done(&bench.apply_plan(&plan, &wish));
    bench.assert_converged(&wish);
    let creates = &bench.world.sent()[sent + 1..];
    assert_eq!(creates.len(), 2);
    assert_ne!(creates[0].token(), creates[1].token(), "the refusal was certain: a new token");
    let rows = bench.store().entries_of_run("run-2").unwrap();
    assert!(rows.iter().any(|row| Some(&*row.token) == creates[1].token()));
}

#[test]
fn an_interrupt_ends_what_is_only_refused() {
    let faults: Vec<_> = (1..500).map(|i| (i, Fault::Refused("OperationConflict"))).collect();
    let bench = bench(&faults);
    let wish = Wish::default().gateway("g").entries("g", [80, 81]);
    let plan = plan(&bench.snapshot(), &wish);
    let took = bench.took(|| {
        let outcome = bench.run(async |context| {
            let interrupt = &bench.world.interrupter;
            let observer = |event: ApplyEvent| {
                if matches!(event, ApplyEvent::Busy { .. }) {
                    let stage = interrupt.lock().unwrap().as_ref().unwrap().raise();
                    assert_eq!(stage, interrupt::Stage::Finishing, "only once");
                }
            };
            let context = ApplyContext { observer: &observer, ..context };
            apply(&plan, &Evaluator::new(&wish), &BTreeMap::new(), context).await
        });
        assert!(outcome.interrupted && outcome.diagnostics.is_empty(), "{outcome:#?}");
        assert_eq!((outcome.operations, outcome.not_begun), (1, 2));
    });
    assert!(took.as_secs() < 10, "{took:?}");
    assert!(bench.snapshot().open.is_empty());
    bench.world.manner.lock().unwrap().faults.clear();
    assert_done(&bench.apply(&wish));
    bench.assert_converged(&wish);
}
