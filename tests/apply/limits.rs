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
    /// Sixty times as many in each minute.
    Minute,
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
            Shape::Fixed | Shape::Minute => {
                let long = if shape == Shape::Fixed { 1.0 } else { 60.0 };
                let window = ((now + 0.37) / long).floor() as i64;
                if self.window != window {
                    (self.window, self.in_window) = (window, 0.0);
                }
                if self.in_window + 1.0 <= limit * long {
                    self.in_window += 1.0;
                    return Ok(());
                }
                Err((window + 1) as f64 * long - 0.37 - now)
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
    names: Vec<String>,
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
        counted.names.push(action.to_owned());
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

    /// Returns what was let through, what was refused, and the seconds from the first to the last.
    fn figures(&self) -> (usize, usize, f64) {
        let counted = self.counted.lock().unwrap();
        let accepted = counted.answers.iter().filter(|(_, fits)| *fits).count();
        let ends = counted.answers.first().zip(counted.answers.last());
        let took = ends.map_or(0.0, |(first, last)| last.0 - first.0);
        (accepted, counted.answers.len() - accepted, took)
    }
}

impl Limiter {
    fn trace(&self) {
        let counted = self.counted.lock().unwrap();
        let start = counted.answers[0].0;
        let mut bins = BTreeMap::<i64, (usize, usize, BTreeMap<String, usize>)>::new();
        for ((at, fits), name) in counted.answers.iter().zip(&counted.names) {
            let bin = bins.entry(((at - start) * 2.0) as i64).or_default();
            if *fits {
                bin.0 += 1
            } else {
                bin.1 += 1
            }
            *bin.2.entry(name.clone()).or_default() += 1;
        }
        for (at, bin) in bins {
            eprintln!("{:6.1} {bin:?}", at as f64 / 2.0);
        }
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
    what: &'static str,
    accepted: usize,
    refused: usize,
    took: f64,
    /// What it takes without a limit.
    free: f64,
    operations: usize,
}

impl Part {
    /// Returns the part that is used of what the limit, the latency and the order allow together.
    fn share(&self, limit: f64) -> f64 {
        (self.accepted as f64 / limit).max(self.free) / self.took
    }
}

fn play(case: &Case, limits: Option<&Limits>) -> Vec<Part> {
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
    let latency = Latency::steady(bench.clock.clone(), 7, case.latency / 2);
    bench.latency = Some(Arc::clone(&latency));
    bench.limits = limits.cloned();
    let text = tables(case.tables, case.entries);
    let mut parts = Vec::new();
    for (what, text) in [
        ("apply", text.clone()),
        ("modify", text.replace("192.168.1.10", "192.168.1.11")),
        ("refresh", String::new()),
        ("destroy", NOTHING.to_owned()),
    ] {
        bench.clock.advance(Duration::from_secs(10));
        let mut operations = 1;
        if what == "refresh" {
            let client = bench.limited_client();
            let world = bench.emulator.with_world(|world, _| world.dump()).unwrap();
            let scopes: Vec<ReadScope> = world
                .gateways
                .iter()
                .flat_map(|gateway| {
                    let region = "cn-hangzhou".to_owned();
                    let table = gateway.forward_table.clone();
                    (0..1).map(move |_| ReadScope::ForwardEntries {
                        region: region.clone(),
                        table: table.clone(),
                    })
                })
                .collect();
            let deadline = bench.clock.now().after(Duration::from_secs(100_000));
            for _ in 0..6 {
                let lists = latency.run(read_lists(&client, &scopes, deadline));
                assert!(lists.values().all(|list| matches!(list, Listing::Rows(_))), "{lists:?}");
                operations += 1;
            }
        } else {
            let program = bench.program(&text);
            let plan = bench.plan(&program);
            operations = plan.operations.len();
            let outcome = bench.carry_out(&program, &plan, None).unwrap();
            assert!(outcome.is_success(), "{case:?} {what}: {outcome:#?}");
        }
        let (accepted, refused, took) = bench.limiter().figures();
        if std::env::var("TRACE").is_ok_and(|name| name == what) && limits.is_some() {
            bench.limiter().trace();
        }
        parts.push(Part { what, accepted, refused, took, free: 0.0, operations });
    }
    parts
}

fn measure(case: &Case) -> Vec<Part> {
    let free = play(case, None);
    let limited = play(case, Some(&case.limits));
    let parts = free.into_iter().zip(limited);
    parts.map(|(free, limited)| Part { free: free.took, ..limited }).collect()
}

#[test]
#[ignore = "a table for people"]
fn table() {
    let wanted = |name: &str, default: &str| -> Vec<String> {
        let list = std::env::var(name).unwrap_or_else(|_| default.to_owned());
        list.split(',').map(str::to_owned).collect()
    };
    for limit in wanted("LIMITS", "2,5,10,20,60,100,200") {
        let limit: f64 = limit.parse().unwrap();
        for shape in wanted("SHAPES", "b1,bh,bl,b5,fixed,sliding,slidingall") {
            let shape = match shape.as_str() {
                "b1" => Shape::Bucket(1),
                "bh" => Shape::Bucket((limit / 2.0) as u32),
                "bl" => Shape::Bucket(limit as u32),
                "b5" => Shape::Bucket(limit as u32 * 5),
                "fixed" => Shape::Fixed,
                "sliding" => Shape::Sliding,
                "slidingall" => Shape::SlidingAll,
                "minute" => Shape::Minute,
                other => panic!("{other}"),
            };
            for latency in wanted("LATENCY", "0,100") {
                for parallelism in wanted("PARALLELISM", "10,20") {
                    for hint in wanted("HINTS", "hint,none") {
                        for code in wanted("CODES", "Throttling.User") {
                            let by_action = std::env::var("BY_ACTION").is_ok();
                            let status = match code.as_str() {
                                "ServiceUnavailable" => 503,
                                "TooManyRequests" => 429,
                                _ => 400,
                            };
                            let refusal = Refusal {
                                status,
                                code: Box::leak(code.clone().into_boxed_str()),
                                hint: hint == "hint",
                            };
                            let rates = vec![(0.0, limit)];
                            let tables = 20;
                            let seconds = wanted("SECONDS", "30")[0].parse::<f64>().unwrap();
                            let entries = (limit * seconds / 2.0 / 20.0).clamp(4.0, 99.0) as u32;
                            let case = Case {
                                limits: Limits { shape, rates, by_action, refusal },
                                parallelism: parallelism.parse().unwrap(),
                                latency: latency.parse().unwrap(),
                                tables,
                                entries,
                                settle: wanted("SETTLE", "0")[0].parse().unwrap(),
                            };
                            let parts = measure(&case);
                            let shares: Vec<String> = parts
                                .iter()
                                .map(|part| {
                                    let share = part.share(limit);
                                    let calls = part.accepted as f64 / part.operations as f64;
                                    let mark = if share < 0.9 { "!" } else { "" };
                                    format!(
                                        "{} {share:.2}{mark} ({:.0}s {:.1}c {}r)",
                                        part.what, part.took, calls, part.refused
                                    )
                                })
                                .collect();
                            println!(
                                "L={limit} {shape:?} lat={latency} par={parallelism} {hint} {code}: {}",
                                shares.join(", ")
                            );
                        }
                    }
                }
            }
        }
    }
}
