//! The public JSON model of a rehearsal. Text and Markdown are rendered from these structs.
//!
//! Times are seconds since the first call. Sensitive values are masked before they get here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::plan::PlanMode;
use crate::plan::Purpose;
use crate::plan::document::{ActionWord, Summary};

/// Version of this model: a minor step adds fields, a major one breaks readers.
pub const FORMAT_VERSION: &str = "1.0";

/// What a rehearsal came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// There is nothing to do.
    Nothing,
    /// The apply would succeed, and the plan after it would be empty.
    Succeeds,
    /// The apply would succeed, but the plan after it would not be empty.
    NotEmpty,
    /// The apply would fail.
    Fails,
    /// The plan is refused before the first call.
    Refused,
}

impl Verdict {
    /// Returns whether that is what people want.
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Nothing | Self::Succeeds)
    }
}

/// A rehearsal of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RehearsalDocument {
    /// [`FORMAT_VERSION`].
    pub format_version: String,
    /// Version of the natform that made it.
    pub natform_version: String,
    /// What it came to.
    pub verdict: Verdict,
    /// Whether the apply would succeed.
    pub succeeds: bool,
    /// What is planned.
    pub mode: PlanMode,
    /// SHA-256 of the saved plan file, hex; absent for a plan that was made for the rehearsal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Counts of the plan.
    pub summary: Summary,
    /// How long it takes, and what determines that.
    pub duration: Duration,
    /// Calls, refused ones included.
    pub calls: Calls,
    /// Operations in the order in which they began; those that did not begin last.
    pub operations: Vec<OperationDocument>,
    /// What failed.
    pub failures: Vec<Failure>,
    /// Traffic that stops, in the order in which it does.
    pub interruptions: Vec<Stop>,
    /// What finishing unfinished operations of earlier runs came to.
    pub recovered: Vec<Recovered>,
    /// What is planned afterwards; null where the apply failed or did not begin.
    pub afterwards: Option<Afterwards>,
    /// What had to be assumed.
    pub assumptions: Vec<AssumptionDocument>,
    /// Warnings and errors, as `diagnostic::json` renders them.
    pub diagnostics: Vec<Json>,
}

/// How long it takes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Duration {
    /// Seconds until the run ends.
    pub seconds: f64,
    /// What `plan` foresees; absent for a plan without operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreseen: Option<f64>,
    /// Places in `operations`, each of which waits for the one before it, and the last of which ends
    /// last.
    pub critical_path: Vec<usize>,
}

/// How many calls of each action.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Calls {
    /// Calls that change something.
    pub mutating: BTreeMap<String, u64>,
    /// Calls that read.
    pub reads: BTreeMap<String, u64>,
    /// Of all of them, those that the service refuses.
    pub refused: u64,
}

impl Calls {
    /// Returns how many calls change something.
    pub fn changing(&self) -> u64 {
        self.mutating.values().sum()
    }

    /// Returns how many calls read.
    pub fn reading(&self) -> u64 {
        self.reads.values().sum()
    }
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// It did not begin, since one that it waits for failed.
    NotBegun,
}

/// One call of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationDocument {
    /// Its number in the plan.
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
    /// How it ended.
    pub end: End,
    /// When it began; absent where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins: Option<f64>,
    /// How long it took, until it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// What failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// When.
    pub at: f64,
    /// The instance.
    pub address: String,
    /// The action, by its name on the wire.
    pub action: String,
    /// `file:line` of the block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Code of natform's diagnostic.
    pub diagnostic: String,
    /// What is wrong, without a full stop.
    pub summary: String,
    /// The service's refusal, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The rule of natform's that says the same once all is read, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
}

/// A rule that a plan must keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its stable code.
    pub code: String,
    /// What is wrong by it, without a full stop.
    pub summary: String,
}

/// A refusal by the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Code.
    pub code: String,
    /// Message.
    pub message: String,
}

/// Traffic that stops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stop {
    /// Which traffic: `203.0.113.7:443/tcp`, `192.168.1.0/24 outbound`, or the gateway all of whose
    /// traffic stops.
    pub traffic: String,
    /// The instance whose change stops it; absent for what natform does not manage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The service's id of what served it.
    pub id: String,
    /// The action that stops it.
    pub action: String,
    /// When it stops.
    pub begins: f64,
    /// When it flows again; absent where nothing in the plan lets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<f64>,
    /// For how many seconds; of an interruption that is `brief` in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Whether it does not last from `begins` to `ends`, but happens once or twice between them.
    pub brief: bool,
    /// The instance that serves it from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_by: Option<String>,
}

/// What became of an unfinished operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// The instance.
    pub address: String,
    /// The action, by its name on the wire.
    pub action: String,
    /// What became of it, as a sentence without a full stop.
    pub outcome: String,
}

/// What is planned once the plan was carried out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Afterwards {
    /// Whether that is nothing.
    pub empty: bool,
    /// What is still to be changed.
    pub changes: Vec<Remaining>,
    /// Addresses of objects that are not as they were recorded.
    pub drift: Vec<String>,
    /// Names of outputs that change.
    pub outputs: Vec<String>,
    /// Errors of that plan.
    pub errors: Vec<String>,
}

/// What is still to be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remaining {
    /// The instance.
    pub address: String,
    /// What would happen.
    pub actions: Vec<ActionWord>,
    /// Why, and which attributes differ.
    pub reasons: Vec<String>,
}

/// Something that had to be assumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssumptionDocument {
    /// Stable code.
    pub code: String,
    /// What is assumed, as a sentence without a full stop.
    pub sentence: String,
    /// Of what; empty where it is assumed in general.
    pub subjects: Vec<String>,
}
