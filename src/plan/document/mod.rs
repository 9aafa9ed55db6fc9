//! The public JSON model of a plan. Text, Markdown and HTML are rendered from these structs.
//!
//! Sensitive values are replaced by [`MASK`] before they get here unless the reader asked to see
//! them; unknown values are `null` with `true` at the same place of `after_unknown`.

mod convert;
mod forecast;
pub(crate) mod shape;
mod stream;

pub use convert::{reason, summary};
pub use forecast::{Forecast, Interruption, Times};
pub use stream::{Changes, Operations, PlanChanges, PlanOperations, Render, Visit};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{PlanMode, Purpose};
use crate::resources::Impact;

/// Version of this model: a minor step adds fields, a major one breaks readers.
pub const FORMAT_VERSION: &str = "1.1";

/// What stands in the place of a sensitive value.
pub const MASK: &str = crate::value::SENSITIVE;

/// A plan. Its changes and operations are whole, or made one by one ([`StreamedPlan`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanDocument<C = Vec<ChangeDocument>, O = Vec<OperationDocument>> {
    /// [`FORMAT_VERSION`].
    pub format_version: String,
    /// Version of the natform that made it.
    pub natform_version: String,
    /// What is planned.
    pub mode: PlanMode,
    /// Whether there is something to apply: changes, outputs, unfinished operations; in
    /// refresh-only mode also drift.
    pub applicable: bool,
    /// Whether planning met an error; such a plan is shown and never applied.
    pub errored: bool,
    /// Whether `-target` left something out.
    pub partial: bool,
    /// Lineage of the state that it was made from; empty for a state that was never written.
    pub lineage: String,
    /// Serial of the state that it was made from.
    pub serial: u64,
    /// SHA-256 of the saved plan file, hex; absent for a plan that was not saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Counts.
    pub summary: Summary,
    /// How long it will take and whose traffic stops; absent for a plan without operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
    /// Changes by address, no-ops included.
    pub changes: C,
    /// Recorded objects that are no longer as recorded, by address.
    pub drift: Vec<DriftDocument>,
    /// Outputs of the root module by name.
    pub outputs: BTreeMap<String, OutputDocument>,
    /// Calls in their order.
    pub operations: O,
    /// Sets of operations that many others wait for; only very large `depends_on` relations make any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Vec<usize>>,
    /// Operations of earlier runs that recovery will finish first.
    pub unfinished: Vec<UnfinishedDocument>,
    /// Warnings and errors of planning, as `diagnostic::json` renders them.
    pub diagnostics: Vec<Json>,
}

/// A plan whose changes and operations are made as they are asked for.
pub type StreamedPlan<'p> = PlanDocument<PlanChanges<'p>, PlanOperations<'p>>;

/// How many instances meet which fate. A replacement counts once, as `replace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Made.
    pub create: usize,
    /// Changed in place.
    pub update: usize,
    /// Deleted and made again, in either order.
    pub replace: usize,
    /// Deleted.
    pub delete: usize,
    /// Taken out of the state and left alone in the service.
    pub forget: usize,
    /// Data sources that are read during apply.
    pub read: usize,
    /// Left as they are.
    pub no_op: usize,
    /// Imported (each also counts above by what else happens with it).
    pub import: usize,
    /// Moved (each also counts above by what else happens with it).
    pub moved: usize,
    /// Objects that drifted.
    pub drift: usize,
    /// Outputs that change or may change.
    pub outputs: usize,
    /// Calls.
    pub operations: usize,
    /// How many changes mean what for others.
    #[serde(default)]
    pub impacts: ImpactCounts,
}

/// How many changes mean what for users and the bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImpactCounts {
    /// Traffic stops for a while, or for good.
    pub interrupts_traffic: usize,
    /// The bill changes.
    pub changes_billing: usize,
    /// The service has no way back.
    pub cannot_be_undone: usize,
    /// A public address is given up.
    pub releases_address: usize,
}

impl ImpactCounts {
    /// Counts one more change with an impact.
    pub const fn add(&mut self, impact: Impact) {
        match impact {
            Impact::InterruptsTraffic => self.interrupts_traffic += 1,
            Impact::ChangesBilling => self.changes_billing += 1,
            Impact::CannotBeUndone => self.cannot_be_undone += 1,
            Impact::ReleasesAddress => self.releases_address += 1,
        }
    }

    /// Returns the counts of all impacts.
    pub const fn all(&self) -> [(Impact, usize); 4] {
        [
            (Impact::InterruptsTraffic, self.interrupts_traffic),
            (Impact::ReleasesAddress, self.releases_address),
            (Impact::CannotBeUndone, self.cannot_be_undone),
            (Impact::ChangesBilling, self.changes_billing),
        ]
    }
}

impl Summary {
    /// Returns how many objects are made, replacements included: the first number of `Plan: …`.
    pub fn to_add(&self) -> usize {
        self.create + self.replace
    }

    /// Returns how many objects are deleted, replacements included.
    pub fn to_destroy(&self) -> usize {
        self.delete + self.replace
    }

