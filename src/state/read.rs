//! Reads rows into a [`Snapshot`].

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::types::Type as SqlType;
use rusqlite::{Connection, OptionalExtension, Row};

use super::codec::{self, Names};
use super::fault::Fault;
use super::{Instance, InstanceKey, RunRecord, Service, Snapshot, Status, journal};
use crate::address::{Address, Key, ResourceAddress};
use crate::environment::Timestamp;
use crate::value::{Name, Value};

/// The rows that others refer to, by id.
pub(super) struct References {
    resources: BTreeMap<i64, ResourceAddress>,
    dependencies: BTreeMap<i64, Vec<ResourceAddress>>,
    places: BTreeMap<i64, Place>,
}

/// Where an object lives.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) provider: Name,
    pub(super) region: String,
    pub(super) service: Service,
}

/// Reads everything but the holder of the lock.
pub(super) fn snapshot(connection: &Connection) -> Result<Snapshot, Fault> {
    let Some((lineage, serial)) = identity(connection)? else {
        return Ok(Snapshot::default());
    };
    let references = References::read(connection)?;
    Ok(Snapshot {
        lineage,
        serial,
        instances: instances(connection, &references)?,
        outputs: outputs(connection)?,
        open: journal::open(connection, &references)?,
        holder: None,
        gone: None,
        lessons: lessons(connection)?,
    })
}

/// Reads lineage and serial; `None` before the first write.
pub(super) fn identity(connection: &Connection) -> Result<Option<(String, u64)>, Fault> {
    let row = connection
        .prepare_cached("SELECT lineage, serial FROM state")?
        .query_row([], |row| Ok((row.get(0)?, unsigned(row, 1)?)))
        .optional()?;
    Ok(row)
}

impl References {
    pub(super) fn read(connection: &Connection) -> Result<Self, Fault> {
        let mut references = Self {
            resources: BTreeMap::new(),
            dependencies: BTreeMap::new(),
            places: BTreeMap::new(),
        };
        let mut statement = connection.prepare("SELECT id, address FROM resource")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            references.resources.insert(row.get(0)?, parse(text(row, 1)?)?);
        }
        let mut statement = connection.prepare("SELECT id, addresses FROM dependencies")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let list = serde_json::from_str(text(row, 1)?).map_err(|e| e.to_string())?;
            references.dependencies.insert(row.get(0)?, list);
        }
        let mut statement =
            connection.prepare("SELECT id, provider, region, service FROM place")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let place = Place {
                provider: text(row, 1)?.into(),
                region: row.get(2)?,
                service: service_from_text(text(row, 3)?)?,
            };
            references.places.insert(row.get(0)?, place);
        }
        Ok(references)
    }

    pub(super) fn resource(&self, id: i64) -> Result<ResourceAddress, Fault> {
        let known = self.resources.get(&id).cloned();
        known.ok_or_else(|| Fault::Content(format!("resource {id} is missing")))
    }

    pub(super) fn dependencies(&self, id: i64) -> Result<Vec<ResourceAddress>, Fault> {
        let known = self.dependencies.get(&id).cloned();
        known.ok_or_else(|| Fault::Content(format!("dependencies {id} are missing")))
    }

    pub(super) fn place(&self, id: i64) -> Result<Place, Fault> {
        let known = self.places.get(&id).cloned();
        known.ok_or_else(|| Fault::Content(format!("place {id} is missing")))
    }
}

fn instances(
    connection: &Connection,
    references: &References,
) -> Result<BTreeMap<InstanceKey, Instance>, Fault> {
    let mut names = Names::default();
    let mut statement = connection.prepare(
        "SELECT resource, key, deposed, object_id, status, object, dependencies, place,
                schema_version, create_first, keep
           FROM instance",
    )?;
    let mut rows = statement.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let address =
            Address { resource: references.resource(row.get(0)?)?, key: parse_key(text(row, 1)?)? };
        let object = codec::decode_object(text(row, 5)?, &mut names)
            .map_err(|why| format!("the object of `{address}` cannot be read: {why}"))?;
        let place = references.place(row.get(7)?)?;
        let instance = Instance {
            address,
            deposed: deposed(text(row, 2)?),
            id: row.get(3)?,
            status: word(text(row, 4)?)?,
            object,
            dependencies: references.dependencies(row.get(6)?)?,
            provider: place.provider,
            region: place.region,
            service: place.service,
            schema_version: row.get(8)?,
            create_before_destroy: row.get(9)?,
            prevent_destroy: row.get(10)?,
        };
        list.push((instance.key(), instance));
    }
    Ok(list.into_iter().collect())
}

