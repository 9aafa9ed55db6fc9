//! The saved plan: a file that holds all that applying it needs, so that what was reviewed is what is
//! applied. It reads no configuration again.
//!
//! Sensitive values are in it in clear (apply needs them): it is written for its owner only, and must
//! be kept as safe as the state. Its form is told in `file`.

mod file;
mod sharing;

pub use file::{NewFile, decode, encode, read, write};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Plan;
use super::planner::{PlanOptions, ProviderContext};
use super::prior::describe;
use super::program::FileRecord;
use crate::diagnostic::Diagnostic;
use crate::environment::Timestamp;
use crate::state::{HistoryEntry, HistoryKind, Snapshot};
use crate::value::{Name, Value};

/// Version of the file's form.
pub const VERSION: u64 = 2;

/// A plan with all that applying it needs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SavedPlan {
    /// The plan.
    pub plan: Plan,
    /// With what it was made.
    pub options: PlanOptions,
    /// The configuration files by path relative to the configuration's directory.
    pub files: BTreeMap<PathBuf, Arc<str>>,
    /// The configuration's directory, for messages.
    pub directory: PathBuf,
    /// What functions read of other files (`file`, `templatefile`).
    pub function_files: FileRecord,
    /// When it was made, as `plantimestamp` says.
    pub plan_time: Timestamp,
    /// Values of the root module's variables.
    pub variables: BTreeMap<Name, Value>,
    /// Which variables were given on the command line or in files, rather than by default.
    pub given: Vec<Name>,
    /// The service and region of each provider by alias.
    pub providers: BTreeMap<Name, ProviderContext>,
    /// What was foreseen when it was made.
    #[serde(default)]
    pub forecast: Option<super::document::Forecast>,
}

/// Why a file is not a plan that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedPlanError {
    /// It is something else.
    #[error("it is not a saved plan of natform")]
    NotAPlan,
    /// It was written by a newer natform.
    #[error("it has version {found}; this natform knows version {VERSION}")]
    Newer {
        /// Its version.
        found: u64,
    },
    /// It was written by an older natform.
    #[error("it has version {found}, of an older natform; this one knows version {VERSION}")]
    Older {
        /// Its version.
        found: u64,
    },
    /// It cannot be read.
    #[error("{why}")]
    Unreadable {
        /// What the system says.
        why: String,
    },
    /// It was written by another natform, in another form.
    #[error("it was made by natform {natform}; this is {}", env!("CARGO_PKG_VERSION"))]
    OtherVersion {
        /// The version that made it.
        natform: String,
    },
    /// It was changed or cut off.
    #[error("it is damaged: {why}")]
    Damaged {
        /// What is wrong.
        why: String,
    },
}

/// A saved plan as it was read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The plan.
    pub saved: SavedPlan,
    /// SHA-256 of its body, hex: what identifies it.
    pub digest: String,
    /// Version of the natform that wrote it.
    pub natform: String,
}

/// How many addresses a message names.
const NAMED: usize = 20;

fn refusal(summary: &str, detail: String) -> Diagnostic {
    Diagnostic::error("stale-plan", summary).detail(detail).help("make a new plan and review it")
}

/// Tells why a saved plan cannot be applied to this state and these services, if it cannot, whatever
/// became of the state since.
pub fn foreign(
    loaded: &Loaded,
    snapshot: &Snapshot,
    providers: &BTreeMap<Name, ProviderContext>,
) -> Option<Diagnostic> {
    let plan = &loaded.saved.plan;
    if plan.errored {
        return Some(
            Diagnostic::error("errored-plan", "the saved plan has errors and cannot be applied")
                .help("mend what `natform show` of it reports, and make a new plan"),
        );
    }
    // A state that was never written has no lineage yet; its first serial is 0.
    if !plan.lineage.is_empty() && plan.lineage != snapshot.lineage {
        let present = match snapshot.lineage.as_str() {
            "" => String::from("nothing was written to this one yet"),
            lineage => format!("this one has `{lineage}`"),
        };
        let directory = loaded.saved.directory.display();
        return Some(
            refusal(
                "the saved plan was made from another state",
                format!("It was made from the lineage `{}`; {present}.", plan.lineage),
            )
            .help(format!(
                "it was made in `{directory}`: apply it there (`-C`), or make a new plan here"
            )),
        );
    }
    for (alias, before) in &loaded.saved.providers {
        let now = providers.get(alias);
        if now.is_some_and(|now| now.service != before.service || now.region != before.region) {
            let name = if alias.is_empty() {
                "The provider".to_owned()
            } else {
                format!("The provider `{alias}`")
            };
            let place = |context: &ProviderContext| {
                format!("{} in `{}`", describe(&context.service), context.region)
            };
            return Some(refusal(
                "the saved plan was made against another service",
                format!(
                    "{name} led to {} then, and to {} now.",
                    place(before),
                    now.map(place).unwrap_or_default()
                ),
            ));
        }
    }
    None
}

