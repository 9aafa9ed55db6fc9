//! `plan`: shows what apply would change, and saves it with `-out`.

use std::path::{Path, PathBuf};

use super::arguments::Plan as Arguments;
use super::events::Events;
use super::failure::{Exit, Failure};
use super::{Session, forbid, generate, lock, planning, running};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::document::StreamedPlan;
use crate::plan::saved::{self, NewFile, SavedPlan};
use crate::report;
use crate::report::paint::Paint;
use crate::state::Store;

/// Runs the command.
pub fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let events = arguments.json.then(|| Events::begin(&session.terminal, &session.environment));
    match make(session, arguments, events.as_ref()) {
        Err(Failure::Diagnostics(diagnostics, sources)) if events.is_some() => {
            if let Some(events) = &events {
                events.diagnostics(&session.natural(&diagnostics), &sources);
            }
            Ok(Exit::Failed)
        }
        other => other,
    }
}

fn make(
    session: &Session,
    arguments: &Arguments,
    events: Option<&Events<'_>>,
) -> Result<Exit, Failure> {
    let planning = &arguments.planning;
    let options = planning::options(planning)?;
    let mut prepared = match arguments.generate_config_out {
        Some(_) => planning::prepare_to_generate(session, &planning.variables)?,
        None => planning::prepare(session, &planning.variables)?,
    };
    let snapshot = prepared.store.snapshot().map_err(|e| Failure::of(e.diagnostic()))?;
    prepared.warnings.extend(planning::gone_state(&prepared.store, &snapshot));
    prepared.warnings.extend(lock::under_way(&prepared.store, &snapshot));
    let generated = match &arguments.generate_config_out {
        Some(file) => generate::run(session, &mut prepared, &snapshot, &planning.service, file)?,
        None => None,
    };
    let providers = planning::connect(session, &prepared, &snapshot, &planning.service)?;
    let reader = planning::reader(session, &prepared, &providers)?;
    let (plan, mut diagnostics, _) =
        planning::plan(session, &prepared, &snapshot, &providers, &options, &reader);
    diagnostics.extend(forbid::check(&plan, &planning.forbid, &prepared.program));
    let forecast = planning::forecast(session, &plan, &snapshot, &planning.service);
    let sources = prepared.sources().clone();
    let has_changes = plan.has_changes();
    let errored = diagnostics.has_errors();

    let mut saved = match arguments.out {
        Some(_) => planning::saved(&prepared, plan, &options, &providers),
        None => SavedPlan { plan, ..SavedPlan::default() },
    };
    saved.forecast.clone_from(&forecast);
    let plan = &saved.plan;
    let mut notice = String::new();
    let mut file = None;
    if let (Some(out), false) = (&arguments.out, errored) {
        file = Some(NewPlan::create(session, out)?);
        let unfinished = if plan.unfinished.is_empty() {
            ""
        } else {
            "\nOperations of an earlier run are unfinished. Finishing them changes the state, and \
             then the saved plan is refused: run `natform recover` before and plan again.\n"
        };
        notice = format!(
            "{unfinished}\nSaved the plan to {0}. It holds sensitive values: keep it as safe as the state.\n\
             To carry it out:\n    natform apply {0}\n",
            out.display()
        );
    }
    let mut document =
        StreamedPlan::streamed(plan, &diagnostics, &sources, planning.show_sensitive);
    document.forecast = forecast;
    let foresight = running::foresight(session, &prepared.program, &snapshot, &providers);
    for (unfinished, foresight) in document.unfinished.iter_mut().zip(foresight) {
        unfinished.recovery = foresight.why;
    }
    // What a run that is under way is at is not left unfinished.
    if snapshot.holder.is_some() {
        document.unfinished.clear();
    }
    // A large plan is written and shown at a time.
    std::thread::scope(|scope| {
        let writing = file.map(|file| scope.spawn(|| file.finish(&saved)));
        let shown = show(session, &document, &diagnostics, &sources, events);
        match writing.map(std::thread::ScopedJoinHandle::join) {
            None => shown,
            Some(Ok(written)) => written.and(shown),
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    })?;
    if let (Some(generated), None) = (generated, events) {
        session.terminal.print(&generated)?;
    }
    if events.is_none() && !errored {
        session.terminal.print(&notice)?;
    }
    // Taking a large plan apart takes time, and the process ends.
    drop(document);
    std::mem::forget(saved);
    std::mem::forget(prepared.program.clone());
    std::mem::forget(snapshot);
    Ok(match (errored, has_changes && arguments.detailed_exitcode) {
        (true, _) => Exit::Failed,
        (false, true) => Exit::Changes,
        (false, false) => Exit::Done,
    })
}

/// Shows a plan with its warnings and errors.
pub fn show(
    session: &Session,
    document: &StreamedPlan<'_>,
    diagnostics: &Diagnostics,
    sources: &crate::diagnostic::SourceMap,
    events: Option<&Events<'_>>,
) -> Result<(), Failure> {
    if let Some(events) = events {
        events.plan(document, "plan");
        events.diagnostics(&session.natural(diagnostics), sources);
        return Ok(());
    }
    // What a plan with errors would do is no plan: only its errors are shown.
    if !document.errored {
        let paint = Paint { on: session.terminal.colour };
        session.terminal.stream(|out| report::text::plan(document, paint, out))?;
    }
    if !diagnostics.is_empty() {
        if !document.errored {
            session.terminal.report("\n");
        }
        session.warn(diagnostics, sources);
    }
    Ok(())
}

/// The file that a plan is saved to.
struct NewPlan {
    file: NewFile,
    path: PathBuf,
}

impl NewPlan {
    fn create(session: &Session, out: &Path) -> Result<Self, Failure> {
        let path = session.environment.working_directory.join(out);
        let file = NewFile::create(&path).map_err(|error| cannot_write(&path, &error))?;
        Ok(Self { file, path })
    }

    fn finish(self, plan: &SavedPlan) -> Result<(), Failure> {
        let written = self.file.finish(|file| saved::write(plan, file));
        written.map(drop).map_err(|error| cannot_write(&self.path, &error))
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::of(
        Diagnostic::error("plan-file", format!("cannot write `{}`: {error}", path.display()))
            .help("name a file in a directory that can be written"),
    )
}
