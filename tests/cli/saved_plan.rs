//! Saved plan files: private, self-contained, applied once and only to what they were made for.

use crate::support::{GATEWAY, QUICKSTART, Workspace};

#[test]
fn a_plan_file_needs_nothing_but_itself() {
    let workspace = Workspace::with(QUICKSTART);
    let run = workspace.run(&["plan", "-out=change.plan"]).success();
    run.says(&["Saved the plan to change.plan.", "natform apply change.plan"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(workspace.path("change.plan")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::remove_file(workspace.path("main.nat.hcl")).unwrap();
    let run = workspace.run(&["apply", "change.plan"]).success();
    run.says(&["Apply complete! Resources: 5 added, 0 changed, 0 destroyed."]);
    let before = workspace.state();
    let again = workspace.run(&["apply", "change.plan"]);
    again.one_error("applied-plan");
    assert_eq!(workspace.state(), before);
}

#[test]
fn a_stale_plan_is_refused() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["plan", "-out=old.plan"]).success();
    workspace.run(&["apply", "-auto-approve"]).success();
    let before = workspace.state();
    let run = workspace.run(&["apply", "old.plan"]);
    run.one_error("stale-plan");
    run.says(&["make a new plan"]);
    assert_eq!(workspace.state(), before);
}

#[test]
fn an_apply_that_changes_nothing_leaves_plans_fresh() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.write("main.nat.hcl", &GATEWAY.replace("\"edge\"\n}", "\"other\"\n}"));
    workspace.run(&["plan", "-out=p"]).success();
    workspace.write("main.nat.hcl", GATEWAY);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.run(&["apply", "p"]).success().says(&["1 changed"]);
}

#[test]
fn damaged_and_foreign_files_are_refused() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["plan", "-out=good"]).success();
    let good = std::fs::read(workspace.path("good")).unwrap();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let other = String::from_utf8_lossy(&good).replacen(env!("CARGO_PKG_VERSION"), "9.9.9", 1);
    let files: &[(&str, &[u8])] = &[
        ("cut", &good[..good.len() / 2]),
        ("flipped", &flipped),
        ("empty", b""),
        ("text", b"this is no plan\n"),
        ("json", b"{\"format_version\": \"1.0\"}\n"),
        ("binary", &[0xff, 0xfe, 0, 1, 2]),
        ("directory/x", b""),
    ];
    for (name, bytes) in files {
        let path = workspace.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        for command in [&["apply", name][..], &["show", name], &["graph", "-plan", name]] {
            let run = workspace.run(command);
            run.one_error("plan-file");
            run.says(&[name]);
        }
    }
    std::fs::write(workspace.path("newer"), other).unwrap();
    workspace.run(&["apply", "newer"]).exits(1).says(&["9.9.9"]);
    workspace.run(&["apply", "directory"]).one_error("plan-file");
    workspace.run(&["apply", "nowhere"]).one_error("plan-file");
    assert!(!workspace.path("natform.db").exists());
}

#[test]
fn flags_that_shape_a_plan_do_not_go_with_a_saved_one() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["plan", "-out=p"]).success();
    for flag in ["-target=nat_gateway.edge", "-destroy", "-var=a=1", "-refresh=false"] {
        let run = workspace.run(&["apply", flag, "p"]);
        run.one_error("flags");
        run.says(&["cannot change a saved plan"]);
    }
}

#[test]
fn a_plan_with_errors_is_not_saved_and_a_bad_place_is_told() {
    let workspace = Workspace::with(&GATEWAY.replace("vpc_id = \"", "vpc_id = \"\" # \""));
    workspace.run(&["plan", "-out=p"]).exits(1);
    assert!(!workspace.path("p").exists());
    workspace.write("main.nat.hcl", GATEWAY);
    workspace.run(&["plan", "-out=no/such/p"]).one_error("plan-file");
}
