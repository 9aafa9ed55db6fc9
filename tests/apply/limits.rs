//! How much of what a service bears is used, however it counts and whatever it answers: whole runs of
//! planner, client and engine against a service that limits the rate, in virtual time.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the numbers are small"
)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use natform::api::http::{BoxFuture, HttpRequest, HttpResponse, Transport, TransportError};
use natform::emulator::{Settings, Timings};
use natform::environment::{Clock, ManualClock};
use natform::refresh::read_lists;
use natform::resources::{Listing, ReadScope};

use crate::bench::Bench;
use crate::configurations::{NOTHING, tables};
use crate::latency::Latency;

/// How a service counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A bucket that fills at the rate and holds so many.
    Bucket(u32),
    /// So many in each second of the clock.
    Fixed,
    /// So many within any second.
    Sliding,
    /// The same, and what is refused counts.
    SlidingAll,
}

/// How a refusal looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: u16,
    code: &'static str,
    /// When to come again: by `x-acs-retry-after`, in milliseconds.
    hint: bool,
}

/// One limit on requests.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    shape: Shape,
    /// Requests a second from so many seconds on.
    rates: Vec<(f64, f64)>,
    /// Whether each action has the limit for itself.
    by_action: bool,
    refusal: Refusal,
}

#[derive(Debug, Default)]
struct Count {
    recent: VecDeque<f64>,
    window: i64,
    in_window: f64,
    tokens: Option<f64>,
    filled: f64,
}

impl Count {
    /// Counts a request that comes at so many seconds. The error says how many seconds to wait.
    fn take(&mut self, shape: Shape, limit: f64, now: f64) -> Result<(), f64> {
        match shape {
            Shape::Fixed => {
                // Windows do not begin with the run.
                let window = (now + 0.37).floor() as i64;
                if self.window != window {
                    (self.window, self.in_window) = (window, 0.0);
                }
                if self.in_window + 1.0 <= limit {
                    self.in_window += 1.0;
                    return Ok(());
                }
                Err((window + 1) as f64 - 0.37 - now)
            }
            Shape::Sliding | Shape::SlidingAll => {
                while self.recent.front().is_some_and(|at| now - at >= 0.999_999) {
                    self.recent.pop_front();
                }
                let fits = self.recent.len() < limit as usize;
                if fits || shape == Shape::SlidingAll {
                    self.recent.push_back(now);
                }
                if fits {
                    return Ok(());
                }
                Err(self.recent[self.recent.len() - limit as usize] + 1.0 - now)
            }
            Shape::Bucket(burst) => {
                let burst = f64::from(burst.max(1));
                let tokens = self.tokens.unwrap_or(burst) + (now - self.filled) * limit;
                let tokens = tokens.min(burst);
                self.filled = now;
                let fits = tokens >= 1.0 - 1e-9;
                self.tokens = Some(if fits { tokens - 1.0 } else { tokens });
                if fits { Ok(()) } else { Err((1.0 - tokens) / limit) }
            }
        }
    }
}

/// What came of requests: when they came, and whether they were let through.
#[derive(Debug, Default)]
struct Counted {
    counts: BTreeMap<String, Count>,
    answers: Vec<(f64, bool)>,
}

/// Refuses what is too much before it reaches the service.
pub(crate) struct Limiter {
    pub(crate) inner: Arc<dyn Transport>,
    clock: ManualClock,
    limits: Option<Limits>,
    counted: Mutex<Counted>,
    begun: i64,
}

impl Limiter {
    pub(crate) fn new(
        inner: Arc<dyn Transport>,
        clock: ManualClock,
        limits: Option<Limits>,
    ) -> Self {
        let begun = clock.now().0;
        Self { inner, clock, limits, counted: Mutex::default(), begun }
    }

    fn refuse(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let now = (self.clock.now().0 - self.begun) as f64 / 1000.0;
        let mut counted = self.counted.lock().unwrap();
        let action = request.target.split("Action=").nth(1).unwrap_or_default();
        let action = action.split('&').next().unwrap_or_default();
        let Some(limits) = &self.limits else {
            counted.answers.push((now, true));
            return None;
        };
        let rates = limits.rates.iter().rev();
        let limit = rates.clone().find(|(from, _)| *from <= now).unwrap().1;
        let name = if limits.by_action { action.to_owned() } else { String::new() };
        let taken = counted.counts.entry(name).or_default().take(limits.shape, limit, now);
        counted.answers.push((now, taken.is_ok()));
        let wait = taken.err()?;
        let Refusal { status, code, hint } = limits.refusal;
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if hint {
            let wait = (wait * 1000.0).ceil().max(1.0);
            headers.push(("x-acs-retry-after".to_owned(), format!("{wait}")));
        }
        let body = format!(
            r#"{{"RequestId":"R","HostId":"h","Code":"{code}","Message":"Request was denied due to flow control."}}"#
        );
        Some(HttpResponse { status, headers, body: body.into_bytes() })
    }

