//! Saved plans, targets, and two runs at a time.

use natform::emulator::world::conditions::Conditions;

use crate::manner::Manner;
use crate::server::{Server, wait_until};
use crate::together::together;
use crate::workspace::{Workspace, ended};

together! {
    what_others_do_between_plan_and_apply,
    a_saved_plan_is_applied_once_and_only_to_what_it_was_made_for,
    targets_leave_the_rest_alone,
    orphans_are_deleted,
    two_applies_at_once_do_not_mix,
}

fn configuration(description: &str, ports: &[u16]) -> String {
    format!(
        r#"
provider "alicloud" {{
  region = "cn-hangzhou"
}}
resource "nat_gateway" "edge" {{
  vpc_id      = "vpc-emulator"
  name        = "edge"
  description = "{description}"
}}
resource "bandwidth_package" "edge" {{
  nat_gateway_id = nat_gateway.edge.id
  name           = "edge"
  bandwidth      = 5
  ip_count       = 1
}}
resource "forward_entry" "web" {{
  for_each         = toset([for p in {ports:?} : tostring(p)])
  forward_table_id = nat_gateway.edge.forward_table_id
  external_ip      = bandwidth_package.edge.public_ip_addresses[0]
  external_port    = each.key
  internal_ip      = "192.168.1.10"
  internal_port    = each.key
  ip_protocol      = "udp"
}}
"#
    )
}

fn a_saved_plan_is_applied_once_and_only_to_what_it_was_made_for() {
    let server = Server::plain();
    let workspace = Workspace::with(&server, &configuration("first", &[80]));
    workspace.run(&["plan", "-out=one.plan"]).exits(0);
    workspace.run(&["plan", "-out=other.plan"]).exits(0);
    // A saved plan reads no configuration.
    workspace.configure("this is no configuration");
    workspace.run(&["apply", "one.plan"]).exits(0);
    workspace.configure(&configuration("first", &[80]));
    workspace.settled();
    server.forget();
    workspace.run(&["apply", "one.plan"]).exits(1);
    workspace.run(&["apply", "other.plan"]).exits(1);
    workspace.configure(&configuration("second", &[80]));
    workspace.run(&["plan", "-out=stale.plan"]).exits(0);
    workspace.configure(&configuration("third", &[80]));
    workspace.apply();
    workspace.run(&["apply", "stale.plan"]).exits(1).says("stale");
    assert_eq!(server.changes(), ["ModifyNatGatewayAttribute"]);
    assert_eq!(server.world().gateways[0].description, "third");
    // A plan to destroy is saved and applied as any other.
    workspace.run(&["plan", "-destroy", "-out=end.plan"]).exits(0);
    workspace.run(&["apply", "end.plan"]).exits(0);
    server.is_empty();
}

fn targets_leave_the_rest_alone() {
    let server = Server::plain();
    let workspace = Workspace::with(&server, &configuration("first", &[80, 81]));
    workspace.run(&["apply", "-auto-approve", "-target=bandwidth_package.edge"]).exits(0);
    let world = server.world();
    assert_eq!((world.gateways.len(), world.bandwidth_packages.len()), (1, 1));
    assert!(world.forward_entries.is_empty());
    workspace.run(&["apply", "-auto-approve", "-target=forward_entry.web[\"81\"]"]).exits(0);
    assert_eq!(server.world().forward_entries[0].external_port, "81");
    workspace.apply();
    assert_eq!(server.world().forward_entries.len(), 2);
    workspace.run(&["destroy", "-auto-approve", "-target=forward_entry.web[\"80\"]"]).exits(0);
    assert_eq!(server.world().forward_entries.len(), 1);
    // What depends on a target goes with it.
    workspace.run(&["destroy", "-auto-approve", "-target=bandwidth_package.edge"]).exits(0);
    let world = server.world();
    assert_eq!((world.gateways.len(), world.forward_entries.len()), (1, 0));
}

