//! What became of operations whose outcome an earlier run did not learn. Runs at the start of every
//! run that takes the lock, before anything is planned, and asks nobody.

use std::time::Duration;

use crate::address::Address;
use crate::diagnostic::Diagnostic;
use crate::environment::Timestamp;
use crate::plan::Purpose;
use crate::resources::{self, ChangeRequest, Object, ResourceType, Step, Wanted};
use crate::state::{JournalEntry, Phase, Write, codec};

use super::engine::{Engine, Timer};
use super::event::{ApplyEvent, OperationName, Recovery};
use super::task::{Stage, Task, Why, known};
use super::{ApplyContext, Outcome, Settings};

/// How long recovery waits for one operation.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// What the user decides of an operation that is stuck.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// It made the object with this id.
    Adopt(Address, String),
    /// It had no effect, or nobody wants it.
    Abandon(Address),
    /// It is to be found out again.
    Retry(Address),
}

impl Resolution {
    /// Returns the instance that it is about.
    pub const fn address(&self) -> &Address {
        match self {
            Self::Adopt(address, _) | Self::Abandon(address) | Self::Retry(address) => address,
        }
    }
}

/// What recovery will do with an open operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Intention {
    /// Wait until it is settled: it was accepted.
    Wait,
    /// Send it again with its token: the answer names what it made.
    SendAgain,
    /// Look for what it made, and take it over or abandon the operation.
    LookFor,
    /// Compare the object with what it was to become.
    Compare,
    /// Nothing: the user decides.
    LeaveToUser,
}

/// Returns what recovery will do with an open operation. `wanted` tells whether its instance still
/// wants the same parameters, `takes_token` whether its action honours a token.
pub fn intention(
    entry: &JournalEntry,
    now: Timestamp,
    settings: &Settings,
    wanted: bool,
    takes_token: bool,
) -> Intention {
    let young = now.since(entry.intended_at) < settings.token_age && now >= entry.intended_at;
    match entry.phase {
        Phase::Acknowledged => Intention::Wait,
        Phase::Stuck => Intention::LeaveToUser,
        _ if wanted && takes_token && young => Intention::SendAgain,
        _ if entry.creates => Intention::LookFor,
        _ => Intention::Compare,
    }
}

/// Finds out what became of all open operations. `wanted` tells whether the instance of an entry
/// still wants the same parameters; where that is not known, it says no.
pub async fn recover(
    context: ApplyContext<'_>,
    wanted: &dyn Fn(&JournalEntry) -> bool,
    resolutions: &[Resolution],
) -> Outcome {
    let snapshot = match context.store.snapshot() {
        Ok(snapshot) => snapshot,
        Err(error) => return Outcome { state_error: Some(error), ..Outcome::default() },
    };
    let open = snapshot.open.clone();
    let mut engine = Engine::new(context, snapshot);
    engine.refuse_unknown(resolutions, &open);
    if open.is_empty() {
        return engine.outcome;
    }
    let run = crate::state::RunRecord { plan: None, ..engine.context.run.clone() };
    engine.writes.push(Write::BeginRun(run));
    for entry in open {
        let resolution = resolutions.iter().find(|r| *r.address() == entry.address);
        engine.look_after(entry, wanted, resolution);
    }
    engine.run().await;
    engine.flush();
    engine.outcome
}

