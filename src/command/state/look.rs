//! `state list` and `state show`.

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::arguments::{List, Show};
use super::{named, snapshot, unknown_address};
use crate::address::{Address, Target};
use crate::command::failure::{Exit, Failure};
use crate::command::{Session, parse_target, planning};
use crate::diagnostic::Diagnostic;
use crate::report;
use crate::report::paint::Paint;
use crate::state::{Instance, Snapshot, Status, document};

/// Runs `state list`.
pub(super) fn list(session: &Session, arguments: &List) -> Result<Exit, Failure> {
    let store = session.store()?;
    let snapshot = snapshot(&store, arguments.serial)?;
    let targets =
        arguments.addresses.iter().map(|a| parse_target(a)).collect::<Result<Vec<Target>, _>>()?;
    let listed: Vec<&Instance> = snapshot
        .instances
        .values()
        .filter(|i| targets.is_empty() || targets.iter().any(|t| t.contains(&i.address)))
        .filter(|i| arguments.id.as_ref().is_none_or(|id| i.id == *id))
        .collect();
    if arguments.json {
        session.print_json(&listing(&snapshot, &listed))?;
        return Ok(Exit::Done);
    }
    if listed.is_empty() {
        let all = targets.is_empty() && arguments.id.is_none();
        let (summary, help) = if all {
            ("the state records nothing", "`natform apply` makes and records what is configured")
        } else {
            ("the state records nothing of this kind", "`natform state list` lists all")
        };
        let empty = Diagnostic::warning("empty-state", summary).help(help);
        session.warn_one(planning::gone_state(&store, &snapshot).unwrap_or(empty));
    }
    session.terminal.stream(|out| {
        listed.iter().try_for_each(|instance| writeln!(out, "{}", named(instance)))
    })?;
    Ok(Exit::Done)
}

/// The document of `state list -json`.
#[derive(Serialize)]
struct Listing<'s> {
    format_version: &'static str,
    lineage: &'s str,
    serial: u64,
    resources: Vec<Listed<'s>>,
}

/// One object of it.
#[derive(Serialize)]
struct Listed<'s> {
    address: &'s Address,
    #[serde(rename = "type")]
    kind: &'s str,
    id: &'s str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposed: Option<&'s str>,
}

fn listing<'s>(snapshot: &'s Snapshot, listed: &[&'s Instance]) -> Listing<'s> {
    let one = |instance: &&'s Instance| Listed {
        address: &instance.address,
        kind: instance.address.kind(),
        id: &instance.id,
        status: instance.status,
        deposed: instance.deposed.as_deref(),
    };
    Listing {
        format_version: document::FORMAT_VERSION,
        lineage: &snapshot.lineage,
        serial: snapshot.serial,
        resources: listed.iter().map(one).collect(),
    }
}

/// Runs `state show`.
pub(super) fn show(session: &Session, arguments: &Show) -> Result<Exit, Failure> {
    let snapshot = snapshot(&session.store()?, arguments.serial)?;
    let found = find(&snapshot, &arguments.address)?;
    let document = document::instance(found, arguments.show_sensitive);
    if arguments.json {
        let mut whole = json!({"format_version": document::FORMAT_VERSION});
        let fields = serde_json::to_value(&document).map_err(std::io::Error::from)?;
        if let (Some(whole), Json::Object(fields)) = (whole.as_object_mut(), fields) {
            whole.extend(fields);
        }
        session.print_json(&whole)?;
    } else {
        let paint = Paint { on: session.terminal.colour };
        session.terminal.print(&report::state::instance(&document, paint))?;
    }
    Ok(Exit::Done)
}

fn find<'a>(snapshot: &'a Snapshot, text: &str) -> Result<&'a Instance, Failure> {
    let target = parse_target(text)?;
    let mut found =
        snapshot.instances.values().filter(|i| i.deposed.is_none() && target.contains(&i.address));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Failure::of(
            Diagnostic::error("several-objects", format!("`{text}` has several instances"))
                .help(format!("name one of those that `natform state list '{text}'` prints")),
        )),
        (None, _) => Err(unknown_address(text, snapshot)),
    }
}
