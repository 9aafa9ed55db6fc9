//! Plans carried out in virtual time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::api::catalogue::{Action, Edition};
use crate::api::sleep::Sleep;
use crate::apply::Settings as ApplySettings;
use crate::command::service::Evaluator;
use crate::configuration;
use crate::emulator::world::model::{Change, ForwardEntry, Pending};
use crate::emulator::{Emulator, Settings, Timings};
use crate::environment::{Clock, Environment, MemoryFiles, Timestamp};
use crate::plan::program::Program;
use crate::plan::{Directives, Plan, PlanInput, PlanOptions, ProviderContext};
use crate::refresh::Reader;
use crate::resources::{Listing, Listings, ReadScope};
use crate::state::{MemoryStore, Phase, Service, Store};

const BEGIN: Timestamp = Timestamp(1_700_000_000_000);

struct Play {
    stage: Stage,
    emulator: Arc<Emulator>,
    store: MemoryStore,
}

impl Play {
    fn new(timings: Timings) -> Self {
        Self::of(settings(timings))
    }

    fn of(settings: Settings) -> Self {
        let mut stage = Stage::new(BEGIN, 7);
        let emulator = stage.emulator(settings).unwrap();
        let player = Player {
            region: "cn-hangzhou".to_owned(),
            parallelism: 10,
            max_requests_per_second: None,
            round_trip: Duration::from_millis(100),
        };
        stage.lead("", &emulator, &player);
        let store = MemoryStore::new(stage.environment()).unwrap();
        Self { stage, emulator, store }
    }

    fn plan(&self, program: &Program) -> Plan {
        let context = ProviderContext {
            service: Service::Embedded("w".into()),
            region: "cn-hangzhou".to_owned(),
            quotas: BTreeMap::new(),
            edition: self.emulator.edition(),
        };
        let input = PlanInput {
            program,
            snapshot: &self.store.snapshot().unwrap(),
            options: &PlanOptions::default(),
            providers: &BTreeMap::from([("".into(), context)]),
            directives: &Directives::default(),
        };
        let (plan, diagnostics) = crate::plan::plan(input, &self.stage);
        assert!(!diagnostics.has_errors(), "{diagnostics:#?}");
        plan
    }

    fn run(&mut self, program: &Program) -> Run {
        let plan = self.plan(program);
        self.carry_out(program, &plan)
    }

