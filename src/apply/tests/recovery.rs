//! What earlier runs left open.

use super::world::{Fault, Manner};
use super::*;
use crate::api::call::Call;
use crate::api::catalogue::Action;
use crate::state::Phase;

/// A bench on which a run died at its n-th call.
fn broken(call: usize, with_effect: bool, wish: &Wish) -> Bench {
    let faults = [(call, Fault::Killed(with_effect))].into();
    let bench = Bench::new(Manner { faults, ..Manner::default() });
    assert!(bench.apply(wish).interrupted);
    bench
}

fn recovered(bench: &Bench) -> Vec<Recovery> {
    bench
        .events
        .lock()
        .unwrap()
        .iter()
        .filter_map(|event| match event {
            ApplyEvent::Recovered { outcome, .. } => Some(*outcome),
            _ => None,
        })
        .collect()
}

#[test]
fn a_young_token_is_sent_again() {
    let wish = Wish::default().gateway("g");
    for with_effect in [true, false] {
        let bench = broken(0, with_effect, &wish);
        let outcome = bench.recover(true);
        assert_eq!((outcome.recovered, outcome.failed), (1, 0));
        assert_eq!(recovered(&bench), [Recovery::Resent]);
        let sent = bench.world.sent();
        assert_eq!((sent.len(), sent[0].token()), (2, sent[1].token()));
        bench.assert_converged(&wish);
    }
}

#[test]
fn an_old_token_is_not() {
    let wish = Wish::default().gateway("g");
    for with_effect in [true, false] {
        let bench = broken(0, with_effect, &wish);
        bench.world.clock.advance(Duration::from_secs(301));
        bench.recover(true);
        let expected = if with_effect { Recovery::Adopted } else { Recovery::Abandoned };
        assert_eq!(recovered(&bench), [expected]);
        assert_eq!(bench.world.sent().len(), 1);
        assert!(bench.snapshot().open.is_empty());
        assert_done(&bench.apply(&wish));
        bench.assert_converged(&wish);
    }
}

#[test]
fn what_is_no_longer_wanted_is_adopted_and_deleted() {
    let bench = broken(0, true, &Wish::default().gateway("g"));
    bench.recover(false);
    assert_eq!(recovered(&bench), [Recovery::Adopted]);
    assert_done(&bench.apply(&Wish::default()));
    bench.assert_converged(&Wish::default());
    assert_eq!(bench.world.actions(), [Action::CreateNatGateway, Action::DeleteNatGateway]);
}

#[test]
fn an_object_that_was_there_before_is_nobody_s() {
    let wish = Wish::default().gateway("g");
    let bench =
        Bench::new(Manner { faults: [(0, Fault::Killed(false))].into(), ..Manner::default() });
    let foreign = Call::new(Action::CreateNatGateway)
        .with("RegionId", "cn-hangzhou")
        .with("VpcId", "vpc-1")
        .with("Name", "g");
    let id = bench.world.plant(&foreign);
    assert!(bench.apply(&wish).interrupted);
    assert_eq!(bench.snapshot().open[0].existing, std::slice::from_ref(&id));
    bench.recover(false);
    assert_eq!(recovered(&bench), [Recovery::Abandoned]);
    assert!(bench.snapshot().instances.is_empty());
}

#[test]
fn several_candidates_are_left_to_the_user() {
    let wish = Wish::default().gateway("g").entries("g", [80]);
    let bench = broken(0, true, &wish);
    let twin = bench.world.sent()[0].clone();
    let other = bench.world.plant(&twin);
    let outcome = bench.recover(false);
    assert_eq!(codes(&outcome), ["operation-stuck"]);
    assert_eq!(recovered(&bench), [Recovery::Stuck]);
    let open = bench.snapshot().open;
    assert_eq!(open[0].phase, Phase::Stuck);
    assert!(open[0].outcome.contains("ngw-1") && open[0].outcome.contains(&other));

    // It stays so, and blocks its address and what depends on it.
    assert_eq!(bench.recover(true).unfinished, 1);
    let more = wish.clone().gateway("h");
    let outcome = bench.apply(&more);
    assert_eq!(codes(&outcome), ["operation-unfinished"]);
    assert_eq!((outcome.counts.created, outcome.skipped.len()), (1, 1));

    let address: Address = "nat_gateway.g".parse().unwrap();
    let wrong = Resolution::Adopt(
        address.clone(),
        bench.snapshot().instances.values().next().unwrap().id.clone(),
    );
    assert_eq!(codes(&bench.recover_with(false, &[wrong])), ["cannot-adopt"]);
    let nothing = Resolution::Abandon("nat_gateway.x".parse().unwrap());
    assert_eq!(codes(&bench.recover_with(false, &[nothing])), ["nothing-to-recover"]);
    let adopt = Resolution::Adopt(address, "ngw-1".to_owned());
    assert_eq!(bench.recover_with(false, &[adopt]).failed, 0);
    bench.world.vanish(&other);
    assert_done(&bench.apply(&more));
    bench.assert_converged(&more);
}

