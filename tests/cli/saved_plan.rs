//! Saved plan files: private, self-contained, applied once and only to what they were made for.

use crate::servers::Served;
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
    assert!(workspace.state() == before);
}

#[test]
fn a_plan_that_begins_a_state_begins_it_where_it_was_made() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["plan", "-out=first.plan"]).success();
    let file = workspace.path("first.plan").display().to_string();
    let nowhere = Workspace::new();
    let run = nowhere.run(&["apply", &file]);
    run.one_error("stale-plan");
    run.says(&["another directory", "no configuration", "-C "]);
    let other = Workspace::with(QUICKSTART);
    other.run(&["apply", &file]).one_error("stale-plan");
    assert!(!nowhere.path("natform.db").exists() && !other.path("natform.db").exists());
    // The checkout of a later step of a pipeline is as good as the one of the first.
    let mut checkout = Workspace::with(GATEWAY);
    let world = workspace.path(".natform/emulator.db").display().to_string();
    checkout.set("NATFORM_EMULATOR_DATA", &world);
    checkout.write("more.nat.hcl", "output \"more\" { value = 1 }\n");
    checkout.run(&["apply", &file]).one_error("stale-plan");
    std::fs::remove_file(checkout.path("more.nat.hcl")).unwrap();
    checkout.run(&["apply", &file]).success().says(&["1 added"]);
}

#[test]
fn a_stale_plan_is_refused() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["plan", "-out=old.plan"]).success();
    workspace.run(&["apply", "-auto-approve"]).success();
    let before = workspace.state();
    let run = workspace.run(&["apply", "old.plan"]);
    run.one_error("stale-plan");
    run.says(&["make a new plan", "It was made from serial 0", "`apply` by", "+ nat_gateway.edge"]);
    assert!(workspace.state() == before);
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

#[test]
fn a_stale_plan_tells_what_changed_since() {
    let workspace = Workspace::with(QUICKSTART);
    workspace.run(&["apply", "-auto-approve"]).success();
    let serial = workspace.run(&["show", "-json"]).success().json()["serial"].clone();
    workspace.write("main.nat.hcl", &QUICKSTART.replace("Small", "Middle"));
    workspace.run(&["plan", "-out=p"]).success();
    // Somebody changes one object and deletes others.
    workspace.run(&["destroy", "-auto-approve", "-target=nat_gateway.edge"]).success();
    let run = workspace.run(&["apply", "p"]);
    run.one_error("stale-plan");
    run.says(&[&format!("It was made from serial {serial}; the state has")]);
    run.says(&["`destroy` by", "- nat_gateway.edge", "- bandwidth_package.edge"]);
}

#[test]
fn a_plan_goes_with_its_state_wherever_that_is() {
    let workspace = Workspace::with(GATEWAY);
    let served = Served::start(&workspace, &[]);
    let flag = format!("-endpoint={}", served.url);
    workspace.run(&["apply", "-auto-approve", &flag]).success();
    workspace.write("main.nat.hcl", &GATEWAY.replace("\"edge\"\n}", "\"door\"\n}"));
    workspace.run(&["plan", "-out=p", &flag]).success();
    let elsewhere = Workspace::new();
    std::fs::copy(workspace.path("p"), elsewhere.path("p")).unwrap();
    let lost = elsewhere.run(&["apply", &flag, "p"]);
    lost.one_error("stale-plan");
    lost.says(&["another state", &workspace.directory().display().to_string()]);
    // `-C` leads to the state; the configuration need not be there.
    std::fs::remove_file(workspace.path("main.nat.hcl")).unwrap();
    let directory = workspace.directory().display().to_string();
    let place = elsewhere.path("p").display().to_string();
    elsewhere.run(&["-C", &directory, "apply", &flag, &place]).success().says(&["1 changed"]);
}

#[test]
fn the_state_may_move_with_the_plan() {
    let workspace = Workspace::with(GATEWAY);
    let served = Served::start(&workspace, &[]);
    let flag = format!("-endpoint={}", served.url);
    workspace.run(&["apply", "-auto-approve", &flag]).success();
    workspace.write("main.nat.hcl", &GATEWAY.replace("\"edge\"\n}", "\"door\"\n}"));
    workspace.run(&["plan", "-out=p", &flag]).success();
    let elsewhere = Workspace::new();
    for file in ["p", "natform.db"] {
        std::fs::copy(workspace.path(file), elsewhere.path(file)).unwrap();
    }
    elsewhere.run(&["apply", &flag, "p"]).success().says(&["1 changed"]);
}

#[test]
fn files_that_differ_are_told_and_do_not_matter() {
    let workspace = Workspace::with(&GATEWAY.replace("\"edge\"\n}", "file(\"name.txt\")\n}"));
    workspace.write("name.txt", "edge");
    workspace.run(&["plan", "-out=p"]).success();
    workspace.write("main.nat.hcl", "this is { not a configuration");
    workspace.write("more.nat.hcl", "");
    workspace.write("name.txt", "other");
    let run = workspace.run(&["apply", "p"]).success();
    run.says(&["warning[configuration-changed]", "main.nat.hcl was changed"]);
    run.says(&["more.nat.hcl is new", "name.txt was changed", "1 added"]);
    let state = workspace.run(&["show", "-json"]).success().json();
    assert_eq!(state["resources"][0]["attributes"]["name"], "edge");
}

