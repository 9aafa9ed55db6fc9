//! What an answer means for the operation, and what is done next. The class of an error decides,
//! never its status.
//!
//! The token stays with the row as long as one send under it got no definite answer. A row ends as
//! refused only if every send was refused for certain, or a look made sure that none had an effect.

use std::time::Duration;

use crate::api::answer::Answer;
use crate::api::backoff::backoff;
use crate::api::error::{ApiError, Class, NOT_SENT};
use crate::environment::Timestamp;
use crate::plan::Purpose;
use crate::refresh::is_about_credentials;
use crate::resources::{Live, Object, Settled, Wanted};
use crate::state::{Phase, Status, Write};

use super::engine::{Engine, Timer};
use super::event::{ApplyEvent, Recovery};
use super::interrupt::Stage as Interrupted;
use super::scheduler::Lesson;
use super::settle::Again;
use super::task::{Stage, Task, Why};

/// How often in a row a call may fail to be sent at all.
const ATTEMPTS_UNSENT: u32 = 8;
/// How often a call is sent while something that was just settled may still stand in its way.
const ATTEMPTS_AFTER: u32 = 4;
/// For so long what was settled may still stand in the way of what waited for it.
const AFTERMATH: Duration = Duration::from_secs(30);
/// For so long after the service answered somebody, what it refuses as one too many is patient.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);

/// Returns whether an error says that the first call under the token is still being processed.
fn is_processing(error: &ApiError) -> bool {
    error.code.ends_with("LastTokenProcessing") || error.code.ends_with("IdempotentTokenProcessing")
}

/// Returns whether an error says that any two changes of one gateway collide.
fn is_wide(error: &ApiError) -> bool {
    ["OperationConflict", "TaskConflict", "VPC_TASK_CONFLICT"].contains(&error.code.as_str())
}

/// Returns whether a task is only one too many, while the service answers others.
pub(super) fn is_crowded_out(task: &Task, progress: Timestamp, now: Timestamp) -> bool {
    task.last_error.as_ref().is_some_and(ApiError::is_too_many) && now < progress.after(PATIENCE)
}

