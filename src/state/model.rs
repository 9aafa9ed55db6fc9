//! What a state holds, as plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::address::{Address, ResourceAddress};
use crate::api::catalogue::Action;
use crate::environment::Timestamp;
use crate::resources::Object;
use crate::value::{Name, Value};

/// Identifies a recorded object: its address and, for an old object that waits for its deletion
/// after a replacement, the key under which it was set aside.
pub type InstanceKey = (Address, Option<String>);

/// One consistent view of the state.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// UUID of the first write; a state without it is empty and was never written.
    pub lineage: String,
    /// Counts the changes.
    pub serial: u64,
    /// Recorded objects.
    pub instances: BTreeMap<InstanceKey, Instance>,
    /// Output values of the root module.
    pub outputs: BTreeMap<Name, Value>,
    /// Journal entries that are not closed.
    pub open: Vec<JournalEntry>,
    /// Who holds the lock, when the snapshot was taken while a run was under way.
    pub holder: Option<super::LockInfo>,
    /// What was written to a state whose file is not there any more, as a sentence.
    pub gone: Option<String>,
    /// Lessons about services: lane name prefix → learned behaviour, by service.
    pub lessons: BTreeMap<String, String>,
}

impl Snapshot {
    /// Returns whether recovery is still to find out what became of an operation on an instance. A
    /// difference of its object is natform's own then, not drift.
    pub fn is_in_doubt(&self, address: &Address) -> bool {
        self.open.iter().any(|entry| entry.phase != Phase::Stuck && entry.address == *address)
    }
}

/// One serial as the history shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The serial.
    pub serial: u64,
    /// When it was written.
    pub at: Timestamp,
    /// The run that wrote it.
    pub run: Option<RunRecord>,
    /// Objects that changed, in the order in which they were written.
    pub changes: Vec<HistoryChange>,
    /// Names of the outputs that changed.
    pub outputs: Vec<String>,
}

/// What a serial did with one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryChange {
    /// The instance.
    pub address: Address,
    /// For an object set aside: under which key.
    pub deposed: Option<String>,
    /// What happened.
    pub kind: HistoryKind,
    /// For an update: the names of what differs, sorted.
    pub attributes: Vec<String>,
}

/// What happened with a recorded object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryKind {
    /// It was recorded.
    Create,
    /// It was recorded with other values.
    Update,
    /// It was forgotten.
    Delete,
    /// It was moved away from this address.
    MoveFrom,
    /// It was moved to this address.
    MoveTo,
}

/// The service that an object lives in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Service {
    /// Alibaba Cloud.
    Real,
    /// An embedded world, by its id.
    Embedded(Name),
    /// A server, by its URL.
    Server(Name),
}

impl std::fmt::Display for Service {
    /// Writes `real`, `embedded:ID` or `server:URL`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Real => f.write_str("real"),
            Self::Embedded(id) => write!(f, "embedded:{id}"),
            Self::Server(url) => write!(f, "server:{url}"),
        }
    }
}

/// How far an object got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its last operation was settled.
    Ready,
    /// Its create was acknowledged, not yet settled.
    Creating,
    /// Its create never settled or failed: the next plan replaces it.
    Tainted,
}

/// A recorded object.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Its address.
    pub address: Address,
    /// For an object set aside: under which key.
    pub deposed: Option<String>,
    /// The service's id.
    pub id: String,
    /// How far it got.
    pub status: Status,
    /// Its attributes as last read or written; sensitive marks kept.
    pub object: Object,
    /// What it depends on directly.
    pub dependencies: Vec<ResourceAddress>,
    /// Alias of the provider that made it.
    pub provider: Name,
    /// Region.
    pub region: String,
    /// Service.
    pub service: Service,
    /// Version of the resource type's schema.
    pub schema_version: u32,
    /// Whether it is replaced by creating first.
    pub create_before_destroy: bool,
    /// Whether a plan must not delete it, also when its block is gone.
    pub prevent_destroy: bool,
}

impl JournalEntry {
    /// Returns whether it deletes the object.
    pub const fn deletes(&self) -> bool {
        self.planned.is_none()
    }
}

