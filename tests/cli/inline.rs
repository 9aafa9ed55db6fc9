//! Bandwidth packages that are written as blocks of their gateway, in the edition of 2019.

use crate::support::{QUICKSTART, Run, Workspace};

/// A gateway with two packages, one of them from a `dynamic` block, and entries on their addresses.
const EDGE: &str = r#"
provider "alicloud" {
  region   = "cn-hangzhou"
  endpoint = "emulator"
  edition  = "2019-07-19"
}
variable "more" {
  type    = list(object({ bandwidth = number, ip_count = number }))
  default = [{ bandwidth = 20, ip_count = 3 }]
}
resource "nat_gateway" "edge" {
  vpc_id = "vpc-emulator"
  name   = "edge"
  bandwidth_package {
    bandwidth = 5
    ip_count  = 1
    isp       = "BGP"
    zone      = "cn-hangzhou-b"
  }
  dynamic "bandwidth_package" {
    for_each = var.more
    content {
      bandwidth = bandwidth_package.value.bandwidth
      ip_count  = bandwidth_package.value.ip_count
    }
  }
}
resource "forward_entry" "web" {
  forward_table_id = nat_gateway.edge.forward_table_id
  external_ip      = nat_gateway.edge.bandwidth_packages[0].public_ip_addresses[0]
  external_port    = 80
  internal_ip      = "192.168.1.10"
  internal_port    = 8080
  ip_protocol      = "tcp"
}
resource "snat_entry" "out" {
  snat_table_id     = nat_gateway.edge.snat_table_id
  source_vswitch_id = "vsw-emulator-a"
  snat_ip           = slice(nat_gateway.edge.bandwidth_packages[1].public_ip_addresses, 1, 3)
}
output "packages" {
  value = nat_gateway.edge.bandwidth_packages
}
"#;

/// The two packages as resources of their own.
fn imported(first: &str, second: &str, bandwidth: u32) -> String {
    let package = |name: &str, id: &str, bandwidth: u32, count: u32| {
        format!(
            r#"
import {{
  to = bandwidth_package.{name}
  id = "{id}"
}}
resource "bandwidth_package" "{name}" {{
  nat_gateway_id = nat_gateway.edge.id
  bandwidth      = {bandwidth}
  ip_count       = {count}
}}
"#
        )
    };
    format!("{EDGE}{}{}", package("first", first, bandwidth, 1), package("second", second, 20, 3))
}

fn ids(workspace: &Workspace) -> Vec<String> {
    let outputs = workspace.run(&["output", "-json"]).success().json();
    let packages = outputs["packages"]["value"].as_array().unwrap().clone();
    packages.iter().map(|p| p["id"].as_str().unwrap().to_owned()).collect()
}

fn empty(workspace: &Workspace) {
    // A scan lists everything in the region.
    workspace.run(&["drift"]).exits(0).says(&["In sync."]);
    let report = workspace.run(&["drift", "-json"]).exits(0).json();
    assert_eq!(report["unmanaged"], serde_json::json!([]), "{report}");
}

#[test]
fn they_are_made_shown_and_deleted_with_the_gateway() {
    let workspace = Workspace::with(EDGE);
    let run = workspace.run(&["plan"]).success();
    run.says(&["+ bandwidth_package", "+ bandwidth_packages", "Plan: 3 to add"]);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
    assert_eq!(ids(&workspace).len(), 2);
    let outputs = workspace.run(&["output", "-json"]).json();
    let packages = &outputs["packages"]["value"];
    assert_eq!(packages[0]["zone"], "cn-hangzhou-b");
    assert_eq!(packages[1]["bandwidth"], 20);
    assert_eq!(packages[1]["public_ip_addresses"].as_array().unwrap().len(), 3);
    // They are the gateway's, so nobody else's.
    workspace.run(&["drift"]).exits(0).says(&["In sync."]);
    let run = workspace.run(&["plan", "-destroy"]).success();
    run.says(&["Plan: 0 to add, 0 to change, 3 to destroy."]);
    workspace.run(&["destroy", "-auto-approve"]).success().says(&["3 destroyed"]);
    empty(&workspace);
}

