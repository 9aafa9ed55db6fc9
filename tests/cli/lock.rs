//! Two runs at once on one state, as two processes: one waits or is told who holds the lock.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use crate::servers::Served;
use crate::support::{GATEWAY, Workspace};

/// Begins an apply that holds the lock until the emulator is told to settle.
fn holding(workspace: &Workspace, served: &Served) -> Child {
    let flag = format!("-endpoint={}", served.url);
    let child = workspace
        .command(&["apply", "-auto-approve", &flag])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    served.wait_for_calls("CreateNatGateway", 1);
    child
}

/// Settles what an apply waits for.
fn settle(served: &Served) {
    let settled = || {
        served.control("POST", "settle", "");
        let world: serde_json::Value =
            serde_json::from_str(&served.control("GET", "world", "")).unwrap();
        world["gateways"].as_array().unwrap().len() == 1
    };
    while !settled() {
        std::thread::yield_now();
    }
    served.control("POST", "settle", "");
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn one_who_does_not_wait_is_told_who_holds_the_lock_and_what_that_does() {
    let workspace = Workspace::with(GATEWAY);
    let served = Served::start(&workspace, &["-timing", "manual"]);
    let first = holding(&workspace, &served);
    let flag = format!("-endpoint={}", served.url);
    for command in [
        &["apply", "-auto-approve", &flag][..],
        &["destroy", "-auto-approve", &flag],
        &["recover", &flag],
    ] {
        let second = workspace.run(command);
        second.one_error("state-locked");
        let process = format!("process {}", first.id());
        second.says(&[&process, "runs `apply` since 2", "CreateNatGateway of `nat_gateway.edge`"]);
        second.says(&["-lock-timeout"]);
    }
    // A plan needs no lock; it tells that what it sees will change.
    let plan = workspace.run(&["plan", &flag]).success();
    plan.says(&["`apply` of", "is under way", "one consistent view", "CreateNatGateway of"]);
    assert!(!plan.stdout.contains("An earlier run did not finish"), "{}", plan.stdout);
    let dry = workspace.run(&["recover", "-dry-run", &flag]).success();
    dry.says(&["is under way", "1 operation"]);
    kill(first);
}

#[test]
fn one_who_waits_says_for_whom_and_goes_on_when_the_other_has_ended() {
    let workspace = Workspace::with(GATEWAY);
    let served = Served::start(&workspace, &["-timing", "manual"]);
    let mut first = holding(&workspace, &served);
    let flag = format!("-endpoint={}", served.url);
    let mut second = workspace
        .command(&["apply", "-auto-approve", "-lock-timeout=10m", &flag])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(second.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    let process = format!("(process {})", first.id());
    for text in ["Waiting at most 10m", "`apply` of", &process, "nat_gateway.edge"] {
        assert!(line.contains(text), "{text:?} is not in {line}");
    }
    settle(&served);
    assert!(first.wait().unwrap().success());
    let mut stdout = String::new();
    second.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    assert!(second.wait().unwrap().success(), "{stdout}");
    assert!(stdout.contains("0 added, 0 changed, 0 destroyed"), "{stdout}");
}

#[test]
fn one_who_waited_in_vain_is_told_as_much() {
    let workspace = Workspace::with(GATEWAY);
    let served = Served::start(&workspace, &["-timing", "manual"]);
    let first = holding(&workspace, &served);
    let flag = format!("-endpoint={}", served.url);
    let second = workspace.run(&["apply", "-auto-approve", "-lock-timeout=300ms", &flag]);
    second.one_error("state-locked");
    second.says(&["CreateNatGateway of"]);
    kill(first);
}

#[test]
fn the_lock_of_the_dead_needs_nobody_to_break_it() {
    let workspace = Workspace::with(GATEWAY);
    let served = Served::start(&workspace, &["-timing", "manual"]);
    // SIGKILL: nothing is cleaned up.
    kill(holding(&workspace, &served));
    settle(&served);
    let flag = format!("-endpoint={}", served.url);
    let plan = workspace.run(&["plan", "-detailed-exitcode", &flag]).exits(2);
    plan.says(&["An earlier run did not finish", "nat_gateway.edge CreateNatGateway"]);
    let run = workspace.run(&["apply", "-auto-approve", &flag]).success();
    run.says(&["nat_gateway.edge: an earlier run's operation"]);
    workspace.run(&["plan", "-detailed-exitcode", &flag]).exits(0);
    let world: serde_json::Value =
        serde_json::from_str(&served.control("GET", "world", "")).unwrap();
    assert_eq!(world["gateways"].as_array().unwrap().len(), 1);
}
