//! The command line: flags in Terraform's spelling, with one dash or two.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use super::bench::arguments::Bench;
use super::forbid::Forbidden;
use super::force_unlock::ForceUnlock;
use super::state::arguments::State;
use crate::configuration::VariableOption;

/// Plans and applies Alibaba Cloud NAT gateways as code.
///
/// Flags may be spelt with one dash or two. Without an account, `endpoint = "emulator"` in the
/// provider block runs everything against the service built into this program.
#[derive(Debug, Parser)]
#[command(
    name = "natform",
    version,
    disable_version_flag = true,
    max_term_width = 100,
    after_help = "`natform help COMMAND` tells all about one command. Begin with `natform plan`."
)]
pub struct Arguments {
    /// Run as if started in this directory
    #[arg(short = 'C', long = "chdir", global = true, value_name = "DIR")]
    pub directory: Option<PathBuf>,

    /// Print without colours
    #[arg(long, global = true)]
    pub no_color: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the configuration without credentials and network
    Validate(Validate),
    /// Show what apply would change
    Plan(Plan),
    /// Make the changes of a plan, or of a saved plan file
    #[command(
        after_help = "Examples:\n  natform apply\n  natform apply change.plan\n  natform apply -auto-approve -json\n  natform apply -refresh-only       # record what is live, change nothing"
    )]
    Apply(Apply),
    /// Delete everything that the state records
    #[command(
        after_help = "Examples:\n  natform destroy\n  natform destroy -target=nat_gateway.edge\n  natform plan -destroy             # only look"
    )]
    Destroy(Apply),
    /// Play a plan on a copy of what is live, in virtual time, and tell how it goes
    #[command(
        after_help = "It reads lists and changes nothing: not the service, not the state. It exits with 0 when the\napply would succeed and the plan after it would be empty, and with 1 otherwise.\n\nExamples:\n  natform rehearse\n  natform rehearse change.plan\n  natform rehearse -destroy\n  natform rehearse -format=markdown change.plan > comment.md"
    )]
    Rehearse(Rehearse),
    /// Show the state or a saved plan
    Show(Show),
    /// Show output values
    Output(Output),
    /// Compare the recorded objects with the live ones; reads only
    Drift(Drift),
    /// Finish what interrupted runs left unfinished, and nothing else
    Recover(Recover),
    /// Look at recorded objects and their history, and mend them by hand
    #[command(subcommand)]
    State(State),
    /// Say who holds the lock of the state, or take it from a process that hangs
    ForceUnlock(ForceUnlock),
    /// Print the graph of resources, or of a plan's operations, in DOT
    Graph(Graph),
    /// Evaluate expressions against the configuration and the state
    Console(Console),
    /// Lay out configuration and variable files in the one common way
    Fmt(Fmt),
    /// Serve the built-in emulator over HTTP, or control one
    Emulator(Emulator),
    /// Measure plan, apply, refresh and destroy at some sizes
    #[command(hide = true)]
    Bench(Bench),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the version
    Version {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// Where values of variables come from.
#[derive(Debug, Args, Default, Clone)]
pub struct Variables {
    /// Set a variable (repeatable)
    #[arg(help_heading = "Variables", long = "var", value_name = "NAME=VALUE", action = ArgAction::Append)]
    pub var: Vec<String>,

    /// Read variables from a file (repeatable)
    #[arg(help_heading = "Variables", long = "var-file", value_name = "FILE", action = ArgAction::Append)]
    pub var_file: Vec<PathBuf>,

    /// Ask for missing values on a terminal
    #[arg(help_heading = "Variables", long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, action = ArgAction::Set)]
    pub input: bool,
}

/// How to reach the service.
#[derive(Debug, Args, Default, Clone)]
pub struct Service {
    /// Service to use: `emulator`, a URL, or nothing for the provider block's
    #[arg(help_heading = "Service", long, value_name = "URL")]
    pub endpoint: Option<String>,

    /// Send ambient credentials to a host that is not Alibaba Cloud's
    #[arg(help_heading = "Service", long)]
    pub trust_endpoint: bool,

    /// Allow plain HTTP to a host that is not this machine
    #[arg(help_heading = "Service", long)]
    pub allow_http: bool,

    /// Append a redacted log of every request to this file
    #[arg(help_heading = "Service", long, value_name = "FILE")]
    pub log_file: Option<PathBuf>,

    /// Requests in flight at once
    #[arg(help_heading = "Service", long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub parallelism: u16,
}

/// What to plan.
#[derive(Debug, Args, Default, Clone)]
pub struct Planning {
    /// Variables.
    #[command(flatten)]
    pub variables: Variables,

    /// Service.
    #[command(flatten)]
    pub service: Service,

    /// Plan only these addresses and what they depend on (repeatable)
    #[arg(help_heading = "What to plan", long, value_name = "ADDRESS", action = ArgAction::Append)]
    pub target: Vec<String>,

    /// Replace this instance (repeatable)
    #[arg(help_heading = "What to plan", long, value_name = "ADDRESS", action = ArgAction::Append)]
    pub replace: Vec<String>,

    /// Read the live objects before planning
    #[arg(help_heading = "What to plan", long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, action = ArgAction::Set)]
    pub refresh: bool,

    /// Only record what is live, change nothing in the service
    #[arg(help_heading = "What to plan", long, conflicts_with_all = ["destroy", "replace"])]
    pub refresh_only: bool,

    /// Plan to delete everything
    #[arg(help_heading = "What to plan", long)]
    pub destroy: bool,

    /// Refuse a plan with such changes: `interrupt`, `billing`, `irreversible`, `release`
    #[arg(help_heading = "What to plan", long, value_name = "IMPACTS", value_delimiter = ',', hide_possible_values = true, action = ArgAction::Append)]
    pub forbid: Vec<Forbidden>,

    /// Go on when none of several recorded objects is found
    #[arg(help_heading = "What to plan", long)]
    pub allow_missing: bool,

    /// Wait this long for the state's lock (`30s`, `5m`)
    #[arg(help_heading = "What to plan", long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    pub lock_timeout: std::time::Duration,

    /// Show sensitive values
    #[arg(help_heading = "What to plan", long)]
    pub show_sensitive: bool,
}

/// `plan`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform plan\n  natform plan -out=change.plan && natform show -markdown change.plan\n  natform plan -detailed-exitcode   # 0 nothing to do, 1 error, 2 changes\n  natform plan -replace='forward_entry.web[\"80\"]'"
)]
pub struct Plan {
    /// What to plan.
    #[command(flatten)]
    pub planning: Planning,

