//! The commands that control an emulator: against a real server, and on a world's file.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::machine::conforms;
use crate::servers::{Manner, Served, answer, stranger};
use crate::support::{GATEWAY, QUICKSTART, Run, Workspace};

/// A world in which every field is set.
const RICH: &str = include_str!("../../src/emulator/tests/world.json");

/// The page about the emulator.
const PAGE: &str = include_str!("../../src/emulator/EMULATOR.md");

/// A workspace with a server that all commands in it talk to.
fn served(flags: &[&str]) -> (Workspace, Served) {
    let mut workspace = Workspace::with(QUICKSTART);
    let server = Served::start(&workspace, flags);
    workspace.set("NATFORM_EMULATOR_ADDRESS", &server.url);
    workspace.set("NATFORM_ENDPOINT", &server.url);
    (workspace, server)
}

/// Runs the binary with something on its standard input.
fn feed(workspace: &Workspace, arguments: &[&str], input: &str) -> Run {
    let mut child = workspace
        .command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Sends a request as it is, and returns the status and the body.
fn raw(server: &Served, request: &str) -> (u16, String) {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    let (head, body) = all.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn get(server: &Served, path: &str, headers: &str) -> (u16, String) {
    raw(server, &format!("GET {path} HTTP/1.1\r\nconnection: close\r\n{headers}\r\n"))
}

#[track_caller]
fn shown(run: &Run, server: &Served) -> String {
    run.is_clean();
    run.text().replace(&server.url, "URL")
}

#[test]
fn a_server_tells_how_it_is_and_what_was_asked_of_it() {
    let (workspace, server) = served(&[]);
    insta::assert_snapshot!(shown(&workspace.run(&["emulator", "health"]).success(), &server));
    workspace.run(&["emulator", "calls"]).success().says(&["No calls are recorded."]);
    workspace.run(&["apply", "-auto-approve"]).success();
    let health = workspace.run(&["emulator", "health", "-json"]).success().json();
    assert_eq!((&health["status"], &health["objects"]["forward_entry"]), (&json!("ok"), &json!(2)));

    let all = workspace.run(&["emulator", "calls", "-json"]).success();
    let calls = all.json();
    conforms("emulator-calls", &calls);
    for secret in ["testid", "testsecret", "Signature", "Nonce"] {
        assert!(!all.stdout.contains(secret), "{secret}");
    }
    assert_eq!(calls["counts"]["CreateForwardEntry"]["succeeded"], 2);
    let made = calls["calls"].as_array().unwrap();
    let made = made.iter().find(|c| c["action"] == "CreateNatGateway").unwrap();
    assert_eq!(made["parameters"]["VpcId"], "vpc-emulator");
    assert!(made["answer"]["NatGatewayId"].as_str().unwrap().starts_with("ngw-"));
    assert_eq!(made["answer"]["RequestId"], made["request_id"]);

    let one = ["emulator", "calls", "-action", "CreateForwardEntry", "-limit", "1"];
    let table = workspace.run(&one).success();
    table.is_clean();
    table.says(&["CreateForwardEntry  200", " ExternalPort=", "ACTION              CALLS"]);
    assert_eq!(table.stdout.lines().count(), 5, "{}", table.stdout);
    let one = workspace.run(&[&one[..], &["-json"]].concat()).success().json();
    assert_eq!(one["calls"].as_array().unwrap().len(), 1);
    assert_eq!(one["counts"].as_object().unwrap().len(), 1);

    workspace.run(&["emulator", "calls", "-clear"]).success();
    workspace.run(&["emulator", "calls"]).success().says(&["No calls are recorded."]);
}

#[test]
fn recorded_answers_hold_no_secrets_either() {
    let (workspace, server) = served(&[]);
    let now = workspace.run(&["emulator", "clock", "-json"]).success().json();
    let time = now["time"].as_str().unwrap().replace(':', "%3A");
    let target = format!(
        "/?Action=DescribeNatGateways&RegionId=cn-hangzhou&Version=2016-04-28&Format=XML\
         &AccessKeyId=testid&SecurityToken=hushhush&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0\
         &SignatureNonce=n1&Timestamp={time}&Signature=AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D"
    );
    for target in [target.clone(), target.replace("Format=XML", "format=JSON")] {
        let (status, body) = get(&server, &target, "host: x\r\n");
        assert!(status == 400 && body.contains("hushhush"), "{body}");
    }
    get(&server, "/?Action=Nothing&accesskeyid=testid&SecurityToken=hushhush&x=1", "host: x\r\n");
    let all = workspace.run(&["emulator", "calls", "-json"]).success();
    conforms("emulator-calls", &all.json());
    assert_eq!(all.json()["counts"]["DescribeNatGateways"]["errors"]["SignatureDoesNotMatch"], 2);
    for secret in ["testid", "hushhush"] {
        assert!(!all.stdout.contains(secret), "{}", all.stdout);
    }
    assert!(all.stdout.contains("server string to sign is: …</Message>"), "{}", all.stdout);
    assert!(all.stdout.contains("server string to sign is: …\""), "{}", all.stdout);
}

#[test]
fn a_world_goes_out_and_comes_back() {
    let (workspace, _server) = served(&[]);
    workspace.run(&["apply", "-auto-approve"]).success();
    let wrote = workspace.run(&["emulator", "dump", "-out", "world.json"]).success();
    assert_eq!(wrote.stdout, "Wrote the world to world.json.\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(workspace.path("world.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let before = workspace.run(&["emulator", "dump"]).success();
    assert_eq!(std::fs::read_to_string(workspace.path("world.json")).unwrap(), before.stdout);
    conforms("emulator-world", &before.json());
    let began = workspace.run(&["emulator", "reset"]).success();
    assert!(began.stdout.starts_with("The world `") && began.stdout.ends_with("` begins.\n"));
    let fresh = workspace.run(&["emulator", "dump"]).success().json();
    assert_eq!(fresh["gateways"], json!([]));
    assert_ne!(fresh["meta"]["id"], before.json()["meta"]["id"]);
    workspace
        .run(&["emulator", "load", "world.json"])
        .success()
        .says(&["Loaded 2 VPCs, 4 vSwitches, 1 gateway, 1 bandwidth package, 2 DNAT entries"]);
    assert_eq!(workspace.run(&["emulator", "dump"]).success().stdout, before.stdout);
    workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
}

#[test]
fn a_world_with_everything_in_it_stays_as_it_is() {
    let (workspace, _server) = served(&["-timing", "manual"]);
    let mut rich: Value = serde_json::from_str(RICH).unwrap();
    // Later than any test runs, so that nothing is done yet.
    for pointer in
        ["/gateways/0/pending", "/bandwidth_packages/0/pending", "/snat_entries/1/pending"]
    {
        rich.pointer_mut(pointer).unwrap()["ready"] = json!(9_000_000_000_000_i64);
    }
    rich["gateways"][0]["conversion"]["ends"] = json!(9_000_000_000_000_i64);
    rich["tokens"][0]["expires"] = json!(9_000_000_000_000_i64);
    feed(&workspace, &["emulator", "load", "-"], &rich.to_string()).success();
    let dump = workspace.run(&["emulator", "dump"]).success().json();
    conforms("emulator-world", &dump);
    assert_eq!(dump, rich);
}

#[test]
fn a_document_that_is_no_world_is_refused_and_changes_nothing() {
    let (workspace, server) = served(&[]);
    workspace.run(&["apply", "-auto-approve"]).success();
    let before = workspace.run(&["emulator", "dump"]).success().stdout;
    let broken = RICH
        .replace("\"table\": \"ftb-normal\"", "\"table\": \"ftb-nrmal\"")
        .replace("198.18.0.4", "198.18.0.1");
    let cases = [
        ("broken.json", broken.as_str()),
        ("type.json", "{\n  \"vpcs\": [],\n  \"gateways\": [{ \"id\": 7 }]\n}\n"),
        ("field.json", "{ \"gateway\": [] }"),
        ("newer.json", "{ \"format_version\": 2, \"brand_new\": [] }"),
        ("cut.json", "{\n  \"vpcs\": [\n"),
        ("empty.json", ""),
    ];
    let mut all = String::new();
    for (name, text) in cases {
        workspace.write(name, text);
        let run = workspace.run(&["emulator", "load", name]).exits(1);
        all.push_str(&shown(&run, &server));
    }
    insta::assert_snapshot!(all);
    workspace.run(&["emulator", "load", "no-such.json"]).one_error("document");
    let long = format!("{{{}}}", " ".repeat(10 * 1024 * 1024));
    workspace.write("long.json", &long);
    workspace.run(&["emulator", "load", "long.json"]).one_error("emulator-world");
    assert_eq!(workspace.run(&["emulator", "dump"]).success().stdout, before);
    // A file is not even made.
    workspace.run(&["emulator", "load", "-data", "new.db", "broken.json"]).exits(1);
    assert!(!workspace.path("new.db").exists());
    workspace.run(&["emulator", "load", "-data", "new.db", "long.json"]).success();
}

#[test]
fn the_world_of_a_configuration_is_reached_without_a_server() {
    let mut workspace = Workspace::with(GATEWAY);
    workspace.set("NATFORM_EMULATOR_TIMING", "manual");
    workspace.run(&["validate"]).success();
    let data = ["-data", ".natform/emulator.db"];
    let run = |arguments: &[&str]| workspace.run(&[&["emulator"], arguments, &data[..]].concat());
    run(&["dump"]).one_error("emulator-data");
    workspace.set("NATFORM_EMULATOR_TIMING", "instant");
    workspace.run(&["apply", "-auto-approve"]).success();
    let run = |arguments: &[&str]| workspace.run(&[&["emulator"], arguments, &data[..]].concat());
    let dump = run(&["dump"]).success();
    conforms("emulator-world", &dump.json());
    let gateway = dump.json()["gateways"][0]["id"].as_str().unwrap().to_owned();

    let bound = run(&["eips", "bind", &gateway, "-count", "2", "-json"]).success().json();
    let eip = bound["eips"][0]["id"].as_str().unwrap();
    run(&["eips", "release", eip]).success();
    run(&["eips", "release", eip]).one_error("emulator-refused");
    run(&["eips", "bind", "ngw-none"]).one_error("emulator-refused");
    insta::assert_snapshot!(run(&["eips", "bind", &gateway]).success().text());

    let later = run(&["clock", "-advance", "1h30m"]).success();
    assert!(later.stdout.ends_with(", 1h 30m ahead of the clock.\n"), "{}", later.stdout);
    assert_eq!(run(&["clock", "-json"]).success().json()["ahead_ms"], 5_400_000);
    run(&["settle", "ngw-none"]).one_error("emulator-refused");
    run(&["settle", &gateway]).success().says(&["Nothing was going on with"]);
    run(&["settle"]).success().says(&["Nothing was going on."]);

    let set = feed(
        &workspace,
        &[&["emulator", "conditions", "-set", "-"], &data[..]].concat(),
        "{\"quotas\": {\"packages_per_gateway\": 1}}",
    );
    assert_eq!(set.success().json()["quotas"]["packages_per_gateway"], 1);
    let conditions = run(&["conditions"]).success();
    assert_eq!(conditions.json()["quotas"]["packages_per_gateway"], 1);
    workspace.write("conditions.json", "{\"regions_without_enhanced\": [\"mars\"]}");
    run(&["conditions", "-set", "conditions.json"]).one_error("emulator-conditions");
    assert_eq!(run(&["conditions"]).success().stdout, conditions.stdout);

    workspace.write("world.json", &dump.stdout);
    workspace.run(&["emulator", "load", "-data", "other.db", "world.json"]).success();
    let other = workspace.run(&["emulator", "dump", "-data", "other.db"]).success();
    assert_eq!(other.json(), dump.json());
    run(&["reset"]).success();
    assert_eq!(run(&["dump"]).success().json()["gateways"], json!([]));
    // The state is no world.
    workspace.run(&["emulator", "dump", "-data", "natform.db"]).one_error("emulator-data");
    workspace.run(&["state", "list"]).success().says(&["nat_gateway.edge"]);
}

#[test]
fn transitions_are_finished_by_hand() {
    let (workspace, _server) = served(&["-timing", "manual"]);
    let pending = RICH.replace("1790000002000", "9000000000000");
    feed(&workspace, &["emulator", "load", "-"], &pending).success();
    let settle =
        |id: &[&str]| workspace.run(&[&["emulator", "settle"], id].concat()).success().stdout;
    assert_eq!(settle(&["snat-switch"]), "Finished what was going on with 1 object.\n");
    assert_eq!(settle(&["snat-switch"]), "Nothing was going on with `snat-switch`.\n");
    let dump = workspace.run(&["emulator", "dump"]).success().json();
    assert_eq!(dump["snat_entries"][1]["pending"], Value::Null);
    assert_eq!(dump["gateways"][1]["spec"], "XLarge.1");
    assert_eq!(settle(&[]), "Finished what was going on with 2 objects.\n");
    let dump = workspace.run(&["emulator", "dump"]).success().json();
    assert_eq!(dump["gateways"][1]["spec"], "Large");
}

#[test]
fn faults_are_listed_set_added_and_removed() {
    let (workspace, server) = served(&[]);
    let faults = |arguments: &[&str]| workspace.run(&[&["emulator", "faults"], arguments].concat());
    assert_eq!(faults(&[]).success().stdout, "There are no faults.\n");
    let example = PAGE.split("```json").nth(1).and_then(|t| t.split("```").next()).unwrap();
    workspace.write("faults.json", example);
    conforms("emulator-faults", &serde_json::from_str(example).unwrap());
    faults(&["-set", "faults.json"]).success();
    let busy = "{\"name\": \"slow\", \"match\": {\"action\": \"DescribeNatGateways\"}, \"effect\": {\"delay_ms\": 1}}";
    feed(&workspace, &["emulator", "faults", "-add", "-"], busy).success();
    workspace.write("main.nat.hcl", GATEWAY);
    workspace.run(&["plan"]).success();
    workspace.run(&["plan"]).success();
    insta::assert_snapshot!(shown(&faults(&[]).success(), &server));
    // A file adds its rules and limits to those in force.
    let added = faults(&["-add", "faults.json", "-json"]).success().json();
    assert_eq!(
        (added["faults"].as_array().unwrap().len(), added["limits"].as_array().unwrap().len()),
        (5, 2)
    );
    let wrong = "{\"faults\": [{\"match\": {\"action\": \"CreateNatGatway\", \"nth\": 0},\n  \"effect\": {\"drop\": \"after\", \"stall\": true}}]}";
    workspace.write("wrong.json", wrong);
    insta::assert_snapshot!(shown(&faults(&["-set", "wrong.json"]).exits(1), &server));
    workspace
        .run(&["emulator", "-listen", "127.0.0.1:0", "-faults", "wrong.json"])
        .exits(1)
        .says(&["error[faults]: `faults[0].match.action`: there is no action `CreateNatGatway`"]);
    faults(&["-set", "faults.json", "-clear"]).exits(1);
    assert_eq!(faults(&["-json"]).success().json()["faults"].as_array().unwrap().len(), 5);
    assert_eq!(faults(&["-clear"]).success().stdout, "There are no faults.\n");
}

#[test]
fn others_than_an_emulator_are_told_apart() {
    let workspace = Workspace::new();
    let health = |address: &str| {
        let run = workspace.run(&["emulator", "health", "-address", address]);
        run.is_clean();
        run
    };
    health("http://127.0.0.1:1").one_error("emulator-unreachable");
    health("127.0.0.1:1")
        .says(&["no emulator answers at `http://127.0.0.1:1`", "natform emulator"]);
    health("vpc.aliyuncs.com").one_error("emulator-address");
    health("http://[x").one_error("emulator-address");
    health("").one_error("emulator-address");
    for (manner, code) in [
        (answer("404 Not Found", "content-type: text/html\r\n", "<h1>no</h1>"), "not-an-emulator"),
        (
            answer("200 OK", "content-type: application/json\r\n", "{\"status\":\"ok\"}"),
            "not-an-emulator",
        ),
        (answer("200 OK", "x-natform-emulator: 1\r\n", "{\"status\":"), "not-an-emulator"),
        (Manner::Answer(b"SSH-2.0-OpenSSH\r\n".to_vec()), "emulator-unreachable"),
    ] {
        health(&stranger(manner)).one_error(code);
    }
    workspace.run(&["emulator", "-data", "x.db", "dump"]).one_error("emulator-flag");
    workspace
        .run(&["emulator", "-C", ".", "health", "-address", "127.0.0.1:1"])
        .one_error("emulator-unreachable");
    workspace.run(&["emulator", "dump", "-data", "x.db", "-address", "y"]).exits(1);
    workspace.run(&["emulator", "clock", "-advance", "soon"]).exits(1).says(&["is not a duration"]);
}

#[test]
fn no_web_page_and_no_foreign_name_controls_it() {
    let (_workspace, server) = served(&[]);
    let port = server.url.rsplit(':').next().unwrap();
    let health = |headers: &str| get(&server, "/_natform/health", headers).0;
    for host in ["127.0.0.1", "localhost", "LOCALHOST.", "app.localhost", "[::1]", "10.0.0.9"] {
        assert_eq!(health(&format!("host: {host}\r\n")), 200, "{host}");
        assert_eq!(health(&format!("host: {host}:{port}\r\n")), 200, "{host}:{port}");
    }
    for host in
        ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:1"]
    {
        let (status, body) = get(&server, "/_natform/world", &format!("host: {host}\r\n"));
        assert!(status == 403 && body.contains("not by another name"), "{host}: {body}");
    }
    let own = "host: localhost\r\n";
    for header in [
        "origin: null",
        "origin: http://localhost",
        "sec-fetch-site: cross-site",
        "sec-fetch-site: same-origin",
    ] {
        assert_eq!(health(&format!("{own}{header}\r\n")), 403, "{header}");
    }
    // A person who typed the address is not a page.
    assert_eq!(health(&format!("{own}sec-fetch-site: none\r\n")), 200);
    // Its paths are not the service's.
    for (path, status) in [
        ("/_natform", 404),
        ("/_natform/", 404),
        ("/_natform/nothing", 404),
        ("/_natform/calls?x=1", 400),
        ("/_natform/calls?limit=x", 400),
    ] {
        let (got, body) = get(&server, path, own);
        assert_eq!(got, status, "{path}");
        assert!(body.starts_with("{\"error\":"), "{body}");
    }
    let (status, body) = get(&server, "/_natformed/health?Action=DescribeNatGateways", own);
    assert!(status == 404 && body.contains("InvalidAction.NotFound"), "{body}");
    let (status, body) =
        get(&server, "/?Action=health&Version=2016-04-28", "host: evil.example\r\n");
    assert!(status == 404 && body.contains("InvalidAction.NotFound"), "{body}");
    // Where other machines are allowed, so are their names for this one.
    let (_workspace, open) = served(&["-allow-remote"]);
    assert_eq!(get(&open, "/_natform/health", "host: emulator:8900\r\n").0, 200);
}

#[test]
fn the_page_names_every_command_and_flag() {
    let workspace = Workspace::new();
    let help = |arguments: &[&str]| workspace.run(&[arguments, &["-h"]].concat()).success().stdout;
    let listed = help(&["emulator"]);
    let (_, commands) = listed.split_once("Commands:\n").unwrap();
    let (commands, options) = commands.split_once("\n\n").unwrap();
    let first = |text: &str, line: &str| line.split_whitespace().next().unwrap_or(text).to_owned();
    let commands: Vec<String> = commands.lines().map(|line| first("", line)).collect();
    assert_eq!(commands.len(), 11, "{commands:?}");
    let mut texts = vec![options.to_owned()];
    for command in commands.iter().filter(|command| *command != "help") {
        assert!(PAGE.contains(&format!("| `{command}")), "{command}");
        texts.push(help(&["emulator", command]));
    }
    texts.push(help(&["emulator", "eips", "bind"]));
    let flags = regex::Regex::new(r"(?m)^ +(-[a-z-]{3,})").unwrap();
    for text in &texts {
        for (_, [flag]) in flags.captures_iter(text).map(|found| found.extract()) {
            let told = PAGE.contains(&format!("`{flag}")) || PAGE.contains(&format!(" {flag}"));
            assert!(told || ["-no-color", "-chdir", "-help"].contains(&flag), "{flag}");
        }
    }
}
