//! Which lists a run reads, and how often: judged by the calls that reached the world.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use natform::emulator::Timings;

use crate::manner::Manner;
use crate::server::{Reaction, Server};
use crate::together::together;
use crate::workspace::Workspace;

together! {
    a_table_costs_a_call_for_each_fifty_rows,
    options_prune_what_is_read,
    a_saved_plan_reads_what_it_touches,
    few_objects_of_a_long_list_are_asked_for_by_their_ids,
    data_sources_share_the_lists_of_the_plan,
    a_page_that_fails_is_asked_for_alone,
    credentials_that_expire_are_told_once,
    credentials_that_expire_while_applying_leave_nothing_behind,
    an_entry_that_is_being_deleted_is_made_anew_when_it_is_gone,
    a_gateway_that_is_being_deleted_is_made_anew_when_it_is_gone,
}

fn configuration(ports: u16) -> String {
    format!(
        r#"
provider "alicloud" {{
  region = "cn-hangzhou"
}}
resource "nat_gateway" "edge" {{
  vpc_id = "vpc-emulator"
  name   = "edge"
}}
resource "bandwidth_package" "edge" {{
  nat_gateway_id = nat_gateway.edge.id
  name           = "edge"
  bandwidth      = 5
  ip_count       = 1
}}
resource "forward_entry" "web" {{
  count            = {ports}
  forward_table_id = nat_gateway.edge.forward_table_id
  external_ip      = bandwidth_package.edge.public_ip_addresses[0]
  external_port    = 1000 + count.index
  internal_ip      = "192.168.1.10"
  internal_port    = 1000 + count.index
  ip_protocol      = "tcp"
}}
"#
    )
}

/// Counts of the lists that were read since the last [`Server::forget`], by the last word of the action:
/// gateways, packages, DNAT tables, SNAT tables.
fn reads(server: &Server) -> [usize; 4] {
    ["NatGateways", "BandwidthPackages", "ForwardTableEntries", "SnatTableEntries"]
        .map(|list| server.calls(&format!("Describe{list}")).len())
}

/// Returns the reads of a run that ends with `code`.
#[track_caller]
fn reads_of(server: &Server, workspace: &Workspace, arguments: &[&str], code: i32) -> [usize; 4] {
    server.forget();
    workspace.run(arguments).exits(code);
    reads(server)
}

fn applied(server: &Server, ports: u16) -> Workspace {
    let workspace = Workspace::with(server, &configuration(ports));
    workspace.run(&["apply", "-auto-approve"]).exits(0);
    workspace
}

fn a_table_costs_a_call_for_each_fifty_rows() {
    let server = Server::plain();
    let workspace = applied(&server, 0);
    let plan = ["plan", "-detailed-exitcode"];
    for (ports, calls) in [(0, 0), (1, 1), (49, 1), (50, 1), (51, 2), (100, 2)] {
        workspace.configure(&configuration(ports));
        server.forget();
        workspace.run(&["apply", "-auto-approve"]).exits(0);
        let made = server.calls("CreateForwardEntry").len();
        let polls = reads(&server)[2];
        assert!(polls <= made * 6 / 5 + 12, "{polls} reads for {made} entries");
        assert_eq!(reads_of(&server, &workspace, &plan, 0), [1, 1, calls, 0], "{ports} entries");
    }
    // The first page tells how many there are; each row is asked for once.
    let pages = server.calls("DescribeForwardTableEntries");
    let mut pages: Vec<_> =
        pages.iter().map(|call| call.parameters["PageNumber"].clone()).collect();
    pages.sort();
    assert_eq!(pages, ["1", "2"]);
    // Nobody knows of anything.
    let other =
        Workspace::with(&server, "provider \"alicloud\" {\n  region = \"cn-hangzhou\"\n}\n");
    assert_eq!(reads_of(&server, &other, &plan, 0), [0, 0, 0, 0]);
}

