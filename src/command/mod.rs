//! The commands, one file each: arguments → settings → the folders above → rendering and exit code.
//! The only place with stdout, stderr, signals and exit codes.

pub mod apply;
pub mod arguments;
pub mod bench;
pub mod console;
pub mod drift;
pub mod emulator;
pub mod events;
pub mod failure;
pub mod fmt;
pub mod forbid;
pub mod force_unlock;
pub mod generate;
pub mod graph;
pub mod help;
pub mod interrupt;
pub mod lock;
pub mod output;
pub mod plan;
pub mod plan_file;
pub mod planning;
pub mod progress;
pub mod providers;
pub mod recover;
pub mod rehearse;
pub mod running;
pub mod service;
pub mod show;
pub mod state;
pub mod terminal;
pub mod validate;
pub mod waiting;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::CommandFactory;

use crate::address::Target;
use crate::configuration::{self, Configuration, VariableOption};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap, render};
use crate::environment::Environment;
use crate::state::SqliteStore;
use arguments::{Arguments, Command};
use failure::{Exit, Failure};
use terminal::Terminal;

/// What every command gets.
pub struct Session {
    /// The outside, with the working directory of `-C`.
    pub environment: Environment,
    /// The streams.
    pub terminal: Terminal,
    /// `-var` and `-var-file` in the order in which they were given.
    pub variables: Vec<VariableOption>,
}

/// Runs the program with the process's arguments and returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let (parsed, variables) = match arguments::parse(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            let terminal = Terminal::real(&Environment::real(), false);
            return ExitCode::from(help::show(&error, &terminal).code());
        }
    };
    let mut environment = Environment::real();
    let terminal = Terminal::real(&environment, parsed.no_color);
    let session = match &parsed.directory {
        None => Session { environment, terminal, variables },
        Some(directory) => {
            let place = environment.working_directory.join(directory);
            let problem = not_a_directory(directory, &place);
            environment.working_directory = place;
            let session = Session { environment, terminal, variables };
            if let Some(problem) = problem {
                session.warn_one(problem);
                return ExitCode::from(Exit::Failed.code());
            }
            session
        }
    };
    let exit = match dispatch(&session, parsed.command) {
        Ok(exit) => exit,
        Err(failure) => session.report(&failure),
    };
    ExitCode::from(exit.code())
}

fn dispatch(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Version { json } => version(session, json),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "natform", &mut script);
            session.terminal.print(&String::from_utf8_lossy(&script))?;
            Ok(Exit::Done)
        }
        Command::Validate(arguments) => validate::run(session, &arguments),
        Command::Output(arguments) => output::run(session, &arguments),
        Command::State(arguments) => state::run(session, &arguments),
        Command::ForceUnlock(arguments) => force_unlock::run(session, &arguments),
        Command::Emulator(arguments) => emulator::run(session, &arguments),
        Command::Plan(arguments) => plan::run(session, &arguments),
        Command::Show(arguments) => show::run(session, &arguments),
        Command::Graph(arguments) => graph::run(session, &arguments),
        Command::Console(arguments) => console::run(session, &arguments),
        Command::Fmt(arguments) => fmt::run(session, &arguments),
        Command::Apply(arguments) => apply::run(session, &arguments),
        Command::Destroy(mut arguments) => {
            arguments.planning.destroy = true;
            apply::run(session, &arguments)
        }
        Command::Drift(arguments) => drift::run(session, &arguments),
        Command::Recover(arguments) => recover::run(session, &arguments),
        Command::Rehearse(arguments) => rehearse::run(session, &arguments),
        Command::Bench(arguments) => bench::run(session, &arguments),
    }
}

impl Session {
    /// Writes a failure's diagnostics to standard error and returns the exit code.
    pub fn report(&self, failure: &Failure) -> Exit {
        match failure {
            Failure::ClosedOutput => Exit::Done,
            Failure::Ended(exit) => *exit,
            Failure::Diagnostics(diagnostics, sources) => {
                self.warn(diagnostics, sources);
                Exit::Failed
            }
        }
    }

    /// Writes one diagnostic that points into no source.
    pub fn warn_one(&self, diagnostic: Diagnostic) {
        self.warn(&diagnostic.into(), &SourceMap::default());
    }

    /// Returns the state of the working directory's configuration; mistakes elsewhere in the
    /// configuration do not matter for it.
    pub fn store(&self) -> Result<SqliteStore, Failure> {
        let directory = &self.environment.working_directory;
        let (configuration, _) = configuration::load(&self.environment, directory);
        Ok(SqliteStore::new(state_path(&configuration, directory), &self.environment))
    }

