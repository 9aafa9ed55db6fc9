//! What becomes of every mutating action when the process dies of it, and of the worst that others
//! can do meanwhile.

use std::time::Duration;

use natform::address::Address;
use natform::api::catalogue::{Action, Edition};
use natform::apply::{ApplyEvent, Recovery, Resolution};
use natform::emulator::{Settings, Timings, faults};
use natform::plan::{ChangeKind, Reason};
use natform::state::{Phase, Status};

use crate::bench::Bench;
use crate::configurations::{NOTHING, conversion, shared, shop};

/// Longer than a token is relied on.
const AGE: Duration = Duration::from_secs(301);

/// What is configured after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Same,
    Edited,
    Destroyed,
}

/// A change in which an action is called.
struct Case {
    action: Action,
    nth: usize,
    before: String,
    after: String,
    /// What else may be configured.
    edited: String,
    region: &'static str,
}

/// The shop with every attribute that is changed in place by a call of its own.
fn attributes(name: &str, spec: &str, package: &str, source: usize) -> String {
    shop(&[(80, 8080)], 5, 3)
        .replace(
            "name   = \"edge\"\n  spec   = \"Small\"",
            &format!("name = \"{name}\"\n  spec = \"{spec}\""),
        )
        .replace("ip_count       = 3", &format!("ip_count = 3\n  name = \"{package}\""))
        .replace("public_ip_addresses[1]", &format!("public_ip_addresses[{source}]"))
}

fn cases() -> Vec<Case> {
    let nothing = NOTHING.to_owned();
    let base = shop(&[(80, 8080), (443, 8443)], 5, 2);
    let more = shop(&[(80, 8080), (443, 8443)], 5, 3);
    let other = shop(&[(80, 9090), (22, 22)], 10, 2);
    let plain = attributes("edge", "Small", "pack", 1);
    let case = |action: Action, nth, before: &str, after: &str, edited: &str| Case {
        action,
        nth,
        before: before.to_owned(),
        after: after.to_owned(),
        edited: edited.to_owned(),
        region: "cn-hangzhou",
    };
    let mut cases = vec![
        case(Action::CreateNatGateway, 1, &nothing, &base, &other),
        case(Action::CreateBandwidthPackage, 1, &nothing, &base, &other),
        case(Action::CreateForwardEntry, 2, &nothing, &base, &other),
        case(Action::CreateSnatEntry, 1, &nothing, &base, &other),
        case(Action::ModifyForwardEntry, 1, &base, &other, &base),
        case(Action::ModifySnatEntry, 1, &plain, &attributes("edge", "Small", "pack", 2), &plain),
        case(
            Action::ModifyNatGatewayAttribute,
            1,
            &plain,
            &attributes("door", "Small", "pack", 1),
            &attributes("gate", "Small", "pack", 1),
        ),
        case(
            Action::ModifyNatGatewaySpec,
            1,
            &plain,
            &attributes("edge", "Middle", "pack", 1),
            &attributes("edge", "Large", "pack", 1),
        ),
        case(
            Action::ModifyBandwidthPackageAttribute,
            1,
            &plain,
            &attributes("edge", "Small", "bundle", 1),
            &attributes("edge", "Small", "bag", 1),
        ),
        case(Action::ModifyBandwidthPackageSpec, 1, &base, &other, &base),
        case(Action::AddBandwidthPackageIps, 1, &base, &more, &base),
        case(Action::RemoveBandwidthPackageIps, 1, &more, &base, &more),
        case(Action::DeleteForwardEntry, 1, &base, &nothing, &other),
        case(Action::DeleteSnatEntry, 1, &base, &nothing, &other),
        case(Action::DeleteBandwidthPackage, 1, &base, &nothing, &other),
        case(Action::DeleteNatGateway, 1, &base, &nothing, &other),
    ];
    cases.push(Case {
        region: "cn-qingdao",
        ..case(
            Action::UpdateNatGatewayNatType,
            1,
            &conversion("Normal"),
            &conversion("Enhanced"),
            &conversion("Enhanced"),
        )
    });
    cases
}

