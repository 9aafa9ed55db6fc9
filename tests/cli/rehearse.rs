//! `rehearse`: what it foretells, that this is what an apply then does, and that it touches nothing.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::Value;

use crate::machine::conforms;
use crate::servers::Served;
use crate::support::{GATEWAY, QUICKSTART, Run, Workspace, steady};

/// Returns the report, as its schema says.
fn document(run: &Run) -> Value {
    let document = run.json();
    conforms("rehearsal", &document);
    document
}

/// Returns a report without what follows from how often and when is asked whether calls are settled.
fn told(report: &str) -> String {
    let text = steady(report);
    let reads = regex::Regex::new(r"\d+ that read \([^)]*\)").unwrap();
    let blanks = regex::Regex::new(r"(?m)(\S) {2,}|^ {3,}").unwrap();
    blanks.replace_all(&reads.replace_all(&text, "… that read"), "$1  ").into_owned()
}

/// Workspaces of one service: what one makes, the other does not know.
fn beside(one: &mut Workspace) -> Workspace {
    let world = one.path("world.db").display().to_string();
    one.set("NATFORM_EMULATOR_DATA", &world);
    let mut other = Workspace::new();
    other.set("NATFORM_EMULATOR_DATA", &world);
    other
}

/// Returns the value of an expression in a workspace.
fn value(workspace: &Workspace, expression: &str) -> String {
    let mut command = workspace.command(&["console"]);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), expression.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().trim_matches('"').to_owned()
}

/// Entries of somebody else, in the table and on the first address of the quickstart.
fn aliens(of: &Workspace, count: usize, from: u32) -> String {
    let table = value(of, "nat_gateway.edge.forward_table_id");
    let address = value(of, "bandwidth_package.edge.public_ip_addresses[0]");
    format!(
        "provider \"alicloud\" {{\n  region = \"cn-hangzhou\"\n  endpoint = \"emulator\"\n}}\n\
         resource \"forward_entry\" \"alien\" {{\n  count = {count}\n  forward_table_id = \"{table}\"\n  \
         external_ip = \"{address}\"\n  external_port = {from} + count.index\n  \
         internal_ip = \"192.168.1.77\"\n  internal_port = 1 + count.index\n  ip_protocol = \"tcp\"\n}}\n"
    )
}

#[test]
fn a_new_world_is_rehearsed_and_nothing_is_touched() {
    let workspace = Workspace::with(QUICKSTART);
    let run = workspace.run(&["rehearse"]).success();
    insta::assert_snapshot!(told(&run.stdout));
    assert_eq!(run.stderr, "");
    assert_eq!(workspace.run(&["rehearse"]).stdout, run.stdout, "it is the same each time");
    assert!(!workspace.path("natform.db").exists());
    let report = document(&workspace.run(&["rehearse", "-json"]).success());
    assert_eq!(report["verdict"], "succeeds");
    assert_eq!(report["calls"]["mutating"]["CreateForwardEntry"], 2);
    let seconds = report["duration"]["seconds"].as_f64().unwrap();
    let foreseen = report["duration"]["foreseen"].as_f64().unwrap();
    assert!((seconds / foreseen - 1.0).abs() < 0.25, "{seconds} is far from {foreseen}");
    workspace.run(&["apply", "-auto-approve"]).success();
    let before = workspace.state();
    let run = workspace.run(&["rehearse"]).success();
    assert_eq!(run.stdout, "Nothing to rehearse. The plan changes nothing.\n");
    assert_eq!(document(&workspace.run(&["rehearse", "-json"]))["verdict"], "nothing");
    let run = workspace.run(&["rehearse", "-destroy"]).success();
    run.says(&["5 to destroy", "192.168.1.0/24 outbound for good", "DeleteNatGateway"]);
    assert_eq!(workspace.state(), before);
    workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
}

