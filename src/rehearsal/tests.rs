//! Plans carried out in virtual time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::api::catalogue::Edition;
use crate::api::sleep::Sleep;
use crate::apply::Settings as ApplySettings;
use crate::command::service::Evaluator;
use crate::configuration;
use crate::emulator::{Emulator, Settings, Timings};
use crate::environment::{Clock, Environment, MemoryFiles, Timestamp};
use crate::plan::program::Program;
use crate::plan::{Directives, Plan, PlanInput, PlanOptions, ProviderContext};
use crate::state::{MemoryStore, Phase, Service, Store};

const BEGIN: Timestamp = Timestamp(1_700_000_000_000);

struct Play {
    stage: Stage,
    emulator: Arc<Emulator>,
    store: MemoryStore,
}

impl Play {
    fn new(timings: Timings) -> Self {
        let mut stage = Stage::new(BEGIN, 7);
        let settings = Settings { timings, seed: Some(7), ..Settings::default() };
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
            edition: Edition::default(),
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
        let evaluator = Evaluator::new(program, &plan, &self.stage);
        let on = (&self.stage, &mut self.store as &mut (dyn Store + 'static));
        virtual_run(&plan, &evaluator, &BTreeMap::new(), on, ApplySettings::default()).unwrap()
    }
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
