//! Carries out writes within one transaction, with the history that leads back.

use std::cell::Cell;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::fault::Fault;
use super::read::{key_text, status_text, text, word_text};
use super::record::{Record, Undo};
use super::{
    HistoryKind, Instance, InstanceKey, JournalEntry, RECOVER, RunRecord, Service, Write, codec,
    journal, read, retention,
};
use crate::address::{Address, ResourceAddress};
use crate::environment::{Clock, Ids, Timestamp};
use crate::value::{Name, Value};

/// A transaction under way.
pub(super) struct Writer<'a> {
    pub(super) connection: &'a Connection,
    clock: &'a dyn Clock,
    ids: &'a dyn Ids,
    run: Cell<Option<i64>>,
    /// The serial of this transaction, once something changed.
    serial: Cell<Option<u64>>,
    /// How many changes it has so far.
    changes: Cell<i64>,
}

/// The key columns of an instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowKey {
    pub(super) resource: i64,
    pub(super) key: String,
    pub(super) deposed: String,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        clock: &'a dyn Clock,
        ids: &'a dyn Ids,
        run: Option<i64>,
    ) -> Self {
        let (serial, changes) = (Cell::new(None), Cell::new(0));
        Self { connection, clock, ids, run: Cell::new(run), serial, changes }
    }

    /// Returns the present time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the run that later transactions belong to.
    pub(super) fn run(&self) -> Option<i64> {
        self.run.get()
    }

    /// Carries out all writes and returns the ids of new journal entries.
    pub(super) fn carry_out(&self, writes: Vec<Write>) -> Result<Vec<i64>, Fault> {
        let mut ids = Vec::new();
        self.identity()?;
        for write in writes {
            match write {
                Write::BeginRun(run) => self.begin_run(&run)?,
                Write::EndRun { id, at } => self.end_run(&id, at)?,
                Write::Intend(entry) => ids.push(self.intend(&entry)?),
                Write::Journal(entry) => journal::replace(self, &entry)?,
                Write::Put(instance) => self.put(&instance)?,
                Write::Remove(key) => {
                    let key = self.row_key(&key.0, key.1.as_deref())?;
                    self.set(&key, None, HistoryKind::Delete)?;
                }
                Write::Move(from, to) => self.relocate(&from, &to)?,
                Write::Outputs(outputs) => self.outputs(&outputs)?,
                Write::Lesson(name, value) => self.lesson(&name, &value)?,
            }
        }
        Ok(ids)
    }

    /// Returns lineage and serial as they were before this transaction, making them at the first
    /// write of all.
    pub(super) fn identity(&self) -> Result<(String, u64), Fault> {
        if let Some(known) = read::identity(self.connection)? {
            return Ok(known);
        }
        let lineage = self.ids.next();
        self.connection
            .execute("INSERT INTO state (one, lineage, serial) VALUES (1, ?1, 0)", [&lineage])?;
        Ok((lineage, 0))
    }

    /// Takes over a lineage and goes on counting after `serial`.
    pub(super) fn continue_from(&self, lineage: Option<&str>, serial: u64) -> Result<(), Fault> {
        self.connection.execute(
            "UPDATE state SET lineage = coalesce(?1, lineage), serial = ?2",
            params![lineage, signed(serial)?],
        )?;
        Ok(())
    }

    /// Returns the serial of this transaction, raising it at the first call.
    pub(super) fn serial(&self) -> Result<i64, Fault> {
        if let Some(serial) = self.serial.get() {
            return signed(serial);
        }
        let serial = self.identity()?.1 + 1;
        self.begin_serial(serial)?;
        signed(serial)
    }

    /// Makes sure that the serial is at least this one when the transaction ends.
    pub(super) fn serial_at_least(&self, serial: u64) -> Result<(), Fault> {
        if self.identity()?.1 < serial { self.begin_serial(serial) } else { Ok(()) }
    }

    /// Gives this transaction a serial.
    pub(super) fn begin_serial(&self, serial: u64) -> Result<(), Fault> {
        self.connection
            .prepare_cached("UPDATE state SET serial = ?1")?
            .execute([signed(serial)?])?;
        self.connection
            .prepare_cached("INSERT INTO serial (serial, at, run) VALUES (?1, ?2, ?3)")?
            .execute(params![signed(serial)?, self.clock.now().0, self.run.get()])?;
        self.serial.set(Some(serial));
        Ok(())
    }

    /// Records that a run begins; what this transaction changes from now on is its.
    pub(super) fn begin_run(&self, run: &RunRecord) -> Result<(), Fault> {
        // Under the lock nobody else is at work: what has not ended was broken off. A recovery plans
        // nothing, so what it finishes for others may go on.
        if run.command != RECOVER {
            self.connection.execute(
                "UPDATE run SET ended_at = ?2 WHERE ended_at IS NULL AND uuid <> ?1",
                params![run.id, self.clock.now().0],
            )?;
        }
        self.connection.execute(
            "INSERT INTO run (uuid, command, who, plan, started_at, ended_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (uuid) DO UPDATE SET ended_at = excluded.ended_at,
               plan = coalesce(excluded.plan, plan)",
            params![
                run.id,
                run.command,
                run.who,
                run.plan,
                run.started_at.0,
                run.ended_at.map(|t| t.0)
            ],
        )?;
        self.run.set(Some(self.run_id(&run.id)?));
        Ok(())
    }

    /// Records that a run has ended.
    pub(super) fn end_run(&self, id: &str, at: Timestamp) -> Result<(), Fault> {
        let run = self.run_id(id)?;
        self.connection.execute("UPDATE run SET ended_at = ?2 WHERE id = ?1", [run, at.0])?;
        retention::prune(self.connection, run, retention::KEPT)?;
        if self.run.get() == Some(run) {
            self.run.set(None);
        }
        Ok(())
    }

    fn run_id(&self, uuid: &str) -> Result<i64, Fault> {
        let id = self
            .connection
            .prepare_cached("SELECT id FROM run WHERE uuid = ?1")?
            .query_row([uuid], |row| row.get(0))
            .optional()?;
        id.ok_or_else(|| Fault::refused(format!("the run `{uuid}` has not begun")))
    }

    fn intend(&self, entry: &JournalEntry) -> Result<i64, Fault> {
        journal::insert(self, self.run_id(&entry.run)?, entry)
    }

    /// Records an object.
    pub(super) fn put(&self, instance: &Instance) -> Result<(), Fault> {
        let key = self.row_key(&instance.address, instance.deposed.as_deref())?;
        let record = Record {
            object_id: instance.id.clone(),
            status: status_text(instance.status).to_owned(),
            object: codec::object_json(&instance.object),
            dependencies: self.dependencies_id(&instance.dependencies)?,
            place: self.place_id(&instance.provider, &instance.region, &instance.service)?,
            schema_version: instance.schema_version,
            create_first: instance.create_before_destroy,
            keep: instance.prevent_destroy,
        };
        self.set(&key, Some(&record), HistoryKind::Update)
    }

    fn relocate(&self, from: &InstanceKey, to: &InstanceKey) -> Result<(), Fault> {
        let (from_key, to_key) =
            (self.row_key(&from.0, from.1.as_deref())?, self.row_key(&to.0, to.1.as_deref())?);
        let Some(record) = read_record(self.connection, &from_key)? else {
            return Err(Fault::refused(format!("there is no object at `{}`", from.0)));
        };
        if read_record(self.connection, &to_key)?.is_some() {
            return Err(Fault::refused(format!("there is an object at `{}` already", to.0)));
        }
        self.set(&from_key, None, HistoryKind::MoveFrom)?;
        self.set(&to_key, Some(&record), HistoryKind::MoveTo)
    }

    /// Makes a row what it shall be and notes what it was. `kind` is what the history calls it,
    /// where there was an object before (a new one is a create, but for moves).
    pub(super) fn set(
        &self,
        key: &RowKey,
        record: Option<&Record>,
        kind: HistoryKind,
    ) -> Result<(), Fault> {
        let before = read_record(self.connection, key)?;
        let (kind, undo) = match (&before, record) {
            (None, None) => return Ok(()),
            (None, Some(_)) if kind == HistoryKind::MoveTo => (kind, None),
            (None, Some(_)) => (HistoryKind::Create, None),
            (Some(old), None) => (kind, Some(Undo::whole(old))),
            (Some(old), Some(new)) => {
                let undo = Undo::between(new, old);
                if undo.is_empty() {
                    return Ok(());
                }
                (kind, Some(undo))
            }
        };
        self.store(key, record)?;
        let undo = undo.map(|undo| serde_json::to_string(&undo)).transpose();
        let undo = undo.map_err(|error| Fault::Content(error.to_string()))?;
        let number = self.changes.get();
        self.changes.set(number + 1);
        self.connection
            .prepare_cached(
                "INSERT INTO change (serial, number, resource, key, deposed, kind, undo)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                self.serial()?,
                number,
                key.resource,
                key.key,
                key.deposed,
                word_text(kind),
                undo
            ])?;
        Ok(())
    }

    fn store(&self, key: &RowKey, record: Option<&Record>) -> Result<(), Fault> {
        let Some(record) = record else {
            self.connection
                .prepare_cached(
                    "DELETE FROM instance WHERE resource = ?1 AND key = ?2 AND deposed = ?3",
                )?
                .execute(params![key.resource, key.key, key.deposed])?;
            return Ok(());
        };
        let object = serde_json::to_string(&record.object)
            .map_err(|error| Fault::Content(error.to_string()))?;
        self.connection
            .prepare_cached(
                "INSERT INTO instance (resource, key, deposed, object_id, status, object,
                                       dependencies, place, schema_version, create_first, keep)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 ON CONFLICT (resource, key, deposed) DO UPDATE SET
                   object_id = excluded.object_id, status = excluded.status,
                   object = excluded.object, dependencies = excluded.dependencies,
                   place = excluded.place, schema_version = excluded.schema_version,
                   create_first = excluded.create_first, keep = excluded.keep",
            )?
            .execute(params![
                key.resource,
                key.key,
                key.deposed,
                record.object_id,
                record.status,
                object,
                record.dependencies,
                record.place,
                record.schema_version,
                record.create_first,
                record.keep
            ])?;
        Ok(())
    }

    /// Replaces all outputs.
    pub(super) fn outputs(&self, outputs: &BTreeMap<Name, Value>) -> Result<(), Fault> {
        let encoded = outputs
            .iter()
            .map(|(name, value)| (name.to_string(), codec::encode_value(value)))
            .collect();
        self.set_outputs(encoded)
    }

    /// Replaces all outputs, given in the codec's form.
    pub(super) fn set_outputs(&self, mut wanted: BTreeMap<String, String>) -> Result<(), Fault> {
        let recorded: Vec<(String, String)> = self
            .connection
            .prepare_cached("SELECT name, value FROM output")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (name, before) in recorded {
            let now = wanted.remove(&name);
            if now.as_ref() == Some(&before) {
                continue;
            }
            self.note_output(&name, Some(&before))?;
            match now {
                Some(now) => self
                    .connection
                    .execute("UPDATE output SET value = ?2 WHERE name = ?1", [&name, &now])?,
                None => self.connection.execute("DELETE FROM output WHERE name = ?1", [&name])?,
            };
        }
        for (name, value) in wanted {
            self.note_output(&name, None)?;
            self.connection
                .execute("INSERT INTO output (name, value) VALUES (?1, ?2)", [&name, &value])?;
        }
        Ok(())
    }

    fn note_output(&self, name: &str, before: Option<&str>) -> Result<(), Fault> {
        self.connection.execute(
            "INSERT INTO output_change (serial, name, before) VALUES (?1, ?2, ?3)
             ON CONFLICT (serial, name) DO NOTHING",
            params![self.serial()?, name, before],
        )?;
        Ok(())
    }

    fn lesson(&self, name: &str, value: &str) -> Result<(), Fault> {
        self.connection.execute(
            "INSERT INTO lesson (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [name, value],
        )?;
        Ok(())
    }

    /// Returns the key columns of an instance.
    pub(super) fn row_key(
        &self,
        address: &Address,
        deposed: Option<&str>,
    ) -> Result<RowKey, Fault> {
        Ok(RowKey {
            resource: self.intern("resource", "address", &address.resource.to_string())?,
            key: key_text(address.key.as_ref()),
            deposed: deposed.unwrap_or_default().to_owned(),
        })
    }

    /// Returns the id of a list of dependencies.
    pub(super) fn dependencies_id(&self, list: &[ResourceAddress]) -> Result<i64, Fault> {
        let mut texts: Vec<String> = list.iter().map(ToString::to_string).collect();
        texts.sort();
        texts.dedup();
        let text = serde_json::to_string(&texts).unwrap_or_else(|_| String::from("[]"));
        self.intern("dependencies", "addresses", &text)
    }

    /// Returns the id of a place.
    pub(super) fn place_id(
        &self,
        provider: &str,
        region: &str,
        service: &Service,
    ) -> Result<i64, Fault> {
        let service = service.to_string();
        let columns = params![provider, region, service];
        let known = self
            .connection
            .prepare_cached(
                "SELECT id FROM place WHERE provider = ?1 AND region = ?2 AND service = ?3",
            )?
            .query_row(columns, |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            return Ok(id);
        }
        self.connection.execute(
            "INSERT INTO place (provider, region, service) VALUES (?1, ?2, ?3)",
            columns,
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    fn intern(&self, table: &str, column: &str, text: &str) -> Result<i64, Fault> {
        let known = self
            .connection
            .prepare_cached(&format!("SELECT id FROM {table} WHERE {column} = ?1"))?
            .query_row([text], |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            return Ok(id);
        }
        self.connection.execute(&format!("INSERT INTO {table} ({column}) VALUES (?1)"), [text])?;
        Ok(self.connection.last_insert_rowid())
    }
}

/// Returns a number as SQLite holds it.
pub(super) fn signed(number: u64) -> Result<i64, Fault> {
    i64::try_from(number).map_err(|_| Fault::refused(format!("{number} is too large for a serial")))
}

/// Reads a row as it is now.
pub(super) fn read_record(connection: &Connection, key: &RowKey) -> Result<Option<Record>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT object_id, status, object, dependencies, place, schema_version, create_first,
                keep
           FROM instance WHERE resource = ?1 AND key = ?2 AND deposed = ?3",
    )?;
    let mut rows = statement.query(params![key.resource, key.key, key.deposed])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let object = serde_json::from_str(text(row, 2)?)
        .map_err(|error| Fault::Content(format!("an object cannot be read: {error}")))?;
    Ok(Some(Record {
        object_id: row.get(0)?,
        status: row.get(1)?,
        object,
        dependencies: row.get(3)?,
        place: row.get(4)?,
        schema_version: row.get(5)?,
        create_first: row.get(6)?,
        keep: row.get(7)?,
    }))
}
