//! When to ask whether a call has settled: learned from how long each action took so far.
//!
//! The first calls of an action are asked about at growing distances. From then on calls are asked
//! about when the last ones were certainly settled, but for one at a time that is asked about earlier:
//! halfway to the longest time that was too short. So the right time is found in a few steps, at the
//! cost of one question each, however many calls are under way; and after a while it is tried again,
//! for the service may have become quicker.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::api::catalogue::Action;
use crate::state::Service;

use super::forecast::documented;

/// The first question about an action of which nothing is known.
const FIRST: Duration = Duration::from_millis(500);
/// While nothing is known, each distance is so many times the one before: what is over in between is
/// noticed at most about a quarter of its time late.
const UNKNOWN: f64 = 1.25;
/// No two questions are further apart.
const LONGEST: Duration = Duration::from_secs(5);
/// No two questions are nearer.
const SHORTEST: Duration = Duration::from_millis(20);

/// Times nearer to each other than this part of them are not told apart.
const GRAIN: f64 = 0.01;
/// A time so many times the longest that was too short says little. The first questions are nearer to
/// each other, also where they are late.
const VAGUE: f64 = 4.0;
/// After so many calls without a trial it is tried again whether less time is enough.
const TRIED_AGAIN: u32 = 64;
/// Where times vary, there are at most so many calls between two trials.
const LONGEST_REST: u32 = 32;

/// What is known of an action; times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Known {
    /// A time that was enough for the last calls.
    enough: f64,
    /// The longest time below it that was too short.
    short: f64,
    /// Whether a trial is under way.
    trying: bool,
    /// Calls since the last trial.
    calls: u32,
    /// Calls between two trials; grows where times vary, so that trials say little.
    rest: u32,
    /// Whether `short` is only supposed to be too short, since it is long ago that it was.
    supposed: bool,
}

impl Known {
    const fn new(short: f64, enough: f64) -> Self {
        Self { enough, short, trying: false, calls: 0, rest: 0, supposed: false }
    }

    /// Returns whether little is known: it was looked so late, while requests were scarce, that what
    /// was enough may be many times what is needed.
    fn is_vague(&self) -> bool {
        self.enough > self.short.max(milliseconds(FIRST)) * VAGUE
    }

    /// Returns when to ask about the next call, and whether that is a trial.
    fn ask(&mut self) -> (f64, bool) {
        self.calls += 1;
        if self.calls > TRIED_AGAIN && !self.trying {
            (self.short, self.supposed) = (self.short.min(self.enough * 0.9), true);
        }
        let apart = self.enough - self.short > self.enough * GRAIN;
        if self.trying || !apart || self.calls <= self.rest {
            return (self.enough, false);
        }
        (self.trying, self.calls) = (true, 0);
        (f64::midpoint(self.short, self.enough), true)
    }

    fn learn(&mut self, seen: Seen, ready: f64) {
        self.trying &= !seen.trial;
        let missed = seen.missed.map(milliseconds);
        let vary = match missed {
            // What was enough for others was not for this one.
            Some(missed) if !seen.trial => missed >= self.enough * 0.999,
            _ => ready <= self.short,
        };
        if vary {
            self.rest = (self.rest * 2 + 1).min(LONGEST_REST);
            let short = seen.busy.map_or(ready * 0.97, milliseconds);
            (self.short, self.enough) = (short.min(ready), ready);
            return;
        }
        self.supposed &= missed.is_none();
        if seen.trial && self.supposed {
            // It became quicker, and nobody knows by how much.
            self.short = self.short.min(ready * 0.7);
        }
        self.enough = self.enough.min(ready);
        let busy = seen.busy.map(milliseconds);
        // While little is known, all questions tell, not only the first.
        let too_short = if self.is_vague() { busy } else { missed.or(busy) };
        let too_short = too_short.filter(|time| *time < self.enough);
        self.short = self.short.max(too_short.unwrap_or(0.0));
    }
}

/// What was seen of a call before it was settled; all times count from its answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// When it was last seen unsettled.
    pub(super) busy: Option<Duration>,
    /// When its own first question came, if that was too soon. Questions of others tell of it, too.
    pub(super) missed: Option<Duration>,
    /// Whether that question was a trial.
    pub(super) trial: bool,
}

/// What has a time of its own: an action of a service.
pub(super) type Learner = (Service, Action);

/// The times of all actions.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace(BTreeMap<Learner, Known>);

impl Pace {
    /// Takes over what an earlier run learned: the time after which an action was settled.
    pub(super) fn remember(&mut self, learner: Learner, time: Duration) {
        let time = milliseconds(time);
        self.0.insert(learner, Known::new(time * 0.995, time));
    }

    /// Returns what was learned, for later runs.
    pub(super) fn learned(&self) -> impl Iterator<Item = (&Learner, Duration)> {
        let sure = self.0.iter().filter(|(_, known)| !known.is_vague());
        sure.map(|(learner, known)| (learner, duration(known.enough)))
    }

    /// Returns whether it is known about how long an action takes.
    pub(super) fn knows(&self, learner: &Learner) -> bool {
        self.0.get(learner).is_some_and(|known| !known.is_vague())
    }

