//! The gate before limits of many shapes, in virtual time: how much of what a limit allows is used.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the numbers are small"
)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::gate::{Gate, Turn, Verdict};

const SECOND: i64 = 1_000_000;

/// What a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Read,
    Change,
}

/// How a service counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// So many in each second of the clock.
    Fixed,
    /// So many within any second.
    Sliding,
    /// The same, and what is refused counts.
    SlidingAll,
    /// A bucket that fills at the rate and holds so many; none: as many as a second brings.
    Bucket(Option<u32>),
}

/// What the refusal tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    Nothing,
    /// When it would be accepted.
    Exact,
    /// A second, whatever the limit.
    Second,
}

/// A service with a limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    pub(super) limit: u32,
    /// The limit from times on, the latest first.
    pub(super) later: &'static [(i64, u32)],
    pub(super) shape: Shape,
    pub(super) hint: Hint,
    /// Whether each action has the limit for itself; and whether its answers say so.
    pub(super) by_kind: (bool, bool),
    /// The way there and back, in microseconds.
    pub(super) latency: i64,
    /// Whether the way varies, by a fifth at most.
    pub(super) jitter: bool,
}

impl Service {
    fn limit_at(&self, now: i64) -> u32 {
        self.later.iter().find(|(from, _)| *from <= now).map_or(self.limit, |(_, limit)| *limit)
    }

    /// Returns how many requests it bears until a time.
    pub(super) fn bears(&self, until: i64) -> f64 {
        let (mut sum, mut end) = (0.0, until);
        for (from, limit) in self.later.iter().chain([&(0, self.limit)]) {
            sum += f64::from(*limit) * (end - from).max(0) as f64 / 1e6;
            end = end.min(*from);
        }
        sum
    }
}

#[derive(Debug, Default)]
struct Count {
    recent: VecDeque<i64>,
    window: i64,
    in_window: u32,
    tokens: Option<f64>,
    filled: i64,
}

