//! `rehearse`: plays a plan on a copy of what is live, in virtual time, and tells how it goes. It
//! reads lists of the service, takes no lock and writes nothing.

mod copies;
mod subject;
mod told;

use std::collections::BTreeMap;
use std::time::Duration;

use super::arguments::{Planning, RehearsalFormat, Rehearse as Arguments};
use super::failure::{Exit, Failure};
use super::planning::{self, Prepared};
use super::providers::Providers;
use super::service::{Evaluator, still_wanted};
use super::{Session, apply, running, waiting};
use crate::apply::{Settings as ApplySettings, as_documented, forecast};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, json as diagnostic_json};
use crate::plan::document::ChangeDocument;
use crate::plan::program::Program;
use crate::plan::{ChangeKind, Directives, Plan, PlanInput, PlanMode, PlanOptions};
use crate::rehearsal::assumption::Assumption;
use crate::rehearsal::course::Course;
use crate::rehearsal::document::{self as report_model, Afterwards, RehearsalDocument, Verdict};
use crate::rehearsal::{Run, Stage, virtual_recovery, virtual_run};
use crate::report;
use crate::report::paint::Paint;
use crate::state::{JournalEntry, MemoryStore, Snapshot, StateError, Store};

use subject::Subject;
use told::{calls, counts, empty, failures, recoveries, refused, remaining, stops};

/// Runs the command.
pub fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let (prepared, mut subject) = match &arguments.plan_file {
        None => subject::fresh(session, &arguments.planning)?,
        Some(file) => subject::from_file(session, &arguments.planning, file)?,
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
        if !plan.has_changes() && snapshot.open.is_empty() {
            let document = RehearsalDocument { succeeds: true, digest, ..empty(&plan) };
            return Ok((document, diagnostics));
        }
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
                    plan_on(&copies.stage, &self.prepared.program, &after, &providers, &options);
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
        let lists = if options.refresh {
            let now = store.snapshot().map_err(failed)?;
            apply::refresh(&plan, &now, &copies.stage)
        } else {
            BTreeMap::new()
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
        let rules = if succeeds {
            Diagnostics::new()
        } else {
            let options = PlanOptions { refresh: true, ..options };
            plan_on(&copies.stage, &self.prepared.program, &after, &providers, &options).1
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
            assumptions: if plan.operations.is_empty() {
                Vec::new()
            } else {
                assumptions.documents()
            },
            ..empty(&plan)
        };
        Ok((document, diagnostics))
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
        let (plan, found) = plan_on(stage, &self.prepared.program, snapshot, providers, &options);
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

/// Makes a plan on a stage.
fn plan_on(
    stage: &Stage,
    program: &Program,
    snapshot: &Snapshot,
    providers: &Providers,
    options: &PlanOptions,
) -> (Plan, Diagnostics) {
    let (directives, wrong): (Directives, Diagnostics) = planning::directives(program, snapshot);
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

fn recovery_makes_stale() -> Failure {
    Failure::of(
        Diagnostic::error("stale-plan", "finishing an earlier run changes the state")
            .detail("The saved plan was made before that; `apply` refuses it.")
            .help("run `natform recover`, then make a new plan and review it"),
    )
}
