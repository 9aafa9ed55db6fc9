//! The journal's rows.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::Fault;
use super::read::{References, deposed, key_text, parse_key, text, word, word_text};
use super::write::Writer;
use super::{JournalEntry, Phase};
use crate::address::Address;
use crate::environment::Timestamp;

const COLUMNS: &str = "j.id, r.uuid, j.operation, j.resource, j.key, j.deposed, j.action, \
    j.parameters, j.token, j.digest, j.lane, j.planned, j.step, j.steps, j.natural_key, \
    j.existing, j.place, j.dependencies, j.creates, j.sets_aside, j.create_first, j.keep, \
    j.ambiguous, j.phase, j.object_id, j.request_id, j.outcome, j.intended_at, j.updated_at";

/// Adds an entry and returns its id.
pub(super) fn insert(writer: &Writer<'_>, run: i64, entry: &JournalEntry) -> Result<i64, Fault> {
    let key = writer.row_key(&entry.address, entry.deposed.as_deref())?;
    writer
        .connection
        .prepare_cached(
            "INSERT INTO journal (run, operation, resource, key, deposed, action, parameters,
                token, digest, lane, planned, step, steps, natural_key, existing, place,
                dependencies, creates, sets_aside, create_first, keep, ambiguous, phase, object_id,
                request_id, outcome, intended_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28)",
        )?
        .execute(params![
            run,
            entry.operation,
            key.resource,
            key_text(entry.address.key.as_ref()),
            key.deposed,
            word_text(entry.action),
            json(&entry.parameters)?,
            entry.token,
            entry.digest,
            entry.lane,
            entry.planned,
            entry.step.0,
            entry.step.1,
            entry.natural_key,
            json(&entry.existing)?,
            writer.place_id(&entry.provider, &entry.region, &entry.service)?,
            writer.dependencies_id(&entry.dependencies)?,
            entry.creates,
            entry.sets_aside,
            entry.create_before_destroy,
            entry.prevent_destroy,
            entry.ambiguous,
            word_text(entry.phase),
            entry.object_id,
            entry.request_id,
            entry.outcome,
            entry.intended_at.0,
            entry.updated_at.0
        ])?;
    Ok(writer.connection.last_insert_rowid())
}

/// Replaces what may change of an entry. What only recovery needs goes when the entry is closed.
pub(super) fn replace(writer: &Writer<'_>, entry: &JournalEntry) -> Result<(), Fault> {
    let closed = entry.phase.is_closed();
    let parameters = if closed { String::from("{}") } else { json(&entry.parameters)? };
    let existing = if closed { String::from("[]") } else { json(&entry.existing)? };
    let changed = writer
        .connection
        .prepare_cached(
            "UPDATE journal SET token = ?2, digest = ?3, parameters = ?4, planned = ?5,
                natural_key = ?6, existing = ?7, ambiguous = ?8, phase = ?9, object_id = ?10,
                request_id = ?11, outcome = ?12, intended_at = ?13, updated_at = ?14
              WHERE id = ?1",
        )?
        .execute(params![
            entry.id,
            entry.token,
            if closed { "" } else { &entry.digest },
            parameters,
            entry.planned.as_deref().filter(|_| !closed),
            entry.natural_key.as_deref().filter(|_| !closed),
            existing,
            entry.ambiguous,
            word_text(entry.phase),
            entry.object_id,
            entry.request_id,
            entry.outcome,
            entry.intended_at.0,
            entry.updated_at.0
        ])?;
    if changed == 1 {
        Ok(())
    } else {
        Err(Fault::refused(format!("there is no journal entry {}", entry.id)))
    }
}

/// Reads the entries that are not closed, in order.
pub(super) fn open(
    connection: &Connection,
    references: &References,
) -> Result<Vec<JournalEntry>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM journal j JOIN run r ON r.id = j.run
          WHERE j.phase IN ('intended', 'acknowledged', 'stuck') ORDER BY j.id"
    );
    collect(connection, references, &sql, [])
}

/// Reads all entries of a run, in order.
pub(super) fn of_run(connection: &Connection, run: &str) -> Result<Vec<JournalEntry>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM journal j JOIN run r ON r.id = j.run
          WHERE r.uuid = ?1 ORDER BY j.id"
    );
    collect(connection, &References::read(connection)?, &sql, [run])
}

fn collect(
    connection: &Connection,
    references: &References,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<JournalEntry>, Fault> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(entry(row, references)?);
    }
    Ok(entries)
}

fn entry(row: &Row<'_>, references: &References) -> Result<JournalEntry, Fault> {
    let place = references.place(row.get(16)?)?;
    let parameters: BTreeMap<String, String> = from_json(text(row, 7)?)?;
    Ok(JournalEntry {
        id: row.get(0)?,
        run: row.get(1)?,
        operation: row.get(2)?,
        address: Address {
            resource: references.resource(row.get(3)?)?,
            key: parse_key(text(row, 4)?)?,
        },
        deposed: deposed(text(row, 5)?),
        action: word(text(row, 6)?)?,
        parameters,
        token: row.get(8)?,
        digest: row.get(9)?,
        lane: row.get(10)?,
        planned: row.get(11)?,
        step: (row.get(12)?, row.get(13)?),
        natural_key: row.get(14)?,
        existing: from_json(text(row, 15)?)?,
        provider: place.provider,
        region: place.region,
        service: place.service,
        dependencies: references.dependencies(row.get(17)?)?,
        creates: row.get(18)?,
        sets_aside: row.get(19)?,
        create_before_destroy: row.get(20)?,
        prevent_destroy: row.get(21)?,
        ambiguous: row.get(22)?,
        phase: word::<Phase>(text(row, 23)?)?,
        object_id: row.get(24)?,
        request_id: row.get(25)?,
        outcome: row.get(26)?,
        intended_at: Timestamp(row.get(27)?),
        updated_at: Timestamp(row.get(28)?),
    })
}

fn json<T: Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::Content(error.to_string()))
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::Content(error.to_string()))
}
