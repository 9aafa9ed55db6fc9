//! What can go wrong below the trait, and how it becomes a [`StateError`] with what and why.

use std::path::Path;

use rusqlite::ErrorCode;

use super::store::StateError;
use super::{backup, witness};

/// A failure inside the database.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite refused.
    Sql(rusqlite::Error),
    /// A row does not hold what it should.
    Content(String),
    /// The file system refused.
    File(std::io::Error),
    /// What was asked for does not fit what is there.
    Refused {
        /// Why.
        why: String,
        /// How to mend it.
        help: String,
    },
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::File(error)
    }
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Self::Content(why)
    }
}

impl Fault {
    /// Refuses what only a mistake of natform's can ask for.
    pub(super) const fn refused(why: String) -> Self {
        Self::Refused { why, help: String::new() }
    }

    /// Says where it happened.
    pub(super) fn at(self, doing: &'static str, path: &Path) -> StateError {
        let path = path.to_owned();
        let error = match self {
            Self::File(error) => return StateError::io(doing, &path, &error),
            Self::Content(why) => return StateError::Damaged { path, why },
            Self::Refused { why, help } => return StateError::Refused { why, help },
            Self::Sql(error) => error,
        };
        let why = match error.sqlite_error_code() {
            // An unknown error is about the schema: what natform asks for is right for its version.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::Unknown) => {
                return StateError::Damaged { path, why: error.to_string() };
            }
            Some(ErrorCode::NotADatabase) => {
                return StateError::NotAState { path, why: String::from("it is not SQLite") };
            }
            Some(ErrorCode::DiskFull) => String::from("the disk is full"),
            Some(ErrorCode::ReadOnly) => String::from("the file or its directory is read-only"),
            Some(ErrorCode::PermissionDenied) => String::from("permission denied"),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                String::from("another program is writing to it")
            }
            Some(ErrorCode::CannotOpen) => {
                String::from("the file, or one that SQLite needs beside it, cannot be opened")
            }
            Some(ErrorCode::SystemIoFailure) => {
                format!("the file system failed or has no room for it ({error})")
            }
            _ => match &error {
                rusqlite::Error::SqlInputError { .. }
                | rusqlite::Error::QueryReturnedNoRows
                | rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..) => {
                    return StateError::Damaged { path, why: error.to_string() };
                }
                _ => error.to_string(),
            },
        };
        StateError::Io { doing, path, why }
    }
}

impl StateError {
    /// Makes one of a failure of the file system.
    pub(super) fn io(doing: &'static str, path: &Path, error: &std::io::Error) -> Self {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
        let why = match parent {
            Some(parent) if missing && !parent.exists() => {
                format!("the directory `{}` does not exist", parent.display())
            }
            _ => error.to_string(),
        };
        Self::Io { doing, path: path.to_owned(), why }
    }

    /// Returns the stable code of its diagnostic.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "state-locked",
            Self::Newer { .. } => "state-newer",
            Self::NotAState { .. } => "state-unrecognized",
            Self::Damaged { .. } => "state-damaged",
            Self::Lost { .. } => "state-lost",
            Self::NetworkFileSystem { .. } => "state-network-file-system",
            Self::Io { .. } => "state-io",
            Self::Refused { .. } => "state-refused",
        }
    }

    /// Returns how to mend it.
    pub fn help(&self) -> String {
        match self {
            Self::Locked { .. } => String::from(
                "wait until it has ended, or let this run wait with `-lock-timeout=5m`; the lock \
                 goes with the process that holds it, also when that is killed",
            ),
            Self::Newer { .. } => String::from("use the natform that wrote it, or a newer one"),
            Self::NotAState { path, .. } if witness::read(path).is_none() => String::from(
                "name another file with `path` in the `backend` block, or move this one",
            ),
            Self::NotAState { path, .. } | Self::Damaged { path, .. } | Self::Lost { path, .. } => {
                mending(self, path)
            }
            Self::NetworkFileSystem { .. } => String::from(
                "keep the state on a local disk, and share it with `state pull` and `state push`",
            ),
            Self::Io { .. } => String::from(
                "what was written before is kept; make room or mend the permissions, and run \
                     the command again: it finishes what is unfinished",
            ),
            Self::Refused { help, .. } => help.clone(),
        }
    }

    /// Returns it as a message to the user.
    pub fn diagnostic(&self) -> crate::diagnostic::Diagnostic {
        crate::diagnostic::Diagnostic::error(self.code(), self.to_string()).help(self.help())
    }
}

/// Says what can be done about a state that is not what it was.
fn mending(error: &StateError, path: &Path) -> String {
    let mut ways = vec![String::from("nothing was changed; bring the right file back")];
    if let Some(backup) = backup::described(path) {
        ways.push(format!("take the backup with `natform state restore -backup` ({backup})"));
    }
    let go_on = if matches!(error, StateError::Lost { .. }) && witness::read(path).is_some() {
        format!(
            "go on with this file as it is by removing `{}` (what it does not know of, \
             `natform drift` shows)",
            witness::path_of(path).display()
        )
    } else if matches!(error, StateError::NotAState { .. }) {
        // Not a state: without the witness it would be refused as well.
        format!(
            "begin anew by moving it and `{}` away (what lives, `natform drift` shows)",
            witness::path_of(path).display()
        )
    } else {
        format!("save what can be read with `sqlite3 {} .recover`", path.display())
    };
    ways.push(go_on);
    ways.join(", or ")
}
