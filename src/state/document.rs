//! The public JSON model of a state, as `show -json` and `state show -json` print it. Text is
//! rendered from it too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Instance, Snapshot, Status};
use crate::address::{Key, Mode};

/// Version of this model: a minor step adds fields, a major one breaks readers.
pub const FORMAT_VERSION: &str = "1.0";

/// A state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateDocument {
    /// [`FORMAT_VERSION`].
    pub format_version: String,
    /// Version of the natform that printed it.
    pub natform_version: String,
    /// UUID of the first write; empty for a state that was never written.
    pub lineage: String,
    /// Counts the changes.
    pub serial: u64,
    /// Recorded objects by address.
    pub resources: Vec<InstanceDocument>,
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

/// Returns the document of a snapshot.
pub fn document(snapshot: &Snapshot, show_sensitive: bool) -> StateDocument {
    StateDocument {
        format_version: FORMAT_VERSION.into(),
        natform_version: env!("CARGO_PKG_VERSION").into(),
        lineage: snapshot.lineage.clone(),
        serial: snapshot.serial,
        resources: snapshot.instances.values().map(|i| instance(i, show_sensitive)).collect(),
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
