//! A seed: a world, a network, configurations one after the other, deaths, and what must hold.

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use natform::api::catalogue::Edition;
use natform::emulator::world::conditions::Conditions;
use natform::emulator::{Dump, Emulator, Settings, Timings, faults};
use natform::environment::{ManualClock, Timestamp};
use natform::plan::{ChangeKind, Plan, PlanMode};
use natform::rehearsal::Agenda;
use serde_json::json;

use crate::dice::Dice;
use crate::disk::Disk;
use crate::expect;
use crate::ledger::Ledger;
use crate::life::{Asked, Death, Ended, House};
use crate::model::{MOST_GATEWAYS, Model};
use crate::mutation::Mutation;
use crate::network::From;
use crate::outsiders::{self, Tidy};
use crate::render::{nothing, render};
use crate::sim::{Manner, Sim, Violation, violated};
use crate::tally::Tally;

/// When every simulation begins.
pub(crate) const BEGIN: Timestamp = Timestamp(1_700_000_000_000);

/// What came of a seed.
pub(crate) struct Report {
    pub(crate) violation: Option<Violation>,
    pub(crate) tally: Tally,
    /// Digest of all that happened, and how many things did.
    pub(crate) trace: (u64, u64),
    pub(crate) objects: usize,
}

/// How seeds are run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manners {
    pub(crate) mutation: Mutation,
    /// Every write reaches a real disk.
    pub(crate) durable: bool,
    pub(crate) verbose: bool,
    /// Answers get lost more often, processes die more often, and it takes longer until somebody
    /// looks after it: what recovery is for happens in most seeds.
    pub(crate) hard: bool,
}

/// Runs a seed.
pub(crate) fn run(seed: u64, manners: Manners) -> Report {
    let mut dice = Dice::new(seed);
    let house = house(seed, &mut dice, manners);
    let sim = Arc::clone(&house.sim);
    let objects = Cell::new(0);
    let work = std::panic::AssertUnwindSafe(|| live_through(&house, &mut dice, &objects));
    let violation = match std::panic::catch_unwind(work) {
        Ok(()) => None,
        Err(reason) => Some(match reason.downcast::<Violation>() {
            Ok(violation) => *violation,
            Err(reason) => {
                let text = reason.downcast_ref::<String>().cloned();
                let text = text.or_else(|| reason.downcast_ref::<&str>().map(|t| (*t).to_owned()));
                Violation { kind: "panic", detail: text.unwrap_or_default() }
            }
        }),
    };
    let lock = |error: std::sync::PoisonError<_>| error.into_inner();
    let tally = sim.tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let trace = *sim.trace.lock().unwrap_or_else(lock);
    Report { violation, tally, trace, objects: objects.get() }
}

fn house(seed: u64, dice: &mut Dice, manners: Manners) -> House {
    let edition = dice.pick(&[Edition::V2020_09_25, Edition::V2020_09_25, Edition::V2019_07_19]);
    let region = dice.pick(&["cn-hangzhou", "cn-qingdao"]);
    let timings = Timings {
        read_lag_ms: dice.pick(&[0, 300, 1000]),
        token_lifetime_ms: dice.pick(&[6 * 60_000, 10 * 60_000, 24 * 3_600_000]),
        bandwidth_package_ms: Some(dice.pick(&[0, 0, 700])),
        gateway_create_ms: Some(dice.between(0, 5000)),
        gateway_convert_ms: Some(dice.between(500, 20_000)),
        ..Timings::default()
    };
    let timings =
        if manners.hard { Timings { token_lifetime_ms: 6 * 60_000, ..timings } } else { timings };
    let start = start(dice, region);
    let faults = if dice.chance(700) { rules(dice, seed) } else { Vec::new() };
    let settings = Settings {
        edition,
        timings,
        faults,
        start: Some(start),
        seed: Some(seed),
        recorded_calls: 0,
        ..Settings::default()
    };
    let bad = dice.pick(&[0, 20, 60]);
    let manner = Manner {
        latency_ms: dice.pick(&[0, 5, 40]),
        refused: bad,
        request_lost: bad,
        answer_lost: if manners.hard { 250 } else { bad },
        twice: dice.pick(&[0, 50, 200]),
        late_copies: if dice.chance(150) { 60 } else { 0 },
    };
    house_of(settings, region, manner, dice, manners)
}

