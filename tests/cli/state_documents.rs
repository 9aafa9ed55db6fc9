//! `state pull` and `state push`: the state as a document, and what of a document is refused.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::machine::conforms;
use crate::support::{GATEWAY, QUICKSTART, Workspace, steady};

/// Two directories over one embedded world; only the first has a state.
fn twins(configuration: &str) -> (Workspace, Workspace) {
    let mut one = Workspace::with(configuration);
    let world = one.path("world.db").display().to_string();
    let mut other = Workspace::with(configuration);
    one.set("NATFORM_EMULATOR_DATA", &world);
    other.set("NATFORM_EMULATOR_DATA", &world);
    one.run(&["apply", "-auto-approve"]).success();
    (one, other)
}

fn pull(workspace: &Workspace) -> Value {
    let document = workspace.run(&["state", "pull", "-show-sensitive"]).success().json();
    conforms("state-export", &document);
    document
}

fn push(workspace: &Workspace, document: &Value, flags: &[&str]) -> crate::support::Run {
    workspace.write("state.json", &format!("{document:#}\n"));
    workspace.run(&[&["state", "push"][..], flags, &["state.json"]].concat())
}

#[test]
fn a_pulled_state_can_be_pushed_elsewhere() {
    let (one, other) = twins(QUICKSTART);
    let document = pull(&one);
    let run = push(&other, &document, &["-dry-run"]).success();
    run.says(&["+ nat_gateway.edge", "nothing was written"]);
    assert!(other.state().is_empty());
    push(&other, &document, &[]).success().says(&["5 added, 0 changed, 0 forgotten"]);
    assert_eq!(pull(&other), document);
    other.run(&["plan", "-detailed-exitcode"]).success();
    let history = other.run(&["state", "history"]).success();
    history.says(&["state push state.json", "+ nat_gateway.edge", "~ output web"]);
    push(&other, &document, &[]).success().says(&["nothing was written"]);
    assert_eq!(pull(&other), document);

    let mut later = document.clone();
    later["serial"] = json!(1000);
    push(&other, &later, &[]).success().says(&["serial 1000"]);
    assert_eq!(pull(&other), later);
    let earlier = other.run(&["state", "pull", "-show-sensitive", "-serial=999"]);
    earlier.one_error("state-refused");
}

#[test]
fn documents_of_other_states_and_older_ones_need_force() {
    let (one, _) = twins(GATEWAY);
    let (other, _) = twins(GATEWAY);
    let old = pull(&one);
    one.run(&["state", "mv", "nat_gateway.edge", "nat_gateway.north"]).success();
    let new = pull(&one);
    let run = push(&one, &old, &[]);
    run.one_error("state-refused");
    run.says(&["older than the state", "-force"]);
    push(&one, &old, &["-dry-run"]).one_error("state-refused");
    assert_eq!(pull(&one), new);
    push(&one, &old, &["-force"]).success().says(&["1 added, 0 changed, 1 forgotten"]);
    let forced = pull(&one);
    assert_eq!(forced["instances"], old["instances"]);
    assert!(forced["serial"].as_u64() > new["serial"].as_u64());

    let stranger = pull(&other);
    assert_ne!(stranger["lineage"], forced["lineage"]);
    let run = push(&one, &stranger, &[]);
    run.one_error("state-refused");
    run.says(&["of another state", "lineage"]);
    push(&one, &stranger, &["-force"]).success();
    assert_eq!(pull(&one)["lineage"], stranger["lineage"]);
}

#[test]
fn what_lives_on_without_a_record_is_named() {
    let (one, _) = twins(GATEWAY);
    let mut document = pull(&one);
    document["instances"] = json!([]);
    let run = push(&one, &document, &[]).success();
    run.says(&["- nat_gateway.edge", "live on in the service", "ngw-", "still bills"]);
}

#[test]
fn sensitive_values_are_pulled_only_on_demand_and_never_lost() {
    let configuration = format!(
        "variable \"s\" {{\n  type = string\n  sensitive = true\n  default = \"geheim\"\n}}\n{}",
        GATEWAY.replace("  name   = \"edge\"\n", "  name   = \"edge\"\n  description = var.s\n")
    );
    let (one, other) = twins(&configuration);
    let masked = one.run(&["state", "pull"]).success();
    assert!(!masked.stdout.contains("geheim"), "{}", masked.stdout);
    masked.says(&["warning[redacted]", "-show-sensitive"]);
    conforms("state-export", &masked.json());
    let run = push(&other, &masked.json(), &[]);
    run.one_error("state-document");
    run.says(&["sensitive values were left out", "pull it again with `-show-sensitive`"]);
    let clear = pull(&one);
    assert!(clear.to_string().contains("geheim"));
    push(&other, &clear, &[]).success();
    other.run(&["plan", "-detailed-exitcode"]).success();
    let shown = other.run(&["state", "show", "nat_gateway.edge"]).success().stdout;
    assert!(!shown.contains("geheim"), "the mark came along: {shown}");
}

