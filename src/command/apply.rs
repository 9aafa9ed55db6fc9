//! `apply` and `destroy`: a plan, made now or saved before, is approved and carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::Session;
use super::arguments::{Apply as Arguments, Planning};
use super::events::Events;
use super::failure::{Exit, Failure};
use super::planning::{self, Prepared};
use super::progress::Progress;
use super::providers::Providers;
use super::running::{self, Recovering, Running};
use super::service::{Evaluator, service};
use super::{forbid, interrupt, lock, plan, plan_file, show, waiting};
use crate::apply::{self, Counts, Outcome};
use crate::configuration;
use crate::diagnostic::{Diagnostic, SourceMap};
use crate::environment::Environment;
use crate::plan::document::StreamedPlan;
use crate::plan::program::Program;
use crate::plan::saved::{self, Loaded, SavedPlan};
use crate::plan::{Plan, PlanMode, Purpose};
use crate::refresh::Reader;
use crate::report;
use crate::report::paint::Paint;
use crate::resources::{self, Listings, ReadScope, Sought};
use crate::state::{Lock, RunRecord, Snapshot, Store, document};

/// Runs the command.
pub fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let events = arguments.json.then(|| Events::begin(&session.terminal, &session.environment));
    let run = Run { session, arguments, events: events.as_ref() };
    let done = match &arguments.plan_file {
        None => run.fresh(),
        Some(file) => run.saved(file),
    };
    match (done, &events) {
        (Err(Failure::Diagnostics(diagnostics, sources)), Some(events)) => {
            events.diagnostics(&session.natural(&diagnostics), &sources);
            Ok(Exit::Failed)
        }
        // Nobody reads the plan, so nobody wants it to be carried out.
        (Err(Failure::ClosedOutput), _) => Ok(Exit::Failed),
        (other, _) => other,
    }
}

struct Run<'a> {
    session: &'a Session,
    arguments: &'a Arguments,
    events: Option<&'a Events<'a>>,
}

/// A plan that was approved, with what was read for it.
struct Approved<'a> {
    plan: &'a Plan,
    lists: BTreeMap<String, Listings>,
    /// Whether live objects were read for it.
    refreshed: bool,
    /// Whether recovery left operations open.
    left_open: bool,
    record: RunRecord,
}

