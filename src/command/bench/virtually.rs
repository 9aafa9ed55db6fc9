//! One step in virtual time, in a process of its own: planned and applied by the real planner and
//! engine with the state on disk, against the emulator in this process.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::arguments::{Bench as Arguments, StepName};
use crate::api::catalogue::{Action, Edition};
use crate::apply::Settings as ApplySettings;
use crate::bench::lower_bound::{Binding, Limits, Times, lower_bound};
use crate::bench::needs::needs;
use crate::bench::shape::Shape;
use crate::bench::text::REGION;
use crate::command::failure::Failure;
use crate::command::service::{Evaluator, KeepingReader};
use crate::command::{Session, state_path};
use crate::configuration;
use crate::diagnostic::Diagnostic;
use crate::emulator::settings::read_json;
use crate::emulator::{Counts, Dump, Emulator, Settings, Timings};
use crate::environment::{Environment, Timestamp};
use crate::plan::program::Program;
use crate::plan::{Directives, PlanInput, PlanMode, PlanOptions, ProviderContext};
use crate::rehearsal::{Player, Stage, virtual_outcome};
use crate::state::{Service, SqliteStore, Store};

/// The file of the world between steps.
pub(super) const WORLD: &str = "world.json";

/// When the first step begins, and how long after it the next one.
const BEGIN: i64 = 1_700_000_000_000;
const APART: i64 = 20 * 24 * 3600 * 1000;

/// What a step took in virtual time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Came {
    /// Calls, from the first of the apply on.
    pub(super) calls: u64,
    pub(super) least_calls: u64,
    /// Calls that changed something, or were to.
    pub(super) operations: u64,
    /// Calls that were refused.
    pub(super) refused: u64,
    pub(super) makespan: u64,
    pub(super) least_makespan: u64,
    pub(super) by: Binding,
}

/// Carries out a step in the session's directory and prints what it took.
pub(super) fn run(session: &Session, arguments: &Arguments, name: StepName) -> Result<(), Failure> {
    let size = arguments.sizes.first().copied().unwrap_or_default();
    let shape = super::shape(arguments, size)?;
    let timings = timings(session, &arguments.timing)?;
    let order = StepName::ALL.iter().position(|step| *step == name).unwrap_or(0);
    let begin = BEGIN + APART * i64::try_from(order).unwrap_or(0);
    let mut stage = Stage::new(Timestamp(begin), u64::try_from(begin).unwrap_or(0));
    let directory = session.environment.working_directory.clone();
    let emulator = emulator(&stage, &directory, timings)?;
    let player = Player {
        region: REGION.to_owned(),
        parallelism: usize::from(arguments.parallelism),
        max_requests_per_second: arguments.rate,
        round_trip: arguments.answer,
    };
    stage.lead("", &emulator, &player);
    let environment = Environment {
        clock: Arc::clone(&stage.environment().clock),
        ids: Arc::clone(&stage.environment().ids),
        ..session.environment.clone()
    };
    let came = carry_out(&environment, &stage, &emulator, name, arguments.parallelism)?;
    let mut dump = emulator.with_world(|world, _| world.dump()).map_err(broken)?;
    // No step remembers the tokens of the one before.
    dump.tokens.clear();
    let file = std::fs::File::create(directory.join(WORLD))?;
    serde_json::to_writer(std::io::BufWriter::new(file), &dump).map_err(std::io::Error::from)?;
    drop(dump);
    let came = bounded(came, &shape, name, arguments, &timings);
    session.print_json(&came)
}

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::of(Diagnostic::error("bench-failed", error.to_string()).help("report this"))
}

fn timings(session: &Session, name: &str) -> Result<Timings, Failure> {
    Timings::named(name, &*session.environment.files).map_err(Failure::from)
}

fn emulator(stage: &Stage, directory: &Path, timings: Timings) -> Result<Arc<Emulator>, Failure> {
    let files = &crate::environment::RealFiles;
    let start: Dump = read_json(&directory.join(WORLD), "bench-world", files)?;
    let settings = Settings {
        timings,
        seed: Some(7),
        start: Some(start),
        recorded_calls: 0,
        ..Settings::default()
    };
    Ok(stage.emulator(settings)?)
}

