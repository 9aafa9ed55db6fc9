//! `plan`: text, modes, selection, exit codes.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::{GATEWAY, QUICKSTART, Workspace};

#[test]
fn everything_new_is_shown_and_counted() {
    let run = Workspace::with(GATEWAY).run(&["plan"]).success();
    insta::assert_snapshot!(run.text());
}

#[test]
fn nothing_is_written() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["plan"]).success();
    assert!(!workspace.path("natform.db").exists());
    workspace.run(&["apply", "-auto-approve"]).success();
    let before = workspace.state();
    for mode in [&["plan"][..], &["plan", "-destroy"], &["plan", "-refresh-only"], &["show"]] {
        workspace.run(mode).success();
        assert_eq!(workspace.state(), before, "{mode:?}");
    }
}

#[test]
fn the_detailed_exit_code_tells_changes_from_none() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["plan", "-detailed-exitcode"]).exits(2);
    workspace.run(&["plan"]).exits(0);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
    workspace.run(&["plan", "-detailed-exitcode", "-destroy"]).exits(2);
    workspace.run(&["plan", "-detailed-exitcode", "-refresh-only"]).exits(0);
    workspace.write("main.nat.hcl", "nonsense");
    workspace.run(&["plan", "-detailed-exitcode"]).exits(1);
}

#[test]
fn an_output_alone_is_a_change() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.write("outputs.nat.hcl", "output \"greeting\" { value = \"hello\" }");
    let run = workspace.run(&["plan", "-detailed-exitcode"]).exits(2);
    insta::assert_snapshot!(run.text());
}

#[test]
fn updates_replacements_and_deletions_have_their_symbols() {
    let workspace = Workspace::with(QUICKSTART);
    workspace.run(&["apply", "-auto-approve"]).success();
    let changed = QUICKSTART
        .replace("spec        = \"Small\"", "spec        = \"Middle\"")
        .replace("\"443\" = 8443", "\"444\" = 8443");
    workspace.write("main.nat.hcl", &changed);
    let run = workspace.run(&["plan", "-replace=snat_entry.out"]).success();
    insta::assert_snapshot!(without_learned_times(&run.text()));
}

/// Cuts off how long the plan takes by what earlier runs learned: the test machine's load is in it.
fn without_learned_times(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix("Takes: ") {
        Some(_) => "Takes: …",
        None => line,
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Another spec, one DNAT entry for another, and the SNAT entry gone.
fn changed() -> String {
    let (before, rest) = QUICKSTART.split_once("resource \"snat_entry\"").unwrap();
    let after = rest.split_once("\n}\n").unwrap().1;
    format!("{before}{after}")
        .replace("spec        = \"Small\"", "spec        = \"Middle\"")
        .replace("\"443\" = 8443", "\"444\" = 8443")
}

#[test]
fn what_is_forbidden_is_shown_and_refused_with_its_lines() {
    let workspace = Workspace::with(QUICKSTART);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.write("main.nat.hcl", &changed());
    let run = workspace
        .run(&["plan", "-out=bad.plan", "-forbid=interrupt,billing,release", "-refresh=false"])
        .exits(1);
    insta::assert_snapshot!(without_learned_times(&run.text()));
    assert!(!workspace.path("bad.plan").exists(), "what is refused is not saved");
    workspace.run(&["plan", "-forbid=release", "-forbid=irreversible"]).success();
    workspace.run(&["plan", "-forbid=nothing"]).exits(1);
}

#[test]
fn nothing_is_done_where_the_plan_is_forbidden() {
    let workspace = Workspace::with(QUICKSTART);
    workspace.run(&["apply", "-auto-approve"]).success();
    let before = workspace.state();
    let run = workspace.run(&["destroy", "-auto-approve", "-forbid", "release"]).exits(1);
    run.says(&["Impact: ", "bandwidth_package.edge is destroyed (main.nat.hcl:"]);
    workspace.write("main.nat.hcl", &changed());
    let run = workspace.run(&["apply", "-auto-approve", "-forbid=interrupt"]).exits(1);
    run.says(&["error[forbidden-impact]: each of 2 changes of the plan"]);
    workspace.run(&["plan", "-out=change.plan"]).success();
    let saved = workspace.run(&["apply", "-forbid=interrupt", "change.plan"]);
    saved.exits(1).says(&["# nat_gateway.edge will be updated", "error[forbidden-impact]"]);
    assert_eq!(workspace.state(), before);
    workspace.run(&["apply", "-forbid=release", "change.plan"]).success();
}

#[test]
fn targets_bring_what_they_need_and_say_so() {
    let workspace = Workspace::with(QUICKSTART);
    let run = workspace.run(&["plan", "--target", "bandwidth_package.edge"]).success();
    run.says(&[
        "# nat_gateway.edge will be created",
        "Plan: 2 to add, 0 to change, 0 to destroy.",
        "warning[partial-plan]",
    ]);
    workspace.run(&["plan", "-target=nat gateway"]).one_error("address");
}

#[test]
fn without_a_refresh_the_service_is_not_asked() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["apply", "-auto-approve"]).success();
    // Nothing listens there, and the state records another service: not even that is asked for.
    let log = workspace.path("requests.log");
    let flag = format!("-log-file={}", log.display());
    workspace.run(&["plan", "-refresh=false", &flag]).success();
    assert_eq!(std::fs::read_to_string(&log).unwrap_or_default(), "");
    workspace.run(&["plan", &flag]).success();
    assert!(std::fs::read_to_string(&log).unwrap().contains("DescribeNatGateways"));
}

