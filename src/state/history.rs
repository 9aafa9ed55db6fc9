//! The history: what each serial changed, the state as it was at one, and the way back to it.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::fault::Fault;
use super::read::{self, References, deposed, parse_key, text, unsigned, word};
use super::record::{Record, Undo};
use super::sqlite::SqliteStore;
use super::store::{Lock, StateError};
use super::write::{self, RowKey, signed};
use super::{
    HistoryChange, HistoryEntry, HistoryKind, Instance, InstanceKey, RunRecord, Snapshot, codec,
};
use crate::address::Address;
use crate::environment::Timestamp;
use crate::value::Name;

/// The recorded objects and outputs as they were at a serial: `None` is not there.
struct Past {
    /// Rows that differ from the present ones.
    rows: BTreeMap<RowKey, Option<Record>>,
    /// Outputs that differ from the present ones.
    outputs: BTreeMap<String, Option<String>>,
}

impl SqliteStore {
    /// Returns what each serial changed, newest first, at most `limit` of them.
    pub fn history(&self, limit: usize) -> Result<Vec<HistoryEntry>, StateError> {
        Ok(self.view(|connection| history(connection, limit))?.unwrap_or_default())
    }

    /// Returns the objects and outputs as they were at `serial`; without open journal entries and
    /// lessons, which have no past.
    pub fn snapshot_at(&self, serial: u64) -> Result<Snapshot, StateError> {
        let past = self.view(|connection| {
            check_serial(connection, serial)?;
            snapshot_at(connection, serial)
        })?;
        past.ok_or_else(|| StateError::Refused {
            why: format!("the state `{}` has no history", self.path().display()),
            help: String::from("nothing was written to it yet"),
        })
    }

    /// Makes objects and outputs what they were at `serial`, as a new serial of `run`, and returns
    /// that. Changes nothing in the service. Refused while journal entries are open.
    pub fn restore(
        &mut self,
        lock: &Lock,
        run: &RunRecord,
        serial: u64,
    ) -> Result<u64, StateError> {
        self.change(lock, |writer| {
            check_serial(writer.connection, serial)?;
            refuse_open(writer.connection)?;
            writer.begin_run(run)?;
            let past = past(writer.connection, serial)?;
            for (key, record) in past.rows {
                let kind = if record.is_some() { HistoryKind::Update } else { HistoryKind::Delete };
                writer.set(&key, record.as_ref(), kind)?;
            }
            let mut outputs = present_outputs(writer.connection)?;
            overlay(&mut outputs, past.outputs);
            writer.set_outputs(outputs)?;
            writer.end_run(&run.id, writer.now())?;
            Ok(writer.identity()?.1)
        })
    }
}

/// Refuses to go on while an operation is unfinished: its object may appear at any time.
pub(super) fn refuse_open(connection: &Connection) -> Result<(), Fault> {
    let open: i64 = connection.query_row(
        "SELECT count(*) FROM journal WHERE phase IN ('intended', 'acknowledged', 'stuck')",
        [],
        |row| row.get(0),
    )?;
    if open == 0 {
        return Ok(());
    }
    Err(Fault::Refused {
        why: format!("{open} operations of an earlier run are unfinished"),
        help: String::from("run `natform recover` first"),
    })
}

fn check_serial(connection: &Connection, serial: u64) -> Result<(), Fault> {
    let last = read::identity(connection)?.map_or(0, |(_, serial)| serial);
    let first: i64 =
        connection
            .query_row("SELECT coalesce(min(serial), 1) - 1 FROM serial", [], |row| row.get(0))?;
    // A pushed document may have left out numbers.
    let known = connection
        .prepare_cached("SELECT 1 FROM serial WHERE serial = ?1")?
        .exists([signed(serial)?])?;
    if known || serial == last || signed(serial)? == first {
        return Ok(());
    }
    Err(Fault::Refused {
        why: format!("the history has no serial {serial}; it goes from {first} to {last}"),
        help: String::from("`natform state history` lists them"),
    })
}

fn history(connection: &Connection, limit: usize) -> Result<Vec<HistoryEntry>, Fault> {
    let references = References::read(connection)?;
    let mut statement = connection.prepare(
        "SELECT s.serial, s.at, r.uuid, r.command, r.who, r.plan, r.started_at, r.ended_at
           FROM serial s LEFT JOIN run r ON r.id = s.run ORDER BY s.serial DESC LIMIT ?1",
    )?;
    let mut rows = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let serial = unsigned(row, 0)?;
        let run = row.get::<_, Option<String>>(2)?.map(|_| read::run(row, 2)).transpose()?;
        entries.push(HistoryEntry {
            serial,
            at: Timestamp(row.get(1)?),
            run,
            changes: changes(connection, &references, serial)?,
            outputs: connection
                .prepare_cached("SELECT name FROM output_change WHERE serial = ?1 ORDER BY name")?
                .query_map([signed(serial)?], |row| row.get(0))?
                .collect::<Result<_, _>>()?,
        });
    }
    Ok(entries)
}