/// Asserts that nothing but lists was asked for.
#[track_caller]
fn assert_reads_only(served: &Served) {
    let calls: Value = serde_json::from_str(&served.control("GET", "calls", "")).unwrap();
    let mut names = calls["counts"].as_object().unwrap().keys().peekable();
    assert!(names.peek().is_some() && names.all(|name| name.starts_with("Describe")), "{calls}");
}

#[test]
fn only_lists_are_read() {
    let mut workspace = Workspace::with(&QUICKSTART.replace("  endpoint = \"emulator\"\n", ""));
    let served = Served::start(&workspace, &[]);
    workspace.set("NATFORM_ENDPOINT", &served.url);
    workspace.run(&["apply", "-auto-approve"]).success();
    let before = served.control("GET", "world", "");
    served.control("DELETE", "calls", "");
    workspace.run(&["rehearse", "-destroy", "-refresh=false"]).success();
    assert_reads_only(&served);
    assert_eq!(served.control("GET", "world", ""), before);
}

#[test]
fn ports_that_change_hands_interrupt() {
    let workspace = Workspace::with(QUICKSTART);
    workspace.run(&["apply", "-auto-approve"]).success();
    let swapped =
        QUICKSTART.replace("\"80\" = 8080, \"443\" = 8443", "\"80\" = 8443, \"443\" = 8080");
    workspace.write("main.nat.hcl", &swapped);
    let run = workspace.run(&["rehearse"]).success();
    insta::assert_snapshot!(told(&run.stdout));
    let markdown = workspace.run(&["rehearse", "-format=markdown"]).success();
    insta::assert_snapshot!(told(&markdown.stdout));
    let report = document(&workspace.run(&["rehearse", "-format=json"]).success());
    let stops = report["interruptions"].as_array().unwrap();
    assert_eq!(stops.len(), 2);
    for stop in stops {
        let (begins, ends) = (stop["begins"].as_f64().unwrap(), stop["ends"].as_f64().unwrap());
        assert!(ends - begins >= 5.0, "{stop}");
        assert_eq!(stop["again_by"], stop["address"]);
    }
    let path = report["duration"]["critical_path"].as_array().unwrap();
    assert_eq!(path.len(), 3);
    assert_eq!(report["afterwards"]["empty"], true);
}

#[test]
fn what_others_did_meanwhile_refuses() {
    let mut workspace = Workspace::with(QUICKSTART);
    let other = beside(&mut workspace);
    workspace.run(&["apply", "-auto-approve"]).success();
    let more = QUICKSTART.replace("\"443\" = 8443", "\"443\" = 8443, \"22\" = 22");
    workspace.write("main.nat.hcl", &more);
    workspace.run(&["plan", "-out=change.plan"]).success();
    workspace.run(&["rehearse", "change.plan"]).success();
    other.write("main.nat.hcl", &aliens(&workspace, 1, 22));
    other.run(&["apply", "-auto-approve"]).success();
    let run = workspace.run(&["rehearse", "change.plan"]).exits(1);
    insta::assert_snapshot!(told(&run.stdout));
    run.says(&["error[service-refused]", "--> main.nat.hcl:", "forward_entry.web[\"22\"]"]);
    let report = document(&workspace.run(&["rehearse", "-json", "change.plan"]).exits(1));
    assert_eq!(report["verdict"], "fails");
    assert_eq!(report["failures"][0]["refusal"]["code"], "Forbidden.ExternalKey.Duplicated");
    assert_eq!(report["failures"][0]["rule"]["code"], "duplicate-dnat-external-key");
    assert_eq!(report["afterwards"], Value::Null);
    assert_eq!(report["digest"].as_str().unwrap().len(), 64);
    // A plan that reads what is there is refused before; so is an apply.
    let run = workspace.run(&["rehearse"]).exits(1);
    run.says(&["Nothing was rehearsed", "error[duplicate-dnat-external-key]"]);
    assert_eq!(document(&workspace.run(&["rehearse", "-json"]).exits(1))["verdict"], "refused");
    workspace.run(&["apply", "-auto-approve", "change.plan"]).exits(1);
}

