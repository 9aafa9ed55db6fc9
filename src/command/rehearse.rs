//! `rehearse`: plays a plan on a copy of what is live, in virtual time, and tells how it goes. It
//! reads lists of the service, takes no lock and writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::arguments::{Planning, RehearsalFormat, Rehearse as Arguments};
use super::failure::{Exit, Failure};
use super::planning::{self, Prepared};
use super::providers::Providers;
use super::service::{Evaluator, still_wanted};
use super::{Session, apply, forbid, lock, plan_file, running, waiting};
use crate::api::catalogue::Action;
use crate::apply::{
    ApplyEvent, OperationName, Settings as ApplySettings, as_documented, forecast, traffic,
};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, json as diagnostic_json};
use crate::emulator::{Emulator, Settings, Timings};
use crate::plan::document::{ActionWord, ChangeDocument};
use crate::plan::program::Program;
use crate::plan::{
    ChangeKind, Directives, Plan, PlanInput, PlanMode, PlanOptions, document, saved,
};
use crate::refresh::Reader;
use crate::rehearsal::assumption::{Assumption, Assumptions};
use crate::rehearsal::course::Course;
use crate::rehearsal::document::{
    self as report_model, Afterwards, Calls, Recovered, Refusal, RehearsalDocument, Remaining,
    Stop, Verdict,
};
use crate::rehearsal::mirror::{self, Mirror};
use crate::rehearsal::watch::{Refused, Watcher};
use crate::rehearsal::{Player, Run, Stage, Watch, virtual_recovery, virtual_run};
use crate::report;
use crate::report::paint::Paint;
use crate::resources::{Listing, Listings, ReadScope};
use crate::state::{JournalEntry, MemoryStore, Service, Snapshot, StateError, Store};
use crate::value::Value;

/// How long a request and its answer take together.
const ROUND_TRIP: Duration = Duration::from_millis(100);
/// Seed of the ids that the copy gives out.
const SEED: u64 = 0x7265_6865_6172_7365;

/// Runs the command.
pub fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let (prepared, mut subject) = match &arguments.plan_file {
        None => fresh(session, &arguments.planning)?,
        Some(file) => from_file(session, &arguments.planning, file)?,
    };
    let (document, diagnostics) = if subject.diagnostics.has_errors() {
        let diagnostics = std::mem::take(&mut subject.diagnostics);
        (refused(&subject.plan), diagnostics)
    } else {
        let trouble = prepared.trouble.clone();
        let play = || {
            Rehearsal { session, prepared: &prepared, planning: &arguments.planning }.play(subject)
        };
        waiting::during(&session.terminal, "Rehearsing the plan", &trouble, play)?
    };
    show(session, arguments, &prepared, document, &diagnostics)
}

/// What is rehearsed.
struct Subject {
    plan: Plan,
    options: PlanOptions,
    digest: Option<String>,
    snapshot: Snapshot,
    providers: Providers,
    /// The lists that were read for it, by provider.
    lists: BTreeMap<String, Listings>,
    diagnostics: Diagnostics,
}

/// Makes a plan as `apply` would.
fn fresh(session: &Session, planning: &Planning) -> Result<(Prepared, Subject), Failure> {
    let options = planning::options(planning)?;
    let mut prepared = planning::prepare(session, &planning.variables)?;
    let snapshot = apply::read_state(&prepared)?;
    planning::refuse_gone_state(&prepared.store, &snapshot)?;
    prepared.warnings.extend(planning::gone_state(&prepared.store, &snapshot));
    prepared.warnings.extend(lock::under_way(&prepared.store, &snapshot));
    let providers = planning::connect(session, &prepared, &snapshot, &planning.service)?;
    let reader = planning::reader(session, &prepared, &providers)?;
    let (plan, mut diagnostics, lists) =
        planning::plan(session, &prepared, &snapshot, &providers, &options, &reader);
    diagnostics.extend(forbid::check(&plan, &planning.forbid, &prepared.program));
    let subject = Subject { plan, options, digest: None, snapshot, providers, lists, diagnostics };
    Ok((prepared, subject))
}

