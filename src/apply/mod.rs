//! Carries out a plan: which operation may start when (`scheduler`, `lanes`), what it sends
//! (`evaluate`, `begin`), whether its object is still as planned (`changed`), what an answer means (`answers`,
//! `sight`, `candidates`), when to ask whether it is done
//! (`settle`, `pace`), and what becomes of it in the state (`ends`, `record`). The `engine` turns.
//! [`forecast()`] tells beforehand how long that will take.
//!
//! Before a call leaves the process, its intent is durable in the journal; [`recovery`] finds out at
//! the start of the next run what became of calls whose outcome is not. Apply never re-decides: what
//! the plan showed is what is sent. It reads no clock and waits for nothing but by the
//! [`ApplyContext`].

mod answers;
mod begin;
mod candidates;
mod changed;
mod clients;
mod ends;
mod engine;
mod evaluate;
pub mod event;
mod finish;
mod forecast;
pub mod interrupt;
mod lanes;
mod lessons;
mod pace;
mod record;
pub mod recovery;
pub mod scheduler;
pub mod service;
mod settle;
mod sight;
mod task;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use candidates::{Candidate, candidates, nothing_to_recover};
pub use clients::Clients;
pub use evaluate::Evaluate;
pub use event::{ApplyEvent, Observer, OperationName, Recovery};
pub use forecast::{Traffic, as_documented, forecast, traffic};
pub use interrupt::{Interrupt, Interrupter};
pub use recovery::{Intention, Resolution, intention, recover, recover_only};
pub use service::Service;

use crate::address::Address;
use crate::api::sleep::Sleep;
use crate::diagnostic::Diagnostics;
use crate::environment::{Clock, Ids};
use crate::plan::Plan;
use crate::resources::{Listing, Listings};
use crate::state::{Lock, Phase, RunRecord, StateError, Store, Write};

use engine::Engine;
use lessons::{lane_lesson, lane_name};
use scheduler::Scheduler;
use settle::Key;

/// What a run works with.
pub struct ApplyContext<'a> {
    /// The state.
    pub store: &'a mut (dyn Store + 'static),
    /// Its lock.
    pub lock: &'a Lock,
    /// The run; begun here, and ended unless it was interrupted.
    pub run: &'a RunRecord,
    /// The service.
    pub service: &'a dyn Service,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Makes tokens.
    pub ids: &'a dyn Ids,
    /// Waits.
    pub sleeper: &'a dyn Sleep,
    /// Is told what happens.
    pub observer: &'a dyn Observer,
    /// Tells when to end early.
    pub interrupt: Interrupt,
    /// Limits and times.
    pub settings: Settings,
}

/// Limits and times of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// At most so many mutating calls are in flight.
    pub parallelism: usize,
    /// How old a token may be to be sent again by a later run; the service does not say how long it
    /// remembers them.
    pub token_age: Duration,
    /// For so long a list may not show what an accepted call did.
    pub lag: Duration,
    /// How often an operation that takes its time is reported.
    pub report_every: Duration,
    /// Whether an operation stops whose object is no longer as it was when the plan was made.
    pub heeds_changes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            parallelism: 10,
            token_age: Duration::from_secs(5 * 60),
            lag: Duration::from_secs(2),
            report_every: Duration::from_secs(10),
            heeds_changes: true,
        }
    }
}

/// How many objects met which fate; a replacement counts as created and as deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    /// Made.
    pub created: usize,
    /// Changed in place.
    pub updated: usize,
    /// Deleted.
    pub deleted: usize,
    /// Taken out of the state and left alone in the service.
    pub forgotten: usize,
    /// Taken into the state.
    pub imported: usize,
    /// Moved to another address.
    pub moved: usize,
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was done.
    pub counts: Counts,
    /// How many calls were carried out.
    pub operations: usize,
    /// How many failed.
    pub failed: usize,
    /// Instances whose operations were not begun, since one that they wait for failed.
    pub skipped: Vec<Address>,
    /// How many operations were not begun, since the run was interrupted.
    pub not_begun: usize,
    /// How many operations of earlier runs were looked after.
    pub recovered: usize,
    /// How many operations are still open in the journal.
    pub unfinished: usize,
    /// Whether an interrupt ended the run early.
    pub interrupted: bool,
    /// What went wrong, in order.
    pub diagnostics: Diagnostics,
    /// Why the state could not be written; what is in flight is open in the journal.
    pub state_error: Option<StateError>,
    /// Lists of objects that were changed.
    touched: BTreeSet<Key>,
}

