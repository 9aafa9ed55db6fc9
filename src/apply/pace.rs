//! When to ask whether a call has settled: learned from how long each action took so far.
//!
//! The first calls of an action are asked about at growing distances. What they tell narrows the
//! time within which the action settles by halves; then the guess follows the service: a little
//! earlier after each first question that found it settled, a little later after each that came too
//! soon. So a call costs little more than one question, asked little later than necessary.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::api::catalogue::Action;

/// The first question about an action of which nothing is known.
const FIRST: Duration = Duration::from_millis(500);
/// No two questions are further apart.
const LONGEST: Duration = Duration::from_secs(5);
/// No two questions are nearer.
const SHORTEST: Duration = Duration::from_millis(20);

/// What is known of an action, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Known {
    /// It settles between two times: the longest after which it was not settled, and the shortest
    /// after which it was.
    Between(f64, f64),
    /// It settles at about this time; the last so many first questions were not too soon.
    About(f64, u32),
}

impl Known {
    /// Returns when to ask first.
    const fn guess(self) -> f64 {
        match self {
            Self::Between(low, high) => f64::midpoint(low, high),
            Self::About(guess, _) => guess,
        }
    }

    /// Returns what is known after a call that was settled at `ready`, not yet at `busy`, and whose
    /// own first question came too soon at `missed`.
    fn after(self, busy: Option<f64>, missed: Option<f64>, ready: f64) -> Self {
        let next = match (self, busy) {
            (Self::Between(low, high), busy) => {
                let (low, high) = (low.max(busy.unwrap_or(0.0)), high.min(ready));
                // Otherwise it takes another time than before, or times vary.
                if low < high { Self::Between(low, high) } else { Self::About(ready, 0) }
            }
            // Of many calls side by side only those that were asked about at the present guess teach
            // anything of it.
            (Self::About(guess, well), _) => match missed {
                None if ready > guess * 1.002 + 1.0 => Self::About(guess, well),
                // The longer all is well, the bolder the next step.
                None => {
                    let step = 1.3_f64.powi(i32::try_from(well).unwrap_or(20).min(20)) * 0.001;
                    Self::About(ready.min(guess * (1.0 - step.min(0.1))), well + 1)
                }
                Some(missed) if missed > guess * 1.1 => Self::Between(missed, ready),
                Some(_) if busy.is_some_and(|busy| busy > guess * 1.1) => {
                    Self::Between(busy.unwrap_or(0.0), ready)
                }
                Some(missed) if missed < guess * 0.999 => Self::About(guess, well),
                // Some way back, so that the next few are in time again.
                Some(_) => Self::About(ready * 1.015, 0),
            },
        };
        match next {
            Self::Between(low, high) if high - low <= high * 0.03 => Self::About(high, 0),
            next => next,
        }
    }
}

/// What was seen of a call before it was settled; all times count from its answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// When it was last seen unsettled.
    pub(super) busy: Option<Duration>,
    /// When its own first question came, if that was too soon. Questions of others tell of it, too.
    pub(super) missed: Option<Duration>,
}

/// The times of all actions.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace(BTreeMap<Action, Known>);

impl Pace {
    /// Takes over what an earlier run learned: the time after which an action was settled.
    pub(super) fn remember(&mut self, action: Action, time: Duration) {
        self.0.insert(action, Known::About(milliseconds(time), 0));
    }

    /// Returns what was learned, for later runs.
    pub(super) fn learned(&self) -> impl Iterator<Item = (Action, Duration)> {
        self.0.iter().map(|(action, known)| (*action, duration(known.guess())))
    }

    /// Returns how long after the answer to ask first.
    pub(super) fn first(&self, action: Action) -> Duration {
        self.0.get(&action).map_or(FIRST, |known| duration(known.guess()))
    }

