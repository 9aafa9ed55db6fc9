//! The whole life of a configuration (plan, apply, change, apply, destroy) against servers of many
//! manners. After each apply a plan is empty, the world is what was wanted, and at no time were there
//! two objects in place of one.

use std::time::Duration;

use natform::api::catalogue::Edition;
use natform::emulator::world::conditions::Conditions;
use natform::emulator::{Dump, Timings};

use crate::manner::{Ids, Manner};
use crate::server::Server;
use crate::together::together;
use crate::workspace::Workspace;

together! {
    lists_in_any_order_and_size_and_late,
    ids_of_any_form,
    answers_of_any_shape,
    answers_that_leave_out_what_is_optional,
    services_that_are_slow_strict_or_fail,
}

/// What a configuration wants.
struct Wanted {
    description: &'static str,
    spec: &'static str,
    bandwidth: u32,
    ip_count: usize,
    /// Name, index of the address, external port, internal port.
    entries: &'static [(&'static str, usize, u16, u16)],
    /// Indices of the addresses.
    pool: &'static [usize],
}

const LIFE: [Wanted; 3] = [
    Wanted {
        description: "first",
        spec: "Small",
        bandwidth: 5,
        ip_count: 3,
        entries: &[
            ("aa", 0, 80, 8080),
            ("bb", 0, 443, 8443),
            ("cc", 0, 22, 2222),
            ("dd", 0, 25, 2525),
        ],
        pool: &[1, 2],
    },
    // Ports swapped, one entry gone and one new, an address leaves the pool for an entry.
    Wanted {
        description: "second",
        spec: "Middle",
        bandwidth: 10,
        ip_count: 4,
        entries: &[
            ("aa", 0, 443, 8080),
            ("bb", 0, 80, 8443),
            ("dd", 2, 25, 2525),
            ("ee", 0, 53, 5353),
        ],
        pool: &[1],
    },
    // The package shrinks to what is still used, ports inside are swapped.
    Wanted {
        description: "third",
        spec: "Small",
        bandwidth: 7,
        ip_count: 2,
        entries: &[("aa", 0, 443, 8443), ("bb", 0, 80, 8080)],
        pool: &[1],
    },
];

fn configuration(wanted: &Wanted) -> String {
    let entries: Vec<String> = wanted
        .entries
        .iter()
        .map(|(name, ip, external, internal)| {
            format!("    {name} = {{ ip = {ip}, external = {external}, internal = {internal} }}\n")
        })
        .collect();
    let Wanted { description, spec, bandwidth, ip_count, pool, .. } = wanted;
    format!(
        r#"
provider "alicloud" {{
  region = "cn-hangzhou"
}}
locals {{
  entries = {{
{entries}  }}
}}
resource "nat_gateway" "edge" {{
  vpc_id      = "vpc-emulator"
  name        = "edge"
  description = "{description}"
  spec        = "{spec}"
}}
resource "bandwidth_package" "edge" {{
  nat_gateway_id = nat_gateway.edge.id
  name           = "edge"
  bandwidth      = {bandwidth}
  ip_count       = {ip_count}
}}
resource "forward_entry" "web" {{
  for_each         = local.entries
  forward_table_id = nat_gateway.edge.forward_table_id
  external_ip      = bandwidth_package.edge.public_ip_addresses[each.value.ip]
  external_port    = each.value.external
  internal_ip      = "192.168.1.10"
  internal_port    = each.value.internal
  ip_protocol      = "tcp"
}}
resource "snat_entry" "out" {{
  snat_table_id     = nat_gateway.edge.snat_table_id
  source_vswitch_id = "vsw-emulator-a"
  snat_ip           = [for i in {pool:?} : bandwidth_package.edge.public_ip_addresses[i]]
}}
output "web" {{
  value = {{ for name, entry in forward_entry.web : name => "${{entry.external_ip}}:${{entry.external_port}}" }}
}}
"#,
        entries = entries.concat(),
    )
}

