//! Real processes killed: the program against `natform emulator` over HTTP, random configurations,
//! killed at random instants in every way there is; and what is left of a state when the power is
//! cut. After each death the next run must leave no duplicate, no orphan and nothing lost.
//!
//! `cargo test --release --test kills -- 100` makes a hundred runs, `-seed N` begins with another
//! seed, `-kind NAME` makes one kind of death only, `-images N` opens so many states after a power
//! cut, `-binary FILE` takes another program. Without a number each kind is run once. A run that fails says its seed (`-seed N 1` repeats
//! its choices) and keeps its directory.

#![expect(clippy::print_stdout, reason = "its report is for people")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

mod configuration;
mod death;
mod dice;
mod images;
mod life;
mod recording;
mod service;

use death::Kind;
use life::Ended;

/// The program under test, where it is not that of the profile that the tests are built with.
static BINARY: OnceLock<String> = OnceLock::new();

/// Returns the path of the program under test.
pub(crate) fn binary() -> &'static str {
    BINARY.get().map_or(env!("CARGO_BIN_EXE_natform"), String::as_str)
}

/// Why a run failed.
#[derive(Debug)]
pub(crate) struct Failed(String);

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for Failed {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// What the command line asks for.
struct Arguments {
    runs: u64,
    seed: u64,
    kind: Option<Kind>,
    images: u64,
    jobs: u64,
}

/// Reads the command line; `None` when it names other tests.
fn arguments() -> Result<Option<Arguments>, Failed> {
    let mut found =
        Arguments { runs: Kind::ALL.len() as u64, seed: 1, kind: None, images: 200, jobs: 3 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if let Ok(number) = word.parse() {
            found.runs = number;
            continue;
        }
        let mut number = || {
            let value = words.next().and_then(|value| value.parse::<u64>().ok());
            value.ok_or_else(|| Failed(format!("`{word}` takes a number")))
        };
        match word.trim_start_matches('-') {
            "seed" => found.seed = number()?,
            "images" => found.images = number()?,
            "jobs" => found.jobs = number()?,
            "kind" => {
                let name = words.next().unwrap_or_default();
                let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
                found.kind = Some(kind.ok_or_else(|| Failed(format!("no kind `{name}`")))?);
            }
            "binary" => {
                let _ = BINARY.set(words.next().unwrap_or_default());
            }
            "list" | "ignored" => return Ok(None),
            // A name of a test, or a flag of the usual harness.
            name if !word.starts_with('-') && !"kills".contains(name) => return Ok(None),
            _ => {}
        }
    }
    Ok(Some(found))
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return ExitCode::SUCCESS,
        Err(Failed(why)) => {
            println!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let lives = lives(&arguments);
    let images = images(&arguments);
    if lives && images { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Counts of one kind: runs, runs in which death came before the end, runs not possible here.
#[derive(Default)]
struct Counts {
    runs: u64,
    died: u64,
    impossible: u64,
}

fn lives(arguments: &Arguments) -> bool {
    let next = AtomicU64::new(0);
    let counts: Mutex<BTreeMap<Kind, Counts>> = Mutex::default();
    let failures: Mutex<Vec<String>> = Mutex::default();
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= arguments.runs {
                return;
            }
            let seed = arguments.seed + number;
            let kind = arguments.kind.unwrap_or_else(|| Kind::of_seed(seed));
            let ended = life::live(kind, seed);
            let Ok(mut counts) = counts.lock() else { return };
            let count = counts.entry(kind).or_default();
            count.runs += 1;
            match ended {
                Ok(Ended::AfterDeath) => count.died += 1,
                Ok(Ended::Alive) => {}
                Ok(Ended::Impossible) => count.impossible += 1,
                Err(Failed(why)) => {
                    let text = format!("seed {seed} ({}): {why}", kind.name());
                    println!("{text}");
                    if let Ok(mut failures) = failures.lock() {
                        failures.push(text);
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(work);
        }
    });
    let counts = counts.into_inner().unwrap_or_default();
    let failures = failures.into_inner().unwrap_or_default();
    println!("\n{:<18} runs  died before the end", "kind of death");
    for (kind, count) in &counts {
        let note = if count.impossible > 0 {
            format!("  ({} not possible on this machine)", count.impossible)
        } else {
            String::new()
        };
        println!("{:<18} {:>4}  {:>4}{note}", kind.name(), count.runs, count.died);
    }
    let survived = arguments.runs - failures.len() as u64;
    println!("{survived} of {} runs left no duplicate, no orphan, nothing lost", arguments.runs);
    failures.is_empty()
}

fn images(arguments: &Arguments) -> bool {
    if arguments.kind.is_some() || arguments.images == 0 {
        return true;
    }
    match images::check(arguments.images, arguments.seed) {
        Ok(report) => {
            println!("{report}");
            true
        }
        Err(Failed(why)) => {
            println!("power cut, seed {}: {why}", arguments.seed);
            false
        }
    }
}
