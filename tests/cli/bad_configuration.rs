//! Configurations with one mistake each: one error that says what, where and how to mend it.

use crate::support::{GATEWAY, Workspace};

/// Puts lines behind a provider block, so that the first one is line 4.
fn with(lines: &str) -> Workspace {
    Workspace::with(&format!("provider \"alicloud\" {{\n  endpoint = \"emulator\"\n}}\n{lines}\n"))
}

const EDGE: &str = "resource \"nat_gateway\" \"edge\" {\n  vpc_id = \"vpc-emulator\"\n}\n";

/// What is written, the code of the error, the line that it names, and what else it says.
const MISTAKES: &[(&str, &str, usize, &[&str])] = &[
    ("resource \"nat_gateway\" \"a\" {\n  vpc_id = \"x\"", "unclosed", 4, &["`{` is not closed"]),
    (
        "resource \"nat_gateway\" \"a\" {\n  vpc_id = \"x\n}",
        "unterminated-string",
        5,
        &["close it"],
    ),
    ("resource \"nat_gateway\" \"a\" {\n  vpc_id = 'x'\n}", "syntax", 5, &["double quotes"]),
    ("locals {\n  a = \"b-${var.x\"\n}", "unclosed", 5, &["interpolation"]),
    ("locals {\n  a = [1, 2\n}", "unclosed", 5, &[]),
    ("locals {\n  a = 1 +\n}", "syntax", 5, &[]),
    ("%%% what", "syntax", 4, &["found `%`"]),
    ("resorce \"nat_gateway\" \"a\" {\n}", "unknown-block", 4, &["did you mean `resource`?"]),
    ("resource \"nat_gateway\" {\n}", "wrong-labels", 4, &[]),
    ("resource \"nat_gatway\" \"a\" {\n}", "unknown-type", 4, &["did you mean `nat_gateway`?"]),
    (
        "resource \"nat_gateway\" \"a\" {\n  vpc_id = \"vpc-emulator\"\n  nmae = \"x\"\n}",
        "unknown-attribute",
        6,
        &["did you mean `name`?"],
    ),
    ("resource \"nat_gateway\" \"a\" {\n}", "missing-argument", 4, &["add `vpc_id = …`"]),
    (
        "resource \"nat_gateway\" \"a\" {\n  vpc_id = \"vpc-emulator\"\n  vpc_id = \"b\"\n}",
        "duplicate-attribute",
        6,
        &["first set here"],
    ),
    (
        "resource \"nat_gateway\" \"a\" {\n  vpc_id = \"vpc-emulator\"\n  status = \"Available\"\n}",
        "read-only-attribute",
        6,
        &["cannot be set"],
    ),
    ("locals {\n  a = uper(\"x\")\n}", "unknown-function", 5, &["did you mean `upper`?"]),
    ("locals {\n  a = local.b\n}", "undeclared", 5, &[]),
    ("locals {\n  a = var.b\n}", "undeclared", 5, &["variable `b`"]),
    ("locals {\n  a = nat_gateway.b.id\n}", "undeclared", 5, &["`nat_gateway.b`"]),
    ("variable \"x\" {}\nvariable \"x\" {}", "duplicate-block", 5, &["the first one is here"]),
    ("locals {\n  x = 1\n  a = ${local.x}\n}", "syntax", 6, &["without `${` and `}`"]),
    (
        "resource \"nat_gateway\" \"a\" {\n  vpc_id \"vpc-emulator\"\n}",
        "syntax",
        5,
        &["write `vpc_id = …`"],
    ),
    ("locals {\n  a = “x”\n}", "syntax", 5, &["write `\"x\"`"]),
    ("output \"o\" { value = \"a\" + \"b\" }", "invalid-operand", 4, &["join texts in a template"]),
    (
        "output \"o\" { value = \"a\" < \"b\" }",
        "invalid-operand",
        4,
        &["only numbers have an order"],
    ),
    (
        "output \"o\" { value = not true }",
        "syntax",
        4,
        &["there is no operator `not`", "write `!`"],
    ),
    ("output \"o\" { value = \"a\" in [\"a\"] }", "syntax", 4, &["`contains(list, value)`"]),
    (
        "output \"o\" { value = \"%{ if true }a%{ elseif false }b%{ endif }\" }",
        "syntax",
        4,
        &["there is no directive `elseif`"],
    ),
    (
        "variable \"p\" {\n  default   = \"x\"\n  sensitive = true\n}\noutput \"o\" { value = var.p }",
        "sensitive-output",
        8,
        &["add `sensitive = true`"],
    ),
    (
        "locals {\n  a = local.b\n  b = local.a\n}",
        "dependency-cycle",
        5,
        &["local.a → local.b → local.a"],
    ),
];

#[test]
fn each_mistake_is_told_once_with_its_place() {
    for (text, code, line, says) in MISTAKES {
        let workspace = with(text);
        for command in [&["validate"][..], &["plan"], &["apply", "-auto-approve"]] {
            let run = workspace.run(command);
            run.one_error(code);
            run.says(&[&format!("--> main.nat.hcl:{line}:")]);
            run.says(says);
            assert_eq!(run.stdout, "", "{text}");
        }
        assert!(!workspace.path("natform.db").exists(), "{text}");
    }
}

