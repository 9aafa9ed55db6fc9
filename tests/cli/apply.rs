//! `apply`, `destroy`, `show`, `output` and `state`.

use crate::servers::Served;
use crate::support::{GATEWAY, QUICKSTART, Workspace};

#[test]
fn an_apply_tells_its_course_and_the_next_plan_is_empty() {
    let workspace = Workspace::with(QUICKSTART);
    let run = workspace.run(&["apply", "-auto-approve"]).success();
    run.says(&[
        "nat_gateway.edge: Creating...\n",
        "nat_gateway.edge: Creation complete after ",
        "Apply complete! Resources: 5 added, 0 changed, 0 destroyed.\n\nOutputs:\n\nweb = {",
    ]);
    run.is_clean();
    workspace.run(&["plan", "-detailed-exitcode"]).success().says(&["No changes."]);
    let again = workspace.run(&["apply", "-auto-approve"]).success();
    again.says(&["Apply complete! Resources: 0 added, 0 changed, 0 destroyed."]);
    assert!(!again.stdout.contains("Recorded"), "nothing was new:\n{}", again.stdout);
}

#[test]
fn a_destroy_leaves_nothing() {
    let workspace = Workspace::with(QUICKSTART);
    workspace.run(&["apply", "-auto-approve"]).success();
    let run = workspace.run(&["destroy", "-auto-approve"]).success();
    run.says(&[
        "Plan: 0 to add, 0 to change, 5 to destroy.",
        "Destroy complete! Resources: 5 destroyed.",
    ]);
    assert!(!run.stdout.contains("everything is to be destroyed"), "{}", run.stdout);
    workspace.run(&["state", "list"]).success().says(&["the state records nothing"]);
    workspace.run(&["destroy", "-auto-approve"]).success().says(&["No objects to destroy."]);
}

#[test]
fn nobody_to_ask_is_a_refusal_not_a_yes() {
    let workspace = Workspace::with(GATEWAY);
    for flags in [&["apply"][..], &["apply", "-input=false"], &["destroy", "-json"]] {
        if flags[0] == "destroy" {
            workspace.run(&["apply", "-auto-approve"]).success();
        }
        let before = workspace.state();
        let run = workspace.run(flags).exits(1);
        run.says(&["nobody is there to approve the plan"]);
        assert_eq!(workspace.state(), before, "{flags:?}");
    }
}

#[test]
fn state_and_outputs_can_be_looked_at() {
    let workspace = Workspace::with(QUICKSTART);
    workspace.run(&["show"]).success().says(&["The state records nothing."]);
    workspace.run(&["output"]).success().says(&["the state has no outputs"]);
    workspace.run(&["apply", "-auto-approve"]).success();
    let list = workspace.run(&["state", "list"]).success().stdout;
    assert_eq!(
        list,
        "bandwidth_package.edge\nforward_entry.web[\"443\"]\nforward_entry.web[\"80\"]\n\
         nat_gateway.edge\nsnat_entry.out\n"
    );
    let some = workspace.run(&["state", "list", "forward_entry.web"]).success().stdout;
    assert_eq!(some.lines().count(), 2);
    insta::assert_snapshot!(workspace.run(&["state", "show", "forward_entry.web[\"80\"]"]).text());
    workspace.run(&["state", "show", "forward_entry.web"]).one_error("several-objects");
    let near = workspace.run(&["state", "show", "nat_gateway.edeg"]);
    near.one_error("unknown-address");
    near.says(&["did you mean `nat_gateway.edge`?"]);
    insta::assert_snapshot!(workspace.run(&["output", "web"]).text());
    workspace.run(&["output", "-raw", "web"]).one_error("not-a-text");
    let near = workspace.run(&["output", "wev"]);
    near.one_error("unknown-output");
    near.says(&["did you mean `web`?"]);
}

#[test]
fn raw_outputs_have_no_line_end() {
    let workspace = Workspace::with("output \"a\" { value = \"x y\" }\noutput \"n\" { value = 5 }");
    workspace.run(&["apply", "-auto-approve"]).success();
    assert_eq!(workspace.run(&["output", "-raw", "a"]).success().stdout, "x y");
    assert_eq!(workspace.run(&["output", "-raw", "n"]).success().stdout, "5");
    assert_eq!(workspace.run(&["output", "a"]).success().stdout, "\"x y\"\n");
    assert_eq!(workspace.run(&["output", "-json", "a"]).success().stdout, "\"x y\"\n");
}

#[test]
fn a_failure_stops_what_depends_on_it_and_is_said_once() {
    let workspace = Workspace::with(QUICKSTART);
    workspace.write(
        "faults.json",
        r#"{"faults": [{"match": {"action": "CreateBandwidthPackage"},
            "effect": {"error": {"http": 403, "code": "Forbidden.RAM", "message": "Not you."}}}]}"#,
    );
    let served = Served::start(&workspace, &["-faults", "faults.json"]);
    let flag = format!("-endpoint={}", served.url);
    let run = workspace.run(&["apply", "-auto-approve", &flag]).exits(1);
    run.is_clean();
    assert_eq!(run.stderr.matches("error[").count(), 1, "{}", run.stderr);
    run.says(&[
        "nat_gateway.edge: Creation complete after ",
        "Forbidden.RAM",
        "Not you.",
        "main.nat.hcl:",
        "Apply failed. Resources: 1 added, 0 changed, 0 destroyed; 1 failed",
    ]);
    let list = workspace.run(&["state", "list"]).success().stdout;
    assert_eq!(list, "nat_gateway.edge\n");
}

#[test]
fn refresh_only_records_and_changes_nothing() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["apply", "-auto-approve"]).success();
    let run = workspace.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    run.says(&["No drift."]);
    workspace.run(&["apply", "-refresh-only", "-refresh=false"]).one_error("flags");
    workspace.run(&["plan", "-refresh-only", "-destroy"]).exits(1);
}

#[test]
fn a_closed_pipe_is_no_yes_and_no_crash() {
    let workspace = Workspace::with(GATEWAY);
    let command = format!("{} apply -auto-approve | true", env!("CARGO_BIN_EXE_natform"));
    let mut shell = std::process::Command::new("sh");
    let output = shell
        .args(["-c", &command])
        .current_dir(workspace.directory())
        .env("NATFORM_EMULATOR_TIMING", "instant")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!stderr.contains("panicked"), "{stderr}");
}