#[test]
fn a_table_that_others_filled_refuses() {
    let mut workspace = Workspace::with(QUICKSTART);
    let other = beside(&mut workspace);
    workspace.run(&["apply", "-auto-approve"]).success();
    other.write("main.nat.hcl", &aliens(&workspace, 97, 1000));
    other.run(&["apply", "-auto-approve"]).success();
    let more =
        |text: &str| QUICKSTART.replace("\"443\" = 8443", &format!("\"443\" = 8443, {text}"));
    workspace.write("main.nat.hcl", &more("\"22\" = 22"));
    workspace.run(&["rehearse", "-refresh=false"]).success();
    workspace.write("main.nat.hcl", &more("\"22\" = 22, \"23\" = 23"));
    let report = document(&workspace.run(&["rehearse", "-json", "-refresh=false"]).exits(1));
    assert_eq!(report["failures"].as_array().unwrap().len(), 1);
    let rule = report["failures"][0]["rule"]["code"].as_str().unwrap_or_default();
    assert!(rule.is_empty() || rule.contains("quota"), "{report:#}");
    let done = report["operations"].as_array().unwrap().iter().filter(|o| o["end"] == "done");
    assert_eq!(done.count(), 1);
}

#[test]
fn a_saved_plan_is_refused_as_apply_refuses_it() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["plan", "-out=first.plan"]).success();
    workspace.run(&["rehearse", "first.plan"]).success();
    workspace.run(&["rehearse", "first.plan", "-destroy"]).exits(1).says(&["error[flags]"]);
    workspace
        .run(&["rehearse", "-forbid=billing", "first.plan"])
        .exits(1)
        .says(&["forbidden-impact"]);
    workspace.run(&["apply", "-auto-approve"]).success();
    let rehearsed = workspace.run(&["rehearse", "first.plan"]).exits(1);
    let applied = workspace.run(&["apply", "first.plan"]).exits(1);
    assert_eq!(rehearsed.stderr, applied.stderr);
    assert!(rehearsed.stderr.starts_with("error[stale-plan]"), "{}", rehearsed.stderr);
    workspace.run(&["rehearse", "none.plan"]).exits(1).says(&["error[plan-file]"]);
}

#[test]
fn a_conversion_interrupts_for_moments() {
    let text = |kind: &str, shared: bool| {
        format!(
            r#"
provider "alicloud" {{
  region   = "cn-qingdao"
  endpoint = "emulator"
}}
resource "nat_gateway" "edge" {{
  vpc_id     = "vpc-emulator-qingdao"
  nat_type   = "{kind}"
  vswitch_id = "{kind}" == "Enhanced" ? "vsw-emulator-a-qingdao" : null
}}
resource "bandwidth_package" "edge" {{
  nat_gateway_id    = nat_gateway.edge.id
  bandwidth         = 5
  ip_count          = 1
  convert_to_shared = {shared}
}}
resource "forward_entry" "web" {{
  forward_table_id = nat_gateway.edge.forward_table_id
  external_ip      = bandwidth_package.edge.public_ip_addresses[0]
  external_port    = 80
  internal_ip      = "192.168.1.10"
  internal_port    = 8080
  ip_protocol      = "tcp"
}}
"#
        )
    };
    let workspace = Workspace::with(&text("Normal", false));
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.write("main.nat.hcl", &text("Enhanced", true));
    let report = document(&workspace.run(&["rehearse", "-json"]).success());
    let stop = &report["interruptions"][0];
    assert_eq!((&stop["traffic"], &stop["brief"]), (&"nat_gateway.edge".into(), &true.into()));
    assert!(report["duration"]["seconds"].as_f64().unwrap() >= 300.0);
    let subjects: Vec<&Value> = report["assumptions"].as_array().unwrap().iter().collect();
    let of = |code: &str| subjects.iter().find(|a| a["code"] == code).unwrap()["subjects"].clone();
    assert_eq!(of("vswitch")[0], "vsw-emulator-a-qingdao");
    let run = workspace.run(&["rehearse"]).success();
    run.says(&["once or twice for about a second"]);
    workspace.run(&["plan"]).success().says(&["stops nat_gateway.edge for 2s"]);
}