#[test]
fn another_edition_is_refused_with_the_line() {
    let workspace = Workspace::with(&EDGE.replace("2019-07-19", "2020-09-25"));
    let run = workspace.run(&["plan"]).exits(1);
    run.says(&[
        "error[other-edition]",
        "`bandwidth_package` exists in edition 2019-07-19 only",
        "main.nat.hcl:14",
        "edition = \"2019-07-19\"",
    ]);
    workspace.run(&["validate"]).exits(1).says(&["error[other-edition]", "main.nat.hcl:14"]);
    // The default is the newer one; without blocks there is nothing to refuse.
    let without = EDGE.replace("  edition  = \"2019-07-19\"\n", "");
    workspace.write("main.nat.hcl", &without);
    workspace.run(&["plan"]).exits(1).says(&["error[other-edition]"]);
}

#[test]
fn what_only_the_newer_edition_has_is_refused_too() {
    let enhanced = EDGE.replace(
        "  name   = \"edge\"\n",
        "  name   = \"edge\"\n  nat_type = \"Enhanced\"\n  vswitch_id = \"vsw-emulator-a\"\n",
    );
    let workspace = Workspace::with(&enhanced);
    let run = workspace.run(&["plan"]).exits(1);
    run.says(&["`nat_type` exists in edition 2020-09-25 only", "main.nat.hcl:14"]);
    // What the older edition does anyway may be said.
    let normal =
        EDGE.replace("  name   = \"edge\"\n", "  name   = \"edge\"\n  nat_type = \"Normal\"\n");
    workspace.write("main.nat.hcl", &normal);
    workspace.run(&["validate"]).success();
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
}

fn refused(workspace: &Workspace, from: &str, to: &str) -> Run {
    assert!(EDGE.contains(from));
    workspace.write("main.nat.hcl", &EDGE.replace(from, to));
    workspace.run(&["plan"]).exits(1)
}

#[test]
fn they_cannot_be_changed_but_removed() {
    let workspace = Workspace::with(EDGE);
    workspace.run(&["apply", "-auto-approve"]).success();
    for (from, to) in [
        ("bandwidth = 5\n", "bandwidth = 6\n"),
        ("[{ bandwidth = 20, ip_count = 3 }]", "[]"),
        ("ip_count = 3 }]", "ip_count = 3 }, { bandwidth = 5, ip_count = 1 }]"),
    ] {
        let run = refused(&workspace, from, to);
        run.says(&[
            "error[cannot-change]",
            "`bandwidth_package` of `nat_gateway.edge` cannot be changed",
            "main.nat.hcl:",
            "as a `bandwidth_package` resource",
        ]);
    }
    // A gateway that moves to another VPC is another gateway with other packages.
    let moved = EDGE.replace("vpc-emulator\"", "vpc-other\"");
    workspace.write("main.nat.hcl", &moved);
    workspace.run(&["plan"]).says(&["must be replaced"]);

    let start = EDGE.find("  bandwidth_package {").unwrap();
    let end = EDGE.find("resource \"forward_entry\"").unwrap();
    workspace.write("main.nat.hcl", &format!("{}}}\n{}", &EDGE[..start], &EDGE[end..]));
    workspace.run(&["plan"]).success().says(&["the blocks are forgotten, the packages stay"]);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
    assert_eq!(ids(&workspace).len(), 2);
    workspace.run(&["drift"]).exits(0);
    // Now the provider may speak the newer edition, too.
    let text = std::fs::read_to_string(workspace.path("main.nat.hcl")).unwrap();
    workspace.write("main.nat.hcl", &text.replace("2019-07-19", "2020-09-25"));
    workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
    workspace.run(&["destroy", "-auto-approve"]).success();
    empty(&workspace);
}

#[test]
fn they_count_among_the_packages_of_the_gateway() {
    let more = |count: u32| {
        format!(
            "{EDGE}resource \"bandwidth_package\" \"more\" {{\n  count = {count}\n  \
             nat_gateway_id = nat_gateway.edge.id\n  bandwidth = 5\n  ip_count = 1\n}}\n"
        )
    };
    let workspace = Workspace::with(&more(3));
    let run = workspace.run(&["plan"]).exits(1);
    run.says(&["error[bandwidth-packages-quota]", "5 bandwidth packages"]);
    workspace.write("main.nat.hcl", &more(2));
    workspace.run(&["apply", "-auto-approve"]).success().says(&["5 added"]);
    workspace.write("main.nat.hcl", &more(3));
    workspace.run(&["plan"]).exits(1).says(&["error[bandwidth-packages-quota]"]);
    workspace.run(&["destroy", "-auto-approve"]).success();
    empty(&workspace);
}