/// Takes a saved plan, and refuses what `apply` refuses.
fn from_file(
    session: &Session,
    planning: &Planning,
    file: &Path,
) -> Result<(Prepared, Subject), Failure> {
    apply::refuse_planning_flags(planning)?;
    let loaded = plan_file::read(session, file)?;
    if let Some(diagnostic) = saved::other_version(&loaded) {
        return Err(Failure::of(diagnostic));
    }
    let program = plan_file::program(session, &loaded.saved)?;
    let prepared = planning::prepare_saved(session, program)?;
    match prepared.store.run_of_plan(&loaded.digest).map_err(|e| e.diagnostic())? {
        None => apply::refuse_astray(session, &loaded.saved)?,
        Some(run) if run.ended_at.is_some() => return Err(apply::already_applied(&run)),
        Some(_) => return Err(begun()),
    }
    let snapshot = apply::read_state(&prepared)?;
    planning::refuse_gone_state(&prepared.store, &snapshot)?;
    let providers = planning::connect(session, &prepared, &snapshot, &planning.service)?;
    if let Some(diagnostic) = saved::foreign(&loaded, &snapshot, &planning::contexts(&providers)) {
        return Err(Failure::of(diagnostic));
    }
    apply::refuse_stale(&prepared, &loaded.saved.plan, snapshot.serial)?;
    let mut diagnostics = Diagnostics::new();
    diagnostics.extend(lock::under_way(&prepared.store, &snapshot));
    diagnostics.extend(forbid::check(&loaded.saved.plan, &planning.forbid, &prepared.program));
    let subject = Subject {
        plan: loaded.saved.plan,
        options: loaded.saved.options,
        digest: Some(loaded.digest),
        snapshot,
        providers,
        lists: BTreeMap::new(),
        diagnostics,
    };
    Ok((prepared, subject))
}

fn begun() -> Failure {
    Failure::of(
        Diagnostic::error(
            "plan-under-way",
            "the saved plan is being applied, or its run was broken off",
        )
        .detail("What is left of it cannot be rehearsed: part of it is done.")
        .help("finish it with `natform apply` of the same file, or make a new plan"),
    )
}

/// Shows the report and says how the program exits.
fn show(
    session: &Session,
    arguments: &Arguments,
    prepared: &Prepared,
    mut document: RehearsalDocument,
    diagnostics: &Diagnostics,
) -> Result<Exit, Failure> {
    let format = if arguments.json { RehearsalFormat::Json } else { arguments.format };
    let natural = session.natural(diagnostics);
    document.diagnostics = diagnostic_json::to_json(&natural, prepared.sources());
    let good = document.verdict.is_good();
    match format {
        RehearsalFormat::Json => session.print_json(&document)?,
        RehearsalFormat::Markdown => {
            session.terminal.print(&report::rehearsal_markdown::rehearsal(&document))?;
        }
        RehearsalFormat::Text => {
            let paint = Paint { on: session.terminal.colour };
            session.terminal.print(&report::rehearsal::rehearsal(&document, paint))?;
            if !diagnostics.is_empty() {
                session.terminal.report("\n");
                session.warn(diagnostics, prepared.sources());
            }
        }
    }
    Ok(if good { Exit::Done } else { Exit::Failed })
}

/// Returns the report of a plan that is refused before the first call.
fn refused(plan: &Plan) -> RehearsalDocument {
    RehearsalDocument { verdict: Verdict::Refused, ..empty(plan) }
}

/// Returns the report of a plan of which nothing was carried out.
fn empty(plan: &Plan) -> RehearsalDocument {
    RehearsalDocument {
        format_version: report_model::FORMAT_VERSION.to_owned(),
        natform_version: env!("CARGO_PKG_VERSION").to_owned(),
        verdict: Verdict::Nothing,
        succeeds: false,
        mode: plan.mode,
        digest: None,
        summary: document::summary(plan),
        duration: report_model::Duration::default(),
        calls: Calls::default(),
        operations: Vec::new(),
        failures: Vec::new(),
        interruptions: Vec::new(),
        recovered: Vec::new(),
        afterwards: None,
        assumptions: Vec::new(),
        diagnostics: Vec::new(),
    }
}

/// The copies of the services, and who watches them.
struct Copies {
    stage: Stage,
    emulators: Vec<Arc<Emulator>>,
    watchers: Vec<Arc<Watcher>>,
    assumptions: Assumptions,
}

/// A rehearsal under way.
struct Rehearsal<'a> {
    session: &'a Session,
    prepared: &'a Prepared,
    planning: &'a Planning,
}

