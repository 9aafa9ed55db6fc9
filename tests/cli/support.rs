//! A directory with a configuration, and runs of the binary in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A fresh directory with its own home and embedded emulator.
pub(crate) struct Workspace {
    directory: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    /// Exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

/// A gateway, a package, two DNAT entries and an SNAT entry in the embedded service.
pub(crate) const QUICKSTART: &str = include_str!("../../examples/quickstart/main.nat.hcl");

/// A gateway alone in the embedded service.
pub(crate) const GATEWAY: &str = r#"
provider "alicloud" {
  region   = "cn-hangzhou"
  endpoint = "emulator"
}
resource "nat_gateway" "edge" {
  vpc_id = "vpc-emulator"
  name   = "edge"
}
"#;

impl Workspace {
    /// Creates an empty one whose emulator changes states at once.
    pub(crate) fn new() -> Self {
        let variables = vec![("NATFORM_EMULATOR_TIMING".to_owned(), "instant".to_owned())];
        Self { directory: tempfile::tempdir().unwrap(), variables }
    }

    /// Creates one with a `main.nat.hcl`.
    pub(crate) fn with(configuration: &str) -> Self {
        let workspace = Self::new();
        workspace.write("main.nat.hcl", configuration);
        workspace
    }

    /// Sets an environment variable for the runs that follow.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Returns the path of a file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Returns the directory.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns a command of the binary in this directory, with an environment of its own.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_natform"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("HOME", self.directory.path())
            .env("PATH", "/usr/bin:/bin")
            .envs(self.variables.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null());
        command
    }

    /// Returns the bytes of the state, or nothing when there is none.
    pub(crate) fn state(&self) -> Vec<u8> {
        std::fs::read(self.path("natform.db")).unwrap_or_default()
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    /// Asserts exit code 0.
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        self.exits(0)
    }

    /// Asserts an exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Parses standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}:\n{}", self.stdout))
    }

    /// Parses standard output as one JSON event a line.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<serde_json::Value> {
        let parse =
            |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        self.stdout.lines().map(parse).collect()
    }

    /// Asserts one error with this code, said once, and nothing that looks like a crash.
    #[track_caller]
    pub(crate) fn one_error(&self, code: &str) {
        let errors = self.stderr.matches("error[").count();
        assert!(
            self.code == 1 && errors == 1 && self.stderr.starts_with(&format!("error[{code}]")),
            "exit code {}, wanted one error[{code}]:\n{}\n{}",
            self.code,
            self.stderr,
            self.stdout
        );
        self.is_clean();
    }

    /// Asserts that nothing looks like a crash, and that no line wears blanks at its end.
    #[track_caller]
    pub(crate) fn is_clean(&self) {
        for stream in [&self.stdout, &self.stderr] {
            for word in ["panicked", "RUST_BACKTRACE", "stack backtrace", "\u{1b}["] {
                assert!(!stream.contains(word), "{word:?} in:\n{stream}");
            }
        }
    }

    /// Asserts that both streams together hold all of these texts, be it over the end of a line.
    #[track_caller]
    pub(crate) fn says(&self, texts: &[&str]) {
        let all = format!("{}{}", self.stdout, self.stderr);
        let flat = all.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in texts {
            assert!(all.contains(text) || flat.contains(text), "{text:?} is not in:\n{all}");
        }
    }

    /// Returns exit code and both streams as one text for snapshots, with what differs from run to
    /// run replaced.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("exit code {}\n", self.code);
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.is_empty() {
                text.push_str(&format!("--- {name}\n{}", steady(stream)));
            }
        }
        text
    }
}

/// Replaces ids, times and request ids.
pub(crate) fn steady(text: &str) -> String {
    let filters = [
        (r"\b(ngw|ftb|stb|fwd|snat|bwp|cbwp|nateip|eip)-[0-9a-z]{6,}", "$1-…"),
        (r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}", "UUID"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z", "TIME"),
        (r"\b\d+(\.\d+)?m?s\b", "…s"),
        // So many times a run writes depends on what comes back together.
        (r"has serial \d+", "has serial …"),
    ];
    filters.iter().fold(text.to_owned(), |text, (pattern, replacement)| {
        regex::Regex::new(pattern).unwrap().replace_all(&text, *replacement).into_owned()
    })
}