fn options_prune_what_is_read() {
    let server = Server::plain();
    let workspace = applied(&server, 100);
    let one = "-target=forward_entry.web[99]";
    let replace = "-replace=forward_entry.web[99]";
    for (arguments, expected) in [
        (&["plan"][..], [1, 1, 2, 0]),
        (&["plan", "-refresh-only"], [1, 1, 2, 0]),
        (&["plan", "-refresh=false"], [0, 0, 0, 0]),
        (&["plan", "-refresh=false", one], [0, 0, 0, 0]),
        (&["plan", "-refresh=false", replace], [0, 0, 0, 0]),
        (&["plan", "-refresh=false", "-destroy"], [0, 0, 0, 0]),
        // One of a hundred is asked for by its id.
        (&["plan", one], [1, 1, 1, 0]),
        (&["plan", "-refresh-only", one], [1, 1, 1, 0]),
        (&["plan", "-target=nat_gateway.edge"], [1, 0, 0, 0]),
        (&["plan", "-target=bandwidth_package.edge"], [1, 1, 0, 0]),
        // A replacement alone leaves nothing out of the plan.
        (&["plan", replace], [1, 1, 2, 0]),
        // What is made is judged by its whole table.
        (&["plan", one, replace], [1, 1, 3, 0]),
        // A gateway is only deleted with nobody's entries in it.
        (&["plan", "-destroy"], [1, 1, 2, 1]),
        (&["plan", "-destroy", one], [0, 0, 1, 0]),
        (&["drift"], [1, 1, 2, 1]),
    ] {
        assert_eq!(reads_of(&server, &workspace, arguments, 0), expected, "{arguments:?}");
    }
}

fn a_saved_plan_reads_what_it_touches() {
    let server = Server::plain();
    let workspace = applied(&server, 60);
    let changed = configuration(60).replace(
        "internal_ip      = \"192.168.1.10\"",
        "internal_ip      = count.index == 7 ? \"192.168.1.11\" : \"192.168.1.10\"",
    );
    workspace.configure(&changed);
    workspace.run(&["plan", "-out=change.plan"]).exits(0);
    server.forget();
    workspace.run(&["apply", "change.plan"]).exits(0);
    assert_eq!(server.changes(), ["ModifyForwardEntry"]);
    let [gateways, packages, forward, snat] = reads(&server);
    // One before, those until it settles; at the end what changes on its own.
    assert!((2..=6).contains(&forward), "{forward}");
    assert_eq!((gateways, packages, snat), (1, 1, 0));
    let calls = server.calls("DescribeForwardTableEntries");
    let by_id = calls.iter().filter(|call| call.parameters.contains_key("ForwardEntryId"));
    assert_eq!(by_id.count(), calls.len());
    workspace.settled();
}

/// Puts other people's gateways into the world, before or after those that are there.
fn crowd(server: &Server, count: u64, before: bool) {
    server.meddle(|world| {
        let ours = world.gateways[0].clone();
        if before {
            world.gateways[0].sequence += count;
        }
        for number in 0..count {
            let mut other = ours.clone();
            other.id = format!("ngw-emu{number:013}");
            other.forward_table = format!("ftb-emu{number:013}");
            other.snat_table = format!("stb-emu{number:013}");
            other.sequence = if before { number } else { 1_000_000 + number };
            other.name = format!("other-{number}");
            "vpc-other".clone_into(&mut other.vpc);
            world.gateways.push(other);
        }
    });
}

fn few_objects_of_a_long_list_are_asked_for_by_their_ids() {
    for (before, expected) in [(false, 1), (true, 2)] {
        let server = Server::plain();
        let workspace = applied(&server, 1);
        crowd(&server, 499, before);
        let plan = ["plan", "-detailed-exitcode"];
        let read = reads_of(&server, &workspace, &plan, 0);
        assert!(read[0] <= expected, "{read:?}");
        // Whoever makes something beside them sees them all, but reads no page twice for nothing.
        workspace.configure(&configuration(2));
        let read = reads_of(&server, &workspace, &plan, 2);
        assert!(read[0] <= 10 + expected, "{read:?}");
        // What changes on its own is read again at the end, not the others.
        let read = reads_of(&server, &workspace, &["apply", "-auto-approve"], 0);
        assert!(read[0] <= 10 + 2 * expected, "{read:?}");
    }
}

