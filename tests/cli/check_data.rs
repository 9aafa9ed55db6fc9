//! Data sources of `check` blocks: only the check sees them, and what goes wrong with them warns.

use crate::support::{GATEWAY, Workspace};

fn with_check(data: &str, condition: &str) -> Workspace {
    let workspace = Workspace::with(GATEWAY);
    workspace.write(
        "check.nat.hcl",
        &format!(
            r#"
            check "gateways" {{
              data "nat_gateways" "all" {{
                {data}
              }}
              assert {{
                condition     = {condition}
                error_message = "There are ${{length(data.nat_gateways.all.ids)}} gateways."
              }}
            }}
            "#
        ),
    );
    workspace
}

#[test]
fn assertions_see_what_was_read() {
    let workspace = with_check("", "length(data.nat_gateways.all.ids) == 1");
    // Before the apply there is none yet; afterwards it is read again.
    let run = workspace.run(&["apply", "-auto-approve"]).success();
    let warning = "warning[check-failed]: check `gateways` does not hold";
    assert_eq!(run.stderr.matches(warning).count(), 1, "{}", run.stderr);
    run.says(&["There are 0 gateways."]);
    let run = workspace.run(&["plan", "-detailed-exitcode"]).success();
    assert_eq!(run.stderr, "");
}

#[test]
fn a_check_that_does_not_hold_afterwards_warns_at_the_end() {
    let workspace = with_check("", "length(data.nat_gateways.all.ids) == 0");
    let run = workspace.run(&["apply", "-auto-approve"]).success();
    assert_eq!(run.stderr.matches("warning[check-failed]").count(), 1, "{}", run.stderr);
    run.says(&["There are 1 gateways.", "Apply complete!"]);
    // It warns again while the condition fails, and changes nothing.
    let run = workspace.run(&["plan", "-detailed-exitcode"]).success();
    run.says(&["warning[check-failed]"]);
    workspace.run(&["destroy", "-auto-approve"]).success();
}

#[test]
fn arguments_may_wait_for_the_apply() {
    let data = "nat_gateway_id = nat_gateway.edge.id";
    let workspace = with_check(data, "data.nat_gateways.all.ids == tolist([nat_gateway.edge.id])");
    let run = workspace.run(&["apply", "-auto-approve"]).success();
    assert_eq!(run.stderr, "");
    let run = workspace.run(&["plan", "-detailed-exitcode"]).success();
    assert_eq!(run.stderr, "");
}

#[test]
fn a_read_that_fails_warns() {
    let workspace = Workspace::with(GATEWAY);
    workspace.write(
        "check.nat.hcl",
        r#"
        check "table" {
          data "forward_entries" "none" { forward_table_id = "ftb-nowhere" }
          assert {
            condition     = length(data.forward_entries.none.ids) > 0
            error_message = "never said"
          }
        }
        "#,
    );
    for arguments in [&["plan"][..], &["apply", "-auto-approve"]] {
        let run = workspace.run(arguments).success();
        run.says(&["warning[cannot-read]: cannot read `data.forward_entries.none`"]);
        assert!(!run.stderr.contains("error["), "{}", run.stderr);
        assert!(!run.stderr.contains("never said"), "{}", run.stderr);
    }
}

#[test]
fn only_the_check_sees_its_data_source() {
    let workspace = with_check("", "length(data.nat_gateways.all.ids) == 0");
    workspace.write("more.nat.hcl", "output \"ids\" { value = data.nat_gateways.all.ids }\n");
    let run = workspace.run(&["validate"]);
    run.one_error("invalid-reference");
    run.says(&["`data.nat_gateways.all` belongs to a check", "more.nat.hcl:1"]);
}

#[test]
fn a_data_source_of_a_check_is_single() {
    let workspace = with_check("count = 2", "length(data.nat_gateways.all.ids) == 0");
    workspace.run(&["validate"]).says(&["a data source of a check has no `count`"]);
    let workspace = with_check("vpc = 1", "length(data.nat_gateways.all.ids) == 0");
    workspace.run(&["validate"]).one_error("unknown-attribute");
}
