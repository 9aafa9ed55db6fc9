//! Packages that are made together with their gateway, in the edition of 2019.

use std::fmt::Write as _;
use std::time::Duration;

use natform::api::catalogue::{Action, Edition};
use natform::emulator::{Settings, Timings};
use natform::plan::ChangeKind;

use crate::bench::Bench;
use crate::configurations::NOTHING;

/// A gateway of a size with these packages (bandwidth and number of addresses), an SNAT entry on the
/// last address of the last and DNAT entries on the first address of the first.
fn edge(spec: &str, packages: &[(u32, u32)], ports: &[u32]) -> String {
    let mut blocks = String::new();
    for (bandwidth, addresses) in packages {
        writeln!(
            blocks,
            "  bandwidth_package {{\n    bandwidth = {bandwidth}\n    ip_count  = {addresses}\n  }}"
        )
        .unwrap();
    }
    format!(
        r#"
provider "alicloud" {{
  region   = "cn-hangzhou"
  endpoint = "emulator"
  edition  = "2019-07-19"
}}
resource "nat_gateway" "edge" {{
  vpc_id = "vpc-emulator"
  name   = "edge"
  spec   = "{spec}"
{blocks}}}
locals {{
  first = nat_gateway.edge.bandwidth_packages[0]
  last  = nat_gateway.edge.bandwidth_packages[{}]
}}
resource "forward_entry" "web" {{
  for_each         = toset([for port in {ports:?} : tostring(port)])
  forward_table_id = nat_gateway.edge.forward_table_id
  external_ip      = local.first.public_ip_addresses[0]
  external_port    = each.key
  internal_ip      = "192.168.1.10"
  internal_port    = each.key
  ip_protocol      = "tcp"
}}
resource "snat_entry" "out" {{
  snat_table_id     = nat_gateway.edge.snat_table_id
  source_vswitch_id = "vsw-emulator-a"
  snat_ip           = [local.last.public_ip_addresses[local.last.ip_count - 1]]
}}
output "addresses" {{
  value = [for p in nat_gateway.edge.bandwidth_packages : p.public_ip_addresses]
}}
"#,
        packages.len() - 1
    )
}

fn bench(read_lag_ms: u64) -> Bench {
    let timings = Timings { read_lag_ms, ..Timings::default() };
    Bench::new(Settings { edition: Edition::V2019_07_19, timings, ..Settings::default() })
}

fn counts(bench: &Bench) -> (usize, usize, usize) {
    let dump = bench.emulator.with_world(|world, _| world.dump()).unwrap();
    let entries = dump.forward_entries.len() + dump.snat_entries.len();
    (dump.gateways.len(), dump.bandwidth_packages.len(), entries)
}

#[test]
fn a_gateway_comes_and_goes_with_its_packages() {
    let bench = bench(0);
    let text = edge("Small", &[(5, 2), (1000, 3)], &[80, 443]);
    bench.converge(&text);
    bench.assert_converged(&text);
    assert_eq!(counts(&bench), (1, 2, 3));
    let calls = bench.emulator.counts();
    assert!(!calls.contains_key("CreateBandwidthPackage"), "{calls:?}");
    // A change of what can change is made in place.
    let text = edge("Large", &[(5, 2), (1000, 3)], &[80, 22]);
    bench.converge(&text);
    bench.assert_converged(&text);
    assert_eq!(counts(&bench), (1, 2, 3));
    bench.converge(NOTHING);
    bench.assert_converged(NOTHING);
    assert_eq!(counts(&bench), (0, 0, 0));
    assert_eq!(bench.emulator.counts()["DeleteBandwidthPackage"].calls, 2);
}