#[test]
fn a_plan_is_for_the_service_that_it_was_made_for() {
    let workspace = Workspace::with(GATEWAY);
    let (one, two) = (Served::start(&workspace, &[]), Served::start(&workspace, &[]));
    workspace.run(&["plan", "-out=p", &format!("-endpoint={}", one.url)]).success();
    let run = workspace.run(&["apply", &format!("-endpoint={}", two.url), "p"]);
    run.one_error("stale-plan");
    run.says(&["another service", &one.url, &two.url]);
}

#[test]
fn what_others_changed_since_stops_its_operation_and_no_other() {
    let mut workspace = Workspace::with(QUICKSTART);
    let served = Served::start(&workspace, &[]);
    workspace.set("NATFORM_ENDPOINT", &served.url);
    workspace.run(&["apply", "-auto-approve"]).success();
    let edited =
        QUICKSTART.replace("Small", "Middle").replace("bandwidth      = 5", "bandwidth      = 10");
    assert_ne!(edited, QUICKSTART);
    workspace.write("main.nat.hcl", &edited);
    workspace.run(&["plan", "-out=p"]).success();
    let mut world: serde_json::Value =
        serde_json::from_str(&served.control("GET", "world", "")).unwrap();
    world["gateways"][0]["description"] = "changed in the console".into();
    served.control("PUT", "world", &world.to_string());
    served.control("DELETE", "calls", "");
    let run = workspace.run(&["apply", "p"]).exits(1);
    run.says(&["error[changed-since-plan]", "`nat_gateway.edge` is no longer as it was"]);
    run.says(&["→ \"changed in the console\"", "1 changed"]);
    let counts: serde_json::Value =
        serde_json::from_str(&served.control("GET", "calls", "")).unwrap();
    assert!(counts["counts"]["ModifyNatGatewaySpec"].is_null(), "{counts}");
    workspace.run(&["apply", "p"]).one_error("applied-plan");
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
}

#[test]
fn what_is_ignored_may_change() {
    let text = "\n  lifecycle {\n    ignore_changes = [description]\n  }\n  spec = \"Small\"\n}\n";
    let text = GATEWAY.trim_end().trim_end_matches('}').to_owned() + text;
    let mut workspace = Workspace::with(&text);
    let served = Served::start(&workspace, &[]);
    workspace.set("NATFORM_ENDPOINT", &served.url);
    let flag = format!("-endpoint={}", served.url);
    workspace.run(&["apply", "-auto-approve", &flag]).success();
    workspace.write("main.nat.hcl", &text.replace("Small", "Middle"));
    workspace.run(&["plan", "-out=p", &flag]).success();
    let mut world: serde_json::Value =
        serde_json::from_str(&served.control("GET", "world", "")).unwrap();
    world["gateways"][0]["description"] = "changed in the console".into();
    served.control("PUT", "world", &world.to_string());
    workspace.run(&["apply", &flag, "p"]).success().says(&["1 changed"]);
}

#[cfg(unix)]
#[test]
fn a_plan_that_was_broken_off_is_resumed_once() {
    for recovers in [false, true] {
        let mut workspace = Workspace::with(QUICKSTART);
        let served = Served::start(&workspace, &[]);
        workspace.set("NATFORM_ENDPOINT", &served.url);
        let flag = format!("-endpoint={}", served.url);
        workspace.run(&["plan", "-out=p", &flag]).success();
        let command = ["apply", &flag, "p"];
        crate::recover::kill(&workspace, &served, &command, "CreateBandwidthPackage", true);
        if recovers {
            workspace.run(&["recover", &flag]).success();
        }
        workspace.run(&command).success().says(&["Apply complete!"]);
        for (kind, count) in [("gateways", 1), ("bandwidth_packages", 1), ("forward_entries", 2)] {
            assert_eq!(crate::recover::there(&served, kind), count);
        }
        workspace.run(&command).one_error("applied-plan");
        workspace.run(&["plan", "-detailed-exitcode", &flag]).exits(0);
    }
}

#[cfg(unix)]
#[test]
fn the_file_of_a_plan_that_was_broken_off_is_not_needed() {
    let mut workspace = Workspace::with(QUICKSTART);
    let served = Served::start(&workspace, &[]);
    workspace.set("NATFORM_ENDPOINT", &served.url);
    let flag = format!("-endpoint={}", served.url);
    workspace.run(&["plan", "-out=p", &flag]).success();
    let command = ["apply", &flag, "p"];
    crate::recover::kill(&workspace, &served, &command, "CreateBandwidthPackage", true);
    std::fs::rename(workspace.path("p"), workspace.path("kept")).unwrap();
    workspace.run(&["apply", "-auto-approve", &flag]).success();
    workspace.run(&["plan", "-detailed-exitcode", &flag]).exits(0);
    assert_eq!(crate::recover::there(&served, "bandwidth_packages"), 1);
    // Another run has ended the one that was broken off.
    workspace.run(&["apply", &flag, "kept"]).one_error("applied-plan");
}
