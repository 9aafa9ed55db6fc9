//! `drift`: compares the recorded objects with the live ones. It takes no lock and writes nothing.

use std::path::Path;

use super::Session;
use super::arguments::Drift;
use super::failure::{Exit, Failure};
use super::lock;
use super::planning;
use super::waiting;
use crate::diagnostic::Diagnostic;
use crate::drift::{self, DriftStatus, Expectation, ScanInput, scan};
use crate::report;
use crate::report::paint::Paint;
use crate::state::{Snapshot, Store};

/// Runs the command.
pub fn run(session: &Session, arguments: &Drift) -> Result<Exit, Failure> {
    let expected = match &arguments.expected {
        Some(file) => expectations(session, file)?,
        None => Vec::new(),
    };
    let prepared = planning::prepare(session, &arguments.variables)?;
    let snapshot = prepared.store.snapshot().map_err(|e| Failure::of(e.diagnostic()))?;
    let warnings = [
        planning::gone_state(&prepared.store, &snapshot),
        lock::under_way(&prepared.store, &snapshot),
        unfinished(&snapshot),
    ];
    warnings.into_iter().flatten().for_each(|warning| session.warn_one(warning));
    let providers = planning::connect(session, &prepared, &snapshot, &arguments.service)?;
    let reader = planning::reader(session, &prepared, &providers)?;
    let input = ScanInput {
        snapshot: &snapshot,
        providers: &planning::contexts(&providers),
        expected: &expected,
        now: session.environment.clock.now(),
        allow_missing: arguments.allow_missing,
        show_sensitive: arguments.show_sensitive,
    };
    let what = "Reading the live objects";
    let compare = || scan(input, &reader);
    let report = waiting::during(&session.terminal, what, &prepared.trouble, compare);
    if arguments.json {
        session.print_json(&report)?;
    } else if arguments.markdown {
        session.terminal.print(&report::drift_markdown::scan(&report))?;
    } else {
        let paint = Paint { on: session.terminal.colour };
        session.terminal.print(&report::drift::scan(&report, paint))?;
    }
    Ok(match report.status {
        DriftStatus::InSync => Exit::Done,
        DriftStatus::Drifted => Exit::Changes,
        DriftStatus::Failed => Exit::Failed,
    })
}

/// Says which recorded objects are not compared, since an earlier run is not done with them.
fn unfinished(snapshot: &Snapshot) -> Option<Diagnostic> {
    let recorded = snapshot.instances.values().map(|instance| &instance.address);
    let mut names: Vec<String> =
        recorded.filter(|address| snapshot.is_in_doubt(address)).map(ToString::to_string).collect();
    names.dedup();
    (!names.is_empty() && snapshot.holder.is_none()).then(|| {
        Diagnostic::warning(
            "unfinished-operations",
            "what an earlier run left unfinished is not compared",
        )
        .detail(format!("It is about:\n  {}", names.join("\n  ")))
        .help("run `natform recover`, or apply, which does that first")
    })
}

/// Reads a file of expected drift.
fn expectations(session: &Session, file: &Path) -> Result<Vec<Expectation>, Failure> {
    let shown = file.display();
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::of(Diagnostic::error("expected-drift", format!("`{shown}`: {why}")).help(
            "write a list such as `[{\"address\": \"nat_gateway.edge\", \"attributes\": [\"name\"], \
             \"reason\": \"…\", \"until\": \"2030-12-31\"}]`",
        ))
    };
    let path = session.environment.working_directory.join(file);
    let bytes = session.environment.files.read(&path).map_err(|error| wrong(&error))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong(&"it is not UTF-8 text"))?;
    drift::expectations(&text).map_err(|error| wrong(&error))
}