#[test]
fn another_directory_is_worked_in() {
    let workspace = Workspace::new();
    workspace.write("deep/main.nat.hcl", GATEWAY);
    for flag in [&["-C", "deep", "plan"][..], &["-chdir=deep", "plan"], &["plan", "-C", "deep"]] {
        workspace.run(flag).success().says(&["Plan: 1 to add"]);
    }
    workspace.run(&["-C", "deep", "apply", "-auto-approve"]).success();
    assert!(workspace.path("deep/natform.db").exists());
    workspace.run(&["-C", "nowhere", "plan"]).one_error("directory");
    workspace.run(&["-C", "deep/main.nat.hcl", "plan"]).one_error("directory");
}

#[test]
fn colours_need_a_terminal_or_a_wish() {
    let mut workspace = Workspace::with(GATEWAY);
    assert!(!workspace.run(&["plan"]).stdout.contains('\u{1b}'));
    workspace.set("CLICOLOR_FORCE", "1");
    assert!(workspace.run(&["plan"]).stdout.contains("\u{1b}[32m+"));
    assert!(!workspace.run(&["plan", "-no-color"]).stdout.contains('\u{1b}'));
    workspace.set("NO_COLOR", "1");
    assert!(!workspace.run(&["plan"]).stdout.contains('\u{1b}'));
}

#[test]
fn the_same_plan_is_the_same_text() {
    let workspace = Workspace::with(QUICKSTART);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.write("main.nat.hcl", &QUICKSTART.replace("Small", "Middle"));
    assert_eq!(workspace.run(&["plan"]).stdout, workspace.run(&["plan"]).stdout);
}

#[test]
fn a_graph_is_dot() {
    let workspace = Workspace::with(QUICKSTART);
    let graph = workspace.run(&["graph"]).success().stdout;
    assert!(graph.starts_with("digraph \"resources\" {\n"), "{graph}");
    assert!(graph.contains("\"bandwidth_package.edge\" -> \"nat_gateway.edge\";"), "{graph}");
    workspace.run(&["plan", "-out=p"]).success();
    let graph = workspace.run(&["graph", "-plan=p"]).success().stdout;
    assert!(graph.contains("CreateBandwidthPackage bandwidth_package.edge"), "{graph}");
}

/// Six gateways with sixty entries each, in VPCs of their own.
const MANY: &str = r#"
provider "alicloud" {
  region   = "cn-hangzhou"
  endpoint = "emulator"
}
resource "nat_gateway" "g" {
  count  = 6
  vpc_id = "vpc-${count.index}"
}
resource "forward_entry" "e" {
  count            = 360
  forward_table_id = nat_gateway.g[floor(count.index / 60)].forward_table_id
  external_ip      = "47.1.2.3"
  external_port    = 1000 + count.index % 60
  internal_ip      = "10.0.0.1"
  internal_port    = 1000 + count.index % 60
  ip_protocol      = "tcp"
}
"#;

#[test]
fn what_nobody_reads_to_its_end_is_no_mistake() {
    let workspace = Workspace::with(MANY);
    workspace.run(&["plan", "-out=p.plan"]).success();
    for arguments in [
        &["plan"][..],
        &["plan", "-json"],
        &["show", "p.plan"],
        &["show", "-json", "p.plan"],
        &["graph", "-plan=p.plan"],
    ] {
        let mut command = workspace.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        // More than a pipe holds is left unread.
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
        assert!(!line.is_empty() && !errors.contains("error"), "{arguments:?}: {errors}");
    }
}