impl Engine<'_> {
    fn refuse_unknown(&mut self, resolutions: &[Resolution], open: &[JournalEntry]) {
        for resolution in resolutions {
            let address = resolution.address();
            if !open.iter().any(|entry| entry.address == *address) {
                self.outcome.failed += 1;
                self.complain(
                    Diagnostic::error(
                        "nothing-to-recover",
                        format!("no operation on `{address}` is unfinished"),
                    )
                    .help("`natform recover -dry-run` lists what is"),
                );
            }
        }
    }

    fn look_after(
        &mut self,
        mut entry: JournalEntry,
        wanted: &dyn Fn(&JournalEntry) -> bool,
        resolution: Option<&Resolution>,
    ) {
        let Some(kind) = resources::lookup(entry.address.kind()) else { return };
        let now = self.now();
        if entry.phase == Phase::Stuck && matches!(resolution, Some(Resolution::Retry(_))) {
            entry.phase = Phase::Intended;
        }
        let takes_token = self.context.service.takes_token(&entry.provider, entry.action);
        let intention = intention(&entry, now, &self.context.settings, wanted(&entry), takes_token);
        let was_stuck = entry.phase == Phase::Stuck;
        let answered = if intention == Intention::Wait { entry.updated_at } else { now };
        let mut task = self.task_of(kind, entry, now);
        task.answered = answered;
        task.unsure = intention != Intention::Wait;
        let detail = task.entry.outcome.clone();
        let (name, id) = (task.name.clone(), task.entry.object_id.clone());
        let index = self.add_task(task);
        match (resolution, intention) {
            (Some(Resolution::Abandon(_)), _) => self.abandon(index, "the user decided so"),
            (Some(Resolution::Adopt(_, id)), _) => self.adopt(index, id),
            (_, Intention::Wait) => self.wait_until_settled(index),
            (_, Intention::SendAgain) => {
                self.note_recovery(index, Recovery::Resent, "it was sent again with its token");
                self.set_timer(now, Timer::Send, index);
            }
            (_, Intention::LookFor | Intention::Compare) => {
                let at = now.after(self.context.settings.lag);
                if let Some(task) = self.tasks.get_mut(&index) {
                    task.stage = Stage::Looking(Why::Recovery);
                }
                self.set_timer(at, Timer::Look, index);
            }
            (_, Intention::LeaveToUser) => {
                self.tasks.remove(&index);
                debug_assert!(was_stuck, "only what is stuck is left to the user");
                self.outcome.unfinished += 1;
                let outcome = Recovery::Stuck;
                self.tell(ApplyEvent::Recovered { operation: name, outcome, id, detail });
            }
        }
    }

    /// Makes a task of a journal entry.
    fn task_of(
        &self,
        kind: &'static dyn ResourceType,
        entry: JournalEntry,
        now: Timestamp,
    ) -> Task {
        let key = (entry.address.clone(), entry.deposed.clone());
        let base = self.instances.get(&key).map(|i| i.object.clone());
        let base = base.filter(|_| !entry.creates || entry.phase == Phase::Acknowledged);
        let planned = entry
            .planned
            .as_deref()
            .and_then(|text| codec::decode_object(text, &mut codec::Names::default()).ok());
        let purpose = match (entry.creates, entry.deletes()) {
            (true, _) => Purpose::Create,
            (_, true) => Purpose::Delete,
            _ => Purpose::Update,
        };
        let wanted = wanted_of(kind, &entry, purpose, base.as_ref(), planned.as_ref());
        let recorded = match (planned.as_ref().map(known), base) {
            (Some(planned), Some(base)) if purpose == Purpose::Update => planned.over(&base),
            (Some(planned), Some(base)) => base.over(&planned),
            (Some(object), None) | (None, Some(object)) => object,
            (None, None) => from_parameters(kind, &entry),
        };
        let name = OperationName {
            address: entry.address.clone(),
            deposed: entry.deposed.clone(),
            purpose,
            step: entry.step,
            action: entry.action,
        };
        let id = entry.object_id.clone();
        let mut task = Task::new(kind, name, entry, wanted, recorded, (now, now.after(LIMIT)));
        if let Some(id) = id {
            task.know_id(&id);
        }
        task
    }

    /// Takes the user's word for what an operation made.
    fn adopt(&mut self, index: usize, id: &str) {
        let problem = if self.is_owned(id) {
            Some(format!("`{id}` is recorded already"))
        } else if self.tasks.get(&index).is_some_and(|task| !task.entry.creates) {
            Some(String::from("its unfinished operation does not create anything"))
        } else {
            None
        };
        if let Some(problem) = problem {
            let Some(task) = self.tasks.remove(&index) else { return };
            self.outcome.failed += 1;
            self.outcome.unfinished += 1;
            let address = &task.entry.address;
            let summary = format!("cannot adopt `{id}` for `{address}`: {problem}");
            return self.complain(
                Diagnostic::error("cannot-adopt", summary)
                    .help("`natform recover -dry-run` shows what is unfinished"),
            );
        }
        let created: Object = [("id".into(), crate::value::Value::from(id))].into_iter().collect();
        self.note_recovery(index, Recovery::Adopted, "the user decided so");
        self.accepted(index, &created, String::new());
    }
}

/// Returns what an operation of an earlier run waits for.
fn wanted_of(
    kind: &dyn ResourceType,
    entry: &JournalEntry,
    purpose: Purpose,
    base: Option<&Object>,
    planned: Option<&Object>,
) -> Wanted {
    let region = &entry.region;
    let request = match (purpose, base, planned) {
        (Purpose::Create, _, Some(planned)) => Some(ChangeRequest::create(region, planned)),
        (Purpose::Update, Some(base), Some(planned)) => {
            Some(ChangeRequest::update(region, base, planned))
        }
        (Purpose::Delete, Some(base), _) => Some(ChangeRequest::delete(region, base)),
        _ => None,
    };
    // Of several calls of one action, the one with the same parameters.
    let is_same = |step: &Step| {
        step.parameters
            .iter()
            .all(|p| p.value.as_str() == entry.parameters.get(&p.name).map(|t| &**t))
    };
    let step = request.and_then(|request| {
        let steps = kind.compile(&request).into_iter().filter(|s| s.action == entry.action);
        let mut steps: Vec<Step> = steps.collect();
        let place = steps.iter().position(is_same).unwrap_or(0);
        (place < steps.len()).then(|| steps.swap_remove(place))
    });
    let scope = || {
        let object = planned.or(base).cloned().unwrap_or_else(|| from_parameters(kind, entry));
        kind.scopes(region, &object).into_iter().next()
    };
    match (step, purpose) {
        (Some(step), _) => step.wanted,
        (None, Purpose::Delete) => Wanted::Gone { scope: scope(), id: entry.object_id.clone() },
        (None, _) => {
            Wanted::Present { scope: scope(), id: entry.object_id.clone(), values: Object::new() }
        }
    }
}

/// Returns what the parameters of a call tell of its object.
fn from_parameters(kind: &dyn ResourceType, entry: &JournalEntry) -> Object {
    let attributes = kind.schema().attributes.iter();
    attributes
        .filter_map(|attribute| {
            let text = entry.parameters.get(attribute.wire)?;
            Some((attribute.name.into(), crate::value::Value::from(text.as_str())))
        })
        .collect()
}