    /// Returns how many were let through, and the seconds from the first request to the last.
    fn figures(&self) -> (usize, f64) {
        let counted = self.counted.lock().unwrap();
        let accepted = counted.answers.iter().filter(|(_, fits)| *fits).count();
        let ends = counted.answers.first().zip(counted.answers.last());
        let took = ends.map_or(0.0, |(first, last)| last.0 - first.0);
        (accepted, took)
    }
}

impl Transport for Limiter {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        if let Some(refused) = self.refuse(&request) {
            return Box::pin(async { Ok(refused) });
        }
        self.inner.send(request)
    }
}

/// What is measured.
#[derive(Debug, Clone)]
struct Case {
    limits: Limits,
    parallelism: usize,
    /// Of a request and its answer, in milliseconds.
    latency: u64,
    tables: u32,
    entries: u32,
    settle: u64,
}

/// What came of a part of it.
#[derive(Debug, Clone)]
struct Part {
    accepted: usize,
    /// From the first request to the last, in seconds.
    took: f64,
}

impl Part {
    /// Returns the part that is used of what the limit allows.
    fn share(&self, limit: f64) -> f64 {
        self.accepted as f64 / limit / self.took
    }
}

const ALL: [&str; 4] = ["apply", "modify", "refresh", "destroy"];

/// Returns a service in which every change of an entry takes so long.
fn bench(case: &Case) -> Bench {
    let ms = Some(case.settle);
    let timings = Timings {
        forward_entry_create_ms: ms,
        forward_entry_modify_ms: ms,
        forward_entry_delete_ms: ms,
        ..Timings::instant()
    };
    let mut bench = Bench::new(Settings { timings, ..Settings::default() });
    let raised = bench.emulator.with_world(|world, _| {
        let mut dump = world.dump();
        dump.conditions.quotas.enhanced_gateways_per_vpc = 1000;
        dump.conditions.quotas.routes_per_vpc = 1000;
        world.load(dump);
    });
    raised.unwrap();
    bench.parallelism = case.parallelism;
    bench.latency = Some(Latency::steady(bench.clock.clone(), 7, case.latency / 2));
    bench.limits = Some(case.limits.clone());
    bench
}

/// Does the first so many parts.
fn play(case: &Case, count: usize) -> Vec<(&'static str, Part)> {
    let bench = bench(case);
    let text = tables(case.tables, case.entries);
    let mut parts = Vec::new();
    for what in ALL.into_iter().take(count) {
        bench.clock.advance(Duration::from_secs(10));
        match what {
            "apply" => carry_out(&bench, &text),
            "modify" => carry_out(&bench, &text.replace("192.168.1.10", "192.168.1.11")),
            "refresh" => refresh(&bench),
            _ => carry_out(&bench, NOTHING),
        };
        let (accepted, took) = bench.limiter().figures();
        parts.push((what, Part { accepted, took }));
    }
    parts
}

/// Returns how many operations that were.
fn carry_out(bench: &Bench, text: &str) -> usize {
    let program = bench.program(text);
    let plan = bench.plan(&program);
    let outcome = bench.carry_out(&program, &plan, None).unwrap();
    assert!(outcome.is_success(), "{:?}: {outcome:#?}", bench.limits);
    plan.operations.len()
}

/// Reads all tables, several times: once is over in no time.
fn refresh(bench: &Bench) -> usize {
    let client = bench.limited_client();
    let world = bench.emulator.with_world(|world, _| world.dump()).unwrap();
    let table = |table: &str| ReadScope::ForwardEntries {
        region: "cn-hangzhou".to_owned(),
        table: table.to_owned(),
    };
    let scopes: Vec<_> = world.gateways.iter().map(|g| table(&g.forward_table)).collect();
    let deadline = bench.clock.now().after(Duration::from_secs(1_000));
    let latency = bench.latency.as_ref().unwrap();
    for _ in 0..12 {
        let lists = latency.run(read_lists(&client, &scopes, deadline));
        assert!(lists.values().all(|list| matches!(list, Listing::Rows(_))), "{lists:?}");
    }
    scopes.len()
}

const USUAL: Refusal = Refusal { status: 400, code: "Throttling.User", hint: false };
const HINTED: Refusal = Refusal { hint: true, ..USUAL };

fn case(shape: Shape, limit: f64, latency: u64) -> Case {
    let limits = Limits { shape, rates: vec![(0.0, limit)], by_action: false, refusal: USUAL };
    let entries = (limit / 2.0).clamp(6.0, 20.0) as u32;
    Case { limits, parallelism: 20, latency, tables: 20, entries, settle: 0 }
}

fn refusing(refusal: Refusal, case: Case) -> Case {
    Case { limits: Limits { refusal, ..case.limits }, ..case }
}

#[track_caller]
fn assert_used(case: &Case, count: usize, least: f64) {
    let limit = case.limits.rates[0].1;
    for (what, part) in play(case, count) {
        let share = part.share(limit);
        assert!(share >= least, "{case:?}: {what} {share:.2} of {part:?}");
    }
}

