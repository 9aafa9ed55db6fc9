//! How an emulator is set up: edition, timings, accounts and where its world is kept.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::api::catalogue::Edition;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::emulator::document;
use crate::emulator::faults::{RateLimit, Rule};
use crate::emulator::world::dump::Dump;
use crate::environment::{Files, Timestamp};

/// How long things take, in milliseconds. None, for a transition, stands for "until told to settle".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timings {
    /// A gateway is Creating.
    pub gateway_create_ms: Option<u64>,
    /// A gateway is Modifying.
    pub gateway_modify_ms: Option<u64>,
    /// A gateway is Deleting.
    pub gateway_delete_ms: Option<u64>,
    /// A gateway is Converting, all steps together.
    pub gateway_convert_ms: Option<u64>,
    /// A DNAT entry is being created.
    pub forward_entry_create_ms: Option<u64>,
    /// A DNAT entry is being modified.
    pub forward_entry_modify_ms: Option<u64>,
    /// A DNAT entry is Deleting.
    pub forward_entry_delete_ms: Option<u64>,
    /// An SNAT entry is being created.
    pub snat_entry_create_ms: Option<u64>,
    /// An SNAT entry is being modified.
    pub snat_entry_modify_ms: Option<u64>,
    /// An SNAT entry is Deleting.
    pub snat_entry_delete_ms: Option<u64>,
    /// A bandwidth package is being created, changed or deleted. The reference calls none of
    /// these asynchronous, so every profile but `manual` has 0.
    pub bandwidth_package_ms: Option<u64>,
    /// How long a `ClientToken` is remembered.
    pub token_lifetime_ms: u64,
    /// By how much lists lag behind writes.
    pub read_lag_ms: u64,
}

impl Default for Timings {
    fn default() -> Self {
        Self { bandwidth_package_ms: Some(0), ..Self::all(Some(1000)) }
    }
}

impl Timings {
    /// The names of the profiles.
    pub const NAMES: [&str; 4] = ["default", "instant", "documented", "manual"];

    fn all(ms: Option<u64>) -> Self {
        Self {
            gateway_create_ms: ms,
            gateway_modify_ms: ms,
            gateway_delete_ms: ms,
            gateway_convert_ms: ms,
            forward_entry_create_ms: ms,
            forward_entry_modify_ms: ms,
            forward_entry_delete_ms: ms,
            snat_entry_create_ms: ms,
            snat_entry_modify_ms: ms,
            snat_entry_delete_ms: ms,
            bandwidth_package_ms: ms,
            token_lifetime_ms: 24 * 60 * 60 * 1000,
            read_lag_ms: 0,
        }
    }

    /// Everything is done when the next request comes.
    pub fn instant() -> Self {
        Self::all(Some(0))
    }

    /// As slow as the reference says: creation up to 3 minutes (120 s here), a conversion up to 5.
    /// What the reference gives no figure for takes 5 s an entry and 30 s a gateway.
    pub fn documented() -> Self {
        Self {
            gateway_create_ms: Some(120_000),
            gateway_modify_ms: Some(30_000),
            gateway_delete_ms: Some(30_000),
            gateway_convert_ms: Some(300_000),
            bandwidth_package_ms: Some(0),
            ..Self::all(Some(5_000))
        }
    }

    /// Nothing settles before it is told to.
    pub fn manual() -> Self {
        Self::all(None)
    }

    /// Returns the profile of that name (one of [`Timings::NAMES`]), or reads a JSON file.
    pub fn named(name: &str, files: &dyn Files) -> Result<Self, Diagnostics> {
        match name {
            "default" => Ok(Self::default()),
            "instant" => Ok(Self::instant()),
            "documented" => Ok(Self::documented()),
            "manual" => Ok(Self::manual()),
            path => read_json(Path::new(path), "emulator-timings", files),
        }
    }
}

/// Reads a JSON file into `T`; `code` is the diagnostic's when it cannot.
pub fn read_json<T: serde::de::DeserializeOwned>(
    path: &Path,
    code: &'static str,
    files: &dyn Files,
) -> Result<T, Diagnostics> {
    let bytes = files
        .read(path)
        .map_err(|e| Diagnostic::error(code, format!("cannot read `{}`: {e}", path.display())))?;
    document::read(&bytes).map_err(|problem| {
        let summary = format!("`{}` is not what the emulator expects", path.display());
        Diagnostic::error(code, summary).detail(problem.to_string()).into()
    })
}

/// A key that may call the emulator. All keys belong to one account and see the same world.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// `AccessKey` id.
    pub access_key_id: String,
    /// `AccessKey` secret.
    pub access_key_secret: String,
    /// The security token that must come with it, for a temporary (STS) key.
    #[serde(default)]
    pub security_token: Option<String>,
    /// When the security token ends.
    #[serde(default)]
    pub token_expires: Option<Timestamp>,
    /// Whether the key is disabled.
    #[serde(default)]
    pub disabled: bool,
    /// Names of actions that the key may not call.
    #[serde(default)]
    pub denied_actions: BTreeSet<String>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("access_key_id", &self.access_key_id)
            .field("disabled", &self.disabled)
            .field("denied_actions", &self.denied_actions)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Creates a permanent key that may call everything.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            access_key_id: id.into(),
            access_key_secret: secret.into(),
            security_token: None,
            token_expires: None,
            disabled: false,
            denied_actions: BTreeSet::new(),
        }
    }

    /// Reads `ID:SECRET`, as a command line names a key.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.split_once(':')?;
        (!id.is_empty() && !secret.is_empty()).then(|| Self::new(id, secret))
    }

    /// The reference's own key: `testid` with the secret `testsecret`.
    pub fn built_in() -> Self {
        Self::new("testid", "testsecret")
    }
}

/// How an emulator is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Edition spoken.
    pub edition: Edition,
    /// How long transitions take.
    pub timings: Timings,
    /// Keys that may call.
    pub accounts: Vec<Account>,
    /// File in which the world is kept; none keeps it in memory.
    pub data: Option<PathBuf>,
    /// Seed of a new world's ids; none takes the time at which the world is made.
    pub seed: Option<u64>,
    /// The world to start with, in place of the built-in one. Used when there is none at `data`.
    pub start: Option<Dump>,
    /// How many calls are kept for `/_natform/calls`; older ones are forgotten.
    pub recorded_calls: usize,
    /// Faults to inject.
    pub faults: Vec<Rule>,
    /// Request rates that are allowed.
    pub limits: Vec<RateLimit>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            edition: Edition::default(),
            timings: Timings::default(),
            accounts: vec![Account::built_in()],
            data: None,
            seed: None,
            start: None,
            recorded_calls: 10_000,
            faults: Vec::new(),
            limits: Vec::new(),
        }
    }
}
