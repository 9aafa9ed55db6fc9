//! The public JSON models of a state and its history, as `show -json`, `state show -json` and `state
//! history -json` print them. Text is rendered from them too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;

use super::{HistoryChange, HistoryEntry, HistoryKind, Instance, Snapshot, Status};
use crate::address::{Key, Mode};
use crate::environment::Timestamp;

/// Version of this model: a minor step adds fields, a major one breaks readers.
pub const FORMAT_VERSION: &str = "1.0";

/// A state; its objects are held, or made one by one as they are asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateDocument<R = Vec<InstanceDocument>> {
    /// [`FORMAT_VERSION`].
    pub format_version: String,
    /// Version of the natform that printed it.
    pub natform_version: String,
    /// UUID of the first write; empty for a state that was never written.
    pub lineage: String,
    /// Counts the changes.
    pub serial: u64,
    /// Recorded objects by address.
    pub resources: R,
    /// Output values of the root module.
    pub outputs: BTreeMap<String, OutputValue>,
    /// Operations of earlier runs that are not closed.
    pub unfinished: usize,
}

/// A recorded object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceDocument {
    /// The instance.
    pub address: String,
    /// For an object set aside by a replacement: under which key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposed: Option<String>,
    /// `managed` or `data`.
    pub mode: String,
    /// Resource type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name of the block.
    pub name: String,
    /// Key of the instance: a number, a text or null.
    pub index: Json,
    /// The service's id.
    pub id: String,
    /// How far it got.
    pub status: Status,
    /// Alias of the provider, empty for the default one.
    pub provider: String,
    /// Region.
    pub region: String,
    /// Attributes; sensitive ones are masked unless they were asked for.
    pub attributes: Json,
    /// The shape of the attributes with `true` for sensitive ones.
    pub sensitive_attributes: Json,
    /// What it depends on directly.
    pub dependencies: Vec<String>,
}

/// An output value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputValue {
    /// The value; masked when it is sensitive and was not asked for.
    pub value: Json,
    /// Whether it is sensitive.
    pub sensitive: bool,
    /// Its type in the language's spelling.
    #[serde(rename = "type")]
    pub ty: String,
}

/// The recorded objects of a snapshot, made as they are asked for: a large state is never held twice.
#[derive(Debug, Clone, Copy)]
pub struct RecordedObjects<'s> {
    snapshot: &'s Snapshot,
    show_sensitive: bool,
}

impl RecordedObjects<'_> {
    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.snapshot.instances.is_empty()
    }

    /// Iterates over them by address.
    pub fn iter(&self) -> impl Iterator<Item = InstanceDocument> + '_ {
        self.snapshot.instances.values().map(|one| instance(one, self.show_sensitive))
    }
}

impl Serialize for RecordedObjects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Returns the document of a snapshot.
pub fn document(snapshot: &Snapshot, show_sensitive: bool) -> StateDocument<RecordedObjects<'_>> {
    StateDocument {
        format_version: FORMAT_VERSION.into(),
        natform_version: env!("CARGO_PKG_VERSION").into(),
        lineage: snapshot.lineage.clone(),
        serial: snapshot.serial,
        resources: RecordedObjects { snapshot, show_sensitive },
        outputs: outputs(snapshot, show_sensitive),
        unfinished: snapshot.open.len(),
    }
}

/// Returns the document of one object.
pub fn instance(instance: &Instance, show_sensitive: bool) -> InstanceDocument {
    let resource = &instance.address.resource;
    let shape = instance.object.to_value().shape(show_sensitive);
    let mut attributes = shape.value;
    if let Json::Object(entries) = &mut attributes {
        entries.retain(|_, value| !value.is_null());
    }
    InstanceDocument {
        address: instance.address.to_string(),
        deposed: instance.deposed.clone(),
        mode: if resource.mode == Mode::Data { "data".into() } else { "managed".into() },
        kind: resource.kind.to_string(),
        name: resource.name.to_string(),
        index: match &instance.address.key {
            None => Json::Null,
            Some(Key::Number(n)) => Json::from(*n),
            Some(Key::Text(t)) => Json::from(&**t),
        },
        id: instance.id.clone(),
        status: instance.status,
        provider: instance.provider.to_string(),
        region: instance.region.clone(),
        attributes,
        sensitive_attributes: shape.sensitive,
        dependencies: instance.dependencies.iter().map(ToString::to_string).collect(),
    }
}

