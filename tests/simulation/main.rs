//! The deterministic simulation: natform's planner, engine, journal and SQLite state against the
//! emulator's world, in virtual time and on one thread a seed. The seed decides latencies, faults,
//! interleavings, what is configured, and when the process dies.
//!
//! `cargo test --release --test simulation -- WHAT`, where WHAT is
//! - `0..20000`: these seeds;
//! - `17`: one seed, and everything that happens in it;
//! - `fsync 0..100`: these seeds with the state on a real disk and every write durable;
//! - `same 0..20`: each seed twice, which must be the same to the last event;
//! - `hard 0..100`: these seeds with more lost answers, more deaths and long absences;
//! - `mutations`: how many seeds it takes to notice that a part of natform is missing;
//! - `cost`: what journaling costs.
//!
//! Without it, as in `cargo test`, a little of each.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to people")]
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail by panicking")]

mod cost;
mod dice;
mod disk;
mod expect;
mod ledger;
mod life;
mod model;
mod mutation;
mod network;
mod outsiders;
mod render;
mod seed;
mod sim;
mod tally;
mod time;

use std::ops::Range;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use mutation::Mutation;
use seed::Manners;
use tally::Tally;

/// How many seeds `cargo test` runs.
const FEW: Range<u64> = 0..30;

/// So many seeds meet everything that there is to meet.
const MANY: u64 = 1000;

/// Within so many seeds each mutation must be noticed.
const NOTICED: u64 = 400;

/// How a seed is run.
const PLAIN: Manners =
    Manners { mutation: Mutation::None, durable: false, verbose: false, hard: false };

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let good = match words[..] {
        ["mutations"] => mutations(),
        ["cost"] => cost::measure(),
        ["fsync", range] => {
            range_of(range).is_some_and(|range| many(range, Manners { durable: true, ..PLAIN }))
        }
        ["hard", range] => {
            range_of(range).is_some_and(|range| many(range, Manners { hard: true, ..PLAIN }))
        }
        ["same", range] => range_of(range).is_some_and(same),
        [word] if range_of(word).is_some() => {
            range_of(word).is_some_and(|range| many(range, PLAIN))
        }
        [word] if word.parse::<u64>().is_ok() => one(word.parse().unwrap_or(0)),
        // As `cargo test` calls it: with a filter for tests' names, or with flags for all tests.
        [word, ..] if !word.starts_with('-') && !"simulation".contains(word) => true,
        [..] if words.contains(&"--list") => true,
        _ => few(),
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn range_of(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?)
}

fn few() -> bool {
    let mut good = many(FEW, PLAIN);
    good &= many(0..3, Manners { durable: true, ..PLAIN });
    good & same(0..4)
}

/// Runs a seed and prints everything that happens.
fn one(seed: u64) -> bool {
    let report = seed::run(seed, Manners { verbose: true, ..PLAIN });
    println!("{} events, digest {:016x}", report.trace.1, report.trace.0);
    if let Some(violation) = &report.violation {
        println!("{}: {}", violation.kind, violation.detail);
    }
    report.violation.is_none()
}

/// Runs seeds twice, and compares.
fn same(range: Range<u64>) -> bool {
    let mut good = true;
    for seed in range.clone() {
        let (first, second) = (seed::run(seed, PLAIN).trace, seed::run(seed, PLAIN).trace);
        if first != second {
            println!("seed {seed} differs from itself: {first:x?} and {second:x?}");
            good = false;
        }
    }
    if good {
        println!("seeds {range:?} are the same each time");
    }
    good
}

/// Runs seeds on all processors until they are done; calls `each` with their reports.
fn run_all(range: Range<u64>, manners: Manners, each: impl Fn(u64, seed::Report) + Sync) {
    let next = AtomicU64::new(range.start);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= range.end {
                        return;
                    }
                    each(seed, seed::run(seed, manners));
                }
            });
        }
    });
}

/// Runs seeds, and reports what they met.
fn many(range: Range<u64>, manners: Manners) -> bool {
    let found = Mutex::new((Tally::default(), Vec::new(), 0_u64, 0_u64));
    run_all(range.clone(), manners, |seed, report| {
        let mut found = found.lock().unwrap();
        found.0.merge(&report.tally);
        found.1.push(report.objects);
        found.2 += report.trace.1;
        if let Some(violation) = report.violation {
            found.3 += 1;
            let detail: String = violation.detail.chars().take(600).collect();
            println!("seed {seed}: {}: {detail}", violation.kind);
            println!("  cargo test --release --test simulation -- {seed}");
        }
    });
    let (tally, mut sizes, events, failed) = found.into_inner().unwrap();
    let count = range.end.saturating_sub(range.start);
    if count >= MANY {
        for (name, count) in tally.iter() {
            println!("{count:>9} {name}");
        }
    }
    sizes.sort_unstable();
    let size = |at: usize| sizes.get(at).copied().unwrap_or(0);
    let (median, most) = (size(sizes.len() / 2), size(sizes.len().saturating_sub(1)));
    let how = if manners.durable { ", every write durable" } else { "" };
    println!(
        "{count} seeds{how}: {failed} failed; {events} events; a median of {median} objects, most \
         {most}"
    );
    let missing = if count >= MANY { tally.missing() } else { Vec::new() };
    if !missing.is_empty() {
        println!("no seed met {}", missing.join(", "));
    }
    failed == 0 && missing.is_empty() && sizes.len() as u64 == count
}

/// Finds out how many seeds it takes to notice each mutation, by what its lack does.
fn mutations() -> bool {
    let mut good = true;
    for (name, mutation) in Mutation::ALL {
        let manners = Manners { mutation, hard: true, ..PLAIN };
        let found = Mutex::new(std::collections::BTreeMap::new());
        let harm = |violation: &sim::Violation| violation.kind == mutation.harm();
        let mut others = 0;
        for from in (0..NOTICED).step_by(10) {
            run_all(from..from + 10, manners, |seed, report| {
                if let Some(violation) = report.violation {
                    found.lock().unwrap().insert(seed, violation);
                }
            });
            let found = found.lock().unwrap();
            others = found.values().filter(|violation| !harm(violation)).count();
            if found.values().any(harm) {
                break;
            }
        }
        let found = found.into_inner().unwrap();
        let first = found.iter().find(|(_, violation)| harm(violation));
        if let Some((seed, violation)) = first {
            let detail: String = violation.detail.chars().take(200).collect();
            println!("{name}: {} by seed {seed} ({detail})", violation.kind);
            println!("  {others} seeds up to there were violated in another way");
        } else {
            println!("{name}: not noticed by {NOTICED} seeds");
            good = false;
        }
    }
    good
}