    /// Returns how long after the answer to ask about the next call, and whether that is a trial.
    pub(super) fn first(&mut self, learner: &Learner) -> (Duration, bool) {
        match self.0.get_mut(learner) {
            None => (FIRST, false),
            Some(known) if known.is_vague() => (duration(known.short).max(FIRST), false),
            Some(known) => {
                let (time, trial) = known.ask();
                (duration(time), trial)
            }
        }
    }

    /// Returns how long after the `asked`-th question, which came `elapsed` after the answer and
    /// too soon, to ask again.
    pub(super) fn next(&self, learner: &Learner, asked: u32, elapsed: Duration) -> Duration {
        let elapsed = milliseconds(elapsed);
        let asked = i32::try_from(asked.min(40)).unwrap_or(40);
        let growth = 1.5_f64.powi(asked);
        let wait = match self.0.get(learner) {
            Some(known) if known.enough <= elapsed => known.enough * 0.02 * growth,
            Some(known) if !known.is_vague() => known.enough - elapsed,
            // One more question comes when it is over by the documentation.
            _ => {
                let over = milliseconds(Duration::from_millis(documented(learner.1)));
                let more = if over > 0.0 && elapsed >= over { 2 } else { 0 };
                let wait = milliseconds(FIRST) * UNKNOWN.powi((asked - more).max(0));
                let wait = wait.min(milliseconds(LONGEST));
                if over > elapsed { wait.min(over - elapsed) } else { wait }
            }
        };
        duration(wait).clamp(SHORTEST, LONGEST)
    }

    /// Learns from what was seen of a call, and that it was settled at `ready` after its answer.
    pub(super) fn learn(&mut self, learner: &Learner, seen: Seen, ready: Duration) {
        let ready = milliseconds(ready);
        if let Some(known) = self.0.get_mut(learner) {
            known.learn(seen, ready);
        } else {
            let short = seen.busy.map_or(0.0, milliseconds);
            self.0.insert(learner.clone(), Known::new(short, ready));
        }
    }

    /// Notes that a call was given up on.
    pub(super) fn forget(&mut self, learner: &Learner, seen: Seen) {
        if let Some(known) = self.0.get_mut(learner) {
            known.trying &= !seen.trial;
        }
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

    const CREATE: Learner = (Service::Real, Action::CreateForwardEntry);

    /// Settles `count` calls that take `time(i)` each and returns questions and time lost, both per
    /// call, the latter as a part of the times.
    fn run(pace: &mut Pace, count: u32, time: impl Fn(u32) -> u64) -> (f64, f64) {
        let (mut asked, mut waited, mut least) = (0, Duration::ZERO, Duration::ZERO);
        for call in 0..count {
            let takes = Duration::from_millis(time(call));
            let (mut elapsed, trial) = pace.first(&CREATE);
            let (mut seen, mut questions) = (Seen { trial, ..Seen::default() }, 1);
            while elapsed < takes {
                seen.missed = seen.missed.or(Some(elapsed));
                seen.busy = Some(elapsed);
                elapsed += pace.next(&CREATE, questions, elapsed);
                questions += 1;
            }
            pace.learn(&CREATE, seen, elapsed);
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
    fn what_was_looked_at_late_is_found_out_anew() {
        let mut pace = Pace::default();
        // Requests were scarce, and nobody looked before.
        pace.learn(&CREATE, Seen::default(), Duration::from_secs(6));
        assert!(!pace.knows(&CREATE) && pace.learned().next().is_none());
        assert_eq!(pace.first(&CREATE), (FIRST, false));
        let (asked, late) = run(&mut pace, 20, |_| 1000);
        assert!(asked < 1.5 && late < 1.1, "{asked} questions, {late}");
        assert!(pace.knows(&CREATE));
    }

    #[test]
    fn what_takes_long_is_not_vague_for_ever() {
        for takes in [5_000, 20_000, 120_000] {
            let mut pace = Pace::default();
            let busy = Some(Duration::from_millis(500));
            pace.learn(&CREATE, Seen { busy, ..Seen::default() }, Duration::from_millis(takes));
            let (asked, late) = run(&mut pace, 50, |_| takes);
            assert!(asked < 1.7 && late < 1.05, "{takes}: {asked} questions, {late}");
            assert!(pace.knows(&CREATE));
        }
    }

    #[test]
    fn each_service_has_times_of_its_own() {
        let other = (Service::Server("http://h".into()), Action::CreateForwardEntry);
        let mut pace = Pace::default();
        run(&mut pace, 10, |_| 5000);
        assert!(pace.knows(&CREATE) && !pace.knows(&other));
        assert_eq!(pace.first(&other), (FIRST, false));
        let busy = Some(Duration::from_millis(900));
        pace.learn(&other, Seen { busy, ..Seen::default() }, Duration::from_secs(1));
        let learned: BTreeMap<_, _> = pace.learned().collect();
        assert_eq!(learned[&other], Duration::from_secs(1));
        assert!(learned[&CREATE] >= Duration::from_secs(5));
    }

    #[test]
    fn what_an_earlier_run_learned_is_used_at_once() {
        let mut pace = Pace::default();
        pace.remember(CREATE, Duration::from_millis(1010));
        assert!(run(&mut pace, 1, |_| 1000).0 < 1.5);
    }
}
