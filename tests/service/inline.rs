//! Bandwidth packages that are made together with a gateway, against servers that speak the edition of
//! 2019 in many manners.

use natform::api::catalogue::Edition;

use crate::manner::{Ids, Manner};
use crate::server::Server;
use crate::together::together;
use crate::workspace::Workspace;

together! {
    packages_come_and_go_with_their_gateway_in_any_manner,
    a_gateway_is_replaced_with_its_packages,
    a_forced_delete_takes_along_what_others_made,
    what_others_made_stands_in_the_way,
}

fn configuration(spec: &str, ports: &[u16]) -> String {
    format!(
        r#"
provider "alicloud" {{
  region  = "cn-hangzhou"
  edition = "2019-07-19"
}}
resource "nat_gateway" "edge" {{
  vpc_id = "vpc-emulator"
  name   = "edge"
  spec   = "{spec}"
  bandwidth_package {{
    bandwidth = 5
    ip_count  = 2
  }}
  bandwidth_package {{
    bandwidth = 10
    ip_count  = 1
  }}
}}
resource "forward_entry" "web" {{
  for_each         = toset([for port in {ports:?} : tostring(port)])
  forward_table_id = nat_gateway.edge.forward_table_id
  external_ip      = nat_gateway.edge.bandwidth_packages[0].public_ip_addresses[1]
  external_port    = each.key
  internal_ip      = "192.168.1.10"
  internal_port    = each.key
  ip_protocol      = "tcp"
}}
resource "snat_entry" "out" {{
  snat_table_id     = nat_gateway.edge.snat_table_id
  source_vswitch_id = "vsw-emulator-a"
  snat_ip           = nat_gateway.edge.bandwidth_packages[1].public_ip_addresses
}}
"#
    )
}

#[track_caller]
fn check(server: &Server, ports: usize) {
    let world = server.world();
    assert_eq!(world.gateways.len(), 1);
    let mut packages: Vec<(u32, usize)> =
        world.bandwidth_packages.iter().map(|p| (p.bandwidth, p.ips.len())).collect();
    packages.sort_unstable();
    assert_eq!(packages, [(5, 2), (10, 1)]);
    assert_eq!((world.forward_entries.len(), world.snat_entries.len()), (ports, 1));
}

fn older(change: impl FnOnce(&mut Manner)) -> Manner {
    let mut manner = Manner { edition: Edition::V2019_07_19, ..Manner::default() };
    change(&mut manner);
    manner
}

fn live(manner: Manner) {
    let server = Server::start(manner);
    let workspace = Workspace::new(&server);
    for (spec, ports) in [("Small", &[80, 443][..]), ("Large", &[80, 22])] {
        workspace.configure(&configuration(spec, ports));
        workspace.run(&["plan", "-detailed-exitcode"]).exits(2);
        workspace.run(&["apply", "-auto-approve"]).exits(0);
        check(&server, ports.len());
        workspace.settled();
        workspace.run(&["drift"]).exits(0);
    }
    assert!(server.calls("CreateBandwidthPackage").is_empty());
    workspace.destroy();
    server.is_empty();
}

fn packages_come_and_go_with_their_gateway_in_any_manner() {
    let manners = vec![
        ("as the reference", older(|_| {})),
        ("xml", older(|m| m.xml = true)),
        ("late, shuffled, small pages", {
            older(|m| (m.read_lag_ms, m.shuffled, m.page) = (600, true, Some(1)))
        }),
        ("no ids in answers", older(|m| m.left_out = vec!["BandwidthPackageIds"])),
        ("other ids", older(|m| m.ids = Some(Ids::Uuid))),
        ("flat, lower case", older(|m| (m.flat, m.lower_camel) = (true, true))),
        ("one in five fails", older(|m| (m.failing, m.seed) = (20, 11))),
    ];
    std::thread::scope(|scope| {
        let lives: Vec<_> = manners
            .into_iter()
            .map(|(name, manner)| (name, scope.spawn(move || live(manner))))
            .collect();
        for (name, life) in lives {
            if let Err(panic) = life.join() {
                panic!("{name}: {:?}", panic.downcast_ref::<String>());
            }
        }
    });
}

fn a_gateway_is_replaced_with_its_packages() {
    let server = Server::start(older(|_| {}));
    let workspace = Workspace::with(&server, &configuration("Small", &[80]));
    workspace.apply();
    let before = server.world();
    let run = workspace.run(&["apply", "-auto-approve", "-replace=nat_gateway.edge"]).exits(0);
    run.says("Apply complete!");
    check(&server, 1);
    let after = server.world();
    assert_ne!(before.gateways[0].id, after.gateways[0].id);
    let old: Vec<&str> = before.bandwidth_packages.iter().map(|p| p.id.as_str()).collect();
    assert!(after.bandwidth_packages.iter().all(|p| !old.contains(&p.id.as_str())));
    workspace.settled();
    workspace.destroy();
    server.is_empty();
}

/// Adds a DNAT entry and a package by hand.
fn meddle(server: &Server) {
    let world = server.world();
    let gateway = &world.gateways[0];
    let ip = world.bandwidth_packages.iter().find(|p| p.bandwidth == 5).unwrap().ips[0].address;
    server.call(
        "CreateForwardEntry",
        &[
            ("ForwardTableId", &gateway.forward_table),
            ("ExternalIp", &ip.to_string()),
            ("ExternalPort", "25"),
            ("InternalIp", "192.168.1.11"),
            ("InternalPort", "25"),
            ("IpProtocol", "tcp"),
            ("RegionId", "cn-hangzhou"),
        ],
    );
    server.call(
        "CreateBandwidthPackage",
        &[
            ("NatGatewayId", &gateway.id),
            ("Bandwidth", "7"),
            ("IpCount", "1"),
            ("RegionId", "cn-hangzhou"),
        ],
    );
}

fn a_forced_delete_takes_along_what_others_made() {
    let server = Server::start(older(|_| {}));
    let text = configuration("Small", &[80]).replace("  name   = \"edge\"\n", "  force  = true\n");
    let workspace = Workspace::with(&server, &text);
    workspace.apply();
    meddle(&server);
    workspace.run(&["plan", "-destroy"]).exits(0).says("takes along");
    workspace.destroy();
    server.is_empty();
}

fn what_others_made_stands_in_the_way() {
    let server = Server::start(older(|_| {}));
    let workspace = Workspace::with(&server, &configuration("Small", &[80]));
    workspace.apply();
    meddle(&server);
    let own: Vec<String> = server
        .world()
        .bandwidth_packages
        .iter()
        .filter(|p| p.bandwidth != 7)
        .map(|p| p.id.clone())
        .collect();
    server.forget();
    let run = workspace.run(&["destroy", "-auto-approve"]).exits(1).says("gateway-not-empty");
    for id in own {
        assert!(!run.stderr.contains(&id), "its own packages do not:\n{}", run.stderr);
    }
    assert!(server.changes().is_empty(), "it stops before the first call");
    // Only what others made is not managed.
    workspace.run(&["drift"]).exits(2).says("2 not managed");
}