/// Arguments of a resource, the code of the error, and what it says.
const VALUES: &[(&str, &str, &str, &[&str])] = &[
    ("name = \"x\"", "", "name-malformed", &["only 1 character"]),
    ("spec = \"Huge\"", "", "value-not-supported", &["`Small`"]),
    ("name = [\"x\"]", "", "", &["main.nat.hcl:6"]),
    ("", "bandwidth = 500000\n  ip_count = 1", "out-of-range", &["from 5 to 1000"]),
    ("", "bandwidth = 5\n  ip_count = 0", "out-of-range", &["at least one address"]),
    ("", "bandwidth = \"many\"\n  ip_count = 1", "", &["number"]),
];

#[test]
fn values_that_the_service_would_refuse_are_refused_before() {
    for (of_gateway, of_package, code, says) in VALUES {
        let mut text = EDGE.replace("\n}", &format!("\n  {of_gateway}\n}}"));
        if !of_package.is_empty() {
            text.push_str(&format!(
                "resource \"bandwidth_package\" \"b\" {{\n  nat_gateway_id = nat_gateway.edge.id\n  {of_package}\n}}\n"
            ));
        }
        let workspace = with(&text);
        let run = workspace.run(&["apply", "-auto-approve"]);
        assert_eq!(run.code, 1, "{text}");
        assert_eq!(run.stderr.matches("error[").count(), 1, "{text}\n{}", run.stderr);
        run.says(&[&format!("error[{code}"), "--> main.nat.hcl:"]);
        run.says(says);
        run.is_clean();
        assert!(!run.stdout.contains("will be created"), "a plan with errors:\n{}", run.stdout);
        assert!(!workspace.path("natform.db").exists(), "{text}");
    }
}

#[test]
fn ports_and_addresses() {
    for (line, says) in [
        ("external_ip = \"1.2.3\"", "give an IPv4 address"),
        ("external_port = 70000", "from 1 to 65535"),
        ("internal_port = -1", "from 1 to 65535"),
        ("internal_port = \"80-90\"", "one entry for each port"),
        ("ip_protocol = \"icmp\"", "`tcp`, `udp` or `any`"),
    ] {
        let name = line.split(' ').next().unwrap();
        let rest: String = [
            "external_ip = \"198.51.100.1\"",
            "external_port = 80",
            "internal_ip = \"192.168.1.10\"",
            "internal_port = 80",
            "ip_protocol = \"tcp\"",
        ]
        .iter()
        .filter(|other| !other.starts_with(name))
        .map(|other| format!("  {other}\n"))
        .collect();
        let text = format!(
            "{EDGE}resource \"forward_entry\" \"f\" {{\n  forward_table_id = nat_gateway.edge.forward_table_id\n  {line}\n{rest}}}\n"
        );
        let run = with(&text).run(&["plan"]);
        assert_eq!(run.stderr.matches("error[").count(), 1, "{}", run.stderr);
        run.exits(1).says(&[says, "main.nat.hcl:9"]);
    }
}

#[test]
fn a_cycle_of_resources_is_printed_as_a_path() {
    let run = with(
        "resource \"nat_gateway\" \"a\" {\n  vpc_id = \"vpc-emulator\"\n  name = bandwidth_package.b.name\n}\nresource \"bandwidth_package\" \"b\" {\n  nat_gateway_id = nat_gateway.a.id\n  bandwidth = 5\n  ip_count = 1\n}",
    )
    .run(&["plan"]);
    insta::assert_snapshot!(run.text());
}

#[test]
fn a_directory_without_a_configuration() {
    let workspace = Workspace::new();
    for command in [&["plan"][..], &["validate"], &["apply", "-auto-approve"], &["graph"]] {
        let run = workspace.run(command);
        run.one_error("no-configuration");
        run.says(&[".nat.hcl", "-C DIR"]);
    }
    assert_eq!(std::fs::read_dir(workspace.directory()).unwrap().count(), 0);
}

#[test]
fn files_that_are_no_text() {
    let workspace = with("");
    std::fs::write(workspace.path("latin.nat.hcl"), b"# caf\xe9\n").unwrap();
    let run = workspace.run(&["plan"]);
    run.one_error("not-utf8");
    run.says(&["latin.nat.hcl"]);
    let workspace = with("");
    std::os::unix::fs::symlink("nowhere", workspace.path("link.nat.hcl")).unwrap();
    workspace.run(&["plan"]).one_error("unreadable");
}

#[test]
fn places_in_other_directories_are_short() {
    let workspace = Workspace::new();
    workspace.write("root/main.nat.hcl", "module \"m\" {\n  source = \"../parts\"\n}\n");
    workspace.write("parts/main.nat.hcl", "output \"o\" {\n  value = var.nope\n}\n");
    let run = workspace.run(&["-C", "root", "validate"]);
    run.one_error("undeclared");
    run.says(&["--> ../parts/main.nat.hcl:2:"]);
}

#[test]
fn a_state_survives_a_broken_configuration() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["apply", "-auto-approve"]).success();
    let before = workspace.state();
    for text in ["nonsense {", "", "resource \"nat_gateway\" \"edge\" {}"] {
        workspace.write("main.nat.hcl", text);
        for command in [&["apply", "-auto-approve"][..], &["destroy", "-auto-approve"]] {
            if text.is_empty() {
                continue;
            }
            workspace.run(command).exits(1);
            assert_eq!(workspace.state(), before, "{text}");
        }
        workspace.run(&["state", "list"]).success().says(&["nat_gateway.edge"]);
    }
}