#[test]
fn a_forced_delete_stops_what_nobody_manages() {
    let forced = |more: &str| {
        format!(
            "{}{more}",
            GATEWAY.replace("name   = \"edge\"", "name   = \"edge\"\n  force  = true")
        )
    };
    let package = "resource \"bandwidth_package\" \"edge\" {\n  nat_gateway_id = nat_gateway.edge.id\n  \
                   bandwidth = 5\n  ip_count = 1\n  force = true\n}\n";
    let mut workspace = Workspace::with(&forced(package));
    let other = beside(&mut workspace);
    workspace.run(&["apply", "-auto-approve"]).success();
    other.write("main.nat.hcl", &aliens(&workspace, 2, 22));
    other.run(&["apply", "-auto-approve"]).success();
    let report = document(&workspace.run(&["rehearse", "-destroy", "-json"]).success());
    let stops = report["interruptions"].as_array().unwrap();
    assert_eq!(stops.len(), 2, "{report:#}");
    for stop in stops {
        assert!(stop["address"].is_null() && stop["ends"].is_null(), "{stop}");
        assert_eq!(stop["action"], "DeleteBandwidthPackage");
    }
    workspace.run(&["rehearse", "-destroy"]).success().says(&["for good", "(not managed)"]);
}

#[test]
fn the_older_edition_and_a_package_replaced_under_entries() {
    let text = |zone: &str| {
        QUICKSTART
            .replace(
                "endpoint = \"emulator\"",
                "endpoint = \"emulator\"\n  edition  = \"2019-07-19\"",
            )
            .replace(
                "  ip_count       = 2",
                &format!("  ip_count       = 2\n  zone           = \"{zone}\""),
            )
    };
    let workspace = Workspace::with(&text("cn-hangzhou-a"));
    workspace.run(&["rehearse"]).success();
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.write("main.nat.hcl", &text("cn-hangzhou-b"));
    let report = document(&workspace.run(&["rehearse", "-json"]).success());
    assert_eq!(report["afterwards"]["empty"], true);
    assert_eq!(report["interruptions"].as_array().unwrap().len(), 3, "{report:#}");
    workspace.run(&["apply", "-auto-approve"]).success();
}

#[test]
fn imports_moves_and_removals_are_rehearsed() {
    let mut workspace = Workspace::with(QUICKSTART);
    let other = beside(&mut workspace);
    workspace.run(&["apply", "-auto-approve"]).success();
    other.write("main.nat.hcl", &aliens(&workspace, 1, 22));
    other.run(&["apply", "-auto-approve"]).success();
    let id = value(&other, "forward_entry.alien[0].id");
    let table = value(&workspace, "nat_gateway.edge.forward_table_id");
    let changed = QUICKSTART
        .replace("resource \"snat_entry\" \"out\"", "resource \"snat_entry\" \"outward\"")
        + &format!(
            "moved {{\n  from = snat_entry.out\n  to = snat_entry.outward\n}}\n\
             import {{\n  to = forward_entry.ssh\n  id = \"{table}:{id}\"\n}}\n\
             resource \"forward_entry\" \"ssh\" {{\n  forward_table_id = nat_gateway.edge.forward_table_id\n  \
             external_ip = bandwidth_package.edge.public_ip_addresses[0]\n  external_port = 23\n  \
             internal_ip = \"192.168.1.77\"\n  internal_port = 1\n  ip_protocol = \"tcp\"\n}}\n"
        );
    workspace.write("main.nat.hcl", &changed);
    let report = document(&workspace.run(&["rehearse", "-json"]).success());
    assert_eq!((&report["summary"]["import"], &report["summary"]["moved"]), (&1.into(), &1.into()));
    assert_eq!(
        report["interruptions"][0]["traffic"].as_str().unwrap().split(':').nth(1),
        Some("22/tcp")
    );
    workspace.run(&["rehearse"]).success().says(&["1 to import"]);
}

