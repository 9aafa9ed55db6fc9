//! The arguments of `state` and its commands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Subcommand};

use crate::command::arguments::{Service, Variables, parse_duration};

/// `state`
#[derive(Debug, Subcommand)]
pub enum State {
    /// List the addresses of recorded objects
    #[command(visible_alias = "ls")]
    List(List),
    /// Show one recorded object
    Show(Show),
    /// Record an object, a resource or a module at another address
    #[command(visible_alias = "move")]
    Mv(Mv),
    /// Forget recorded objects; they live on in the service
    #[command(visible_alias = "remove")]
    Rm(Rm),
    /// Print the state as one JSON document
    Pull(Pull),
    /// Replace the state by a document that `pull` printed
    Push(Push),
    /// Show what each serial changed: when, who, by which command
    History(History),
    /// Make the state what it was at an earlier serial, as a new serial
    Restore(Restore),
    /// Record that the objects are reached at another server now
    Rebind(Rebind),
}

/// How long to wait for the lock.
#[derive(Debug, Args)]
pub struct Locking {
    /// Wait this long for the state's lock (`30s`, `5m`)
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    pub lock_timeout: Duration,
}

/// `state list`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform state list\n  natform state list module.edge\n  natform state list -id=fwd-1a2b3c"
)]
pub struct List {
    /// Only these addresses
    pub addresses: Vec<String>,

    /// Only objects with this id of the service
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,

    /// As recorded at this serial
    #[arg(long, value_name = "N")]
    pub serial: Option<u64>,

    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `state show`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform state show nat_gateway.edge\n  natform state show -serial=7 'forward_entry.web[\"80\"]'"
)]
pub struct Show {
    /// Its address
    pub address: String,

    /// As recorded at this serial
    #[arg(long, value_name = "N")]
    pub serial: Option<u64>,

    /// Print one JSON document
    #[arg(long)]
    pub json: bool,

    /// Show sensitive values
    #[arg(long)]
    pub show_sensitive: bool,
}

/// `state mv`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform state mv nat_gateway.old nat_gateway.new\n  natform state mv 'forward_entry.web[0]' 'forward_entry.web[\"80\"]'\n  natform state mv module.edge module.north\n  natform state mv -dry-run nat_gateway.edge module.north.nat_gateway.edge"
)]
pub struct Mv {
    /// Where it is recorded: an instance, a resource or a module
    pub source: String,

    /// Where it is to be recorded
    pub destination: String,

    /// Only say what would be moved
    #[arg(long)]
    pub dry_run: bool,

    /// Lock.
    #[command(flatten)]
    pub locking: Locking,
}

/// `state rm`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform state rm nat_gateway.edge\n  natform state rm -dry-run module.edge 'forward_entry.web[\"80\"]'"
)]
pub struct Rm {
    /// What to forget: instances, resources or modules
    #[arg(required = true, value_name = "ADDRESS")]
    pub addresses: Vec<String>,

    /// Only say what would be forgotten
    #[arg(long)]
    pub dry_run: bool,

    /// Lock.
    #[command(flatten)]
    pub locking: Locking,
}

/// `state pull`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform state pull -show-sensitive > state.json\n  natform state pull -serial=7"
)]
pub struct Pull {
    /// As recorded at this serial
    #[arg(long, value_name = "N")]
    pub serial: Option<u64>,

    /// Write sensitive values in clear; without them the document cannot be pushed
    #[arg(long)]
    pub show_sensitive: bool,
}

/// `state push`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform state push state.json\n  natform state push -dry-run - < state.json"
)]
pub struct Push {
    /// The document; `-` for standard input
    #[arg(value_name = "FILE|-")]
    pub file: PathBuf,

    /// Push a document of another lineage or an older serial
    #[arg(long)]
    pub force: bool,

    /// Only check the document and say what would change
    #[arg(long)]
    pub dry_run: bool,

    /// Lock.
    #[command(flatten)]
    pub locking: Locking,
}

/// `state history`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform state history\n  natform state history -limit=5 nat_gateway.edge\n  natform state history -json"
)]
pub struct History {
    /// Only serials that changed these addresses
    pub addresses: Vec<String>,

    /// At most so many serials, the newest first
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `state restore`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform state history             # lists the serials\n  natform state restore -dry-run 7\n  natform state restore 7\n  natform state restore -backup     # for a damaged file"
)]
pub struct Restore {
    /// The serial to go back to
    #[arg(value_name = "SERIAL", required_unless_present = "backup")]
    pub serial: Option<u64>,

    /// Put the backup in the place of a damaged state, which is kept beside it
    #[arg(long, conflicts_with = "serial")]
    pub backup: bool,

    /// Do not ask for approval
    #[arg(long)]
    pub auto_approve: bool,

    /// Only say what would change
    #[arg(long)]
    pub dry_run: bool,

    /// Ask for approval on a terminal
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, action = ArgAction::Set)]
    pub input: bool,

    /// Lock.
    #[command(flatten)]
    pub locking: Locking,
}

/// `state rebind`
#[derive(Debug, Args)]
#[command(
    after_help = "Reads every recorded object at the new server first, and refuses when one is not found there.\n\nExamples:\n  natform state rebind -endpoint=http://127.0.0.1:8900\n  natform state rebind -dry-run     # to the server that the provider block names"
)]
pub struct Rebind {
    /// Variables.
    #[command(flatten)]
    pub variables: Variables,

    /// Service.
    #[command(flatten)]
    pub service: Service,

    /// Go on when some of the recorded objects are not found
    #[arg(long)]
    pub allow_missing: bool,

    /// Only say what would be recorded
    #[arg(long)]
    pub dry_run: bool,

    /// Lock.
    #[command(flatten)]
    pub locking: Locking,
}