/// Lets the process die of a call, and looks whether the next run tidies up.
fn dies(case: &Case, delivers: bool, old: bool, then: Then, edition: Edition) {
    let what = format!("{:?} delivered: {delivers}, old: {old}, then {then:?}", case.action);
    let timings = Timings {
        read_lag_ms: if old { 1500 } else { 0 },
        // The service has forgotten what natform does not rely on.
        token_lifetime_ms: 300_000,
        ..Timings::default()
    };
    // Only the later edition converts gateways.
    let converts = case.action == Action::UpdateNatGatewayNatType;
    let edition = if converts { Edition::default() } else { edition };
    let settings = Settings { edition, timings, ..Settings::default() };
    let bench = Bench::in_region(settings, case.region);
    bench.converge(&case.before);
    bench.die_of(case.action.name(), case.nth, delivers);
    assert!(bench.apply(&case.after).is_none(), "{what}: nothing died");
    let open = bench.snapshot().open;
    assert!(open.iter().any(|entry| entry.action == case.action), "{what}: {open:#?}");
    if old {
        bench.clock.advance(AGE);
    }
    let text = match then {
        Then::Same => case.after.as_str(),
        Then::Edited => case.edited.as_str(),
        Then::Destroyed => {
            if case.region == "cn-hangzhou" {
                NOTHING
            } else {
                &case.before
            }
        }
    };
    let recovered = bench.recover(text, &[]).unwrap();
    assert!(recovered.is_success() && recovered.recovered > 0, "{what}: {recovered:#?}");
    assert!(bench.snapshot().open.is_empty(), "{what}");
    if case.region != "cn-hangzhou" && then == Then::Destroyed {
        // The service has no way back; what is there is recorded, and that is all.
        return;
    }
    bench.converge(text);
    bench.assert_converged(text);
}

fn all_cases(then: Then) {
    for (number, case) in cases().iter().enumerate() {
        for delivers in [true, false] {
            let old = (number + usize::from(delivers)) % 2 == 0;
            dies(case, delivers, old, then, Edition::ALL[number / 2 % 2]);
            if then == Then::Same {
                dies(case, delivers, !old, then, Edition::ALL[number % 2]);
            }
        }
    }
}

#[test]
fn dying_of_any_action_is_made_whole() {
    all_cases(Then::Same);
}

#[test]
fn dying_of_any_action_is_made_whole_when_the_configuration_is_edited_meanwhile() {
    all_cases(Then::Edited);
}

#[test]
fn dying_of_any_action_is_made_whole_when_everything_is_to_be_destroyed() {
    all_cases(Then::Destroyed);
}

#[test]
fn a_package_that_was_being_converted_is_made_whole() {
    for delivers in [true, false] {
        for old in [true, false] {
            let bench = Bench::new(Settings::default());
            bench.converge(&shared(false));
            bench.die_of("ConvertBandwidthPackage", 1, delivers);
            assert!(bench.apply(&shared(true)).is_none());
            if old {
                bench.clock.advance(AGE);
            }
            bench.converge(&shared(true));
            assert!(bench.snapshot().open.is_empty());
            assert!(!bench.plan(&bench.program(&shared(true))).has_changes());
            let calls = bench.emulator.counts()["ConvertBandwidthPackage"].calls;
            assert!(calls <= 2, "{calls}");
        }
    }
}

/// Enhanced gateways, of which any number fits into a VPC.
fn gateways(count: usize, name: Option<&str>, description: &str) -> String {
    let name = name.map_or(String::new(), |name| format!("name = \"{name}\""));
    format!(
        "{NOTHING}
resource \"nat_gateway\" \"edge\" {{
  count       = {count}
  vpc_id      = \"vpc-emulator\"
  vswitch_id  = \"vsw-emulator-a\"
  nat_type    = \"Enhanced\"
  description = \"{description}\"
  {name}
}}
"
    )
}

