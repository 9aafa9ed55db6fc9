use natform::api::catalogue::Edition;
use natform::apply::ApplyEvent;
use natform::emulator::Settings;

use crate::bench::Bench;
use crate::configurations::{NOTHING, conversion, shared, shop, tables};

#[test]
fn what_was_applied_leaves_nothing_to_plan() {
    for edition in Edition::ALL {
        leaves_nothing_to_plan(edition);
    }
}

fn leaves_nothing_to_plan(edition: Edition) {
    let bench = Bench::new(Settings { edition, ..Settings::default() });
    for text in [
        shop(&[(80, 8080), (443, 8443)], 5, 2),
        shop(&[(80, 8081), (443, 8443), (22, 22)], 10, 2),
        shop(&[(80, 8443), (443, 8081)], 10, 3),
        NOTHING.to_owned(),
    ] {
        let outcome = bench.apply(&text).unwrap();
        assert!(outcome.is_success(), "{outcome:#?}");
        bench.assert_converged(&text);
    }
}

#[test]
fn tables_fill_as_fast_as_the_service_lets_them() {
    fill(4, 40);
}

#[test]
#[ignore = "takes long: the measure of the design, 20 tables with 100 entries"]
fn twenty_tables_fill_as_fast_as_the_service_lets_them() {
    fill(20, 100);
}

fn fill(gateways: u32, entries: u32) {
    let bench = Bench::new(Settings::default());
    let raise = bench.emulator.with_world(|world, _| {
        let mut dump = world.dump();
        dump.conditions.quotas.enhanced_gateways_per_vpc = 1000;
        dump.conditions.quotas.routes_per_vpc = 1000;
        world.load(dump);
    });
    raise.unwrap();
    bench.converge(&tables(gateways, 0));
    bench.emulator.forget_calls();
    let text = tables(gateways, entries);
    let took = bench.took(|| bench.converge(&text));
    let calls: u64 = bench.emulator.counts().values().map(|c| c.calls).sum();
    let planned = u64::from(gateways) + 2;
    assert!(took.as_secs_f64() <= f64::from(entries) * 1.05, "{took:?} for {entries} entries");
    let made = u64::from(gateways * entries);
    assert!((calls - planned) * 10 <= made * 22, "{calls} calls for {made} entries");
    bench.assert_converged(&text);
}

#[test]
fn a_conversion_tells_its_steps() {
    let bench = Bench::in_region(Settings::default(), "cn-qingdao");
    bench.converge(&conversion("Normal"));
    let text = conversion("Enhanced");
    bench.converge(&text);
    bench.assert_converged(&text);
    let events = bench.events.lock().unwrap();
    let steps = events.iter().filter(|e| matches!(e, ApplyEvent::ConversionStep { .. }));
    assert!(steps.count() >= 2, "{events:#?}");
}

#[test]
fn a_package_may_be_made_and_converted_in_one_change() {
    let bench = Bench::new(Settings::default());
    bench.converge(&shared(false));
    bench.assert_converged(&shared(false));
    let bench = Bench::new(Settings::default());
    bench.converge(&shared(true));
    let snapshot = bench.snapshot();
    let package = snapshot.instances.values().find(|i| i.address.kind() == "bandwidth_package");
    let package = &package.unwrap().object;
    assert_eq!(package.get("convert_to_shared").unwrap().as_bool(), Some(true));
    assert!(package.text("common_bandwidth_package_id").is_some());
    assert!(!bench.plan(&bench.program(&shared(true))).has_changes());
}

/// A package whose only used address is its second one, and entries on addresses by their index.
fn shrinking(addresses: u32, ports: &[(u32, u32)]) -> String {
    let entries: Vec<String> =
        ports.iter().map(|(port, index)| format!("\"{port}\" = {index}")).collect();
    let entries = entries.join(", ");
    format!(
        r#"
provider "alicloud" {{
  region   = "cn-hangzhou"
  endpoint = "emulator"
}}
resource "nat_gateway" "edge" {{
  vpc_id = "vpc-emulator"
  name   = "edge"
}}
resource "bandwidth_package" "edge" {{
  nat_gateway_id = nat_gateway.edge.id
  bandwidth      = 5
  ip_count       = {addresses}
}}
resource "forward_entry" "web" {{
  for_each         = {{ {entries} }}
  forward_table_id = nat_gateway.edge.forward_table_id
  external_ip      = bandwidth_package.edge.public_ip_addresses[each.value]
  external_port    = each.key
  internal_ip      = "192.168.1.10"
  internal_port    = each.key
  ip_protocol      = "tcp"
}}
"#
    )
}

/// Found by seed 538 of the simulation.
#[test]
fn an_entry_is_made_on_an_address_whose_index_shifts() {
    let bench = Bench::new(Settings::default());
    bench.converge(&shrinking(3, &[(80, 1)]));
    let text = shrinking(1, &[(80, 0), (443, 0)]);
    let outcome = bench.apply(&text).unwrap();
    assert!(outcome.is_success(), "{outcome:#?}");
    bench.assert_converged(&text);
}
