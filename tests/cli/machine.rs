//! Machine output: each document and event is as its schema in `state-schema/` says.

use serde_json::Value;

use crate::support::{QUICKSTART, Workspace};

#[track_caller]
pub(crate) fn conforms(schema: &str, document: &Value) {
    let path = format!("{}/state-schema/{schema}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(document).map(|e| format!("{e} at {}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
}

#[track_caller]
fn stream(events: &[Value]) -> Vec<&str> {
    for event in events {
        conforms("events", event);
    }
    assert_eq!(events[0]["type"], "version");
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[test]
fn a_run_is_a_stream_of_events() {
    let workspace = Workspace::with(QUICKSTART);
    let plan = workspace.run(&["plan", "-json"]).success();
    assert_eq!(plan.stderr, "");
    let events = plan.events();
    let types = stream(&events);
    assert_eq!(types.iter().filter(|t| **t == "planned_change").count(), 5);
    let counts = events.iter().find(|e| e["type"] == "change_summary").unwrap();
    assert_eq!(counts["changes"]["add"], 5);
    assert_eq!(counts["impacts"]["changes_billing"], 2);
    assert_eq!(counts["forecast"]["times"], "documented");

    let apply = workspace.run(&["apply", "-auto-approve", "-json"]).success().events();
    let types = stream(&apply);
    for (kind, count) in [("apply_start", 5), ("apply_complete", 5), ("apply_errored", 0)] {
        assert_eq!(types.iter().filter(|t| **t == kind).count(), count, "{kind}");
    }
    let last = apply.iter().rev().find(|e| e["type"] == "change_summary").unwrap();
    assert_eq!(
        (&last["changes"]["operation"], &last["changes"]["add"]),
        (&"apply".into(), &5.into())
    );
    let outputs = apply.iter().rev().find(|e| e["type"] == "outputs").unwrap();
    assert!(outputs["outputs"]["web"]["value"]["80"].is_string());

    let destroy = workspace.run(&["destroy", "-auto-approve", "-json"]).success().events();
    stream(&destroy);
    let last = destroy.iter().rev().find(|e| e["type"] == "change_summary").unwrap();
    assert_eq!(
        (&last["changes"]["operation"], &last["changes"]["remove"]),
        (&"destroy".into(), &5.into())
    );
}

#[test]
fn errors_are_events_too() {
    let workspace = Workspace::with("resource \"nat_gateway\" \"a\" {\n  vpc_id = var.nope\n}\n");
    for command in [&["plan", "-json"][..], &["apply", "-json", "-auto-approve"]] {
        let run = workspace.run(command).exits(1);
        assert_eq!(run.stderr, "", "{command:?}");
        let events = run.events();
        stream(&events);
        let found: Vec<&Value> = events.iter().filter(|e| e["type"] == "diagnostic").collect();
        assert_eq!(found.len(), 1);
        let diagnostic = &found[0]["diagnostic"];
        assert_eq!(diagnostic["code"], "undeclared");
        assert_eq!(diagnostic["range"]["filename"], "main.nat.hcl");
        assert_eq!(diagnostic["range"]["start"]["line"], 2);
    }
}

#[test]
fn documents_are_as_their_schemas_say() {
    let workspace = Workspace::with(QUICKSTART);
    conforms("version", &workspace.run(&["version", "-json"]).success().json());
    conforms("validate", &workspace.run(&["validate", "-json"]).success().json());
    conforms("state", &workspace.run(&["show", "-json"]).success().json());
    conforms("outputs", &workspace.run(&["output", "-json"]).success().json());
    workspace.run(&["plan", "-out=new.plan"]).success();
    let plan = workspace.run(&["show", "-json", "new.plan"]).success().json();
    conforms("plan", &plan);
    assert_eq!(plan["operations"].as_array().unwrap().len(), 5);
    workspace.run(&["apply", "new.plan"]).success();
    conforms("state", &workspace.run(&["show", "-json"]).success().json());
    conforms("outputs", &workspace.run(&["output", "-json"]).success().json());
    let one = workspace.run(&["state", "show", "-json", "nat_gateway.edge"]).success().json();
    conforms("instance", &one);
    workspace.write("main.nat.hcl", &QUICKSTART.replace("Small", "Middle"));
    workspace.run(&["plan", "-out=change.plan", "-replace=snat_entry.out"]).success();
    let plan = workspace.run(&["show", "-json", "change.plan"]).success().json();
    conforms("plan", &plan);
    assert_eq!(plan["summary"]["update"], 1);
    assert_eq!(plan["summary"]["replace"], 1);
    assert_eq!(plan["summary"]["impacts"]["interrupts_traffic"], 1);
    assert_eq!(plan["forecast"]["times"], "mixed");
    let stopped = &plan["forecast"]["interruptions"][0];
    assert_eq!(stopped["traffic"], "192.168.1.0/24 outbound");
    assert!(stopped["seconds"].as_f64().unwrap() > 0.0, "the new entry serves it again");

    workspace.write("main.nat.hcl", "variable \"a\" {");
    let broken = workspace.run(&["validate", "-json"]).exits(1).json();
    conforms("validate", &broken);
    assert_eq!((&broken["valid"], &broken["error_count"]), (&false.into(), &1.into()));
}

#[test]
fn markdown_has_the_verdict_first_and_no_escape_sequences() {
    let mut workspace = Workspace::with(QUICKSTART);
    workspace.set("CLICOLOR_FORCE", "1");
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.write("main.nat.hcl", &QUICKSTART.replace("\"443\" = 8443", "\"444\" = 8443"));
    workspace.run(&["plan", "-out=p"]).success();
    let text = workspace.run(&["show", "-markdown", "p"]).success().stdout;
    assert!(text.starts_with("## natform: Plan: 1 to add, 0 to change, 1 to destroy.\n"), "{text}");
    assert!(text.contains("`forward_entry.web[\"443\"]` will be **destroyed**"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}
