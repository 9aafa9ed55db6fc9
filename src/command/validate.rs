//! `validate`: checks the configuration alone; needs no credentials, no network and no values of
//! variables.

use std::sync::Arc;

use serde_json::json;

use super::Session;
use super::arguments::Validate;
use super::failure::{Exit, Failure};
use crate::configuration;
use crate::diagnostic::{self, Severity};
use crate::plan::program;
use crate::report::paint::Paint;

/// Runs the command.
pub fn run(session: &Session, arguments: &Validate) -> Result<Exit, Failure> {
    let directory = &session.environment.working_directory;
    let (configuration, mut diagnostics) = configuration::load(&session.environment, directory);
    let configuration = Arc::new(configuration);
    program::check_loaded(&configuration, &mut diagnostics, &session.environment);
    let valid = !diagnostics.has_errors();
    let exit = if valid { Exit::Done } else { Exit::Failed };
    if arguments.json {
        let count = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
        let document = json!({
            "format_version": "1.0",
            "valid": valid,
            "error_count": count(Severity::Error),
            "warning_count": count(Severity::Warning),
            "diagnostics": diagnostic::json::to_json(&session.natural(&diagnostics), &configuration.sources),
        });
        session.print_json(&document)?;
        return Ok(exit);
    }
    session.warn(&diagnostics, &configuration.sources);
    if valid {
        let paint = Paint { on: session.terminal.colour };
        session
            .terminal
            .print(&format!("{} The configuration is valid.\n", paint.green("Success!")))?;
    }
    // The process ends: freeing a large tree piece by piece would only take time.
    std::mem::forget(configuration);
    Ok(exit)
}