    /// Returns how long after the `asked`-th question, which came `elapsed` after the answer and
    /// too soon, to ask again.
    pub(super) fn next(&self, action: Action, asked: u32, elapsed: Duration) -> Duration {
        let elapsed = milliseconds(elapsed);
        let growth = 1.5_f64.powi(i32::try_from(asked.min(40)).unwrap_or(40));
        let wait = match self.0.get(&action) {
            Some(Known::Between(_, high)) if *high > elapsed => high - elapsed,
            Some(known) => known.guess() * 0.02 * growth,
            None => milliseconds(FIRST) * growth,
        };
        duration(wait).clamp(SHORTEST, LONGEST)
    }

    /// Learns from what was seen of a call, and that it was settled at `ready` after its answer.
    pub(super) fn learn(&mut self, action: Action, seen: Seen, ready: Duration) {
        let (busy, ready) = (seen.busy.map(milliseconds), milliseconds(ready));
        let next = match self.0.get(&action) {
            Some(known) => known.after(busy, seen.missed.map(milliseconds), ready),
            None => Known::Between(busy.unwrap_or(0.0), ready),
        };
        self.0.insert(action, next);
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn duration(milliseconds: f64) -> Duration {
    // Rounded up to the clock's grain, or the question would come just too soon.
    Duration::try_from_secs_f64((milliseconds.ceil() / 1000.0).max(0.0)).unwrap_or(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settles `count` calls that take `time(i)` each and returns questions and time lost, both per
    /// call, the latter as a part of the times.
    fn run(pace: &mut Pace, count: u32, time: impl Fn(u32) -> u64) -> (f64, f64) {
        let (mut asked, mut waited, mut least) = (0, Duration::ZERO, Duration::ZERO);
        for call in 0..count {
            let takes = Duration::from_millis(time(call));
            let mut elapsed = pace.first(Action::CreateForwardEntry);
            let (mut seen, mut questions) = (Seen::default(), 1);
            while elapsed < takes {
                seen.missed = seen.missed.or(Some(elapsed));
                seen.busy = Some(elapsed);
                elapsed += pace.next(Action::CreateForwardEntry, questions, elapsed);
                questions += 1;
            }
            pace.learn(Action::CreateForwardEntry, seen, elapsed);
            asked += questions;
            waited += elapsed;
            least += takes;
        }
        (f64::from(asked) / f64::from(count), waited.as_secs_f64() / least.as_secs_f64())
    }

    #[test]
    fn a_steady_service_is_asked_once_and_in_time() {
        for takes in [40, 700, 1000, 5000, 120_000] {
            let mut pace = Pace::default();
            run(&mut pace, 10, |_| takes);
            let (asked, late) = run(&mut pace, 100, |_| takes);
            assert!(
                asked < 1.2 && (late < 1.03 || takes < 100),
                "{takes}: {asked} questions, {late}"
            );
        }
    }

    #[test]
    fn learning_itself_is_cheap() {
        let (asked, late) = run(&mut Pace::default(), 100, |_| 1000);
        assert!(asked < 1.2 && late < 1.04, "{asked} questions, {late}");
    }

    #[test]
    fn a_service_that_varies_is_not_asked_all_the_time() {
        let vary = |i: u32| 4000 + u64::from(i * 7919 % 1000);
        let (asked, late) = run(&mut Pace::default(), 200, vary);
        assert!(asked < 2.5 && late < 1.15, "{asked} questions, {late}");
    }

    #[test]
    fn a_service_that_changes_is_followed() {
        let mut pace = Pace::default();
        run(&mut pace, 30, |_| 5000);
        run(&mut pace, 20, |_| 15_000);
        let (asked, late) = run(&mut pace, 50, |_| 15_000);
        assert!(asked < 1.3 && late < 1.05, "slower: {asked} questions, {late}");
        run(&mut pace, 100, |_| 2000);
        let learned = pace.learned().next().unwrap().1;
        assert!(learned < Duration::from_millis(4200), "quicker: {learned:?}");
    }

    #[test]
    fn what_an_earlier_run_learned_is_used_at_once() {
        let mut pace = Pace::default();
        pace.remember(Action::CreateForwardEntry, Duration::from_millis(1010));
        assert!(run(&mut pace, 1, |_| 1000).0 < 1.5);
    }
}
