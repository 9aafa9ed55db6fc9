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

#[test]
fn expected_drift_does_not_count_and_stale_expectations_are_named() {
    let (one, other) = twins(GATEWAY);
    other.write("main.nat.hcl", &GATEWAY.replace("\"edge\"\n}", "\"other\"\n}"));
    other.run(&["apply", "-auto-approve"]).success();
    let name = r#"{"address": "nat_gateway.edge", "attributes": ["name"], "reason": "by hand"}"#;
    one.write("expected.json", &format!("[{name}]"));
    let run = one.run(&["drift", "-expected=expected.json"]).exits(0);
    run.says(&["In sync.", "(expected: by hand)", "1 of them expected"]);
    one.write(
        "expected.json",
        r#"[
            {"address": "nat_gateway.edge", "reason": "a night", "until": "2020-01-01"},
            {"id": "fwd-9", "reason": "another team's"}
        ]"#,
    );
    let run = one.run(&["drift", "-expected=expected.json"]).exits(2);
    run.says(&[
        "entry 1, `nat_gateway.edge` (a night), ended on 2020-01-01; what it is of counts again",
        "entry 2, `fwd-9` (another team's), is of nothing that has drifted",
    ]);
    let document = one.run(&["drift", "-json", "-expected=expected.json"]).exits(2).json();
    conforms("drift", &document);
    assert_eq!(document["expectations"][0]["status"], "expired");
    assert_eq!(document["expectations"][1]["status"], "unused");
    let run = one.run(&["drift", "-markdown", "-expected=expected.json"]).exits(2);
    insta::assert_snapshot!(crate::support::steady(&run.text()));
    for (text, says) in [
        ("{", "is not a list"),
        (r#"[{"reason": "x"}]"#, "entry 1: it needs either"),
        (r#"[{"id": "x", "reason": "y", "untill": "z"}]"#, "untill"),
    ] {
        one.write("expected.json", text);
        let run = one.run(&["drift", "-expected=expected.json"]);
        run.one_error("expected-drift");
        run.says(&[says, "`expected.json`"]);
    }
    one.run(&["drift", "-expected=none.json"]).one_error("expected-drift");
}

#[test]
fn none_of_several_objects_is_drift_only_on_demand() {
    let (one, other) = twins(crate::support::QUICKSTART);
    other.run(&["destroy", "-auto-approve"]).success();
    one.run(&["drift"]).exits(1).says(&["-allow-missing"]);
    one.run(&["drift", "-allow-missing"]).exits(2).says(&["5 missing"]);
}
