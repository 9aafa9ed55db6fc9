//! What others do to the service is seen and mended, and what nobody manages is left alone.

use crate::server::Server;
use crate::together::together;
use crate::workspace::Workspace;

together! {
    what_others_deleted_is_made_again,
    what_others_edited_is_put_back,
    a_refresh_only_run_records_and_changes_nothing,
    a_package_that_others_deleted_is_made_again_under_its_entries,
    everything_that_is_missing_asks_for_the_account,
    what_nobody_manages_is_left_alone,
}

const CONFIGURATION: &str = r#"
provider "alicloud" {
  region = "cn-hangzhou"
}
resource "nat_gateway" "edge" {
  vpc_id      = "vpc-emulator"
  name        = "edge"
  description = "ours"
}
resource "bandwidth_package" "edge" {
  nat_gateway_id = nat_gateway.edge.id
  name           = "edge"
  bandwidth      = 5
  ip_count       = 3
}
resource "forward_entry" "web" {
  for_each         = { "80" = 8080, "443" = 8443 }
  forward_table_id = nat_gateway.edge.forward_table_id
  external_ip      = bandwidth_package.edge.public_ip_addresses[0]
  external_port    = each.key
  internal_ip      = "192.168.1.10"
  internal_port    = each.value
  ip_protocol      = "tcp"
}
resource "snat_entry" "out" {
  snat_table_id     = nat_gateway.edge.snat_table_id
  source_vswitch_id = "vsw-emulator-a"
  snat_ip           = [bandwidth_package.edge.public_ip_addresses[1]]
}
"#;

fn workspace(server: &Server) -> Workspace {
    let workspace = Workspace::with(server, CONFIGURATION);
    workspace.apply();
    server.forget();
    workspace
}

fn what_others_deleted_is_made_again() {
    let server = Server::plain();
    let workspace = workspace(&server);
    server.meddle(|world| {
        world.forward_entries.retain(|entry| entry.external_port != "443");
        world.snat_entries.clear();
    });
    workspace.run(&["plan", "-detailed-exitcode"]).exits(2).says("443");
    workspace.apply();
    let world = server.world();
    assert_eq!((world.forward_entries.len(), world.snat_entries.len()), (2, 1));
    let mut changes = server.changes();
    changes.sort();
    assert_eq!(changes, ["CreateForwardEntry", "CreateSnatEntry"]);
}

fn what_others_edited_is_put_back() {
    let server = Server::plain();
    let workspace = workspace(&server);
    server.meddle(|world| {
        let entry = world.forward_entries.iter_mut().find(|entry| entry.external_port == "443");
        let entry = entry.unwrap();
        "9999".clone_into(&mut entry.internal_port);
        world.snat_entries[0].ips = vec![world.bandwidth_packages[0].ips[2].address];
        "theirs".clone_into(&mut world.gateways[0].description);
        world.bandwidth_packages[0].bandwidth = 50;
    });
    workspace.run(&["plan", "-detailed-exitcode"]).exits(2).says("9999");
    workspace.run(&["plan", "-refresh=false", "-detailed-exitcode"]).exits(0);
    workspace.apply();
    let world = server.world();
    assert!(world.forward_entries.iter().any(|entry| entry.internal_port == "8443"));
    assert_eq!(world.snat_entries[0].ips, [world.bandwidth_packages[0].ips[1].address]);
    assert_eq!(world.gateways[0].description, "ours");
    assert_eq!(world.bandwidth_packages[0].bandwidth, 5);
    let mut changes = server.changes();
    changes.sort();
    assert_eq!(
        changes,
        [
            "ModifyBandwidthPackageSpec",
            "ModifyForwardEntry",
            "ModifyNatGatewayAttribute",
            "ModifySnatEntry",
        ]
    );
}

fn a_refresh_only_run_records_and_changes_nothing() {
    let server = Server::plain();
    let workspace = workspace(&server);
    server.meddle(|world| world.bandwidth_packages[0].bandwidth = 50);
    workspace.run(&["plan", "-refresh-only", "-detailed-exitcode"]).exits(2).says("50");
    workspace.run(&["apply", "-refresh-only", "-auto-approve"]).exits(0);
    assert!(server.changes().is_empty());
    workspace.run(&["plan", "-refresh-only", "-detailed-exitcode"]).exits(0);
    workspace.run(&["state", "show", "bandwidth_package.edge"]).exits(0).says("50");
    workspace.run(&["plan", "-refresh=false", "-detailed-exitcode"]).exits(2);
}

fn a_package_that_others_deleted_is_made_again_under_its_entries() {
    let server = Server::plain();
    let workspace = workspace(&server);
    server.meddle(|world| {
        world.forward_entries.clear();
        world.snat_entries.clear();
        world.bandwidth_packages.clear();
    });
    workspace.apply();
    let world = server.world();
    assert_eq!((world.forward_entries.len(), world.snat_entries.len()), (2, 1));
    workspace.destroy();
    server.is_empty();
}

fn everything_that_is_missing_asks_for_the_account() {
    let server = Server::plain();
    let workspace = workspace(&server);
    server.meddle(|world| {
        world.forward_entries.clear();
        world.snat_entries.clear();
        world.bandwidth_packages.clear();
        world.gateways.clear();
        world.vpcs.iter_mut().for_each(|vpc| vpc.routes.clear());
    });
    workspace.run(&["plan"]).exits(1).says("-allow-missing");
    workspace.run(&["apply", "-auto-approve", "-allow-missing"]).exits(0);
    workspace.settled();
    assert_eq!(server.world().forward_entries.len(), 2);
}

fn what_nobody_manages_is_left_alone() {
    let server = Server::plain();
    let workspace = workspace(&server);
    let world = server.world();
    let address = world.bandwidth_packages[0].ips[2].address.to_string();
    server.call(
        "CreateForwardEntry",
        &[
            ("RegionId", "cn-hangzhou"),
            ("ForwardTableId", &world.gateways[0].forward_table),
            ("ExternalIp", &address),
            ("ExternalPort", "7777"),
            ("InternalIp", "192.168.1.77"),
            ("InternalPort", "7777"),
            ("IpProtocol", "UDP"),
        ],
    );
    server.forget();
    workspace.settled();
    // Its key is taken, and its address cannot be given up.
    workspace.configure(&CONFIGURATION.replace("ip_count       = 3", "ip_count       = 2"));
    workspace.run(&["apply", "-auto-approve"]).exits(1).says("address-in-use");
    assert!(server.changes().is_empty(), "it stops before the first call");
    workspace.configure(&CONFIGURATION.replace("\"443\" = 8443", "\"444\" = 8443"));
    workspace.apply();
    assert!(server.world().forward_entries.iter().any(|entry| entry.external_port == "7777"));
    // It stands in the way of a destroy, which says so before the first call.
    server.forget();
    workspace.run(&["destroy", "-auto-approve"]).exits(1).says("gateway-not-empty");
    assert!(server.changes().is_empty(), "it stops before the first call");
    assert!(server.world().forward_entries.iter().any(|entry| entry.external_port == "7777"));
}