#[test]
fn imported_ones_are_managed_on_their_own() {
    let workspace = Workspace::with(EDGE);
    workspace.run(&["apply", "-auto-approve"]).success();
    let [first, second] = &ids(&workspace)[..] else { panic!("two packages") };
    workspace.write("main.nat.hcl", &imported(first, second, 5));
    workspace.run(&["apply", "-auto-approve"]).success().says(&["2 imported"]);
    workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
    workspace.write("main.nat.hcl", &imported(first, second, 8));
    workspace.run(&["plan"]).success().says(&["0 to add, 1 to change, 0 to destroy"]);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
    workspace.run(&["drift"]).exits(0);
    assert_eq!(ids(&workspace).len(), 2, "the gateway still shows them");
    let run = workspace.run(&["destroy", "-auto-approve"]).success();
    run.says(&["5 destroyed"]);
    empty(&workspace);
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (from, to, code, says) in [
        ("bandwidth = 5\n", "bandwidth = 4\n", "out-of-range", "main.nat.hcl:15"),
        ("bandwidth = 5\n", "bandwidth = 5001\n", "out-of-range", "5 to 5000"),
        ("ip_count  = 1\n", "ip_count  = 51\n", "out-of-range", "1 to 50"),
        ("isp       = \"BGP\"", "isp       = \"CMCC\"", "value-not-supported", "`BGP`"),
        ("    bandwidth = 5\n", "", "missing-argument", "`bandwidth`"),
        ("    isp       = \"BGP\"\n", "    speed = 1\n", "unknown-argument", "speed"),
        ("for_each = var.more", "for_each = [1, 2, 3, 4]", "", "bandwidth"),
        (
            "default = [{ bandwidth = 20, ip_count = 3 }]",
            "default = [for i in range(4) : { bandwidth = 20, ip_count = 3 }]",
            "",
            "",
        ),
    ] {
        let workspace = Workspace::new();
        let run = refused(&workspace, from, to);
        run.says(&[code, says]);
        run.is_clean();
    }
    let workspace = Workspace::new();
    let argument = EDGE.replace("  dynamic ", "  bandwidth_package = []\n  dynamic ");
    workspace.write("main.nat.hcl", &argument);
    workspace.run(&["validate"]).exits(1).says(&["`bandwidth_package` is a block"]);
    let five = EDGE.replace(
        "default = [{ bandwidth = 20, ip_count = 3 }]",
        "default = [\n    { bandwidth = 20, ip_count = 3 }, { bandwidth = 20, ip_count = 3 },\n    \
         { bandwidth = 20, ip_count = 3 }, { bandwidth = 20, ip_count = 3 }\n  ]",
    );
    workspace.write("main.nat.hcl", &five);
    workspace.run(&["plan"]).exits(1).says(&["error[too-many-blocks]", "At most 4"]);
}

#[test]
fn the_main_job_is_done_in_both_editions() {
    for edition in ["2019-07-19", "2020-09-25"] {
        let provider = format!("  endpoint = \"emulator\"\n  edition  = \"{edition}\"\n");
        let text = QUICKSTART.replace("  endpoint = \"emulator\"\n", &provider);
        let workspace = Workspace::with(&text);
        workspace.run(&["plan", "-out", "p"]).success().says(&["Plan: 5 to add"]);
        workspace.run(&["apply", "p"]).success();
        workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
        let changed = text
            .replace("= \"Small\"", "= \"XLarge.1\"")
            .replace("\"443\" = 8443", "\"22\" = 2222");
        assert_ne!(text, changed);
        workspace.write("main.nat.hcl", &changed);
        workspace.run(&["apply", "-auto-approve"]).success();
        workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
        workspace.run(&["drift"]).exits(0);
        workspace.run(&["destroy", "-auto-approve"]).success().says(&["5 destroyed"]);
        empty(&workspace);
    }
}
