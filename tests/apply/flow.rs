use natform::emulator::Settings;

use crate::bench::Bench;
use crate::configurations::{NOTHING, shop, tables};

#[test]
fn what_was_applied_leaves_nothing_to_plan() {
    let bench = Bench::new(Settings::default());
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
    println!("{took:?} and {calls} calls for {gateways} tables of {entries} entries");
    assert!(took.as_secs_f64() <= f64::from(entries) * 1.05, "{took:?}");
    let made = u64::from(gateways * entries);
    assert!((calls - planned) * 10 <= made * 22, "{calls} calls for {made} entries");
    bench.assert_converged(&text);
}