    /// Returns how many changes people are shown, at least where there is one.
    pub fn shown(&self) -> usize {
        let acts = self.create + self.update + self.replace + self.delete + self.forget;
        acts + self.read + self.import + self.moved
    }
}

/// One word of what happens with an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionWord {
    /// Nothing.
    NoOp,
    /// Made.
    Create,
    /// Read during apply (data sources).
    Read,
    /// Changed in place.
    Update,
    /// Deleted.
    Delete,
    /// Taken out of the state.
    Forget,
}

/// What happens with one instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeDocument {
    /// The instance.
    pub address: String,
    /// Where it was before a move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_address: Option<String>,
    /// For an object set aside: under which key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposed: Option<String>,
    /// The module instance; absent for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module_address: Option<String>,
    /// `managed` or `data`.
    pub mode: String,
    /// Resource type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name of the block.
    pub name: String,
    /// Key of the instance: a number, a text or null.
    pub index: Json,
    /// Alias of the provider, empty for the default one.
    pub provider: String,
    /// Region.
    pub region: String,
    /// The service's id, when there is an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What happens, in order: `["delete", "create"]` for a replacement.
    pub actions: Vec<ActionWord>,
    /// Why.
    pub reasons: Vec<ReasonDocument>,
    /// The import id of an object that is imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub importing: Option<String>,
    /// The live object; null when there is none.
    pub before: Json,
    /// The object as it shall be; null when there is none, unknown values are null.
    pub after: Json,
    /// The shape of `after` with `true` for unknown values; what is known is left out.
    pub after_unknown: Json,
    /// The shape of `before` with `true` for sensitive values.
    pub before_sensitive: Json,
    /// The shape of `after` with `true` for sensitive values.
    pub after_sensitive: Json,
    /// Whether an update changes marks of sensitivity alone, and no value.
    pub sensitivity_only: bool,
    /// Attributes that force a replacement.
    pub replace_paths: Vec<String>,
    /// Attributes removed from configuration that keep their value.
    pub kept: Vec<String>,
    /// What it means for users and the bill.
    pub impacts: Vec<Impact>,
    /// Remarks, one sentence each.
    pub remarks: Vec<String>,
    /// `file:line` of the block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// Why something is planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonDocument {
    /// Stable code in snake case: `cannot_update`, `no_configuration`, ….
    pub code: String,
    /// The reason as the rest of a sentence: `its create did not finish`.
    pub sentence: String,
    /// Attributes, addresses or ids that the reason names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
}

/// A recorded object that is no longer as recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftDocument {
    /// The instance.
    pub address: String,
    /// Resource type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The service's id.
    pub id: String,
    /// `changed` or `missing`.
    pub status: String,
    /// Attributes that differ.
    pub attributes: Vec<String>,
    /// As recorded.
    pub before: Json,
    /// As it is; null when it is gone.
    pub after: Json,
    /// The shape of `before` with `true` for sensitive values.
    pub before_sensitive: Json,
    /// The shape of `after` with `true` for sensitive values.
    pub after_sensitive: Json,
}

/// An output of the root module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputDocument {
    /// `no-op`, `create`, `update` or `delete`.
    pub actions: Vec<ActionWord>,
    /// Recorded value.
    pub before: Json,
    /// New value; unknown values are null.
    pub after: Json,
    /// The shape of `after` with `true` for unknown values.
    pub after_unknown: Json,
    /// Whether it is declared sensitive; both values are masked then.
    pub sensitive: bool,
}

/// One call with its place in the order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationDocument {
    /// Its number, from 0; `after` refers to it.
    pub index: usize,
    /// The instance.
    pub address: String,
    /// For an object set aside: under which key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposed: Option<String>,
    /// Part of the change.
    pub purpose: Purpose,
    /// The action, by its name on the wire.
    pub action: String,
    /// Parameters that are known, by name on the wire; unknown ones are null.
    pub parameters: BTreeMap<String, Json>,
    /// Names of the parameters that are known during apply only.
    pub unknown: Vec<String>,
    /// What it excludes.
    pub lane: LaneDocument,
    /// Numbers of the operations that must be settled before it is sent.
    pub after: Vec<usize>,
    /// Numbers of the sets in [`PlanDocument::groups`] all of which must be settled before it is sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<usize>,
    /// Time limit in seconds.
    pub timeout: u64,
}

/// What an operation excludes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneDocument {
    /// The gateway, by id or by origin.
    pub gateway: Option<String>,
    /// The table or package, by id or by origin.
    pub scope: Option<String>,
    /// Whether it excludes everything else of the gateway.
    pub whole_gateway: bool,
    /// Whether it is refused while another operation of the scope is unsettled.
    pub needs_quiet: bool,
    /// Whether others that need quiet are refused until it is settled.
    pub makes_busy: bool,
}

/// An operation of an earlier run that is not closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfinishedDocument {
    /// The instance.
    pub address: String,
    /// The action, by its name on the wire.
    pub action: String,
    /// How far it got.
    pub phase: crate::state::Phase,
    /// The run that began it.
    pub run: String,
    /// When it was intended, ISO 8601 in UTC.
    pub intended_at: String,
    /// The object's id, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What recovery will do with it, as a sentence.
    pub recovery: String,
}