impl Count {
    /// Counts a request that arrives; the error says when to come again.
    fn take(&mut self, service: &Service, now: i64) -> Result<(), i64> {
        let limit = service.limit_at(now);
        match service.shape {
            Shape::Fixed => {
                // Windows do not begin with the run.
                let window = (now + 370_000) / SECOND;
                if self.window != window {
                    (self.window, self.in_window) = (window, 0);
                }
                if self.in_window < limit {
                    self.in_window += 1;
                    return Ok(());
                }
                Err((window + 1) * SECOND - 370_000 - now)
            }
            Shape::Sliding | Shape::SlidingAll => {
                while self.recent.front().is_some_and(|at| now - at >= SECOND) {
                    self.recent.pop_front();
                }
                let fits = self.recent.len() < limit as usize;
                if fits || service.shape == Shape::SlidingAll {
                    self.recent.push_back(now);
                }
                if fits {
                    return Ok(());
                }
                let free = self.recent.len().saturating_sub(limit as usize);
                Err(self.recent[free] + SECOND - now)
            }
            Shape::Bucket(burst) => {
                let burst = f64::from(burst.unwrap_or(limit));
                let passed = (now - self.filled) as f64 / 1e6;
                let tokens = self.tokens.unwrap_or(burst) + passed * f64::from(limit);
                let tokens = tokens.min(burst);
                self.filled = now;
                // Sums of fractions are not exact.
                let fits = tokens >= 1.0 - 1e-9;
                self.tokens = Some(if fits { tokens - 1.0 } else { tokens });
                if fits {
                    return Ok(());
                }
                Err(((1.0 - tokens) / f64::from(limit) * 1e6).ceil() as i64)
            }
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    /// So many pages, any at any time.
    Pages(usize),
    /// Tables with entries: one after the other in a table, each settled within so many microseconds.
    Tables { tables: usize, entries: usize, settle: i64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Back { table: usize, kind: Kind, sent: i64, answer: Result<(), Option<i64>> },
    Arrive { table: usize, kind: Kind, sent: i64 },
    Want { table: usize, kind: Kind },
    Wake,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    pub(super) accepted: usize,
    pub(super) refused: usize,
    pub(super) micros: i64,
    /// Most requests that left within any second.
    pub(super) densest: usize,
    /// Calls for each entry.
    pub(super) calls: f64,
}

impl Figures {
    pub(super) fn rate(&self) -> f64 {
        self.accepted as f64 * 1e6 / self.micros as f64
    }
}

struct Run {
    gate: Gate<Kind>,
    service: Option<Service>,
    counts: BTreeMap<Option<Kind>, Count>,
    queue: BTreeSet<(i64, u64, Event)>,
    number: u64,
    /// Who holds a ticket.
    tickets: BTreeMap<u64, (usize, Kind)>,
    latency: i64,
    /// Entries left of each table, and when the last one settles.
    tables: Vec<(usize, i64)>,
    settle: i64,
    left: VecDeque<i64>,
    figures: Figures,
    dice: u64,
}

impl Run {
    fn later(&mut self, at: i64, event: Event) {
        self.number += 1;
        self.queue.insert((at, self.number, event));
    }

    fn draw(&mut self) -> i64 {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 40).cast_signed() % 1000
    }

    fn way(&mut self) -> i64 {
        let jitter = if self.service.is_some_and(|s| s.jitter) { self.draw() - 500 } else { 0 };
        self.latency / 2 + self.latency * jitter / 25000
    }

    fn happen(&mut self, now: i64, event: Event) {
        match event {
            Event::Wake => {}
            Event::Want { table, kind } => {
                let ticket = self.gate.wait(kind, kind == Kind::Change, now);
                self.tickets.insert(ticket, (table, kind));
            }
            Event::Arrive { table, kind, sent } => {
                let verdict = match self.service {
                    None => Ok(()),
                    Some(service) => {
                        let count = service.by_kind.0.then_some(kind);
                        self.counts.entry(count).or_default().take(&service, now)
                    }
                };
                let answer = match verdict {
                    Ok(()) => {
                        self.figures.accepted += 1;
                        self.figures.micros = now;
                        Ok(())
                    }
                    Err(wait) => {
                        self.figures.refused += 1;
                        let hint = self.service.map_or(Hint::Nothing, |service| service.hint);
                        Err(match hint {
                            Hint::Nothing => None,
                            Hint::Exact => Some((wait + 999) / 1000 * 1000),
                            Hint::Second => Some(SECOND),
                        })
                    }
                };
                let way = self.way();
                self.later(now + way, Event::Back { table, kind, sent, answer });
            }
            Event::Back { table, kind, sent, answer } => {
                let said = self.service.is_some_and(|service| service.by_kind.1);
                let verdict = match answer {
                    Ok(()) => Verdict::Borne,
                    Err(wait) => {
                        let wait = wait.map(|wait| Duration::from_micros(wait as u64));
                        if said { Verdict::TooFastOfKind(wait) } else { Verdict::TooFast(wait) }
                    }
                };
                self.gate.returns(kind, sent, now, verdict);
                if answer.is_err() {
                    return self.later(now, Event::Want { table, kind });
                }
                self.go_on(table, kind, sent, now);
            }
        }
    }

    fn go_on(&mut self, table: usize, kind: Kind, sent: i64, now: i64) {
        let Some((left, settled)) = self.tables.get_mut(table) else { return };
        if kind == Kind::Change {
            *settled = now + self.settle;
            let at = *settled;
            return self.later(at, Event::Want { table, kind: Kind::Read });
        }
        if sent < *settled {
            return self.later(now + 200_000, Event::Want { table, kind: Kind::Read });
        }
        *left -= 1;
        if *left > 0 {
            self.later(now, Event::Want { table, kind: Kind::Change });
        }
    }

    fn run(mut self, grain: i64) -> Figures {
        while let Some((now, _, event)) = self.queue.pop_first() {
            self.happen(now, event);
            loop {
                match self.gate.turn(now) {
                    Turn::Now(ticket) => {
                        let (table, kind) = self.tickets.remove(&ticket).unwrap();
                        self.gate.leaves(kind, ticket, now);
                        self.note(now);
                        let way = self.way();
                        self.later(now + way, Event::Arrive { table, kind, sent: now });
                    }
                    Turn::At(at, _) => {
                        // Timers are late.
                        let at = (at + grain - 1) / grain * grain;
                        let late = if grain > 1 { self.draw() / 5 } else { 0 };
                        if !self
                            .queue
                            .iter()
                            .take(8)
                            .any(|(t, _, e)| *e == Event::Wake && *t <= at + late && *t > now)
                        {
                            self.later(at + late, Event::Wake);
                        }
                        break;
                    }
                    Turn::Nobody => break,
                }
            }
        }
        self.figures
    }

    fn note(&mut self, now: i64) {
        self.left.push_back(now);
        while self.left.front().is_some_and(|at| now - at >= SECOND) {
            self.left.pop_front();
        }
        self.figures.densest = self.figures.densest.max(self.left.len());
    }
}

/// Does some work; `grain` is that of timers, in microseconds.
pub(super) fn run(
    work: Work,
    service: Option<Service>,
    (parallelism, latency): (usize, i64),
    ceiling: Option<f64>,
    grain: i64,
) -> Figures {
    let mut run = Run {
        gate: Gate::new(parallelism, ceiling),
        service,
        counts: BTreeMap::new(),
        queue: BTreeSet::new(),
        number: 0,
        tickets: BTreeMap::new(),
        latency,
        tables: Vec::new(),
        settle: 0,
        left: VecDeque::new(),
        figures: Figures::default(),
        dice: 7,
    };
    let mut entries_all = 1;
    match work {
        Work::Pages(pages) => {
            for _ in 0..pages {
                run.later(0, Event::Want { table: usize::MAX, kind: Kind::Read });
            }
        }
        Work::Tables { tables, entries, settle } => {
            entries_all = tables * entries;
            run.settle = settle;
            run.tables = vec![(entries, 0); tables];
            for table in 0..tables {
                run.later(0, Event::Want { table, kind: Kind::Change });
            }
        }
    }
    let mut figures = run.run(grain);
    figures.calls = figures.accepted as f64 / entries_all as f64;
    figures
}
