//! Each of the service's 24 actions: the configuration or command that drives it, and what of it
//! reaches the wire.

use std::collections::BTreeMap;

use natform::api::catalogue::Action;

use crate::manner::Manner;
use crate::server::{Reaction, Server};
use crate::together::together;
use crate::workspace::Workspace;

together! {
    every_action_is_driven,
    prepaid_gateway_and_force,
    a_gateway_with_what_nobody_manages_is_not_deleted_without_force,
    actions_that_the_older_edition_lacks_are_not_called,
}

/// What a step of the table does.
struct Step {
    /// What is tried.
    what: &'static str,
    /// The resources; each `{…}` is replaced by what the step before put there.
    configuration: String,
    /// The command.
    command: &'static [&'static str],
    /// Actions that must have been called successfully, with parameters that one such call must have
    /// had. A value of `*` is anything but nothing, `-` is absence.
    expected: Vec<(&'static str, Vec<(&'static str, &'static str)>)>,
}

const APPLY: &[&str] = &["apply", "-auto-approve"];
const PLAN: &[&str] = &["plan"];
const FROM_STATE: &[&str] = &["plan", "-refresh=false"];

fn provider(region: &str) -> String {
    format!("provider \"alicloud\" {{\n  region = \"{region}\"\n}}\n")
}

#[track_caller]
fn check(server: &Server, step: &Step) {
    for (action, parameters) in &step.expected {
        let calls = server.calls(action);
        let fits = |call: &BTreeMap<String, String>| {
            parameters.iter().all(|(name, value)| match *value {
                "*" => call.get(*name).is_some_and(|text| !text.is_empty()),
                "-" => !call.contains_key(*name),
                value => call.get(*name).map(String::as_str) == Some(value),
            })
        };
        let found = calls.iter().any(|call| fits(&call.parameters));
        assert!(
            found,
            "{}: {action} with {parameters:?} among {:#?}\nrefused: {:?}",
            step.what,
            calls.iter().map(|call| &call.parameters).collect::<Vec<_>>(),
            server.refusals(),
        );
        let unknown: Vec<_> = calls.iter().flat_map(|call| &call.unknown_parameters).collect();
        assert!(unknown.is_empty(), "{}: {action} does not take {unknown:?}", step.what);
    }
}

/// Runs steps in one directory; returns the actions that they drove.
fn run(server: &Server, region: &str, steps: Vec<Step>) -> Vec<&'static str> {
    let workspace = Workspace::new(server);
    let mut driven = Vec::new();
    for step in steps {
        server.forget();
        workspace.configure(&format!("{}{}", provider(region), step.configuration));
        let ended = workspace.run(step.command);
        assert_eq!(ended.code, 0, "{}:\n{}\n{}", step.what, ended.stdout, ended.stderr);
        check(server, &step);
        driven.extend(step.expected.iter().map(|(action, _)| *action));
        if step.command == APPLY {
            workspace.settled();
        }
    }
    driven
}

fn gateway(more: &str) -> String {
    format!(
        "resource \"nat_gateway\" \"edge\" {{\n  vpc_id = \"vpc-emulator\"\n  name = \"edge\"\n{more}}}\n"
    )
}

fn package(bandwidth: u32, count: u32, name: &str) -> String {
    format!(
        "resource \"bandwidth_package\" \"edge\" {{\n  nat_gateway_id = nat_gateway.edge.id\n  \
         bandwidth = {bandwidth}\n  ip_count = {count}\n  name = \"{name}\"\n}}\n"
    )
}

fn forward(port: u16, internal: u16) -> String {
    format!(
        "resource \"forward_entry\" \"web\" {{\n  forward_table_id = nat_gateway.edge.forward_table_id\n  \
         external_ip = bandwidth_package.edge.public_ip_addresses[0]\n  external_port = {port}\n  \
         internal_ip = \"192.168.1.10\"\n  internal_port = {internal}\n  ip_protocol = \"tcp\"\n}}\n"
    )
}

fn snat(index: u32) -> String {
    format!(
        "resource \"snat_entry\" \"out\" {{\n  snat_table_id = nat_gateway.edge.snat_table_id\n  \
         source_vswitch_id = \"vsw-emulator-a\"\n  \
         snat_ip = [bandwidth_package.edge.public_ip_addresses[{index}]]\n}}\n"
    )
}

/// Creation, changes and deletion of everything in one region.
fn hangzhou(server: &Server) -> Vec<&'static str> {
    let sources = "
