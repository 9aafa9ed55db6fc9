//! `state` and `force-unlock`: what is recorded is looked at and mended by hand, with history.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use proptest::prelude::*;
use serde_json::Value;

use crate::machine::conforms;
use crate::servers::Served;
use crate::support::{GATEWAY, QUICKSTART, Workspace, steady};

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A directory in which the quickstart was applied.
fn applied() -> Workspace {
    let mut workspace = Workspace::with(QUICKSTART);
    workspace.set("USER", "ann");
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace
}

fn serial(workspace: &Workspace) -> u64 {
    workspace.run(&["state", "list", "-json"]).success().json()["serial"].as_u64().unwrap()
}

/// Runs a command that is to be refused with this code and to leave the state as it is.
#[track_caller]
fn refused(workspace: &Workspace, command: &[&str], code: &str, says: &[&str]) {
    let before = workspace.run(&["state", "pull", "-show-sensitive"]).success().stdout;
    let run = workspace.run(command);
    run.one_error(code);
    run.says(says);
    let after = workspace.run(&["state", "pull", "-show-sensitive"]).success().stdout;
    assert_eq!(before, after, "{command:?}");
}

/// Replaces the machine's name.
fn anonymous(text: &str) -> String {
    regex::Regex::new(r"ann@\S+").unwrap().replace_all(text, "ann@host").into_owned()
}

#[test]
fn a_renamed_resource_takes_its_dependents_along() {
    let workspace = applied();
    let before = serial(&workspace);
    let dry = workspace.run(&["state", "mv", "-dry-run", "nat_gateway.edge", "nat_gateway.north"]);
    assert_eq!(serial(&workspace), before);
    let moved = workspace.run(&["state", "mv", "nat_gateway.edge", "nat_gateway.north"]).success();
    insta::assert_snapshot!(steady(&format!("{}{}", dry.text(), moved.text())));
    workspace.write("main.nat.hcl", &renamed(QUICKSTART));
    workspace.run(&["plan", "-detailed-exitcode"]).success().says(&["No changes."]);
    let entry = workspace.run(&["state", "show", "-json", "snat_entry.out"]).success().json();
    let dependencies = entry["dependencies"].to_string();
    assert!(dependencies.contains("nat_gateway.north") && !dependencies.contains("edge\"]"));
    workspace.run(&["destroy", "-auto-approve"]).success().says(&["5 destroyed"]);
}

fn renamed(text: &str) -> String {
    text.replace("\"nat_gateway\" \"edge\"", "\"nat_gateway\" \"north\"")
        .replace("nat_gateway.edge", "nat_gateway.north")
}

#[test]
fn instances_resources_and_modules_move() {
    let workspace = applied();
    for (from, to) in [
        ("forward_entry.web[\"80\"]", "forward_entry.web[0]"),
        ("forward_entry.web[0]", "forward_entry.one"),
        ("forward_entry.one", "forward_entry.web[\"80\"]"),
        ("forward_entry.web", "module.m.forward_entry.web"),
        ("module.m", "module.n[\"x\"]"),
        ("module.n[\"x\"]", "module.o.module.p"),
        ("module.o.module.p.forward_entry.web", "forward_entry.web"),
    ] {
        workspace.run(&["state", "mv", from, to]).success();
        let listed = workspace.run(&["state", "list", to]).success().stdout;
        assert!(listed.starts_with(to), "{to}: {listed}");
        refused(&workspace, &["state", "show", from], "unknown-address", &[]);
    }
    workspace.run(&["plan", "-detailed-exitcode"]).success();
}