/// Returns a house where nothing takes time and nothing goes wrong.
pub(crate) fn instant_house(manners: Manners) -> House {
    let mut dice = Dice::new(0);
    let start = Some(Dump { conditions: Conditions::default(), ..start(&mut dice, "cn-hangzhou") });
    let timings = Timings::instant();
    let settings = Settings { start, timings, recorded_calls: 0, ..Settings::default() };
    let manner = Manner {
        latency_ms: 0,
        refused: 0,
        request_lost: 0,
        answer_lost: 0,
        twice: 0,
        late_copies: 0,
    };
    house_of(settings, "cn-hangzhou", manner, &mut dice, manners)
}

fn house_of(
    settings: Settings,
    region: &'static str,
    manner: Manner,
    dice: &mut Dice,
    manners: Manners,
) -> House {
    let clock = ManualClock::at(BEGIN);
    let (edition, read_lag) = (settings.edition, settings.timings.read_lag_ms);
    let emulator = Arc::new(Emulator::open(settings, Arc::new(clock.clone())).unwrap());
    let agenda = Agenda::new(clock.clone());
    let sim = Arc::new(Sim {
        clock,
        emulator,
        edition,
        region,
        read_lag: Duration::from_millis(read_lag),
        manner,
        agenda,
        dice: Mutex::new(Dice::new(dice.next())),
        tally: Mutex::default(),
        ledger: Mutex::new(Ledger::default()),
        trace: Mutex::default(),
        verbose: manners.verbose,
    });
    House {
        sim,
        disk: Arc::new(Disk::new(manners.durable)),
        mutation: manners.mutation,
        hard: manners.hard,
        runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
        processes: Cell::new(0),
    }
}

/// Makes the world to begin with: VPCs with two vSwitches each.
fn start(dice: &mut Dice, region: &str) -> Dump {
    let names = (0..MOST_GATEWAYS).map(|key| key.to_string()).chain(["pool".to_owned()]);
    let (mut vpcs, mut vswitches) = (Vec::new(), Vec::new());
    for name in names {
        vpcs.push(
            json!({ "id": format!("vpc-{name}"), "region": region, "cidr": "192.168.0.0/16" }),
        );
        for (letter, third) in [("a", 1), ("b", 2)] {
            vswitches.push(json!({
                "id": format!("vsw-{name}-{letter}"),
                "vpc": format!("vpc-{name}"),
                "zone": format!("{region}-{letter}"),
                "cidr": format!("192.168.{third}.0/24"),
            }));
        }
    }
    let conditions = json!({
        "missing_entries_as_status": dice.chance(300),
        "one_change_per_gateway": dice.chance(150),
        "token_processing_ms": dice.pick(&[0, 0, 1500]),
    });
    let dump = json!({
        "format_version": 1, "vpcs": vpcs, "vswitches": vswitches, "conditions": conditions,
    });
    serde_json::from_value(dump).unwrap()
}

/// Draws faults of the service.
fn rules(dice: &mut Dice, seed: u64) -> Vec<faults::Rule> {
    let none = faults::Effect::default;
    let error = |code: &str, http, processed| {
        let code = (!code.is_empty()).then(|| code.to_owned());
        let error = faults::FaultError { http: Some(http), code, message: None, processed };
        faults::Effect { error: Some(error), ..none() }
    };
    let throttle = |ms| {
        let throttle = faults::Throttle { retry_after_ms: ms, ..faults::Throttle::default() };
        faults::Effect { throttle: Some(throttle), ..none() }
    };
    let all = [
        ("error before the effect", error("", 500, false), None),
        ("error before the effect", error("ServiceUnavailable", 503, false), None),
        ("error after the effect", error("", 500, true), None),
        ("throttled", throttle(None), None),
        ("throttled", throttle(Some(700)), None),
        ("busy", error("OperationConflict", 409, false), Some(true)),
        ("token in process", error("LastTokenProcessing", 403, false), Some(true)),
        ("answer is garbage", faults::Effect { garbage: true, ..none() }, None),
        ("answer is cut off", faults::Effect { truncate: Some(5), ..none() }, None),
    ];
    let count = 1 + dice.below(4);
    (0..count)
        .map(|index| {
            let (name, effect, mutating) = dice.pick(&all);
            let matcher = faults::Matcher {
                mutating,
                probability: Some(dice.pick(&[0.01, 0.05])),
                seed: seed.wrapping_mul(31).wrapping_add(u64::try_from(index).unwrap_or(0)),
                ..faults::Matcher::default()
            };
            faults::Rule { name: name.to_owned(), matcher, effect }
        })
        .collect()
}

