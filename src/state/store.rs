//! The trait that plan and apply see, and its errors.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{JournalEntry, RunRecord, Snapshot, Write};
use crate::environment::Timestamp;

/// Where objects and the journal are kept.
pub trait Store: Send {
    /// Reads one consistent snapshot. Takes no lock and writes nothing.
    fn snapshot(&self) -> Result<Snapshot, StateError>;

    /// Takes the exclusive lock for a run, waiting at most `timeout`. It is given back when the
    /// returned guard is dropped and when the process dies.
    fn lock(&mut self, info: &LockInfo, timeout: Duration) -> Result<Lock, StateError>;

    /// Carries out all writes in one durable transaction and returns the ids of the new journal
    /// entries in order. Raises the serial once when an object or an output changed. Needs the lock.
    fn commit(&mut self, lock: &Lock, writes: Vec<Write>) -> Result<Vec<i64>, StateError>;

    /// Returns the run that applied the saved plan with this digest, if one did.
    fn run_of_plan(&self, digest: &str) -> Result<Option<RunRecord>, StateError>;

    /// Returns all journal entries of a run in the order in which they were intended. Entries that
    /// are closed have no parameters and no planned object any more.
    fn entries_of_run(&self, run: &str) -> Result<Vec<JournalEntry>, StateError>;

    /// Returns what to call it in messages: the path of the file.
    fn name(&self) -> String;
}

/// Who holds the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockInfo {
    /// UUID of the lock.
    pub id: String,
    /// user@host
    pub who: String,
    /// Process id.
    pub pid: u32,
    /// What it does, such as `apply`.
    pub operation: String,
    /// Since when.
    pub since: Timestamp,
}

/// The lock; dropping it gives it back.
pub struct Lock {
    /// Whose it is.
    pub info: LockInfo,
    /// Released on drop.
    pub guard: Box<dyn std::any::Any + Send>,
}

/// Why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another run holds the lock.
    #[error("the state `{path}` is locked by {} (process {}), which runs `{}` since {}", holder.who, holder.pid, holder.operation, holder.since.iso8601())]
    Locked {
        /// The state.
        path: PathBuf,
        /// The holder.
        holder: Box<LockInfo>,
    },
    /// It was written by a newer natform.
    #[error("the state `{path}` has schema version {found}; this natform knows up to {known}")]
    Newer {
        /// The state.
        path: PathBuf,
        /// Version found.
        found: i64,
        /// Latest version known.
        known: i64,
    },
    /// It is not a state.
    #[error("`{path}` is not a natform state: {why}")]
    NotAState {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It is damaged.
    #[error("the state `{path}` is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// What was written to it is not there any more.
    #[error("the state `{path}` lost what was written to it: {why}")]
    Lost {
        /// The file.
        path: PathBuf,
        /// What is there and what was.
        why: String,
    },
    /// It lies where locks and durable writes cannot be relied on.
    #[error("the state `{path}` lies on a network file system ({kind})")]
    NetworkFileSystem {
        /// The file.
        path: PathBuf,
        /// Kind of file system.
        kind: String,
    },
    /// What was asked for does not fit what is there; nothing was changed.
    #[error("{why}")]
    Refused {
        /// Why, in a sentence without a full stop.
        why: String,
        /// How to mend it.
        help: String,
    },
    /// The file system or the database refused; nothing was changed.
    #[error("cannot {doing} the state `{path}`: {why}")]
    Io {
        /// What was being done (`read`, `write to`, `open`, `lock`).
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}