/// Asserts that the world is as wanted.
#[track_caller]
fn check(wanted: &Wanted, world: &Dump) {
    let [gateway] = &world.gateways[..] else { panic!("{:#?}", world.gateways) };
    assert_eq!(gateway.description, wanted.description);
    assert_eq!(gateway.spec, wanted.spec);
    let [package] = &world.bandwidth_packages[..] else {
        panic!("{:#?}", world.bandwidth_packages)
    };
    assert_eq!((package.bandwidth, package.ips.len()), (wanted.bandwidth, wanted.ip_count));
    let mut live: Vec<(String, String)> = world
        .forward_entries
        .iter()
        .map(|entry| (entry.external_port.clone(), entry.internal_port.clone()))
        .collect();
    live.sort();
    let mut entries: Vec<(String, String)> = wanted
        .entries
        .iter()
        .map(|(_, _, external, internal)| (external.to_string(), internal.to_string()))
        .collect();
    entries.sort();
    assert_eq!(live, entries);
    let [snat] = &world.snat_entries[..] else { panic!("{:#?}", world.snat_entries) };
    assert_eq!(snat.ips.len(), wanted.pool.len());
    for entry in &world.forward_entries {
        assert!(!snat.ips.contains(&entry.external_ip), "an address serves both");
    }
}

fn live(manner: Manner) {
    let failing = manner.failing > 0;
    let server = Server::start(manner);
    let workspace = Workspace::new(&server);
    // Where calls fail, everything takes its time.
    let stages = if failing { 2 } else { LIFE.len() };
    for (index, wanted) in LIFE.iter().take(stages).enumerate() {
        workspace.configure(&configuration(wanted));
        workspace.run(&["plan", "-detailed-exitcode"]).exits(2);
        workspace.run(&["apply", "-auto-approve"]).exits(0);
        check(wanted, &server.world());
        workspace.settled();
        server.never_wrong();
        if index == 0 {
            server.forget();
            workspace.run(&["apply", "-auto-approve"]).exits(0);
            assert_eq!(server.changes(), Vec::<String>::new());
        }
    }
    workspace.destroy();
    server.is_empty();
    server.never_wrong();
    workspace.run(&["plan", "-destroy", "-detailed-exitcode"]).exits(0);
}

/// Lives against several manners of servers at a time: most of it is waiting.
fn all(manners: Vec<(&str, Manner)>) {
    std::thread::scope(|scope| {
        let lives: Vec<_> = manners
            .into_iter()
            .map(|(name, manner)| (name, scope.spawn(move || live(manner))))
            .collect();
        let mut failed = Vec::new();
        for (name, life) in lives {
            if let Err(panic) = life.join() {
                let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                failed.push(format!("== {name}\n{text}"));
            }
        }
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    });
}

fn manner(change: impl FnOnce(&mut Manner)) -> Manner {
    let mut manner = Manner::default();
    change(&mut manner);
    manner
}

fn lists_in_any_order_and_size_and_late() {
    all(vec![
        ("as the reference", Manner::default()),
        ("shuffled", manner(|m| m.shuffled = true)),
        ("small pages", manner(|m| m.page = Some(1))),
        ("pages of two, shuffled", manner(|m| (m.page, m.shuffled) = (Some(2), true))),
        ("lists lag", manner(|m| m.read_lag_ms = 900)),
        ("lists lag, shuffled, small pages", {
            manner(|m| (m.read_lag_ms, m.shuffled, m.page) = (400, true, Some(3)))
        }),
    ]);
}

fn ids_of_any_form() {
    all(vec![
        ("upper case", manner(|m| m.ids = Some(Ids::Upper))),
        ("uuid", manner(|m| m.ids = Some(Ids::Uuid))),
        ("numbers", manner(|m| m.ids = Some(Ids::Number))),
        ("numbers as numbers", {
            manner(|m| (m.ids, m.scalars_swapped) = (Some(Ids::Number), true))
        }),
    ]);
}