impl Run<'_> {
    /// Makes a plan, asks for approval and carries it out.
    fn fresh(&self) -> Result<Exit, Failure> {
        let planning = &self.arguments.planning;
        let options = planning::options(planning)?;
        if planning.refresh_only && !planning.refresh {
            return Err(Failure::of(
                Diagnostic::error(
                    "flags",
                    "`-refresh-only` and `-refresh=false` exclude each other",
                )
                .help("leave one of them out"),
            ));
        }
        let mut prepared = planning::prepare(self.session, &planning.variables)?;
        let lock = self.lock(&mut prepared)?;
        let snapshot = read_state(&prepared)?;
        planning::refuse_gone_state(&prepared.store, &snapshot)?;
        prepared.warnings.extend(planning::gone_state(&prepared.store, &snapshot));
        let providers = planning::connect(self.session, &prepared, &snapshot, &planning.service)?;
        let record = self.record(&lock, None);
        let destroying = planning.destroy;
        let snapshot =
            self.recover(&mut prepared, (&lock, &record), &providers, snapshot, destroying)?;
        let left_open = !snapshot.open.is_empty();
        let reader = planning::reader(self.session, &prepared, &providers)?;
        let (plan, mut diagnostics, lists) =
            planning::plan(self.session, &prepared, &snapshot, &providers, &options, &reader);
        diagnostics.extend(forbid::check(&plan, &planning.forbid, &prepared.program));
        let mut document = StreamedPlan::streamed(
            &plan,
            &diagnostics,
            prepared.sources(),
            planning.show_sensitive,
        );
        document.forecast = planning::forecast(self.session, &plan, &snapshot, &planning.service);
        plan::show(self.session, &document, &diagnostics, prepared.sources(), self.events)?;
        if diagnostics.has_errors() {
            return Ok(Exit::Failed);
        }
        if plan.has_changes() && !self.approve(plan.mode)? {
            return Ok(Exit::Failed);
        }
        prepared.program = applying(&prepared.program, &self.session.environment)?;
        let approved =
            Approved { plan: &plan, lists, refreshed: options.refresh, left_open, record };
        self.carry_out(&mut prepared, &lock, &providers, &approved)
    }

    /// Carries out a saved plan, or goes on with a run of it that was broken off.
    fn saved(&self, file: &Path) -> Result<Exit, Failure> {
        refuse_planning_flags(&self.arguments.planning)?;
        let loaded = plan_file::read(self.session, file)?;
        if let Some(diagnostic) = saved::other_version(&loaded) {
            return Err(Failure::of(diagnostic));
        }
        let program = plan_file::program(self.session, &loaded.saved)?;
        let mut prepared = planning::prepare_saved(self.session, program)?;
        // Before anything is made here, be it a lock.
        let known = prepared.store.run_of_plan(&loaded.digest).map_err(|e| e.diagnostic())?;
        if known.is_none() {
            refuse_astray(self.session, &loaded.saved)?;
        }
        if self.is_forbidden(&loaded, &prepared)? {
            return Ok(Exit::Failed);
        }
        let lock = self.lock(&mut prepared)?;
        let snapshot = read_state(&prepared)?;
        planning::refuse_gone_state(&prepared.store, &snapshot)?;
        let flags = &self.arguments.planning.service;
        let providers = planning::connect(self.session, &prepared, &snapshot, flags)?;
        let plan = &loaded.saved.plan;
        let earlier = prepared.store.run_of_plan(&loaded.digest).map_err(|e| e.diagnostic())?;
        if let Some(run) = earlier.as_ref().filter(|run| run.ended_at.is_some()) {
            return Err(already_applied(run));
        }
        let resumed = earlier.is_some();
        if let Some(diagnostic) =
            saved::foreign(&loaded, &snapshot, &planning::contexts(&providers))
        {
            return Err(Failure::of(diagnostic));
        }
        if !resumed {
            refuse_stale(&prepared, plan, snapshot.serial)?;
        }
        self.warn_of_files(&loaded.saved);
        let record = earlier.unwrap_or_else(|| self.record(&lock, Some(loaded.digest.clone())));
        let before = snapshot.serial;
        let destroying = plan.mode == PlanMode::Destroy;
        let snapshot =
            self.recover(&mut prepared, (&lock, &record), &providers, snapshot, destroying)?;
        let left_open = !snapshot.open.is_empty();
        if !resumed && snapshot.serial != before {
            return Err(Failure::of(
                Diagnostic::error("stale-plan", "finishing an earlier run changed the state")
                    .detail(
                        "The saved plan was made before that; what it would do may be wrong now.",
                    )
                    .help("make a new plan and review it"),
            ));
        }
        let refreshed = loaded.saved.options.refresh;
        let lists = if refreshed {
            let reader = planning::reader(self.session, &prepared, &providers)?;
            let read = || refresh(plan, &snapshot, &reader);
            let terminal = &self.session.terminal;
            waiting::during(terminal, "Reading the live objects", &prepared.trouble, read)
        } else {
            BTreeMap::new()
        };
        let approved = Approved { plan, lists, refreshed, left_open, record };
        self.carry_out(&mut prepared, &lock, &providers, &approved)
    }

    /// Shows a saved plan with what is wrong when it does what `-forbid` rules out.
    fn is_forbidden(&self, loaded: &Loaded, prepared: &Prepared) -> Result<bool, Failure> {
        let planning = &self.arguments.planning;
        let plan = &loaded.saved.plan;
        let diagnostics = forbid::check(plan, &planning.forbid, &prepared.program);
        if diagnostics.is_empty() {
            return Ok(false);
        }
        let document = show::plan_document(loaded, planning.show_sensitive);
        plan::show(self.session, &document, &diagnostics, prepared.sources(), self.events)?;
        Ok(true)
    }

    /// Warns where the configuration is not the one that the plan was made from.
    fn warn_of_files(&self, saved: &SavedPlan) {
        let environment = &self.session.environment;
        let here = configuration::load(environment, &environment.working_directory).0.files;
        let mut differing = saved::differing_files(saved, &here);
        if !here.is_empty() {
            let read = |path: &Path| {
                environment.files.read(&environment.working_directory.join(path)).ok()
            };
            let noted = saved.function_files.contents.iter();
            differing.extend(noted.filter_map(|(path, then)| match read(path) {
                None => Some((path.clone(), "is gone")),
                Some(now) => (now != *then).then(|| (path.clone(), "was changed")),
            }));
        }
        if differing.is_empty() {
            return;
        }
        let lines: Vec<String> =
            differing.iter().map(|(path, how)| format!("  {} {how}", path.display())).collect();
        let warning = Diagnostic::warning(
            "configuration-changed",
            "the configuration is not as it was when the plan was made",
        )
        .detail(format!(
            "What was planned is applied, whatever the files say now:\n{}",
            lines.join("\n")
        ))
        .help("make a new plan if it should follow the files");
        match self.events {
            Some(events) => events.diagnostics(&warning.into(), &SourceMap::default()),
            None => self.session.warn_one(warning),
        }
    }

    fn lock(&self, prepared: &mut Prepared) -> Result<Lock, Failure> {
        let timeout = self.arguments.planning.lock_timeout;
        lock::take(self.session, &mut prepared.store, self.operation(), timeout)
    }

    const fn operation(&self) -> &'static str {
        if self.arguments.planning.destroy { "destroy" } else { "apply" }
    }

    fn record(&self, lock: &Lock, plan: Option<String>) -> RunRecord {
        running::record(self.session, lock, self.operation(), plan)
    }

    const fn running(&self) -> Running<'_> {
        let flags = &self.arguments.planning.service;
        Running { session: self.session, events: self.events, flags }
    }

    /// Finishes what earlier runs left unfinished, before anything is planned.
    fn recover(
        &self,
        prepared: &mut Prepared,
        run: (&Lock, &RunRecord),
        providers: &Providers,
        snapshot: Snapshot,
        destroying: bool,
    ) -> Result<Snapshot, Failure> {
        if snapshot.open.is_empty() {
            return Ok(snapshot);
        }
        let progress = Progress::new(&self.session.terminal, self.events, snapshot.open.len());
        let how = Recovering { resolutions: &[], destroying, alone: false };
        let running = self.running();
        let outcome = running.recover(prepared, run, (providers, &snapshot), &progress, &how)?;
        progress.end();
        running.report(&outcome, prepared)?;
        if outcome.interrupted || outcome.state_error.is_some() {
            return Err(Failure::Ended(end(&outcome)));
        }
        read_state(prepared)
    }

    /// Asks for approval, unless it was given.
    fn approve(&self, mode: PlanMode) -> Result<bool, Failure> {
        if self.arguments.auto_approve {
            return Ok(true);
        }
        let terminal = &self.session.terminal;
        if !self.arguments.planning.variables.input
            || !terminal.interactive
            || self.events.is_some()
        {
            return Err(Failure::of(
                Diagnostic::error("no-approval", "nobody is there to approve the plan")
                    .help("say `-auto-approve`, or save the plan with `natform plan -out FILE` and apply the file"),
            ));
        }
        let question = match mode {
            PlanMode::Destroy => "Do you really want to destroy all of this? It cannot be undone.",
            PlanMode::RefreshOnly => "Do you want to record what is live?",
            PlanMode::Normal => "Do you want to perform these actions?",
        };
        let text =
            format!("\n{question}\n  Only `yes` will be accepted to approve.\n\n  Enter a value: ");
        let yes = terminal.ask(&text)?.is_some_and(|answer| answer.trim() == "yes");
        if !yes {
            terminal.print("\nNothing was done.\n")?;
        }
        Ok(yes)
    }

    fn carry_out(
        &self,
        prepared: &mut Prepared,
        lock: &Lock,
        providers: &Providers,
        approved: &Approved<'_>,
    ) -> Result<Exit, Failure> {
        let plan = approved.plan;
        let running = self.running();
        let progress = Progress::new(&self.session.terminal, self.events, plan.operations.len());
        let service = service(providers, &self.session.environment.clock);
        let reader = planning::reader(self.session, prepared, providers)?;
        let evaluator = Evaluator::new(&prepared.program, plan, &reader)
            .with_providers(planning::contexts(providers));
        let (interrupter, interrupt) = apply::interrupt::channel();
        drop(prepared.guard.take());
        if self.events.is_none() && !plan.operations.is_empty() {
            self.session.terminal.print("\n")?;
        }
        let outcome = prepared.runtime.block_on(async {
            let signals = interrupt::watch(&interrupter);
            let store = &mut prepared.store;
            let run = (lock, &approved.record);
            let mut context = running.context(store, run, &service, &progress, interrupt);
            context.settings.heeds_changes = approved.refreshed;
            let work = apply::apply(plan, &evaluator, &approved.lists, context);
            // Signals first, so that none is lost once the work has begun.
            tokio::select! { biased; never = signals => match never {}, outcome = work => outcome }
        });
        progress.end();
        running.report(&outcome, prepared)?;
        self.summary(prepared, plan, &outcome)?;
        // What recovery could not finish was said, and is an error of this run, too.
        Ok(match end(&outcome) {
            Exit::Done if approved.left_open => Exit::Failed,
            exit => exit,
        })
    }

    fn summary(&self, prepared: &Prepared, plan: &Plan, outcome: &Outcome) -> Result<(), Failure> {
        let text = summary(plan.mode, outcome);
        if let Some(events) = self.events {
            events.summary(&text, self.operation(), outcome.counts);
        } else {
            let paint = Paint { on: self.session.terminal.colour };
            let painted = if outcome.is_success() { paint.green(&text) } else { paint.red(&text) };
            // Messages end with a blank line of their own.
            let told = !outcome.diagnostics.is_empty() || outcome.state_error.is_some();
            let gap = if plan.operations.is_empty() || told { "" } else { "\n" };
            self.session.terminal.print(&format!("{gap}{painted}\n"))?;
        }
        if plan.mode == PlanMode::Destroy {
            return Ok(());
        }
        let Ok(snapshot) = prepared.store.snapshot() else { return Ok(()) };
        let outputs = document::outputs(&snapshot, false);
        match self.events {
            Some(events) => {
                events.outputs(&serde_json::to_value(&outputs).unwrap_or_default());
            }
            None if outputs.is_empty() => {}
            None => {
                let text = report::state::outputs(&outputs);
                self.session.terminal.print(&format!("\nOutputs:\n\n{text}"))?;
            }
        }
        Ok(())
    }
}