impl Rehearsal<'_> {
    fn play(&self, subject: Subject) -> Result<(RehearsalDocument, Diagnostics), Failure> {
        let Subject { mut plan, options, digest, snapshot, providers, lists, mut diagnostics } =
            subject;
        let copies = self.copies(&plan, &snapshot, &providers, lists)?;
        let failed = |error: StateError| Failure::of(error.diagnostic());
        let lessons = as_documented(&snapshot.lessons);
        let learned = Snapshot { lessons: lessons.clone(), ..snapshot.clone() };
        let mut store =
            MemoryStore::holding(&learned, copies.stage.environment()).map_err(failed)?;
        let mut assumptions = copies.assumptions.clone();
        let mut recovered = Vec::new();
        let mut left_open = false;
        if !snapshot.open.is_empty() {
            running::check_services(&snapshot, &providers, &[])?;
            assumptions.general(Assumption::Unfinished);
            let run = self.recover(&copies.stage, &mut store, &snapshot, options.mode)?;
            recovered = recoveries(&run);
            diagnostics.extend(running::diagnostics(&run.outcome, &self.prepared.program));
            let after = store.snapshot().map_err(failed)?;
            left_open = !after.open.is_empty();
            if digest.is_some() && after.serial != snapshot.serial {
                return Err(recovery_makes_stale());
            }
            if digest.is_none() {
                let (again, found) =
                    self.plan(&copies.stage, &self.prepared.program, &after, &providers, &options);
                if found.has_errors() {
                    diagnostics.extend(found);
                    return Ok((RehearsalDocument { recovered, ..refused(&plan) }, diagnostics));
                }
                plan = again;
            }
        }
        let before = counts(&copies.emulators);
        let program = self.applying(digest.is_some())?;
        let contexts = planning::contexts(&providers);
        let lists = match options.refresh {
            true => {
                let now = store.snapshot().map_err(failed)?;
                apply::refresh(&plan, &now, &copies.stage)
            }
            false => BTreeMap::new(),
        };
        let evaluator = Evaluator::new(&program, &plan, &copies.stage).with_providers(contexts);
        let mut settings = self.settings();
        settings.heeds_changes = options.refresh;
        let on = (&copies.stage, &mut store as &mut (dyn Store + 'static));
        let run = virtual_run(&plan, &evaluator, &lists, on, settings).map_err(failed)?;
        let calls = calls(&before, &counts(&copies.emulators));
        diagnostics.extend(running::diagnostics(&run.outcome, &program));
        for watcher in &copies.watchers {
            assumptions.extend(watcher.assumptions());
        }
        let succeeds = run.outcome.is_success() && !left_open;
        let after = store.snapshot().map_err(failed)?;
        let afterwards = (succeeds && options.mode != PlanMode::RefreshOnly)
            .then(|| self.afterwards(&copies.stage, &after, &providers, &options));
        // What is refused may break a rule that only a plan which reads everything can judge.
        let rules = match succeeds {
            true => Diagnostics::new(),
            false => {
                let options = PlanOptions { refresh: true, ..options };
                let program = &self.prepared.program;
                self.plan(&copies.stage, program, &after, &providers, &options).1
            }
        };
        let course = Course::of(&plan, &run);
        let clean = afterwards.as_ref().is_none_or(|afterwards| afterwards.empty);
        let document = RehearsalDocument {
            verdict: match (succeeds, clean) {
                (false, _) => Verdict::Fails,
                (true, false) => Verdict::NotEmpty,
                (true, true) if !plan.has_changes() && recovered.is_empty() => Verdict::Nothing,
                (true, true) => Verdict::Succeeds,
            },
            succeeds,
            digest,
            duration: report_model::Duration {
                seconds: run.took.as_secs_f64(),
                foreseen: self.foreseen(&plan, &lessons),
                critical_path: course.critical_path,
            },
            calls,
            operations: course.operations,
            failures: failures(&plan, &run, &copies, &rules),
            interruptions: stops(&plan, &[&snapshot, &after], &copies),
            recovered,
            afterwards,
            assumptions: match plan.operations.is_empty() {
                true => Vec::new(),
                false => assumptions.documents(),
            },
            ..empty(&plan)
        };
        Ok((document, diagnostics))
    }

    /// Makes copies of what is live in the services that a plan touches.
    fn copies(
        &self,
        plan: &Plan,
        snapshot: &Snapshot,
        providers: &Providers,
        mut lists: BTreeMap<String, Listings>,
    ) -> Result<Copies, Failure> {
        let reader = planning::reader(self.session, self.prepared, providers)?;
        // The gateways tell which tables there are.
        for _ in 0..2 {
            for (provider, scopes) in mirror::scopes(plan, &lists) {
                let known = lists.entry(provider.clone()).or_default();
                let missing: Vec<ReadScope> = scopes
                    .into_iter()
                    .filter(|scope| !matches!(known.get(scope), Some(Listing::Rows(_))))
                    .collect();
                known.extend(reader.lists(&provider, &missing));
            }
        }
        let now = self.session.environment.clock.now();
        let mut stage = Stage::new(now, SEED);
        let mut groups: BTreeMap<(Service, String), Vec<&str>> = BTreeMap::new();
        for (alias, provider) in providers {
            let key = (provider.service.clone(), provider.client.access_key_id().to_owned());
            groups.entry(key).or_default().push(alias);
        }
        let mut copies = (Vec::new(), Vec::new());
        let mut assumptions = Assumptions::default();
        assumptions.general(Assumption::Timings);
        assumptions.general(Assumption::Undisturbed);
        let breaks = breaks(snapshot);
        for (seed, aliases) in (SEED..).zip(groups.values()) {
            let Some(first) = aliases.first().and_then(|alias| providers.get(*alias)) else {
                continue;
            };
            let mut quotas = BTreeMap::new();
            for provider in aliases.iter().filter_map(|alias| providers.get(*alias)) {
                quotas.extend(provider.quotas.clone());
            }
            let mut mirror = Mirror::new(now, &quotas, breaks.clone());
            aliases
                .iter()
                .filter_map(|alias| lists.get(*alias))
                .for_each(|lists| mirror.add(lists));
            let mut mirrored = mirror.finish();
            let settings = Settings {
                edition: first.edition,
                timings: Timings::documented(),
                seed: Some(seed),
                start: Some(std::mem::take(&mut mirrored.dump)),
                recorded_calls: 0,
                ..Settings::default()
            };
            let emulator = stage.emulator(settings)?;
            let watcher = emulator.with_world(|world, now| Watcher::new(world, now, &mirrored));
            let watcher = Arc::new(watcher.map_err(|error| {
                Diagnostic::error("rehearsal", format!("the copy cannot be used: {error}"))
            })?);
            for alias in aliases {
                let Some(provider) = providers.get(*alias) else { continue };
                let player = Player {
                    region: provider.region.clone(),
                    parallelism: usize::from(self.planning.service.parallelism),
                    max_requests_per_second: provider.client.max_requests_per_second(),
                    round_trip: ROUND_TRIP,
                };
                let watch: Arc<dyn Watch> = Arc::<Watcher>::clone(&watcher);
                let redactor = provider.client.redactor().clone();
                stage.lead_watched(alias, &emulator, &player, redactor, Some(watch));
            }
            assumptions.extend(mirrored.assumptions);
            copies.0.push(emulator);
            copies.1.push(watcher);
        }
        Ok(Copies { stage, emulators: copies.0, watchers: copies.1, assumptions })
    }

    fn settings(&self) -> ApplySettings {
        ApplySettings {
            parallelism: usize::from(self.planning.service.parallelism),
            // The copy knows no tokens of earlier runs: what became of their calls is looked for.
            token_age: Duration::ZERO,
            report_every: Duration::from_secs(u64::from(u32::MAX)),
            ..ApplySettings::default()
        }
    }

    /// Finishes on the copy what earlier runs left unfinished.
    fn recover(
        &self,
        stage: &Stage,
        store: &mut MemoryStore,
        snapshot: &Snapshot,
        mode: PlanMode,
    ) -> Result<Run, Failure> {
        let objects = planning::recorded(snapshot);
        let program = &self.prepared.program;
        let wanted = |entry: &JournalEntry| {
            mode != PlanMode::Destroy && still_wanted(program, &objects, entry)
        };
        let on = (stage, store as &mut (dyn Store + 'static));
        virtual_recovery(&wanted, &[], on, self.settings())
            .map_err(|error| Failure::of(error.diagnostic()))
    }

    /// Returns the configuration as an apply evaluates it; that of a saved plan does already.
    fn applying(&self, saved: bool) -> Result<Program, Failure> {
        let planned = &self.prepared.program;
        if saved {
            return Ok(planned.clone());
        }
        apply::applying(planned, &self.session.environment)
    }

    fn plan(
        &self,
        stage: &Stage,
        program: &Program,
        snapshot: &Snapshot,
        providers: &Providers,
        options: &PlanOptions,
    ) -> (Plan, Diagnostics) {
        let (directives, wrong): (Directives, Diagnostics) =
            planning::directives(program, snapshot);
        let input = PlanInput {
            program,
            snapshot,
            options,
            providers: &planning::contexts(providers),
            directives: &directives,
        };
        let (plan, found) = crate::plan::plan(input, stage);
        let mut diagnostics = wrong;
        diagnostics.extend(found);
        (plan, diagnostics)
    }

    /// Plans once more, on the copy as it is after the apply.
    fn afterwards(
        &self,
        stage: &Stage,
        snapshot: &Snapshot,
        providers: &Providers,
        options: &PlanOptions,
    ) -> Afterwards {
        let options = PlanOptions {
            replace: Vec::new(),
            refresh: true,
            allow_missing: true,
            ..options.clone()
        };
        let (plan, found) = self.plan(stage, &self.prepared.program, snapshot, providers, &options);
        let errors: Vec<String> = found
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .map(|d| d.summary.clone())
            .collect();
        let outputs = plan.outputs.iter().filter(|output| output.is_change());
        let changes = plan.changes.iter().filter(|change| change.kind != ChangeKind::NoOp);
        Afterwards {
            empty: errors.is_empty() && !plan.has_changes() && plan.drift.is_empty(),
            changes: changes.map(|c| remaining(&ChangeDocument::new(c, false))).collect(),
            drift: plan.drift.iter().map(|drift| drift.address.to_string()).collect(),
            outputs: outputs.map(|output| output.name.to_string()).collect(),
            errors,
        }
    }

    /// Returns what `plan` foresees by the same times.
    fn foreseen(&self, plan: &Plan, lessons: &BTreeMap<String, String>) -> Option<f64> {
        let now = self.session.environment.clock.now();
        let parallelism = usize::from(self.planning.service.parallelism);
        forecast(plan, lessons, now, parallelism).map(|forecast| forecast.seconds)
    }
}

fn recovery_makes_stale() -> Failure {
    Failure::of(
        Diagnostic::error("stale-plan", "finishing an earlier run changes the state")
            .detail("The saved plan was made before that; `apply` refuses it.")
            .help("run `natform recover`, then make a new plan and review it"),
    )
}

/// Returns the ids of DNAT entries that the state knows to break ports.
fn breaks(snapshot: &Snapshot) -> BTreeSet<String> {
    let instances = snapshot.instances.values();
    let breaks = instances.filter(|instance| instance.object.flag("port_break"));
    breaks.map(|instance| instance.id.clone()).collect()
}

/// Returns how often each action was called, and how often in vain.
fn counts(emulators: &[Arc<Emulator>]) -> BTreeMap<String, (u64, u64)> {
    let mut all: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (action, counts) in emulators.iter().flat_map(|emulator| emulator.counts()) {
        let (calls, refused) = all.entry(action).or_default();
        *calls += counts.calls;
        *refused += counts.errors.values().sum::<u64>();
    }
    all
}

fn calls(before: &BTreeMap<String, (u64, u64)>, after: &BTreeMap<String, (u64, u64)>) -> Calls {
    let mut calls = Calls::default();
    for (name, (all, refused)) in after {
        let (all_before, refused_before) = before.get(name).copied().unwrap_or_default();
        calls.refused += refused - refused_before;
        let kind = match Action::from_name(name) {
            Some(action) if action.mutates() => &mut calls.mutating,
            _ => &mut calls.reads,
        };
        if *all > all_before {
            kind.insert(name.clone(), all - all_before);
        }
    }
    calls
}

fn recoveries(run: &Run) -> Vec<Recovered> {
    let events = run.events.iter();
    let recovered = events.filter_map(|(_, event)| match event {
        ApplyEvent::Recovered { operation, detail, .. } => Some(Recovered {
            address: operation.address.to_string(),
            action: operation.action.name().to_owned(),
            outcome: detail.clone(),
        }),
        _ => None,
    });
    recovered.collect()
}

/// Returns what failed, with the service's refusals.
fn failures(
    plan: &Plan,
    run: &Run,
    copies: &Copies,
    rules: &Diagnostics,
) -> Vec<report_model::Failure> {
    let refused: Vec<Refused> = copies.watchers.iter().flat_map(|w| w.refused()).collect();
    let location = |name: &OperationName| {
        let change = plan
            .changes
            .binary_search_by(|change| change.address.cmp(&name.address))
            .ok()
            .and_then(|index| plan.changes.get(index));
        change.and_then(|change| change.location.as_deref().map(str::to_owned))
    };
    let failure = |(at, event): &(Duration, ApplyEvent)| {
        let ApplyEvent::Failed { operation, diagnostic, .. } = event else { return None };
        let code_in_text = |refused: &&Refused| {
            refused.action == operation.action
                && (diagnostic.detail.contains(&refused.code)
                    || diagnostic.summary.contains(&refused.code))
        };
        let refusal = refused.iter().rev().find(code_in_text);
        Some(report_model::Failure {
            at: at.as_secs_f64(),
            address: operation.address.to_string(),
            action: operation.action.name().to_owned(),
            location: location(operation),
            diagnostic: diagnostic.code.to_owned(),
            summary: diagnostic.summary.clone(),
            refusal: refusal.map(|r| Refusal { code: r.code.clone(), message: r.message.clone() }),
            rule: rule(rules, &operation.address.to_string()),
        })
    };
    run.events.iter().filter_map(failure).collect()
}

/// Returns the rule that an instance breaks.
fn rule(rules: &Diagnostics, address: &str) -> Option<report_model::Rule> {
    let quoted = format!("`{address}`");
    let of = |d: &&Diagnostic| {
        d.severity == Severity::Error
            && (d.address.as_deref() == Some(address) || d.summary.contains(&quoted))
    };
    let found = rules.iter().find(of)?;
    Some(report_model::Rule { code: found.code.to_owned(), summary: found.summary.clone() })
}

/// Returns the traffic that stops, named as people may see it.
fn stops(plan: &Plan, snapshots: &[&Snapshot; 2], copies: &Copies) -> Vec<Stop> {
    let begin = copies.begin();
    let mut addresses: BTreeMap<&str, String> = BTreeMap::new();
    for instance in snapshots.iter().flat_map(|snapshot| snapshot.instances.values()) {
        addresses.entry(&instance.id).or_insert_with(|| instance.address.to_string());
    }
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    for object in plan.changes.iter().flat_map(|change| [&change.before, &change.after]).flatten() {
        let Some(traffic) = traffic(object).filter(|_| object.iter().any(is_secret)) else {
            continue;
        };
        shown.extend(traffic.keys.into_iter().map(|key| (key, traffic.shown.clone())));
    }
    let seconds = |at: crate::environment::Timestamp| at.since(begin).as_secs_f64();
    let gaps = copies.watchers.iter().flat_map(|watcher| watcher.gaps());
    let stop = |gap: crate::rehearsal::traffic::Gap| {
        let address = addresses.get(gap.id.as_str()).cloned();
        let plain = match (gap.brief, gap.inbound) {
            (true, _) => address.clone().unwrap_or_else(|| gap.key.clone()),
            (false, true) => gap.key.clone(),
            (false, false) => format!("{} outbound", gap.key),
        };
        Stop {
            traffic: shown.get(&gap.key).cloned().unwrap_or(plain),
            address,
            action: gap.action.name().to_owned(),
            begins: seconds(gap.begins),
            ends: gap.ends.map(seconds),
            seconds: match gap.brief {
                true => Some(2.0),
                false => gap.ends.map(|end| end.since(gap.begins).as_secs_f64()),
            },
            brief: gap.brief,
            again_by: gap.again_by.and_then(|id| addresses.get(id.as_str()).cloned()),
            id: gap.id,
        }
    };
    let mut stops: Vec<Stop> = gaps.map(stop).collect();
    stops.sort_by(|a, b| a.begins.total_cmp(&b.begins).then_with(|| a.traffic.cmp(&b.traffic)));
    stops
}

fn is_secret((_, value): (&crate::value::Name, &Value)) -> bool {
    value.deep_sensitive()
}

impl Copies {
    /// Returns when the rehearsal began.
    fn begin(&self) -> crate::environment::Timestamp {
        self.watchers.first().map(|watcher| watcher.begin()).unwrap_or_default()
    }
}

fn remaining(change: &ChangeDocument) -> Remaining {
    let mut reasons: Vec<String> = change.reasons.iter().map(|r| r.sentence.clone()).collect();
    if change.actions == [ActionWord::Update] {
        let (before, after) = (&change.before, &change.after);
        let names = after.as_object().into_iter().flatten().filter(|(name, value)| {
            before.get(name.as_str()) != Some(*value)
                || change.after_unknown.get(name.as_str()).is_some()
        });
        reasons.extend(names.map(|(name, _)| format!("`{name}` differs")));
    }
    Remaining { address: change.address.clone(), actions: change.actions.clone(), reasons }
}
