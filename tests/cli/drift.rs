//! `drift`: what differs from the state, told apart from failure, and nothing is written.

use crate::machine::conforms;
use crate::support::{GATEWAY, Workspace};

/// Two workspaces with the same state and the same service: what one changes, the other sees as
/// drift.
fn twins(configuration: &str) -> (Workspace, Workspace) {
    let mut one = Workspace::with(configuration);
    let world = one.path("world.db").display().to_string();
    one.set("NATFORM_EMULATOR_DATA", &world);
    one.run(&["apply", "-auto-approve"]).success();
    let mut other = Workspace::with(configuration);
    other.set("NATFORM_EMULATOR_DATA", &world);
    std::fs::copy(one.path("natform.db"), other.path("natform.db")).unwrap();
    (one, other)
}

#[test]
fn in_sync_changed_and_missing() {
    let (one, other) = twins(GATEWAY);
    let before = one.state();
    one.run(&["drift"]).exits(0).says(&["In sync."]);
    conforms("drift", &one.run(&["drift", "-json"]).exits(0).json());
    other.write("main.nat.hcl", &GATEWAY.replace("\"edge\"\n}", "\"other\"\n}"));
    other.run(&["apply", "-auto-approve"]).success();
    let run = one.run(&["drift"]).exits(2);
    run.says(&[
        "# nat_gateway.edge is not as recorded",
        "~ name = \"edge\" -> \"other\"",
        "1 changed",
    ]);
    let document = one.run(&["drift", "-json"]).exits(2).json();
    conforms("drift", &document);
    assert_eq!(document["changed"][0]["address"], "nat_gateway.edge");
    one.run(&["plan", "-refresh-only", "-detailed-exitcode"]).exits(2).says(&["Drift:"]);
    other.run(&["destroy", "-auto-approve"]).success();
    one.run(&["drift"]).exits(2).says(&["no longer exists", "1 missing"]);
    conforms("drift", &one.run(&["drift", "-json"]).exits(2).json());
    assert_eq!(one.state(), before, "a scan writes nothing");
}

#[test]
fn a_scan_that_fails_is_neither() {
    let (mut one, _other) = twins(GATEWAY);
    one.set("NATFORM_PATIENCE", "1s");
    let run = one.run(&["drift", "-endpoint", "http://127.0.0.1:1"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    run.is_clean();
    let run = one.run(&["drift", "-json", "-endpoint", "http://127.0.0.1:1"]).exits(1);
    if !run.stdout.is_empty() {
        conforms("drift", &run.json());
    }
    one.write("main.nat.hcl", "nonsense {");
    one.run(&["drift"]).exits(1);
}

#[test]
fn sensitive_values_stay_hidden() {
    let configuration = format!(
        "variable \"s\" {{\n  type = string\n  sensitive = true\n  default = \"first-secret\"\n}}\n{}",
        GATEWAY.replace("  name   = \"edge\"\n", "  name   = \"edge\"\n  description = var.s\n")
    );
    let (one, other) = twins(&configuration);
    other.run(&["apply", "-auto-approve", "-var=s=second-secret"]).success();
    for flags in [&["drift"][..], &["drift", "-json"]] {
        let run = one.run(flags).exits(2);
        assert!(!run.stdout.contains("-secret"), "{}", run.stdout);
    }
    one.run(&["drift", "-show-sensitive"]).exits(2).says(&["second-secret"]);
}
