//! `validate` needs no credentials, no network, no state and no values of variables.

use crate::support::Workspace;

const CONFIGURATION: &str = r#"
variable "ports" { type = map(number) }
variable "region" {}
provider "alicloud" {
  region   = var.region
  endpoint = "http://127.0.0.1:1"
}
resource "nat_gateway" "edge" {
  vpc_id = "vpc-1"
  name   = "edge"
}
data "forward_entries" "all" {
  forward_table_id = nat_gateway.edge.forward_table_id
}
resource "forward_entry" "web" {
  for_each         = var.ports
  forward_table_id = nat_gateway.edge.forward_table_id
  external_ip      = "1.2.3.4"
  external_port    = each.key
  internal_ip      = "192.168.1.10"
  internal_port    = each.value
  ip_protocol      = "tcp"
}
output "ids" { value = data.forward_entries.all.ids }
"#;

#[test]
fn nothing_outside_of_the_directory_is_needed() {
    let workspace = Workspace::with(CONFIGURATION);
    let mut command = workspace.command(&["validate"]);
    // Not even a home.
    let output = command.env_clear().output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
    assert!(workspace.state().is_empty());
    let names: Vec<_> = std::fs::read_dir(workspace.directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["main.nat.hcl"], "it left something behind");
}

#[test]
fn broken_credentials_and_state_do_not_matter() {
    let mut workspace = Workspace::with(CONFIGURATION);
    workspace.set("ALIBABA_CLOUD_ACCESS_KEY_ID", "half");
    workspace.set("HTTPS_PROXY", "http://127.0.0.1:1");
    workspace.set("NATFORM_ENDPOINT", "no url at all");
    workspace.write(".aliyun/config.json", "{ broken");
    workspace.write("natform.db", "no database");
    let run = workspace.run(&["validate"]).success();
    assert_eq!(run.stderr, "");
    assert_eq!(workspace.run(&["validate", "-json"]).success().json()["valid"], true);
}

#[test]
fn mistakes_are_found_without_a_service() {
    let workspace = Workspace::with(&CONFIGURATION.replace("each.value", "each.valve"));
    workspace.run(&["validate"]).one_error("invalid-reference");
    let workspace = Workspace::with(&CONFIGURATION.replace("\"tcp\"", "\"icmp\""));
    workspace.run(&["validate"]).exits(1);
}

#[test]
fn directories_named_like_files_are_left_alone() {
    let workspace = Workspace::with("output \"a\" { value = 1 }\n");
    workspace.write("old.nat.hcl/main.nat.hcl", "not read");
    workspace.write("old.auto.natvars/x", "not read");
    workspace.run(&["validate"]).success();
    workspace.run(&["plan"]).success();
    workspace.run(&["fmt", "-check"]).success();
}