impl Engine<'_> {
    /// Handles the answer to a call.
    pub(super) fn answered(&mut self, index: usize, result: Result<Answer, ApiError>) {
        let now = self.now();
        let Some(task) = self.tasks.get_mut(&index) else { return };
        self.sending -= 1;
        task.stage = Stage::Pausing;
        task.answered = now;
        match result {
            Ok(answer) => {
                let created = task.kind.created(task.entry.action, &answer.body);
                self.accepted(index, &created, answer.request_id);
            }
            Err(error) => self.refused(index, error, now),
        }
    }

    /// Records that a call was accepted: with the object that it made, before anything is waited
    /// for.
    pub(super) fn accepted(&mut self, index: usize, created: &Object, request_id: String) {
        let now = self.now();
        if let Some(owner) = self.other_owner(index, created) {
            return self.belongs_to(index, &owner);
        }
        let Some(task) = self.tasks.get_mut(&index) else { return };
        task.recorded = created.over(&task.recorded);
        if task.entry.creates
            && let Some(id) = created.text("id").map(str::to_owned)
        {
            task.know_id(&id);
        }
        if task.last_error.as_ref().is_some_and(ApiError::is_too_many) {
            // Its time to settle begins now.
            let time = task.deadline.since(task.started);
            task.deadline = task.deadline.max(now.after(time));
            let deadline = task.deadline;
            self.set_timer(deadline, Timer::Deadline, index);
        }
        let Some(task) = self.tasks.get_mut(&index) else { return };
        task.entry.phase = Phase::Acknowledged;
        task.entry.request_id = request_id;
        task.entry.updated_at = now;
        task.unsure = false;
        if let Some(key) = task.makes_in.take() {
            self.settling.end_making(&key, now);
        }
        let entry = task.entry.clone();
        let instance = task.instance(&task.recorded.clone(), Status::Creating);
        let (answered, operation) = (task.wanted.is_answered(), task.operation);
        if let (Some(scheduler), Some(operation)) = (&mut self.scheduler, operation) {
            scheduler.answered(operation);
        }
        if entry.creates {
            self.record_new(&entry, instance);
        }
        self.writes.push(Write::Journal(entry.into()));
        if answered {
            self.complete_without_reading(index);
        } else {
            self.wait_until_settled(index);
        }
    }

    /// Returns what has recorded the object that a create is said to have made.
    fn other_owner(&self, index: usize, created: &Object) -> Option<String> {
        let task = self.tasks.get(&index).filter(|task| task.entry.creates)?;
        let id = created.text("id").filter(|id| self.is_owned(id))?;
        let key = (task.entry.address.clone(), task.entry.deposed.clone());
        let mut owners = self.instances.values().filter(|instance| instance.id == id);
        let other = owners.find(|instance| instance.key() != key);
        other.map(|instance| instance.address.to_string())
    }

    /// Records a new object, and sets aside the one that it replaces.
    fn record_new(&mut self, entry: &crate::state::JournalEntry, instance: crate::state::Instance) {
        let key = (entry.address.clone(), entry.deposed.clone());
        let occupied = self.instances.get(&key).is_some_and(|there| there.id != instance.id);
        if occupied {
            // A key of the plan's, so that its delete finds the object; any other does for what
            // recovery meets.
            let aside = entry.sets_aside.clone().unwrap_or_else(|| {
                crate::plan::set_aside_key(&entry.address, &self.instances[&key].id)
            });
            self.relocate(key, (entry.address.clone(), Some(aside)));
        }
        self.put(instance);
    }

    /// Begins to wait for a task's wanted state.
    pub(super) fn wait_until_settled(&mut self, index: usize) {
        let now = self.now();
        let Some(task) = self.tasks.get_mut(&index) else { return };
        task.stage = Stage::Settling;
        task.waiting = String::from("it was accepted");
        let mut scopes = task.kind.settling(&task.wanted);
        if scopes.is_empty() {
            scopes = task.scopes();
        }
        if scopes.is_empty() {
            return self.complete_without_reading(index);
        }
        let provider = task.entry.provider.to_string();
        let id = task.id().to_owned();
        let learner = (task.entry.service.clone(), task.entry.action);
        let awaited = match (&self.scheduler, task.operation) {
            (Some(scheduler), Some(operation)) => scheduler.is_awaited(operation),
            _ => true,
        };
        self.settling.add(
            index,
            (&provider, scopes),
            (learner, &id),
            (task.answered, now, !awaited),
            &mut self.pace,
        );
        if let (Some(scheduler), Some(operation)) = (&self.scheduler, task.operation) {
            self.settling.hurry(index, scheduler.runs_dry(operation));
        }
    }

    /// Completes a task whose answer is the end of it.
    fn complete_without_reading(&mut self, index: usize) {
        let Some(task) = self.tasks.get(&index) else { return };
        if task.purpose() == Purpose::Delete {
            return self.settled_gone(index);
        }
        let object = task.recorded.clone();
        self.settled_ready(index, &object);
    }

    fn refused(&mut self, index: usize, error: ApiError, now: Timestamp) {
        let Some(task) = self.tasks.get_mut(&index) else { return };
        let definite = error.is_definite();
        task.unsure |= !definite;
        task.unsent = if error.code == NOT_SENT { task.unsent + 1 } else { 0 };
        task.waiting = format!("{}: {}", error.code, error.message.trim());
        task.last_error = Some(error.clone());
        task.entry.request_id.clone_from(&error.request_id);
        self.shut_out |= is_about_credentials(&error.code);
        // An interrupted run sends nothing again, as one whose time is over.
        let finishing = self.context.interrupt.stage() > Interrupted::Running;
        let patient = is_crowded_out(task, self.progress, now);
        let (purpose, late) = (task.purpose(), finishing || (now >= task.deadline && !patient));
        let (unsent, sends, unsure) = (task.unsent, task.sends, task.unsure);
        let operation = task.operation;
        let takes_token = self.context.service.takes_token(&task.entry.provider, task.entry.action);
        match error.class {
            Class::Gone if purpose == Purpose::Delete => self.settled_gone(index),
            Class::AlreadyDone if !task.entry.creates => {
                self.accepted(index, &Object::new(), error.request_id);
            }
            Class::Transient if error.code == NOT_SENT && finishing && !unsure => {
                self.leave_out(index);
            }
            Class::Transient if error.code == NOT_SENT && (late || unsent >= ATTEMPTS_UNSENT) => {
                self.refuse_for_good(index);
            }
            // Everything below waits and goes on, for which there must be time left.
            _ if late && !definite => self.expired(index),
            Class::Busy if !is_processing(&error) => self.busy(index, &error),
            Class::Transient if error.code != NOT_SENT && !takes_token => {
                self.look(index, Why::Unsure);
            }
            Class::Busy | Class::Throttled | Class::Transient => self.pause(index, &error),
            Class::Dependency | Class::Conflict | Class::Quota
                if sends < ATTEMPTS_AFTER && !late && !unsure && self.follows(operation, now) =>
            {
                self.send_anew(index, &error);
            }
            _ => self.refuse_for_good(index),
        }
    }

    /// Returns whether an operation waited for one that was settled only just.
    fn follows(&self, operation: Option<usize>, now: Timestamp) -> bool {
        let (Some(index), Some((plan, _))) = (operation, self.plan) else { return false };
        let operation = &plan.operations[index];
        let groups = operation.groups.iter().filter_map(|group| plan.groups.get(*group)).flatten();
        operation
            .after
            .iter()
            .chain(groups)
            .any(|before| self.settled_at.get(before).is_some_and(|at| now.since(*at) < AFTERMATH))
    }

    /// Sends a call again that was refused for certain. It gets a new token, which is written before
    /// it is sent: the service may answer the old one with the old refusal.
    fn send_anew(&mut self, index: usize, error: &ApiError) {
        let token = self.context.ids.next();
        let now = self.now();
        let Some(task) = self.tasks.get_mut(&index) else { return };
        task.entry.token = token;
        task.entry.updated_at = now;
        self.writes.push(Write::Journal(task.entry.clone().into()));
        self.pause(index, error);
    }

    /// Ends a task whose call was refused; first makes sure that no other send had its effect.
    fn refuse_for_good(&mut self, index: usize) {
        match self.tasks.get(&index) {
            Some(task) if task.unsure => self.look(index, Why::Refused),
            _ => self.reject(index, Phase::Rejected),
        }
    }

    fn busy(&mut self, index: usize, error: &ApiError) {
        let widened = is_wide(error);
        let Some(task) = self.tasks.get(&index) else { return };
        let creates = task.entry.creates;
        if let (Some(scheduler), Some(operation)) = (&mut self.scheduler, task.operation)
            && scheduler.busy(operation, widened)
        {
            let lesson = if widened { Lesson::OneInGateway } else { Lesson::OneInScope };
            self.learn_lane(index, lesson);
        }
        // The object may be gone: codes do not always tell.
        if creates { self.pause(index, error) } else { self.look(index, Why::Busy) }
    }

    /// Waits before a call is sent again.
    pub(super) fn pause(&mut self, index: usize, error: &ApiError) {
        let now = self.now();
        let Some(task) = self.tasks.get_mut(&index) else { return };
        task.stage = Stage::Pausing;
        // What the service asks for is kept by the client, for all requests.
        let asked = error.retry_after.filter(|_| !error.is_too_many());
        let wait = backoff(task.sends, error.class, asked);
        let operation = task.name.clone();
        let at = now.after(wait).min(task.deadline.max(now));
        match error.class {
            Class::Throttled => self.tell(ApplyEvent::Throttled { operation, wait }),
            Class::Busy => {
                self.tell(ApplyEvent::Busy { operation, code: error.code.clone(), wait });
            }
            _ => {}
        }
        self.set_timer(at, Timer::Send, index);
    }

    /// Begins to find out what became of a task's call.
    pub(super) fn look(&mut self, index: usize, why: Why) {
        let lag = self.context.settings.lag;
        let now = self.now();
        let Some(task) = self.tasks.get_mut(&index) else { return };
        task.stage = Stage::Looking(why);
        task.looks = 0;
        // A list may lack what was just made; what existed before is in every list.
        let at = if task.entry.creates { task.answered.after(lag).max(now) } else { now };
        self.set_timer(at, Timer::Look, index);
    }

    /// Returns why a task is not sent again.
    fn why_over(&self) -> Why {
        let finishing = self.context.interrupt.stage() > Interrupted::Running;
        if finishing { Why::Interrupted } else { Why::TimedOut }
    }

    /// Handles the end of a task's time.
    pub(super) fn expired(&mut self, index: usize) {
        let now = self.now();
        let why = self.why_over();
        let Some(task) = self.tasks.get(&index) else { return };
        match task.stage {
            // What is in flight decides; it comes within the client's own time limit.
            Stage::Sending | Stage::Looking(_) | Stage::Noting => {}
            // What became of it is not known, so it is not given up.
            Stage::Settling if task.unread => self.leave_open(index),
            // Reads may have had to wait: the last word is one that was asked for after that time.
            Stage::Settling if self.settling.look_last(index, now) => {}
            Stage::Settling => self.never_settled(index, None),
            // It is sent again when its turn comes, but not in an interrupted run.
            Stage::Pausing
                if why != Why::Interrupted && is_crowded_out(task, self.progress, now) => {}
            Stage::Pausing if task.unsure => self.look(index, why),
            Stage::Pausing if why == Why::Interrupted => self.leave_out(index),
            Stage::Pausing => self.reject(index, Phase::Rejected),
        }
    }

    /// Judges a task by lists that were read for it; `grown` says whether this run may have made
    /// something in them meanwhile.
    pub(super) fn judge(
        &mut self,
        index: usize,
        job: &super::settle::Job,
        listings: &crate::resources::Listings,
        grown: bool,
    ) {
        let (now, lag) = (self.now(), self.context.settings.lag);
        let Some(task) = self.tasks.get_mut(&index) else { return };
        let live = task.kind.observed(&task.wanted, &task.recorded, listings);
        task.unread = false;
        let step = super::sight::conversion_step(task, &live);
        let verdict = match &live {
            Live::Absent => {
                let list = listings.get(&job.key.1);
                super::sight::absent(task, list, grown, &mut self.settling, index, (now, lag))
            }
            Live::Unread => {
                let why = super::sight::unread(listings);
                task.waiting.clone_from(&why);
                task.unread = true;
                if self.see_refused(listings) {
                    return self.leave_open(index);
                }
                Settled::Busy(why)
            }
            Live::Found(_) => {
                if let Some(waiter) = self.settling.get_mut(index) {
                    waiter.absent = 0;
                }
                task.kind.settled(&task.wanted, &live)
            }
        };
        if let Some(event) = step {
            self.tell(event);
        }
        match verdict {
            Settled::Ready(object) => {
                self.learn_time(index, job.sent.last);
                self.settled_ready(index, &object);
            }
            Settled::Gone => {
                self.learn_time(index, job.sent.last);
                self.settled_gone(index);
            }
            Settled::Failed(why) => self.never_settled(index, Some(why)),
            Settled::Busy(_)
                if let Some(object) = self
                    .tasks
                    .get(&index)
                    .and_then(|task| super::sight::overtaken(task, &live, now)) =>
            {
                self.settling.remove(index);
                self.note_recovery(
                    index,
                    Recovery::Settled,
                    "it had been accepted; the object was changed again since",
                );
                self.settled_ready(index, &object);
            }
            Settled::Busy(why) => {
                let again = match live {
                    Live::Absent => Again::Soon,
                    Live::Unread => Again::Unread,
                    Live::Found(_) => Again::Learned,
                };
                if let Some(task) = self.tasks.get_mut(&index) {
                    task.waiting = why;
                }
                self.settling.postpone(index, job.sent.first, now, again, &self.pace);
                if let Some(task) = self.tasks.get(&index)
                    && now >= task.deadline
                {
                    if job.sent.first >= task.deadline {
                        // What became of it is not known where it could not be read.
                        let unread = task.unread;
                        return if unread {
                            self.leave_open(index);
                        } else {
                            self.never_settled(index, None);
                        };
                    }
                    self.settling.look_last(index, now);
                }
            }
        }
    }

    fn learn_time(&mut self, index: usize, asked: Timestamp) {
        let Some(waiter) = self.settling.remove(index) else { return };
        let of_this_run = self.tasks.get(&index).is_some_and(|task| task.operation.is_some());
        if of_this_run {
            self.pace.learn(&waiter.learner, waiter.seen, asked.since(waiter.since));
        } else {
            self.pace.forget(&waiter.learner, waiter.seen);
        }
        self.settling.wake(&waiter.learner, self.context.clock.now(), &mut self.pace);
    }
}

impl Wanted {
    /// Returns whether the answer itself is the end of a call.
    const fn is_answered(&self) -> bool {
        matches!(self, Self::Answered)
    }
}