/// Reads the recorded outputs.
pub(super) fn outputs(connection: &Connection) -> Result<BTreeMap<Name, Value>, Fault> {
    let mut statement = connection.prepare_cached("SELECT name, value FROM output")?;
    let mut rows = statement.query([])?;
    let mut outputs = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let value = codec::decode_value(text(row, 1)?).map_err(|why| {
            format!("the output `{}` cannot be read: {why}", text(row, 0).unwrap_or_default())
        })?;
        outputs.insert(Name::from(text(row, 0)?), value);
    }
    Ok(outputs)
}

fn lessons(connection: &Connection) -> Result<BTreeMap<String, String>, Fault> {
    let mut statement = connection.prepare("SELECT name, value FROM lesson")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns the last run that applied the plan with this digest.
pub(super) fn run_of_plan(
    connection: &Connection,
    digest: &str,
) -> rusqlite::Result<Option<RunRecord>> {
    connection
        .query_row(
            "SELECT uuid, command, who, plan, started_at, ended_at FROM run
              WHERE plan = ?1 ORDER BY id DESC LIMIT 1",
            [digest],
            |row| run(row, 0),
        )
        .optional()
}

/// Reads uuid, command, who, plan, start and end from the column `at` on.
pub(super) fn run(row: &Row<'_>, at: usize) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        id: row.get(at)?,
        command: row.get(at + 1)?,
        who: row.get(at + 2)?,
        plan: row.get(at + 3)?,
        started_at: Timestamp(row.get(at + 4)?),
        ended_at: row.get::<_, Option<i64>>(at + 5)?.map(Timestamp),
    })
}

/// Returns a column's text without a copy.
pub(super) fn text<'a>(row: &'a Row<'_>, at: usize) -> rusqlite::Result<&'a str> {
    row.get_ref(at)?
        .as_str()
        .map_err(|_| rusqlite::Error::InvalidColumnType(at, String::from("text"), SqlType::Null))
}

/// Returns a column that holds no negative numbers.
pub(super) fn unsigned(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(at)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(at, number))
}

/// Parses an address of a block.
fn parse(text: &str) -> Result<ResourceAddress, Fault> {
    text.parse().map_err(|error: crate::address::ParseError| Fault::Content(error.to_string()))
}

/// Parses an instance's key as [`key_text`] prints it.
pub(super) fn parse_key(text: &str) -> Result<Option<Key>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let inner = text.strip_prefix("[\"").and_then(|t| t.strip_suffix("\"]"));
    if let Some(inner) = inner.filter(|t| !t.contains(['\\', '$', '%', '"'])) {
        return Ok(Some(Key::Text(Arc::from(inner))));
    }
    let address: Result<Address, _> = format!("a.b{text}").parse();
    address.map(|address| address.key).map_err(|error| Fault::Content(error.to_string()))
}

/// Prints an instance's key: empty, `[0]` or `["a"]`.
pub(super) fn key_text(key: Option<&Key>) -> String {
    key.map(ToString::to_string).unwrap_or_default()
}

/// Returns the key under which an object is set aside.
pub(super) fn deposed(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Prints a word of a closed list, as serde names it.
pub(super) fn word_text<T: serde::Serialize>(word: T) -> String {
    match serde_json::to_value(word) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

/// Parses a word of a closed list.
pub(super) fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|error| Fault::Content(error.to_string()))
}

/// Prints a status.
pub(super) fn status_text(status: Status) -> &'static str {
    match status {
        Status::Ready => "ready",
        Status::Creating => "creating",
        Status::Tainted => "tainted",
    }
}

/// Parses a service.
pub(super) fn service_from_text(text: &str) -> Result<Service, Fault> {
    if text == "real" {
        return Ok(Service::Real);
    }
    match text.split_once(':') {
        Some(("embedded", id)) => Ok(Service::Embedded(id.into())),
        Some(("server", url)) => Ok(Service::Server(url.into())),
        _ => Err(Fault::Content(format!("`{text}` is not a service"))),
    }
}
