//! Hand-over of ports and addresses, replacements and conversions: an order in which the service
//! refuses nothing, and which ends where configuration wants.

use natform::emulator::Dump;

use crate::manner::Manner;
use crate::server::Server;
use crate::together::together;
use crate::workspace::Workspace;

together! {
    lists_of_several_pages,
    two_entries_swap_their_ports,
    ports_go_round_among_three,
    addresses_move_between_the_tables,
    a_package_is_replaced_under_its_entries,
    a_gateway_is_replaced_with_all_that_it_holds,
    a_gateway_with_packages_and_entries_is_converted,
}

/// A gateway with a package of four addresses and what `more` adds.
fn edge(more: &str) -> String {
    edge_with("", "", more)
}

fn edge_with(gateway: &str, package: &str, more: &str) -> String {
    format!(
        r#"
provider "alicloud" {{
  region = "cn-hangzhou"
}}
resource "nat_gateway" "edge" {{
  vpc_id = "vpc-emulator"
  name   = "edge"
{gateway}}}
resource "bandwidth_package" "edge" {{
  nat_gateway_id = nat_gateway.edge.id
  name           = "edge"
  bandwidth      = 5
  ip_count       = 4
{package}}}
locals {{
  gateway = nat_gateway.edge
  ips     = bandwidth_package.edge.public_ip_addresses
}}
{more}"#
    )
}

/// A DNAT entry.
fn forward(name: &str, ip: usize, external: u16, internal: u16) -> String {
    format!(
        "resource \"forward_entry\" \"{name}\" {{\n  forward_table_id = local.gateway.forward_table_id\n  \
         external_ip = local.ips[{ip}]\n  external_port = {external}\n  \
         internal_ip = \"192.168.1.10\"\n  internal_port = {internal}\n  ip_protocol = \"tcp\"\n}}\n"
    )
}

fn snat(source: &str, pool: &[usize]) -> String {
    format!(
        "resource \"snat_entry\" \"{source}\" {{\n  snat_table_id = local.gateway.snat_table_id\n  \
         source_vswitch_id = \"vsw-emulator-{source}\"\n  \
         snat_ip = [for i in {pool:?} : local.ips[i]]\n}}\n"
    )
}

/// Returns the DNAT entries as external port → internal port.
fn ports(world: &Dump) -> Vec<(String, String)> {
    let entries = world.forward_entries.iter();
    let mut ports: Vec<_> =
        entries.map(|e| (e.external_port.clone(), e.internal_port.clone())).collect();
    ports.sort();
    ports
}

fn pairs(wanted: &[(u16, u16)]) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = wanted.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    pairs.sort();
    pairs
}

/// Applies one configuration after the other; returns the server for more.
fn steps(server: &Server, configurations: &[String]) -> Workspace {
    let workspace = Workspace::new(server);
    for configuration in configurations {
        server.forget();
        workspace.configure(configuration);
        workspace.apply();
        assert_eq!(server.refusals(), Vec::<String>::new(), "an order that is refused");
        server.never_wrong();
    }
    workspace
}

fn two_entries_swap_their_ports() {
    let server = Server::plain();
    let one = edge(&[forward("a", 0, 80, 8080), forward("b", 0, 443, 8443)].concat());
    // Outside, then inside, then both with the address.
    let two = edge(&[forward("a", 0, 443, 8080), forward("b", 0, 80, 8443)].concat());
    let three = edge(&[forward("a", 0, 443, 8443), forward("b", 0, 80, 8080)].concat());
    let four = edge(&[forward("a", 0, 80, 8080), forward("b", 0, 443, 8443)].concat());
    let workspace = steps(&server, &[one, two]);
    assert_eq!(ports(&server.world()), pairs(&[(443, 8080), (80, 8443)]));
    assert_eq!(
        server.changes().len(),
        3,
        "one entry is deleted and made again: {:?}",
        server.changes()
    );
    workspace.configure(&three);
    workspace.apply();
    assert_eq!(ports(&server.world()), pairs(&[(443, 8443), (80, 8080)]));
    workspace.configure(&four);
    workspace.apply();
    assert_eq!(ports(&server.world()), pairs(&[(80, 8080), (443, 8443)]));
    workspace.destroy();
    server.is_empty();
}

fn ports_go_round_among_three() {
    let server = Server::plain();
    let of = |ports: [u16; 3]| {
        let names = ["a", "b", "c"];
        let entries = names.iter().zip(ports).enumerate();
        edge(
            &entries
                .map(|(i, (name, port))| forward(name, 0, port, 8000 + u16::try_from(i).unwrap()))
                .collect::<String>(),
        )
    };
    steps(&server, &[of([1, 2, 3]), of([2, 3, 1])]);
    assert_eq!(ports(&server.world()), pairs(&[(2, 8000), (3, 8001), (1, 8002)]));
    // A chain without a cycle needs no delete.
    let server = Server::plain();
    steps(&server, &[of([1, 2, 3]), of([2, 3, 4])]);
    assert_eq!(server.changes(), ["ModifyForwardEntry"; 3]);
}

fn addresses_move_between_the_tables() {
    let server = Server::plain();
    let first = edge(&[forward("a", 0, 80, 80), snat("a", &[1, 2]), snat("b", &[3])].concat());
    // The entry takes an address of one pool, the other pool takes the entry's.
    let second = edge(&[forward("a", 1, 80, 80), snat("a", &[2]), snat("b", &[0, 3])].concat());
    let third = edge(&[forward("a", 3, 80, 80), snat("a", &[2, 1]), snat("b", &[0])].concat());
    let workspace = steps(&server, &[first, second, third]);
    workspace.destroy();
    server.is_empty();
}

