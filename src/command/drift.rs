//! `drift`: compares the recorded objects with the live ones. It takes no lock and writes nothing.

use super::Session;
use super::arguments::Drift;
use super::failure::{Exit, Failure};
use super::planning;
use super::waiting;
use crate::drift::{DriftStatus, ScanInput, scan};
use crate::report;
use crate::report::paint::Paint;
use crate::state::Store;

/// Runs the command.
pub fn run(session: &Session, arguments: &Drift) -> Result<Exit, Failure> {
    let prepared = planning::prepare(session, &arguments.variables)?;
    let snapshot = prepared.store.snapshot().map_err(|e| Failure::of(e.diagnostic()))?;
    let providers = planning::connect(session, &prepared, &snapshot, &arguments.service)?;
    let reader = planning::reader(session, &prepared, &providers)?;
    let input = ScanInput {
        snapshot: &snapshot,
        providers: &planning::contexts(&providers),
        expected: &[],
        now: session.environment.clock.now(),
        allow_missing: false,
        show_sensitive: arguments.show_sensitive,
    };
    let what = "Reading the live objects";
    let compare = || scan(input, &reader);
    let report = waiting::during(&session.terminal, what, &prepared.trouble, compare);
    if arguments.json {
        session.print_json(&report)?;
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
