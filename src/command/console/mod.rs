//! `console`: evaluates expressions against the configuration and the state, typed at a terminal or
//! read from a pipe. It takes no lock and changes nothing.

mod data;
mod editor;

use std::io::BufRead;
use std::sync::Arc;

use super::Session;
use super::arguments::Console as Arguments;
use super::failure::{Exit, Failure};
use super::planning::{self, Prepared};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap};
use crate::plan::program::{ObjectMap, Program};
use crate::state::{Snapshot, Store};
use crate::syntax::ast::{Expression, ExpressionKind};
use crate::syntax::{self, is_unfinished};
use crate::value;

/// What a typed expression is called in messages.
const SOURCE: &str = "<console-input>";

const HELP: &str = "\
Type an expression to see its value:

  1 + 2
  cidrhost(\"192.168.1.0/24\", 10)
  nat_gateway.edge.forward_table_id
  [for key, entry in forward_entry.web : entry.external_port]
  type(var.ports)

Names mean what they mean in the root module. Objects are shown as the state records them; what is
not applied yet is `(known after apply)`. A data source is read from the service when an expression
needs it. An expression with open brackets goes on in the next line, as does one that ends in `\\`.

`exit`, Ctrl-D or the end of the input leaves.";

/// Runs the command.
pub fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let mut prepared = planning::prepare_open(session)?;
    prepared.program = present(&prepared.program, session);
    session.warn(&prepared.warnings, prepared.sources());
    if prepared.warnings.has_errors() {
        session.warn_one(Diagnostic::warning(
            "console",
            "because of these mistakes some expressions have no value",
        ));
    }
    let snapshot = prepared.store.snapshot().map_err(|e| Failure::of(e.diagnostic()))?;
    let mut console = Console {
        session,
        arguments,
        objects: planning::recorded(&snapshot),
        snapshot,
        prepared,
        data: data::Sources::default(),
    };
    if session.terminal.interactive { editor::run(&mut console) } else { console.piped() }
}

/// Returns the program in which functions that differ each time have values: nothing is planned here.
fn present(program: &Program, session: &Session) -> Program {
    Program::new_applying(
        Arc::clone(program.configuration()),
        program.variables().clone(),
        &session.environment,
        program.plan_time(),
        None,
    )
    .0
}

/// What expressions are evaluated over.
struct Console<'s> {
    session: &'s Session,
    arguments: &'s Arguments,
    prepared: Prepared,
    snapshot: Snapshot,
    /// Recorded objects, and data sources that were read.
    objects: ObjectMap,
    data: data::Sources,
}

/// What is to be done after an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// It was answered.
    Answered,
    /// It was wrong, and that was said.
    Failed,
    /// The user leaves.
    Leave,
}

impl Console<'_> {
    /// Answers what is read from standard input, to its end.
    fn piped(&mut self) -> Result<Exit, Failure> {
        let mut exit = Exit::Done;
        let mut input = String::new();
        let mut lines = std::io::stdin().lock().split(b'\n');
        loop {
            let line = lines.next().transpose()?;
            let is_last = line.is_none();
            if let Some(line) = line {
                let line = String::from_utf8_lossy(&line);
                add_line(&mut input, line.trim_end_matches('\r'));
            }
            if !is_last && goes_on(&input) {
                continue;
            }
            if is_last && input.is_empty() {
                return Ok(exit);
            }
            match self.answer(&std::mem::take(&mut input))? {
                Next::Answered => {}
                Next::Failed => exit = Exit::Failed,
                Next::Leave => return Ok(exit),
            }
        }
    }

    /// Answers one input: prints its value, or what is wrong with it.
    fn answer(&mut self, input: &str) -> Result<Next, Failure> {
        let text = match input.trim() {
            "" => return Ok(Next::Answered),
            "exit" | "quit" => return Ok(Next::Leave),
            "help" => HELP.to_owned(),
            _ => match self.evaluate(input) {
                Ok(text) => text,
                Err(failure) => {
                    self.session.report(&failure);
                    return Ok(Next::Failed);
                }
            },
        };
        self.session.terminal.print(&(text + "\n"))?;
        Ok(Next::Answered)
    }

    /// Returns the text of an expression's value.
    fn evaluate(&mut self, input: &str) -> Result<String, Failure> {
        let mut sources: SourceMap = self.prepared.sources().clone();
        let text = input.trim_end();
        let file = sources.add(SOURCE, text);
        let fail = |diagnostics: Diagnostics| Failure::Diagnostics(diagnostics, sources);
        let (expression, diagnostics) = syntax::parse_expression(file, text);
        if diagnostics.has_errors() {
            return Err(fail(diagnostics));
        }
        self.read_data(&expression)?;
        let program = &self.prepared.program;
        // `type(…)` shows a type rather than a text.
        let argument = argument_of_type(&expression);
        let wanted = argument.unwrap_or(&expression);
        let value = program.evaluate(wanted, &self.objects).map_err(fail)?;
        let known = program.type_of(wanted);
        Ok(match argument {
            None => value::display_as(&value, &known),
            Some(_) => value::display_type(&value.type_of().completed(&known)),
        })
    }
}

/// Returns the argument of `type(…)`, if that is all there is.
fn argument_of_type(expression: &Expression) -> Option<&Expression> {
    match &*expression.kind {
        ExpressionKind::Call { name, arguments, expand: false } if &*name.text == "type" => {
            let [argument] = &**arguments else { return None };
            Some(argument)
        }
        _ => None,
    }
}

/// Adds a line to an input; a backslash at the end of the line before joins them.
fn add_line(input: &mut String, line: &str) {
    if input.ends_with('\\') {
        input.pop();
    }
    if !input.is_empty() {
        input.push('\n');
    }
    input.push_str(line);
}

/// Returns whether an input goes on in the next line.
fn goes_on(input: &str) -> bool {
    input.ends_with('\\') || is_unfinished(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_go_on_while_something_is_open() {
        for open in
            ["[1,", "{\n a = 1", "f(", "<<EOT", "<<-X\n  a", "1 + \\", "/* a", "\"${[1,", "["]
        {
            assert!(goes_on(open), "{open}");
        }
        for complete in
            ["", "1", "[1]", "1 +", "]", "\"a", "[\"a", "<<EOT\na\nEOT", "# a", "<<", "\"${\"["]
        {
            assert!(!goes_on(complete), "{complete}");
        }
    }

    #[test]
    fn a_backslash_joins_lines() {
        let mut input = String::new();
        for line in ["1 + \\", "2"] {
            add_line(&mut input, line);
        }
        assert_eq!(input, "1 + \n2");
    }
}
