//! `state`: looking at what is recorded and mending it by hand.
//!
//! Every command that writes takes the lock, refuses what an unfinished operation may still change,
//! and writes in one transaction that the history ascribes to it.

pub mod arguments;
mod difference;
mod history;
mod look;
mod mv;
mod pull;
mod push;
mod rebind;
mod restore;
mod rm;

use super::Session;
use super::failure::{Exit, Failure};
use super::running;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::state::{Instance, JournalEntry, Lock, Snapshot, SqliteStore, Store, Write};
use arguments::State;

/// Runs the command.
pub fn run(session: &Session, arguments: &State) -> Result<Exit, Failure> {
    match arguments {
        State::List(arguments) => look::list(session, arguments),
        State::Show(arguments) => look::show(session, arguments),
        State::Mv(arguments) => mv::run(session, arguments),
        State::Rm(arguments) => rm::run(session, arguments),
        State::Pull(arguments) => pull::run(session, arguments),
        State::Push(arguments) => push::run(session, arguments),
        State::History(arguments) => history::run(session, arguments),
        State::Restore(arguments) => restore::run(session, arguments),
        State::Rebind(arguments) => rebind::run(session, arguments),
    }
}

/// Reads the state as it is, or as it was at a serial.
pub fn snapshot(store: &SqliteStore, serial: Option<u64>) -> Result<Snapshot, Failure> {
    let snapshot = match serial {
        Some(serial) => store.snapshot_at(serial),
        None => store.snapshot(),
    };
    snapshot.map_err(|error| Failure::of(error.diagnostic()))
}

/// Writes in one transaction that the history ascribes to `command`, and returns the serial.
fn commit(
    session: &Session,
    store: &mut SqliteStore,
    lock: &Lock,
    command: &str,
    writes: Vec<Write>,
) -> Result<u64, Failure> {
    let run = running::record(session, lock, command, None);
    let end = Write::EndRun { id: run.id.clone(), at: session.environment.clock.now() };
    let begin = std::iter::once(Write::BeginRun(run));
    let writes = begin.chain(writes).chain([end]).collect();
    store.commit(lock, writes).map_err(|error| Failure::of(error.diagnostic()))?;
    Ok(snapshot(store, None)?.serial)
}

/// Says that nothing is recorded at an address.
fn unknown_address(text: &str, snapshot: &Snapshot) -> Failure {
    let names: Vec<String> = snapshot.instances.values().map(|i| i.address.to_string()).collect();
    let help = did_you_mean(text, names.iter().map(String::as_str)).map_or_else(
        || "`natform state list` prints what it records".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Failure::of(
        Diagnostic::error("unknown-address", format!("the state records no `{text}`")).help(help),
    )
}

/// Refuses to touch what an unfinished operation may still change.
fn refuse_unfinished<'a>(mut open: impl Iterator<Item = &'a JournalEntry>) -> Result<(), Failure> {
    let Some(entry) = open.next() else { return Ok(()) };
    Err(Failure::of(
        Diagnostic::error(
            "unfinished-operation",
            format!("an operation on `{}` is unfinished", entry.address),
        )
        .address(&entry.address)
        .detail(format!(
            "`{}` was begun at {} and its outcome is not known yet.",
            entry.action,
            entry.intended_at.iso8601()
        ))
        .help("run `natform recover` first; the next apply does the same"),
    ))
}

/// Names an object of the service: `nat_gateway ngw-… in cn-hangzhou`, with its import id.
fn describe(instance: &Instance) -> String {
    let kind = instance.address.kind();
    let import = crate::resources::lookup(kind).and_then(|ty| ty.import_id(&instance.object));
    let id = import.as_ref().unwrap_or(&instance.id);
    let bills = if bills(kind) { " (still bills)" } else { "" };
    format!("{kind} {id} in {}{bills}", instance.region)
}

/// Returns whether objects of a type cost by being there.
fn bills(kind: &str) -> bool {
    matches!(kind, "nat_gateway" | "bandwidth_package")
}

/// Names an address with the key under which an object is set aside.
fn named(instance: &Instance) -> String {
    let aside = instance.deposed.as_ref().map_or(String::new(), |key| format!(" (deposed {key})"));
    format!("{}{aside}", instance.address)
}

/// Counts objects in words.
fn objects(count: usize) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{count} objects") }
}
