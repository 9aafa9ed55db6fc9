//! How operations end: settled, refused, given up; and what of it goes to the state.

use crate::api::error::ApiError;
use crate::api::error_catalogue::advice;
use crate::diagnostic::Diagnostic;
use crate::plan::Purpose;
use crate::resources::Object;
use crate::state::{Phase, Status, Write};

use super::answers::PATIENCE;
use super::begin::{ids_of, name_of};
use super::engine::Engine;
use super::event::{ApplyEvent, OperationName, Recovery};
use super::scheduler::Lesson;
use super::settle::Key;
use super::task::{Stage, Task};

impl Engine<'_> {
    /// Records that the wanted state was read.
    pub(super) fn settled_ready(&mut self, index: usize, object: &Object) {
        let Some(task) = self.take(index) else { return };
        let object = object.over(&task.recorded);
        self.close(&task, Phase::Settled, String::new());
        self.changed.wrote(&task.entry, self.context.clock.now());
        if task.entry.creates {
            self.fresh.extend(ids_of(&object));
        }
        let key = (task.entry.address.clone(), task.entry.deposed.clone());
        if self.instances.get(&key).is_some_and(|there| there.id == task.id()) {
            self.put(task.instance(&object, Status::Ready));
        }
        self.complete(&task);
    }

    /// Records that an object is gone.
    pub(super) fn settled_gone(&mut self, index: usize) {
        let Some(task) = self.take(index) else { return };
        let key = (task.entry.address.clone(), task.entry.deposed.clone());
        let ours = self.instances.get(&key).is_some_and(|there| there.id == task.id());
        if task.purpose() == Purpose::Delete {
            self.close(&task, Phase::Settled, String::new());
            // A call before the last one deletes something of the object, not the object.
            if ours && task.name.is_last() {
                self.remove(key);
            }
            return self.complete(&task);
        }
        // What was being made or changed vanished.
        if task.operation.is_none() {
            if ours {
                self.remove(key);
            }
            return self.give_up(&task, "the object is gone");
        }
        self.close(&task, Phase::Abandoned, String::from("the object vanished"));
        if ours {
            self.remove(key);
        }
        let diagnostic = Diagnostic::error(
            "object-vanished",
            format!("`{}` vanished while it was being {}", task.entry.address, participle(&task)),
        )
        .detail(format!(
            "{} `{}` was accepted, but the service does not list the object any more.",
            task.entry.action.name(),
            task.id()
        ))
        .address(&task.entry.address)
        .help("find out who deleted it, then plan again");
        self.fail(&task, diagnostic);
    }

    /// Ends a task whose accepted call does not settle: `why` is the service's verdict, or none when
    /// its time is over.
    pub(super) fn never_settled(&mut self, index: usize, why: Option<String>) {
        self.stop_waiting(index);
        let Some(task) = self.take(index) else { return };
        let timed_out = why.is_none();
        let reason = why.unwrap_or_else(|| task.waiting.clone());
        if task.entry.creates {
            let key = (task.entry.address.clone(), task.entry.deposed.clone());
            if self.instances.get(&key).is_some_and(|there| there.id == task.id()) {
                self.put(task.instance(&task.recorded, Status::Tainted));
            }
            self.close(&task, Phase::Rejected, format!("never settled: {reason}"));
        } else if !timed_out {
            self.close(&task, Phase::Rejected, format!("never settled: {reason}"));
        }
        let now = self.now();
        let summary = if timed_out {
            format!(
                "`{}` was not {} within {}",
                task.entry.address,
                participle(&task),
                seconds(task.deadline.since(task.started))
            )
        } else {
            format!("`{}` could not be {}", task.entry.address, participle(&task))
        };
        let detail = format!(
            "{} of `{}` was accepted {} ago; {reason}.",
            task.entry.action.name(),
            task.id(),
            seconds(now.since(task.answered))
        );
        let help = match (task.entry.creates, timed_out) {
            (true, true) => "the next plan replaces it; give it longer with `timeouts`",
            (true, false) => "the next plan replaces it",
            (false, true) => "the next run waits for it first; give it longer with `timeouts`",
            (false, false) => "see what the service says of the object, then plan again",
        };
        let code = if timed_out { "operation-timed-out" } else { "operation-failed" };
        let diagnostic =
            Diagnostic::error(code, summary).detail(detail).address(&task.entry.address).help(help);
        self.fail(&task, diagnostic);
    }

    /// Takes a task that is given up from those who wait.
    fn stop_waiting(&mut self, index: usize) {
        if let Some(waiter) = self.settling.remove(index) {
            self.pace.forget(&waiter.learner, waiter.seen);
            self.settling.wake(&waiter.learner, self.context.clock.now(), &mut self.pace);
        }
    }

    /// Returns whether the service accepted nothing for long. Then nothing more is begun: it would wait
    /// in vain, too.
    fn gives_up(&mut self) -> bool {
        let long = self.now() >= self.progress.after(PATIENCE);
        self.shut_out |= long;
        long
    }

    /// Ends a task that was refused for certain, or that was made sure to have had no effect.
    pub(super) fn reject(&mut self, index: usize, phase: Phase) {
        let late = self.tasks.get(&index).is_some_and(|task| self.now() >= task.deadline);
        let busy = self.was_busy(index);
        let Some(task) = self.take(index) else { return };
        if task.operation.is_none() {
            // The plan that follows decides anew.
            return self.give_up(&task, &task.waiting.clone());
        }
        let starved =
            task.last_error.as_ref().is_some_and(ApiError::is_too_many) && self.gives_up();
        let diagnostic = match (starved, late || busy) {
            (true, _) => starved_out(&task),
            (_, true) => blocked(&task),
            _ => refusal(&task),
        };
        self.close(&task, phase, task.waiting.clone());
        self.fail(&task, diagnostic);
    }

    /// Ends a task before it was sent, since what is there could not be read.
    pub(super) fn fail_unsent(
        &mut self,
        index: usize,
        scope: &crate::resources::ReadScope,
        why: &str,
    ) {
        let Some(task) = self.take(index) else { return };
        self.gives_up();
        let diagnostic = Diagnostic::error(
            "list-unreadable",
            format!("cannot create `{}`: {scope} cannot be read", task.entry.address),
        )
        .detail(format!("{why}. What is there must be known before something is made, so that an interrupted run can tell its own."))
        .address(&task.entry.address)
        .help("nothing was sent for this operation; see that the account may read, then run again");
        self.fail(&task, diagnostic);
    }

    /// Ends a task that had no effect when the run was interrupted.
    pub(super) fn leave_out(&mut self, index: usize) {
        let Some(task) = self.take(index) else { return };
        self.close(&task, Phase::Abandoned, String::from("the run was interrupted"));
        if task.operation.is_none() {
            return self.note_recovery_of(&task, Recovery::Abandoned, "nothing came of it");
        }
        self.outcome.not_begun += 1;
    }

    /// Ends a create whose object is recorded elsewhere already: the next plan decides anew.
    pub(super) fn belongs_to(&mut self, index: usize, owner: &str) {
        let Some(task) = self.take(index) else { return };
        let why = format!("its object is recorded as `{owner}`");
        if task.operation.is_none() {
            return self.give_up(&task, &why);
        }
        self.close(&task, Phase::Abandoned, why.clone());
        let address = &task.entry.address;
        let summary = format!("cannot record what was made for `{address}`: {why}");
        let diagnostic = Diagnostic::error("object-owned", summary).address(address);
        self.fail(&task, diagnostic.help("plan again"));
    }

    /// Ends a task of which recovery made sure that it had no effect.
    pub(super) fn abandon(&mut self, index: usize, why: &str) {
        let Some(task) = self.take(index) else { return };
        self.give_up(&task, why);
    }

    fn give_up(&mut self, task: &Task, why: &str) {
        self.close(task, Phase::Abandoned, why.to_owned());
        self.note_recovery_of(task, Recovery::Abandoned, why);
        self.outcome.recovered += 1;
    }

    /// Ends a task for the user to decide.
    pub(super) fn stick(&mut self, index: usize, why: &str) {
        let Some(task) = self.take(index) else { return };
        self.close(&task, Phase::Stuck, why.to_owned());
        self.note_recovery_of(&task, Recovery::Stuck, why);
        let diagnostic = stuck(&task, why);
        self.fail(&task, diagnostic);
    }

    /// Ends a task without an answer to what became of it; its row stays open for the next run.
    pub(super) fn leave_open(&mut self, index: usize) {
        self.stop_waiting(index);
        self.gives_up();
        let Some(task) = self.take(index) else { return };
        self.note_recovery_of(&task, Recovery::Open, &task.waiting.clone());
        let diagnostic = Diagnostic::error(
            "operation-unfinished",
            format!(
                "cannot find out what became of {} of `{}`",
                task.entry.action.name(),
                task.entry.address
            ),
        )
        .detail(format!("{}.", task.waiting))
        .address(&task.entry.address)
        .help("run the same command again: it finds out before it changes anything");
        self.outcome.unfinished += 1;
        self.fail(&task, diagnostic);
    }

    fn take(&mut self, index: usize) -> Option<Task> {
        let mut task = self.tasks.remove(&index)?;
        if let Some(key) = task.makes_in.take() {
            self.settling.end_making(&key, self.context.clock.now());
        }
        if matches!(task.stage, Stage::Sending | Stage::Noting) {
            self.sending -= 1;
        }
        Some(task)
    }

    /// Writes the last phase of a task's row, if it has one.
    fn close(&mut self, task: &Task, phase: Phase, outcome: String) {
        if task.entry.id == 0 {
            return;
        }
        let mut entry = task.entry.clone();
        entry.phase = phase;
        entry.outcome = outcome;
        entry.ambiguous = task.unsure;
        entry.updated_at = self.now();
        self.writes.push(Write::Journal(entry.into()));
    }

    fn complete(&mut self, task: &Task) {
        let now = self.now();
        let Some(operation) = task.operation else {
            self.outcome.recovered += 1;
            let (outcome, why) = task.found.clone().unwrap_or_else(|| {
                (Recovery::Settled, String::from("it had been accepted, and is settled now"))
            });
            return self.note_recovery_of(task, outcome, &why);
        };
        if task.name.is_last() {
            if task.purpose() == Purpose::Update {
                self.is_as_planned(&task.entry.address);
            }
            let counts = &mut self.outcome.counts;
            match task.purpose() {
                Purpose::Create => counts.created += 1,
                Purpose::Update => counts.updated += 1,
                Purpose::Delete => counts.deleted += 1,
            }
        } else if task.purpose() == Purpose::Update {
            self.is_made(&task.entry.address, operation);
        }
        self.outcome.operations += 1;
        self.tell(ApplyEvent::Completed {
            operation: task.name.clone(),
            id: task.id().to_owned(),
            elapsed: task.elapsed(now),
        });
        for scope in task.scopes() {
            let key: Key = (task.entry.provider.to_string(), scope);
            self.outcome.touched.insert(key);
        }
        if self.holds_after(task) {
            self.settled_at.insert(operation, now);
            if let Some(scheduler) = &mut self.scheduler {
                scheduler.settled(operation);
            }
        } else {
            self.outcome.failed += 1;
            self.skip_dependents(operation, &task.name);
        }
    }

    /// Checks the postconditions of an instance with whose last call a task is done.
    fn holds_after(&mut self, task: &Task) -> bool {
        let Some((_, evaluate)) = self.plan else { return true };
        if !task.name.is_last() || task.purpose() == Purpose::Delete {
            return true;
        }
        let key = (task.entry.address.clone(), task.entry.deposed.clone());
        let Some(instance) = self.instances.get(&key) else { return true };
        let diagnostics = evaluate.postconditions(&instance.address, &instance.object);
        let holds = !diagnostics.has_errors();
        self.outcome.diagnostics.extend(diagnostics);
        holds
    }

    /// Reports a failure and skips what waits for the operation.
    fn fail(&mut self, task: &Task, diagnostic: Diagnostic) {
        self.outcome.failed += 1;
        if let Some(operation) = task.operation {
            self.tell(ApplyEvent::Failed {
                operation: task.name.clone(),
                elapsed: task.elapsed(self.now()),
                diagnostic: diagnostic.clone().into(),
            });
            self.complain(diagnostic);
            self.skip_dependents(operation, &task.name);
        } else {
            self.complain(diagnostic);
        }
    }

    pub(super) fn skip_dependents(&mut self, operation: usize, name: &OperationName) {
        let (Some(scheduler), Some((plan, _))) = (&mut self.scheduler, self.plan) else { return };
        for skipped in scheduler.failed(operation) {
            self.outcome.skipped.push(plan.operations[skipped].address.clone());
            self.tell(ApplyEvent::Skipped {
                operation: name_of(&plan.operations[skipped]),
                because: name.address.clone(),
            });
        }
    }

    /// Tells what became of an operation of an earlier run.
    pub(super) fn note_recovery(&mut self, index: usize, outcome: Recovery, why: &str) {
        if let Some(task) = self.tasks.get_mut(&index) {
            task.found = Some((outcome, why.to_owned()));
        }
    }

    fn note_recovery_of(&self, task: &Task, outcome: Recovery, why: &str) {
        if task.operation.is_some() {
            return;
        }
        let (operation, id) = (task.name.clone(), task.entry.object_id.clone());
        self.tell(ApplyEvent::Recovered { operation, outcome, id, detail: why.to_owned() });
    }

    /// Keeps for later runs that the service bears only one operation at a time.
    pub(super) fn learn_lane(&mut self, index: usize, lesson: Lesson) {
        let Some(task) = self.tasks.get(&index) else { return };
        let name = super::lessons::lane_name(&task.entry.service, task.entry.address.kind());
        let value = super::lessons::lane_value(lesson, self.now());
        if self.lessons.insert(name.clone(), value.clone()).as_ref() != Some(&value) {
            self.writes.push(Write::Lesson(name, value));
        }
    }
}

