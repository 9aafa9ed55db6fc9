//! `state pull`: the state as one JSON document.

use super::arguments::Pull;
use super::snapshot;
use crate::command::Session;
use crate::command::failure::{Exit, Failure};
use crate::diagnostic::Diagnostic;

/// Runs the command.
pub(super) fn run(session: &Session, arguments: &Pull) -> Result<Exit, Failure> {
    let snapshot = snapshot(&session.store()?, arguments.serial)?;
    let export = snapshot.export(arguments.show_sensitive);
    session.print_json(&export)?;
    if export.redacted {
        session.warn_one(
            Diagnostic::warning("redacted", "sensitive values are left out of this document")
                .detail("It can be read and compared, not pushed.")
                .help("`-show-sensitive` writes them in clear: keep the file as safe as the state"),
        );
    }
    Ok(Exit::Done)
}