data \"nat_gateways\" \"all\" {
  vpc_id = \"vpc-emulator\"
  name   = \"edge\"
  spec   = \"Middle\"
}
data \"forward_entries\" \"all\" {
  forward_table_id = nat_gateway.edge.forward_table_id
  external_port    = 443
  ip_protocol      = \"tcp\"
}
data \"snat_entries\" \"all\" {
  snat_table_id     = nat_gateway.edge.snat_table_id
  source_vswitch_id = \"vsw-emulator-a\"
}
data \"bandwidth_packages\" \"all\" {
  nat_gateway_id = nat_gateway.edge.id
}
data \"enhanced_nat_zones\" \"all\" {
}
output \"found\" {
  value = [
    length(data.nat_gateways.all.ids), length(data.forward_entries.all.forward_entries),
    length(data.snat_entries.all.snat_entries), length(data.bandwidth_packages.all.ids),
    data.enhanced_nat_zones.all.ids[0],
  ]
}
";
    let named = "  description = \"the way in\"\n  spec = \"Small\"\n";
    let second = [gateway(named), package(5, 2, "one"), forward(80, 8080), snat(1)].concat();
    let third =
        |gateway: String| [gateway, package(10, 3, "two"), forward(443, 8080), snat(2)].concat();
    let middle = gateway("  description = \"the way out\"\n  spec = \"Middle\"\n");
    let fourth = third(middle.clone());
    let steps = vec![
        Step {
            what: "everything is created",
            configuration: second,
            command: APPLY,
            expected: vec![
                (
                    "CreateNatGateway",
                    vec![
                        ("RegionId", "cn-hangzhou"),
                        ("VpcId", "vpc-emulator"),
                        ("Name", "edge"),
                        ("Description", "the way in"),
                        ("Spec", "Small"),
                        ("ClientToken", "*"),
                        ("NatType", "-"),
                    ],
                ),
                (
                    "CreateBandwidthPackage",
                    vec![
                        ("NatGatewayId", "*"),
                        ("Bandwidth", "5"),
                        ("IpCount", "2"),
                        ("Name", "one"),
                        ("ClientToken", "*"),
                    ],
                ),
                (
                    "CreateForwardEntry",
                    vec![
                        ("ForwardTableId", "*"),
                        ("ExternalIp", "*"),
                        ("ExternalPort", "80"),
                        ("InternalIp", "192.168.1.10"),
                        ("InternalPort", "8080"),
                        ("IpProtocol", "TCP"),
                        ("ClientToken", "*"),
                    ],
                ),
                (
                    "CreateSnatEntry",
                    vec![
                        ("SnatTableId", "*"),
                        ("SourceVSwitchId", "vsw-emulator-a"),
                        ("SourceCIDR", "-"),
                        ("SnatIp", "*"),
                        ("ClientToken", "*"),
                    ],
                ),
            ],
        },
        Step {
            what: "everything is changed",
            configuration: fourth.clone(),
            command: APPLY,
            expected: vec![
                (
                    "ModifyNatGatewayAttribute",
                    vec![("NatGatewayId", "*"), ("Description", "the way out"), ("Name", "-")],
                ),
                (
                    "ModifyNatGatewaySpec",
                    vec![("NatGatewayId", "*"), ("Spec", "Middle"), ("ClientToken", "*")],
                ),
                (
                    "ModifyBandwidthPackageAttribute",
                    vec![("BandwidthPackageId", "*"), ("Name", "two")],
                ),
                (
                    "ModifyBandwidthPackageSpec",
                    vec![("BandwidthPackageId", "*"), ("Bandwidth", "10")],
                ),
                (
                    "AddBandwidthPackageIps",
                    vec![("BandwidthPackageId", "*"), ("IpCount", "1"), ("ClientToken", "*")],
                ),
                (
                    "ModifyForwardEntry",
                    vec![("ForwardTableId", "*"), ("ForwardEntryId", "*"), ("ExternalPort", "443")],
                ),
                (
                    "ModifySnatEntry",
                    vec![
                        ("SnatTableId", "*"),
                        ("SnatEntryId", "*"),
                        ("SnatIp", "*"),
                        ("ClientToken", "*"),
                    ],
                ),
            ],
        },
        Step {
            what: "data sources read with their filters where no list was read anyway",
            configuration: format!("{fourth}{sources}"),
            command: FROM_STATE,
            expected: vec![
                (
                    "DescribeNatGateways",
                    vec![("VpcId", "vpc-emulator"), ("Name", "edge"), ("Spec", "Middle")],
                ),
                (
                    "DescribeForwardTableEntries",
                    vec![("ForwardTableId", "*"), ("ExternalPort", "443"), ("IpProtocol", "TCP")],
                ),
                (
                    "DescribeSnatTableEntries",
                    vec![("SnatTableId", "*"), ("SourceVSwitchId", "vsw-emulator-a")],
                ),
                ("DescribeBandwidthPackages", vec![("NatGatewayId", "*")]),
                ("ListEnhancedNatGatewayAvailableZones", vec![("RegionId", "cn-hangzhou")]),
            ],
        },
        Step {
            what: "a plan pages",
            configuration: fourth,
            command: PLAN,
            expected: vec![
                ("DescribeNatGateways", vec![("PageNumber", "1"), ("PageSize", "50")]),
                ("DescribeForwardTableEntries", vec![("PageNumber", "1"), ("PageSize", "50")]),
                ("DescribeSnatTableEntries", vec![("PageNumber", "1"), ("PageSize", "50")]),
                ("DescribeBandwidthPackages", vec![("PageNumber", "1"), ("PageSize", "50")]),
            ],
        },
        Step {
            what: "the package shrinks and entries go",
            configuration: [middle.clone(), package(10, 1, "two")].concat(),
            command: APPLY,
            expected: vec![
                (
                    "RemoveBandwidthPackageIps",
                    vec![
                        ("BandwidthPackageId", "*"),
                        ("RemovedIpAddresses.1", "*"),
                        ("RemovedIpAddresses.2", "*"),
                        ("ClientToken", "*"),
                    ],
                ),
                ("DeleteForwardEntry", vec![("ForwardTableId", "*"), ("ForwardEntryId", "*")]),
                ("DeleteSnatEntry", vec![("SnatTableId", "*"), ("SnatEntryId", "*")]),
            ],
        },
        Step {
            what: "the package goes",
            configuration: middle,
            command: APPLY,
            expected: vec![(
                "DeleteBandwidthPackage",
                vec![("BandwidthPackageId", "*"), ("Force", "-")],
            )],
        },
        Step {
            what: "the gateway goes",
            configuration: String::new(),
            command: APPLY,
            expected: vec![("DeleteNatGateway", vec![("NatGatewayId", "*"), ("Force", "-")])],
        },
    ];
    let driven = run(server, "cn-hangzhou", steps);
    server.is_empty();
    driven
}