fn a_package_is_replaced_under_its_entries() {
    let server = Server::plain();
    let entries = [forward("a", 0, 80, 80), snat("a", &[1])].concat();
    let before = edge(&entries);
    let workspace = steps(&server, std::slice::from_ref(&before));
    let id = server.world().bandwidth_packages[0].id.clone();
    let after = edge_with("", "  internet_charge_type = \"PayByBandwidth\"\n", &entries);
    workspace.configure(&after);
    workspace.apply();
    let world = server.world();
    assert_eq!(world.bandwidth_packages.len(), 1);
    assert_ne!(world.bandwidth_packages[0].id, id);
    assert_eq!((world.forward_entries.len(), world.snat_entries.len()), (1, 1));
    // And once more, asked for on the command line.
    workspace.run(&["apply", "-auto-approve", "-replace=bandwidth_package.edge"]).exits(0);
    workspace.settled();
    assert_ne!(server.world().bandwidth_packages[0].id, world.bandwidth_packages[0].id);
    workspace.run(&["apply", "-auto-approve", "-replace=forward_entry.a"]).exits(0);
    workspace.settled();
    assert_ne!(server.world().forward_entries[0].id, world.forward_entries[0].id);
    workspace.destroy();
    server.is_empty();
}

fn a_gateway_is_replaced_with_all_that_it_holds() {
    let server = Server::plain();
    server.meddle(|world| {
        let mut other = world.vpcs[0].clone();
        "vpc-other".clone_into(&mut other.id);
        other.routes.clear();
        world.vpcs.push(other);
    });
    let entries = forward("a", 0, 80, 80);
    let enhanced = "  nat_type = \"Enhanced\"\n  vswitch_id = \"vsw-emulator-a\"\n";
    let first = edge_with(enhanced, "", &entries);
    let back = edge_with("  nat_type = \"Normal\"\n", "", &entries);
    let moved = back.replace("\"vpc-emulator\"", "\"vpc-other\"");
    let workspace = steps(&server, &[first]);
    let mut ids = vec![server.world().gateways[0].id.clone()];
    for configuration in [back, moved] {
        workspace.configure(&configuration);
        workspace.apply();
        let world = server.world();
        assert_eq!(world.gateways.len(), 1);
        assert_eq!((world.forward_entries.len(), world.bandwidth_packages.len()), (1, 1));
        assert!(!ids.contains(&world.gateways[0].id));
        ids.push(world.gateways[0].id.clone());
    }
    assert_eq!(server.world().gateways[0].vpc, "vpc-other");
    workspace.destroy();
    server.is_empty();
}

fn a_gateway_with_packages_and_entries_is_converted() {
    let server = Server::start(Manner { shuffled: true, ..Manner::default() });
    let here = |text: String| {
        text.replace("cn-hangzhou", "cn-qingdao")
            .replace("\"vpc-emulator\"", "\"vpc-emulator-qingdao\"")
            .replace("\"vsw-emulator-a\"", "\"vsw-emulator-a-qingdao\"")
    };
    let entries = [forward("a", 0, 80, 80), snat("a", &[1])].concat();
    let before = here(edge_with("  nat_type = \"Normal\"\n", "", &entries));
    let after = here(edge_with(
        "  nat_type = \"Enhanced\"\n  vswitch_id = \"vsw-emulator-a\"\n",
        "  convert_to_shared = true\n",
        &entries,
    ));
    let workspace = steps(&server, std::slice::from_ref(&before));
    let blocked = here(edge_with(
        "  nat_type = \"Enhanced\"\n  vswitch_id = \"vsw-emulator-a\"\n",
        "",
        &entries,
    ));
    workspace.configure(&blocked);
    workspace.run(&["plan"]).exits(1).says("convert_to_shared");
    workspace.configure(&after);
    server.forget();
    workspace.apply();
    assert_eq!(server.changes(), ["ConvertBandwidthPackage", "UpdateNatGatewayNatType"]);
    let world = server.world();
    assert_eq!(world.gateways[0].nat_type, "Enhanced");
    assert_eq!((world.forward_entries.len(), world.snat_entries.len()), (1, 1));
    let way_back = workspace.run(&["apply", "-auto-approve"]).exits(0);
    assert!(!way_back.stdout.contains("ConvertBandwidthPackage"));
}

fn lists_of_several_pages() {
    let server = Server::start(Manner { shuffled: true, ..Manner::default() });
    let entries = |ports: &str| {
        edge(&format!(
            "resource \"forward_entry\" \"many\" {{\n  count = 60\n  \
             forward_table_id = local.gateway.forward_table_id\n  external_ip = local.ips[0]\n  \
             external_port = {ports}\n  internal_ip = \"192.168.1.10\"\n  \
             internal_port = 1000 + count.index\n  ip_protocol = \"tcp\"\n}}\n"
        ))
    };
    let workspace = Workspace::with(&server, &entries("2000 + count.index"));
    workspace.apply();
    server.forget();
    workspace.settled();
    assert_eq!(server.calls("DescribeForwardTableEntries").len(), 2);
    assert_eq!(server.calls("DescribeNatGateways").len(), 1);
    // Every port moves on by one, in an order in which each is free.
    workspace.configure(&entries("2001 + count.index"));
    server.forget();
    workspace.apply();
    assert_eq!(server.refusals(), Vec::<String>::new());
    assert_eq!(server.changes(), ["ModifyForwardEntry"; 60]);
    workspace.destroy();
    server.is_empty();
}
