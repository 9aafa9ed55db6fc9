//! One limit and what is known of it: how soon the next request may follow. A function of times and
//! answers alone; times are microseconds of any clock that does not go back.
//!
//! Nothing is limited until the service refuses. Then few requests are sent, each twice as long after
//! the one before, until one of them is answered; what was answered until then, over the time that
//! it took, tells the rate that the service bears. From just below that the rate grows: quickly to
//! near where it was refused last, slowly beyond, and quickly again well above. Requests that were
//! under way when it fell are of the same event. The longer an event kept everyone waiting, the
//! longer the rate rests before it grows. What the first events tell is rough, since then there is
//! often too little to send: after them it grows several times as fast, where they are cheap. It also
//! grows the faster the longer nothing was refused: the limit may have been lifted.

use std::collections::VecDeque;
use std::time::Duration;

const SECOND: i64 = 1_000_000;
/// The distance of the first requests after a refusal where no rate was known.
const FIRST_GAP: i64 = 4_000;
/// The largest distance of requests while all are refused.
const LONGEST_GAP: i64 = 2 * SECOND;
/// Who comes late by no more than this does not lose its place, so that timers cost no rate.
const CATCH_UP: i64 = 5_000;
/// After an event the rate rests for so many times as long as that took, up to a limit; half as long
/// after one that cost little.
const REST: i64 = 20;
const LONGEST_REST: i64 = 60 * SECOND;
/// Such an event costs little.
const CHEAP: i64 = SECOND / 2;
/// After so many events the rate is known well.
const ROUGH: f64 = 8.0;
/// The slowest rate, in requests a second.
const SLOWEST: f64 = 0.2;
/// A rate that has grown to this is no limit any more.
const UNLIMITED: f64 = 2_000.0;
/// How many answers are remembered.
const REMEMBERED: usize = 1024;
/// The rate to begin with where the service tells nothing of what it bears.
const UNKNOWN: f64 = 100.0;
/// A rate at which so many requests were answered in a row is not far too fast.
const STEADY: u32 = 8;
/// So many requests within a second are no mere burst at its beginning.
const MANY: f64 = 20.0;
/// Fewer requests tell nothing of what the service bears.
const FEW: u32 = 3;

/// One limit.
#[derive(Debug, Default)]
pub(super) struct Rate {
    /// Requests a second that are never exceeded.
    ceiling: Option<f64>,
    /// Requests a second that the service is believed to bear; none while it never refused.
    borne: Option<f64>,
    /// The rate from which it grows now, and since when.
    base: (f64, i64),
    /// The rate that was too fast last.
    met: Option<f64>,
    /// When the next request may follow the last one.
    next: i64,
    /// The service asked for silence until then.
    held_until: i64,
    /// The last request left.
    last: i64,
    /// Whether the last request left as soon as it might: only then the rate says something.
    tight: bool,
    /// Since the service refused, until it answers what was sent after that.
    event: Option<Event>,
    /// The end of the last event; what was sent before is of that event.
    ended: i64,
    rests_until: i64,
    /// How many events came soon after another one.
    unsteady: u32,
    /// How many requests were answered since the last event.
    run: u32,
    /// How many of them left later than they might have.
    loose: u32,
    /// When the first of them left.
    cycle: i64,
    /// How many events there were, and whether the last one was short.
    events: u32,
    cheap: bool,
    /// When requests left that were answered.
    answered: VecDeque<i64>,
}

#[derive(Debug)]
struct Event {
    since: i64,
    /// When the first request that was refused left.
    began: i64,
    /// How many requests that were sent since were refused.
    refused: u32,
    /// Whether the service said when to come again.
    held: bool,
    gap: i64,
}

impl Rate {
    /// Creates one that never exceeds so many requests a second.
    pub(super) fn with_ceiling(ceiling: Option<f64>) -> Self {
        Self { ceiling, ..Self::default() }
    }