    /// Save the plan to a file; it holds sensitive values
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Write `resource` blocks for imports that have none to a new file of the configuration
    #[arg(long, value_name = "FILE")]
    pub generate_config_out: Option<PathBuf>,

    /// Exit with 2 when there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Print a stream of JSON events, one a line
    #[arg(long)]
    pub json: bool,
}

/// `apply` and `destroy`
#[derive(Debug, Args)]
pub struct Apply {
    /// What to plan.
    #[command(flatten)]
    pub planning: Planning,

    /// A plan saved by `plan -out`
    pub plan_file: Option<PathBuf>,

    /// Do not ask for approval
    #[arg(long)]
    pub auto_approve: bool,

    /// Print a stream of JSON events, one a line
    #[arg(long)]
    pub json: bool,
}

/// `rehearse`
#[derive(Debug, Args)]
pub struct Rehearse {
    /// What to plan.
    #[command(flatten)]
    pub planning: Planning,

    /// A plan saved by `plan -out`; without it, a plan is made
    pub plan_file: Option<PathBuf>,

    /// Print one JSON document
    #[arg(long, conflicts_with = "format")]
    pub json: bool,

    /// How to print the report
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = RehearsalFormat::Text)]
    pub format: RehearsalFormat,
}

/// How a rehearsal is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RehearsalFormat {
    /// Text for a terminal
    Text,
    /// One JSON document
    Json,
    /// Markdown for a pull request
    Markdown,
}

/// `validate`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  natform validate\n  natform validate -json")]
pub struct Validate {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `show`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform show\n  natform show change.plan\n  natform show -markdown change.plan > comment.md"
)]
pub struct Show {
    /// A plan saved by `plan -out`; without it, the state
    pub plan_file: Option<PathBuf>,

    /// The state as recorded at this serial
    #[arg(long, value_name = "N", conflicts_with = "plan_file")]
    pub serial: Option<u64>,

    /// Print one JSON document
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,

    /// Print Markdown for a pull request
    #[arg(long)]
    pub markdown: bool,

    /// Show sensitive values
    #[arg(long)]
    pub show_sensitive: bool,
}

/// `output`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform output\n  natform output -raw public_ip\n  natform output -json"
)]
pub struct Output {
    /// Name of one output
    pub name: Option<String>,

    /// Print JSON; shows sensitive values
    #[arg(long)]
    pub json: bool,

    /// Print the text of one output as it is; shows sensitive values
    #[arg(long, requires = "name", conflicts_with = "json")]
    pub raw: bool,
}

/// `drift`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform drift                   # 0 in sync, 1 failed, 2 drift\n  natform drift -json > drift.json\n  natform drift -expected=expected.json -markdown"
)]
pub struct Drift {
    /// Variables.
    #[command(flatten)]
    pub variables: Variables,

