//! Mistakes that come out with values only: each is told once, as users read it.

use crate::support::{Run, Workspace};

fn plan(lines: &str) -> Run {
    let provider = "provider \"alicloud\" {\n  endpoint = \"emulator\"\n}\n";
    Workspace::with(&format!("{provider}{lines}")).run(&["plan"])
}

#[test]
fn one_mistake_of_many_instances_is_one_error() {
    let run = plan(
        r#"resource "nat_gateway" "a" {
  for_each = toset(["x", "y", "z"])
  vpc_id   = "vpc-emulator"
  name     = upper(each.key, 1)
}
"#,
    );
    run.one_error("function-call");
    insta::assert_snapshot!(run.stderr);
}

#[test]
fn an_unknown_repetition_says_what_to_do_instead() {
    let run = plan(
        r#"resource "nat_gateway" "edge" {
  vpc_id = "vpc-emulator"
}
resource "snat_entry" "lan" {
  for_each      = toset([nat_gateway.edge.id])
  snat_table_id = nat_gateway.edge.snat_table_id
  source_cidr   = "10.0.0.0/24"
  snat_ip       = "198.51.100.1"
}
"#,
    );
    run.one_error("unknown-repetition");
    insta::assert_snapshot!(run.stderr);
}

#[test]
fn a_splat_over_instances_by_key_says_what_is_meant() {
    let run = plan(
        r#"resource "nat_gateway" "a" {
  for_each = { east = 1 }
  vpc_id   = "vpc-emulator"
}
output "ids" { value = nat_gateway.a[*].id }
"#,
    );
    run.one_error("unsupported-attribute");
    insta::assert_snapshot!(run.stderr);
}

#[test]
fn texts_are_not_added() {
    let run = plan(
        r#"variable "names" { default = "edge" }
output "greeting" { value = var.names + "!" }
"#,
    );
    run.one_error("invalid-operand");
    insta::assert_snapshot!(run.stderr);
}

#[test]
fn a_count_that_is_no_number_shows_what_it_is() {
    let run = plan(
        r#"variable "gateways" { default = "two" }
resource "nat_gateway" "a" {
  count  = var.gateways
  vpc_id = "vpc-emulator"
}
"#,
    );
    run.one_error("invalid-count");
    insta::assert_snapshot!(run.stderr);
}

#[test]
fn modules_are_repeated_over_what_configuration_tells_of_resources() {
    let workspace = Workspace::with(
        r#"provider "alicloud" {
  endpoint = "emulator"
}
resource "nat_gateway" "g" {
  for_each = { aa = "vpc-1", bb = "vpc-2" }
  vpc_id   = each.value
  name     = "n-${each.key}"
}
module "objects" {
  source   = "./m"
  for_each = nat_gateway.g
  id       = each.value.id
}
module "keys" {
  source   = "./m"
  for_each = toset(keys(nat_gateway.g))
  id       = nat_gateway.g[each.key].id
}
module "names" {
  source   = "./m"
  for_each = toset([for g in resource.nat_gateway.g : g.name])
  id       = each.key
}
output "names" { value = [keys(module.objects), keys(module.keys), keys(module.names)] }
"#,
    );
    workspace.write("m/main.nat.hcl", "variable \"id\" {}\noutput \"id\" { value = var.id }\n");
    let run = workspace.run(&["plan"]).success();
    let text: String = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let keys = "[ + \"aa\", + \"bb\", ], + [ + \"aa\", + \"bb\", ], + [ + \"n-aa\", + \"n-bb\", ]";
    assert!(text.contains(keys), "{}", run.stdout);

    workspace.write(
        "more.nat.hcl",
        "module \"ids\" {\n  source   = \"./m\"\n  for_each = toset([nat_gateway.g[\"aa\"].id])\n  id = 1\n}\n",
    );
    let run = workspace.run(&["plan"]);
    run.one_error("unknown-repetition");
    run.says(&["repeat the resources in the module instead"]);
}

#[test]
fn what_is_wrong_with_a_secret_does_not_show_it() {
    for lines in [
        "resource \"nat_gateway\" \"x\" {\n  vpc_id = \"vpc-emulator\"\n  spec = var.pw\n}\n",
        "resource \"nat_gateway\" \"x\" {\n  vpc_id = \"vpc-emulator\"\n  name = \"http://${var.pw}\"\n}\n",
        "resource \"nat_gateway\" \"x\" {\n  vpc_id = \"vpc-emulator\"\n  name = \"x\"\n  count = var.pw\n}\n",
        "output \"o\" { value = templatestring(\"$${a.${var.pw}}\", { a = {} }) }\n",
        "output \"o\" { value = templatestring(\"$${a + 1}\", sensitive({ a = nonsensitive(var.pw) })) }\n",
        "output \"o\" { value = var.pw + 1 }\n",
        "output \"o\" { value = { a = 1 }[var.pw] }\n",
        "output \"o\" { value = regex(var.pw, \"a\") }\n",
    ] {
        let variable = "variable \"pw\" {\n  default   = \"hunter2(\"\n  sensitive = true\n}\n";
        let run = plan(&format!("{variable}{lines}"));
        assert_eq!(run.code, 1, "{lines}");
        assert_eq!(run.stderr.matches("error[").count(), 1, "{lines}\n{}", run.stderr);
        assert!(!format!("{}{}", run.stdout, run.stderr).contains("hunter2"), "{}", run.stderr);
    }
}

#[test]
fn a_check_that_does_not_hold_is_no_error_of_the_configuration() {
    let workspace = Workspace::with(
        "check \"c\" {\n  assert {\n    condition     = 1 == 2\n    error_message = \"no\"\n  }\n}\n",
    );
    let run = workspace.run(&["validate"]).success();
    run.says(&["warning[check-failed]: check `c` does not hold"]);
}
