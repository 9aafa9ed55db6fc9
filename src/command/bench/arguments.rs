//! The command line of `bench`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::bench::needs::Step;
use crate::command::arguments::parse_duration;

/// `bench`
#[derive(Debug, Args)]
#[command(
    after_help = "Makes configurations and carries them out: over HTTP against the emulator, whose transitions take\nno time (`wall`), and in virtual time with the times of the documentation (`makespan`). `least` is a\nlower bound for any client, computed from the service's own exclusions.\n\nExamples:\n  natform bench\n  natform bench 1000 10000 100000\n  natform bench 2000 -only=virtual -snat=25 -json"
)]
pub struct Bench {
    /// How many instances: gateways, a package for each, and entries
    #[arg(value_name = "SIZE", default_values_t = [1000_u64, 10_000], value_parser = clap::value_parser!(u64).range(3..=10_000_000))]
    pub sizes: Vec<u64>,

    /// Entries of a gateway
    #[arg(long, value_name = "N", default_value_t = 98)]
    pub entries: u64,

    /// How many of a hundred entries are SNAT entries
    #[arg(long, value_name = "PERCENT", default_value_t = 0)]
    pub snat: u64,

    /// Only what is measured with a clock, or only what is in virtual time
    #[arg(long, value_enum, value_name = "real|virtual", hide_possible_values = true)]
    pub only: Option<Way>,

    /// Requests in flight at once
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub parallelism: u16,

    /// In virtual time, requests a second at most
    #[arg(long, value_name = "RATE")]
    pub rate: Option<f64>,

    /// In virtual time, how long a request and its answer are on their way
    #[arg(long, value_name = "DURATION", default_value = "100ms", value_parser = parse_duration)]
    pub answer: Duration,

    /// In virtual time, how long transitions take: as `natform emulator -timing`
    #[arg(long, value_name = "NAME|FILE", default_value = "documented")]
    pub timing: String,

    /// Fail where a makespan is more than so many times its lower bound
    #[arg(long, value_name = "RATIO")]
    pub most_ratio: Option<f64>,

    /// Fail where an apply in virtual time makes more calls than so many an operation
    #[arg(long, value_name = "CALLS")]
    pub most_calls: Option<f64>,

    /// Print one JSON document
    #[arg(long)]
    pub json: bool,

    /// Carry out one step in virtual time, in a directory that is made ready
    #[arg(long, hide = true)]
    pub step: Option<StepName>,
}

/// How something is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// By the clock, with processes and HTTP.
    Real,
    /// In virtual time.
    Virtual,
}

/// A step, in the order in which they are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum StepName {
    /// [`Step::Create`]
    Create,
    /// [`Step::Modify`]
    Modify,
    /// [`Step::Replace`]
    Replace,
    /// [`Step::Empty`]
    Empty,
    /// [`Step::Fill`]
    Fill,
    /// [`Step::Rebuild`]
    Rebuild,
    /// [`Step::Destroy`]
    Destroy,
}

impl StepName {
    /// All steps.
    pub const ALL: [Self; 7] = [
        Self::Create,
        Self::Modify,
        Self::Replace,
        Self::Empty,
        Self::Fill,
        Self::Rebuild,
        Self::Destroy,
    ];

    /// Returns the step.
    pub const fn step(self) -> Step {
        match self {
            Self::Create => Step::Create,
            Self::Modify => Step::Modify,
            Self::Replace => Step::Replace,
            Self::Empty => Step::Empty,
            Self::Fill => Step::Fill,
            Self::Rebuild => Step::Rebuild,
            Self::Destroy => Step::Destroy,
        }
    }

    /// Returns its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Modify => "modify",
            Self::Replace => "replace",
            Self::Empty => "empty",
            Self::Fill => "fill",
            Self::Rebuild => "rebuild",
            Self::Destroy => "destroy",
        }
    }

    /// Returns what it does, for the table.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Create => "create everything",
            Self::Modify => "modify every entry",
            Self::Replace => "replace every DNAT entry",
            Self::Empty => "delete every entry",
            Self::Fill => "create every entry",
            Self::Rebuild => "replace everything",
            Self::Destroy => "destroy everything",
        }
    }
}
