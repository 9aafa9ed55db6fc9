//! The backup: a copy of the state beside it, as it was when the last run that changed it ended. It
//! is for a file that got damaged; what a state was like earlier is in its own history.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::fault::Fault;
use super::sqlite::{SqliteStore, beside, sync_directory, uri_path};
use super::store::{Lock, LockInfo, StateError};
use super::{lock, witness};
use crate::environment::Timestamp;
use std::time::Duration;

/// What came of taking the backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The serial that the state has now.
    pub serial: u64,
    /// Where the file that was in its place lies now, if there was one.
    pub kept: Option<PathBuf>,
}

/// Returns the path of the backup of a state.
pub(super) fn path_of(state: &Path) -> PathBuf {
    beside(state, ".backup")
}

/// Replaces the backup of a state whose log is empty. A crash leaves the earlier backup.
pub(super) fn keep(state: &Path) -> std::io::Result<()> {
    let new = beside(state, ".backup.new");
    let result = copy(state, &new).and_then(|()| std::fs::rename(&new, path_of(state)));
    if result.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    result
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut target = options.open(to)?;
    std::io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()
}

/// Says what the backup of a state holds, if there is one that can be used.
pub(super) fn described(state: &Path) -> Option<String> {
    let path = path_of(state);
    let (serial, at) = look(&path).ok()?;
    Some(format!("`{}` holds serial {serial} of {}", path.display(), at.iso8601()))
}

/// Reads serial and time of a backup, all of whose pages are good.
fn look(path: &Path) -> Result<(i64, Timestamp), Fault> {
    let connection = open(path)?;
    let serial = connection.query_row("SELECT serial FROM state", [], |row| row.get(0))?;
    let at =
        connection.query_row("SELECT coalesce(max(at), 0) FROM serial", [], |row| row.get(0))?;
    Ok((serial, Timestamp(at)))
}

/// Opens a backup, all of whose pages are good.
fn open(path: &Path) -> Result<Connection, Fault> {
    let uri = format!("file:{}?immutable=1", uri_path(path));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags)?;
    super::sqlite::check_integrity(&connection)?;
    Ok(connection)
}

impl SqliteStore {
    /// Says what the backup holds. Fails when there is none that can be used.
    pub fn described_backup(&self) -> Result<String, StateError> {
        described(self.path()).ok_or_else(|| StateError::Refused {
            why: format!("there is no usable backup `{}`", path_of(self.path()).display()),
            help: String::from("it is written when an apply that changed the state has ended"),
        })
    }

    /// Returns how many objects the backup records, if there is one that can be used.
    pub fn backup_records(&self) -> Option<u64> {
        let records = |connection: &Connection| {
            connection.query_row("SELECT count(*) FROM instance", [], |row| row.get(0))
        };
        let count: i64 = records(&open(&path_of(self.path())).ok()?).ok()?;
        u64::try_from(count).ok()
    }

    /// Takes the lock without looking at the file, for [`SqliteStore::restore_backup`].
    pub fn lock_unseen(&mut self, info: &LockInfo, timeout: Duration) -> Result<Lock, StateError> {
        self.writer = None;
        let guard = lock::acquire(self.path(), info, timeout)?;
        Ok(Lock { info: info.clone(), guard: Box::new(guard) })
    }

    /// Puts the backup in the place of the state, however damaged that is. The file that was there
    /// is kept beside it, with its log: `natform.db.damaged`, with a number where that is taken.
    pub fn restore_backup(&mut self, lock: &Lock) -> Result<Restored, StateError> {
        self.check_lock(lock)?;
        self.writer = None;
        let path = self.path().to_owned();
        let source = path_of(&path);
        let (serial, _) = look(&source).map_err(|fault| fault.at("read", &source))?;
        let serial = u64::try_from(serial).unwrap_or_default();
        let failed = |error: std::io::Error| StateError::io("restore", &path, &error);
        let new = beside(&path, ".restored");
        copy(&source, &new).map_err(failed)?;
        let kept = if path.exists() {
            let kept = free(&path);
            std::fs::rename(&path, &kept).map_err(failed)?;
            Some(kept)
        } else {
            None
        };
        // The log belongs to the file that it was written for.
        let log = beside(&path, "-wal");
        if log.exists() {
            let kept = kept.clone().unwrap_or_else(|| free(&path));
            std::fs::rename(&log, beside(&kept, "-wal")).map_err(failed)?;
        }
        let _ = std::fs::remove_file(beside(&path, "-shm"));
        std::fs::rename(&new, &path).map_err(failed)?;
        witness::Witness::new(&path).remove().map_err(failed)?;
        sync_directory(&path).map_err(failed)?;
        Ok(Restored { serial, kept })
    }
}

/// Returns a name for a damaged file that is not taken.
fn free(path: &Path) -> PathBuf {
    let first = beside(path, ".damaged");
    let numbered = (2..).map(|number| beside(path, &format!(".damaged.{number}")));
    let mut names = std::iter::once(first.clone()).chain(numbered);
    names.find(|name| !name.exists() && !beside(name, "-wal").exists()).unwrap_or(first)
}