/// Plans and applies; the bounds are still missing.
fn carry_out(
    environment: &Environment,
    stage: &Stage,
    emulator: &Emulator,
    name: StepName,
    parallelism: u16,
) -> Result<Came, Failure> {
    let directory = environment.working_directory.clone();
    let (configuration, found) = configuration::load(environment, &directory);
    if found.has_errors() {
        return Err(Failure::Diagnostics(found, configuration.sources));
    }
    let mut store = SqliteStore::new(state_path(&configuration, &directory), environment);
    let sources = configuration.sources.clone();
    let (planned, found) = Program::new(Arc::new(configuration), BTreeMap::new(), environment);
    if found.has_errors() {
        return Err(Failure::Diagnostics(found, sources));
    }
    let snapshot = store.snapshot().map_err(|error| error.diagnostic())?;
    let mode = if name == StepName::Destroy { PlanMode::Destroy } else { PlanMode::Normal };
    let service = Service::Embedded(emulator.world_id().into());
    let context = ProviderContext {
        service,
        region: REGION.to_owned(),
        quotas: BTreeMap::new(),
        edition: Edition::default(),
    };
    let contexts = BTreeMap::from([("".into(), context)]);
    let reader = KeepingReader::new(stage);
    let input = PlanInput {
        program: &planned,
        snapshot: &snapshot,
        options: &PlanOptions { mode, ..PlanOptions::default() },
        providers: &contexts,
        directives: &Directives::default(),
    };
    let (plan, found) = crate::plan::plan(input, &reader);
    drop(snapshot);
    if found.has_errors() {
        return Err(Failure::Diagnostics(found, sources));
    }
    let (configuration, variables) = (Arc::clone(planned.configuration()), planned.variables());
    let (program, _) = Program::new_applying(
        configuration,
        variables.clone(),
        environment,
        planned.plan_time(),
        None,
    );
    let lists = reader.into_lists();
    let evaluator = Evaluator::new(&program, &plan, stage).with_providers(contexts);
    let before = counts(emulator);
    let settings =
        ApplySettings { parallelism: usize::from(parallelism), ..ApplySettings::default() };
    let on = (stage, &mut store as &mut (dyn Store + 'static));
    let (outcome, took) = virtual_outcome(&plan, &evaluator, &lists, on, settings)
        .map_err(|error| error.diagnostic())?;
    if !outcome.is_success() {
        return Err(Failure::Diagnostics(outcome.diagnostics, sources));
    }
    let after = counts(emulator);
    Ok(Came {
        calls: after.0 - before.0,
        least_calls: 0,
        operations: plan.operations.len() as u64,
        refused: after.1 - before.1,
        makespan: milliseconds(took),
        least_makespan: 0,
        by: Binding::Path,
    })
}

/// Returns how many calls there were, and how many of them were refused.
fn counts(emulator: &Emulator) -> (u64, u64) {
    let sum = |(calls, refused): (u64, u64), counts: &Counts| {
        (calls + counts.calls, refused + counts.errors.values().sum::<u64>())
    };
    emulator.counts().values().fold((0, 0), sum)
}

/// Adds the bounds.
fn bounded(
    came: Came,
    shape: &Shape,
    name: StepName,
    arguments: &Arguments,
    timings: &Timings,
) -> Came {
    let needs = needs(shape, name.step());
    let settle = |action, time: Option<u64>| (action, time.unwrap_or(0));
    let times = Times {
        answer: milliseconds(arguments.answer),
        settle: BTreeMap::from([
            settle(Action::CreateNatGateway, timings.gateway_create_ms),
            settle(Action::DeleteNatGateway, timings.gateway_delete_ms),
            settle(Action::CreateForwardEntry, timings.forward_entry_create_ms),
            settle(Action::ModifyForwardEntry, timings.forward_entry_modify_ms),
            settle(Action::DeleteForwardEntry, timings.forward_entry_delete_ms),
            settle(Action::CreateSnatEntry, timings.snat_entry_create_ms),
            settle(Action::ModifySnatEntry, timings.snat_entry_modify_ms),
            settle(Action::DeleteSnatEntry, timings.snat_entry_delete_ms),
            settle(Action::CreateBandwidthPackage, timings.bandwidth_package_ms),
            settle(Action::DeleteBandwidthPackage, timings.bandwidth_package_ms),
        ]),
    };
    let limits =
        Limits { parallelism: u64::from(arguments.parallelism), per_second: arguments.rate };
    let bound = lower_bound(&needs, &times, limits);
    Came {
        operations: needs.len() as u64,
        least_calls: bound.calls,
        least_makespan: bound.makespan,
        by: bound.by,
        ..came
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
