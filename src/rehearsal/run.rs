//! Carries out a plan on a stage.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Stage;
use crate::apply::{
    self, ApplyContext, ApplyEvent, Evaluate, Interrupt, Observer, Outcome, Resolution, Settings,
};
use crate::diagnostic::Diagnostic;
use crate::environment::Clock;
use crate::plan::Plan;
use crate::resources::Listings;
use crate::state::{JournalEntry, LockInfo, RunRecord, StateError, Store};

/// What became of a plan that was carried out in virtual time.
#[derive(Debug)]
pub struct Run {
    /// What the engine made of it.
    pub outcome: Outcome,
    /// What happened, with the time since the beginning.
    pub events: Vec<(Duration, ApplyEvent)>,
    /// The calls in the order in which they were intended; closed ones have no parameters.
    pub journal: Vec<JournalEntry>,
    /// How long it took in virtual time.
    pub took: Duration,
}

/// Carries out a plan by the real engine, on a stage and with a state of its own, in virtual time.
/// `lists` are those that were read while planning, by provider. Nothing else is touched: the stage's
/// emulators hold what came of it, and the store what was recorded.
///
/// Errors: the state that was handed in cannot be used.
pub fn virtual_run(
    plan: &Plan,
    evaluate: &dyn Evaluate,
    lists: &BTreeMap<String, Listings>,
    (stage, store): (&Stage, &mut (dyn Store + 'static)),
    settings: Settings,
) -> Result<Run, StateError> {
    record(stage, store, |store, observer| {
        play(stage, store, settings, observer, async |context| {
            apply::apply(plan, evaluate, lists, context).await
        })
    })
}

/// Does the same, and keeps nothing of what happens: returns what the engine made of it, and how long
/// it took in virtual time.
pub fn virtual_outcome(
    plan: &Plan,
    evaluate: &dyn Evaluate,
    lists: &BTreeMap<String, Listings>,
    (stage, store): (&Stage, &mut (dyn Store + 'static)),
    settings: Settings,
) -> Result<(Outcome, Duration), StateError> {
    let work = async |context: ApplyContext<'_>| apply::apply(plan, evaluate, lists, context).await;
    play(stage, store, settings, &|_: ApplyEvent| {}, work)
        .map(|(outcome, took, _)| (outcome, took))
}

/// Finishes on a stage what is unfinished in its state, as each apply does at first.
pub fn virtual_recovery(
    wanted: &dyn Fn(&JournalEntry) -> bool,
    resolutions: &[Resolution],
    (stage, store): (&Stage, &mut (dyn Store + 'static)),
    settings: Settings,
) -> Result<Run, StateError> {
    record(stage, store, |store, observer| {
        play(stage, store, settings, observer, async |context| {
            apply::recover(context, wanted, resolutions).await
        })
    })
}

/// What the engine made of it, how long it took, and the id of the run.
type Played = (Outcome, Duration, String);

/// Keeps all that happens.
fn record(
    stage: &Stage,
    store: &mut (dyn Store + 'static),
    play: impl FnOnce(&mut (dyn Store + 'static), &dyn Observer) -> Result<Played, StateError>,
) -> Result<Run, StateError> {
    let clock = stage.time().clock();
    let begin = clock.now();
    let events = Mutex::new(Vec::new());
    let observer = |event: ApplyEvent| {
        let mut events = events.lock().unwrap_or_else(PoisonError::into_inner);
        events.push((clock.now().since(begin), event));
    };
    let (outcome, took, run) = play(store, &observer)?;
    let journal = store.entries_of_run(&run)?;
    let events = events.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Run { outcome, events, journal, took })
}

fn play(
    stage: &Stage,
    store: &mut (dyn Store + 'static),
    settings: Settings,
    observer: &dyn Observer,
    work: impl AsyncFnOnce(ApplyContext<'_>) -> Outcome,
) -> Result<Played, StateError> {
    let clock = stage.time().clock();
    let begin = clock.now();
    let info = LockInfo {
        id: stage.environment().ids.next(),
        who: "rehearsal".to_owned(),
        pid: 0,
        operation: "apply".to_owned(),
        since: begin,
    };
    let lock = store.lock(&info, Duration::ZERO)?;
    let run = RunRecord {
        id: info.id.clone(),
        command: info.operation.clone(),
        who: info.who.clone(),
        plan: None,
        started_at: begin,
        ended_at: None,
    };
    let context = ApplyContext {
        store,
        lock: &lock,
        run: &run,
        service: stage.service(),
        clock,
        ids: &*stage.environment().ids,
        sleeper: stage.time(),
        observer,
        interrupt: Interrupt::never(),
        settings,
    };
    let outcome = stage.time().run(work(context)).unwrap_or_else(stuck);
    Ok((outcome, clock.now().since(begin), run.id))
}

/// What a run came to in which everything waits for nothing: a transition of the service that ends
/// only when it is told to.
fn stuck() -> Outcome {
    let diagnostic = Diagnostic::error("never-ends", "the run waits for what never happens")
        .help("this is a mistake of natform's; report it");
    let mut outcome = Outcome::default();
    outcome.failed = 1;
    outcome.diagnostics.push(diagnostic);
    outcome
}