#[test]
fn of_each_limit_nine_tenths_are_used_by_each_part_of_a_run() {
    assert_used(&refusing(HINTED, case(Shape::Bucket(10), 20.0, 0)), 4, 0.9);
    assert_used(&case(Shape::Bucket(60), 60.0, 0), 4, 0.9);
    assert_used(&refusing(HINTED, case(Shape::Fixed, 20.0, 100)), 4, 0.9);
    assert_used(&case(Shape::Sliding, 10.0, 0), 4, 0.9);
    assert_used(&case(Shape::Bucket(2), 2.0, 100), 1, 0.9);
    assert_used(&case(Shape::SlidingAll, 5.0, 0), 1, 0.85);
    assert_used(&case(Shape::Bucket(1), 10.0, 0), 1, 0.9);
    // Where a refusal is learned of late, some seconds go by until the rate is known.
    for shape in [Shape::Bucket(1), Shape::SlidingAll] {
        assert_used(&Case { entries: 60, ..case(shape, 20.0, 100) }, 1, 0.9);
    }
}

#[test]
fn in_whatever_words_a_service_refuses() {
    for (status, code) in [
        (400, "Throttling"),
        (400, "Throttling.Api"),
        (429, "TooManyRequests"),
        (503, "ServiceUnavailable"),
    ] {
        let refusal = Refusal { status, code, hint: false };
        assert_used(&refusing(refusal, case(Shape::Bucket(20), 20.0, 0)), 1, 0.9);
    }
}

#[test]
fn limits_of_single_actions_are_used_though_a_refusal_may_not_name_them() {
    for code in ["Throttling.User", "Throttling.Api"] {
        let mut case = refusing(Refusal { code, ..USUAL }, case(Shape::Bucket(10), 10.0, 0));
        case.limits.by_action = true;
        // Half of the calls create, the others look.
        assert_used(&case, 1, 1.7);
    }
}

#[test]
fn a_limit_that_falls_and_rises_is_followed() {
    let mut case = case(Shape::Bucket(10), 60.0, 0);
    case.limits.rates = vec![(0.0, 60.0), (4.0, 10.0), (14.0, 60.0)];
    let (_, part) = play(&case, 1).remove(0);
    let allowed = 4.0 * 60.0 + 10.0 * 10.0 + (part.took - 14.0) * 60.0;
    let share = part.accepted as f64 / allowed;
    assert!(share >= 0.65, "{share:.2} of {part:?}");
}

#[test]
fn nothing_fails_while_everything_is_refused_for_minutes() {
    let unavailable = Refusal { status: 503, code: "ServiceUnavailable", hint: false };
    for refusal in [HINTED, unavailable] {
        let mut case = refusing(refusal, case(Shape::Fixed, 20.0, 100));
        case.limits.rates = vec![(0.0, 20.0), (3.0, 0.0), (423.0, 20.0)];
        assert!(play(&case, 1)[0].1.took < 470.0);
    }
}

#[test]
fn a_service_that_accepts_nothing_any_more_ends_a_run_with_the_reason() {
    let mut case = case(Shape::Fixed, 20.0, 0);
    case.limits.rates = vec![(0.0, 20.0), (3.0, 0.0)];
    let bench = bench(&case);
    let program = bench.program(&tables(case.tables, case.entries));
    let plan = bench.plan(&program);
    let mut outcome = None;
    let took = bench.took(|| outcome = bench.carry_out(&program, &plan, None));
    let outcome = outcome.unwrap();
    assert!(took < Duration::from_secs(30 * 60), "{took:?}: {:#?}", outcome.diagnostics);
    assert!(!outcome.diagnostics.is_empty() && outcome.not_begun > 0, "{outcome:#?}");
    for told in &outcome.diagnostics {
        assert!(told.detail.contains("Throttling.User"), "{told:?}");
    }
    // It goes on where that one ended.
    let mut bench = bench;
    bench.limits = None;
    bench.converge(&tables(case.tables, case.entries));
}

#[test]
fn how_long_an_action_takes_is_learned_though_questions_wait_for_their_turn() {
    let mut case = Case { settle: 3_000, ..case(Shape::Bucket(5), 5.0, 100) };
    case.tables = 8;
    let bench = bench(&case);
    carry_out(&bench, &tables(case.tables, case.entries));
    let lessons = bench.snapshot().lessons;
    let learned = lessons.iter().find(|(name, _)| name.starts_with("time CreateForwardEntry "));
    let learned: u64 = learned.unwrap().1.parse().unwrap();
    // Its answer and the next request are under way for 100 ms of that.
    assert!((2_880..3_600).contains(&learned), "{learned}");
}

#[test]
fn lists_of_several_pages_that_a_run_itself_changes_are_not_read_for_ever() {
    let mut case = Case { settle: 2_000, ..case(Shape::Bucket(20), 20.0, 100) };
    (case.tables, case.entries) = (1, 99);
    let bench = bench(&case);
    carry_out(&bench, &tables(case.tables, case.entries));
    let operations = carry_out(&bench, NOTHING);
    let (accepted, _) = bench.limiter().figures();
    assert!(accepted as f64 <= operations as f64 * 1.5, "{accepted} for {operations}");
}
