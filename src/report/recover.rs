//! Unfinished operations of earlier runs: the public model of `recover -json`, and its text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::paint::Paint;
use crate::state::Phase;

/// Version of this model: a minor step adds fields, a major one breaks readers.
pub const FORMAT_VERSION: &str = "1.0";

/// What is unfinished, and what recovery does with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecoveryDocument {
    /// [`FORMAT_VERSION`].
    pub format_version: String,
    /// Version of the natform that printed it.
    pub natform_version: String,
    /// Whether nothing was done, but only told what would be.
    pub dry_run: bool,
    /// Lineage of the state; empty for one that was never written.
    pub lineage: String,
    /// Serial of the state, after the recovery.
    pub serial: u64,
    /// The operations that were unfinished, in the order in which they were begun.
    pub operations: Vec<RecoveryOperation>,
    /// How many are unfinished afterwards.
    pub unfinished: usize,
    /// Warnings and errors.
    pub diagnostics: Vec<Json>,
}

/// An operation that was unfinished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecoveryOperation {
    /// The instance.
    pub address: String,
    /// For an object set aside: under which key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposed: Option<String>,
    /// The action, by its name on the wire.
    pub action: String,
    /// How far it got: before the recovery in a dry run, else after it.
    pub phase: Phase,
    /// The run that began it.
    pub run: String,
    /// When it was begun, ISO 8601 in UTC.
    pub intended_at: String,
    /// When its phase changed last, ISO 8601 in UTC.
    pub updated_at: String,
    /// The object's id, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What recovery does: `wait`, `send_again`, `look_for`, `compare` or `leave_to_user`.
    pub intention: String,
    /// The same with its reason, as a sentence without a full stop.
    pub why: String,
    /// What came of it: `settled`, `resent`, `adopted`, `done`, `abandoned`, `stuck` or `open`;
    /// absent in a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// What was found out, as a sentence without a full stop; absent in a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The objects that it may have made; of those that are looked for or left to the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<CandidateDocument>,
}

/// An object that an operation may have made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateDocument {
    /// The service's id.
    pub id: String,
    /// Its name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When the service says that it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Attributes in which the candidates are not alike, with this one's values.
    pub differs: BTreeMap<String, String>,
    /// What is not as the operation asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlike: Vec<UnlikeDocument>,
}

/// An attribute that is not as an operation asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlikeDocument {
    /// The attribute.
    pub attribute: String,
    /// As it is.
    pub live: String,
    /// As it was asked for.
    pub asked: String,
}

/// Renders what recovery would do.
pub fn dry_run(document: &RecoveryDocument, paint: Paint) -> String {
    if document.operations.is_empty() {
        return nothing(paint);
    }
    let mut out = format!("{}\n\n", paint.bold(&unfinished(document.operations.len())));
    for operation in &document.operations {
        out.push_str(&format!(
            "  {}{}: {}, {} since {}\n    {}\n",
            paint.bold(&operation.address),
            aside(operation),
            operation.action,
            phase(operation.phase),
            operation.intended_at,
            capital(&operation.why)
        ));
        out.push_str(&candidates(operation));
        out.push('\n');
    }
    out
}

/// Renders what is left for the user to decide, and the verdict.
pub fn verdict(document: &RecoveryDocument, paint: Paint) -> String {
    if document.operations.is_empty() {
        return nothing(paint);
    }
    let mut out = String::new();
    for operation in document.operations.iter().filter(|o| o.phase == Phase::Stuck) {
        out.push_str(&format!(
            "\n  {}{}: {} of {} needs your decision\n",
            paint.bold(&operation.address),
            aside(operation),
            operation.action,
            operation.intended_at
        ));
        out.push_str(&candidates(operation));
    }
    let total = document.operations.len();
    let text = if document.unfinished == 0 {
        let plural = if total == 1 { "operation is" } else { "operations are" };
        paint.green(&format!("Recovery complete! {total} {plural} finished."))
    } else {
        paint.red(&format!("{} of {total} operations stay unfinished.", document.unfinished))
    };
    out.push_str(&format!("\n{text}\n"));
    out
}

fn nothing(paint: Paint) -> String {
    format!("{}\n", paint.green("Nothing is unfinished."))
}

fn unfinished(count: usize) -> String {
    if count == 1 {
        "1 operation of an earlier run is unfinished. Recovery would do this:".to_owned()
    } else {
        format!("{count} operations of earlier runs are unfinished. Recovery would do this:")
    }
}

fn told_as_unlike(candidate: &CandidateDocument, name: &str) -> bool {
    candidate.unlike.iter().any(|unlike| unlike.attribute == name)
}

fn candidates(operation: &RecoveryOperation) -> String {
    let mut out = String::new();
    for candidate in &operation.candidates {
        let mut told = Vec::new();
        told.extend(candidate.name.as_ref().map(|name| format!("named `{name}`")));
        told.extend(candidate.created.as_ref().map(|created| format!("created {created}")));
        let known = ["name", "creation_time"];
        let differing =
            candidate.differs.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        // Lists and objects are in the JSON document; what tells is told shortly.
        let differing = differing
            .filter(|(name, value)| !value.contains('\n') && !told_as_unlike(candidate, name));
        told.extend(differing.map(|(name, value)| format!("{name} = {value}")));
        told.extend(candidate.unlike.iter().map(|unlike| {
            format!("{} is {}, not {} as asked for", unlike.attribute, unlike.live, unlike.asked)
        }));
        let told = if told.is_empty() { String::new() } else { format!(" {}", told.join(", ")) };
        out.push_str(&format!("      {}{told}\n", candidate.id));
    }
    if operation.phase == Phase::Stuck {
        let address = &operation.address;
        out.push_str(&format!(
            "    Decide with `natform recover -adopt '{address}=ID'`, `-abandon '{address}'` or \
             `-retry '{address}'`.\n"
        ));
    }
    out
}

fn aside(operation: &RecoveryOperation) -> String {
    operation.deposed.as_ref().map_or(String::new(), |key| format!(" (deposed {key})"))
}

const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Acknowledged => "accepted, and waited for",
        Phase::Stuck => "stuck",
        _ => "unanswered",
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or(String::new(), |first| format!("{}{}.", first.to_uppercase(), characters.as_str()))
}