    fn carry_out(&mut self, program: &Program, plan: &Plan) -> Run {
        let evaluator = Evaluator::new(program, plan, &self.stage);
        let on = (&self.stage, &mut self.store as &mut (dyn Store + 'static));
        virtual_run(plan, &evaluator, &BTreeMap::new(), on, ApplySettings::default()).unwrap()
    }
}

fn settings(timings: Timings) -> Settings {
    Settings { timings, seed: Some(7), ..Settings::default() }
}

fn program(text: &str) -> Program {
    let files = BTreeMap::from([(PathBuf::from("/work/main.nat.hcl"), text.as_bytes().to_vec())]);
    let environment = Environment {
        files: Arc::new(MemoryFiles(files)),
        working_directory: "/work".into(),
        ..Stage::new(BEGIN, 1).environment().clone()
    };
    let (configuration, diagnostics) =
        configuration::load(&environment, &environment.working_directory);
    assert!(!diagnostics.has_errors(), "{diagnostics:#?}");
    let (program, diagnostics) =
        Program::new(Arc::new(configuration), BTreeMap::new(), &environment);
    assert!(!diagnostics.has_errors(), "{diagnostics:#?}");
    program
}

/// A gateway with a package and so many entries.
fn edge(entries: usize) -> Program {
    program(&format!(
        r#"
        provider "alicloud" {{
          region   = "cn-hangzhou"
          endpoint = "emulator"
        }}
        resource "nat_gateway" "edge" {{
          vpc_id = "vpc-emulator"
          name   = "edge"
          spec   = "Small"
        }}
        resource "bandwidth_package" "edge" {{
          nat_gateway_id = nat_gateway.edge.id
          bandwidth      = 5
          ip_count       = 1
        }}
        resource "forward_entry" "web" {{
          count            = {entries}
          forward_table_id = nat_gateway.edge.forward_table_id
          external_ip      = bandwidth_package.edge.public_ip_addresses[0]
          external_port    = 8000 + count.index
          internal_ip      = "192.168.1.10"
          internal_port    = 9000 + count.index
          ip_protocol      = "tcp"
        }}
        "#
    ))
}

#[test]
fn a_plan_is_carried_out_in_virtual_time() {
    let mut play = Play::new(Timings::documented());
    let program = edge(20);
    let run = play.run(&program);
    assert!(run.outcome.is_success(), "{:#?}", run.outcome);
    assert_eq!(run.outcome.counts.created, 22);
    assert_eq!(run.journal.len(), 22);
    assert!(run.journal.iter().all(|entry| entry.phase == Phase::Settled));
    // Creation takes 120 s, and each entry 5 s, one after the other.
    let least = Duration::from_secs(120 + 20 * 5);
    assert!(run.took >= least && run.took < least.mul_f64(1.2), "{:?}", run.took);
    assert_eq!(play.emulator.counts()["CreateForwardEntry"].succeeded, 20);
    assert!(!play.plan(&program).has_changes());
}

#[test]
fn a_state_in_memory_goes_on_from_what_another_held() {
    let mut play = Play::new(Timings::instant());
    let program = edge(2);
    play.run(&program);
    let before = play.store.snapshot().unwrap();
    play.store = MemoryStore::holding(&before, play.stage.environment()).unwrap();
    let after = play.store.snapshot().unwrap();
    assert_eq!((&after.lineage, after.serial), (&before.lineage, before.serial));
    assert_eq!(after.lessons, before.lessons);
    assert_eq!(after.instances.len(), 4);
    assert!(!play.plan(&program).has_changes());
    let run = play.run(&edge(3));
    assert_eq!((run.outcome.counts.created, run.outcome.counts.updated), (1, 0));
}

/// Reads all lists of a world.
fn lists(stage: &Stage) -> Listings {
    let region = || "cn-hangzhou".to_owned();
    let gateways = ReadScope::Gateways { region: region() };
    let mut lists = stage.lists("", std::slice::from_ref(&gateways));
    let Listing::Rows(rows) = &lists[&gateways] else { panic!("{lists:?}") };
    let mut scopes = vec![ReadScope::BandwidthPackages { region: region() }];
    for gateway in rows.values() {
        let table = |name: &str| gateway.text(name).unwrap().to_owned();
        let (forward, snat) = (table("forward_table_id"), table("snat_table_id"));
        scopes.push(ReadScope::ForwardEntries { region: region(), table: forward });
        scopes.push(ReadScope::SnatEntries { region: region(), table: snat });
    }
    lists.extend(stage.lists("", &scopes));
    lists
}

#[test]
fn a_mirrored_world_is_listed_as_the_first() {
    for edition in Edition::ALL {
        let mut play = Play::of(Settings { edition, ..settings(Timings::documented()) });
        let run = play.run(&edge(3));
        assert!(run.outcome.is_success(), "{:#?}", run.outcome);
        let before = lists(&play.stage);
        let mut mirror =
            mirror::Mirror::new(BEGIN, &BTreeMap::new(), std::collections::BTreeSet::new());
        mirror.add(&before);
        let mirrored = mirror.finish();
        assert_eq!(mirrored.assumptions.documents(), []);
        let start = Some(mirrored.dump);
        let copy = Play::of(Settings { edition, start, ..settings(Timings::documented()) });
        let after = lists(&copy.stage);
        let rows = |lists: &Listings| format!("{lists:#?}");
        assert_eq!(rows(&before), rows(&after));
    }
}

#[test]
fn traffic_stops_between_two_entries() {
    let mut play = Play::new(Timings::documented());
    play.run(&edge(2));
    let begin = play.stage.time().clock().now();
    let gaps = play.emulator.with_world(|world, _| {
        let mut lives = traffic::Lives::begin(world, begin);
        let ids: Vec<String> = world.forward_entries.keys().cloned().collect();
        let (one, other) = (ids[0].clone(), ids[1].clone());
        let first = world.forward_entries[&one].clone();
        let second = world.forward_entries[&other].clone();
        let later = |seconds| begin.after(Duration::from_secs(seconds));
        // The first is deleted after a second, the second takes its port after two, for five.
        world.remove::<ForwardEntry>(&one);
        lives.note(world, &one, later(1), Action::DeleteForwardEntry);
        let pending = Pending { change: Change::Modify, ready: Some(later(7)) };
        world.put(ForwardEntry {
            external_port: first.external_port.clone(),
            pending: Some(pending),
            ..second.clone()
        });
        lives.note(world, &other, later(2), Action::ModifyForwardEntry);
        lives
            .gaps(begin)
            .into_iter()
            .map(|gap| {
                let at = |time: Timestamp| time.since(begin).as_secs();
                let port = gap.key.rsplit(':').next().unwrap().to_owned();
                (port, at(gap.begins), gap.ends.map(at), gap.again_by.is_some())
            })
            .collect::<Vec<_>>()
    });
    let mut gaps = gaps.unwrap();
    gaps.sort_by_key(|gap| gap.1);
    let told: Vec<_> = gaps.iter().map(|gap| (gap.1, gap.2, gap.3)).collect();
    assert_eq!(told, [(1, Some(7), true), (2, None, false)], "{gaps:?}");
}

#[test]
fn the_critical_path_leads_from_the_beginning_to_the_end() {
    let mut play = Play::new(Timings::documented());
    let program = edge(3);
    let plan = play.plan(&program);
    let run = play.carry_out(&program, &plan);
    let course = course::Course::of(&plan, &run);
    let path: Vec<&str> =
        course.critical_path.iter().map(|i| &*course.operations[*i].action).collect();
    assert_eq!(path.first(), Some(&"CreateNatGateway"));
    assert_eq!(path[path.len() - 3..], ["CreateForwardEntry"; 3]);
    let last = &course.operations[*course.critical_path.last().unwrap()];
    let end = last.begins.unwrap() + last.seconds.unwrap();
    assert!((end - run.took.as_secs_f64()).abs() < 1.0, "{end} {:?}", run.took);
    let pairs = course.critical_path.windows(2);
    for pair in pairs {
        let (one, next) = (&course.operations[pair[0]], &course.operations[pair[1]]);
        assert!(one.begins.unwrap() + one.seconds.unwrap() <= next.begins.unwrap() + 1e-9);
    }
}

#[test]
fn what_never_ends_ends_the_play() {
    let mut play = Play::new(Timings { gateway_create_ms: None, ..Timings::instant() });
    let run = play.run(&edge(1));
    // The operation's own time is over at some point.
    assert!(!run.outcome.is_success());
}

#[test]
fn futures_are_turned_within_futures() {
    let time = VirtualTime::at(BEGIN);
    let inner = time.clone();
    let done = time.run(async {
        time.sleep(Duration::from_secs(1)).await;
        let other = inner.run(inner.sleep(Duration::from_secs(5)));
        time.sleep(Duration::from_secs(1)).await;
        other
    });
    assert_eq!(done, Some(Some(())));
    assert_eq!(time.clock().now().since(BEGIN), Duration::from_secs(7));
    assert_eq!(time.run(std::future::pending::<()>()), None);
}