fn changes(
    connection: &Connection,
    references: &References,
    serial: u64,
) -> Result<Vec<HistoryChange>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT resource, key, deposed, kind, undo FROM change WHERE serial = ?1 ORDER BY number",
    )?;
    let mut rows = statement.query([signed(serial)?])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let kind = word(text(row, 3)?)?;
        let attributes = match row.get::<_, Option<String>>(4)? {
            Some(undo) if kind == HistoryKind::Update => parse_undo(&undo)?.names(),
            _ => Vec::new(),
        };
        changes.push(HistoryChange {
            address: Address {
                resource: references.resource(row.get(0)?)?,
                key: parse_key(text(row, 1)?)?,
            },
            deposed: deposed(text(row, 2)?),
            kind,
            attributes,
        });
    }
    Ok(changes)
}

fn parse_undo(text: &str) -> Result<Undo, Fault> {
    serde_json::from_str(text)
        .map_err(|error| Fault::Content(format!("the history cannot be read: {error}")))
}

/// Goes back from the present, one change after the other.
fn past(connection: &Connection, serial: u64) -> Result<Past, Fault> {
    let mut rows_then: BTreeMap<RowKey, Option<Record>> = BTreeMap::new();
    let mut statement = connection.prepare(
        "SELECT resource, key, deposed, undo FROM change WHERE serial > ?1
          ORDER BY serial DESC, number DESC",
    )?;
    let mut rows = statement.query([signed(serial)?])?;
    while let Some(row) = rows.next()? {
        let key = RowKey { resource: row.get(0)?, key: row.get(1)?, deposed: row.get(2)? };
        let now = match rows_then.remove(&key) {
            Some(record) => record,
            None => write::read_record(connection, &key)?,
        };
        let undo: Option<String> = row.get(3)?;
        let then = match undo {
            None => None,
            Some(undo) => {
                let undo = parse_undo(&undo)?;
                let mut record = now.unwrap_or_default();
                undo.apply(&mut record);
                Some(record)
            }
        };
        rows_then.insert(key, then);
    }
    let mut outputs = BTreeMap::new();
    let mut statement = connection
        .prepare("SELECT name, before FROM output_change WHERE serial > ?1 ORDER BY serial DESC")?;
    let mut rows = statement.query([signed(serial)?])?;
    while let Some(row) = rows.next()? {
        outputs.insert(row.get(0)?, row.get(1)?);
    }
    Ok(Past { rows: rows_then, outputs })
}

fn snapshot_at(connection: &Connection, serial: u64) -> Result<Snapshot, Fault> {
    let mut snapshot = read::snapshot(connection)?;
    let references = References::read(connection)?;
    let past = past(connection, serial)?;
    for (row, record) in past.rows {
        let address =
            Address { resource: references.resource(row.resource)?, key: parse_key(&row.key)? };
        let instance_key: InstanceKey = (address, deposed(&row.deposed));
        match record {
            None => {
                snapshot.instances.remove(&instance_key);
            }
            Some(record) => {
                let instance = instance(&instance_key, record, &references)?;
                snapshot.instances.insert(instance_key, instance);
            }
        }
    }
    let mut outputs = present_outputs(connection)?;
    overlay(&mut outputs, past.outputs);
    snapshot.outputs.clear();
    for (name, text) in outputs {
        snapshot.outputs.insert(Name::from(name), codec::decode_value(&text)?);
    }
    snapshot.serial = serial;
    snapshot.open.clear();
    snapshot.lessons.clear();
    Ok(snapshot)
}

fn instance(key: &InstanceKey, record: Record, references: &References) -> Result<Instance, Fault> {
    let place = references.place(record.place)?;
    let object = serde_json::Value::Object(record.object);
    Ok(Instance {
        address: key.0.clone(),
        deposed: key.1.clone(),
        id: record.object_id,
        status: word(&record.status)?,
        object: codec::object_from_json(&object)?,
        dependencies: references.dependencies(record.dependencies)?,
        provider: place.provider,
        region: place.region,
        service: place.service,
        schema_version: record.schema_version,
        create_before_destroy: record.create_first,
        prevent_destroy: record.keep,
    })
}

fn present_outputs(connection: &Connection) -> Result<BTreeMap<String, String>, Fault> {
    let mut statement = connection.prepare_cached("SELECT name, value FROM output")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn overlay(outputs: &mut BTreeMap<String, String>, past: BTreeMap<String, Option<String>>) {
    for (name, before) in past {
        match before {
            Some(text) => outputs.insert(name, text),
            None => outputs.remove(&name),
        };
    }
}