#[test]
fn two_unnamed_gateways_of_one_block_of_which_one_call_arrived() {
    for old in [true, false] {
        for (nth, delivers, made) in [(1, true, 1), (2, false, 1), (2, true, 2), (1, false, 0)] {
            let bench = Bench::new(Settings::default());
            bench.die_of("CreateNatGateway", nth, delivers);
            assert!(bench.apply(&gateways(2, None, "two of a kind")).is_none());
            assert_eq!(bench.snapshot().open.len(), 2);
            let there = bench.emulator.with_world(|world, _| world.dump().gateways.len());
            assert_eq!(there.unwrap(), made);
            if old {
                bench.clock.advance(AGE);
            }
            let text = gateways(2, None, "two of a kind");
            bench.converge(&text);
            bench.assert_converged(&text);
        }
    }
}

#[test]
fn equal_calls_of_which_only_one_has_a_token_that_is_too_old_are_looked_for_together() {
    for delivers in [true, false] {
        let bench = Bench::new(Settings::default());
        bench.die_of("CreateNatGateway", 1, true);
        assert!(bench.apply(&gateways(1, None, "twins")).is_none());
        bench.clock.advance(Duration::from_secs(200));
        // The first row stays open: this run dies of its own recovery's look, and again of a create.
        bench.die_of("DescribeNatGateways", 1, false);
        assert!(bench.recover(NOTHING, &[]).is_none());
        bench.die_of("CreateNatGateway", 1, delivers);
        let program = bench.program(&gateways(2, None, "twins"));
        let plan = bench.plan(&program);
        assert!(bench.carry_out(&program, &plan, None).is_none());
        bench.clock.advance(Duration::from_secs(150));
        let text = gateways(2, None, "twins");
        bench.converge(&text);
        bench.assert_converged(&text);
    }
}

fn recovered(bench: &Bench) -> Vec<Recovery> {
    let events = bench.events.lock().unwrap();
    let outcome = |event: &ApplyEvent| match event {
        ApplyEvent::Recovered { outcome, .. } => Some(*outcome),
        _ => None,
    };
    events.iter().filter_map(outcome).collect()
}

fn outsiders_gateway(bench: &Bench, description: &str) -> String {
    let answer = bench.outsider(
        Action::CreateNatGateway,
        &[
            ("VpcId", "vpc-emulator"),
            ("VSwitchId", "vsw-emulator-a"),
            ("NatType", "Enhanced"),
            ("Name", "edge"),
            ("Description", description),
        ],
    );
    answer.body["NatGatewayId"].as_str().unwrap().to_owned()
}

#[test]
fn an_outsider_s_object_of_the_same_name_is_told_by_what_else_it_is() {
    let bench = Bench::new(Settings::default());
    let text = gateways(1, Some("edge"), "ours");
    bench.die_of("CreateNatGateway", 1, true);
    assert!(bench.apply(&text).is_none());
    let theirs = outsiders_gateway(&bench, "theirs");
    bench.clock.advance(AGE);
    let recovered = bench.recover(&text, &[]).unwrap();
    assert!(recovered.is_success(), "{recovered:#?}");
    let snapshot = bench.snapshot();
    assert!(snapshot.open.is_empty() && snapshot.instances.len() == 1);
    assert!(snapshot.instances.values().all(|instance| instance.id != theirs));
    assert!(!bench.plan(&bench.program(&text)).has_changes());
}

