//! Brings the tables of a state to the form that this natform knows. Each step is one numbered SQL
//! file, carried out with its version number in one transaction.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::fault::Fault;
use super::store::StateError;

/// Marks a SQLite file as a natform state (`natS`).
pub(super) const APPLICATION: i32 = 0x6e61_7453;

/// The steps in order; the n-th makes version n.
pub(super) const MIGRATIONS: &[&str] =
    &[include_str!("../../state-schema/migrations/0001_initial.sql")];

/// What a database is before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing was ever written to it.
    Empty,
    /// A state of this version.
    Version(usize),
}

/// Returns the latest version that these steps make.
fn known(steps: &[&str]) -> i64 {
    i64::try_from(steps.len()).unwrap_or(i64::MAX)
}

/// Tells whether the application and version numbers of a file are those of a state that this
/// natform can use. Both are 0 in a new file.
pub(super) fn judge(
    path: &Path,
    application: i32,
    version: i64,
    steps: &[&str],
) -> Result<Found, StateError> {
    if application == 0 && version == 0 {
        return Ok(Found::Empty);
    }
    if application != APPLICATION {
        let why = String::from("it is a SQLite database of another program");
        return Err(StateError::NotAState { path: path.to_owned(), why });
    }
    if version > known(steps) {
        let path = path.to_owned();
        return Err(StateError::Newer { path, found: version, known: known(steps) });
    }
    match usize::try_from(version) {
        Ok(version) if version > 0 => Ok(Found::Version(version)),
        _ => Err(StateError::Damaged {
            path: path.to_owned(),
            why: format!("its schema version is {version}"),
        }),
    }
}

/// Looks at an open database.
pub(super) fn inspect(
    connection: &Connection,
    path: &Path,
    steps: &[&str],
) -> Result<Found, StateError> {
    let failed = |error: rusqlite::Error| Fault::from(error).at("open", path);
    let number = |pragma: &str| {
        connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map_err(failed)
    };
    let application = i32::try_from(number("application_id")?).unwrap_or(-1);
    let found = judge(path, application, number("user_version")?, steps)?;
    if found == Found::Empty {
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(failed)?;
        if tables > 0 {
            let why = String::from("it is a SQLite database of another program");
            return Err(StateError::NotAState { path: path.to_owned(), why });
        }
    }
    Ok(found)
}

/// Carries out the steps that are missing.
pub(super) fn migrate(
    connection: &mut Connection,
    found: Found,
    steps: &[&str],
) -> Result<(), Fault> {
    let done = match found {
        Found::Empty => 0,
        Found::Version(version) => version,
    };
    if done == steps.len() {
        return Ok(());
    }
    // A step may rebuild a table that others refer to; references are checked before it ends.
    connection.pragma_update(None, "foreign_keys", false)?;
    for (number, sql) in steps.iter().enumerate().skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        let broken = transaction.prepare("PRAGMA foreign_key_check")?.exists([])?;
        if broken {
            return Err(Fault::Content(format!(
                "a row refers to one that is not there, after migration {}",
                number + 1
            )));
        }
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", known(&steps[..=number]))?;
        transaction.commit()?;
    }
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(())
}

/// Copies a state to a new file beside it and returns its path: `natform.db.v1.backup`, with a
/// number where that is taken.
pub(super) fn back_up(
    connection: &Connection,
    path: &Path,
    version: usize,
) -> Result<PathBuf, StateError> {
    let mut number = 1;
    let target = loop {
        let suffix = if number == 1 { String::new() } else { format!(".{number}") };
        let candidate = super::sqlite::beside(path, &format!(".v{version}.backup{suffix}"));
        match super::sqlite::create_private(&candidate) {
            Ok(()) => break candidate,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(StateError::io("back up", path, &error)),
        }
    };
    connection
        .execute("VACUUM INTO ?1", [target.to_string_lossy()])
        .map_err(|error| Fault::from(error).at("back up", path))?;
    std::fs::File::open(&target)
        .and_then(|file| file.sync_all())
        .map_err(|error| StateError::io("back up", path, &error))?;
    Ok(target)
}
