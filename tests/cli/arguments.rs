//! The command line itself: help, slips of the hand, spellings.

use crate::support::{GATEWAY, Workspace};

#[test]
fn help_lists_commands_and_groups_flags() {
    let workspace = Workspace::new();
    let bare = workspace.run(&[]).exits(1);
    bare.says(&["Usage: natform [OPTIONS] <COMMAND>", "Show what apply would change"]);
    let help = workspace.run(&["help", "apply"]).success();
    insta::assert_snapshot!(help.text());
    for flag in ["-help", "--help", "-h"] {
        assert_eq!(workspace.run(&["apply", flag]).success().stdout, help.stdout, "{flag}");
    }
}

#[test]
fn slips_of_the_hand_are_answered_with_what_was_meant() {
    let workspace = Workspace::new();
    insta::assert_snapshot!(workspace.run(&["plna"]).exits(1).text());
    insta::assert_snapshot!(workspace.run(&["plan", "-refesh=false"]).exits(1).text());
    workspace.run(&["plan", "-parallelism=0"]).exits(1).says(&["-parallelism"]);
    workspace.run(&["plan", "-lock-timeout=soon"]).exits(1).says(&["is not a duration"]);
    workspace.run(&["state"]).exits(1).says(&["list", "show"]);
    workspace.run(&["output", "-raw"]).exits(1);
    workspace.run(&["show", "-json", "-markdown", "x"]).exits(1);
}

#[test]
fn one_dash_is_as_good_as_two() {
    let workspace = Workspace::with(GATEWAY);
    let one = workspace.run(&["plan", "-no-color", "-detailed-exitcode"]).exits(2);
    let two = workspace.run(&["plan", "--no-color", "--detailed-exitcode"]).exits(2);
    assert_eq!(one.stdout, two.stdout);
}

#[test]
fn the_version_has_terraform_s_spelling_too() {
    let workspace = Workspace::new();
    let version = workspace.run(&["version"]).success().stdout;
    for flag in ["-version", "--version", "-v"] {
        assert_eq!(workspace.run(&[flag]).success().stdout, version);
    }
}