#[test]
fn an_outsider_s_object_that_is_otherwise_is_never_taken_over_unasked() {
    let bench = Bench::new(Settings::default());
    let text = gateways(1, Some("edge"), "ours");
    bench.die_of("CreateNatGateway", 1, false);
    assert!(bench.apply(&text).is_none());
    let theirs = outsiders_gateway(&bench, "theirs");
    bench.clock.advance(AGE);
    let outcome = bench.recover(&text, &[]).unwrap();
    assert_eq!(recovered(&bench), [Recovery::Stuck], "{outcome:#?}");
    let open = bench.snapshot().open;
    assert!(open[0].phase == Phase::Stuck && open[0].outcome.contains(&theirs), "{open:#?}");
    // Abandoned, the plan makes ours and leaves theirs alone.
    let address: Address = "nat_gateway.edge[0]".parse().unwrap();
    bench.recover(&text, &[Resolution::Abandon(address)]).unwrap();
    bench.converge(&text);
    let snapshot = bench.snapshot();
    assert!(snapshot.instances.values().all(|instance| instance.id != theirs));
    let there = bench.emulator.with_world(|world, _| world.dump().gateways.len());
    assert_eq!((snapshot.instances.len(), there.unwrap()), (1, 2));
}

#[test]
fn what_nothing_tells_apart_is_left_to_the_user_with_reasons_for_refusals() {
    let bench = Bench::new(Settings::default());
    let text = gateways(1, Some("edge"), "ours");
    let early = outsiders_gateway(&bench, "ours");
    bench.die_of("CreateNatGateway", 1, true);
    assert!(bench.apply(&text).is_none());
    let late = outsiders_gateway(&bench, "ours");
    bench.clock.advance(AGE);
    bench.recover(&text, &[]).unwrap();
    let stuck = bench.snapshot().open.remove(0);
    assert_eq!(stuck.phase, Phase::Stuck);
    assert!(stuck.outcome.contains(&late) && !stuck.outcome.contains(&early), "{stuck:#?}");
    let address: Address = "nat_gateway.edge[0]".parse().unwrap();
    let adopt = |id: &str| Resolution::Adopt(address.clone(), id.to_owned());
    let elsewhere = bench.outsider(
        Action::CreateNatGateway,
        &[
            ("VpcId", "vpc-emulator"),
            ("VSwitchId", "vsw-emulator-a"),
            ("NatType", "Enhanced"),
            ("Name", "other"),
        ],
    );
    let other = elsewhere.body["NatGatewayId"].as_str().unwrap();
    for (id, why) in [
        (early.as_str(), "was there before"),
        ("ngw-nowhere", "there is no nat_gateway of this id"),
        (other, "`name` is"),
    ] {
        let before = bench.snapshot().serial;
        let outcome = bench.recover(&text, &[adopt(id)]).unwrap();
        let summary = &outcome.diagnostics.iter().next().unwrap().summary;
        assert!(summary.contains("cannot adopt") && summary.contains(why), "{summary}");
        assert_eq!(bench.snapshot().serial, before);
    }
    let twice = [adopt(&late), Resolution::Retry(address.clone())];
    assert_eq!(bench.recover(&text, &twice).unwrap().failed, 1);
    assert_eq!(bench.snapshot().open.len(), 1);
    // Tried again with the same candidates, it is stuck again.
    bench.recover(&text, &[Resolution::Retry(address.clone())]).unwrap();
    assert_eq!(bench.snapshot().open[0].phase, Phase::Stuck);
    bench.recover(&text, &[adopt(&late)]).unwrap();
    let snapshot = bench.snapshot();
    assert!(snapshot.open.is_empty());
    assert_eq!(snapshot.instances.values().next().unwrap().id, late);
    assert!(!bench.plan(&bench.program(&text)).has_changes());
    // What is owned is adopted for nothing else.
    bench.die_of("CreateNatGateway", 1, true);
    let two = gateways(2, Some("edge"), "ours");
    assert!(bench.apply(&two).is_none());
    let second = Resolution::Adopt("nat_gateway.edge[1]".parse().unwrap(), late.clone());
    let outcome = bench.recover(&two, &[second]).unwrap();
    let summary = &outcome.diagnostics.iter().next().unwrap().summary;
    assert!(summary.contains("recorded as `nat_gateway.edge[0]`"), "{summary}");
}