#[test]
fn sensitive_values_stay_hidden() {
    let secret = |port: u16| {
        format!(
            "variable \"port\" {{\n  type = number\n  sensitive = true\n  default = {port}\n}}\n{QUICKSTART}\
             resource \"forward_entry\" \"secret\" {{\n  forward_table_id = nat_gateway.edge.forward_table_id\n  \
             external_ip = bandwidth_package.edge.public_ip_addresses[0]\n  external_port = var.port\n  \
             internal_ip = \"192.168.1.77\"\n  internal_port = 1\n  ip_protocol = \"tcp\"\n}}\n"
        )
    };
    let workspace = Workspace::with(&secret(17_771));
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.write("main.nat.hcl", &secret(17_772));
    for flags in
        [&["rehearse"][..], &["rehearse", "-json"], &["rehearse", "-format=markdown"], &["plan"]]
    {
        let run = workspace.run(flags).success();
        assert!(!format!("{}{}", run.stdout, run.stderr).contains("1777"), "{}", run.stdout);
    }
    workspace.run(&["rehearse"]).success().says(&["(sensitive value)/tcp for"]);
}

#[test]
fn lists_that_cannot_be_read_are_assumed_or_refused() {
    let mut workspace = Workspace::with(&QUICKSTART.replace("  endpoint = \"emulator\"\n", ""));
    let served = Served::start(&workspace, &[]);
    workspace.set("NATFORM_ENDPOINT", &served.url);
    workspace.set("NATFORM_PATIENCE", "1s");
    workspace.run(&["apply", "-auto-approve"]).success();
    let more = QUICKSTART
        .replace("  endpoint = \"emulator\"\n", "")
        .replace("\"443\" = 8443", "\"443\" = 8443, \"22\" = 22");
    workspace.write("main.nat.hcl", &more);
    let refuse = |action: &str| {
        let rule = format!(
            r#"{{"match": {{"action": "{action}"}}, "effect": {{"error": {{"http": 403, "code": "Forbidden.RAM"}}}}}}"#
        );
        served.control("POST", "faults", &rule);
    };
    refuse("DescribeSnatTableEntries");
    let target = ["rehearse", "-json", "-target=forward_entry.web"];
    let report = document(&workspace.run(&target).success());
    let assumed = report["assumptions"].as_array().unwrap();
    let unread = assumed.iter().find(|a| a["code"] == "unread").unwrap();
    assert!(unread["subjects"][0].as_str().unwrap().contains("SNAT table"), "{unread}");
    refuse("DescribeForwardTableEntries");
    workspace.run(&["rehearse"]).exits(1).says(&["Nothing was rehearsed", "Forbidden.RAM"]);
}

#[cfg(unix)]
#[test]
fn what_an_earlier_run_left_is_finished_first() {
    for delivered in [true, false] {
        let quickstart = QUICKSTART.replace("  endpoint = \"emulator\"\n", "");
        let (workspace, served) =
            crate::recover::killed(&quickstart, "CreateForwardEntry", delivered);
        let state = workspace.state();
        served.control("DELETE", "calls", "");
        let run = workspace.run(&["rehearse", "-json"]).success();
        let report = document(&run);
        let mut recovered = report["recovered"].as_array().unwrap().iter();
        assert!(recovered.any(|r| r["action"] == "CreateForwardEntry"), "{report:#}");
        assert_eq!(report["afterwards"]["empty"], true);
        let of = |a: &&Value| a["code"] == "unfinished";
        assert!(report["assumptions"].as_array().unwrap().iter().any(|a| of(&a)));
        assert_eq!(workspace.state(), state);
        assert_reads_only(&served);
        workspace.run(&["rehearse"]).success().says(&["Finished first, from earlier runs:"]);
    }
}