    /// Service.
    #[command(flatten)]
    pub service: Service,

    /// A JSON file of drift that is expected: a list of `address` or `id`, `attributes`, `reason`,
    /// `until`
    #[arg(long, value_name = "FILE")]
    pub expected: Option<PathBuf>,

    /// Go on when none of several recorded objects is found
    #[arg(long)]
    pub allow_missing: bool,

    /// Print one JSON document
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,

    /// Print Markdown for an issue or a job's summary
    #[arg(long)]
    pub markdown: bool,

    /// Show sensitive values
    #[arg(long)]
    pub show_sensitive: bool,
}

/// `recover`
#[derive(Debug, Args)]
#[command(
    after_help = "Every apply does this first; `recover` does only this. It exits with 1 while something is\nunfinished.\n\nExamples:\n  natform recover -dry-run\n  natform recover\n  natform recover -adopt 'nat_gateway.edge=ngw-bp1uewa15k4iy5770sy4l'\n  natform recover -abandon 'forward_entry.web[\"80\"]'"
)]
pub struct Recover {
    /// Variables.
    #[command(flatten)]
    pub variables: Variables,

    /// Service.
    #[command(flatten)]
    pub service: Service,

    /// Only tell what is unfinished and what would be done; takes no lock and writes nothing
    #[arg(long, conflicts_with_all = ["adopt", "abandon", "retry"])]
    pub dry_run: bool,

    /// Take this object for what the unfinished create of the address made (repeatable)
    #[arg(long, value_name = "ADDRESS=ID", action = ArgAction::Append)]
    pub adopt: Vec<String>,

    /// Give the unfinished operation of this address up (repeatable)
    #[arg(long, value_name = "ADDRESS", action = ArgAction::Append)]
    pub abandon: Vec<String>,

    /// Find out again what became of the operation of this address (repeatable)
    #[arg(long, value_name = "ADDRESS", action = ArgAction::Append)]
    pub retry: Vec<String>,

    /// Wait this long for the state's lock (`30s`, `5m`)
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    pub lock_timeout: std::time::Duration,

    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `graph`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform graph | dot -Tsvg > graph.svg\n  natform graph -plan=change.plan"
)]
pub struct Graph {
    /// A plan saved by `plan -out`: print its operations instead of the resources
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// `console`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform console\n  echo 'nat_gateway.edge.id' | natform console\n  echo 'cidrhost(\"10.0.0.0/24\", 5)' | natform console\n\nA variable without a value is unknown. Objects come from the state; a data source is read from the\nservice when an expression needs it, nothing else is asked there."
)]
pub struct Console {
    /// Variables.
    #[command(flatten)]
    pub variables: Variables,

    /// Service.
    #[command(flatten)]
    pub service: Service,
}

/// `fmt`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  natform fmt\n  natform fmt -recursive\n  natform fmt -check -diff          # 0 laid out, 1 mistakes, 3 there is work\n  natform fmt - < main.nat.hcl"
)]
pub struct Fmt {
    /// Files and directories, or `-` for standard input; without any, the working directory
    #[arg(value_name = "DIR|FILE|-")]
    pub targets: Vec<PathBuf>,

    /// Change nothing; list the files that need work and exit with 3 if there are any
    #[arg(long)]
    pub check: bool,

    /// Show what changes
    #[arg(long)]
    pub diff: bool,

    /// Also the directories below
    #[arg(long)]
    pub recursive: bool,

    /// List the files that change
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, action = ArgAction::Set)]
    pub list: bool,

    /// Write the files
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, action = ArgAction::Set)]
    pub write: bool,
}

/// Edition of the service's reference.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum EditionName {
    /// The English edition
    #[value(name = "2019-07-19")]
    V2019,
    /// The Chinese edition, the authority
    #[value(name = "2020-09-25")]
    V2020,
}

/// `emulator`
#[derive(Debug, Args)]
#[command(
    after_help = "Without a command it serves an emulator, until it is interrupted.\n\nExamples:\n  natform emulator\n  natform emulator -listen 127.0.0.1:0 -timing instant\n  natform emulator -data world.db -access-key ci:secret\n  natform emulator health\n  natform emulator calls -action CreateForwardEntry"
)]
pub struct Emulator {
    /// Control one that is served elsewhere, in place of serving one
    #[command(subcommand)]
    pub control: Option<super::emulator::arguments::Control>,

    /// Address to listen on; port 0 picks one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8900")]
    pub listen: String,

    /// Keep the world in this file; without it, in memory
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,

    /// Speak as this edition of the reference
    #[arg(long, value_enum, default_value = "2020-09-25")]
    pub edition: EditionName,