fn answers_of_any_shape() {
    all(vec![
        ("xml", manner(|m| m.xml = true)),
        ("xml of 2019", manner(|m| (m.xml, m.edition) = (true, Edition::V2019_07_19))),
        ("edition 2019", manner(|m| m.edition = Edition::V2019_07_19)),
        ("flat, lower case", manner(|m| (m.flat, m.lower_camel) = (true, true))),
        ("scalars swapped", manner(|m| m.scalars_swapped = true)),
        ("unknown fields", manner(|m| m.unknown_fields = true)),
    ]);
}

fn answers_that_leave_out_what_is_optional() {
    let bare = vec![
        "TotalCount",
        "PageNumber",
        "PageSize",
        "IpLists",
        "NatGatewayPrivateInfo",
        "DeletionProtection",
        "EcsMetricEnabled",
        "ResourceGroupId",
        "BusinessStatus",
        "CreationTime",
        "ExpiredTime",
        "AutoPay",
        "InternetChargeType",
        "NatType",
        "RegionId",
        "BandwidthPackageIds",
        "ISP",
        "UsingStatus",
        "ApAccessEnabled",
        "RequestId",
    ];
    let mut without_status = bare.clone();
    without_status.push("Status");
    all(vec![
        ("bare", manner(|m| m.left_out = bare)),
        ("without status", manner(|m| m.left_out = without_status)),
        ("without total", manner(|m| (m.left_out, m.page) = (vec!["TotalCount"], Some(2)))),
        ("other words for statuses", {
            manner(|m| {
                m.timings = Timings { gateway_create_ms: Some(700), ..short() };
                m.statuses = [
                    ("Creating", "Initiating"),
                    ("Modifying", "Configuring"),
                    ("Pending", "creating"),
                    ("Deleting", "deleting"),
                    ("Available", "available"),
                ]
                .into();
            })
        }),
    ]);
}

/// Transitions that are seen, but do not last.
fn short() -> Timings {
    Timings {
        gateway_create_ms: Some(150),
        gateway_modify_ms: Some(150),
        gateway_delete_ms: Some(150),
        gateway_convert_ms: Some(150),
        forward_entry_create_ms: Some(60),
        forward_entry_modify_ms: Some(60),
        forward_entry_delete_ms: Some(60),
        snat_entry_create_ms: Some(60),
        snat_entry_modify_ms: Some(60),
        snat_entry_delete_ms: Some(60),
        bandwidth_package_ms: Some(60),
        ..Timings::instant()
    }
}

fn services_that_are_slow_strict_or_fail() {
    let one_change = Conditions { one_change_per_gateway: true, ..Conditions::default() };
    let blocked = Conditions {
        lists_blocked_by_pending_entries: true,
        missing_entries_as_status: true,
        token_processing_ms: 300,
        ..Conditions::default()
    };
    all(vec![
        ("transitions", manner(|m| m.timings = short())),
        ("transitions, lag", manner(|m| (m.timings, m.read_lag_ms) = (short(), 300))),
        ("slow", manner(|m| m.slow = Duration::from_millis(60))),
        ("one change at a time", { manner(|m| (m.timings, m.conditions) = (short(), one_change)) }),
        ("blocked lists", manner(|m| (m.timings, m.conditions) = (short(), blocked))),
        ("one in five fails", manner(|m| m.failing = 20)),
        ("one in five fails, another seed", manner(|m| (m.failing, m.seed) = (20, 1000))),
        ("one in five fails, xml, lag", {
            manner(|m| (m.failing, m.xml, m.read_lag_ms, m.seed) = (20, true, 300, 2000))
        }),
        ("one in five fails, 2019", {
            manner(|m| (m.failing, m.edition, m.seed) = (20, Edition::V2019_07_19, 3000))
        }),
    ]);
}
