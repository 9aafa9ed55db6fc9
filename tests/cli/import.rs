//! Taking what exists under management: `import` blocks and configuration written for them.

use std::fs;

use crate::support::{GATEWAY, QUICKSTART, Workspace};

const PROVIDER: &str = r#"
provider "alicloud" {
  region   = "cn-hangzhou"
  endpoint = "emulator"
}
"#;

/// Returns `import` blocks for all objects of a state that is lost afterwards.
fn orphaned(workspace: &Workspace) -> String {
    let shown = workspace.run(&["state", "list"]).success().stdout;
    let mut blocks = PROVIDER.to_owned();
    for address in shown.lines() {
        let object = workspace.run(&["state", "show", "-json", address]).success().json();
        let value = |name: &str| object["attributes"][name].as_str().unwrap_or_default();
        let id = ["forward_table_id", "snat_table_id"]
            .iter()
            .find(|table| !address.starts_with("nat_gateway") && !value(table).is_empty())
            .map_or(value("id").to_owned(), |table| format!("{}:{}", value(table), value("id")));
        let plain = address.replace(['[', ']', '"'], "");
        blocks.push_str(&format!("import {{\n  to = {plain}\n  id = \"{id}\"\n}}\n"));
    }
    for file in ["natform.db", "natform.db.backup", "natform.db.witness"] {
        fs::remove_file(workspace.path(file)).unwrap();
    }
    blocks
}

#[test]
fn written_configuration_plans_empty_for_every_resource_type() {
    let workspace = Workspace::with(QUICKSTART);
    workspace.run(&["apply", "-auto-approve"]).success();
    let imports = orphaned(&workspace);
    workspace.write("main.nat.hcl", &imports);
    let refused = workspace.run(&["plan"]).exits(1);
    assert!(refused.stderr.contains("-generate-config-out"), "{}", refused.stderr);
    let run = workspace.run(&["plan", "-generate-config-out=all.nat.hcl"]).success();
    assert!(run.stdout.contains("5 to import, 0 to add, 0 to change, 0 to destroy"), "{run:?}");
    assert!(run.stdout.contains("Wrote 5 blocks to all.nat.hcl."), "{run:?}");
    insta::assert_snapshot!(fs::read_to_string(workspace.path("all.nat.hcl")).unwrap());
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
    workspace.run(&["destroy", "-auto-approve"]).success();
}

#[test]
fn a_plan_saved_with_written_configuration_has_it_inside() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["apply", "-auto-approve"]).success();
    let imports = orphaned(&workspace);
    workspace.write("main.nat.hcl", &imports);
    let flags = ["plan", "-generate-config-out=new.nat.hcl", "-out=import.plan"];
    workspace.run(&flags).success();
    fs::remove_file(workspace.path("new.nat.hcl")).unwrap();
    workspace.run(&["apply", "import.plan"]).success();
    assert_eq!(workspace.run(&["state", "list"]).success().stdout, "nat_gateway.edge\n");
}

#[test]
fn a_file_is_never_replaced_and_must_belong_to_the_configuration() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["plan", "-generate-config-out=main.nat.hcl"]).one_error("generate");
    workspace.run(&["plan", "-generate-config-out=main.tf"]).one_error("generate");
    workspace.run(&["plan", "-generate-config-out=other/new.nat.hcl"]).one_error("generate");
    assert_eq!(fs::read_to_string(workspace.path("main.nat.hcl")).unwrap(), GATEWAY);
}

#[test]
fn without_such_imports_nothing_is_written() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["plan", "-generate-config-out=new.nat.hcl"]).success();
    assert!(!workspace.path("new.nat.hcl").exists());
}

#[test]
fn what_cannot_be_written_is_refused() {
    let workspace = Workspace::with(&format!(
        "{PROVIDER}\nimport {{\n  to = nat_gateway.edge[\"a\"]\n  id = \"ngw-1\"\n}}\n"
    ));
    let flag = "-generate-config-out=new.nat.hcl";
    workspace.run(&["plan", flag]).one_error("generate");
    let import =
        |id: &str| format!("{PROVIDER}import {{\n  to = nat_gateway.edge\n  id = \"{id}\"\n}}\n");
    for id in ["ngw-nobody", "fwd-1"] {
        workspace.write("main.nat.hcl", &import(id));
        let run = workspace.run(&["plan", flag]);
        run.one_error("cannot-import");
        assert!(!workspace.path("new.nat.hcl").exists());
    }
}