/// Says that the user must decide of an operation.
pub(super) fn stuck(task: &Task, why: &str) -> Diagnostic {
    let address = &task.entry.address;
    Diagnostic::error(
        "operation-stuck",
        format!("cannot tell what {} of `{address}` made", task.entry.action.name()),
    )
    .detail(format!("The call got no answer, and {why}."))
    .address(address)
    .help(format!(
        "decide with `natform recover -adopt '{address}=ID'`, `-abandon '{address}'` or \
         `-retry '{address}'`"
    ))
}

fn participle(task: &Task) -> &'static str {
    match task.purpose() {
        Purpose::Create => "created",
        Purpose::Update => "changed",
        Purpose::Delete => "deleted",
    }
}

/// Writes a duration as `1m30s`.
pub(super) fn seconds(duration: std::time::Duration) -> String {
    match (duration.as_secs() / 60, duration.as_secs() % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}

/// Says why a call was refused.
fn refusal(task: &Task) -> Diagnostic {
    let action = task.entry.action.name();
    let address = &task.entry.address;
    let Some(error) = &task.last_error else {
        return Diagnostic::error(
            "operation-failed",
            format!("{action} of `{address}` had no effect"),
        )
        .detail(format!("{}.", task.waiting))
        .address(address)
        .help("plan again");
    };
    let verb = match task.purpose() {
        Purpose::Create => "create",
        Purpose::Update => "change",
        Purpose::Delete => "delete",
    };
    Diagnostic::error("service-refused", format!("cannot {verb} `{address}`: {}", error.code))
        .detail(error.to_string())
        .address(address)
        .help(advice(error))
}

/// Says that the service refused everything as one too many, for long.
fn starved_out(task: &Task) -> Diagnostic {
    let address = &task.entry.address;
    Diagnostic::error(
        "throttled",
        format!("`{address}` was not {}: the service accepts no requests", participle(task)),
    )
    .detail(format!(
        "For {} it refused each request of this run as one too many; {} was sent {} times, last \
         refused with {}.",
        seconds(PATIENCE),
        task.entry.action.name(),
        task.sends,
        task.waiting
    ))
    .address(address)
    .help("see what else uses the account, then run again: it goes on where this one ended")
}

/// Says what a call waited for until its time was over.
fn blocked(task: &Task) -> Diagnostic {
    let address = &task.entry.address;
    Diagnostic::error(
        "operation-timed-out",
        format!(
            "`{address}` was not {} within {}",
            participle(task),
            seconds(task.deadline.since(task.started))
        ),
    )
    .detail(format!(
        "{} was sent {} times and refused each time, last with {}.",
        task.entry.action.name(),
        task.sends,
        task.waiting
    ))
    .address(address)
    .help("see what else changes the gateway; give it longer with `timeouts`")
}