impl Phase {
    /// Returns whether nothing more can happen to an entry in this phase.
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Settled | Self::Rejected | Self::Abandoned)
    }
}

impl Instance {
    /// Returns its key in a snapshot.
    pub fn key(&self) -> InstanceKey {
        (self.address.clone(), self.deposed.clone())
    }
}

/// How far a journaled operation got (DESIGN: the journal).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Written before sending.
    Intended,
    /// A 2xx answer arrived.
    Acknowledged,
    /// The wanted state was read.
    Settled,
    /// Definitely refused.
    Rejected,
    /// Recovery made sure that it had no effect and nobody wants it any more.
    Abandoned,
    /// Recovery found several candidates: the user decides.
    Stuck,
}

/// One mutating call with all that recovery needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Number within the state; 0 before it is written.
    pub id: i64,
    /// The run.
    pub run: String,
    /// Index of the operation in the plan that the run applies.
    pub operation: Option<u32>,
    /// The instance.
    pub address: Address,
    /// For an object set aside: under which key.
    pub deposed: Option<String>,
    /// Whether it makes the object (rather than change or delete it).
    pub creates: bool,
    /// For the create of a replacement that creates first: the key under which the old object is
    /// set aside once the new one exists.
    pub sets_aside: Option<String>,
    /// The action.
    pub action: Action,
    /// All parameters but for the token, region included.
    pub parameters: BTreeMap<String, String>,
    /// The token; also there for actions that take none, as the entry's name in logs.
    pub token: String,
    /// SHA-256 of action and parameters, hex.
    pub digest: String,
    /// Lane, for messages.
    pub lane: String,
    /// The object as it shall be, encoded by the state's codec; `None` for a delete.
    pub planned: Option<String>,
    /// Which of the change's steps this is, and how many there are.
    pub step: (u32, u32),
    /// For a create: its natural key.
    pub natural_key: Option<String>,
    /// For a create: ids of the objects that had its natural key before.
    pub existing: Vec<String>,
    /// Provider alias, region and service.
    pub provider: Name,
    /// Region.
    pub region: String,
    /// Service.
    pub service: Service,
    /// What the instance depends on directly.
    pub dependencies: Vec<ResourceAddress>,
    /// Whether the instance is replaced by creating first.
    pub create_before_destroy: bool,
    /// Whether a plan must not delete the instance, also when its block is gone.
    pub prevent_destroy: bool,
    /// Whether a send may have had an effect that no answer told of.
    pub ambiguous: bool,
    /// How far it got.
    pub phase: Phase,
    /// The object's id, once known.
    pub object_id: Option<String>,
    /// The service's request id of the last answer.
    pub request_id: String,
    /// Code and message of a refusal, or why it was abandoned or is stuck.
    pub outcome: String,
    /// When the intent was written.
    pub intended_at: Timestamp,
    /// When the phase changed last.
    pub updated_at: Timestamp,
}

/// The command of a run that only finishes what earlier runs left open: those are not ended by it.
pub const RECOVER: &str = "recover";

/// A run as the history shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// UUID.
    pub id: String,
    /// Command, such as `apply`.
    pub command: String,
    /// Who: user@host.
    pub who: String,
    /// Digest of the saved plan, if one was applied.
    pub plan: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it is unfinished.
    pub ended_at: Option<Timestamp>,
}

/// One change of the state. A list of them is one transaction: all or none.
#[derive(Debug, Clone)]
pub enum Write {
    /// Records that a run begins.
    BeginRun(RunRecord),
    /// Records that a run has ended.
    EndRun {
        /// The run.
        id: String,
        /// When.
        at: Timestamp,
    },
    /// Adds a journal entry (its `id` is given by [`Store::commit`](super::Store::commit)).
    Intend(Box<JournalEntry>),
    /// Replaces a journal entry of the same id: a later phase, a new token, an ambiguous send.
    Journal(Box<JournalEntry>),
    /// Records an object.
    Put(Box<Instance>),
    /// Forgets an object.
    Remove(InstanceKey),
    /// Moves an object to another key.
    Move(InstanceKey, InstanceKey),
    /// Replaces all outputs.
    Outputs(BTreeMap<Name, Value>),
    /// Records a lesson about a service.
    Lesson(String, String),
}