#[test]
fn a_document_may_come_from_standard_input() {
    let (one, other) = twins(GATEWAY);
    let document = pull(&one).to_string();
    let mut child = other
        .command(&["state", "push", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(document.as_bytes()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(pull(&other).to_string(), document);
}

#[test]
fn every_mistake_in_a_document_is_shown_at_its_place() {
    let (one, other) = twins(QUICKSTART);
    let good = pull(&one);
    let mut bad = good.clone();
    bad["instances"][0]["status"] = json!("redy");
    bad["instances"][1]["address"] = json!("forward_entry");
    bad["instances"][2]["attributes"]["external_prt"] = json!("80");
    bad["instances"][2]["attributes"]["internal_port"] = json!({"what": 1});
    bad["instances"][3]["servce"] = json!("real");
    let run = push(&other, &bad, &[]).exits(1);
    run.is_clean();
    insta::assert_snapshot!(steady(&run.text()));
    assert!(other.state().is_empty());

    for (pointer, value, says) in [
        ("/lineage", json!(5), "`lineage`: it must be a text"),
        ("/serial", json!(-1), "`serial`: it must be a whole number"),
        ("/instances", json!({}), "`instances`: it must be a list"),
        ("/outputs", json!([]), "`outputs`: it must be an object"),
        ("/format_version", json!("2.0"), "this natform reads version 1.0, not `2.0`"),
        ("/format_version", json!("1.9"), "a newer one"),
        ("/instances/0/id", json!(""), "`instances[0].id`: it is empty"),
        ("/instances/0/service", json!("mars"), "`instances[0].service`"),
        ("/instances/0/schema_version", json!(99), "not 99"),
        (
            "/instances/0/dependencies/0",
            json!("nat_gateway.a[0]"),
            "does not name a resource block",
        ),
        ("/instances/0/address", json!("lamp.edge"), "there is no resource type `lamp`"),
        ("/instances/0/address", json!("data.nat_gateway.edge"), "no data sources"),
        ("/instances/2/address", good["instances"][1]["address"].clone(), "occurs twice"),
        ("/instances/2/id", good["instances"][1]["id"].clone(), "is recorded at"),
        ("/instances/3/attributes/id", json!("ngw-other"), "make both the service's id"),
        ("/instances/3/attributes/name", json!(["x"]), "it must be a value of the type `string`"),
        ("/instances/3/attributes/name", json!({"map": 1}), "it is no value"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        let run = push(&other, &bad, &[]).exits(1);
        run.is_clean();
        run.says(&["error[state-document]", "state.json:", says]);
        assert!(other.state().is_empty(), "{pointer}");
    }
}

#[test]
fn what_is_no_document_of_natform_is_refused() {
    let workspace = Workspace::with(GATEWAY);
    for (text, says) in [
        ("", "the document is empty"),
        ("{\n  \"a\": }\n", "is not valid JSON"),
        ("[]", "not a JSON object"),
        ("{}", "`format_version` is missing"),
        ("{\"version\": 4, \"terraform_version\": \"1.11.4\"}", "a state of Terraform"),
        ("\u{feff}{\"format_version\": \"1.0\", \"natform_version\": \"0.1.0\"}", "state pull"),
    ] {
        workspace.write("state.json", text);
        let run = workspace.run(&["state", "push", "state.json"]);
        run.one_error("state-document");
        run.says(&[says]);
    }
    std::fs::write(workspace.path("state.json"), b"\xff\xfe").unwrap();
    workspace.run(&["state", "push", "state.json"]).one_error("state-document");
    workspace.run(&["state", "push", "none.json"]).one_error("state-document");
    workspace.run(&["state", "push", "."]).one_error("state-document");
    assert!(workspace.state().is_empty());
    // What `show` prints is another document.
    let (one, _) = twins(GATEWAY);
    let shown = one.run(&["show", "-json"]).success().json();
    push(&one, &shown, &[]).one_error("state-document");
}

#[test]
fn an_empty_state_is_a_document_too() {
    let workspace = Workspace::with(GATEWAY);
    let document = pull(&workspace);
    assert_eq!(document["serial"], 0);
    push(&workspace, &document, &[]).success().says(&["nothing was written"]);
}
