//! Sensitive values: never printed, logged or exported unless they are asked for.

use crate::servers::Served;
use crate::support::Workspace;

const SECRET: &str = "hunter2-and-more";

const CONFIGURATION: &str = r#"
provider "alicloud" {
  region   = "cn-hangzhou"
  endpoint = "emulator"
}
variable "secret" {
  type      = string
  sensitive = true
}
resource "nat_gateway" "edge" {
  vpc_id      = "vpc-emulator"
  name        = "edge"
  description = "made with ${var.secret}"
}
output "secret" {
  value     = var.secret
  sensitive = true
}
"#;

#[test]
fn a_sensitive_variable_is_never_printed() {
    let mut workspace = Workspace::with(CONFIGURATION);
    workspace.set("NATFORM_VAR_secret", SECRET);
    let log = "-log-file=requests.log";
    workspace.set("NATFORM_LOG", "debug");
    let commands: &[&[&str]] = &[
        &["plan", "-out=p", log],
        &["plan", "-json", log],
        &["show", "p"],
        &["show", "-json", "p"],
        &["show", "-markdown", "p"],
        &["graph", "-plan=p"],
        &["apply", "-auto-approve", "-json", log],
        &["show"],
        &["show", "-json"],
        &["state", "show", "nat_gateway.edge"],
        &["state", "show", "-json", "nat_gateway.edge"],
        &["output"],
        &["output", "secret"],
        &["plan", "-destroy", log],
        &["destroy", "-auto-approve", log],
    ];
    for command in commands {
        let run = workspace.run(command).success();
        let all = format!("{}{}", run.stdout, run.stderr);
        assert!(!all.contains(SECRET), "{command:?} shows it:\n{all}");
    }
    let log = std::fs::read_to_string(workspace.path("requests.log")).unwrap();
    assert!(log.contains("CreateNatGateway"), "{log}");
    for hidden in [SECRET, "testsecret", "Signature="] {
        assert!(!log.contains(hidden), "`{hidden}` is in the log:\n{log}");
    }
}

#[test]
fn it_is_shown_to_those_who_ask() {
    let mut workspace = Workspace::with(CONFIGURATION);
    workspace.set("NATFORM_VAR_secret", SECRET);
    workspace.run(&["plan", "-show-sensitive", "-out=p"]).success().says(&[SECRET]);
    workspace.run(&["show", "-show-sensitive", "p"]).success().says(&[SECRET]);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.run(&["show", "-show-sensitive"]).success().says(&[SECRET]);
    workspace.run(&["output", "-raw", "secret"]).success().says(&[SECRET]);
    workspace.run(&["output", "-json"]).success().says(&[SECRET]);
}

#[test]
fn refusals_and_wrong_values_do_not_show_it() {
    let mut workspace = Workspace::with(CONFIGURATION);
    workspace.set("NATFORM_VAR_secret", SECRET);
    let message = format!("The description {SECRET} is bad.");
    let faults = serde_json::json!({"faults": [{"match": {"action": "CreateNatGateway"},
        "effect": {"error": {"http": 400, "code": "InvalidDescription.Malformed", "message": message}}}]});
    workspace.write("faults.json", &faults.to_string());
    let served = Served::start(&workspace, &["-faults", "faults.json"]);
    let run = workspace.run(&["apply", "-auto-approve", &format!("-endpoint={}", served.url)]);
    assert_eq!(run.code, 1);
    run.says(&["InvalidDescription.Malformed"]);
    assert!(!format!("{}{}", run.stdout, run.stderr).contains(SECRET), "{}", run.stderr);

    // A value that breaks a rule of its own.
    workspace.set("NATFORM_VAR_secret", &format!("http://{SECRET}"));
    workspace.write("main.nat.hcl", &CONFIGURATION.replace("made with ${", "${"));
    let run = workspace.run(&["plan"]).exits(1);
    assert!(!format!("{}{}", run.stdout, run.stderr).contains(SECRET), "{}", run.stderr);
}

#[test]
fn keys_are_in_no_error_and_no_log() {
    let mut workspace = Workspace::with(
        "provider \"alicloud\" {\n  region = \"cn-hangzhou\"\n}\ndata \"nat_gateways\" \"all\" {}\noutput \"all\" { value = data.nat_gateways.all.ids }\n",
    );
    let served = Served::start(&workspace, &["-access-key", "me:right-secret"]);
    workspace.set("NATFORM_ACCESS_KEY_ID", "me");
    workspace.set("NATFORM_ACCESS_KEY_SECRET", "wrong-secret");
    workspace.set("NATFORM_LOG", "debug");
    let flag = format!("-endpoint={}", served.url);
    let run = workspace.run(&["plan", &flag, "-log-file=requests.log"]);
    run.one_error("cannot-read");
    run.says(&["SignatureDoesNotMatch", "check the credentials"]);
    let log = std::fs::read_to_string(workspace.path("requests.log")).unwrap();
    for text in [&run.stderr, &log] {
        assert!(!text.contains("wrong-secret") && !text.contains("Signature="), "{text}");
    }
    assert!(!run.stderr.contains("server string to sign"), "{}", run.stderr);
}
