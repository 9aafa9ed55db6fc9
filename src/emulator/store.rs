//! A world in a `SQLite` file.
//!
//! Each object is one row with the version at which it was last written. A request is one transaction:
//! it takes the write lock, reads what other processes have written since the version that this
//! process knows, is carried out in memory, and writes back only what changed. A process that is
//! alone never reads anything twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::emulator::settings::Settings;
use crate::emulator::world::World;
use crate::emulator::world::model::Kind;
use crate::environment::Timestamp;

/// How long another process may hold the lock.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Version of the tables.
const TABLES: i64 = 1;
/// After how many versions rows of deleted objects are dropped.
const SWEEP: i64 = 4096;

const SCHEMA: &str = "
CREATE TABLE objects (
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    body TEXT,
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX objects_by_version ON objects (version);
CREATE TABLE versions (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO versions VALUES ('world', 0), ('swept', 0);
";

/// Why a world cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error("the emulator's data file failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// A row is not what it should be.
    #[error("the emulator's data file has an object that cannot be read: {0}")]
    Object(#[from] serde_json::Error),
}

/// A world's file.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    /// The version that the world in memory has; none when it must be read again.
    known: Option<i64>,
}

impl Store {
    /// Opens the file, or makes it with the world that the settings describe.
    pub fn open(
        path: &Path,
        settings: &Arc<Settings>,
        now: Timestamp,
    ) -> Result<(Self, World), Diagnostics> {
        let refused = |why: String| -> Diagnostics {
            Diagnostic::error(
                "emulator-data",
                format!("cannot open the emulator's data file `{}`", path.display()),
            )
            .detail(why)
            .help("name another file, or move this one away to start with a new world")
            .into()
        };
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| refused(e.to_string()))?;
        }
        let opened = Self::connect(path).map_err(|e| refused(e.to_string()))?;
        let mut store = opened.map_err(|why| refused(why.to_owned()))?;
        let world = store.first_world(settings, now).map_err(|e| refused(e.to_string()))?;
        Ok((store, world))
    }

    /// Connects and makes the tables. Says why when the file is not one of this program's.
    fn connect(path: &Path) -> Result<Result<Self, &'static str>, rusqlite::Error> {
        const SOMETHING_ELSE: &str = "It is a database of something else.";
        let connection = Connection::open(path)?;
        connection.busy_timeout(LONGEST_WAIT)?;
        let number = |query: &str| connection.query_row(query, [], |row| row.get::<_, i64>(0));
        if number("PRAGMA application_id")? != 0 {
            return Ok(Err(SOMETHING_ELSE));
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // The data survives the end of the process at any point; it need not survive a power cut.
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let version = number("PRAGMA user_version")?;
        let tables = number("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'")?;
        let ours = number(
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN ('objects', 'versions')",
        )?;
        let known = if version == 0 { tables == 0 } else { ours == 2 };
        if known && version == 0 {
            connection.execute_batch(SCHEMA)?;
            connection.pragma_update(None, "user_version", TABLES)?;
        }
        connection.execute_batch("COMMIT")?;
        Ok(match (known, version > TABLES) {
            (false, _) => Err(SOMETHING_ELSE),
            (true, true) => Err("It was written by a newer natform."),
            (true, false) => Ok(Self { connection, known: None }),
        })
    }

    fn first_world(
        &mut self,
        settings: &Arc<Settings>,
        now: Timestamp,
    ) -> Result<World, StoreError> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut world = if self.version("world")? == 0 {
            self.known = Some(0);
            World::new(settings.clone(), now)
        } else {
            let mut world = World::empty(settings.clone(), now);
            self.catch_up(&mut world)?;
            world.take_changes();
            world
        };
        let changes = world.take_changes();
        self.commit(&world, &changes)?;
        Ok(world)
    }

    fn version(&self, name: &str) -> Result<i64, rusqlite::Error> {
        self.connection
            .prepare_cached("SELECT value FROM versions WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()
            .map(Option::unwrap_or_default)
    }

    /// Begins a transaction and brings the world up to what the file has.
    pub fn begin(&mut self, world: &mut World) -> Result<(), StoreError> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.catch_up(world).inspect_err(|_| self.roll_back())
    }

    fn catch_up(&mut self, world: &mut World) -> Result<(), StoreError> {
        let version = self.version("world")?;
        if self.known == Some(version) {
            return Ok(());
        }
        let swept = self.version("swept")?;
        let from = match self.known {
            Some(known) if known >= swept => known,
            _ => {
                world.clear();
                -1
            }
        };
        self.known = None;
        let mut statement = self.connection.prepare_cached(
            "SELECT kind, id, body FROM objects WHERE version > ?1 ORDER BY kind, id",
        )?;
        let mut rows = statement.query([from])?;
        while let Some(row) = rows.next()? {
            let Some(kind) = Kind::from_number(row.get(0)?) else { continue };
            let id: String = row.get(1)?;
            let body: Option<String> = row.get(2)?;
            world.load_row(kind, &id, body.as_deref())?;
        }
        self.known = Some(version);
        Ok(())
    }

    /// Writes what changed and ends the transaction. When that fails, the world in memory is read
    /// again before it is used next.
    pub fn commit(
        &mut self,
        world: &World,
        changes: &BTreeSet<(Kind, String)>,
    ) -> Result<(), StoreError> {
        let result = self.write(world, changes);
        if result.is_err() {
            self.roll_back();
        }
        result
    }

    fn write(
        &mut self,
        world: &World,
        changes: &BTreeSet<(Kind, String)>,
    ) -> Result<(), StoreError> {
        if !changes.is_empty() {
            let version = self.version("world")? + 1;
            let mut statement = self.connection.prepare_cached(
                "INSERT INTO objects (kind, id, body, version) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET body = excluded.body, version = excluded.version",
            )?;
            for (kind, id) in changes {
                statement.execute(params![kind.number(), id, world.row(*kind, id), version])?;
            }
            drop(statement);
            self.set_version("world", version)?;
            if version % SWEEP == 0 {
                self.connection.execute("DELETE FROM objects WHERE body IS NULL", [])?;
                self.set_version("swept", version)?;
            }
            self.known = Some(version);
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    fn set_version(&self, name: &str, value: i64) -> Result<(), rusqlite::Error> {
        self.connection
            .prepare_cached("UPDATE versions SET value = ?2 WHERE name = ?1")?
            .execute(params![name, value])
            .map(|_| ())
    }

    fn roll_back(&mut self) {
        self.known = None;
        // Fails only when there is no transaction, and then there is nothing to undo.
        let _ = self.connection.execute_batch("ROLLBACK");
    }
}
