//! The deterministic simulation: natform's planner, engine, journal and SQLite state against the
//! emulator's world, in virtual time and on one thread a seed. The seed decides latencies, faults,
//! interleavings, what is configured, and when the process dies.
//!
//! `cargo test --release --test simulation -- 0..1000` runs these seeds; `-- 17` one of them and
//! tells what happens. `SEEDS` may hold the same.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to people")]
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail by panicking")]

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
const FEW: u64 = 50;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let first = arguments.first().map_or("", String::as_str);
    let manners = Manners { mutation: Mutation::None, durable: false, verbose: false };
    if let Ok(seed) = first.parse::<u64>() {
        let report = seed::run(seed, Manners { verbose: true, ..manners });
        println!("{:?} trace {:x}", report.violation, report.trace.0);
        if let Some(violation) = report.violation {
            println!("{}: {}", violation.kind, violation.detail);
            return ExitCode::FAILURE;
        }
        return ExitCode::SUCCESS;
    }
    let range = first.split_once("..").and_then(|(from, to)| {
        Some(from.parse::<u64>().ok()?..to.parse::<u64>().ok()?)
    });
    let failed = many(range.unwrap_or(0..FEW), manners);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn many(range: Range<u64>, manners: Manners) -> u64 {
    let next = AtomicU64::new(range.start);
    let failed = AtomicU64::new(0);
    let tally = Mutex::new(Tally::default());
    let sizes = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= range.end {
                        return;
                    }
                    let report = seed::run(seed, manners);
                    tally.lock().unwrap().merge(&report.tally);
                    sizes.lock().unwrap().push(report.objects);
                    if let Some(violation) = report.violation {
                        failed.fetch_add(1, Ordering::Relaxed);
                        let detail: String = violation.detail.chars().take(600).collect();
                        println!("seed {seed}: {}: {detail}", violation.kind);
                    }
                }
            });
        }
    });
    for (name, count) in tally.lock().unwrap().iter() {
        println!("{count:>9} {name}");
    }
    let mut sizes = sizes.into_inner().unwrap();
    sizes.sort_unstable();
    println!("median of {} objects, most {}", sizes[sizes.len() / 2], sizes[sizes.len() - 1]);
    println!("missing: {:?}", tally.lock().unwrap().missing());
    failed.into_inner()
}
