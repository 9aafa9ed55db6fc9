//! Values of variables: where they come from and which source wins.

use crate::support::Workspace;

const CONFIGURATION: &str = "variable \"v\" {\n  type    = string\n  default = \"default\"\n}\noutput \"v\" { value = var.v }\n";

fn planned(workspace: &Workspace, flags: &[&str]) -> String {
    let mut arguments = vec!["plan", "-json"];
    arguments.extend(flags);
    let events = workspace.run(&arguments).success().events();
    let outputs = events.iter().find(|e| e["type"] == "outputs").unwrap();
    outputs["outputs"]["v"]["after"].as_str().unwrap().to_owned()
}

#[test]
fn later_sources_win() {
    let mut workspace = Workspace::with(CONFIGURATION);
    assert_eq!(planned(&workspace, &[]), "default");
    workspace.set("NATFORM_VAR_v", "environment");
    assert_eq!(planned(&workspace, &[]), "environment");
    workspace.write("natform.natvars", "v = \"file\"");
    assert_eq!(planned(&workspace, &[]), "file");
    workspace.write("natform.natvars.json", "{\"v\": \"json\"}");
    assert_eq!(planned(&workspace, &[]), "json");
    workspace.write("a.auto.natvars", "v = \"auto\"");
    assert_eq!(planned(&workspace, &[]), "auto");
    workspace.write("b.auto.natvars", "v = \"later auto\"");
    assert_eq!(planned(&workspace, &[]), "later auto");
    workspace.write("given.natvars", "v = \"given\"");
    assert_eq!(planned(&workspace, &["-var-file=given.natvars"]), "given");
    assert_eq!(planned(&workspace, &["-var-file=given.natvars", "-var", "v=option"]), "option");
    assert_eq!(planned(&workspace, &["-var", "v=option", "-var-file", "given.natvars"]), "given");
    assert_eq!(planned(&workspace, &["-var=v=a", "-var=v=b=c"]), "b=c");
}

#[test]
fn mistakes_have_one_error_each() {
    let workspace = Workspace::with(CONFIGURATION);
    workspace.run(&["plan", "-var=w=1"]).exits(1).says(&["`w`"]);
    workspace.run(&["plan", "-var=v"]).exits(1);
    let missing = workspace.run(&["plan", "-var-file=nope.natvars"]).exits(1);
    missing.says(&["nope.natvars"]);
    workspace.write("bad.natvars", "v = = 1");
    workspace.run(&["plan", "-var-file=bad.natvars"]).exits(1).says(&["bad.natvars:1"]);
    workspace.write("extra.natvars", "w = 1\nv = \"x\"");
    workspace.run(&["plan", "-var-file=extra.natvars"]).success().says(&["warning["]);
}

#[test]
fn a_missing_value_is_an_error_where_nobody_can_be_asked() {
    let workspace = Workspace::with(
        "variable \"needed\" {\n  description = \"Say it\"\n}\noutput \"v\" { value = var.needed }\n",
    );
    for flags in [&["plan"][..], &["plan", "-input=false"], &["apply", "-auto-approve"]] {
        let run = workspace.run(flags);
        run.one_error("missing-variable");
        run.says(&["var.needed", "Say it", "-var 'needed=", "NATFORM_VAR_needed"]);
    }
    workspace.run(&["validate"]).success();
}

#[test]
fn wrong_types_and_failed_validations_point_at_the_value() {
    let workspace = Workspace::with(
        "variable \"n\" {\n  type = number\n  validation {\n    condition     = var.n > 3\n    error_message = \"More than three, please.\"\n  }\n}\noutput \"n\" { value = var.n }\n",
    );
    workspace.run(&["plan", "-var=n=many"]).exits(1).says(&["<-var n>"]);
    let run = workspace.run(&["plan", "-var=n=2"]);
    assert_eq!(run.code, 1);
    run.says(&["More than three, please."]);
    workspace.run(&["plan", "-var=n=4"]).success();
}