/// Lives through the rounds of a seed.
fn live_through(house: &House, dice: &mut Dice, objects: &Cell<usize>) {
    let sim = &house.sim;
    // Half of the worlds have more than 12 objects.
    let size = match dice.below(100) {
        0..=2 => 200,
        3..=9 => 25 + dice.below(40),
        10..=54 => 13 + dice.below(8),
        _ => 3 + dice.below(10),
    };
    let mut model = Model::draw(dice, sim.edition, sim.region, size);
    if house.hard && model.is_new() {
        model.pool = 3;
    }
    objects.set(model.size());
    if model.size() >= 200 {
        sim.count("world: 200 objects");
    }
    let rounds = if size >= 200 { 2 } else { 2 + dice.below(3) };
    let visited = dice.chance(200);
    for round in 0..rounds {
        if round > 0 {
            model.next_round();
            for _ in 0..=dice.below(5) {
                model.edit(dice);
            }
        }
        let text = render(&model);
        strike(house, dice, &text, PlanMode::Normal, model.size(), visited);
        converge(house, &text, PlanMode::Normal, Some(&model));
        if visited && dice.chance(700) {
            outsiders::visit_quietly(house, dice, &text);
            let before = outsiders::theirs(house);
            let tidied = || sim.tally.lock().unwrap().count("outsider: tidied");
            let tidied_before = tidied();
            converge(house, &text, PlanMode::Normal, Some(&model));
            let after = outsiders::theirs(house);
            if before != after && tidied() == tidied_before {
                violated("not-ours", format!("{before:#?} became {after:#?}"));
            }
        }
    }
    let (text, mode) = match dice.below(3) {
        0 => (render(&model), PlanMode::Destroy),
        _ => (nothing(sim.region), PlanMode::Normal),
    };
    outsiders::tidy(house, Tidy::All);
    strike(house, dice, &text, mode, model.size(), false);
    converge(house, &text, mode, None);
}

/// Lets processes begin on a configuration and die.
fn strike(house: &House, dice: &mut Dice, text: &str, mode: PlanMode, size: usize, visited: bool) {
    for _ in 0..dice.below(4).max(usize::from(house.hard)) {
        let turns = u64::try_from(size).unwrap_or(0) * 8 + 20;
        let death = match dice.below(12) {
            0..=5 => Death::Turn(dice.between(1, turns)),
            6..=9 => Death::Statement(dice.between(1, turns * 12)),
            10 => Death::Interrupt(dice.between(1, turns)),
            _ => Death::Interrupts(dice.between(1, turns), dice.between(1, 10)),
        };
        if visited {
            outsiders::visit_meanwhile(house, dice);
        }
        let asked = Asked { text, mode, resolutions: &[] };
        house.live(&asked, death);
        // Now and then it takes long until somebody looks after it.
        let gap = match dice.below(10) {
            0..=5 => dice.between(0, 3000),
            6 | 7 => dice.between(60_000, 240_000),
            _ => dice.between(290_000, 1_200_000),
        };
        let gap = if house.hard { gap + 400_000 } else { gap };
        house.sim.pass(Duration::from_millis(gap));
    }
}

