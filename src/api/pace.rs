//! The pace of requests: how many are in flight, and how fast they follow each other.
//!
//! Without a ceiling requests go as fast as they can until the service throttles one. Then the
//! rate is halved, and grows back with every answer. All of it follows from the clock that is
//! given, so that it is the same in virtual time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::environment::{Clock, Timestamp};

use super::sleep::Sleep;

/// Rates are whole numbers of requests in a thousand seconds: this is one request in two seconds.
const SLOWEST: u64 = 500;
/// A rate that has grown back to this is no limit any more, unless a ceiling is set.
const UNLIMITED: u64 = 500_000;
const MICROSECONDS: u64 = 1_000_000;

/// Limits the requests of one client.
pub(super) struct Pace {
    permits: Semaphore,
    ceiling: Option<u64>,
    clock: Arc<dyn Clock>,
    sleeper: Arc<dyn Sleep>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The present rate; none while there is no limit.
    rate: Option<u64>,
    /// When the next request may go, in microseconds of the clock.
    next: i64,
    /// Nothing goes before this, in microseconds of the clock.
    held_until: i64,
    /// When the rate was last halved; answers to requests sent before say nothing new.
    halved: Option<i64>,
    /// When requests were sent within the last second.
    recent: VecDeque<i64>,
}

impl Pace {
    /// Creates a pace of at most `parallelism` requests in flight and, with `ceiling`, at most so
    /// many requests a second.
    pub(super) fn new(
        parallelism: usize,
        ceiling: Option<f64>,
        clock: Arc<dyn Clock>,
        sleeper: Arc<dyn Sleep>,
    ) -> Self {
        let ceiling = ceiling.and_then(rate_of);
        Self {
            permits: Semaphore::new(parallelism.clamp(1, Semaphore::MAX_PERMITS)),
            ceiling,
            clock,
            sleeper,
            state: Mutex::new(State { rate: ceiling, ..State::default() }),
        }
    }

    /// Waits until a request may be sent. The permit is held until its answer has come.
    pub(super) async fn admit(&self) -> Option<SemaphorePermit<'_>> {
        let permit = self.permits.acquire().await.ok();
        let wait = self.reserve();
        if !wait.is_zero() {
            self.sleeper.sleep(wait).await;
            // The service may have asked for silence meanwhile.
            let held = self.held();
            if !held.is_zero() {
                self.sleeper.sleep(held).await;
            }
        }
        permit
    }

    /// Returns how long a request would wait that wanted to be sent now.
    pub(super) fn delay(&self) -> Duration {
        let now = micros(self.clock.now());
        let state = self.lock();
        between(now, state.held_until.max(state.next))
    }

    /// Learns that a request sent at `sent` was throttled.
    pub(super) fn throttled(&self, sent: Timestamp, retry_after: Option<Duration>) {
        let now = micros(self.clock.now());
        let mut state = self.lock();
        if let Some(wait) = retry_after {
            let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
            state.held_until = state.held_until.max(now.saturating_add(wait));
        }
        if state.halved.is_some_and(|halved| micros(sent) <= halved) {
            return;
        }
        state.forget_before(now);
        let measured = u64::try_from(state.recent.len()).unwrap_or(u64::MAX).saturating_mul(1000);
        let present = state.rate.unwrap_or(measured);
        state.rate = Some((present / 2).max(SLOWEST));
        state.halved = Some(now);
    }

    /// Learns that a request was answered without being throttled.
    pub(super) fn answered(&self) {
        let mut state = self.lock();
        if state.halved.is_none() {
            return;
        }
        let Some(rate) = state.rate else { return };
        // One more request a second, each second.
        let grown = rate.saturating_add((1000 * 1000 / rate.max(1)).max(1));
        state.rate = match self.ceiling {
            Some(ceiling) => Some(grown.min(ceiling)),
            None if grown >= UNLIMITED => None,
            None => Some(grown),
        };
    }

    /// Takes the next place and returns how long to wait for it.
    fn reserve(&self) -> Duration {
        let now = micros(self.clock.now());
        let mut state = self.lock();
        let place = now.max(state.held_until).max(state.next);
        let interval = state.rate.map_or(0, |rate| MICROSECONDS * 1000 / rate.max(1));
        state.next = place.saturating_add(i64::try_from(interval).unwrap_or(i64::MAX));
        state.forget_before(now);
        state.recent.push_back(place);
        between(now, place)
    }

    fn held(&self) -> Duration {
        let now = micros(self.clock.now());
        between(now, self.lock().held_until)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget_before(&mut self, now: i64) {
        while self.recent.front().is_some_and(|sent| now.saturating_sub(*sent) >= 1_000_000) {
            self.recent.pop_front();
        }
    }
}

