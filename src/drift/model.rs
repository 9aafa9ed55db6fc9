//! The public JSON model of a drift scan.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Version of this model: a minor step adds fields, a major one breaks readers.
pub const FORMAT_VERSION: &str = "1.1";

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftReport {
    /// [`FORMAT_VERSION`].
    pub format_version: String,
    /// Version of the natform that scanned.
    pub natform_version: String,
    /// The verdict.
    pub status: DriftStatus,
    /// How much of what lives is managed.
    pub coverage: Coverage,
    /// Recorded objects that are no longer as recorded, by address.
    pub changed: Vec<ChangedObject>,
    /// Recorded objects that no longer exist, by address.
    pub missing: Vec<MissingObject>,
    /// Live objects that the state does not own, by type and id.
    pub unmanaged: Vec<UnmanagedObject>,
    /// What could not be read: the scan failed.
    pub failures: Vec<FailedList>,
    /// What became of each expectation of drift, in the order of their file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<ExpectationUse>,
}

/// The verdict of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftStatus {
    /// All is as recorded, or as expected.
    InSync,
    /// Something is not.
    Drifted,
    /// Not everything could be read, so that nothing can be said of the whole.
    Failed,
}

/// How much of what lives is managed, and how many objects are how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// Recorded objects.
    pub recorded: usize,
    /// Of them, as recorded.
    pub in_sync: usize,
    /// Of them, changed.
    pub changed: usize,
    /// Of them, missing.
    pub missing: usize,
    /// Of them, not read.
    pub unread: usize,
    /// Live objects that the state does not own, in the lists that were read.
    pub unmanaged: usize,
    /// Findings that are expected; they are counted above too.
    pub expected: usize,
    /// Live managed objects in percent of all live objects, rounded down; 100 where nothing lives.
    pub percent: u8,
}

/// Why a finding does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Why it is expected.
    pub reason: String,
    /// The last day on which it is, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// What became of an expectation of drift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectationUse {
    /// Its place in the file, from 1.
    pub entry: usize,
    /// The module, resource or instance that it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The id of the object that it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why it is expected.
    pub reason: String,
    /// The last day on which it is, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// What became of it.
    pub status: ExpectationStatus,
    /// How many findings it is of.
    pub findings: usize,
}

/// What became of an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpectationStatus {
    /// Findings are as it says.
    Met,
    /// Nothing that it expects has drifted: it may be taken out of the file.
    Unused,
    /// Its last day is over: what it expects counts again.
    Expired,
}

/// An object that is no longer as recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangedObject {
    /// Names the finding: the same drift has the same name in every scan.
    pub finding: String,
    /// The instance.
    pub address: String,
    /// Resource type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The service's id.
    pub id: String,
    /// What differs.
    pub attributes: Vec<AttributeDrift>,
    /// Why it does not count, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
}

/// One attribute that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttributeDrift {
    /// Its name.
    pub name: String,
    /// As recorded; masked if sensitive.
    pub recorded: Json,
    /// As it is; masked if sensitive.
    pub live: Json,
    /// Whether it is sensitive.
    pub sensitive: bool,
}

/// A recorded object that no longer exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingObject {
    /// Names the finding.
    pub finding: String,
    /// The instance.
    pub address: String,
    /// Resource type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The service's id.
    pub id: String,
    /// Why it does not count, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
}

/// A live object that the state does not own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnmanagedObject {
    /// Names the finding.
    pub finding: String,
    /// Resource type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The service's id.
    pub id: String,
    /// Region.
    pub region: String,
    /// Whether it lies within something that is managed: an entry of a known table, a package of a
    /// recorded gateway. Only then it is drift; somebody else's gateway is not.
    pub within_managed: bool,
    /// The id by which it can be imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import_id: Option<String>,
    /// Its attributes.
    pub attributes: Json,
    /// Why it does not count, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
}

/// A list that could not be read, or another reason for which the scan failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedList {
    /// What, such as: the entries of DNAT table `ftb-…`.
    pub what: String,
    /// Why.
    pub why: String,
}

impl DriftReport {
    /// Returns whether something drifted that nobody expects.
    pub fn has_drift(&self) -> bool {
        self.changed.iter().any(|c| c.expected.is_none())
            || self.missing.iter().any(|m| m.expected.is_none())
            || self.unmanaged.iter().any(|u| u.within_managed && u.expected.is_none())
    }
}
