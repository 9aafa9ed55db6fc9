//! The state as one JSON document, for `state pull`, `state push` and backups by hand.
//!
//! The document is described by `state-schema/state-export.schema.json`. Without leave to show them,
//! sensitive values are replaced and the document says so; such a document cannot be pushed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value as Json};

use super::history::refuse_open;
use super::read;
use super::sqlite::SqliteStore;
use super::store::{Lock, StateError};
use super::{HistoryKind, Instance, InstanceKey, RunRecord, Snapshot, Status};
use crate::address::{Address, ResourceAddress};
use crate::value::{self, Data, Entries, Name, Value};

/// Version of the document's form.
pub(super) const FORMAT_VERSION: &str = "1.0";

/// The document. Its objects are held, or made one by one as they are asked for
/// ([`ExportedObjects`]).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Export<I = Vec<ExportedInstance>> {
    /// Version of the form: `1.0`.
    pub format_version: String,
    /// UUID of the state's first write.
    pub lineage: String,
    /// Serial.
    pub serial: u64,
    /// Whether sensitive values were left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
    /// Objects by address.
    pub instances: I,
    /// Outputs of the root module, in the lossless form of values.
    pub outputs: BTreeMap<String, Json>,
}

/// One object of the document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExportedInstance {
    /// The instance.
    pub address: Address,
    /// For an object set aside: under which key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposed: Option<String>,
    /// The service's id.
    pub id: String,
    /// How far it got.
    pub status: Status,
    /// Alias of the provider that made it; empty for the default one.
    pub provider: String,
    /// Region.
    pub region: String,
    /// `real`, `embedded:ID` or `server:URL`.
    pub service: String,
    /// Version of the resource type's schema.
    pub schema_version: u32,
    /// Whether it is replaced by creating first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create_before_destroy: bool,
    /// Whether a plan must not delete it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prevent_destroy: bool,
    /// What it depends on directly.
    pub dependencies: Vec<ResourceAddress>,
    /// Attributes in the lossless form of values.
    pub attributes: Map<String, Json>,
}

/// The objects of a snapshot as the document has them, made as they are asked for: a large state is
/// never held twice.
#[derive(Debug, Clone, Copy)]
pub struct ExportedObjects<'s> {
    snapshot: &'s Snapshot,
    show_sensitive: bool,
}

impl Serialize for ExportedObjects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let instances = self.snapshot.instances.values();
        serializer.collect_seq(instances.map(|instance| exported(instance, self.show_sensitive)))
    }
}

impl Snapshot {
    /// Returns the document. Sensitive values are replaced unless `show_sensitive`.
    pub fn export(&self, show_sensitive: bool) -> Export<ExportedObjects<'_>> {
        let objects = self.instances.values().flat_map(|instance| instance.object.iter());
        let values = objects.map(|(_, value)| value).chain(self.outputs.values());
        let redacted = !show_sensitive && values.into_iter().any(Value::deep_sensitive);
        let output =
            |(name, value): (&Name, &Value)| (name.to_string(), encoded(value, show_sensitive));
        Export {
            format_version: FORMAT_VERSION.to_owned(),
            lineage: self.lineage.clone(),
            serial: self.serial,
            redacted,
            instances: ExportedObjects { snapshot: self, show_sensitive },
            outputs: self.outputs.iter().map(output).collect(),
        }
    }
}

fn encoded(value: &Value, show_sensitive: bool) -> Json {
    if show_sensitive || !value.deep_sensitive() {
        return value::encode(value);
    }
    value::encode(&redact(value))
}

fn exported(instance: &Instance, show_sensitive: bool) -> ExportedInstance {
    let kept = |value: &Value| !value.is_null() || value.is_sensitive();
    let present = instance.object.iter().filter(|(_, value)| kept(value));
    ExportedInstance {
        address: instance.address.clone(),
        deposed: instance.deposed.clone(),
        id: instance.id.clone(),
        status: instance.status,
        provider: instance.provider.to_string(),
        region: instance.region.clone(),
        service: instance.service.to_string(),
        schema_version: instance.schema_version,
        create_before_destroy: instance.create_before_destroy,
        prevent_destroy: instance.prevent_destroy,
        dependencies: instance.dependencies.clone(),
        attributes: present
            .map(|(name, value)| (name.to_string(), encoded(value, show_sensitive)))
            .collect(),
    }
}