/// Returns the outputs of a snapshot; a sensitive one is masked whole unless it was asked for.
pub fn outputs(snapshot: &Snapshot, show_sensitive: bool) -> BTreeMap<String, OutputValue> {
    let one = |value: &crate::value::Value| {
        let sensitive = value.deep_sensitive();
        let masked = value.clone().with_sensitive(sensitive && !show_sensitive);
        OutputValue {
            value: masked.shape(show_sensitive).value,
            sensitive,
            ty: value.type_of().to_string(),
        }
    };
    snapshot.outputs.iter().map(|(name, value)| (name.to_string(), one(value))).collect()
}

/// The history of a state, as `state history -json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryDocument {
    /// [`FORMAT_VERSION`].
    pub format_version: String,
    /// Version of the natform that printed it.
    pub natform_version: String,
    /// UUID of the state's first write; empty for a state that was never written.
    pub lineage: String,
    /// The present serial.
    pub serial: u64,
    /// The serials, newest first.
    pub serials: Vec<SerialDocument>,
}

/// What a serial changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SerialDocument {
    /// The serial.
    pub serial: u64,
    /// When it was written: `YYYY-MM-DDThh:mm:ssZ`.
    pub at: String,
    /// The run that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunDocument>,
    /// Objects that changed, in the order in which they were written.
    pub changes: Vec<RecordedChange>,
    /// Names of the outputs that changed.
    pub outputs: Vec<String>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunDocument {
    /// UUID.
    pub id: String,
    /// The command, such as `apply` or `state rm nat_gateway.edge`.
    pub command: String,
    /// user@host
    pub who: String,
    /// Digest of the saved plan that was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// When it began.
    pub started_at: String,
    /// When it ended; absent while it is unfinished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
}

/// What a serial did with one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedChange {
    /// What.
    pub action: RecordedAction,
    /// The instance.
    pub address: String,
    /// For a move: where it was recorded before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_address: Option<String>,
    /// For an object set aside: under which key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposed: Option<String>,
    /// For an update: the names of what differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
}

/// What happened with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedAction {
    /// The object was recorded.
    Create,
    /// It was recorded with other values.
    Update,
    /// It was forgotten.
    Delete,
    /// It was recorded at another address.
    Move,
}

/// Returns the document of a history.
pub fn history(snapshot: &Snapshot, entries: &[HistoryEntry]) -> HistoryDocument {
    let serial = |entry: &HistoryEntry| SerialDocument {
        serial: entry.serial,
        at: entry.at.iso8601(),
        run: entry.run.as_ref().map(|run| RunDocument {
            id: run.id.clone(),
            command: run.command.clone(),
            who: run.who.clone(),
            plan: run.plan.clone(),
            started_at: run.started_at.iso8601(),
            ended_at: run.ended_at.map(Timestamp::iso8601),
        }),
        changes: recorded_changes(&entry.changes),
        outputs: entry.outputs.clone(),
    };
    HistoryDocument {
        format_version: FORMAT_VERSION.into(),
        natform_version: env!("CARGO_PKG_VERSION").into(),
        lineage: snapshot.lineage.clone(),
        serial: snapshot.serial,
        serials: entries.iter().map(serial).collect(),
    }
}

/// Joins the two halves of a move, which stand one after the other.
fn recorded_changes(changes: &[HistoryChange]) -> Vec<RecordedChange> {
    let mut recorded = Vec::new();
    let mut left: Option<&HistoryChange> = None;
    for change in changes {
        let action = match change.kind {
            HistoryKind::MoveFrom => {
                left = Some(change);
                continue;
            }
            HistoryKind::MoveTo => RecordedAction::Move,
            HistoryKind::Create => RecordedAction::Create,
            HistoryKind::Update => RecordedAction::Update,
            HistoryKind::Delete => RecordedAction::Delete,
        };
        let from = left.take().filter(|_| action == RecordedAction::Move);
        recorded.push(RecordedChange {
            action,
            address: change.address.to_string(),
            previous_address: from.map(|from| from.address.to_string()),
            deposed: change.deposed.clone(),
            attributes: change.attributes.clone(),
        });
    }
    recorded
}