    /// Returns the same state for a command that writes to it. Where the configuration cannot be read
    /// and nothing that could be read names the state, it may be another one: that is refused.
    pub fn store_to_write(&self) -> Result<SqliteStore, Failure> {
        let directory = &self.environment.working_directory;
        let (configuration, diagnostics) = configuration::load(&self.environment, directory);
        if diagnostics.has_errors() && configuration.root.settings.state_path.is_none() {
            return Err(Failure::Diagnostics(diagnostics, configuration.sources));
        }
        Ok(SqliteStore::new(state_path(&configuration, directory), &self.environment))
    }

    /// Writes diagnostics to standard error.
    pub fn warn(&self, diagnostics: &Diagnostics, sources: &SourceMap) {
        if !diagnostics.is_empty() {
            let style = render::Style { colour: self.terminal.colour_errors };
            let diagnostics = self.natural(diagnostics);
            self.terminal.report(&render::render(&diagnostics, sources, style));
        }
    }

    /// Returns diagnostics in whose texts paths below the working directory are relative to it.
    pub fn natural(&self, diagnostics: &Diagnostics) -> Diagnostics {
        let mut natural = Diagnostics::new();
        natural.extend(diagnostics.iter().cloned().map(|mut diagnostic| {
            diagnostic.summary = self.natural_text(&diagnostic.summary);
            diagnostic.detail = self.natural_text(&diagnostic.detail);
            diagnostic.help = diagnostic.help.map(|help| self.natural_text(&help));
            diagnostic
        }));
        natural
    }

    /// Returns a text in which paths below the working directory are relative to it.
    pub fn natural_text(&self, text: &str) -> String {
        let directory = self.environment.working_directory.to_string_lossy();
        let prefix = format!("{}/", directory.trim_end_matches('/'));
        if prefix.len() > 1 { text.replace(&prefix, "") } else { text.to_owned() }
    }

    /// Returns a path as users write it: relative to the working directory where it lies below.
    pub fn relative(&self, path: &str) -> String {
        let below = Path::new(path).strip_prefix(&self.environment.working_directory);
        below.map_or_else(|_| path.to_owned(), |below| below.display().to_string())
    }

    /// Writes one JSON document to standard output.
    pub fn print_json(&self, document: &impl serde::Serialize) -> Result<(), Failure> {
        Ok(self.terminal.stream(|out| {
            serde_json::to_writer_pretty(&mut *out, document)?;
            out.write_all(b"\n")
        })?)
    }
}

/// Says why the directory of `-C` cannot be worked in, if it cannot.
fn not_a_directory(given: &Path, place: &Path) -> Option<Diagnostic> {
    let shown = given.display();
    let summary = match std::fs::metadata(place) {
        Ok(found) if found.is_dir() => return None,
        Ok(_) => format!("`{shown}` is not a directory"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            format!("there is no directory `{shown}`")
        }
        Err(error) => format!("cannot use the directory `{shown}`: {error}"),
    };
    Some(
        Diagnostic::error("directory", summary)
            .help("give the directory of a configuration with `-C DIR`"),
    )
}

/// Files that are opened beside each other at least: the runtime's own, the state's and a connection.
const FEWEST_FILES: usize = 16;

/// Returns the runtime that carries network and timers.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    // The runtime cannot say that it gets no file descriptors: it panics.
    let some = (0..FEWEST_FILES).map(|_| std::fs::File::open("/dev/null"));
    if let Err(error) = some.collect::<Result<Vec<_>, _>>()
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(Failure::of(
            Diagnostic::error("open-files", format!("cannot open files: {error}"))
                .help("allow this process more of them with `ulimit -n 256`"),
        ));
    }
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Returns where the state of a configuration lies.
fn state_path(configuration: &Configuration, directory: &Path) -> PathBuf {
    let name = configuration.root.settings.state_path.as_ref().map_or("natform.db", |(p, _)| p);
    directory.join(name)
}

/// Parses an address that a user gave on the command line.
fn parse_target(text: &str) -> Result<Target, Failure> {
    text.parse().map_err(|error: crate::address::ParseError| {
        Failure::of(
            Diagnostic::error("address", error.to_string())
                .help("write it as `nat_gateway.main` or `forward_entry.web[\"80\"]`"),
        )
    })
}

fn version(session: &Session, json: bool) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let text = if json {
        format!("{}\n", serde_json::json!({"format_version": "1.0", "version": version}))
    } else {
        format!("natform {version}\n")
    };
    session.terminal.print(&text)?;
    Ok(Exit::Done)
}