#[test]
fn moves_that_cannot_be_are_refused() {
    let workspace = applied();
    for (from, to, code, says) in [
        (
            "nat_gateway.egde",
            "nat_gateway.x",
            "unknown-address",
            "did you mean `nat_gateway.edge`?",
        ),
        ("forward_entry.web[\"8\"]", "forward_entry.x", "unknown-address", "did you mean"),
        ("nat_gateway.edge", "snat_entry.x", "move", "cannot become a `snat_entry`"),
        ("nat_gateway.edge", "module.x", "move", "cannot become `module.x`"),
        ("nat_gateway.edge", "nat_gateway.edge", "move", "already"),
        ("nat_gateway.edge", "data.nat_gateway.edge", "move", "no data sources"),
        ("forward_entry.web", "forward_entry.one[0]", "several-objects", "several instances"),
        (
            "forward_entry.web[\"80\"]",
            "forward_entry.web[\"443\"]",
            "occupied-address",
            "is recorded already",
        ),
        ("nat_gateway.edge[", "nat_gateway.x", "address", "is not an address"),
    ] {
        for flag in [&[][..], &["-dry-run"]] {
            let command = [&["state", "mv"], flag, &[from, to]].concat();
            refused(&workspace, &command, code, &[says]);
        }
    }
    workspace.run(&["state", "mv", "forward_entry.web[\"80\"]", "forward_entry.x"]).success();
    let whole = ["state", "mv", "forward_entry.web", "forward_entry.x"];
    refused(&workspace, &whole, "occupied-address", &["forward_entry.x"]);

    let empty = Workspace::with(GATEWAY);
    empty.run(&["state", "mv", "nat_gateway.a", "nat_gateway.b"]).one_error("unknown-address");
    empty.run(&["state", "rm", "nat_gateway.a"]).one_error("unknown-address");
    empty.run(&["state", "restore", "-auto-approve", "1"]).one_error("state-refused");
    let nothing = std::fs::read_dir(empty.directory()).unwrap().count();
    assert_eq!(nothing, 1, "a refused command makes no files");
}

#[test]
fn forgotten_objects_live_on() {
    let workspace = applied();
    let dry = workspace.run(&["state", "rm", "-dry-run", "bandwidth_package.edge"]).success();
    let done = workspace.run(&["state", "rm", "bandwidth_package.edge", "snat_entry.out"]);
    insta::assert_snapshot!(steady(&format!("{}{}", dry.text(), done.text())));
    refused(
        &workspace,
        &["state", "rm", "nat_gateway.edge", "forward_entry.wbe"],
        "unknown-address",
        &["`forward_entry.wbe`"],
    );
    workspace.run(&["drift"]).exits(2).says(&["not managed", "bwp-"]);
    // The plan sees that what the configuration asks for is there and nobody's.
    workspace.run(&["plan"]).exits(1).says(&["not managed by natform", "`import` block"]);
    let rest = workspace.run(&["state", "list"]).success().stdout;
    assert_eq!(rest, "forward_entry.web[\"443\"]\nforward_entry.web[\"80\"]\nnat_gateway.edge\n");
    assert_eq!(workspace.run(&["state", "rm"]).code, 1);
}