/// A gateway is converted, after its package was.
fn qingdao(server: &Server) -> Vec<&'static str> {
    let gateway = |more: &str| {
        format!(
            "resource \"nat_gateway\" \"old\" {{\n  vpc_id = \"vpc-emulator-qingdao\"\n  name = \"old\"\n{more}}}\n"
        )
    };
    let package = |more: &str| {
        format!(
            "resource \"bandwidth_package\" \"old\" {{\n  nat_gateway_id = nat_gateway.old.id\n  \
             bandwidth = 5\n  ip_count = 1\n{more}}}\n"
        )
    };
    let converted = [
        gateway("  nat_type = \"Enhanced\"\n  vswitch_id = \"vsw-emulator-a-qingdao\"\n"),
        package("  convert_to_shared = true\n"),
    ]
    .concat();
    let status = "
data \"nat_gateway_convert_status\" \"old\" {
  nat_gateway_id = nat_gateway.old.id
}
output \"type\" {
  value = data.nat_gateway_convert_status.old.dst_nat_type
}
";
    let steps = vec![
        Step {
            what: "a Normal gateway with a package",
            configuration: [gateway("  nat_type = \"Normal\"\n"), package("")].concat(),
            command: APPLY,
            expected: vec![(
                "CreateNatGateway",
                vec![("RegionId", "cn-qingdao"), ("NatType", "Normal")],
            )],
        },
        Step {
            what: "package and gateway are converted in one apply",
            configuration: converted.clone(),
            command: APPLY,
            expected: vec![
                (
                    "ConvertBandwidthPackage",
                    vec![("BandwidthPackageId", "*"), ("ClientToken", "*")],
                ),
                (
                    "UpdateNatGatewayNatType",
                    vec![
                        ("NatGatewayId", "*"),
                        ("NatType", "Enhanced"),
                        ("VSwitchId", "vsw-emulator-a-qingdao"),
                        ("ClientToken", "*"),
                    ],
                ),
                ("GetNatGatewayConvertStatus", vec![("NatGatewayId", "*")]),
            ],
        },
        Step {
            what: "the steps of the conversion are read",
            configuration: format!("{converted}{status}"),
            command: APPLY,
            expected: vec![("GetNatGatewayConvertStatus", vec![("NatGatewayId", "*")])],
        },
    ];
    run(server, "cn-qingdao", steps)
}

