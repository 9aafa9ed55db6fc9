//! The commands that control an emulator.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::command::arguments::parse_duration;

/// What to do with an emulator.
#[derive(Debug, Subcommand)]
pub enum Control {
    /// Tell whether an emulator is ready, and what its world holds
    Health(Health),
    /// Print the world as one JSON document
    Dump(Dump),
    /// Put the world of a document in place of the present one
    Load(Load),
    /// Begin a new world
    Reset(Place),
    /// List the latest calls, and count all by action
    Calls(Calls),
    /// List, set, add or remove fault rules
    Faults(Faults),
    /// Show the world's time, or go ahead of the clock
    Clock(Clock),
    /// Finish what is going on, without waiting for it
    Settle(Settle),
    /// Print or set what the world is like: quotas, rights, stock
    Conditions(Conditions),
    /// Bind EIPs to a gateway, or release one
    #[command(subcommand)]
    Eips(Eips),
}

/// The emulator that is served somewhere.
#[derive(Debug, Args)]
pub struct Server {
    /// Where the emulator listens; else NATFORM_EMULATOR_ADDRESS, else http://127.0.0.1:8900
    #[arg(long, value_name = "URL")]
    pub address: Option<String>,
}

/// The emulator that is served somewhere, or the file of a world.
#[derive(Debug, Args)]
pub struct Place {
    /// The server.
    #[command(flatten)]
    pub server: Server,

    /// Work on the world in this file, without a server
    #[arg(long, value_name = "FILE", conflicts_with = "address")]
    pub data: Option<PathBuf>,
}

/// `emulator health`
#[derive(Debug, Args)]
#[command(
    after_help = "Exits with 0 when it is ready, and with 1 otherwise.\n\nExamples:\n  natform emulator health\n  until natform emulator health 2>/dev/null; do sleep 1; done"
)]
pub struct Health {
    /// The server.
    #[command(flatten)]
    pub server: Server,

    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `emulator dump`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform emulator dump > world.json\n  natform emulator dump -data .natform/emulator.db   # the world that `endpoint = \"emulator\"` uses"
)]
pub struct Dump {
    /// Which world.
    #[command(flatten)]
    pub place: Place,

    /// Write to this file, which only its owner may read
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `emulator load`
#[derive(Debug, Args)]
#[command(
    after_help = "A document that does not hold together is refused, and the world stays as it was.\n\nExamples:\n  natform emulator load world.json\n  natform emulator dump -data old.db | natform emulator load -\n  natform emulator load -data new.db world.json      # makes the file if there is none"
)]
pub struct Load {
    /// Which world.
    #[command(flatten)]
    pub place: Place,

    /// The document, as `dump` prints it; `-` reads standard input
    pub file: PathBuf,
}

/// `emulator calls`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform emulator calls\n  natform emulator calls -action CreateForwardEntry -limit 100\n  natform emulator calls -json | jq '.counts'"
)]
pub struct Calls {
    /// The server.
    #[command(flatten)]
    pub server: Server,

    /// Only calls of this action
    #[arg(long, value_name = "NAME")]
    pub action: Option<String>,

    /// Only the last N calls; 20 in the table, all in JSON unless told
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    /// Forget all calls and counts
    #[arg(long, conflicts_with_all = ["action", "limit", "json"])]
    pub clear: bool,

    /// Print one JSON document, with parameters and answers
    #[arg(long)]
    pub json: bool,
}

/// `emulator faults`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform emulator faults\n  natform emulator faults -set faults.json\n  echo '{\"match\": {\"nth\": 3}, \"effect\": {\"drop\": \"after\"}}' | natform emulator faults -add -"
)]
pub struct Faults {
    /// The server.
    #[command(flatten)]
    pub server: Server,

    /// Replace all rules and limits by those of this file; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["add", "clear"])]
    pub set: Option<PathBuf>,

    /// Add the rule, or the rules and limits, of this file; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "clear")]
    pub add: Option<PathBuf>,

    /// Remove all rules and limits
    #[arg(long)]
    pub clear: bool,

    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `emulator clock`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform emulator clock\n  natform emulator clock -advance 5m   # what is due by then is done"
)]
pub struct Clock {
    /// Which world.
    #[command(flatten)]
    pub place: Place,

    /// Go ahead by this long (`500ms`, `30s`, `1h30m`)
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub advance: Option<Duration>,

    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `emulator settle`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform emulator settle\n  natform emulator settle ngw-emu0123456789abc"
)]
pub struct Settle {
    /// Which world.
    #[command(flatten)]
    pub place: Place,

    /// Only what goes on with this object
    pub id: Option<String>,
}

/// `emulator conditions`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform emulator conditions > conditions.json\n  echo '{\"quotas\": {\"forward_entries_per_table\": 5}}' | natform emulator conditions -set -"
)]
pub struct Conditions {
    /// Which world.
    #[command(flatten)]
    pub place: Place,

    /// Set them to those of this file, `-` for standard input; what it leaves out is as at the start
    #[arg(long, value_name = "FILE")]
    pub set: Option<PathBuf>,
}

/// `emulator eips`
#[derive(Debug, Subcommand)]
pub enum Eips {
    /// Bind new EIPs to a gateway; the service has no action for it
    Bind {
        /// Which world.
        #[command(flatten)]
        place: Place,
        /// The gateway
        gateway: String,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
        count: u32,
        /// Let them share the bandwidth of this id
        #[arg(long, value_name = "ID")]
        shared_bandwidth: Option<String>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Release an EIP that no entry uses
    Release {
        /// Which world.
        #[command(flatten)]
        place: Place,
        /// The EIP
        id: String,
    },
}
