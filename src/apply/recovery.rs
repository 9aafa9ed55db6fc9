//! What became of operations whose outcome an earlier run did not learn. Runs at the start of every
//! run that takes the lock, before anything is planned, and asks nobody.

use std::time::Duration;

use crate::address::Address;
use crate::environment::Timestamp;
use crate::plan::Purpose;
use crate::resources::{self, ChangeRequest, Object, ResourceType, Step, Wanted};
use crate::state::{Instance, JournalEntry, Phase, Status, Write, codec};

use super::candidates::refusals;
use super::ends::seconds;
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

    /// Returns whether it is about this entry: only a create can have made an object.
    fn is_about(&self, entry: &JournalEntry) -> bool {
        let fits = entry.creates || !matches!(self, Self::Adopt(..));
        fits && *self.address() == entry.address
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
    let young = is_young(entry, now, settings);
    match entry.phase {
        Phase::Acknowledged => Intention::Wait,
        Phase::Stuck => Intention::LeaveToUser,
        _ if wanted && takes_token && young => Intention::SendAgain,
        _ if entry.creates => Intention::LookFor,
        _ => Intention::Compare,
    }
}

/// What recovery will do with an open operation, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foresight {
    /// What it will do.
    pub intention: Intention,
    /// The same with its reason, as a sentence without a full stop that begins with `it`.
    pub why: String,
}

/// Returns what recovery will do with each open operation, in their order, without a call. `wanted`
/// and `takes_token` are as for [`intention`].
pub fn foresee(
    open: &[JournalEntry],
    now: Timestamp,
    settings: &Settings,
    wanted: &dyn Fn(&JournalEntry) -> bool,
    takes_token: &dyn Fn(&JournalEntry) -> bool,
) -> Vec<Foresight> {
    open.iter()
        .map(|entry| {
            let young = twins(entry, open).all(|twin| is_young(twin, now, settings));
            let (wants, takes) = (wanted(entry), takes_token(entry));
            let intention = intention(entry, now, settings, wants && young, takes);
            let age = seconds(now.since(entry.intended_at));
            let guard = seconds(settings.token_age);
            let because = if !takes {
                format!("{} takes no token", entry.action.name())
            } else if !is_young(entry, now, settings) {
                format!(
                    "its token is {age} old, and after {guard} the service may have forgotten it"
                )
            } else if !young {
                String::from("an equal call beside it has a token that is too old")
            } else {
                String::from("its instance does not want the same any more")
            };
            let why = match intention {
                Intention::Wait => {
                    String::from("it was accepted: it is waited for until it is settled")
                }
                Intention::SendAgain => format!(
                    "it is sent again with its token, whose answer names what it made: its instance \
                     still wants the same, and the token is {age} old"
                ),
                Intention::LookFor => format!(
                    "it is looked for what it made, which is taken over; if there is nothing, it is \
                     abandoned: {because}"
                ),
                Intention::Compare => format!(
                    "its object is compared with what it was to become, and the plan decides anew: \
                     {because}"
                ),
                Intention::LeaveToUser => format!("it is left to you: {}", entry.outcome),
            };
            Foresight { intention, why }
        })
        .collect()
}

/// Returns whether the service certainly still knows an operation's token.
pub(super) fn is_young(entry: &JournalEntry, now: Timestamp, settings: &Settings) -> bool {
    now.since(entry.intended_at) < settings.token_age && now >= entry.intended_at
}

/// Finds out what became of all open operations. `wanted` tells whether the instance of an entry
/// still wants the same parameters; where that is not known, it says no. When a resolution cannot
/// be, nothing is done.
///
/// Leaves the run open for what follows.
pub async fn recover(
    context: ApplyContext<'_>,
    wanted: &dyn Fn(&JournalEntry) -> bool,
    resolutions: &[Resolution],
) -> Outcome {
    find_out(context, wanted, resolutions, false).await
}

/// Does what [`recover`] does as a run of its own, which ends with it.
pub async fn recover_only(
    context: ApplyContext<'_>,
    wanted: &dyn Fn(&JournalEntry) -> bool,
    resolutions: &[Resolution],
) -> Outcome {
    find_out(context, wanted, resolutions, true).await
}

