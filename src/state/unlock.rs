//! Taking the lock away from a process that holds it and does not end.
//!
//! The file that is locked is replaced by another one. What the old holder locked has no name any
//! more, and every write of its looks for that within its transaction; the replacement happens within
//! a transaction too. So it either writes before the lock is taken away or never again.

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::fault::Fault;
use super::lock;
use super::sqlite::{SqliteStore, check_file, configure};
use super::store::{LockInfo, StateError};

impl SqliteStore {
    /// Returns who holds the lock at present.
    pub fn holder(&self) -> Option<LockInfo> {
        lock::holder(self.path())
    }

    /// Takes the lock away from whoever holds it: that process can write nothing more. Fails when it
    /// is stuck in the middle of a write.
    pub fn force_unlock(&self) -> Result<(), StateError> {
        let path = self.path();
        let replace =
            || lock::replace(path).map_err(|error| StateError::io("unlock", path, &error));
        if check_file(path, self.steps())?.is_none() {
            return replace();
        }
        let failed = |error: rusqlite::Error| Fault::from(error).at("unlock", path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        configure(&connection).map_err(failed)?;
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        replace()?;
        transaction.commit().map_err(failed)
    }
}
