//! A directory with a configuration, and runs of the binary in it against a server.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::server::Server;

/// A fresh directory with its own home.
pub(crate) struct Workspace {
    directory: tempfile::TempDir,
    endpoint: String,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workspace {
    /// Creates one whose runs talk to `server`.
    pub(crate) fn new(server: &Server) -> Self {
        Self { directory: tempfile::tempdir().unwrap(), endpoint: server.url() }
    }

    /// Creates one with a `main.nat.hcl`.
    pub(crate) fn with(server: &Server, configuration: &str) -> Self {
        let workspace = Self::new(server);
        workspace.configure(configuration);
        workspace
    }

    /// Replaces the configuration.
    pub(crate) fn configure(&self, text: &str) {
        std::fs::write(self.path("main.nat.hcl"), text).unwrap();
    }

    /// Returns the path of a file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_natform"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("HOME", self.directory.path())
            .env("PATH", "/usr/bin:/bin")
            .env("NATFORM_ENDPOINT", &self.endpoint)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts the binary.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        ended(self.start(arguments))
    }

    /// Applies the configuration; asserts that all went well and nothing is left to do.
    #[track_caller]
    pub(crate) fn apply(&self) -> Run {
        let run = self.run(&["apply", "-auto-approve"]).exits(0);
        self.settled();
        run
    }

    /// Asserts that a plan is empty.
    #[track_caller]
    pub(crate) fn settled(&self) {
        self.run(&["plan", "-detailed-exitcode"]).exits(0);
    }

    /// Destroys everything.
    #[track_caller]
    pub(crate) fn destroy(&self) -> Run {
        self.run(&["destroy", "-auto-approve"]).exits(0)
    }
}

/// Waits for the end of a run that may hang: for a quarter of a minute, then it is killed.
#[track_caller]
pub(crate) fn ended_in_time(mut child: Child) -> Run {
    for _ in 0..1500 {
        if child.try_wait().unwrap().is_some() {
            return ended(child);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    panic!("it did not end: {:?}", ended(child));
}

/// Waits for the end of a run.
pub(crate) fn ended(child: Child) -> Run {
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Run {
    /// Asserts an exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that one of the streams has a text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        let found = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(found, "no `{text}` in stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}
