//! Who goes next: requests wait here for their turn. A pure state machine over [`Rate`]s, one for
//! all requests and one for each action; times are microseconds.
//!
//! Requests that change something and requests that only read take turns where both wait, so that
//! neither keeps the other from going on. Within each the first comes first, but one whose action is
//! slowed down lets the others pass.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::rate::Rate;

/// So far back the answers to kinds of requests are compared.
const COMPARED: i64 = 4_000_000;
/// After so many attempts that did not fit, a rate is not one of single kinds.
const TRIES: u32 = 12;

/// Who may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// This one, now.
    Now(u64),
    /// This one, at that time, unless something changes.
    At(i64, u64),
    /// Nobody, until something changes.
    Nobody,
}

/// What an answer says of the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing: there was none, or the service failed.
    Nothing,
    /// It was not too fast.
    Borne,
    /// It was too fast for everything together.
    TooFast(Option<Duration>),
    /// It was too fast for this action.
    TooFastOfKind(Option<Duration>),
}

#[derive(Debug, Default)]
struct Kind {
    changes: bool,
    rate: Rate,
    /// Who waits, and since when.
    waiting: VecDeque<(u64, i64)>,
}

/// Requests that wait, and those under way.
#[derive(Debug)]
pub(super) struct Gate<K> {
    /// At most so many are under way.
    room: usize,
    under_way: usize,
    /// When there was room again after there had been none.
    freed: i64,
    all: Rate,
    kinds: BTreeMap<K, Kind>,
    tickets: u64,
    /// Whether refusals that name one kind are taken to be about all.
    shared: bool,
    /// Whether the last one that left changes something.
    changed: bool,
}

impl<K: Ord + Copy> Gate<K> {
    /// Creates a gate for at most `room` requests under way.
    pub(super) fn new(room: usize, ceiling: Option<f64>) -> Self {
        Self {
            room,
            under_way: 0,
            freed: i64::MIN,
            all: Rate::with_ceiling(ceiling),
            kinds: BTreeMap::new(),
            tickets: 0,
            shared: false,
            changed: false,
        }
    }

    /// Lowers the ceiling.
    pub(super) fn lower_ceiling(&mut self, ceiling: f64) {
        self.all.lower_ceiling(ceiling);
    }

    /// Adds one that wants to go, and returns its ticket.
    pub(super) fn wait(&mut self, kind: K, changes: bool, now: i64) -> u64 {
        self.tickets += 1;
        let queue = self.kinds.entry(kind).or_default();
        queue.changes = changes;
        queue.waiting.push_back((self.tickets, now));
        self.tickets
    }

    /// Takes out one that does not want to go any more.
    pub(super) fn withdraw(&mut self, kind: K, ticket: u64) {
        if let Some(kind) = self.kinds.get_mut(&kind) {
            kind.waiting.retain(|(waiting, _)| *waiting != ticket);
        }
    }

    /// Returns who goes next.
    pub(super) fn turn(&self, now: i64) -> Turn {
        if self.under_way >= self.room {
            return Turn::Nobody;
        }
        let all = self.all.earliest();
        let next = self
            .kinds
            .values()
            .filter_map(|kind| {
                let (ticket, _) = kind.waiting.front()?;
                let at = now.max(all).max(kind.rate.earliest());
                Some((at, kind.changes == self.changed, *ticket))
            })
            .min();
        match next {
            Some((at, _, ticket)) if at <= now => Turn::Now(ticket),
            Some((at, _, ticket)) => Turn::At(at, ticket),
            None => Turn::Nobody,
        }
    }

    /// Notes that one leaves.
    pub(super) fn leaves(&mut self, kind: K, ticket: u64, now: i64) {
        self.under_way += 1;
        let mut ready = now;
        if let Some(kind) = self.kinds.get_mut(&kind) {
            if let Some((first, since)) = kind.waiting.front()
                && *first == ticket
            {
                ready = (*since).max(self.freed);
                kind.waiting.pop_front();
            }
            kind.rate.leaves(now, ready);
            self.changed = kind.changes;
        }
        self.all.leaves(now, ready);
    }

    /// Notes that one that left at `sent` is back, and what its answer says.
    pub(super) fn returns(&mut self, kind: K, sent: i64, now: i64, verdict: Verdict) {
        if self.under_way >= self.room {
            self.freed = now;
        }
        self.under_way = self.under_way.saturating_sub(1);
        let verdict = match verdict {
            Verdict::TooFastOfKind(wait) if self.is_shared(kind, now) => Verdict::TooFast(wait),
            other => other,
        };
        let Some(kind) = self.kinds.get_mut(&kind) else { return };
        match verdict {
            Verdict::Nothing => {}
            Verdict::Borne => {
                self.all.answered(sent, now);
                kind.rate.answered(sent, now);
            }
            Verdict::TooFast(wait) => self.all.refused(sent, now, wait),
            Verdict::TooFastOfKind(wait) => kind.rate.refused(sent, now, wait),
        }
    }

    /// Returns whether a refusal that names one kind is in truth about all: another kind had far more
    /// requests answered of late, or rates of single kinds were tried and never fitted.
    fn is_shared(&mut self, kind: K, now: i64) -> bool {
        if self.shared {
            return true;
        }
        let from = now.saturating_sub(COMPARED);
        let answered = |kind: &Kind| kind.rate.answered_since(from);
        let own = self.kinds.get(&kind).map_or(0, answered);
        let others = self.kinds.iter().filter(|(other, _)| **other != kind);
        let most = others.map(|(_, other)| answered(other)).max().unwrap_or(0);
        let tries: u32 = self.kinds.values().map(|kind| kind.rate.unsteady()).sum();
        self.shared = tries > TRIES && most > 0;
        if self.shared {
            for kind in self.kinds.values_mut() {
                kind.rate = Rate::default();
            }
        }
        self.shared || most >= 2 * (own + 1)
    }

    /// Returns how long one of a kind would wait at least that came now, in microseconds.
    pub(super) fn delay(&self, kind: K, now: i64) -> i64 {
        let own = self.kinds.get(&kind).map_or(0, |kind| kind.rate.earliest());
        self.all.earliest().max(own).saturating_sub(now).max(0)
    }

    /// Returns until when the service asked for silence about a kind.
    pub(super) fn held_until(&self, kind: K) -> i64 {
        let own = self.kinds.get(&kind).map_or(0, |kind| kind.rate.held_until());
        self.all.held_until().max(own)
    }

    /// Returns the requests a second that the service is believed to bear of a kind, where it refused
    /// more; none also while that is being found out.
    pub(super) fn limit(&self, kind: K) -> Option<f64> {
        lowest(
            [Some(&self.all), self.kinds.get(&kind).map(|kind| &kind.rate)].into_iter().flatten(),
        )
    }

    /// Returns the lowest of such limits of all kinds.
    pub(super) fn lowest_limit(&self) -> Option<f64> {
        lowest(std::iter::once(&self.all).chain(self.kinds.values().map(|kind| &kind.rate)))
    }
}

fn lowest<'a>(rates: impl Iterator<Item = &'a Rate>) -> Option<f64> {
    rates.filter(|rate| !rate.is_refused()).filter_map(Rate::limit).reduce(f64::min)
}