fn every_action_is_driven() {
    let hangzhou_server = Server::plain();
    let qingdao_server = Server::plain();
    let mut driven = std::thread::scope(|scope| {
        let qingdao = scope.spawn(|| qingdao(&qingdao_server));
        let mut driven = hangzhou(&hangzhou_server);
        driven.extend(qingdao.join().unwrap());
        driven
    });
    driven.sort_unstable();
    driven.dedup();
    let mut all: Vec<&str> = Action::ALL.iter().map(|action| action.name()).collect();
    all.sort_unstable();
    assert_eq!(driven, all);
    let order = qingdao_server.world();
    assert_eq!(order.gateways[0].nat_type, "Enhanced");
    assert!(order.bandwidth_packages.is_empty());
}

fn prepaid_gateway_and_force() {
    let server = Server::plain();
    let prepaid = gateway(
        "  nat_type = \"Enhanced\"\n  vswitch_id = \"vsw-emulator-a\"\n  \
         instance_charge_type = \"PrePaid\"\n  pricing_cycle = \"Month\"\n  duration = 3\n  \
         auto_pay = true\n  internet_charge_type = \"PayBySpec\"\n",
    );
    run(
        &server,
        "cn-hangzhou",
        vec![Step {
            what: "a prepaid, Enhanced gateway",
            configuration: prepaid,
            command: APPLY,
            expected: vec![(
                "CreateNatGateway",
                vec![
                    ("NatType", "Enhanced"),
                    ("VSwitchId", "vsw-emulator-a"),
                    ("InstanceChargeType", "PrePaid"),
                    ("PricingCycle", "Month"),
                    ("Duration", "3"),
                    ("AutoPay", "true"),
                    ("InternetChargeType", "PayBySpec"),
                ],
            )],
        }],
    );
    assert_eq!(server.world().gateways[0].instance_charge_type, "PrePaid");

    // What nobody manages goes with the gateway only by force.
    let server = Server::plain();
    let workspace = Workspace::new(&server);
    let only = |more: &str| format!("{}{}", provider("cn-hangzhou"), gateway(more));
    workspace.configure(&only("  force = true\n"));
    workspace.apply();
    fill(&server);
    server.forget();
    workspace.destroy();
    let deletes = server.calls("DeleteNatGateway");
    assert_eq!(deletes[0].parameters.get("Force").map(String::as_str), Some("true"));
    assert_eq!(server.changes(), ["DeleteNatGateway"]);
    server.is_empty();
}

/// Puts a package and an entry that nobody manages into the only gateway.
fn fill(server: &Server) {
    let gateway = server.world().gateways[0].clone();
    let region = ("RegionId", "cn-hangzhou");
    server.call(
        "CreateBandwidthPackage",
        &[region, ("NatGatewayId", &gateway.id), ("Bandwidth", "5"), ("IpCount", "1")],
    );
    let address = server.world().bandwidth_packages[0].ips[0].address.to_string();
    server.call(
        "CreateForwardEntry",
        &[
            region,
            ("ForwardTableId", &gateway.forward_table),
            ("ExternalIp", &address),
            ("ExternalPort", "80"),
            ("InternalIp", "192.168.1.10"),
            ("InternalPort", "80"),
            ("IpProtocol", "TCP"),
        ],
    );
}

fn a_gateway_with_what_nobody_manages_is_not_deleted_without_force() {
    let server = Server::plain();
    let gateway = format!("{}{}", provider("cn-hangzhou"), gateway(""));
    let workspace = Workspace::with(&server, &gateway);
    workspace.apply();
    fill(&server);
    server.forget();
    workspace.run(&["destroy", "-auto-approve"]).exits(1).says("force");
    assert!(server.changes().is_empty(), "it stops before the first call");
    assert_eq!(server.world().gateways.len(), 1);
}

fn actions_that_the_older_edition_lacks_are_not_called() {
    let server = Server::start(Manner {
        edition: natform::api::catalogue::Edition::V2019_07_19,
        ..Manner::default()
    });
    server.hook(|action, parameters, _| {
        assert!(!parameters.contains_key("NatType"), "{action} {parameters:?}");
        Reaction::Pass
    });
    let workspace = Workspace::new(&server);
    let provider =
        "provider \"alicloud\" {\n  region = \"cn-hangzhou\"\n  edition = \"2019-07-19\"\n}\n";
    let before =
        [provider, &gateway(""), &package(5, 2, "one"), &forward(80, 80), &snat(1)].concat();
    workspace.configure(&before);
    workspace.apply();
    let after =
        [provider, &gateway("  spec = \"XLarge.1\"\n"), &package(6, 1, "one"), &forward(81, 80)];
    workspace.configure(&after.concat());
    workspace.apply();
    let unknown: Vec<_> =
        ["CreateForwardEntry", "CreateSnatEntry", "ModifySnatEntry", "CreateNatGateway"]
            .iter()
            .flat_map(|action| server.calls(action))
            .flat_map(|call| call.unknown_parameters)
            .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    workspace.destroy();
    server.is_empty();
}