    /// `instant`, `default`, `documented`, `manual`, or a JSON file
    #[arg(long, value_name = "NAME|FILE", default_value = "default")]
    pub timing: String,

    /// Fault rules in a JSON file
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,

    /// A further key, with its security token if it is a temporary one (repeatable)
    #[arg(long, value_name = "ID:SECRET[:TOKEN]", action = ArgAction::Append)]
    pub access_key: Vec<String>,

    /// Listen on an address that other machines reach
    #[arg(long)]
    pub allow_remote: bool,
}

/// Parses the command line, and returns `-var` and `-var-file` in the order in which they were given,
/// which decides which one wins.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<(Arguments, Vec<VariableOption>), clap::Error> {
    let arguments = with_two_dashes(arguments).into_iter().enumerate().map(|(place, argument)| {
        let asks = place == 1 && ["--version", "-v", "-V"].iter().any(|flag| argument == *flag);
        if asks { OsString::from("version") } else { argument }
    });
    let matches = Arguments::command().try_get_matches_from(arguments)?;
    let parsed = Arguments::from_arg_matches(&matches)?;
    let mut innermost = &matches;
    while let Some((_, of_command)) = innermost.subcommand() {
        innermost = of_command;
    }
    Ok((parsed, ordered(innermost)))
}

fn ordered(matches: &clap::ArgMatches) -> Vec<VariableOption> {
    let mut options: Vec<(usize, VariableOption)> = Vec::new();
    // Asking for the places of a flag that the command does not have panics, so values come first.
    if let Ok(Some(values)) = matches.try_get_many::<String>("var") {
        let places = matches.indices_of("var").into_iter().flatten();
        options.extend(places.zip(values.cloned().map(VariableOption::Var)));
    }
    if let Ok(Some(values)) = matches.try_get_many::<PathBuf>("var_file") {
        let places = matches.indices_of("var_file").into_iter().flatten();
        options.extend(places.zip(values.cloned().map(VariableOption::File)));
    }
    options.sort_by_key(|(place, _)| *place);
    options.into_iter().map(|(_, option)| option).collect()
}

/// Writes Terraform's one-dash flags (`-auto-approve`) with two dashes, as the parser wants them.
///
/// One-letter flags, negative numbers and everything behind `--` stay as they are.
pub fn with_two_dashes(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut plain = false;
    arguments
        .into_iter()
        .map(|argument| {
            let Some(text) = argument.to_str() else { return argument };
            plain |= text == "--";
            let letters = text.strip_prefix('-').unwrap_or("");
            let long = letters.len() > 1
                && letters.starts_with(|c: char| c.is_ascii_lowercase())
                && letters.split('=').next().is_some_and(|name| {
                    name.len() > 1 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                });
            if long && !plain { OsString::from(format!("-{text}")) } else { argument }
        })
        .collect()
}

/// Parses `90`, `90s`, `5m`, `1h`, `1m30s` or `500ms`.
pub fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || format!("`{text}` is not a duration such as `30s`, `5m` or `1m30s`");
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(std::time::Duration::from_secs(seconds));
    }
    let mut total = std::time::Duration::ZERO;
    let mut rest = text;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let milliseconds = match &rest[..unit] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        let part = number.checked_mul(milliseconds).ok_or_else(wrong)?;
        total = total.saturating_add(std::time::Duration::from_millis(part));
        rest = &rest[unit..];
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn one_dash_is_as_good_as_two() {
        let given = ["natform", "-C", "x", "apply", "-auto-approve", "-var=a=-b", "--json", "-1"];
        let wanted =
            ["natform", "-C", "x", "apply", "--auto-approve", "--var=a=-b", "--json", "-1"];
        let got = with_two_dashes(given.iter().map(OsString::from));
        assert_eq!(got, wanted.map(OsString::from));
    }

    #[test]
    fn boolean_flags_take_a_value() {
        let parse = |flags: &[&str]| {
            let all = ["natform", "plan"].iter().chain(flags).map(OsString::from);
            match Arguments::try_parse_from(with_two_dashes(all)).map(|a| a.command) {
                Ok(Command::Plan(plan)) => Some(plan.planning.refresh),
                _ => None,
            }
        };
        assert_eq!(parse(&[]), Some(true));
        assert_eq!(parse(&["-refresh=false"]), Some(false));
        assert_eq!(parse(&["-refresh"]), Some(true));
        assert_eq!(parse(&["-refresh=perhaps"]), None);
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(parse_duration("1m30s"), Ok(std::time::Duration::from_secs(90)));
        assert_eq!(parse_duration("90"), Ok(std::time::Duration::from_secs(90)));
        for wrong in ["", "s", "5x", "-1s", "99999999999999999999s"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
