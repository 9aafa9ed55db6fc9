//! The lock of the state as commands take it: who asks, how long they wait, and the record of the
//! run that the history names.

use std::path::Path;
use std::time::Duration;

use super::Session;
use super::failure::Failure;
use super::waiting::{self, Trouble};
use crate::diagnostic::Diagnostic;
use crate::state::{Lock, LockInfo, RunRecord, SqliteStore, Store};

/// Takes the lock for a run of `operation`, waiting at most `timeout` and saying so. A copy that was
/// made of a state of an older version is named.
pub fn take(
    session: &Session,
    store: &mut SqliteStore,
    operation: &str,
    timeout: Duration,
) -> Result<Lock, Failure> {
    let environment = &session.environment;
    let info = LockInfo {
        id: environment.ids.next(),
        who: who(session),
        pid: std::process::id(),
        operation: operation.to_owned(),
        since: environment.clock.now(),
    };
    let what = "Waiting for the lock of the state";
    let lock = || store.lock(&info, timeout);
    let taken = waiting::during(&session.terminal, what, &Trouble::default(), lock);
    let taken = taken.map_err(|error| error.diagnostic())?;
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