/// A configuration drawn at random, and what somebody else puts in its way.
#[derive(Debug, Clone)]
struct Drawn {
    entries: Vec<bool>,
    ports: Vec<u32>,
    inner: Vec<u32>,
    ips: usize,
    zone: char,
    source: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let ports = Just((1..=4).collect::<Vec<u32>>()).prop_shuffle();
    let inner = Just((1..=4).collect::<Vec<u32>>()).prop_shuffle();
    let entries = proptest::collection::vec(any::<bool>(), 4);
    let more = (2..=3_usize, prop_oneof![4 => Just('a'), 1 => Just('b')], any::<bool>());
    (entries, ports, inner, more).prop_map(|(entries, ports, inner, (ips, zone, source))| Drawn {
        entries,
        ports,
        inner,
        ips,
        zone,
        source,
    })
}

impl Drawn {
    fn text(&self) -> String {
        let Self { ips, zone, .. } = self;
        let mut text = format!(
            "provider \"alicloud\" {{\n  region = \"cn-hangzhou\"\n}}\n\
             resource \"nat_gateway\" \"edge\" {{\n  vpc_id = \"vpc-emulator\"\n}}\n\
             resource \"bandwidth_package\" \"edge\" {{\n  nat_gateway_id = nat_gateway.edge.id\n  \
             bandwidth = 5\n  ip_count = {ips}\n  zone = \"cn-hangzhou-{zone}\"\n}}\n"
        );
        for index in (0..4).filter(|index| self.entries[*index]) {
            let (port, inner) = (self.ports[index], self.inner[index]);
            let _ = write!(
                text,
                "resource \"forward_entry\" \"e{index}\" {{\n  \
                 forward_table_id = nat_gateway.edge.forward_table_id\n  \
                 external_ip = bandwidth_package.edge.public_ip_addresses[0]\n  \
                 external_port = {port}\n  internal_ip = \"192.168.1.9\"\n  \
                 internal_port = {inner}\n  ip_protocol = \"tcp\"\n}}\n"
            );
        }
        if self.source {
            text.push_str(
                "resource \"snat_entry\" \"s\" {\n  snat_table_id = nat_gateway.edge.snat_table_id\n  \
                 source_vswitch_id = \"vsw-emulator-a\"\n  \
                 snat_ip = [bandwidth_package.edge.public_ip_addresses[1]]\n}\n",
            );
        }
        text
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn a_rehearsal_foretells_what_an_apply_does(
        a in drawn(),
        b in drawn(),
        alien in proptest::option::of(1..=4_u32),
    ) {
        let mut workspace = Workspace::with(&a.text());
        let served = Served::start(&workspace, &[]);
        workspace.set("NATFORM_ENDPOINT", &served.url);
        workspace.run(&["apply", "-auto-approve"]).success();
        if let Some(port) = alien {
            let mut other = Workspace::new();
            other.set("NATFORM_ENDPOINT", &served.url);
            let text = aliens(&workspace, 1, port).replace("  endpoint = \"emulator\"\n", "");
            other.write("main.nat.hcl", &text);
            // It may be taken already.
            other.run(&["apply", "-auto-approve"]);
        }
        workspace.write("main.nat.hcl", &b.text());
        let report = document(&workspace.run(&["rehearse", "-json", "-refresh=false"]));
        served.control("DELETE", "calls", "");
        let applied = workspace.run(&["apply", "-auto-approve", "-refresh=false"]);
        let calls: Value = serde_json::from_str(&served.control("GET", "calls", "")).unwrap();
        prop_assert_eq!(applied.code == 0, report["succeeds"] == true, "{:#}\n{}", report, applied.stdout);
        let made = calls["counts"].as_object().unwrap().iter();
        let made: serde_json::Map<String, Value> = made
            .filter(|(name, _)| !name.starts_with("Describe"))
            .map(|(name, counts)| (name.clone(), counts["calls"].clone()))
            .collect();
        prop_assert_eq!(&Value::from(made), &report["calls"]["mutating"]);
    }
}
