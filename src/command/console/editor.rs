//! The console at a terminal: a line editor with history, completion of names, and inputs of several
//! lines. The history stays in memory, because what is typed may be secret.

use rustyline::completion::Completer;
use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::{Console, Next, goes_on};
use crate::address::Mode;
use crate::command::failure::{Exit, Failure};
use crate::configuration::Module;
use crate::language::function_names;

const PROMPT: &str = "> ";

/// Answers what is typed, until the user leaves.
pub(super) fn run(console: &mut Console<'_>) -> Result<Exit, Failure> {
    let config = Config::builder().auto_add_history(true).build();
    let mut editor = Editor::<Names, MemHistory>::with_history(config, MemHistory::new())
        .map_err(terminal_failed)?;
    editor.set_completion_type(CompletionType::List);
    editor.set_helper(Some(Names::of(&console.prepared.program.configuration().root)));
    loop {
        match editor.readline(PROMPT) {
            Ok(input) => {
                if console.answer(&input.replace("\\\n", "\n"))? == Next::Leave {
                    return Ok(Exit::Done);
                }
            }
            // Ctrl-C drops what was typed.
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => return Ok(Exit::Done),
            Err(error) => return Err(terminal_failed(error)),
        }
    }
}

fn terminal_failed(error: ReadlineError) -> Failure {
    match error {
        ReadlineError::Io(error) => error.into(),
        error => std::io::Error::other(error).into(),
    }
}

/// The names that may be completed, sorted; functions with their parenthesis.
struct Names(Vec<String>);

impl Names {
    fn of(module: &Module) -> Self {
        let mut names: Vec<String> = function_names().map(|name| format!("{name}(")).collect();
        names.extend(module.variables.keys().map(|name| format!("var.{name}")));
        names.extend(module.locals.keys().map(|name| format!("local.{name}")));
        names.extend(module.calls.keys().map(|name| format!("module.{name}")));
        names.extend(module.resources.keys().map(|(mode, kind, name)| match mode {
            Mode::Managed => format!("{kind}.{name}"),
            Mode::Data => format!("data.{kind}.{name}"),
        }));
        names.sort();
        Self(names)
    }
}

impl Completer for Names {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..position).unwrap_or_default();
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let start = before.trim_end_matches(is_part).len();
        let word = &before[start..];
        let found = self.0.iter().filter(|name| name.starts_with(word) && !word.is_empty());
        Ok((start, found.cloned().collect()))
    }
}

impl Validator for Names {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if goes_on(context.input()) {
            ValidationResult::Incomplete
        } else {
            ValidationResult::Valid(None)
        })
    }
}

impl Hinter for Names {
    type Hint = String;
}

impl Highlighter for Names {}

impl Helper for Names {}