#[test]
fn history_says_when_who_and_what() {
    let workspace = applied();
    workspace.run(&["state", "mv", "nat_gateway.edge", "nat_gateway.north"]).success();
    workspace.run(&["state", "rm", "forward_entry.web"]).success();
    let document = workspace.run(&["state", "history", "-json"]).success().json();
    conforms("history", &document);
    let serials: Vec<u64> = document["serials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["serial"].as_u64().unwrap())
        .collect();
    let last = serial(&workspace);
    assert_eq!(serials, (1..=last).rev().collect::<Vec<u64>>());
    let newest = &document["serials"][0];
    assert_eq!(newest["run"]["command"], "state rm forward_entry.web");
    assert!(newest["run"]["who"].as_str().unwrap().starts_with("ann@"));
    assert_eq!(newest["changes"][0]["action"], "delete");
    let text = workspace.run(&["state", "history", "-limit=2"]).success().text();
    // How many results were recorded together depends on the machine.
    let text = text.replace(&format!("Serial {last} "), "Serial LAST ");
    let text = text.replace(&format!("Serial {} ", last - 1), "Serial ONE BEFORE ");
    insta::assert_snapshot!(anonymous(&steady(&text)));
    let of_one = workspace.run(&["state", "history", "nat_gateway.north"]).success().stdout;
    assert_eq!(of_one.matches("Serial").count(), 1, "{of_one}");
    let fresh = Workspace::with(GATEWAY);
    fresh.run(&["state", "history"]).success().says(&["warning[empty-history]"]);
    conforms("history", &fresh.run(&["state", "history", "-json"]).success().json());
}

#[test]
fn an_earlier_serial_can_be_looked_at_and_restored() {
    let workspace = applied();
    let first = serial(&workspace);
    let then = workspace.run(&["state", "pull", "-show-sensitive"]).success().json();
    workspace.write("main.nat.hcl", &QUICKSTART.replace("\"443\" = 8443", "\"444\" = 8443"));
    workspace.run(&["apply", "-auto-approve"]).success();
    let number = first.to_string();
    let flag = format!("-serial={number}");
    let old = "forward_entry.web[\"443\"]";
    workspace.run(&["state", "show", old]).one_error("unknown-address");
    workspace.run(&["state", "show", &flag, old]).success().says(&["internal_port", "8443"]);
    workspace.run(&["state", "list", &flag]).success().says(&[old]);
    workspace.run(&["show", &flag]).success().says(&["\"443\""]);
    let shown = workspace.run(&["show", "-json", &flag]).success().json();
    conforms("state", &shown);
    assert_eq!(shown["serial"], first);
    workspace.run(&["show", "-serial=99"]).one_error("state-refused");

    let restore = ["state", "restore", &number];
    refused(&workspace, &restore, "no-approval", &["-auto-approve"]);
    let before = serial(&workspace);
    let dry = workspace.run(&["state", "restore", "-dry-run", &number]).success();
    assert_eq!(serial(&workspace), before);
    let done = workspace.run(&["state", "restore", "-auto-approve", &number]).success();
    let text = format!("{}{}", dry.text(), done.text());
    let counted = regex::Regex::new(r"serial \d+").unwrap().replace_all(&text, "serial N");
    insta::assert_snapshot!(steady(&counted));
    assert_eq!(serial(&workspace), before + 1);
    let now = workspace.run(&["state", "pull", "-show-sensitive"]).success().json();
    assert_eq!((&now["instances"], &now["outputs"]), (&then["instances"], &then["outputs"]));
    let again = workspace.run(&["state", "restore", "-auto-approve", &number]).success();
    again.says(&["nothing was written"]);
    assert_eq!(serial(&workspace), before + 1);
    refused(&workspace, &["state", "restore", "-auto-approve", "99"], "state-refused", &["99"]);
    // What was made since is a stranger to the restored state.
    workspace.run(&["drift"]).exits(2).says(&["1 missing", "1 not managed"]);
}

#[test]
fn lists_can_be_filtered_and_read_by_programs() {
    let workspace = applied();
    let document = workspace.run(&["state", "list", "-json"]).success().json();
    conforms("state-list", &document);
    let resources = document["resources"].as_array().unwrap();
    assert_eq!(resources.len(), 5);
    let id = resources[0]["id"].as_str().unwrap();
    let one = workspace.run(&["state", "ls", &format!("-id={id}")]).success().stdout;
    assert_eq!(one, "bandwidth_package.edge\n");
    workspace.run(&["state", "list", "-id=x"]).success().says(&["warning[empty-state]"]);
}

/// A server in which one request is slow, a state in it, and an apply that is stuck in that request.
struct Stuck {
    workspace: Workspace,
    served: Served,
    apply: Running,
}

impl Stuck {
    fn begin(delay: u32) -> Self {
        let mut workspace = Workspace::with(GATEWAY);
        workspace.set("USER", "ann");
        let faults = format!(
            r#"{{"faults": [{{"match": {{"action": "ModifyNatGatewayAttribute", "times": 1}},
                "effect": {{"delay_ms": {delay}}}}}]}}"#
        );
        workspace.write("faults.json", &faults);
        let served = Served::start(&workspace, &["-faults", "faults.json"]);
        workspace.set("NATFORM_ENDPOINT", &served.url);
        workspace.run(&["apply", "-auto-approve"]).success();
        workspace.write("main.nat.hcl", &GATEWAY.replace("\"edge\"\n}", "\"other\"\n}"));
        let mut apply = Running(
            workspace
                .command(&["apply", "-auto-approve"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap(),
        );
        let mut lines = BufReader::new(apply.0.stdout.as_mut().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("Modifying...")));
        let unfinished =
            || workspace.run(&["show", "-json"]).success().json()["unfinished"].as_u64();
        // It says what it does before the intent is on disk.
        while unfinished() != Some(1) {
            assert!(apply.0.try_wait().unwrap().is_none(), "the apply has ended");
        }
        Self { workspace, served, apply }
    }
}