#[test]
fn what_is_adopted_is_recorded_as_it_is() {
    let bench = Bench::new(Settings::default());
    let text = gateways(1, Some("edge"), "ours");
    bench.die_of("CreateNatGateway", 1, true);
    assert!(bench.apply(&text).is_none());
    let dump = bench.emulator.with_world(|world, _| world.dump()).unwrap();
    let id = dump.gateways[0].id.clone();
    bench.clock.advance(AGE);
    bench.outsider(
        Action::ModifyNatGatewayAttribute,
        &[("NatGatewayId", &id), ("Description", "changed")],
    );
    bench.recover(&text, &[]).unwrap();
    assert_eq!(bench.snapshot().open[0].phase, Phase::Stuck);
    let adopt = Resolution::Adopt("nat_gateway.edge[0]".parse().unwrap(), id);
    let took = bench.took(|| assert!(bench.recover(&text, &[adopt]).unwrap().is_success()));
    assert!(took < Duration::from_secs(30), "{took:?}");
    bench.converge(&text);
    bench.assert_converged(&text);
}

fn error(code: &str) -> faults::Effect {
    let error = faults::FaultError { code: Some(code.to_owned()), ..faults::FaultError::default() };
    faults::Effect { error: Some(error), ..faults::Effect::default() }
}

fn fault(bench: &Bench, action: &str, times: u64, effect: faults::Effect) {
    let matcher = faults::Matcher {
        action: Some(action.to_owned()),
        times: Some(times),
        ..faults::Matcher::default()
    };
    let rule = faults::Rule { name: String::new(), matcher, effect };
    bench.emulator.with_world(|world, _| world.faults.add(rule)).unwrap();
}

#[test]
fn a_token_in_process_is_waited_for() {
    let bench = Bench::new(Settings::default());
    let text = gateways(1, Some("edge"), "ours");
    bench.die_of("CreateNatGateway", 1, true);
    assert!(bench.apply(&text).is_none());
    fault(&bench, "CreateNatGateway", 3, error("LastTokenProcessing"));
    let outcome = bench.recover(&text, &[]).unwrap();
    assert!(outcome.is_success(), "{outcome:#?}");
    assert_eq!(recovered(&bench), [Recovery::Resent]);
    bench.assert_converged(&text);
}

#[test]
fn a_refusal_that_follows_an_ambiguous_send_is_followed_by_a_look() {
    for delivers in [true, false] {
        let bench = Bench::new(Settings::default());
        let text = gateways(1, Some("edge"), "ours");
        bench.die_of("CreateNatGateway", 1, delivers);
        assert!(bench.apply(&text).is_none());
        fault(&bench, "CreateNatGateway", 1, error("Forbidden"));
        let outcome = bench.recover(&text, &[]).unwrap();
        assert!(outcome.is_success(), "{outcome:#?}");
        let snapshot = bench.snapshot();
        assert!(snapshot.open.is_empty());
        assert_eq!(snapshot.instances.len(), usize::from(delivers));
        bench.converge(&text);
        bench.assert_converged(&text);
    }
}

#[test]
fn within_a_run_no_token_is_sent_again_that_may_be_forgotten() {
    let timings = Timings { token_lifetime_ms: 300_000, ..Timings::default() };
    let bench = Bench::new(Settings { timings, ..Settings::default() });
    let text = gateways(1, Some("edge"), "ours")
        .replace("count       = 1", "count = 1\n  timeouts {\n    create = \"40m\"\n  }");
    fault(
        &bench,
        "CreateNatGateway",
        1,
        faults::Effect { drop: Some(faults::DropWhen::After), ..faults::Effect::default() },
    );
    // For longer than the token lives, nobody answers.
    fault(&bench, "CreateNatGateway", 100, error("ServiceUnavailable"));
    let took = bench.took(|| {
        let outcome = bench.apply(&text).unwrap();
        assert!(outcome.is_success(), "{outcome:#?}");
    });
    assert!(took > AGE, "{took:?}");
    bench.assert_converged(&text);
    let there = bench.emulator.with_world(|world, _| world.dump().gateways.len());
    assert_eq!(there.unwrap(), 1);
}

