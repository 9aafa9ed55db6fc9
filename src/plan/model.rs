//! The plan as pure data: what changes and why, what drifted, and the calls in their order.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::{Address, ResourceAddress};
use crate::api::catalogue::Action;
use crate::resources::{Impact, Lane, Object, Wanted};
use crate::state::{JournalEntry, Service};
use crate::value::{Name, Value};

/// What is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanMode {
    /// Makes the world as configured.
    #[default]
    Normal,
    /// Deletes everything recorded.
    Destroy,
    /// Only records what is live.
    RefreshOnly,
}

/// A plan.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Plan {
    /// What is planned.
    pub mode: PlanMode,
    /// Changes by address, no-ops included. A saved plan has them line by line.
    #[serde(skip)]
    pub changes: Vec<Change>,
    /// Recorded objects that are no longer as recorded, by address.
    pub drift: Vec<Drift>,
    /// Outputs of the root module, all of them.
    pub outputs: Vec<OutputChange>,
    /// Calls in an order in which they could run one by one; `after` refers to indices of this
    /// list. A saved plan has them line by line.
    #[serde(skip)]
    pub operations: Vec<Operation>,
    /// Sets of operations that many others wait for; see [`Operation::groups`].
    pub groups: Vec<Vec<usize>>,
    /// Data sources that were read while planning, for the evaluation during apply.
    pub data: BTreeMap<Address, Object>,
    /// Operations of earlier runs that recovery will finish first.
    pub unfinished: Vec<JournalEntry>,
    /// Lineage of the state that it was made from.
    pub lineage: String,
    /// Serial of the state that it was made from.
    pub serial: u64,
    /// Whether `-target` left something out.
    pub partial: bool,
    /// Whether planning met an error: the plan may be shown, never applied.
    pub errored: bool,
}

impl Plan {
    /// Returns whether applying it would change objects or outputs, or finish operations. Drift
    /// counts in refresh-only mode alone.
    pub fn has_changes(&self) -> bool {
        !self.unfinished.is_empty()
            || (self.mode == PlanMode::RefreshOnly && !self.drift.is_empty())
            || self.changes.iter().any(|c| c.kind != ChangeKind::NoOp)
            || self.outputs.iter().any(OutputChange::is_change)
    }
}

/// What happens with an instance.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Nothing in the service. Apply records `after` (what was read, and inputs that cannot be read
    /// back); where there is no `after`, the object is gone and its record is removed.
    NoOp,
    /// A data source is read during apply.
    Read,
    /// Made.
    Create,
    /// Changed in place. Without operations only the record changes (marks of sensitivity, inputs that
    /// no call sends): apply records `after`.
    Update,
    /// Deleted and made again.
    Replace {
        /// Whether the new one is made first.
        create_first: bool,
    },
    /// Deleted.
    Delete,
    /// Taken out of the state, left alone in the service.
    Forget,
}

impl Change {
    /// Whether the object is made anew for the sake of others alone, so that nothing of it is to
    /// become another.
    pub fn is_detour(&self) -> bool {
        let others = |reason: &Reason| {
            matches!(
                reason,
                Reason::KeyCycle { .. }
                    | Reason::PlaceCycle { .. }
                    | Reason::DependencyReplaced { .. }
                    | Reason::Moved { .. }
            )
        };
        matches!(self.kind, ChangeKind::Replace { .. })
            && self.replace_paths.is_empty()
            && self.reasons.iter().all(others)
    }
}

/// Why a change is planned; a closed list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Reason {
    /// Its create did not finish.
    Tainted,
    /// `-replace`.
    Requested,
    /// These attributes cannot be changed in place.
    CannotUpdate {
        /// The attributes.
        attributes: Vec<String>,
    },
    /// Something it depends on is replaced, and it cannot follow in place.
    DependencyReplaced {
        /// What.
        of: String,
    },
    /// `replace_triggered_by`.
    Triggered {
        /// By what.
        by: String,
    },
    /// Its place in a cycle of unique keys is broken by deleting it first.
    KeyCycle {
        /// The other members.
        with: Vec<String>,
    },
    /// It uses what must go before what it is to use has a place.
    PlaceCycle {
        /// What has no place yet.
        with: Vec<String>,
    },
    /// There is no block for it.
    NoConfiguration,
    /// Its module is gone.
    NoModule,
    /// Its index is not below `count`.
    CountIndex,
    /// Its key is not in `for_each`.
    EachKey,
    /// The block uses another kind of repetition.
    WrongRepetition,
    /// It was set aside by a replacement that did not finish.
    Deposed,
    /// It no longer exists in the service and is made again.
    Vanished,
    /// Its arguments are known only during apply.
    ConfigurationUnknown,
    /// Something it depends on changes first.
    DependencyPending,
    /// The whole plan is a destroy.
    Destroy,
    /// It was moved from another address.
    Moved {
        /// From where.
        from: String,
    },
    /// It is imported.
    Imported {
        /// The import id.
        id: String,
    },
    /// The service cannot go back to how it was before (`nat_type`, conversion to shared bandwidth).
    OneWay {
        /// The attributes.
        attributes: Vec<String>,
    },
}