/// Dies at a request of making, of changing and of deleting everything; `pause` goes by before the next
/// run, after which no token is sent again.
fn dies_at(request: usize, delivers: bool, pause: Duration) {
    let bench = bench(if request.is_multiple_of(3) { 1200 } else { 0 });
    for text in [
        edge("Small", &[(5, 1), (10, 2)], &[80]),
        edge("Large", &[(5, 1), (10, 2)], &[80, 443]),
        NOTHING.to_owned(),
    ] {
        bench.die_at(request, delivers);
        if bench.apply(&text).is_none() {
            bench.clock.advance(pause);
        }
        bench.die_at(usize::MAX, false);
        bench.converge(&text);
        bench.assert_converged(&text);
    }
    assert_eq!(counts(&bench), (0, 0, 0), "{request} {delivers}");
}

const LONG: Duration = Duration::from_secs(600);

#[test]
fn dying_at_any_request_leaves_no_trace() {
    for request in 1..25 {
        let pause = if request % 4 < 2 { Duration::ZERO } else { LONG };
        dies_at(request, request.is_multiple_of(2), pause);
    }
}

#[test]
#[ignore = "takes long: all combinations"]
fn dying_at_any_request_leaves_no_trace_in_any_way() {
    for request in 1..30 {
        for delivers in [true, false] {
            for pause in [Duration::ZERO, LONG] {
                dies_at(request, delivers, pause);
            }
        }
    }
}

#[test]
fn a_gateway_whose_answer_was_lost_is_adopted_with_its_packages() {
    let text = edge("Small", &[(5, 1), (10, 2)], &[80]);
    for request in 1..4 {
        let bench = bench(0);
        bench.die_at(request, true);
        assert!(bench.apply(&text).is_none());
        let (gateways, packages, _) = counts(&bench);
        // Too late for the token: the gateway is looked for.
        bench.clock.advance(LONG);
        bench.die_at(usize::MAX, false);
        bench.converge(&text);
        bench.assert_converged(&text);
        assert_eq!(counts(&bench), (1, 2, 2), "{request}: {gateways} {packages}");
        bench.converge(NOTHING);
        assert_eq!(counts(&bench), (0, 0, 0));
    }
}

#[test]
fn removing_the_blocks_keeps_the_packages_and_says_so() {
    let bench = bench(0);
    let text = edge("Small", &[(5, 2)], &[80]);
    bench.converge(&text);
    let blocks_gone =
        text.replace("  bandwidth_package {\n    bandwidth = 5\n    ip_count  = 2\n  }\n", "");
    assert_ne!(text, blocks_gone);
    let plan = bench.plan(&bench.program(&blocks_gone));
    let gateway = plan.changes.iter().find(|c| c.address.kind() == "nat_gateway").unwrap();
    assert_eq!(gateway.kind, ChangeKind::Update);
    assert!(gateway.remarks[0].contains("the packages stay"), "{:?}", gateway.remarks);
    assert!(plan.operations.is_empty());
    bench.converge(&blocks_gone);
    bench.assert_converged(&blocks_gone);
    assert_eq!(counts(&bench), (1, 1, 2));
    bench.converge(NOTHING);
    assert_eq!(counts(&bench), (0, 0, 0));
}

#[test]
fn the_delete_calls_packages_first_and_one_by_one() {
    let bench = bench(0);
    let text = edge("Small", &[(5, 1), (6, 1), (7, 1), (8, 1)], &[80]);
    bench.converge(&text);
    let plan = bench.plan(&bench.program(NOTHING));
    let actions: Vec<Action> = plan.operations.iter().map(|o| o.action).collect();
    let of_gateway: Vec<Action> = plan
        .operations
        .iter()
        .filter(|o| o.address.kind() == "nat_gateway")
        .map(|o| o.action)
        .collect();
    let mut wanted = vec![Action::DeleteBandwidthPackage; 4];
    wanted.push(Action::DeleteNatGateway);
    assert_eq!(of_gateway, wanted);
    let first = actions.iter().position(|a| *a == Action::DeleteBandwidthPackage).unwrap();
    let entry = actions.iter().position(|a| *a == Action::DeleteForwardEntry).unwrap();
    assert!(entry < first, "{actions:?}");
}
