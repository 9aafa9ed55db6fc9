//! The pace of requests: how many are under way, and how fast they follow each other.
//!
//! Without a ceiling requests go as fast as they can until the service refuses one as too many
//! (`rate`). Whoever waits, waits in one queue, in which what changes something and what only reads
//! take turns (`gate`). All of it follows from the clock that is given, so that it is the same in
//! virtual time; a clock that is put back stops nobody.

mod gate;
mod rate;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::select;
use tokio::sync::Notify;

use crate::environment::{Clock, Timestamp};

use super::catalogue::Action;
use super::sleep::Sleep;
use gate::{Gate, Turn};

pub(super) use gate::Verdict;

/// Timers and clocks of tests know no less.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// Limits the requests to one service.
pub(super) struct Pace {
    clock: Arc<dyn Clock>,
    sleeper: Arc<dyn Sleep>,
    state: Mutex<State>,
}

struct State {
    gate: Gate<Action>,
    /// Wakes those who wait, by ticket.
    waiting: BTreeMap<u64, Arc<Notify>>,
    /// Whether requests that change something are not let through any more.
    closed: bool,
    /// When a request was last served.
    answered: Option<Timestamp>,
    /// Microseconds that are added to the clock, which may be put back.
    ahead: i64,
    last: i64,
}

/// Changes are not let through any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closed;

/// A request that may be sent now; to be given back with what its answer says.
pub(super) struct Permit<'a> {
    pace: &'a Pace,
    action: Action,
    sent: i64,
    verdict: Verdict,
    served: bool,
}

impl Permit<'_> {
    /// Gives the place back, with what the answer says of the rate and whether it is one that serves.
    pub(super) fn end(mut self, verdict: Verdict, served: bool) {
        (self.verdict, self.served) = (verdict, served);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.lock();
        let now = self.pace.now(&mut state);
        if self.served {
            state.answered = Some(self.pace.clock.now());
        }
        state.gate.returns(self.action, self.sent, now, self.verdict);
        state.rouse(now);
    }
}

/// One that waits; it is taken out when it does not wait any more.
struct Ticket<'a> {
    pace: &'a Pace,
    action: Action,
    number: u64,
    bell: Arc<Notify>,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.lock();
        if state.waiting.remove(&self.number).is_some() {
            state.gate.withdraw(self.action, self.number);
            let now = self.pace.now(&mut state);
            state.rouse(now);
        }
    }
}

impl Pace {
    /// Creates a pace of at most `parallelism` requests under way and, with `ceiling`, at most so
    /// many requests a second.
    pub(super) fn new(
        parallelism: usize,
        ceiling: Option<f64>,
        clock: Arc<dyn Clock>,
        sleeper: Arc<dyn Sleep>,
    ) -> Self {
        let ceiling = ceiling.filter(|rate| *rate > 0.0);
        let state = State {
            gate: Gate::new(parallelism.max(1), ceiling),
            waiting: BTreeMap::new(),
            closed: false,
            answered: None,
            ahead: 0,
            last: 0,
        };
        Self { clock, sleeper, state: Mutex::new(state) }
    }

    /// Lowers the ceiling to so many requests a second.
    pub(super) fn lower_ceiling(&self, ceiling: f64) {
        if ceiling > 0.0 {
            self.lock().gate.lower_ceiling(ceiling);
        }
    }

    /// Waits until a request may be sent. The error says that it is not to be sent any more.
    pub(super) async fn admit(&self, action: Action) -> Result<Permit<'_>, Closed> {
        let ticket = self.queue(action);
        loop {
            let wait = {
                let mut state = self.lock();
                if state.closed && action.mutates() {
                    return Err(Closed);
                }
                let now = self.now(&mut state);
                match state.gate.turn(now) {
                    Turn::Now(number) if number == ticket.number => {
                        state.waiting.remove(&number);
                        state.gate.leaves(action, number, now);
                        state.rouse(now);
                        let verdict = Verdict::Nothing;
                        return Ok(Permit {
                            pace: self,
                            action,
                            sent: now,
                            verdict,
                            served: false,
                        });
                    }
                    Turn::At(at, number) if number == ticket.number => {
                        Some(micros(at.saturating_sub(now)).max(SHORTEST_WAIT))
                    }
                    Turn::Now(other) | Turn::At(_, other) => {
                        state.ring(other);
                        None
                    }
                    Turn::Nobody => None,
                }
            };
            let woken = pin!(ticket.bell.notified());
            match wait {
                Some(wait) => drop(select(woken, self.sleeper.sleep(wait)).await),
                None => woken.await,
            }
        }
    }

    fn queue(&self, action: Action) -> Ticket<'_> {
        let mut state = self.lock();
        let now = self.now(&mut state);
        let number = state.gate.wait(action, action.mutates(), now);
        let bell = Arc::new(Notify::new());
        state.waiting.insert(number, Arc::clone(&bell));
        state.rouse(now);
        Ticket { pace: self, action, number, bell }
    }

    /// Lets no more changes through: those who wait end at once.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for bell in state.waiting.values() {
            bell.notify_one();
        }
    }

    /// Returns how long a request would wait at least that came now.
    pub(super) fn delay(&self, action: Action) -> Duration {
        let mut state = self.lock();
        let now = self.now(&mut state);
        micros(state.gate.delay(action, now))
    }

    /// Returns for how long the service asked for silence about an action.
    pub(super) fn silence(&self, action: Action) -> Duration {
        let mut state = self.lock();
        let now = self.now(&mut state);
        micros(state.gate.held_until(action).saturating_sub(now))
    }

    /// Returns when a request was last served.
    pub(super) fn answered(&self) -> Option<Timestamp> {
        self.lock().answered
    }

    /// Returns how many requests of an action a second the service is believed to bear, where it
    /// refused more; none also while that is being found out.
    pub(super) fn limit(&self, action: Action) -> Option<f64> {
        self.lock().gate.limit(action)
    }

    /// Returns the lowest of such limits of all actions.
    pub(super) fn lowest_limit(&self) -> Option<f64> {
        self.lock().gate.lowest_limit()
    }

    /// Returns the time in microseconds, which never goes back.
    fn now(&self, state: &mut State) -> i64 {
        let clock = self.clock.micros();
        let now = clock.saturating_add(state.ahead);
        if now < state.last {
            state.ahead = state.last.saturating_sub(clock);
        }
        state.last = state.last.max(now);
        state.last
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Wakes the one who goes next.
    fn rouse(&self, now: i64) {
        match self.gate.turn(now) {
            Turn::Now(number) | Turn::At(_, number) => self.ring(number),
            Turn::Nobody => {}
        }
    }

    fn ring(&self, number: u64) {
        if let Some(bell) = self.waiting.get(&number) {
            bell.notify_one();
        }
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