#[test]
fn what_is_unfinished_is_left_alone() {
    let mut stuck = Stuck::begin(60_000);
    stuck.apply.0.kill().unwrap();
    stuck.apply.0.wait().unwrap();
    let workspace = &stuck.workspace;
    workspace.run(&["state", "pull", "-show-sensitive"]).success();
    let document = workspace.run(&["state", "pull", "-show-sensitive"]).success().stdout;
    workspace.write("state.json", &document);
    let url = format!("-endpoint={}", stuck.served.url);
    for command in [
        &["state", "mv", "nat_gateway.edge", "nat_gateway.x"][..],
        &["state", "mv", "-dry-run", "nat_gateway.edge", "nat_gateway.x"],
        &["state", "rm", "nat_gateway.edge"],
        &["state", "restore", "-auto-approve", "1"],
        &["state", "push", "state.json"],
        &["state", "rebind", &url],
    ] {
        let says = ["`nat_gateway.edge`", "ModifyNatGatewayAttribute", "natform recover"];
        refused(workspace, command, "unfinished-operation", &says);
    }
    workspace.run(&["force-unlock"]).success().says(&["is not locked"]);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.run(&["state", "mv", "nat_gateway.edge", "nat_gateway.x"]).success();
}

#[test]
fn a_command_that_writes_waits_for_the_lock_or_says_who_holds_it() {
    let stuck = Stuck::begin(1_500);
    let workspace = &stuck.workspace;
    let run = workspace.run(&["state", "mv", "nat_gateway.edge", "nat_gateway.x"]);
    // The operation that is under way is seen before the lock is asked for.
    run.one_error("unfinished-operation");
    let run = workspace.run(&["state", "restore", "-auto-approve", "1"]);
    run.one_error("state-locked");
    run.says(&["ann@", "`apply`", "since", "-lock-timeout"]);
    workspace.run(&["state", "list"]).success().says(&["nat_gateway.edge"]);
    let late = ["state", "restore", "-lock-timeout=30s", "-auto-approve", "1"];
    workspace.run(&late).success().says(&["Restored serial 1"]);
}

#[test]
fn a_lock_is_taken_only_from_one_that_is_named_and_by_force() {
    let mut stuck = Stuck::begin(3_000);
    let workspace = &stuck.workspace;
    let run = workspace.run(&["force-unlock"]);
    run.one_error("live-holder");
    run.says(&["`apply` by ann@", "since", "end process", "-force"]);
    run.says(&["It has finished 0 calls and is at ModifyNatGatewayAttribute of"]);
    let pid = format!("process {}", stuck.apply.0.id());
    run.says(&[&pid]);
    let lock = regex::Regex::new(r"Lock ([0-9a-f-]{36})").unwrap();
    let id = lock.captures(&run.stderr).unwrap()[1].to_owned();
    let other = workspace.run(&["force-unlock", "-force", "11111111-1111-1111-1111-111111111111"]);
    other.one_error("other-lock");
    other.says(&[&id]);
    workspace.run(&["force-unlock", &id]).one_error("live-holder");
    workspace.run(&["force-unlock", "-force", &id]).success().says(&["Took the lock", "ann@"]);
    workspace.run(&["force-unlock"]).success().says(&["is not locked"]);
    // Whoever takes the lock now writes; the old holder no more.
    workspace.run(&["apply", "-auto-approve"]).success();
    let pull = || workspace.run(&["state", "pull", "-show-sensitive"]).success().stdout;
    let after = pull();
    assert!(!stuck.apply.0.wait().unwrap().success());
    let mut errors = String::new();
    std::io::Read::read_to_string(stuck.apply.0.stderr.as_mut().unwrap(), &mut errors).unwrap();
    assert!(errors.contains("the lock was taken away from this run"), "{errors}");
    assert_eq!(pull(), after);
    workspace.run(&["plan", "-detailed-exitcode"]).success();
}

#[test]
fn another_server_needs_to_have_the_objects() {
    let mut workspace = Workspace::with(GATEWAY);
    let first = Served::start(&workspace, &["-data", "world.db"]);
    let flag = format!("-endpoint={}", first.url);
    workspace.run(&["apply", "-auto-approve", &flag]).success();
    drop(first);
    let same = Served::start(&workspace, &["-data", "world.db"]);
    let other = Served::start(&workspace, &[]);
    let (same, empty) = (format!("-endpoint={}", same.url), format!("-endpoint={}", other.url));
    workspace.run(&["plan", &same]).one_error("other-service");
    refused(&workspace, &["state", "rebind", &empty], "rebind", &["none of the recorded", "ngw-"]);
    refused(&workspace, &["state", "rebind", "-allow-missing", &empty], "rebind", &["none of"]);
    workspace.run(&["state", "rebind", "-dry-run", &same]).success().says(&["Nothing was written"]);
    workspace.run(&["plan", &same]).one_error("other-service");
    workspace.run(&["state", "rebind", &same]).success().says(&["Rebound 1 object"]);
    workspace.run(&["plan", "-detailed-exitcode", &same]).success();
    workspace.run(&["state", "rebind", &same]).success().says(&["nothing was written"]);
    workspace.run(&["state", "history", "-limit=1"]).success().says(&["state rebind", "service"]);
    workspace.set("ALIBABA_CLOUD_ACCESS_KEY_ID", "id");
    workspace.set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "geheimes");
    workspace.write("main.nat.hcl", &GATEWAY.replace("  endpoint = \"emulator\"\n", ""));
    refused(&workspace, &["state", "rebind"], "rebind", &["never mix"]);
}

