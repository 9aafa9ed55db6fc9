//! `console`: expressions in, values out.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{GATEWAY, Run, Workspace};

/// What expressions are evaluated over in the table of vectors.
const CONFIGURATION: &str = include_str!("console_vectors.nat.hcl");

/// Expressions and the texts that a user of the language knows for their values: a line `> expression`,
/// then the text.
const VECTORS: &str = include_str!("console_vectors.txt");

fn console(workspace: &Workspace, arguments: &[&str], input: &str) -> Run {
    let all: Vec<&str> = ["console"].iter().chain(arguments).copied().collect();
    let mut command = workspace.command(&all);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A console that leaves early closes its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn values_have_the_texts_that_users_know() {
    let workspace = Workspace::with(CONFIGURATION);
    let (input, wanted): (Vec<&str>, Vec<&str>) =
        VECTORS.lines().partition(|line| line.starts_with("> "));
    assert!(input.len() > 150);
    let input: Vec<&str> = input.iter().map(|line| &line[2..]).collect();
    let run = console(&workspace, &[], &input.join("\n")).success();
    assert_eq!(run.stderr, "");
    for (number, (got, wanted)) in run.stdout.lines().zip(&wanted).enumerate() {
        assert_eq!(got, *wanted, "line {number} of the values");
    }
    assert_eq!(run.stdout.lines().count(), wanted.len());
}

#[test]
fn a_directory_without_configuration_still_computes() {
    let run = console(&Workspace::new(), &[], "1 + 2\n").success();
    assert_eq!((&*run.stdout, &*run.stderr), ("3\n", ""));
}

#[test]
fn inputs_may_take_several_lines() {
    let input = "[\n1,\n2\n]\n\n<<EOT\na ${1 + 1}\nEOT\n1 + \\\n2\n# nothing\n/* a\n*/ 4";
    let run = console(&Workspace::new(), &[], input);
    assert_eq!(run.stdout, "[\n  1,\n  2,\n]\n<<EOT\na 2\n\nEOT\n3\n4\n");
    // A comment is no expression.
    run.exits(1).one_error("syntax");
}

#[test]
fn a_mistake_is_told_and_the_rest_is_answered() {
    let input = "1\nnope(2)\n[3\n]\n{a = }\n4\nexit\n5\n";
    let run = console(&Workspace::new(), &[], input).exits(1);
    assert_eq!(run.stdout, "1\n[\n  3,\n]\n4\n");
    assert_eq!(run.stderr.matches("error[").count(), 2, "{}", run.stderr);
    run.says(&["there is no function `nope`", "<console-input>:1"]);
    run.is_clean();
}

#[test]
fn an_open_bracket_at_the_end_of_the_input_is_a_mistake() {
    let run = console(&Workspace::new(), &[], "1\n[2,\n");
    assert_eq!(run.stdout, "1\n");
    run.exits(1).one_error("unclosed");
}

#[test]
fn a_mistaken_configuration_is_refused() {
    let workspace = Workspace::with("locals {\n  a = local.b\n}\n");
    let run = console(&workspace, &[], "1\n");
    assert_eq!(run.stdout, "");
    run.exits(1).one_error("undeclared");
}

#[test]
fn variables_are_given_as_to_a_plan() {
    let workspace = Workspace::with("variable \"a\" { type = number }\nvariable \"b\" {}\n");
    workspace.write("b.natvars", "b = \"file\"\n");
    let input = "var.a + 1\nvar.b\n";
    let run = console(&workspace, &["-var", "a=4", "-var-file=b.natvars"], input).success();
    assert_eq!(run.stdout, "5\n\"file\"\n");
    let run = console(&workspace, &[], "var.a\nvar.b\n").success();
    assert_eq!(run.stdout, "(known after apply)\n(known after apply)\n");
}

#[test]
fn objects_come_from_the_state_and_data_from_the_service() {
    let workspace = Workspace::with(GATEWAY);
    workspace.write(
        "more.nat.hcl",
        r#"
        data "nat_gateways" "all" { vpc_id = nat_gateway.edge.vpc_id }
        module "m" {
          source = "./m"
          name   = nat_gateway.edge.name
        }
        locals { count = length(data.nat_gateways.all.ids) }
        "#,
    );
    workspace.write(
        "m/main.nat.hcl",
        "variable \"name\" {}\noutput \"upper\" { value = upper(var.name) }\n",
    );
    let input = "nat_gateway.edge.id\nnat_gateway.edge.name\nmodule.m\n";
    let run = console(&workspace, &[], input).success();
    let unknown = "(known after apply)";
    assert_eq!(run.stdout, format!("{unknown}\n{unknown}\n{{\n  \"upper\" = {unknown}\n}}\n"));
    workspace.run(&["apply", "-auto-approve"]).success();
    let before = workspace.state();
    let run = console(&workspace, &[], input).success();
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[0].starts_with("\"ngw-"), "{}", run.stdout);
    assert_eq!(lines[1..], ["\"edge\"", "{", "  \"upper\" = \"EDGE\"", "}"]);
    let run = console(&workspace, &[], "local.count\ndata.nat_gateways.all.ids[0]\n").success();
    assert_eq!(run.stdout, format!("1\n{}\n", lines[0]));
    assert_eq!(workspace.state(), before, "the console wrote to the state");
}

#[test]
fn without_a_connection_all_but_data_is_answered() {
    let workspace = Workspace::with(&GATEWAY.replace("\"emulator\"", "\"http://127.0.0.1:1\""));
    workspace.write("more.nat.hcl", "data \"nat_gateways\" \"all\" {}\n");
    let run = console(&workspace, &[], "nat_gateway.edge.vpc_id\n1\n").success();
    assert_eq!(run.stdout, "(known after apply)\n1\n");
}

#[test]
fn secrets_stay_hidden() {
    let workspace =
        Workspace::with("variable \"key\" {\n  sensitive = true\n  default = \"hunter2\"\n}\n");
    let input = "var.key\n{ a = \"x${var.key}\" }\nvar.key + 1\nupper(var.key)[0]\n";
    let run = console(&workspace, &[], input).exits(1);
    assert!(!format!("{}{}", run.stdout, run.stderr).to_lowercase().contains("hunter"));
    assert!(run.stdout.starts_with("(sensitive value)\n{\n  \"a\" = (sensitive value)\n}\n"));
}

#[test]
fn bytes_that_are_no_text_do_no_harm() {
    let workspace = Workspace::new();
    let run = console(&workspace, &[], "\u{0}\n\u{1b}[2J\n\"\u{7f}\"\n1\n");
    run.is_clean();
    assert!(run.stdout.ends_with("1\n"), "{}", run.stdout);
}

#[test]
fn functions_that_differ_each_time_have_values() {
    let workspace = Workspace::with("locals {\n  now = timestamp()\n}\n");
    let input =
        "length(uuid())\ntimecmp(local.now, plantimestamp()) >= 0\nlength(bcrypt(\"x\", 4))\n";
    let run = console(&workspace, &[], input).success();
    assert_eq!(run.stdout, "36\ntrue\n60\n");
}

#[test]
fn workspaces_are_told_to_be_absent() {
    for word in ["terraform", "tofu"] {
        let run = console(&Workspace::new(), &[], &format!("{word}.workspace\n")).exits(1);
        run.says(&["natform has no workspaces"]);
    }
}