fn orphans_are_deleted() {
    let server = Server::plain();
    let workspace = Workspace::with(&server, &configuration("first", &[80, 81, 82]));
    workspace.apply();
    workspace.configure(&configuration("first", &[81]));
    workspace.apply();
    assert_eq!(server.world().forward_entries.len(), 1);
    let whole = configuration("first", &[]);
    let gateway_only = &whole[..whole.find("resource \"bandwidth_package\"").unwrap()];
    workspace.configure(gateway_only);
    workspace.apply();
    let world = server.world();
    assert_eq!((world.gateways.len(), world.bandwidth_packages.len()), (1, 0));
    workspace.configure("provider \"alicloud\" {\n  region = \"cn-hangzhou\"\n}\n");
    workspace.apply();
    server.is_empty();
}

fn two_applies_at_once_do_not_mix() {
    let server = Server::plain();
    let workspace = Workspace::with(&server, &configuration("first", &[80]));
    server.hook(|_, _, _| crate::server::Reaction::Pass);
    server.close_gate();
    let first = workspace.start(&["apply", "-auto-approve"]);
    wait_until("the first call", || server.came() > 0);
    workspace.run(&["apply", "-auto-approve"]).exits(1).says("lock");
    workspace.run(&["plan"]).exits(0);
    let waiting = workspace.start(&["apply", "-auto-approve", "-lock-timeout=60s"]);
    server.open_gate();
    ended(first).exits(0);
    ended(waiting).exits(0);
    workspace.settled();
    server.never_wrong();
    assert_eq!(server.changes().len(), 3, "{:?}", server.changes());
}

fn what_others_do_between_plan_and_apply() {
    // The service answers in either way when an entry that does not exist is deleted.
    for missing_entries_as_status in [false, true] {
        let conditions = Conditions { missing_entries_as_status, ..Conditions::default() };
        let server = Server::start(Manner { conditions, ..Manner::default() });
        let workspace = Workspace::with(&server, &configuration("first", &[80, 81]));
        workspace.apply();
        // What is to be deleted is gone already.
        workspace.configure(&configuration("first", &[81]));
        workspace.run(&["plan", "-out=delete.plan"]).exits(0);
        server.meddle(|world| world.forward_entries.retain(|e| e.external_port != "80"));
        workspace.run(&["apply", "delete.plan"]).exits(0);
        workspace.settled();
        // What is to be changed is gone.
        let changed = configuration("first", &[81]).replace("192.168.1.10", "192.168.1.11");
        workspace.configure(&changed);
        workspace.run(&["plan", "-out=change.plan"]).exits(0);
        server.meddle(|world| world.forward_entries.clear());
        workspace.run(&["apply", "change.plan"]).exits(1).says("forward_entry.web");
        workspace.apply();
        assert_eq!(server.world().forward_entries.len(), 1);
        // What is to be made was made by somebody else, whose it stays.
        workspace.configure(&configuration("first", &[82]));
        workspace.run(&["plan", "-out=create.plan"]).exits(0);
        let world = server.world();
        let address = world.bandwidth_packages[0].ips[0].address.to_string();
        server.call(
            "CreateForwardEntry",
            &[
                ("RegionId", "cn-hangzhou"),
                ("ForwardTableId", &world.gateways[0].forward_table),
                ("ExternalIp", &address),
                ("ExternalPort", "82"),
                ("InternalIp", "192.168.1.99"),
                ("InternalPort", "1"),
                ("IpProtocol", "UDP"),
            ],
        );
        workspace.run(&["apply", "create.plan"]).exits(1).says("forward_entry.web");
        workspace.run(&["plan"]).exits(1).says("82");
        workspace.configure(&configuration("first", &[83]));
        workspace.apply();
        let world = server.world();
        assert!(world.forward_entries.iter().any(|e| e.internal_ip.to_string() == "192.168.1.99"));
        assert_eq!(world.forward_entries.len(), 2);
    }
}