/// Tells that a plan which was made before there was a state would be applied where another
/// configuration is, or none: nothing but the directory says whose state it is to begin, and made
/// there and here its objects would be made twice. `here` are the files of the directory `now`.
pub fn astray(
    saved: &SavedPlan,
    now: &Path,
    here: &BTreeMap<PathBuf, Arc<str>>,
) -> Option<Diagnostic> {
    let begins = saved.plan.lineage.is_empty();
    if !begins || saved.directory == now || (!here.is_empty() && saved.files == *here) {
        return None;
    }
    let directory = saved.directory.display();
    let what = if here.is_empty() { "no configuration" } else { "another configuration" };
    Some(
        Diagnostic::error("stale-plan", "the saved plan was made in another directory")
            .detail(format!(
                "It begins a state in `{directory}`. There is {what} in `{}`.",
                now.display()
            ))
            .help(format!("apply it there with `-C {directory}`, or make a new plan here")),
    )
}

/// Says that another natform made a plan, if one did: only the same one does what was reviewed.
pub fn other_version(loaded: &Loaded) -> Option<Diagnostic> {
    let (theirs, ours) = (&loaded.natform, env!("CARGO_PKG_VERSION"));
    (theirs != ours).then(|| {
        refusal(
            "the saved plan was made by another version of natform",
            format!("It was made by {theirs}, this is {ours}."),
        )
    })
}

/// Tells what changed in the state since a saved plan was made from it, if something did. `history`
/// has the serials since, newest first.
pub fn stale(plan: &Plan, serial: u64, history: &[HistoryEntry]) -> Option<Diagnostic> {
    if plan.serial == serial {
        return None;
    }
    let mut detail = format!("It was made from serial {}; the state has {serial}.", plan.serial);
    if serial < plan.serial {
        detail.push_str(" An older copy of the state was put in its place.");
        return Some(refusal("the state is older than the saved plan", detail));
    }
    let mut named = 0;
    let mut more = 0;
    for entry in history.iter().rev().filter(|entry| entry.serial > plan.serial) {
        if named >= NAMED {
            more += entry.changes.len();
            continue;
        }
        detail.push_str(&format!("\n  serial {}, {}", entry.serial, entry.at.iso8601()));
        if let Some(run) = &entry.run {
            detail.push_str(&format!(": `{}` by {} (run {})", run.command, run.who, run.id));
        }
        for change in &entry.changes {
            named += 1;
            if named > NAMED {
                more += 1;
                continue;
            }
            let symbol = match change.kind {
                HistoryKind::Create | HistoryKind::MoveTo => "+",
                HistoryKind::Update => "~",
                HistoryKind::Delete | HistoryKind::MoveFrom => "-",
            };
            let aside =
                change.deposed.as_ref().map_or(String::new(), |key| format!(" (deposed {key})"));
            detail.push_str(&format!("\n    {symbol} {}{aside}", change.address));
        }
        for output in &entry.outputs {
            detail.push_str(&format!("\n    ~ output.{output}"));
        }
    }
    if more > 0 {
        detail.push_str(&format!("\n    and {more} more; `natform state history` lists all"));
    }
    Some(refusal("the state has changed since the plan was made", detail))
}

/// Returns the configuration files that are not as they were when the plan was made, each with what
/// became of it; none where there is no configuration.
pub fn differing_files(
    saved: &SavedPlan,
    present: &BTreeMap<PathBuf, Arc<str>>,
) -> Vec<(PathBuf, &'static str)> {
    if present.is_empty() {
        return Vec::new();
    }
    let changed = saved.files.iter().filter_map(|(path, text)| match present.get(path) {
        None => Some((path.clone(), "is gone")),
        Some(now) if now != text => Some((path.clone(), "was changed")),
        Some(_) => None,
    });
    let new = present.keys().filter(|path| !saved.files.contains_key(*path));
    let mut differing: Vec<_> = changed.chain(new.map(|path| (path.clone(), "is new"))).collect();
    differing.sort();
    differing
}
