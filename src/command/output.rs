//! `output`: output values from the state.

use super::Session;
use super::arguments::Output;
use super::failure::{Exit, Failure};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::report;
use crate::state::Store;
use crate::state::document;
use crate::value;

/// Runs the command.
pub fn run(session: &Session, arguments: &Output) -> Result<Exit, Failure> {
    let snapshot = session.store()?.snapshot().map_err(|e| Failure::of(e.diagnostic()))?;
    let Some(name) = &arguments.name else {
        let outputs = document::outputs(&snapshot, arguments.json);
        if arguments.json {
            session.print_json(&outputs)?;
        } else if outputs.is_empty() {
            session.warn_one(
                Diagnostic::warning("no-outputs", "the state has no outputs")
                    .help("declare an `output` block and run `natform apply`"),
            );
        } else {
            session.terminal.print(&report::state::outputs(&outputs))?;
        }
        return Ok(Exit::Done);
    };
    let Some(found) = snapshot.outputs.get(name.as_str()) else {
        let names = snapshot.outputs.keys().map(|n| &**n);
        let help = did_you_mean(name, names).map_or_else(
            || "declare it in an `output` block and run `natform apply`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(Failure::of(
            Diagnostic::error("unknown-output", format!("the state has no output `{name}`"))
                .help(help),
        ));
    };
    let text = if arguments.json {
        value::write_json(&found.unmark_deep()).unwrap_or_default()
    } else if arguments.raw {
        return raw(session, name, found);
    } else {
        value::display(found)
    };
    session.terminal.print(&(text + "\n"))?;
    Ok(Exit::Done)
}

/// Prints a text, number or truth value as it is, without a line's end.
fn raw(session: &Session, name: &str, found: &value::Value) -> Result<Exit, Failure> {
    let text = value::convert(&found.unmark_deep(), &value::Type::String)
        .ok()
        .and_then(|v| v.as_str().map(str::to_owned));
    let Some(text) = text else {
        return Err(Failure::of(
            Diagnostic::error("not-a-text", format!("the output `{name}` is not a single text"))
                .help("use `-json` for lists and objects"),
        ));
    };
    session.terminal.print(&text)?;
    Ok(Exit::Done)
}