fn data_sources_share_the_lists_of_the_plan() {
    let server = Server::plain();
    let more = r#"
data "nat_gateways" "all" {}
data "nat_gateways" "again" {}
data "nat_gateways" "of_vpc" {
  vpc_id = nat_gateway.edge.vpc_id
}
data "bandwidth_packages" "all" {}
data "forward_entries" "all" {
  forward_table_id = nat_gateway.edge.forward_table_id
}
data "forward_entries" "one" {
  forward_table_id = nat_gateway.edge.forward_table_id
  external_port    = "1007"
}
data "snat_entries" "all" {
  snat_table_id = nat_gateway.edge.snat_table_id
}
output "found" {
  value = [
    length(data.nat_gateways.all.ids), length(data.nat_gateways.again.ids),
    length(data.nat_gateways.of_vpc.ids), length(data.bandwidth_packages.all.ids),
    length(data.forward_entries.all.ids), length(data.forward_entries.one.ids),
    length(data.snat_entries.all.ids),
  ]
}
"#;
    let workspace = applied(&server, 60);
    workspace.configure(&format!("{}{more}", configuration(60)));
    workspace.run(&["apply", "-auto-approve"]).exits(0);
    workspace.run(&["output", "-json"]).exits(0).says("60");
    let plan = ["plan", "-detailed-exitcode"];
    assert_eq!(reads_of(&server, &workspace, &plan, 0), [1, 1, 2, 1]);
    // Without refreshing only they are read, each list once.
    let unrefreshed = ["plan", "-detailed-exitcode", "-refresh=false"];
    assert_eq!(reads_of(&server, &workspace, &unrefreshed, 0), [1, 1, 2, 1]);
    let run = workspace.run(&["output", "-json", "found"]).exits(0);
    let found: Vec<u64> = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(found, [1, 1, 1, 1, 60, 1, 0]);
}

/// Counts calls by action and page.
type Counts = Arc<Mutex<BTreeMap<(String, String), usize>>>;

fn counting(
    server: &Server,
    mut react: impl FnMut(&str, &str, usize) -> Reaction + Send + 'static,
) -> Counts {
    let counts = Counts::default();
    let of_hook = Arc::clone(&counts);
    server.hook(move |action, parameters, _| {
        let page = parameters.get("PageNumber").cloned().unwrap_or_default();
        let mut counts = of_hook.lock().unwrap();
        let count = counts.entry((action.to_owned(), page.clone())).or_default();
        *count += 1;
        react(action, &page, *count)
    });
    counts
}

fn a_page_that_fails_is_asked_for_alone() {
    let server = Server::plain();
    let workspace = applied(&server, 100);
    for failure in [
        Reaction::Throttle(100),
        Reaction::Fail(500, "InternalError", false),
        Reaction::Fail(409, "OperationConflict", false),
        Reaction::Drop(false),
    ] {
        let told = format!("{failure:?}");
        let counts = counting(&server, move |action, page, count| {
            let hit = action == "DescribeForwardTableEntries" && page == "2" && count == 1;
            if hit { failure.clone() } else { Reaction::Pass }
        });
        workspace.run(&["plan", "-detailed-exitcode"]).exits(0);
        let count = |page: &str| {
            let key = ("DescribeForwardTableEntries".to_owned(), page.to_owned());
            counts.lock().unwrap()[&key]
        };
        assert_eq!((count("1"), count("2")), (1, 2), "{told}");
    }
}

