//! States that cannot be used: one error, and the file is as it was.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::servers::Served;
use crate::support::{GATEWAY, Workspace};

/// A process that ends with the test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Commands that read or write the state.
const COMMANDS: &[&[&str]] = &[
    &["plan"],
    &["apply", "-auto-approve"],
    &["destroy", "-auto-approve"],
    &["show"],
    &["output"],
    &["state", "list"],
];

#[track_caller]
fn refused(workspace: &Workspace, code: &str) {
    let before = workspace.state();
    for command in COMMANDS {
        let run = workspace.run(command);
        run.one_error(code);
        run.says(&["natform.db"]);
        let directory = workspace.directory().to_string_lossy().into_owned();
        assert!(!run.stderr.contains(&directory), "a path is in full:\n{}", run.stderr);
        assert_eq!(workspace.state(), before, "{command:?}");
    }
}

#[test]
fn another_kind_of_file() {
    let workspace = Workspace::with(GATEWAY);
    workspace.write("natform.db", "{\"version\": 4, \"terraform_version\": \"1.11.4\"}\n");
    refused(&workspace, "state-unrecognized");
}

#[test]
fn an_sqlite_file_of_another_program() {
    let workspace = Workspace::with(GATEWAY);
    let file = rusqlite::Connection::open(workspace.path("natform.db")).unwrap();
    file.execute_batch("CREATE TABLE songs (title TEXT);").unwrap();
    drop(file);
    refused(&workspace, "state-unrecognized");
}

#[test]
fn a_newer_version() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["apply", "-auto-approve"]).success();
    let file = rusqlite::Connection::open(workspace.path("natform.db")).unwrap();
    file.pragma_update(None, "user_version", 9999).unwrap();
    drop(file);
    refused(&workspace, "state-newer");
}

#[test]
fn a_damaged_file() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["apply", "-auto-approve"]).success();
    let mut bytes = workspace.state();
    for byte in bytes.iter_mut().skip(4096) {
        *byte = 0xa5;
    }
    std::fs::write(workspace.path("natform.db"), bytes).unwrap();
    for command in COMMANDS {
        let run = workspace.run(command).exits(1);
        run.says(&["error[state-damaged]"]);
        run.is_clean();
    }
}

#[test]
fn a_directory() {
    let workspace = Workspace::with(GATEWAY);
    std::fs::create_dir(workspace.path("natform.db")).unwrap();
    for command in COMMANDS {
        let run = workspace.run(command).exits(1);
        run.is_clean();
        run.says(&["natform.db"]);
    }
}

#[test]
fn a_directory_that_is_not_there() {
    let workspace = Workspace::with(&format!(
        "natform {{\n  backend \"sqlite\" {{ path = \"no/such/natform.db\" }}\n}}\n{GATEWAY}"
    ));
    workspace.run(&["apply", "-auto-approve"]).exits(1).says(&["no/such", "does not exist"]);
}

#[test]
fn an_empty_file_is_an_empty_state() {
    let workspace = Workspace::with(GATEWAY);
    workspace.write("natform.db", "");
    workspace.run(&["plan"]).success().says(&["Plan: 1 to add"]);
    workspace.run(&["apply", "-auto-approve"]).success();
}

#[test]
fn a_full_disk_stops_an_apply_before_a_call() {
    let workspace = Workspace::with(GATEWAY);
    let served = Served::start(&workspace, &[]);
    let url = &served.url;
    workspace.run(&["apply", "-auto-approve", "-endpoint", url]).success();
    workspace.write("main.nat.hcl", &GATEWAY.replace("\"edge\"\n}", "\"other\"\n}"));
    let size = workspace.state().len() / 1024 + 1;
    let program = env!("CARGO_BIN_EXE_natform");
    // A write beyond the limit fails as on a full disk; the signal for it is ignored.
    let script = format!(
        "trap '' XFSZ; ulimit -f {size}; exec {program} apply -auto-approve -endpoint {url}"
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(workspace.directory())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!stderr.contains("panicked"), "{stderr}");
    if output.status.code() != Some(0) {
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("error[state-"), "{stderr}");
    }
    workspace.run(&["apply", "-auto-approve", "-endpoint", url]).success();
    workspace.run(&["plan", "-detailed-exitcode", "-endpoint", url]).success();
}

#[test]
fn another_apply_is_named_with_its_time_and_plan_only_notes_it() {
    let mut workspace = Workspace::with(GATEWAY);
    workspace.set("USER", "alice");
    workspace.write(
        "faults.json",
        r#"{"faults": [{"match": {"action": "CreateNatGateway"}, "effect": {"delay_ms": 20000}}]}"#,
    );
    let served = Served::start(&workspace, &["-faults", "faults.json"]);
    let flag = format!("-endpoint={}", served.url);
    let mut first = Running(
        workspace
            .command(&["apply", "-auto-approve", &flag])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(first.0.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("Creating...")));
    let second = workspace.run(&["apply", "-auto-approve", &flag]);
    second.one_error("state-locked");
    second.says(&["alice@", "apply", "-lock-timeout"]);
    let plan = workspace.run(&["plan", &flag]).exits(0);
    plan.says(&["warning[run-under-way]", "`apply` of alice@"]);
    let late = workspace.run(&["destroy", "-auto-approve", "-lock-timeout=100ms", &flag]);
    late.one_error("state-locked");
}
