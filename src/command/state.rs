//! `state list` and `state show`.

use super::Session;
use super::arguments::State;
use super::failure::{Exit, Failure};
use crate::address::Target;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::report;
use crate::report::paint::Paint;
use crate::state::{Instance, Snapshot, Store, document};

/// Runs the command.
pub fn run(session: &Session, arguments: &State) -> Result<Exit, Failure> {
    let snapshot = session.store()?.snapshot().map_err(|e| Failure::of(e.diagnostic()))?;
    match arguments {
        State::List { addresses } => list(session, &snapshot, addresses),
        State::Show { address, json, show_sensitive } => {
            let found = find(&snapshot, address)?;
            let document = document::instance(found, *show_sensitive);
            if *json {
                let mut whole = serde_json::json!({"format_version": document::FORMAT_VERSION});
                let fields = serde_json::to_value(&document).map_err(std::io::Error::from)?;
                if let (Some(whole), serde_json::Value::Object(fields)) =
                    (whole.as_object_mut(), fields)
                {
                    whole.extend(fields);
                }
                session.print_json(&whole)?;
            } else {
                let paint = Paint { on: session.terminal.colour };
                session.terminal.print(&report::state::instance(&document, paint))?;
            }
            Ok(Exit::Done)
        }
    }
}

fn list(session: &Session, snapshot: &Snapshot, addresses: &[String]) -> Result<Exit, Failure> {
    let targets =
        addresses.iter().map(|a| super::parse_target(a)).collect::<Result<Vec<Target>, _>>()?;
    let mut out = String::new();
    for instance in snapshot.instances.values() {
        if targets.is_empty() || targets.iter().any(|t| t.contains(&instance.address)) {
            let aside =
                instance.deposed.as_ref().map_or(String::new(), |k| format!(" (deposed {k})"));
            out.push_str(&format!("{}{aside}\n", instance.address));
        }
    }
    if out.is_empty() {
        let (summary, help) = if targets.is_empty() {
            ("the state records nothing", "`natform apply` makes and records what is configured")
        } else {
            ("the state records nothing under these addresses", "`natform state list` lists all")
        };
        session.warn_one(Diagnostic::warning("empty-state", summary).help(help));
    }
    session.terminal.print(&out)?;
    Ok(Exit::Done)
}

fn find<'a>(snapshot: &'a Snapshot, text: &str) -> Result<&'a Instance, Failure> {
    let target = super::parse_target(text)?;
    let mut found =
        snapshot.instances.values().filter(|i| i.deposed.is_none() && target.contains(&i.address));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Failure::of(
            Diagnostic::error("several-objects", format!("`{text}` has several instances"))
                .help(format!("name one of those that `natform state list '{text}'` prints")),
        )),
        (None, _) => {
            let names: Vec<String> =
                snapshot.instances.values().map(|i| i.address.to_string()).collect();
            let near = did_you_mean(text, names.iter().map(String::as_str));
            Err(Failure::of(
                Diagnostic::error("unknown-address", format!("the state records no `{text}`"))
                    .help(near.map_or_else(
                        || "`natform state list` prints what it records".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    )),
            ))
        }
    }
}
