//! `state history`: what each serial changed.

use super::arguments::History;
use super::snapshot;
use crate::address::Target;
use crate::command::failure::{Exit, Failure};
use crate::command::{Session, parse_target};
use crate::diagnostic::Diagnostic;
use crate::report;
use crate::report::paint::Paint;
use crate::state::document;

/// Runs the command.
pub(super) fn run(session: &Session, arguments: &History) -> Result<Exit, Failure> {
    let targets =
        arguments.addresses.iter().map(|a| parse_target(a)).collect::<Result<Vec<Target>, _>>()?;
    let store = session.store()?;
    let limit = arguments.limit.unwrap_or(usize::MAX);
    // A filter looks at all serials, so that the limit counts those that are shown.
    let read = if targets.is_empty() { limit } else { usize::MAX };
    let mut entries = store.history(read).map_err(|error| error.diagnostic())?;
    if !targets.is_empty() {
        entries.retain(|entry| {
            let mut changed = entry.changes.iter().map(|change| &change.address);
            changed.any(|address| targets.iter().any(|target| target.contains(address)))
        });
        entries.truncate(limit);
    }
    let document = document::history(&snapshot(&store, None)?, &entries);
    if arguments.json {
        session.print_json(&document)?;
        return Ok(Exit::Done);
    }
    if document.serials.is_empty() {
        let summary = if targets.is_empty() {
            "nothing was written to the state yet"
        } else {
            "no serial changed these addresses"
        };
        session.warn_one(
            Diagnostic::warning("empty-history", summary)
                .help("`natform apply` makes and records what is configured"),
        );
    }
    let paint = Paint { on: session.terminal.colour };
    session.terminal.print(&report::history::history(&document, paint))?;
    Ok(Exit::Done)
}
