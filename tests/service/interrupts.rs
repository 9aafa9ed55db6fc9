//! Runs that end in the middle: what comes after makes no double, loses nothing and converges.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use natform::api::catalogue::Edition;

use crate::manner::Manner;
use crate::server::{Reaction, Server, signal, wait_until};
use crate::together::together;
use crate::workspace::{Workspace, ended, ended_in_time};

together! {
    what_has_no_name_is_found_again,
    killed_at_any_call,
    killed_at_any_call_without_tokens_and_with_late_lists,
    one_interrupt_ends_what_is_in_flight,
    two_interrupts_leave_at_once,
    a_termination_is_an_interrupt,
    an_interrupt_ends_what_is_refused_as_one_too_many,
}

fn configuration(spec: &str, count: u32, ports: &[u16]) -> String {
    format!(
        r#"
provider "alicloud" {{
  region = "cn-hangzhou"
}}
resource "nat_gateway" "edge" {{
  vpc_id = "vpc-emulator"
  name   = "edge"
  spec   = "{spec}"
}}
resource "bandwidth_package" "edge" {{
  nat_gateway_id = nat_gateway.edge.id
  name           = "edge"
  bandwidth      = 5
  ip_count       = {count}
}}
resource "forward_entry" "web" {{
  for_each           = {{ for i, port in {ports:?} : "e${{i}}" => port }}
  forward_table_id   = nat_gateway.edge.forward_table_id
  forward_entry_name = each.key
  external_ip        = bandwidth_package.edge.public_ip_addresses[0]
  external_port      = each.value
  internal_ip        = "192.168.1.10"
  internal_port      = each.value
  ip_protocol        = "tcp"
}}
resource "snat_entry" "out" {{
  snat_table_id     = nat_gateway.edge.snat_table_id
  source_vswitch_id = "vsw-emulator-a"
  snat_ip           = [bandwidth_package.edge.public_ip_addresses[1]]
}}
"#
    )
}

/// Lets the `at`-th changing call of a run kill it, before or after it is carried out; applies
/// again. Returns false when the run had no such call.
fn killed_at(
    workspace: &Workspace,
    server: &Server,
    arguments: &[&str],
    at: u64,
    after: bool,
) -> bool {
    let process = Arc::new(AtomicU32::new(0));
    let of_hook = Arc::clone(&process);
    server.hook(move |_, _, number| {
        if number != at {
            return Reaction::Pass;
        }
        wait_until("the process", || of_hook.load(Ordering::SeqCst) != 0);
        Reaction::Kill(of_hook.load(Ordering::SeqCst), after)
    });
    let child = workspace.start(arguments);
    process.store(child.id(), Ordering::SeqCst);
    let run = ended(child);
    let killed = server.came() >= at;
    server.unhook();
    assert_eq!(run.code, if killed { -1 } else { 0 }, "{run:?}");
    killed
}

/// Creates, changes and destroys; each run is killed at its `at`-th call.
fn life(at: u64, after: bool, manner: Manner) {
    let server = Server::start(manner);
    let workspace = Workspace::with(&server, &configuration("Small", 2, &[80, 81]));
    let what = format!("killed at {at}, after: {after}");
    killed_at(&workspace, &server, &["apply", "-auto-approve"], at, after);
    workspace.run(&["plan"]).exits(0);
    let run = workspace.run(&["apply", "-auto-approve"]);
    assert_eq!(run.code, 0, "{what}: {}\n{}", run.stdout, run.stderr);
    workspace.settled();
    server.never_wrong();
    let world = server.world();
    let counts =
        [world.gateways.len(), world.bandwidth_packages.len(), world.forward_entries.len()];
    assert_eq!(counts, [1, 1, 2], "{what}");
    assert_eq!(world.bandwidth_packages[0].ips.len(), 2, "{what}");

    workspace.configure(&configuration("Middle", 4, &[81, 80, 82]));
    killed_at(&workspace, &server, &["apply", "-auto-approve"], at, after);
    let run = workspace.run(&["apply", "-auto-approve"]);
    assert_eq!(run.code, 0, "{what}, changing: {}\n{}", run.stdout, run.stderr);
    workspace.settled();
    server.never_wrong();
    let world = server.world();
    assert_eq!(world.bandwidth_packages[0].ips.len(), 4, "{what}: never more than asked for");
    assert_eq!(world.forward_entries.len(), 3, "{what}");

    killed_at(&workspace, &server, &["destroy", "-auto-approve"], at, after);
    workspace.destroy();
    server.is_empty();
    workspace.run(&["plan", "-destroy", "-detailed-exitcode"]).exits(0);
}

fn lives(manner: &Manner) {
    std::thread::scope(|scope| {
        let mut all = Vec::new();
        for at in 1..=5 {
            for after in [false, true] {
                all.push(scope.spawn(move || life(at, after, manner.clone())));
            }
        }
        let results: Vec<_> = all.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        if let Some(panic) = results.into_iter().find_map(Result::err) {
            std::panic::resume_unwind(panic);
        }
    });
}