    /// Lowers the ceiling.
    pub(super) fn lower_ceiling(&mut self, ceiling: f64) {
        self.ceiling = Some(self.ceiling.map_or(ceiling, |known| known.min(ceiling)));
    }

    /// Returns the requests a second that the service is believed to bear, where it refused more.
    pub(super) fn limit(&self) -> Option<f64> {
        self.borne.filter(|rate| *rate < UNLIMITED)
    }

    /// Returns whether the service refuses at present.
    pub(super) const fn is_refused(&self) -> bool {
        self.event.is_some()
    }

    /// Returns until when the service asked for silence.
    pub(super) const fn held_until(&self) -> i64 {
        self.held_until
    }

    /// Returns when the next request may leave.
    pub(super) fn earliest(&self) -> i64 {
        self.next.max(self.held_until)
    }

    /// Notes that a request leaves, which nothing but the rate kept from it since `ready`.
    pub(super) fn leaves(&mut self, now: i64, ready: i64) {
        let spacing = self.spacing();
        let earliest = self.earliest();
        self.tight = spacing > 0 && now < earliest.saturating_add(spacing);
        let place = match &mut self.event {
            Some(event) => {
                event.gap = event.gap.saturating_mul(2).min(LONGEST_GAP);
                now
            }
            None if self.tight && ready <= earliest => earliest.max(now - CATCH_UP.min(spacing)),
            None => now,
        };
        self.next = place.saturating_add(spacing);
        self.last = now;
    }

    /// Learns that a request that left at `sent` was refused.
    pub(super) fn refused(&mut self, sent: i64, now: i64, retry_after: Option<Duration>) {
        if let Some(wait) = retry_after {
            let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
            self.held_until = self.held_until.max(now.saturating_add(wait));
        }
        let held = retry_after.is_some();
        match &mut self.event {
            Some(event) => event.refused += u32::from(sent > event.since),
            None if sent < self.ended => {}
            None => {
                let gap = self.borne.map_or(FIRST_GAP, interval);
                self.event = Some(Event { since: now, began: sent, refused: 0, held, gap });
                self.next = now.saturating_add(gap.max(self.floor()));
            }
        }
    }

    /// Learns that a request that left at `sent` was not refused for the rate.
    pub(super) fn answered(&mut self, sent: i64, now: i64) {
        if let Some(event) = self.event.take_if(|event| sent > event.since) {
            self.end(&event, sent, now);
        } else if self.event.is_none()
            && self.tight
            && sent >= self.ended
            && now >= self.rests_until
        {
            self.grow(sent, now);
        }
        self.run = self.run.saturating_add(1);
        self.loose = self.loose.saturating_add(u32::from(!self.tight));
        self.answered.push_back(sent);
        if self.answered.len() > REMEMBERED {
            self.answered.pop_front();
        }
    }

    /// Returns how often the rate was still far too fast after it had fallen.
    pub(super) const fn unsteady(&self) -> u32 {
        self.unsteady
    }

    /// Returns how many requests that left since `from` were answered.
    pub(super) fn answered_since(&self, from: i64) -> usize {
        self.answered.iter().rev().take_while(|at| **at >= from).count()
    }