/// What happens with one instance, and why.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Change {
    /// The instance.
    pub address: Address,
    /// For an object set aside: under which key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposed: Option<String>,
    /// Where it was before a move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_address: Option<Box<Address>>,
    /// What happens.
    pub kind: ChangeKind,
    /// Why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// The service's id, when there is an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The live object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Object>,
    /// The object as it shall be; unknown values are known after apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Object>,
    /// Attributes that force a replacement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replace_paths: Vec<String>,
    /// Attributes removed from configuration that keep their value, since the service cannot clear
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// What it means for users and the bill.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impacts: Vec<Impact>,
    /// Remarks, one sentence each (chosen addresses, objects that a forced delete takes along).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// Provider alias.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub provider: Name,
    /// Region.
    pub region: Name,
    /// Service.
    pub service: Service,
    /// Direct dependencies, as the state will record them.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub dependencies: Arc<[ResourceAddress]>,
    /// `lifecycle.create_before_destroy`, own or inherited.
    #[serde(default, skip_serializing_if = "is_false")]
    pub create_before_destroy: bool,
    /// `lifecycle.prevent_destroy`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub prevent_destroy: bool,
    /// Time limits by operation (`create`, `update`, `delete`), in seconds.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub timeouts: Arc<BTreeMap<String, u64>>,
    /// `file:line` of the block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Name>,
}

/// A recorded object that is no longer as recorded.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Drift {
    /// The instance.
    pub address: Address,
    /// As recorded.
    pub recorded: Object,
    /// As it is; `None` when it is gone.
    pub live: Option<Object>,
    /// Attributes that differ (inputs and stable ones).
    pub attributes: Vec<String>,
}

/// An output of the root module.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct OutputChange {
    /// Name.
    pub name: Name,
    /// Recorded value.
    pub before: Option<Value>,
    /// New value; `None` when the output is gone.
    pub after: Option<Value>,
    /// Whether it is declared sensitive.
    pub sensitive: bool,
}

impl OutputChange {
    /// Returns whether the value changes or may change.
    pub fn is_change(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => crate::value::same(before, after) != Some(true),
            (None, None) => false,
            _ => true,
        }
    }
}

/// One mutating call with its place in the order.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Operation {
    /// The instance.
    pub address: Address,
    /// For an object set aside (or the old one of a replacement that creates first): its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposed: Option<String>,
    /// Index of the change in [`Plan::changes`].
    pub change: usize,
    /// Part of the change.
    pub purpose: Purpose,
    /// Which of the change's calls for that purpose this is, from 0, and how many there are.
    pub step: (u32, u32),
    /// The action.
    pub action: Action,
    /// Parameters but for the token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<OperationParameter>,
    /// What it excludes.
    pub lane: Lane,
    /// When it is done.
    pub wanted: Wanted,
    /// Attributes that it makes known or changes.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub makes: Arc<[Name]>,
    /// Indices of the operations that must be settled (deletes: gone) before it is sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<usize>,
    /// Indices of [`Plan::groups`] whose operations all must be settled before it is sent. Only large
    /// `depends_on` relations end up here: `after` would need as many entries as both sides multiplied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<usize>,
    /// Time limit in seconds for sending and settling.
    pub timeout: u64,
}

/// What an operation does for its change.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Makes the object.
    Create,
    /// Changes it.
    Update,
    /// Deletes it.
    Delete,
}

/// A parameter of an operation.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct OperationParameter {
    /// Name on the wire.
    pub name: Name,
    /// Value as sent, or an unknown value.
    pub value: Value,
    /// The attribute that it comes from.
    pub attribute: Name,
}

/// What is false is left out of a saved plan.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A block without time limits is saved without any.
fn is_empty(limits: &BTreeMap<String, u64>) -> bool {
    limits.is_empty()
}
