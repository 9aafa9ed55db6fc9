//! Processes of this program, with what they took.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

use crate::command::failure::Failure;
use crate::diagnostic::Diagnostic;

/// What a process took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Took {
    pub(super) wall: Duration,
    /// Of the processors, for the program and for the system on its behalf.
    pub(super) processor: Duration,
    /// Bytes of memory at most. A process counts with what its parent holds when it begins, so the
    /// parent must stay small.
    pub(super) peak: u64,
}

/// This program, as it is run in a directory of its own.
pub(super) struct Program {
    executable: PathBuf,
    directory: PathBuf,
}

impl Program {
    pub(super) fn new(directory: &Path) -> Result<Self, Failure> {
        Ok(Self { executable: std::env::current_exe()?, directory: directory.to_owned() })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.executable);
        command.args(arguments).current_dir(&self.directory);
        // Only what is measured here counts, not the caller's settings.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("NATFORM_") || text.starts_with("ALIBABA_CLOUD_") {
                command.env_remove(&name);
            }
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command line to its end and returns what it took and what it printed, if that is wanted.
    #[expect(clippy::disallowed_methods, reason = "it is wall time that is measured")]
    pub(super) fn run(&self, arguments: &[&str], wanted: bool) -> Result<(Took, String), Failure> {
        let out = if wanted { Stdio::piped() } else { Stdio::null() };
        let mut command = self.command(arguments);
        let begun = Instant::now();
        let mut child = command.stdout(out).stderr(Stdio::piped()).spawn()?;
        let errors = child.stderr.take().map(|mut stream| {
            std::thread::spawn(move || {
                let mut text = String::new();
                let _ = stream.read_to_string(&mut text);
                text
            })
        });
        let mut text = String::new();
        if let Some(mut stream) = child.stdout.take() {
            stream.read_to_string(&mut text)?;
        }
        let ended = child.wait4()?;
        let wall = begun.elapsed();
        let errors = errors.and_then(|thread| thread.join().ok()).unwrap_or_default();
        if !ended.status.success() {
            return Err(failed(arguments, &ended.status.to_string(), &errors));
        }
        let usage = ended.rusage;
        Ok((Took { wall, processor: usage.utime + usage.stime, peak: usage.maxrss }, text))
    }

    /// Starts an emulator and returns it with its URL.
    pub(super) fn serve(&self, timing: &str) -> Result<Served, Failure> {
        let arguments = ["emulator", "-listen=127.0.0.1:0", &format!("-timing={timing}")];
        let mut child = self.command(&arguments).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let served = Served { child, url: line.rsplit(' ').next().unwrap_or("").trim().to_owned() };
        if served.url.starts_with("http://") {
            return Ok(served);
        }
        Err(failed(&arguments, "it did not say where it listens", &line))
    }
}

/// An emulator that ends with this.
pub(super) struct Served {
    child: Child,
    pub(super) url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn failed<T: AsRef<OsStr>>(arguments: &[T], how: &str, errors: &str) -> Failure {
    let words: Vec<_> = arguments.iter().map(|a| a.as_ref().to_string_lossy()).collect();
    Failure::of(
        Diagnostic::error("bench-failed", format!("`natform {}` failed: {how}", words.join(" ")))
            .detail(errors.trim().to_owned())
            .help("nothing was measured; see what it says itself"),
    )
}
