//! The lock of the state as commands take it: who asks, how long they wait, and the record of the
//! run that the history names.

use std::path::Path;
use std::time::Duration;

use super::Session;
use super::failure::Failure;
use super::progress::duration;
use super::waiting::{self, Trouble};
use crate::diagnostic::Diagnostic;
use crate::state::{
    JournalEntry, Lock, LockInfo, Phase, RunRecord, Snapshot, SqliteStore, StateError, Store,
};

/// A wait that may be longer than this is announced.
const WORTH_SAYING: Duration = Duration::from_secs(1);

/// Takes the lock for a run of `operation`, waiting at most `timeout` and saying so. A copy that was
/// made of a state of an older version is named.
pub fn take(
    session: &Session,
    store: &mut SqliteStore,
    operation: &str,
    timeout: Duration,
) -> Result<Lock, Failure> {
    let info = info(session, operation);
    let taken = match store.lock(&info, Duration::ZERO) {
        Err(StateError::Locked { holder, .. }) if !timeout.is_zero() => {
            wait(session, store, (&info, &holder), timeout)
        }
        other => other,
    };
    let taken = taken.map_err(|error| locked(store, &error))?;
    if let Some(backup) = store.backup() {
        session.warn_one(
            Diagnostic::warning(
                "state-migrated",
                format!("the state `{}` was brought to the form of this natform", store.name()),
            )
            .detail("An older natform cannot use it any more.")
            .help(format!("it was copied to `{}` before", backup.display())),
        );
    }
    Ok(taken)
}

/// Takes the lock of a state that may be too damaged to be looked at.
pub fn take_unseen(
    session: &Session,
    store: &mut SqliteStore,
    operation: &str,
    timeout: Duration,
) -> Result<Lock, Failure> {
    let taken = store.lock_unseen(&info(session, operation), timeout);
    Ok(taken.map_err(|error| error.diagnostic())?)
}

/// Says who asks for the lock.
fn info(session: &Session, operation: &str) -> LockInfo {
    let environment = &session.environment;
    LockInfo {
        id: environment.ids.next(),
        who: who(session),
        pid: std::process::id(),
        operation: operation.to_owned(),
        since: environment.clock.now(),
    }
}

/// Waits for the lock, and says for whom.
fn wait(
    session: &Session,
    store: &mut SqliteStore,
    (info, holder): (&LockInfo, &LockInfo),
    timeout: Duration,
) -> Result<Lock, StateError> {
    let doing = doing(store, holder).map_or(String::new(), |doing| format!(": {doing}"));
    let (who, operation) = (&holder.who, &holder.operation);
    if timeout >= WORTH_SAYING {
        session.terminal.report(&format!(
        "Waiting at most {} for `{operation}` of {who} (process {}), which holds the lock since \
         {}{doing}.\n",
        duration(timeout),
        holder.pid,
        holder.since.iso8601()
    ));
    }
    let what = format!("Waiting for `{operation}` of {who}");
    let lock = || store.lock(info, timeout);
    waiting::during(&session.terminal, &what, &Trouble::default(), lock)
}

/// Says that the lock is held, by whom, since when, and how far that run is.
fn locked(store: &SqliteStore, error: &StateError) -> Diagnostic {
    let diagnostic = error.diagnostic();
    let StateError::Locked { holder, .. } = error else { return diagnostic };
    match doing(store, holder) {
        Some(doing) => diagnostic.detail(format!("It {doing}.")),
        None => diagnostic,
    }
}

/// Warns that another run is at work on the state of which a snapshot was taken.
pub fn under_way(store: &SqliteStore, snapshot: &Snapshot) -> Option<Diagnostic> {
    let holder = snapshot.holder.as_ref()?;
    let (who, operation) = (&holder.who, &holder.operation);
    let summary = format!("`{operation}` of {who} is under way on this state");
    let doing = doing(store, holder).map_or(String::new(), |doing| format!(" It {doing}."));
    Some(Diagnostic::warning("run-under-way", summary).detail(format!(
        "It runs since {} (process {}).{doing} What is shown here is made from one consistent view \
         of the state, which will change.",
        holder.since.iso8601(),
        holder.pid
    )))
}

/// Says how far the run is that holds the lock: `has finished 3 calls and waits for …`.
pub fn doing(store: &SqliteStore, holder: &LockInfo) -> Option<String> {
    let mut entries = store.entries_of_run(&holder.id).ok()?;
    if entries.is_empty() {
        // A run that goes on where an earlier process was broken off has that one's name.
        let open = store.snapshot().ok()?.open;
        entries = store.entries_of_run(&open.last()?.run).ok()?;
    }
    let done = entries.iter().filter(|entry| entry.phase == Phase::Settled).count();
    let calls = if done == 1 { "call" } else { "calls" };
    let open: Vec<&JournalEntry> =
        entries.iter().filter(|entry| !entry.phase.is_closed()).collect();
    let Some(first) = open.first() else { return Some(format!("has finished {done} {calls}")) };
    let more = match open.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "has finished {done} {calls} and is at {} of `{}` since {}{more}",
        first.action.name(),
        first.address,
        first.intended_at.iso8601()
    ))
}

/// Returns the record of a run that begins now. `command` is what the history shows, such as
/// `apply`; `plan` the digest of a saved plan.
pub fn record(session: &Session, command: &str, plan: Option<String>) -> RunRecord {
    let environment = &session.environment;
    RunRecord {
        id: environment.ids.next(),
        command: command.to_owned(),
        who: who(session),
        plan,
        started_at: environment.clock.now(),
        ended_at: None,
    }
}

/// Returns who runs this, as user@host.
pub fn who(session: &Session) -> String {
    let environment = &session.environment;
    let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| environment.variable(name));
    let host = environment
        .files
        .read(Path::new("/proc/sys/kernel/hostname"))
        .ok()
        .map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
        .filter(|host| !host.is_empty());
    let host = host.or_else(|| environment.variable("HOSTNAME").map(str::to_owned));
    format!("{}@{}", user.unwrap_or("unknown"), host.as_deref().unwrap_or("localhost"))
}
