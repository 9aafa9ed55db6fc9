//! `recover`: what a killed run left behind, told, finished, and decided by the user.
#![cfg(unix)]

use serde_json::Value;

use crate::machine::conforms;
use crate::servers::Served;
use crate::support::{Run, Workspace};

const ENHANCED: &str = r#"
provider "alicloud" { region = "cn-hangzhou" }
variable "note" { default = "ours" }
resource "nat_gateway" "edge" {
  vpc_id      = "vpc-emulator"
  vswitch_id  = "vsw-emulator-a"
  nat_type    = "Enhanced"
  name        = "edge"
  description = var.note
}
"#;

/// A workspace whose apply was killed while the first call of an action was under way. `delivered`
/// says whether the service carried the call out.
pub(crate) fn killed(configuration: &str, action: &str, delivered: bool) -> (Workspace, Served) {
    let mut workspace = Workspace::with(configuration);
    let served = Served::start(&workspace, &[]);
    workspace.set("NATFORM_ENDPOINT", &served.url);
    kill(&workspace, &served, &["apply", "-auto-approve"], action, delivered);
    (workspace, served)
}

/// Runs a command and kills it while the next call of an action is under way.
pub(crate) fn kill(
    workspace: &Workspace,
    served: &Served,
    command: &[&str],
    action: &str,
    delivered: bool,
) {
    served.control("DELETE", "calls", "");
    // A call that is not carried out waits for an answer all the same.
    let effect =
        if delivered { r#"{"stall": true}"# } else { r#"{"stall": true, "error": {"http": 500}}"# };
    let rule = format!(r#"{{"match": {{"action": "{action}"}}, "effect": {effect}}}"#);
    served.control("POST", "faults", &rule);
    let mut child = workspace
        .command(command)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    served.wait_for_calls(action, 1);
    child.kill().unwrap();
    child.wait().unwrap();
    served.control("DELETE", "faults", "");
}

/// Returns how many objects of a kind the service has.
pub(crate) fn there(served: &Served, kind: &str) -> usize {
    let world: Value = serde_json::from_str(&served.control("GET", "world", "")).unwrap();
    world[kind].as_array().unwrap().len()
}

fn document(run: &Run) -> Value {
    let document = run.json();
    conforms("recover", &document);
    document
}

#[test]
fn without_anything_unfinished_there_is_nothing_to_do() {
    let workspace = Workspace::with(ENHANCED);
    for flags in [&["recover"][..], &["recover", "-dry-run"]] {
        workspace.run(flags).success().says(&["Nothing is unfinished."]);
    }
    assert!(!workspace.path("natform.db").exists());
    let run = workspace.run(&["recover", "-json"]).success();
    assert_eq!(document(&run)["operations"], serde_json::json!([]));
    let run = workspace.run(&["recover", "-abandon", "nat_gateway.edge"]);
    run.one_error("nothing-to-recover");
    workspace.run(&["recover", "-dry-run", "-retry=nat_gateway.edge"]).exits(1);
    workspace.run(&["recover", "-adopt=nat_gateway.edge"]).one_error("adopt");
    workspace.run(&["recover", "-adopt=x y=ngw-1"]).one_error("address");
}

#[test]
fn a_killed_run_is_told_of_and_finished() {
    let (workspace, served) = killed(ENHANCED, "CreateNatGateway", true);
    let recorded = || workspace.run(&["show", "-json"]).success().stdout;
    let before = recorded();
    let plan = workspace.run(&["plan", "-detailed-exitcode"]).exits(2);
    plan.says(&["An earlier run did not finish", "nat_gateway.edge CreateNatGateway"]);
    plan.says(&["it is sent again with its token"]);
    let events = workspace.run(&["plan", "-json"]).success().events();
    let told = events.iter().find(|event| event["type"] == "unfinished_operation").unwrap();
    conforms("events", told);
    assert_eq!(told["operation"]["action"], "CreateNatGateway");
    assert!(told["operation"]["recovery"].as_str().unwrap().contains("with its token"));
    let dry = workspace.run(&["recover", "-dry-run"]).success();
    dry.says(&["1 operation", "nat_gateway.edge: CreateNatGateway, unanswered since 2"]);
    dry.says(&["It is sent again with its token"]);
    let dry = document(&workspace.run(&["recover", "-dry-run", "-json"]).success());
    assert_eq!((&dry["dry_run"], &dry["unfinished"]), (&true.into(), &1.into()));
    assert_eq!(dry["operations"][0]["intention"], "send_again");
    // Edited, the call is not wanted any more: what it made is looked for.
    let edited = ["recover", "-dry-run", "-json", "-var=note=edited"];
    let dry = document(&workspace.run(&edited).success());
    assert_eq!(dry["operations"][0]["intention"], "look_for");
    assert_eq!(dry["operations"][0]["candidates"].as_array().unwrap().len(), 1);
    assert_eq!(recorded(), before, "a dry run writes nothing");

    let run = document(&workspace.run(&["recover", "-json"]).success());
    let operation = &run["operations"][0];
    assert_eq!((&operation["phase"], &operation["outcome"]), (&"settled".into(), &"resent".into()));
    assert!(operation["id"].as_str().unwrap().starts_with("ngw-"), "{operation}");
    assert_eq!(run["unfinished"], 0);
    workspace.run(&["recover"]).success().says(&["Nothing is unfinished."]);
    workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
    assert_eq!(there(&served, "gateways"), 1);
}

#[test]
fn what_a_killed_run_changed_is_not_called_drift() {
    let mut workspace = Workspace::with(ENHANCED);
    let served = Served::start(&workspace, &[]);
    workspace.set("NATFORM_ENDPOINT", &served.url);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.write("main.nat.hcl", &ENHANCED.replace("\"ours\"", "\"edited\""));
    kill(&workspace, &served, &["apply", "-auto-approve"], "ModifyNatGatewayAttribute", true);
    let plan = workspace.run(&["plan"]).success();
    plan.says(&["An earlier run did not finish"]);
    assert!(!plan.text().contains("Drift:"), "{}", plan.text());
    let drift = workspace.run(&["drift"]).success();
    drift.says(&["warning[unfinished-operations]", "nat_gateway.edge", "natform recover"]);
    conforms("drift", &workspace.run(&["drift", "-json"]).success().json());
    workspace.run(&["recover"]).success();
    workspace.run(&["drift"]).success().says(&["In sync. 1 recorded"]);
}

#[test]
fn a_call_that_never_arrived_is_abandoned_when_it_is_not_wanted() {
    let (workspace, served) = killed(ENHANCED, "CreateNatGateway", false);
    let run = workspace.run(&["recover", "-var=note=edited"]).success();
    run.says(&["nothing was made by it", "Recovery complete! 1 operation is finished."]);
    assert_eq!(there(&served, "gateways"), 0);
    workspace.run(&["apply", "-auto-approve"]).success().says(&["1 added"]);
    assert_eq!(there(&served, "gateways"), 1);
}

#[test]
fn what_is_not_as_asked_for_is_left_to_the_user() {
    let (workspace, served) = killed(ENHANCED, "CreateNatGateway", false);
    let mut other = Workspace::with(ENHANCED);
    other.set("NATFORM_ENDPOINT", &served.url);
    other.run(&["apply", "-auto-approve", "-var=note=theirs"]).success();
    let dry = workspace.run(&["recover", "-dry-run", "-var=note=edited"]).success();
    dry.says(&["It will be left to you: ", "description is \"theirs\", not \"ours\""]);
    assert!(!dry.text().contains("taken over"), "{}", dry.text());
    let run = workspace.run(&["recover", "-var=note=edited"]).exits(1);
    run.says(&["it may have made ngw-", "whose `description` is not as asked for"]);
    other.run(&["plan", "-detailed-exitcode", "-var=note=theirs"]).exits(0);
    workspace.run(&["recover", "-abandon=nat_gateway.edge"]).success();
    assert_eq!(there(&served, "gateways"), 1);
}

#[test]
fn the_user_decides_what_nothing_tells_apart() {
    let (workspace, served) = killed(ENHANCED, "CreateNatGateway", true);
    // Somebody else makes the same gateway.
    let mut other = Workspace::with(ENHANCED);
    other.set("NATFORM_ENDPOINT", &served.url);
    other.run(&["apply", "-auto-approve"]).success();
    let theirs = other.run(&["state", "show", "-json", "nat_gateway.edge"]).success().json();
    let theirs = theirs["id"].as_str().unwrap().to_owned();

    // What is not wanted any more is not sent again, so it is looked for.
    let edited = "-var=note=edited";
    let run = workspace.run(&["recover", edited]).exits(1);
    run.says(&["error[operation-stuck]", "nat_gateway.edge: CreateNatGateway of 2", &theirs]);
    run.says(&["named `edge`, created 2", "natform recover -adopt 'nat_gateway.edge=ID'"]);
    let stuck = document(&workspace.run(&["recover", edited, "-json"]).exits(1));
    let operation = &stuck["operations"][0];
    assert_eq!((&operation["phase"], &stuck["unfinished"]), (&"stuck".into(), &1.into()));
    let candidates = operation["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 2);
    assert!(candidates.iter().all(|c| c["differs"]["private_info"].is_null()), "{candidates:#?}");
    let ours = candidates.iter().find(|c| c["id"] != *theirs).unwrap()["id"].as_str().unwrap();
    let dry = document(&workspace.run(&["recover", "-dry-run", "-json"]).exits(1));
    assert_eq!(dry["operations"][0]["candidates"].as_array().unwrap().len(), 2);
    let plan = workspace.run(&["plan", "-detailed-exitcode"]).exits(2);
    plan.says(&["it is left to you: it may have made any of"]);

    let before = workspace.state();
    for (id, why) in
        [("ngw-nowhere", "there is no nat_gateway of this id"), ("bwp-1", "of this id")]
    {
        let run = workspace.run(&["recover", &format!("-adopt=nat_gateway.edge={id}")]);
        run.one_error("cannot-adopt");
        run.says(&[why]);
    }
    let twice = ["recover", "-retry=nat_gateway.edge", "-abandon=nat_gateway.edge"];
    workspace.run(&twice).one_error("decided-twice");
    assert!(workspace.state() == before, "what is refused changes nothing");
    workspace.run(&["recover", edited, "-retry=nat_gateway.edge"]).exits(1);
    let adopt = format!("-adopt=nat_gateway.edge={ours}");
    workspace.run(&["recover", &adopt]).success().says(&["Recovery complete!"]);
    workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
    other.run(&["plan", "-detailed-exitcode"]).exits(0);
}

#[test]
fn what_is_given_up_is_left_alone() {
    let (workspace, served) = killed(ENHANCED, "CreateNatGateway", true);
    let run = workspace.run(&["recover", "-abandon=nat_gateway.edge", "-json"]).success();
    let run = document(&run);
    assert_eq!(run["operations"][0]["phase"], "abandoned");
    assert_eq!(run["operations"][0]["detail"], "the user decided so");
    assert_eq!(there(&served, "gateways"), 1);
    workspace.run(&["state", "list"]).success();
    let state = workspace.run(&["show", "-json"]).success().json();
    assert_eq!(state["resources"], serde_json::json!([]));
}

#[test]
fn what_was_sent_to_one_service_is_never_sent_to_another() {
    let (mut workspace, served) = killed(ENHANCED, "CreateNatGateway", true);
    let elsewhere = Served::start(&workspace, &[]);
    workspace.set("NATFORM_ENDPOINT", &elsewhere.url);
    for command in [&["recover"][..], &["apply", "-auto-approve"]] {
        let run = workspace.run(command);
        run.one_error("other-service");
        run.says(&[&served.url, &elsewhere.url, "or give the operation up with"]);
    }
    assert_eq!(there(&elsewhere, "gateways"), 0);
    // Given up, it is looked for nowhere.
    workspace.run(&["recover", "-abandon=nat_gateway.edge"]).success();
    workspace.run(&["apply", "-auto-approve"]).success().says(&["1 added"]);
    assert_eq!((there(&elsewhere, "gateways"), there(&served, "gateways")), (1, 1));
}