/// Applies until it is done, and judges.
fn converge(house: &House, text: &str, mode: PlanMode, model: Option<&Model>) {
    let sim = &house.sim;
    let mut told = String::new();
    for attempt in 0.. {
        let asked = Asked { text, mode, resolutions: &[] };
        match house.live(&asked, Death::None) {
            Ended::Applied(outcome) if outcome.is_success() => break,
            Ended::Died => {}
            Ended::Applied(outcome) | Ended::Recovered(outcome) => {
                told = format!("{:#?} {:?}", outcome.diagnostics, outcome.state_error);
            }
            Ended::Refused(diagnostics) => told = format!("{diagnostics:#?}"),
        }
        sim.count("end: again");
        // Late copies and people may spoil an apply, once or twice.
        // So may a proxy that answers several times in a row: reads give up on it soon.
        let most = if outsiders::is_disturbed(house) || unread(&told) { 4 } else { 0 };
        if attempt >= most {
            let kind = if told.contains("operation-stuck") { "stuck" } else { "does-not-converge" };
            violated(kind, told);
        }
        outsiders::tidy(house, Tidy::All);
        sim.pass(Duration::from_secs(90));
    }
    settle(house, text, mode, model);
}

/// Returns whether a failure is that something could not be read.
fn unread(told: &str) -> bool {
    ["UnreadableAnswer", "cannot be read", "cannot read"].iter().any(|text| told.contains(text))
}

/// Plans, however often the lists cannot be read.
pub(crate) fn planned(house: &House, text: &str, mode: PlanMode) -> Plan {
    for _ in 0..5 {
        let (plan, diagnostics) = house.plan(text, mode);
        let told = format!("{diagnostics:#?}");
        if !diagnostics.has_errors() {
            return plan;
        }
        if !unread(&told) {
            violated("plan-refused", told);
        }
    }
    violated("plan-refused", "the lists cannot be read")
}

/// Judges what is there once an apply has succeeded.
fn settle(house: &House, text: &str, mode: PlanMode, model: Option<&Model>) {
    let sim = &house.sim;
    // What is on its way arrives, what goes on ends.
    sim.pass(Duration::from_secs(65));
    let disturbed = {
        let mut ledger = sim.ledger.lock().unwrap();
        !std::mem::take(&mut ledger.touched).is_empty()
    };
    if disturbed {
        // A late copy may have undone something: the next apply mends it, and nothing else.
        outsiders::tidy(house, Tidy::Copies);
        return converge(house, text, mode, model);
    }
    let (snapshot, dump) = (house.snapshot(), sim.dump());
    if !snapshot.open.is_empty() {
        violated("open-rows", format!("{:#?}", snapshot.open));
    }
    let problems = expect::problems(model, &snapshot, &dump);
    if !problems.is_empty() {
        violated("not-as-asked", problems.join("\n"));
    }
    let (missing, unknown) = expect::strays(&snapshot, &dump);
    if !missing.is_empty() {
        violated("not-there", missing.join(", "));
    }
    let ledger = sim.ledger.lock().unwrap();
    let foreign = |id: &String| {
        let made = ledger.made.get(id);
        made.is_some_and(|made| matches!(made.from, From::Console | From::LateCopy))
    };
    let unowned: Vec<String> = unknown.into_iter().filter(|id| !foreign(id)).collect();
    drop(ledger);
    if !unowned.is_empty() {
        violated("unowned", unowned.join(", "));
    }
    let plan = planned(house, text, mode);
    if plan.has_changes() || !plan.drift.is_empty() {
        violated("plan-not-empty", shown(&plan));
    }
}

/// Writes what a plan would do.
pub(crate) fn shown(plan: &Plan) -> String {
    let mut lines = Vec::new();
    for change in plan.changes.iter().filter(|change| change.kind != ChangeKind::NoOp) {
        lines.push(format!("  {} {:?} {:?}", change.address, change.kind, change.reasons));
        let empty = natform::resources::Object::new();
        let (before, after) =
            (change.before.as_ref().unwrap_or(&empty), change.after.as_ref().unwrap_or(&empty));
        for (name, value) in after.iter().filter(|(name, value)| before.get(name) != Some(*value)) {
            let old = before.get(name).map(|value| format!("{:?}", value.data()));
            lines.push(format!("    {name}: {} -> {:?}", old.unwrap_or_default(), value.data()));
        }
    }
    for (index, operation) in plan.operations.iter().enumerate() {
        let deposed = operation.deposed.as_deref().unwrap_or("");
        let (name, address) = (operation.action.name(), &operation.address);
        lines.push(format!("  {index} {name} {address} {deposed} <- {:?}", operation.after));
    }
    for drift in &plan.drift {
        lines.push(format!("  drift: {} {:?}", drift.address, drift.attributes));
    }
    lines.join("\n")
}