/// Returns the value with what is sensitive taken out.
fn redact(value: &Value) -> Value {
    if value.is_sensitive() {
        return Value::null().with_sensitive(true);
    }
    let entries = |entries: &Entries| -> Entries {
        entries.iter().map(|(name, value)| (name.clone(), redact(value))).collect()
    };
    Value::new(match value.data() {
        Data::List(ty, elements) => Data::List(ty.clone(), elements.iter().map(redact).collect()),
        Data::Set(ty, elements) => Data::Set(ty.clone(), elements.iter().map(redact).collect()),
        Data::Tuple(elements) => Data::Tuple(elements.iter().map(redact).collect()),
        Data::Map(ty, inner) => Data::Map(ty.clone(), entries(inner).into()),
        Data::Object(inner) => Data::Object(entries(inner).into()),
        other => other.clone(),
    })
}

impl SqliteStore {
    /// Says why a document cannot be pushed to a state that is as in `present`.
    pub fn check_push(
        &self,
        present: &Snapshot,
        pushed: &Snapshot,
        force: bool,
    ) -> Result<(), StateError> {
        check(present, pushed, force).map_err(|fault| fault.at("write to", self.path()))
    }

    /// Replaces objects and outputs by those of `pushed`, as a new serial of `run`, and returns that.
    /// Refused when the lineages differ or the pushed serial is lower than the present one, unless
    /// `force` or nothing was recorded yet, and while journal entries are open.
    pub fn push(
        &mut self,
        lock: &Lock,
        run: &RunRecord,
        pushed: &Snapshot,
        force: bool,
    ) -> Result<u64, StateError> {
        self.change(lock, |writer| {
            refuse_open(writer.connection)?;
            let present = read::snapshot(writer.connection)?;
            check(&present, pushed, force)?;
            writer.begin_run(run)?;
            writer.identity()?;
            // The next serial is the pushed one, where that is later.
            let before = present.serial.max(pushed.serial.saturating_sub(1));
            let lineage = if pushed.lineage.is_empty() { None } else { Some(&*pushed.lineage) };
            writer.continue_from(lineage, before)?;
            let gone: Vec<&InstanceKey> =
                present.instances.keys().filter(|k| !pushed.instances.contains_key(*k)).collect();
            for (address, deposed) in gone {
                let key = writer.row_key(address, deposed.as_deref())?;
                writer.set(&key, None, HistoryKind::Delete)?;
            }
            for instance in pushed.instances.values() {
                writer.put(instance)?;
            }
            writer.outputs(&pushed.outputs)?;
            if pushed.serial > present.serial {
                // The same content with a later number.
                writer.serial_at_least(pushed.serial)?;
            }
            writer.end_run(&run.id, writer.now())?;
            Ok(writer.identity()?.1)
        })
    }
}

fn check(present: &Snapshot, pushed: &Snapshot, force: bool) -> Result<(), super::fault::Fault> {
    if force || present.serial == 0 {
        return Ok(());
    }
    let help = "push with `-force` only when you are certain that it shall replace what is there";
    let why = if present.lineage != pushed.lineage {
        format!(
            "the document is of another state: its lineage is {}, not {}",
            pushed.lineage, present.lineage
        )
    } else if pushed.serial < present.serial {
        format!(
            "the document is older than the state: its serial is {}, not {}",
            pushed.serial, present.serial
        )
    } else {
        return Ok(());
    };
    Err(super::fault::Fault::Refused { why, help: help.to_owned() })
}

/// Returns the document's text, for tests and small tools.
impl<I: Serialize> std::fmt::Display for Export<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = serde_json::to_string_pretty(self).map_err(|_| std::fmt::Error)?;
        f.write_str(&text)
    }
}