    /// Ends an event with the first request that the service answered again.
    fn end(&mut self, event: &Event, sent: i64, now: i64) {
        let (counted, apart) = self.borne(event.began, sent);
        let borne = counted.max(apart);
        // Several within a second are all that the service bears. The time since the last one tells
        // less: that it was not answered sooner only where sooner ones were refused.
        let sure = counted > apart * 1.2;
        let steady = self.run >= STEADY && event.since.saturating_sub(self.ended) >= SECOND;
        self.unsteady += u32::from(self.borne.is_some() && !steady);
        let (rate, met) = match self.borne {
            None if !sure && event.refused == 0 => (borne.max(UNKNOWN), None),
            None if sure && counted >= MANY => (borne * 0.97, Some(borne * 1.1)),
            None => (borne, None),
            Some(before) if steady && event.refused < 2 => {
                ((borne * 0.97).clamp(before * 0.94, before * 0.97), Some(before))
            }
            Some(before) if self.run >= FEW && self.loose < self.run / 4 => {
                // From one refusal to the next all was used that the service bears.
                let took = seconds(sent.saturating_sub(self.cycle).max(1000));
                let run = f64::from(self.run);
                let used = counted.max(run / took);
                let far = event.held && used < before * 0.5;
                let met = if far { before } else { before.min(used * (1.05 + 2.0 / run)) };
                let least = if event.held { 0.5 } else { 0.05 };
                ((used * 0.97).clamp(before * least, before * 0.95), Some(met))
            }
            Some(before) => ((borne * 0.97).clamp(before * 0.5, before * 0.95), Some(before)),
        };
        (self.run, self.loose, self.cycle) = (0, 0, sent);
        self.borne = Some(rate.max(SLOWEST));
        self.base = (rate, now);
        self.met = met;
        self.ended = now;
        self.events = self.events.saturating_add(1);
        let took = now.saturating_sub(event.since);
        self.cheap = took < CHEAP;
        let times = if self.cheap { REST / 2 } else { REST };
        let rest = if met.is_some() && (steady || sure) { took.saturating_mul(times) } else { 0 };
        self.rests_until = now.saturating_add(rest.min(LONGEST_REST));
        self.next = self.last.saturating_add(self.spacing()).max(now);
    }

    /// Returns how many requests a second the service answered before it refused what left at `began`: the most
    /// within any time of a second or more, and as told by the time from the last of them to `sent`.
    fn borne(&self, began: i64, sent: i64) -> (f64, f64) {
        let mut counted = 1.0_f64.min(f64::from(u8::from(!self.answered.is_empty())));
        for (count, at) in (1_u32..).zip(self.answered.iter().rev()) {
            let passed = began.saturating_sub(*at).max(SECOND);
            counted = counted.max(f64::from(count) / seconds(passed));
        }
        let last = self.answered.back().map_or(SECOND, |at| sent.saturating_sub(*at));
        (counted, seconds(last.max(1000)).recip())
    }

    /// Grows with the answer to a request that left at `sent`: at most twofold before an answer to one
    /// that left at the grown rate is there.
    fn grow(&mut self, sent: i64, now: i64) {
        let Some(rate) = self.borne else { return };
        if sent >= self.base.1 {
            self.base = (rate, now);
        }
        let grown = match self.met {
            None => rate * 1.125,
            Some(met) if rate < met * 0.95 => (rate * 1.125).min(met * 0.95),
            // At most two hundredths in a second, once it is known well.
            Some(met) if rate < met * 1.1 => {
                let calm = seconds(now.saturating_sub(self.ended.max(self.rests_until)));
                let rough = ROUGH / f64::from(self.events.max(1));
                let haste = if self.cheap { rough.max(1.0 + calm / 4.0) } else { 1.0 };
                rate * (1.0 + (0.02 / rate).min(0.003) * haste)
            }
            Some(_) => rate * 1.03,
        };
        self.borne = Some(grown.min(self.base.0 * 2.0).max(rate).min(UNLIMITED));
    }

    /// Returns the distance of requests.
    fn spacing(&self) -> i64 {
        let own = match (&self.event, self.borne) {
            (Some(event), _) => event.gap,
            (None, Some(rate)) => interval(rate),
            (None, None) => 0,
        };
        own.max(self.floor())
    }

    /// Returns the least distance of requests.
    fn floor(&self) -> i64 {
        self.ceiling.map_or(0, interval)
    }
}

/// Returns the distance of requests at a rate.
fn interval(rate: f64) -> i64 {
    let distance = Duration::try_from_secs_f64(rate.recip()).unwrap_or(Duration::MAX);
    i64::try_from(distance.as_nanos().div_ceil(1000)).unwrap_or(i64::MAX)
}

fn seconds(micros: i64) -> f64 {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0)).as_secs_f64()
}
