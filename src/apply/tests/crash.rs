//! The process dies at any call, with its effect or without: the next run leaves no duplicate, no
//! orphan, nothing lost.

use super::world::{Fault, Manner};
use super::*;
use crate::api::catalogue::Edition;

fn dies_at(call: usize, with_effect: bool, edition: Edition, wanted: bool, lag: u64) {
    let bench = Bench::new(Manner {
        edition,
        lag: Duration::from_millis(lag),
        faults: [(call, Fault::Killed(with_effect))].into(),
        ..Manner::default()
    });
    let first = Wish::default().gateway("g").entries("g", [80, 81, 82]);
    let second = Wish::default().gateway("g").gateway("h").entries("g", [80, 83]).with(
        "forward_entry.g[\"80\"]",
        "internal_port",
        "8080",
    );
    for wish in [&first, &second, &Wish::default()] {
        for attempt in 0.. {
            assert!(attempt < 4, "call {call} {with_effect} {edition}: does not converge");
            let recovered = bench.recover(wanted);
            assert!(!recovered.interrupted && recovered.failed == 0, "{recovered:#?}");
            let outcome = bench.apply(wish);
            if outcome.is_success() {
                break;
            }
            assert!(outcome.interrupted, "call {call} {with_effect} {edition}: {outcome:#?}");
        }
        bench.world.clock.advance(Duration::from_secs(5));
        bench.assert_converged(wish);
    }
}

/// Whether an old wish is still wanted, and by how much lists lag.
const AFTERWARDS: [(bool, u64); 2] = [(true, 0), (false, 1500)];

#[test]
fn dying_at_any_call_is_safe() {
    for call in 0..17 {
        for with_effect in [true, false] {
            let edition = Edition::ALL[call % 2];
            let (wanted, lag) = AFTERWARDS[(call / 2 + usize::from(with_effect)) % 2];
            dies_at(call, with_effect, edition, wanted, lag);
        }
    }
}

#[test]
#[ignore = "takes long: all combinations"]
fn dying_at_any_call_is_safe_in_every_way() {
    for call in 0..17 {
        for with_effect in [true, false] {
            for edition in Edition::ALL {
                for (wanted, lag) in AFTERWARDS {
                    dies_at(call, with_effect, edition, wanted, lag);
                }
            }
        }
    }
}

#[test]
fn dying_between_answer_and_settling_is_safe() {
    for n in 1..40 {
        let bench = Bench::new(Manner::default());
        let wish = Wish::default().gateway("g").entries("g", [80, 81]);
        let plan = plan(&bench.snapshot(), &wish);
        let outcome = bench.run(async |context| {
            // Leaves at the n-th event, whatever it is.
            let count = std::cell::Cell::new(0);
            let interrupt = &bench.world.interrupter;
            let observer = |_: ApplyEvent| {
                count.set(count.get() + 1);
                if count.get() == n {
                    let guard = interrupt.lock().unwrap();
                    guard.as_ref().unwrap().raise();
                    guard.as_ref().unwrap().raise();
                }
            };
            let context = ApplyContext { observer: &observer, ..context };
            apply(&plan, &Evaluator::new(&wish), &BTreeMap::new(), context).await
        });
        if !outcome.interrupted {
            assert!(n > 5, "{n}");
            return;
        }
        bench.recover(true);
        assert_done(&bench.apply(&wish));
        bench.assert_converged(&wish);
    }
}

#[test]
fn faults_everywhere_still_converge() {
    let kinds = [
        Fault::Lost,
        Fault::Unanswered,
        Fault::Fails,
        Fault::Throttled,
        Fault::Refused("OperationConflict"),
    ];
    for seed in 0_usize..12 {
        // Every fifth call on average.
        let faults = (0..300).filter_map(|call| {
            let number = call * 7919 + seed * 104_729;
            let hit = number % 5 == seed % 5;
            hit.then(|| (call, kinds[number / 5 % kinds.len()]))
        });
        let edition = Edition::ALL[seed % 2];
        let bench = Bench::new(Manner { faults: faults.collect(), edition, ..Manner::default() });
        let wish =
            Wish::default().gateway("g").gateway("h").entries("g", 1..=6).entries("h", 1..=6);
        let outcome = bench.apply(&wish);
        assert!(outcome.is_success(), "seed {seed}: {outcome:#?}");
        bench.assert_converged(&wish);
        assert_done(&bench.apply(&Wish::default()));
        bench.assert_converged(&Wish::default());
    }
}
