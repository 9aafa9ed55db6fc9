//! `emulator`: serves the built-in emulator, and controls one that is served elsewhere or whose world
//! lies in a file. `serve` is the server, `link` reaches an emulator's control interface, `control` has
//! a function per command, `tables` what people see, `places` where in a file something is wrong.

pub mod arguments;
mod control;
mod link;
mod places;
mod serve;
mod tables;

use super::Session;
use super::arguments::{EditionName, Emulator};
use super::failure::{Exit, Failure};
use crate::diagnostic::Diagnostic;

/// Runs the command.
pub fn run(session: &Session, arguments: &Emulator) -> Result<Exit, Failure> {
    match &arguments.control {
        None => serve::run(session, arguments),
        Some(command) => match serving_flag(arguments) {
            None => control::run(session, command),
            Some(flag) => {
                let summary = format!("`{flag}` before a command is for serving an emulator");
                Err(Diagnostic::error("emulator-flag", summary)
                    .help("a command's own flags stand behind it, as in `natform emulator dump -data FILE`")
                    .into())
            }
        },
    }
}

/// Returns a flag of the server that was given and would do nothing.
fn serving_flag(arguments: &Emulator) -> Option<&'static str> {
    let given = [
        ("-listen", arguments.listen != "127.0.0.1:8900"),
        ("-data", arguments.data.is_some()),
        ("-edition", !matches!(arguments.edition, EditionName::V2020)),
        ("-timing", arguments.timing != "default"),
        ("-faults", arguments.faults.is_some()),
        ("-access-key", !arguments.access_key.is_empty()),
        ("-allow-remote", arguments.allow_remote),
    ];
    given.into_iter().find(|(_, is)| *is).map(|(flag, _)| flag)
}
