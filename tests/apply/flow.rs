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
    let (gateways, entries) = (4, 40);
    let bench = Bench::new(Settings::default());
    bench.converge(&tables(gateways, 0));
    bench.emulator.forget_calls();
    let text = tables(gateways, entries);
    let took = bench.took(|| bench.converge(&text));
    let calls: u64 = bench.emulator.counts().values().map(|c| c.calls).sum();
    let planned = u64::from(gateways) + 2;
    assert!(took.as_secs_f64() <= f64::from(entries) * 1.05, "{took:?}");
    let made = u64::from(gateways * entries);
    assert!((calls - planned) * 10 <= made * 22, "{calls} calls for {made} entries");
    bench.assert_converged(&text);
}
