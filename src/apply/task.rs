//! One operation under way, of this run or of an earlier one, and what it becomes in the state.

use std::time::Duration;

use crate::api::call::Call;
use crate::api::error::ApiError;
use crate::environment::Timestamp;
use crate::plan::Purpose;
use crate::resources::{self, Object, ReadScope, ResourceType, Wanted};
use crate::state::{Instance, JournalEntry, Status};

use super::event::{OperationName, Recovery};
use super::settle::Key;

/// Where an operation under way stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// What has its natural key already is being read, before the intent.
    Noting,
    /// Its call is in flight.
    Sending,
    /// It waits to be sent again.
    Pausing,
    /// What became of its call is being looked up.
    Looking(Why),
    /// Its call was accepted.
    Settling,
}

/// Why it is looked up what became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It was answered busy: the object may be gone.
    Busy,
    /// It may have had its effect, and the action takes no token.
    Unsure,
    /// It was refused, after another send under its token that may have had its effect.
    Refused,
    /// Its time is over.
    TimedOut,
    /// The run was interrupted before it was accepted.
    Interrupted,
    /// An earlier run ended before it learned the answer.
    Recovery,
}

/// An operation under way.
pub(super) struct Task {
    /// Its index in the plan; none for one of an earlier run.
    pub(super) operation: Option<usize>,
    pub(super) stage: Stage,
    pub(super) kind: &'static dyn ResourceType,
    pub(super) name: OperationName,
    /// Its row in the journal; `id` is 0 before it is written.
    pub(super) entry: JournalEntry,
    pub(super) wanted: Wanted,
    /// The object as far as it is known: the recorded one, what is planned, what answers gave.
    pub(super) recorded: Object,
    pub(super) started: Timestamp,
    pub(super) deadline: Timestamp,
    /// How often its call was sent.
    pub(super) sends: u32,
    /// How often in a row it could not be sent at all.
    pub(super) unsent: u32,
    /// Whether a send under its token got no definite answer.
    pub(super) unsure: bool,
    /// Whether it was made sure since the last send that it had no effect.
    pub(super) looked: bool,
    /// When the last answer came, or failed to come.
    pub(super) answered: Timestamp,
    pub(super) last_error: Option<ApiError>,
    /// The list that will show what its call makes, while that is in flight.
    pub(super) makes_in: Option<Key>,
    /// What it waits for, for messages.
    pub(super) waiting: String,
    /// How long a create waits before it looks again whether what is being deleted is gone.
    pub(super) leaving: Duration,
    /// Whether what it waits for could not be read when that was last tried.
    pub(super) unread: bool,
    /// The step of a conversion that was last told of.
    pub(super) conversion: String,
    /// How often lists were read to find out what became of its call.
    pub(super) looks: u32,
    /// For one of an earlier run: what was found out of it, and why.
    pub(super) found: Option<(Recovery, String)>,
}

impl Task {
    /// Creates one that begins now and has until `deadline`.
    pub(super) fn new(
        kind: &'static dyn ResourceType,
        name: OperationName,
        entry: JournalEntry,
        wanted: Wanted,
        recorded: Object,
        (now, deadline): (Timestamp, Timestamp),
    ) -> Self {
        Self {
            operation: None,
            stage: Stage::Pausing,
            kind,
            name,
            entry,
            wanted,
            recorded,
            started: now,
            deadline,
            sends: 0,
            unsent: 0,
            unsure: false,
            looked: false,
            answered: now,
            last_error: None,
            makes_in: None,
            waiting: String::from("it was not sent yet"),
            leaving: Duration::ZERO,
            unread: false,
            conversion: String::new(),
            looks: 0,
            found: None,
        }
    }

    /// Returns what the operation does.
    pub(super) const fn purpose(&self) -> Purpose {
        self.name.purpose
    }

    /// Returns the call, with the token where the action honours one.
    pub(super) fn call(&self, takes_token: bool) -> Call {
        let call = Call { action: self.entry.action, parameters: self.entry.parameters.clone() };
        if takes_token { call.with_token(self.entry.token.as_str()) } else { call }
    }

    /// Returns the object's id, if it is known.
    pub(super) fn id(&self) -> &str {
        self.entry.object_id.as_deref().unwrap_or_default()
    }

    /// Returns how long it has been under way.
    pub(super) fn elapsed(&self, now: Timestamp) -> Duration {
        now.since(self.started)
    }

    /// Returns the lists in which the object is found or will be found.
    pub(super) fn scopes(&self) -> Vec<ReadScope> {
        self.kind.scopes(&self.entry.region, &self.recorded)
    }

    /// Puts the object's id into everything that names it.
    pub(super) fn know_id(&mut self, id: &str) {
        self.entry.object_id = Some(id.to_owned());
        self.recorded.set("id", crate::value::Value::from(id));
        match &mut self.wanted {
            Wanted::Present { id: known, scope, .. } | Wanted::Gone { id: known, scope } => {
                *known = Some(id.to_owned());
                if scope.is_none() {
                    *scope = self.kind.scopes(&self.entry.region, &self.recorded).pop();
                }
            }
            Wanted::Answered => {}
        }
    }

    /// Returns the instance as the state shall record it.
    pub(super) fn instance(&self, object: &Object, status: Status) -> Instance {
        instance(&self.entry, object, status)
    }
}

/// Returns the instance that a journal entry is about.
pub(super) fn instance(entry: &JournalEntry, object: &Object, status: Status) -> Instance {
    Instance {
        address: entry.address.clone(),
        deposed: entry.deposed.clone(),
        id: entry.object_id.clone().unwrap_or_default(),
        status,
        object: known(object),
        dependencies: entry.dependencies.clone(),
        provider: entry.provider.clone(),
        region: entry.region.clone(),
        service: entry.service.clone(),
        schema_version: resources::lookup(entry.address.kind())
            .map_or(0, |kind| kind.schema().version),
        create_before_destroy: entry.create_before_destroy,
        prevent_destroy: entry.prevent_destroy,
    }
}

/// Returns an object without what is unknown: only what is known is recorded.
pub(super) fn known(object: &Object) -> Object {
    object
        .iter()
        .filter(|(_, value)| !value.deep_unknown())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