fn credentials_that_expire_are_told_once() {
    let server = Server::plain();
    let workspace = applied(&server, 60);
    for code in ["InvalidSecurityToken.Expired", "InvalidAccessKeyId.NotFound", "Forbidden.RAM"] {
        let counts = counting(&server, move |_, _, _| Reaction::Fail(403, code, false));
        let run = workspace.run(&["plan", "-no-color"]).exits(1).says(code);
        let errors = run.stderr.matches("rror: ").count() + run.stdout.matches("rror: ").count();
        let asked: usize = counts.lock().unwrap().values().sum();
        // A permission may lack for one action and not for another.
        let most = if code == "Forbidden.RAM" { 3 } else { 1 };
        assert!(errors <= most, "{errors}: {run:?}");
        assert!(asked <= 3, "{asked}");
        let run = workspace.run(&["drift", "-no-color"]).exits(1).says(code);
        assert!(
            run.stdout.matches(code).count() + run.stderr.matches(code).count() <= 4,
            "{run:?}"
        );
    }
}

fn credentials_that_expire_while_applying_leave_nothing_behind() {
    let server = Server::plain();
    let workspace = applied(&server, 1);
    workspace.configure(&configuration(40));
    for expires_at in [1, 2, 5] {
        let expired = Arc::new(Mutex::new(false));
        let of_hook = Arc::clone(&expired);
        let counts = Counts::default();
        let of_counts = Arc::clone(&counts);
        server.hook(move |action, _, number| {
            let mut expired = of_hook.lock().unwrap();
            if *expired {
                let mut counts = of_counts.lock().unwrap();
                *counts.entry((action.to_owned(), String::new())).or_default() += 1;
                return Reaction::Fail(403, "InvalidSecurityToken.Expired", false);
            }
            // The call is carried out, and then nothing more is answered.
            *expired = number == expires_at;
            Reaction::Pass
        });
        workspace.run(&["apply", "-auto-approve"]).exits(1);
        let refused: usize = counts.lock().unwrap().values().sum();
        assert!(refused <= 20, "{refused} calls were refused: {counts:?}");
        server.unhook();
    }
    workspace.apply();
    assert_eq!(server.world().forward_entries.len(), 40);
    server.never_wrong();
}

fn an_entry_that_is_being_deleted_is_made_anew_when_it_is_gone() {
    let timings = Timings { forward_entry_delete_ms: Some(4_000), ..Timings::instant() };
    let server = Server::start(Manner { timings, ..Manner::default() });
    let workspace = applied(&server, 2);
    let (table, id) = {
        let world = server.world();
        (world.gateways[0].forward_table.clone(), world.forward_entries[0].id.clone())
    };
    let parameters =
        [("RegionId", "cn-hangzhou"), ("ForwardTableId", &*table), ("ForwardEntryId", &*id)];
    server.call("DeleteForwardEntry", &parameters);
    server.forget();
    workspace.run(&["plan", "-detailed-exitcode"]).exits(2).says("1 to add");
    workspace.run(&["drift"]).exits(2);
    workspace.apply();
    assert_eq!(server.refusals(), Vec::<String>::new());
    assert_eq!(server.world().forward_entries.len(), 2);
}

fn a_gateway_that_is_being_deleted_is_made_anew_when_it_is_gone() {
    let timings = Timings { gateway_delete_ms: Some(4_000), ..Timings::instant() };
    let server = Server::start(Manner { timings, ..Manner::default() });
    let workspace = applied(&server, 2);
    let id = server.world().gateways[0].id.clone();
    let parameters = [("RegionId", "cn-hangzhou"), ("NatGatewayId", &*id), ("Force", "true")];
    server.call("DeleteNatGateway", &parameters);
    workspace.run(&["plan", "-detailed-exitcode", "-allow-missing"]).exits(2);
    workspace.run(&["apply", "-auto-approve", "-allow-missing"]).exits(0);
    workspace.settled();
    let world = server.world();
    assert_eq!((world.gateways.len(), world.forward_entries.len()), (1, 2));
    assert_ne!(world.gateways[0].id, id);
}
