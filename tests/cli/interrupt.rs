//! Signals: a plan and a question end at once, an apply finishes what is under way.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use crate::servers::{Manner, Served, stranger};
use crate::support::{GATEWAY, Workspace};

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}

const DATA: &str = "provider \"alicloud\" {\n  region = \"cn-hangzhou\"\n}\ndata \"nat_gateways\" \"all\" {}\noutput \"all\" { value = data.nat_gateways.all.ids }\n";

#[test]
fn a_plan_ends_at_once() {
    let workspace = Workspace::with(DATA);
    let url = stranger(Manner::Silent);
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let log = workspace.path(name);
        let flags = format!("-log-file={}", log.display());
        let mut child = workspace
            .command(&["plan", "-endpoint", &url, &flags])
            .env("NATFORM_LOG", "debug")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The log tells when the request is on its way.
        while std::fs::read_to_string(&log).unwrap_or_default().is_empty() {
            std::thread::yield_now();
        }
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(stderr, "Interrupted.\n");
    }
    assert!(!workspace.path("natform.db").exists());
}

#[test]
fn an_apply_finishes_what_is_under_way_and_the_next_goes_on() {
    let workspace = Workspace::with(&format!(
        "{GATEWAY}resource \"bandwidth_package\" \"edge\" {{\n  nat_gateway_id = nat_gateway.edge.id\n  bandwidth = 5\n  ip_count = 1\n}}\n"
    ));
    workspace.write(
        "faults.json",
        r#"{"faults": [{"match": {"action": "CreateNatGateway"}, "effect": {"delay_ms": 700}}]}"#,
    );
    let served = Served::start(&workspace, &["-faults", "faults.json"]);
    let flag = format!("-endpoint={}", served.url);
    let mut child = workspace
        .command(&["apply", "-auto-approve", &flag])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("Creating...") {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0);
    }
    signal(&child, "INT");
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.contains("Interrupted"), "{rest}");
    assert!(rest.contains("nat_gateway.edge: Creation complete"), "{rest}");
    assert!(rest.contains("1 added, 0 changed, 0 destroyed; 1 not begun"), "{rest}");
    workspace.run(&["apply", "-auto-approve", &flag]).success().says(&["1 added"]);
    workspace.run(&["plan", "-detailed-exitcode", &flag]).exits(0);
}

#[test]
fn an_emulator_ends_without_complaint() {
    let workspace = Workspace::new();
    let mut child = workspace
        .command(&["emulator", "-listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("natform emulator listens on http://127.0.0.1:"), "{line}");
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Asks on a terminal, where there is a tool that makes one.
#[test]
fn only_yes_is_a_yes() {
    if !std::path::Path::new("/usr/bin/script").exists() {
        return;
    }
    for (answer, code, says) in [("no", 1, "Nothing was done."), ("yes", 0, "Apply complete!")] {
        let workspace = Workspace::with(GATEWAY);
        let program = env!("CARGO_BIN_EXE_natform");
        let script = format!("printf '{answer}\\n' | script -qec '{program} apply' /dev/null");
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(workspace.directory())
            .env("NATFORM_EMULATOR_TIMING", "instant")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains("Do you want to perform these actions?"), "{text}");
        assert!(text.contains(says), "{text}");
        assert!(text.contains("\u{1b}["), "a terminal has colours:\n{text}");
    }
}
