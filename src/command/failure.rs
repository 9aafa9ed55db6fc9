//! How a command ends: exit codes, and the one place where errors become text.

use std::io;

use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap};

/// How a command ended, as an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// Failed.
    Failed,
    /// There are changes (`-detailed-exitcode`) or drift.
    Changes,
    /// `fmt -check` found files that need work.
    Unformatted,
    /// The first interrupt ended the run.
    Interrupted,
    /// A termination signal ended the run.
    Terminated,
    /// The end of the terminal ended the run.
    HungUp,
}

impl Exit {
    /// Returns the code for the operating system.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Changes => 2,
            Self::Unformatted => 3,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// Diagnostics with the sources that they point into; warnings may be among them.
    Diagnostics(Diagnostics, SourceMap),
    /// What went wrong was said already.
    Ended(Exit),
    /// Nobody reads standard output any more.
    ClosedOutput,
}

impl Failure {
    /// Returns a failure of one diagnostic that points into no source.
    pub fn of(diagnostic: Diagnostic) -> Self {
        Self::Diagnostics(diagnostic.into(), SourceMap::default())
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::of(diagnostic)
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Diagnostics(diagnostics, SourceMap::default())
    }
}

impl From<Box<Diagnostic>> for Failure {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self::of(*diagnostic)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ClosedOutput;
        }
        Self::of(
            Diagnostic::error("output", format!("cannot write the output: {error}"))
                .help("make sure that the device has room and can be written"),
        )
    }
}
