//! Standard output, standard error and the person at the keyboard.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use crate::environment::Environment;

/// The streams of the process and what they can do.
pub struct Terminal {
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    /// Whether standard output may be coloured.
    pub colour: bool,
    /// Whether standard error may be coloured.
    pub colour_errors: bool,
    /// Whether progress may rewrite its line: standard error is a terminal.
    pub live: bool,
    /// Whether somebody can answer: standard input is a terminal.
    pub interactive: bool,
}

impl Terminal {
    /// Returns the terminal of the process. Colours need a terminal, and neither `-no-color` nor
    /// `NO_COLOR`; `CLICOLOR_FORCE` turns them on.
    pub fn real(environment: &Environment, no_color: bool) -> Self {
        let refused = no_color
            || environment.variable("NO_COLOR").is_some()
            || environment.variable("TERM") == Some("dumb");
        let forced = environment.variable("CLICOLOR_FORCE").is_some_and(|v| v != "0");
        let colour = |terminal: bool| !refused && (terminal || forced);
        Self {
            colour: colour(io::stdout().is_terminal()),
            colour_errors: colour(io::stderr().is_terminal()),
            live: io::stderr().is_terminal() && environment.variable("TERM") != Some("dumb"),
            interactive: io::stdin().is_terminal(),
            out: Mutex::new(Box::new(io::BufWriter::new(io::stdout()))),
            err: Mutex::new(Box::new(io::stderr())),
        }
    }

    /// Writes to standard output as it is.
    pub fn print(&self, text: &str) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Writes to standard output piece by piece.
    ///
    /// # Errors
    /// Returns the first error of `write` or of the stream.
    pub fn stream(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        write(&mut **out)?;
        out.flush()
    }

    /// Writes to standard error as it is; a closed one is no reason to fail.
    pub fn report(&self, text: &str) {
        let mut err = self.err.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = err.write_all(text.as_bytes());
        let _ = err.flush();
    }

    /// Asks a question and returns the answer without the line's end; `None` at the end of input.
    pub fn ask(&self, question: &str) -> io::Result<Option<String>> {
        self.print(question)?;
        let mut answer = String::new();
        if io::stdin().lock().read_line(&mut answer)? == 0 {
            return Ok(None);
        }
        Ok(Some(answer.trim_end_matches(['\n', '\r']).to_owned()))
    }
}
