//! The saved plan: a file that holds all that applying it needs, so that what was reviewed is what is
//! applied. It reads no configuration again.
//!
//! The first line is a header in JSON with the digest of the rest, which is the body in JSON. Sensitive
//! values are in it in clear (apply needs them): it is written for its owner only, and must be kept as
//! safe as the state.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Plan;
use super::digest::sha256_hex;
use super::planner::{PlanOptions, ProviderContext};
use super::program::FileRecord;
use crate::diagnostic::Diagnostic;
use crate::environment::Timestamp;
use crate::state::Snapshot;
use crate::value::{Name, Value};

/// Version of the file's form.
pub const VERSION: u64 = 1;

/// What the header calls the file.
const FORMAT: &str = "natform-plan";

/// A plan with all that applying it needs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SavedPlan {
    /// The plan.
    pub plan: Plan,
    /// With what it was made.
    pub options: PlanOptions,
    /// The configuration files by path relative to the configuration's directory.
    pub files: BTreeMap<PathBuf, String>,
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
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: String,
    version: u64,
    natform: String,
    sha256: String,
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

/// Returns the file's contents and the plan's digest. The same plan gives the same bytes.
pub fn encode(saved: &SavedPlan) -> Result<(Vec<u8>, String), serde_json::Error> {
    let body = serde_json::to_vec(saved)?;
    let digest = sha256_hex(&body);
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        natform: env!("CARGO_PKG_VERSION").to_owned(),
        sha256: digest.clone(),
    };
    let mut file = serde_json::to_vec(&header)?;
    file.push(b'\n');
    file.extend(body);
    file.push(b'\n');
    Ok((file, digest))
}

/// Reads a file's contents. Anything but an undamaged plan of a known version is an error.
pub fn decode(bytes: &[u8]) -> Result<Loaded, SavedPlanError> {
    let end = bytes.iter().position(|b| *b == b'\n').ok_or(SavedPlanError::NotAPlan)?;
    let (first, rest) = bytes.split_at(end);
    let header: serde_json::Value =
        serde_json::from_slice(first).map_err(|_| SavedPlanError::NotAPlan)?;
    if header.get("format").and_then(|f| f.as_str()) != Some(FORMAT) {
        return Err(SavedPlanError::NotAPlan);
    }
    let version = header.get("version").and_then(serde_json::Value::as_u64);
    match version {
        Some(VERSION) => {}
        Some(found) if found > VERSION => return Err(SavedPlanError::Newer { found }),
        _ => return Err(damaged("its header has no version")),
    }
    let header: Header =
        serde_json::from_value(header).map_err(|_| damaged("its header is incomplete"))?;
    let body = rest[1..].strip_suffix(b"\n").unwrap_or(&rest[1..]);
    let digest = sha256_hex(body);
    if digest != header.sha256 {
        return Err(damaged("its contents do not have the digest that its header names"));
    }
    let saved: SavedPlan = serde_json::from_slice(body)
        .map_err(|error| damaged(&format!("its contents cannot be read ({error})")))?;
    check(&saved.plan)?;
    Ok(Loaded { saved, digest, natform: header.natform })
}

/// Makes sure that indices lead somewhere, so that nothing that uses the plan has to.
fn check(plan: &Plan) -> Result<(), SavedPlanError> {
    let count = plan.operations.len();
    let sound = plan.operations.iter().enumerate().all(|(index, operation)| {
        operation.change < plan.changes.len()
            && operation.after.iter().all(|a| *a < index)
            && operation.groups.iter().all(|g| *g < plan.groups.len())
    }) && plan.groups.iter().flatten().all(|member| *member < count);
    if sound { Ok(()) } else { Err(damaged("its operations refer to others that it lacks")) }
}

fn damaged(why: &str) -> SavedPlanError {
    SavedPlanError::Damaged { why: why.to_owned() }
}

/// Writes the file so that only its owner can read it, whole or not at all.
pub fn store(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let moved = written.and_then(|()| std::fs::rename(&temporary, path));
    if moved.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    moved
}

/// Tells why a saved plan cannot be applied to the present state and services, if it cannot.
pub fn stale(
    loaded: &Loaded,
    snapshot: &Snapshot,
    providers: &BTreeMap<Name, ProviderContext>,
) -> Option<Diagnostic> {
    let plan = &loaded.saved.plan;
    let stale = |summary: &str, detail: String| {
        Diagnostic::error("stale-plan", summary)
            .detail(detail)
            .help("make a new plan and review it")
    };
    if loaded.natform != env!("CARGO_PKG_VERSION") {
        return Some(stale(
            "the saved plan was made by another version of natform",
            format!("It was made by {}, this is {}.", loaded.natform, env!("CARGO_PKG_VERSION")),
        ));
    }
    if plan.errored {
        return Some(
            Diagnostic::error("errored-plan", "the saved plan has errors and cannot be applied")
                .help("mend what `natform show` of it reports, and make a new plan"),
        );
    }
    if plan.lineage != snapshot.lineage {
        return Some(stale(
            "the saved plan was made from another state",
            format!(
                "Its state has the lineage `{}`, this one `{}`.",
                plan.lineage, snapshot.lineage
            ),
        ));
    }
    if plan.serial != snapshot.serial {
        return Some(stale(
            "the state has changed since the plan was made",
            format!("It was made from serial {}; the state has {}.", plan.serial, snapshot.serial),
        ));
    }
    for (alias, before) in &loaded.saved.providers {
        let now = providers.get(alias);
        if now.is_some_and(|now| now.service != before.service || now.region != before.region) {
            let name = if alias.is_empty() {
                "the provider".to_owned()
            } else {
                format!("provider `{alias}`")
            };
            return Some(stale(
                "the saved plan was made against another service",
                format!("{name} led elsewhere when the plan was made."),
            ));
        }
    }
    None
}