#[test]
fn reading_an_empty_state_alone_promises_no_values() {
    let workspace = Workspace::with(QUICKSTART);
    let run = workspace.run(&["plan", "-refresh-only", "-detailed-exitcode"]).success();
    assert!(!run.stdout.contains("known after apply"), "{}", run.stdout);
}

#[test]
fn a_state_that_a_broken_configuration_may_name_is_not_guessed() {
    let workspace = applied();
    workspace.write("main.nat.hcl", "natform {\n  backend \"sqlite\" { path = \"other.db\"\n");
    let commands: [&[&str]; 5] = [
        &["state", "mv", "nat_gateway.edge", "nat_gateway.x"],
        &["state", "rm", "nat_gateway.edge"],
        &["state", "restore", "-auto-approve", "1"],
        &["state", "push", "state.json"],
        &["force-unlock"],
    ];
    let before = workspace.state();
    workspace.write("state.json", &workspace.run(&["state", "pull", "-show-sensitive"]).stdout);
    for command in commands {
        let run = workspace.run(command).exits(1);
        run.is_clean();
        run.says(&["main.nat.hcl"]);
        assert_eq!(workspace.state(), before, "{command:?}");
    }
    // A mistake elsewhere does not matter where the state is named.
    workspace.write(
        "main.nat.hcl",
        "natform {\n  backend \"sqlite\" { path = \"natform.db\" }\n}\nlocals { a = nope.b }\n",
    );
    workspace.run(&["state", "mv", "nat_gateway.edge", "nat_gateway.x"]).success();
}

/// What a step of the random test does.
#[derive(Debug, Clone)]
enum Step {
    Move(usize, usize),
    Forget(usize),
    Restore(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..5_usize, 0..5_usize).prop_map(|(from, to)| Step::Move(from, to)),
        1 => (0..5_usize).prop_map(Step::Forget),
        1 => (0..9_usize).prop_map(Step::Restore),
    ];
    proptest::collection::vec(step, 1..9)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_past_stays_as_it_was(steps in steps()) {
        let workspace = applied();
        let pull = |flags: &[&str]| -> Value {
            let command = [&["state", "pull", "-show-sensitive"][..], flags].concat();
            workspace.run(&command).success().json()
        };
        let names = ["web[\"80\"]", "web[\"443\"]", "web[0]", "other", "other[7]"];
        let mut pulled = vec![pull(&[])];
        for step in steps {
            let name = |at: usize| format!("forward_entry.{}", names[at]);
            let run = match step {
                Step::Move(from, to) => workspace.run(&["state", "mv", &name(from), &name(to)]),
                Step::Forget(at) => workspace.run(&["state", "rm", &name(at)]),
                Step::Restore(at) => {
                    let serial = pulled[at % pulled.len()]["serial"].to_string();
                    workspace.run(&["state", "restore", "-auto-approve", &serial])
                }
            };
            run.is_clean();
            let now = pull(&[]);
            let last = &pulled[pulled.len() - 1];
            if now["serial"] == last["serial"] {
                prop_assert_eq!(&now, last, "a serial is one content: {}", run.stdout);
            } else {
                prop_assert!(run.code == 0);
                pulled.push(now);
            }
        }
        for then in &pulled {
            let flag = format!("-serial={}", then["serial"]);
            prop_assert_eq!(&pull(&[&flag]), then);
        }
        let history = workspace.run(&["state", "history", "-json"]).success().json();
        conforms("history", &history);
        prop_assert_eq!(&history["serial"], &pulled[pulled.len() - 1]["serial"]);
    }
}
