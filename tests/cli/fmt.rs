//! `fmt`: files in the one common layout.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use crate::support::{Run, Workspace};

const UGLY: &str = "locals {\na=1\n  bbb =   2\n}\n";
const NICE: &str = "locals {\n  a   = 1\n  bbb = 2\n}\n";

fn with_input(workspace: &Workspace, arguments: &[&str], input: &str) -> Run {
    let mut command = workspace.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn text(workspace: &Workspace, name: &str) -> String {
    fs::read_to_string(workspace.path(name)).unwrap()
}

fn several() -> Workspace {
    let workspace = Workspace::with(UGLY);
    workspace.write("nice.nat.hcl", NICE);
    workspace.write("natform.natvars", "a=1\nbb=2\n");
    workspace.write("natform.natvars.json", "{\"a\":1}");
    workspace.write("notes.txt", "a=1");
    workspace.write(".hidden.nat.hcl", UGLY);
    workspace.write("below/main.nat.hcl", UGLY);
    workspace.write(".git/main.nat.hcl", UGLY);
    workspace
}

#[test]
fn files_of_a_directory_are_laid_out() {
    let workspace = several();
    let run = workspace.run(&["fmt"]).success();
    assert_eq!(run.stdout, "main.nat.hcl\nnatform.natvars\n");
    assert_eq!(text(&workspace, "main.nat.hcl"), NICE);
    assert_eq!(text(&workspace, "natform.natvars"), "a  = 1\nbb = 2\n");
    for same in [".hidden.nat.hcl", "below/main.nat.hcl", ".git/main.nat.hcl"] {
        assert_eq!(text(&workspace, same), UGLY, "{same}");
    }
    assert_eq!(text(&workspace, "notes.txt"), "a=1");
    assert_eq!(workspace.run(&["fmt"]).success().stdout, "");
}

#[test]
fn directories_below_come_with_recursive() {
    let workspace = several();
    let run = workspace.run(&["fmt", "-recursive", "-list=false"]).success();
    assert_eq!(run.stdout, "");
    assert_eq!(text(&workspace, "below/main.nat.hcl"), NICE);
    assert_eq!(text(&workspace, ".git/main.nat.hcl"), UGLY);
}

#[test]
fn only_what_is_named_is_laid_out() {
    let workspace = several();
    let run = workspace.run(&["fmt", "below", "natform.natvars", "below/main.nat.hcl"]).success();
    assert_eq!(run.stdout, "below/main.nat.hcl\nnatform.natvars\n");
    assert_eq!(text(&workspace, "main.nat.hcl"), UGLY);
    let run = workspace.run(&["-C", "below", "fmt", "../main.nat.hcl"]).success();
    assert_eq!(run.stdout, "../main.nat.hcl\n");
}

#[test]
fn a_check_writes_nothing() {
    let workspace = several();
    let run = workspace.run(&["fmt", "-check", "-recursive"]).exits(3);
    assert_eq!(run.stdout, "main.nat.hcl\nnatform.natvars\nbelow/main.nat.hcl\n");
    assert_eq!(text(&workspace, "main.nat.hcl"), UGLY);
    workspace.run(&["fmt", "-recursive"]).success();
    assert_eq!(workspace.run(&["fmt", "-check", "-recursive"]).success().stdout, "");
}

#[test]
fn differences_are_shown() {
    let workspace = Workspace::with(UGLY);
    let run = workspace.run(&["fmt", "-diff", "-write=false"]).success();
    assert_eq!(
        run.stdout,
        "main.nat.hcl\n--- old/main.nat.hcl\n+++ new/main.nat.hcl\n@@ -1,4 +1,4 @@\n locals {\n\
         -a=1\n-  bbb =   2\n+  a   = 1\n+  bbb = 2\n }\n"
    );
    assert_eq!(text(&workspace, "main.nat.hcl"), UGLY);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let workspace = Workspace::new();
    assert_eq!(with_input(&workspace, &["fmt", "-"], UGLY).success().stdout, NICE);
    assert_eq!(with_input(&workspace, &["fmt", "-"], NICE).success().stdout, NICE);
    assert_eq!(with_input(&workspace, &["fmt", "-check", "-"], UGLY).exits(3).stdout, "<stdin>\n");
    assert_eq!(with_input(&workspace, &["fmt", "-check", "-"], NICE).success().stdout, "");
    let run = with_input(&workspace, &["fmt", "-"], "a = {\n");
    assert_eq!(run.stdout, "");
    run.one_error("unclosed");
    workspace.run(&["fmt", "-", "x.nat.hcl"]).one_error("arguments");
}

#[test]
fn a_file_with_mistakes_stays_and_the_others_are_laid_out() {
    let workspace = Workspace::with(UGLY);
    workspace.write("broken.nat.hcl", "a=[\n");
    fs::write(workspace.path("bytes.nat.hcl"), b"a=\"\xff\"").unwrap();
    let run = workspace.run(&["fmt"]).exits(1);
    assert_eq!(run.stdout, "main.nat.hcl\n");
    assert_eq!(text(&workspace, "broken.nat.hcl"), "a=[\n");
    assert_eq!(text(&workspace, "main.nat.hcl"), NICE);
    run.says(&["broken.nat.hcl:1", "cannot format `bytes.nat.hcl`", "UTF-8"]);
    assert_eq!(run.stderr.matches("error[").count(), 2, "{}", run.stderr);
}

#[test]
fn what_cannot_be_formatted_is_named() {
    let workspace = several();
    workspace.run(&["fmt", "nowhere"]).one_error("format");
    workspace.run(&["fmt", "notes.txt"]).one_error("format");
    workspace.run(&["fmt", "natform.natvars.json"]).one_error("format");
}

#[test]
fn permissions_and_links_stay() {
    let workspace = Workspace::new();
    workspace.write("below/real.nat.hcl", UGLY);
    let real = workspace.path("below/real.nat.hcl");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("below/real.nat.hcl", workspace.path("link.nat.hcl")).unwrap();
    workspace.run(&["fmt"]).success();
    assert_eq!(text(&workspace, "below/real.nat.hcl"), NICE);
    assert!(workspace.path("link.nat.hcl").is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(workspace.path("below")).unwrap().count(), 1);
}

#[test]
fn the_ends_of_lines_stay_and_a_byte_order_mark_goes() {
    let workspace = Workspace::with("\u{feff}locals {\r\na=1\r\n}");
    workspace.run(&["fmt"]).success();
    assert_eq!(text(&workspace, "main.nat.hcl"), "locals {\r\n  a = 1\r\n}");
}