#[test]
fn what_was_made_and_never_becomes_ready_is_replaced_and_says_why() {
    let timings = Timings { gateway_create_ms: Some(86_400_000), ..Timings::default() };
    let bench = Bench::new(Settings { timings, ..Settings::default() });
    let text = gateways(1, Some("edge"), "ours");
    bench.die_of("DescribeNatGateways", 2, false);
    assert!(bench.apply(&text).is_none());
    assert_eq!(bench.snapshot().open[0].phase, Phase::Acknowledged);
    let outcome = bench.recover(&text, &[]).unwrap();
    assert!(outcome.diagnostics.iter().any(|d| d.code == "operation-timed-out"), "{outcome:#?}");
    let snapshot = bench.snapshot();
    assert!(snapshot.open.is_empty());
    let instance = snapshot.instances.values().next().unwrap();
    assert_eq!(instance.status, Status::Tainted);
    bench.emulator.with_world(|world, now| world.settle(now, None)).unwrap();
    let plan = bench.plan(&bench.program(&text));
    assert!(matches!(plan.changes[0].kind, ChangeKind::Replace { .. }));
    assert!(plan.changes[0].reasons.contains(&Reason::Tainted));
}

#[test]
fn what_was_accepted_and_is_given_up_stays_recorded_as_never_finished() {
    let timings = Timings { gateway_create_ms: Some(86_400_000), ..Timings::default() };
    let bench = Bench::new(Settings { timings, ..Settings::default() });
    let text = gateways(1, Some("edge"), "ours");
    bench.die_of("DescribeNatGateways", 2, false);
    assert!(bench.apply(&text).is_none());
    let address: Address = "nat_gateway.edge[0]".parse().unwrap();
    let adopt = Resolution::Adopt(address.clone(), "ngw-x".to_owned());
    let refused = bench.recover(&text, &[adopt]).unwrap();
    assert!(refused.diagnostics.iter().next().unwrap().summary.contains("is known to have made"));
    let took = bench.took(|| {
        assert_eq!(bench.recover(&text, &[Resolution::Abandon(address)]).unwrap().failed, 0);
    });
    assert!(took < Duration::from_secs(10));
    let snapshot = bench.snapshot();
    assert_eq!(snapshot.instances.values().next().unwrap().status, Status::Tainted);
    assert!(snapshot.open.is_empty());
}

#[test]
fn what_others_changed_after_an_accepted_call_is_not_waited_for() {
    let bench = Bench::new(Settings::default());
    let text = |description| gateways(1, Some("edge"), description);
    bench.converge(&text("first"));
    bench.die_of("DescribeNatGateways", 1, false);
    assert!(bench.apply(&text("second")).is_none());
    assert_eq!(bench.snapshot().open[0].phase, Phase::Acknowledged);
    let id = bench.snapshot().instances.values().next().unwrap().id.clone();
    bench.clock.advance(Duration::from_secs(90));
    bench.outsider(
        Action::ModifyNatGatewayAttribute,
        &[("NatGatewayId", &id), ("Description", "theirs")],
    );
    let took = bench.took(|| {
        let outcome = bench.recover(&text("second"), &[]).unwrap();
        assert!(outcome.is_success(), "{outcome:#?}");
    });
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert!(bench.snapshot().open.is_empty());
    bench.converge(&text("second"));
    bench.assert_converged(&text("second"));
}

#[test]
fn what_others_deleted_after_an_accepted_call_is_made_again() {
    let bench = Bench::new(Settings::default());
    let text = gateways(1, Some("edge"), "ours");
    bench.die_of("DescribeNatGateways", 2, false);
    assert!(bench.apply(&text).is_none());
    let id = bench.snapshot().instances.values().next().unwrap().id.clone();
    bench.clock.advance(Duration::from_secs(90));
    bench.outsider(Action::DeleteNatGateway, &[("NatGatewayId", &id)]);
    bench.clock.advance(Duration::from_secs(90));
    bench.converge(&text);
    bench.assert_converged(&text);
}