impl Outcome {
    /// Returns whether all that was to be done is done.
    pub const fn is_success(&self) -> bool {
        self.failed == 0 && self.state_error.is_none() && !self.interrupted
    }
}

/// Carries out a plan. `lists` are the lists that were read while planning in this process, by
/// provider; what is not among them is read where it is needed.
///
/// A run that an earlier process began for the same saved plan goes on where that was broken off;
/// [`recover`] comes first in any case.
pub async fn apply<'a>(
    plan: &'a Plan,
    evaluate: &'a dyn Evaluate,
    lists: &'a BTreeMap<String, Listings>,
    context: ApplyContext<'a>,
) -> Outcome {
    let failed = |error| Outcome { state_error: Some(error), ..Outcome::default() };
    let snapshot = match context.store.snapshot() {
        Ok(snapshot) => snapshot,
        Err(error) => return failed(error),
    };
    let resumed = match is_resumed(&context) {
        Ok(resumed) => resumed,
        Err(error) => return failed(error),
    };
    let done = match context.store.entries_of_run(&context.run.id) {
        Ok(done) => done,
        Err(error) => return failed(error),
    };
    let (open, outputs) = (snapshot.open.clone(), snapshot.outputs.clone());
    let now = context.clock.now();
    let mut engine = Engine::new(context, snapshot);
    engine.writes.push(Write::BeginRun(engine.context.run.clone()));
    if !resumed {
        engine.record(plan);
    }
    engine.changed.read_before(lists, now);
    for (provider, listings) in lists {
        let whole = |list: &Listing| matches!(list, Listing::Rows(_) | Listing::ParentGone);
        let read = listings.iter().filter(|(_, list)| whole(list));
        for (scope, listing) in read {
            if let Listing::Rows(rows) = listing {
                let key = (provider.clone(), scope.clone());
                engine.settling.know_length(key, rows.len());
            }
            engine.note((provider.clone(), scope.clone()), listing);
        }
    }
    let lessons = engine.lessons.clone();
    engine.remember_times(plan);
    engine.scheduler = Some(Scheduler::new(&plan.operations, &plan.groups, |operation| {
        let service = &plan.changes.get(operation.change)?.service;
        let value = lessons.get(&lane_name(service, operation.address.kind()))?;
        lane_lesson(value, now)
    }));
    engine.set_plan(plan, evaluate);
    engine.skip_done(&done);
    engine.refuse_blocked(plan, &open);
    engine.run().await;
    engine.finish(plan, &outputs).await;
    engine.outcome
}

/// Returns whether the run was begun by an earlier process.
fn is_resumed(context: &ApplyContext<'_>) -> Result<bool, StateError> {
    let Some(digest) = &context.run.plan else { return Ok(false) };
    let known = context.store.run_of_plan(digest)?;
    Ok(known.is_some_and(|known| known.id == context.run.id))
}

impl Engine<'_> {
    /// Takes operations that an earlier process carried out for the same plan as done.
    fn skip_done(&mut self, entries: &[crate::state::JournalEntry]) {
        for entry in entries {
            let Some(index) = entry.operation.and_then(|index| usize::try_from(index).ok()) else {
                continue;
            };
            let (Some(scheduler), Some((plan, _))) = (&mut self.scheduler, self.plan) else {
                return;
            };
            let Some(operation) = plan.operations.get(index) else { continue };
            match entry.phase {
                Phase::Settled => scheduler.settled(index),
                // It made an object that never settled; the next plan replaces that.
                Phase::Rejected if entry.creates && entry.object_id.is_some() => {
                    self.outcome.failed += 1;
                    self.skip_dependents(index, &begin::name_of(operation));
                }
                _ => {}
            }
        }
    }
}