/// Returns requests a second as a rate; none for what is no positive number.
fn rate_of(requests_per_second: f64) -> Option<u64> {
    if requests_per_second <= 0.0 {
        return None;
    }
    let interval = Duration::try_from_secs_f64(requests_per_second.recip()).ok()?;
    let rate = Duration::from_secs(1000).as_nanos() / interval.as_nanos().max(1);
    Some(u64::try_from(rate).unwrap_or(u64::MAX).max(1))
}

fn micros(time: Timestamp) -> i64 {
    time.0.saturating_mul(1000)
}

fn between(now: i64, then: i64) -> Duration {
    Duration::from_micros(u64::try_from(then.saturating_sub(now)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::sleep::VirtualSleep;
    use crate::environment::ManualClock;

    fn pace(ceiling: Option<f64>) -> (Pace, ManualClock) {
        let clock = ManualClock::at(Timestamp(1_000_000));
        let sleeper = Arc::new(VirtualSleep::new(clock.clone()));
        (Pace::new(10, ceiling, Arc::new(clock.clone()), sleeper), clock)
    }

    async fn send(pace: &Pace, clock: &ManualClock, count: usize) -> Vec<i64> {
        let mut times = Vec::new();
        for _ in 0..count {
            drop(pace.admit().await);
            times.push(clock.now().0 - 1_000_000);
        }
        times
    }

    #[tokio::test]
    async fn without_a_limit_nothing_waits() {
        let (pace, clock) = pace(None);
        assert_eq!(send(&pace, &clock, 5).await, [0, 0, 0, 0, 0]);
    }

    #[tokio::test]
    async fn a_ceiling_spaces_requests() {
        let (pace, clock) = pace(Some(4.0));
        assert_eq!(send(&pace, &clock, 5).await, [0, 250, 500, 750, 1000]);
    }

    #[tokio::test]
    async fn throttling_halves_once_for_all_in_flight_and_grows_back() {
        let (pace, clock) = pace(Some(8.0));
        let sent = clock.now();
        send(&pace, &clock, 4).await;
        for _ in 0..3 {
            pace.throttled(sent, None);
        }
        let rate = || pace.lock().rate;
        assert_eq!(rate(), Some(4000), "halved once");
        clock.advance(Duration::from_millis(1));
        pace.throttled(clock.now(), None);
        assert_eq!(rate(), Some(2000));
        for _ in 0..1000 {
            pace.answered();
        }
        assert_eq!(rate(), Some(8000), "and never over the ceiling");
    }

    #[tokio::test]
    async fn an_unlimited_rate_is_measured_when_it_is_throttled() {
        let (pace, clock) = pace(None);
        send(&pace, &clock, 20).await;
        pace.throttled(clock.now(), Some(Duration::from_secs(3)));
        assert_eq!(pace.lock().rate, Some(10_000));
        assert_eq!(send(&pace, &clock, 3).await, [3000, 3100, 3200]);
        for _ in 0..200_000 {
            pace.answered();
        }
        assert_eq!(pace.lock().rate, None, "and is unlimited again in the end");
    }

    #[test]
    fn rates_are_read_from_settings() {
        assert_eq!(rate_of(10.0), Some(10_000));
        assert_eq!(rate_of(0.5), Some(500));
        for nothing in [0.0, -1.0, f64::NAN] {
            assert_eq!(rate_of(nothing), None);
        }
        assert!(rate_of(f64::INFINITY).is_some());
    }
}