#[test]
fn what_is_stuck_can_be_abandoned_or_tried_again() {
    for abandon in [true, false] {
        let wish = Wish::default().gateway("g");
        let bench = broken(0, true, &wish);
        let twin = bench.world.sent()[0].clone();
        let other = bench.world.plant(&twin);
        bench.recover(false);
        let address: Address = "nat_gateway.g".parse().unwrap();
        if abandon {
            bench.recover_with(false, &[Resolution::Abandon(address)]);
            assert!(bench.snapshot().instances.is_empty());
        } else {
            bench.world.vanish(&other);
            bench.recover_with(false, &[Resolution::Retry(address)]);
            bench.assert_converged(&wish);
        }
        assert!(bench.snapshot().open.is_empty());
    }
}

#[test]
fn equal_calls_are_resolved_together() {
    // Two gateways of one name: nothing tells them apart.
    let mut wish = Wish::default().gateway("a").gateway("b");
    for address in ["nat_gateway.a", "nat_gateway.b"] {
        wish = wish.with(address, "name", "same");
    }
    for (first, second) in [(true, true), (true, false), (false, false)] {
        let faults = [(0, Fault::Killed(first)), (1, Fault::Killed(second))].into();
        let bench = Bench::new(Manner { faults, ..Manner::default() });
        assert!(bench.apply(&wish).interrupted);
        assert_eq!(bench.snapshot().open.len(), 2);
        let outcome = bench.recover(false);
        assert_eq!(outcome.failed, 0, "{outcome:#?}");
        assert!(bench.snapshot().open.is_empty());
        let made = usize::from(first) + usize::from(second);
        assert_eq!(bench.snapshot().instances.len(), made);
        assert_done(&bench.apply(&wish));
        bench.assert_converged(&wish);
    }
}

#[test]
fn intentions_are_told_without_a_call() {
    let wish = Wish::default().gateway("g");
    let bench = broken(0, true, &wish);
    let settings = Settings::default();
    let mut entry = bench.snapshot().open[0].clone();
    let now = bench.world.clock.now();
    let intend = |entry: &crate::state::JournalEntry, now, wanted, token| {
        intention(entry, now, &settings, wanted, token)
    };
    assert_eq!(intend(&entry, now, true, true), Intention::SendAgain);
    assert_eq!(intend(&entry, now, true, false), Intention::LookFor);
    assert_eq!(intend(&entry, now, false, true), Intention::LookFor);
    assert_eq!(intend(&entry, Timestamp(now.0 + 300_000), true, true), Intention::LookFor);
    entry.creates = false;
    assert_eq!(intend(&entry, now, false, true), Intention::Compare);
    entry.phase = Phase::Stuck;
    assert_eq!(intend(&entry, now, true, true), Intention::LeaveToUser);
    entry.phase = Phase::Acknowledged;
    assert_eq!(intend(&entry, now, true, true), Intention::Wait);
    assert_eq!(bench.world.sent().len(), 1);
}

#[test]
fn an_object_that_another_address_has_is_not_recorded_again() {
    let wish = Wish::default().gateway("g");
    let bench = broken(0, true, &wish);
    // Somebody has taken the object over meanwhile.
    let mut store = bench.store();
    let info = LockInfo {
        id: "l".to_owned(),
        who: "ann@desk".to_owned(),
        pid: 1,
        operation: "import".to_owned(),
        since: Timestamp(0),
    };
    let lock = store.lock(&info, Duration::ZERO).unwrap();
    let object = bench.world.things()["ngw-1"].clone();
    let instance = Instance {
        address: "nat_gateway.mine".parse().unwrap(),
        deposed: None,
        id: "ngw-1".to_owned(),
        status: Status::Ready,
        object,
        dependencies: Vec::new(),
        provider: "".into(),
        region: "cn-hangzhou".to_owned(),
        service: Place::Embedded("w".into()),
        schema_version: 1,
        create_before_destroy: false,
        prevent_destroy: false,
    };
    store.commit(&lock, vec![Write::Put(instance.into())]).unwrap();
    drop((lock, store));
    for wanted in [true, false] {
        bench.recover(wanted);
        let snapshot = bench.snapshot();
        assert!(snapshot.open.is_empty());
        assert_eq!(snapshot.instances.len(), 1);
    }
    assert_eq!(recovered(&bench), [Recovery::Abandoned]);
}