fn killed_at_any_call() {
    lives(&Manner::default());
}

fn killed_at_any_call_without_tokens_and_with_late_lists() {
    lives(&Manner { edition: Edition::V2019_07_19, read_lag_ms: 700, ..Manner::default() });
}

fn one_interrupt_ends_what_is_in_flight() {
    let server = Server::plain();
    let workspace = Workspace::with(&server, &configuration("Small", 2, &[80, 81]));
    server.hook(|_, _, _| Reaction::Pass);
    server.close_gate();
    let child = workspace.start(&["apply", "-auto-approve"]);
    wait_until("the first call", || server.came() > 0);
    signal(child.id(), "INT");
    std::thread::sleep(Duration::from_millis(100));
    server.open_gate();
    ended(child).exits(130);
    assert_eq!(server.changes(), ["CreateNatGateway"], "nothing new was begun");
    workspace.run(&["state", "list"]).exits(0).says("nat_gateway.edge");
    workspace.apply();
    server.never_wrong();
    assert_eq!(server.calls("CreateNatGateway").len(), 1);
    workspace.destroy();
    server.is_empty();
}

fn two_interrupts_leave_at_once() {
    let server = Server::plain();
    let workspace = Workspace::with(&server, &configuration("Small", 2, &[80, 81]));
    server.hook(|_, _, _| Reaction::Pass);
    server.close_gate();
    let child = workspace.start(&["apply", "-auto-approve"]);
    wait_until("the first call", || server.came() > 0);
    signal(child.id(), "INT");
    std::thread::sleep(Duration::from_millis(200));
    signal(child.id(), "INT");
    ended_in_time(child).exits(130);
    server.open_gate();
    wait_until("the call's effect", || server.world().gateways.len() == 1);
    workspace.apply();
    server.never_wrong();
    workspace.destroy();
    server.is_empty();
}

fn a_termination_is_an_interrupt() {
    let server = Server::plain();
    let workspace = Workspace::with(&server, &configuration("Small", 2, &[80]));
    server.hook(|_, _, _| Reaction::Pass);
    server.close_gate();
    let child = workspace.start(&["apply", "-auto-approve"]);
    wait_until("the first call", || server.came() > 0);
    signal(child.id(), "TERM");
    std::thread::sleep(Duration::from_millis(100));
    server.open_gate();
    ended(child).exits(143);
    workspace.apply();
    server.never_wrong();
}

/// Its call is in flight when the interrupt comes, or waits to be sent again.
fn an_interrupt_ends_what_is_refused_as_one_too_many() {
    for in_flight in [true, false] {
        let server = Server::plain();
        let workspace = Workspace::with(&server, &configuration("Small", 2, &[80, 81]));
        server
            .hook(|_, _, number| if number > 0 { Reaction::Throttle(50) } else { Reaction::Pass });
        if in_flight {
            server.close_gate();
        }
        let child = workspace.start(&["apply", "-auto-approve"]);
        wait_until("the first call", || server.came() > u64::from(!in_flight));
        signal(child.id(), "INT");
        if in_flight {
            std::thread::sleep(Duration::from_millis(100));
            server.open_gate();
        }
        ended_in_time(child).exits(130);
        server.unhook();
        assert!(server.world().gateways.is_empty());
        workspace.apply();
        server.never_wrong();
    }
}

/// Several objects of one block without names, which nothing but their ids tells apart.
fn what_has_no_name_is_found_again() {
    let of = |count: u32| {
        format!(
            r#"
provider "alicloud" {{
  region = "cn-hangzhou"
}}
resource "nat_gateway" "edge" {{
  count      = {count}
  vpc_id     = "vpc-emulator"
  nat_type   = "Enhanced"
  vswitch_id = "vsw-emulator-a"
}}
resource "bandwidth_package" "edge" {{
  count          = {count}
  nat_gateway_id = nat_gateway.edge[0].id
  bandwidth      = 5
  ip_count       = 1
}}
"#
        )
    };
    let life = |at: u64, after: bool, edition: Edition| {
        let server = Server::start(Manner { edition, ..Manner::default() });
        let workspace = Workspace::with(&server, &of(2));
        killed_at(&workspace, &server, &["apply", "-auto-approve"], at, after);
        workspace.apply();
        let world = server.world();
        let counts = (world.gateways.len(), world.bandwidth_packages.len());
        assert_eq!(counts, (2, 2), "{at} {after}");
        workspace.destroy();
        server.is_empty();
    };
    std::thread::scope(|scope| {
        for at in 1..=4 {
            for after in [false, true] {
                scope.spawn(move || life(at, after, Edition::V2020_09_25));
            }
        }
    });
}