async fn find_out(
    context: ApplyContext<'_>,
    wanted: &dyn Fn(&JournalEntry) -> bool,
    resolutions: &[Resolution],
    ends: bool,
) -> Outcome {
    let snapshot = match context.store.snapshot() {
        Ok(snapshot) => snapshot,
        Err(error) => return Outcome { state_error: Some(error), ..Outcome::default() },
    };
    let refused = refusals(resolutions, &snapshot, context.service).await;
    let open = snapshot.open.clone();
    let mut engine = Engine::new(context, snapshot);
    if !refused.is_empty() {
        engine.outcome.failed = refused.len();
        engine.outcome.unfinished = open.len();
        engine.outcome.diagnostics.extend(refused);
        return engine.outcome;
    }
    if open.is_empty() {
        return engine.outcome;
    }
    let run = crate::state::RunRecord { plan: None, ..engine.context.run.clone() };
    engine.writes.push(Write::BeginRun(run));
    for entry in &open {
        let resolution = resolutions.iter().find(|r| r.is_about(entry));
        let young = twins(entry, &open).all(|twin| engine.is_young(twin));
        engine.look_after(entry.clone(), young && wanted(entry), resolution);
    }
    engine.run().await;
    if ends && !engine.outcome.interrupted {
        let end = Write::EndRun { id: engine.context.run.id.clone(), at: engine.now() };
        engine.writes.push(end);
    }
    engine.flush();
    engine.outcome
}

/// Returns the open creates of the same natural key, the entry among them: whether an object is one's
/// or the other's cannot be told, so they are sent again together or looked for together.
fn twins<'e>(
    entry: &'e JournalEntry,
    open: &'e [JournalEntry],
) -> impl Iterator<Item = &'e JournalEntry> {
    open.iter().filter(move |other| {
        other.id == entry.id
            || (other.phase == Phase::Intended
                && entry.creates
                && entry.natural_key.is_some()
                && other.natural_key == entry.natural_key
                && other.address.kind() == entry.address.kind()
                && other.provider == entry.provider
                && other.service == entry.service)
    })
}

impl Engine<'_> {
    fn is_young(&self, entry: &JournalEntry) -> bool {
        is_young(entry, self.now(), &self.context.settings)
    }

    fn look_after(
        &mut self,
        mut entry: JournalEntry,
        wanted: bool,
        resolution: Option<&Resolution>,
    ) {
        let Some(kind) = resources::lookup(entry.address.kind()) else { return };
        let now = self.now();
        if entry.phase == Phase::Stuck && matches!(resolution, Some(Resolution::Retry(_))) {
            entry.phase = Phase::Intended;
        }
        let takes_token = self.context.service.takes_token(&entry.provider, entry.action);
        let intention = intention(&entry, now, &self.context.settings, wanted, takes_token);
        let answered = if intention == Intention::Wait { entry.updated_at } else { now };
        let mut task = self.task_of(kind, entry, now);
        task.answered = answered;
        task.unsure = intention != Intention::Wait;
        let detail = task.entry.outcome.clone();
        let (name, id) = (task.name.clone(), task.entry.object_id.clone());
        let index = self.add_task(task);
        match (resolution, intention) {
            (Some(Resolution::Abandon(_)), _) => self.abandon_by_word(index),
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
                let Some(task) = self.tasks.remove(&index) else { return };
                self.outcome.unfinished += 1;
                self.complain(super::ends::stuck(&task, &detail));
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

    /// Takes the user's word for what an operation made. Whatever became of the object since, it is
    /// recorded as it is.
    fn adopt(&mut self, index: usize, id: &str) {
        let created: Object = [("id".into(), crate::value::Value::from(id))].into_iter().collect();
        if let Some(task) = self.tasks.get_mut(&index)
            && let Wanted::Present { values, .. } = &mut task.wanted
        {
            *values = Object::new();
        }
        self.note_recovery(index, Recovery::Adopted, "the user decided so");
        self.accepted(index, &created, String::new());
    }

    /// Takes the user's word that an operation is not to be waited for. What it is known to have made
    /// stays recorded, as something that was never finished.
    fn abandon_by_word(&mut self, index: usize) {
        let Some(task) = self.tasks.get(&index) else { return };
        let key = (task.entry.address.clone(), task.entry.deposed.clone());
        let made = self.instances.get(&key).filter(|there| {
            task.entry.creates && there.id == task.id() && there.status == Status::Creating
        });
        if let Some(made) = made {
            let tainted = Instance { status: Status::Tainted, ..made.clone() };
            self.put(tainted);
        }
        self.abandon(index, "the user decided so");
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
pub(super) fn from_parameters(kind: &dyn ResourceType, entry: &JournalEntry) -> Object {
    let attributes = kind.schema().attributes.iter();
    attributes
        .filter_map(|attribute| {
            let text = entry.parameters.get(attribute.wire)?;
            Some((attribute.name.into(), crate::value::Value::from(text.as_str())))
        })
        .collect()
}