/// Returns the configuration for the apply of the plan that was made with it: functions that differ
/// each time have values now.
pub(super) fn applying(planned: &Program, environment: &Environment) -> Result<Program, Failure> {
    let (program, found) = Program::new_applying(
        Arc::clone(planned.configuration()),
        planned.variables().clone(),
        environment,
        planned.plan_time(),
        None,
    );
    if found.has_errors() {
        return Err(Failure::Diagnostics(found, planned.configuration().sources.clone()));
    }
    Ok(program)
}

/// Refuses a plan that begins a state, anywhere but where that was meant to be.
pub(super) fn refuse_astray(session: &Session, saved: &SavedPlan) -> Result<(), Failure> {
    let environment = &session.environment;
    let now = &environment.working_directory;
    let same = |one: &Path, other: &Path| matches!((one.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if same(&saved.directory, now) {
        return Ok(());
    }
    let here = configuration::load(environment, now).0.files;
    saved::astray(saved, now, &here).map_or(Ok(()), |found| Err(Failure::of(found)))
}

/// A saved plan holds all of this already.
pub(super) fn refuse_planning_flags(planning: &Planning) -> Result<(), Failure> {
    let given = [
        ("-target", !planning.target.is_empty()),
        ("-replace", !planning.replace.is_empty()),
        ("-refresh-only", planning.refresh_only),
        ("-refresh=false", !planning.refresh),
        ("-destroy", planning.destroy),
        ("-var", !planning.variables.var.is_empty()),
        ("-var-file", !planning.variables.var_file.is_empty()),
        ("-allow-missing", planning.allow_missing),
    ];
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => Err(Failure::of(
            Diagnostic::error("flags", format!("`{flag}` cannot change a saved plan"))
                .help(format!("give `{flag}` to `natform plan -out FILE`")),
        )),
    }
}

/// Refuses a plan that was made from another serial than the state has.
pub(super) fn refuse_stale(prepared: &Prepared, plan: &Plan, serial: u64) -> Result<(), Failure> {
    if plan.serial == serial {
        return Ok(());
    }
    let since = usize::try_from(serial.saturating_sub(plan.serial)).unwrap_or(usize::MAX);
    let history = prepared.store.history(since).map_err(|error| error.diagnostic())?;
    saved::stale(plan, serial, &history).map_or(Ok(()), |diagnostic| Err(diagnostic.into()))
}

/// Reads what a plan's operations are about: lists in which something is made whole, since what is there
/// must be known before; of others the objects that are changed or deleted.
pub(super) fn refresh(
    plan: &Plan,
    snapshot: &Snapshot,
    reader: &dyn Reader,
) -> BTreeMap<String, Listings> {
    let mut wanted: BTreeMap<(String, ReadScope), BTreeSet<String>> = BTreeMap::new();
    let mut whole: BTreeSet<(String, ReadScope)> = BTreeSet::new();
    for operation in &plan.operations {
        let Some(change) = plan.changes.get(operation.change) else { continue };
        let Some(kind) = resources::lookup(change.address.kind()) else { continue };
        for object in [&change.before, &change.after].into_iter().flatten() {
            for (number, scope) in kind.scopes(&change.region, object).into_iter().enumerate() {
                let key = (change.provider.to_string(), scope);
                let id = change.id.clone().filter(|_| number == 0);
                if operation.purpose == Purpose::Create || id.is_none() {
                    whole.insert(key.clone());
                }
                wanted.entry(key).or_default().extend(id);
            }
        }
    }
    let mut rows: BTreeMap<ReadScope, usize> = BTreeMap::new();
    for instance in snapshot.instances.values() {
        let kind = resources::lookup(instance.address.kind());
        let scopes = kind.map(|kind| kind.scopes(&instance.region, &instance.object));
        if let Some(scope) = scopes.into_iter().flatten().next() {
            *rows.entry(scope).or_default() += 1;
        }
    }
    let mut sought: BTreeMap<String, Vec<Sought>> = BTreeMap::new();
    for (key, ids) in wanted {
        let ids = if whole.contains(&key) { BTreeSet::new() } else { ids };
        let (provider, scope) = key;
        let rows = Some(rows.get(&scope).copied().unwrap_or_default());
        sought.entry(provider).or_default().push(Sought { scope, ids, rows });
    }
    let read = |(provider, sought): (String, Vec<Sought>)| {
        let lists = reader.sought(&provider, &sought);
        (provider, lists)
    };
    sought.into_iter().map(read).collect()
}

pub(super) fn read_state(prepared: &Prepared) -> Result<Snapshot, Failure> {
    Ok(prepared.store.snapshot().map_err(|e| e.diagnostic())?)
}

fn end(outcome: &Outcome) -> Exit {
    if outcome.interrupted {
        return interrupt::exit();
    }
    if outcome.is_success() { Exit::Done } else { Exit::Failed }
}

fn summary(mode: PlanMode, outcome: &Outcome) -> String {
    let Counts { created, updated, deleted, forgotten, .. } = outcome.counts;
    let mut parts = match mode {
        PlanMode::Destroy => vec![format!("{deleted} destroyed")],
        _ => vec![
            format!("{created} added"),
            format!("{updated} changed"),
            format!("{deleted} destroyed"),
        ],
    };
    if outcome.counts.imported > 0 {
        parts.insert(0, format!("{} imported", outcome.counts.imported));
    }
    if forgotten > 0 {
        parts.push(format!("{forgotten} forgotten"));
    }
    let done = parts.join(", ");
    if outcome.is_success() {
        let word = if mode == PlanMode::Destroy { "Destroy complete!" } else { "Apply complete!" };
        return format!("{word} Resources: {done}.");
    }
    let word = if outcome.interrupted { "Interrupted" } else { "Apply failed" };
    let mut rest = Vec::new();
    if outcome.failed > 0 {
        rest.push(format!("{} failed", outcome.failed));
    }
    if !outcome.skipped.is_empty() {
        rest.push(format!("{} left out because of that", outcome.skipped.len()));
    }
    if outcome.not_begun > 0 {
        rest.push(format!("{} not begun", outcome.not_begun));
    }
    if outcome.unfinished > 0 {
        rest.push(format!("{} to be finished by the next apply", outcome.unfinished));
    }
    let rest = if rest.is_empty() { String::new() } else { format!("; {}", rest.join(", ")) };
    format!("{word}. Resources: {done}{rest}.")
}

pub(super) fn already_applied(run: &RunRecord) -> Failure {
    let ended =
        run.ended_at.map_or(String::new(), |at| format!(", which ended at {}", at.iso8601()));
    Failure::of(
        Diagnostic::error("applied-plan", "the saved plan was applied already")
            .detail(format!("It was applied by {} in the run {}{ended}.", run.who, run.id))
            .help("make a new plan"),
    )
}