/// An entry that is replaced when its port rule changes.
fn replaced(port_break: bool, create_first: bool) -> String {
    let lifecycle =
        if create_first { "lifecycle {\n    create_before_destroy = true\n  }" } else { "" };
    shop(&[(80, 8080)], 5, 2).replace(
        "ip_protocol      = \"tcp\"",
        &format!("ip_protocol = \"tcp\"\n  port_break = {port_break}\n  {lifecycle}"),
    )
}

#[test]
fn a_replacement_half_done_is_finished() {
    for action in ["DeleteForwardEntry", "CreateForwardEntry"] {
        for delivers in [true, false] {
            for old in [true, false] {
                let bench = Bench::new(Settings::default());
                bench.converge(&replaced(false, false));
                bench.die_of(action, 1, delivers);
                assert!(bench.apply(&replaced(true, false)).is_none());
                if old {
                    bench.clock.advance(AGE);
                }
                bench.converge(&replaced(true, false));
                bench.assert_converged(&replaced(true, false));
            }
        }
    }
}

/// A gateway that is created anew before the old one goes.
fn moved(vswitch: &str) -> String {
    gateways(1, Some("edge"), "ours")
        .replace("vsw-emulator-a", vswitch)
        .replace("count       = 1", "lifecycle {\n    create_before_destroy = true\n  }")
}

#[test]
fn a_replacement_that_creates_first_is_finished_wherever_it_breaks_off() {
    for action in ["CreateNatGateway", "DeleteNatGateway"] {
        for delivers in [true, false] {
            for old in [true, false] {
                let bench = Bench::new(Settings::default());
                bench.converge(&moved("vsw-emulator-a"));
                bench.die_of(action, 1, delivers);
                assert!(bench.apply(&moved("vsw-emulator-b")).is_none());
                if old {
                    bench.clock.advance(AGE);
                }
                let outcome = bench.recover(&moved("vsw-emulator-b"), &[]).unwrap();
                assert!(outcome.is_success(), "{outcome:#?}");
                let snapshot = bench.snapshot();
                let aside = snapshot.instances.keys().filter(|(_, key)| key.is_some()).count();
                let made = delivers || (action == "CreateNatGateway" && !old);
                if action == "CreateNatGateway" {
                    assert_eq!(aside, usize::from(made), "{delivers} {old}");
                }
                bench.converge(&moved("vsw-emulator-b"));
                bench.assert_converged(&moved("vsw-emulator-b"));
            }
        }
    }
}

#[test]
fn a_saved_plan_is_resumed_and_does_nothing_twice() {
    for (action, nth) in
        [("CreateNatGateway", 1), ("CreateForwardEntry", 2), ("CreateSnatEntry", 1)]
    {
        for delivers in [true, false] {
            let bench = Bench::new(Settings::default());
            let text = shop(&[(80, 8080), (443, 8443)], 5, 2);
            let program = bench.program(&text);
            let plan = bench.plan(&program);
            bench.die_of(action, nth, delivers);
            assert!(bench.carry_out(&program, &plan, Some("digest")).is_none());
            let recovered = bench.recover(&text, &[]).unwrap();
            assert!(recovered.is_success(), "{recovered:#?}");
            let outcome = bench.carry_out(&program, &plan, Some("digest")).unwrap();
            assert!(outcome.is_success(), "{outcome:#?}");
            bench.assert_converged(&text);
            let made = bench.emulator.with_world(|world, _| {
                let dump = world.dump();
                (dump.gateways.len(), dump.forward_entries.len(), dump.snat_entries.len())
            });
            assert_eq!(made.unwrap(), (1, 2, 1));
        }
    }
}
