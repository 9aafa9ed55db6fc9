//! How often a service is asked whether it is done, and how late that is seen, whatever its times.

use std::time::Duration;

use natform::emulator::{Settings, Timings};

use crate::bench::Bench;
use crate::configurations::tables;

const TABLES: u32 = 4;
const ENTRIES: u32 = 30;

/// What it took to go from one configuration to another.
#[derive(Debug)]
struct Taken {
    /// Calls an operation.
    calls: f64,
    /// How much longer it took than it must.
    late: Duration,
}

fn measure(bench: &Bench, text: &str, least: Duration) -> Taken {
    let program = bench.program(text);
    let plan = bench.plan(&program);
    bench.emulator.forget_calls();
    let took = bench.took(|| {
        let outcome = bench.carry_out(&program, &plan, None).unwrap();
        assert!(outcome.is_success(), "{outcome:#?}");
    });
    let counts = bench.emulator.counts();
    let calls: u64 = counts.values().map(|count| count.calls).sum();
    assert_eq!(counts.values().map(|count| count.calls - count.succeeded).sum::<u64>(), 0);
    #[expect(clippy::cast_precision_loss, reason = "they are small")]
    let calls = calls as f64 / plan.operations.len() as f64;
    Taken { calls, late: took.saturating_sub(least) }
}

/// Makes, changes and deletes entries of a service in which each of that takes so long.
fn round(milliseconds: u64, most: f64) {
    let timings = Timings {
        forward_entry_create_ms: Some(milliseconds),
        forward_entry_modify_ms: Some(milliseconds),
        forward_entry_delete_ms: Some(milliseconds),
        ..Timings::instant()
    };
    let bench = Bench::new(Settings { timings, ..Settings::default() });
    bench.converge(&tables(TABLES, 0));
    let once = Duration::from_millis(milliseconds);
    let in_turn = once * ENTRIES;
    let text = tables(TABLES, ENTRIES);
    let changed = text.replace("192.168.1.10", "192.168.1.11");
    for (what, text, least, most, late) in [
        ("made", &text, in_turn, most, in_turn / 20),
        ("changed", &changed, in_turn, most, in_turn / 20),
        // Deletes overlap, so the first question that comes too late counts whole.
        ("deleted", &tables(TABLES, 0), once, 1.8, once / 4),
        // A later run knows all that from the state.
        ("made again", &text, in_turn, 2.1, in_turn / 50),
        ("changed again", &changed, in_turn, 2.1, in_turn / 50),
        ("deleted again", &tables(TABLES, 0), once, 1.5, once / 20),
    ] {
        let taken = measure(&bench, text, least);
        assert!(taken.calls <= most, "{milliseconds} ms, {what}: {taken:?}");
        let grace = Duration::from_secs(1);
        assert!(taken.late <= late + grace, "{milliseconds} ms, {what}: {taken:?}");
    }
}

#[test]
fn a_service_is_asked_when_it_is_done_whatever_its_times() {
    round(100, 2.2);
    round(7_000, 2.2);
    // Finding out takes some questions, which few operations share.
    round(90_000, 2.5);
}

#[test]
fn one_list_tells_of_all_gateways_of_a_region() {
    let timings = Timings { gateway_create_ms: Some(60_000), ..Timings::instant() };
    let bench = Bench::new(Settings { timings, ..Settings::default() });
    let raised = bench.emulator.with_world(|world, _| {
        let mut dump = world.dump();
        dump.conditions.quotas.enhanced_gateways_per_vpc = 1000;
        dump.conditions.quotas.routes_per_vpc = 1000;
        world.load(dump);
    });
    raised.unwrap();
    let text = r#"
provider "alicloud" {
  region   = "cn-hangzhou"
  endpoint = "emulator"
}
resource "nat_gateway" "g" {
  count      = 8
  vpc_id     = "vpc-emulator"
  vswitch_id = "vsw-emulator-a"
  nat_type   = "Enhanced"
  name       = "g${count.index}"
}
"#;
    let taken = measure(&bench, text, Duration::from_secs(60));
    // Some twenty questions find out how long it takes, and serve all of them.
    assert!(taken.calls <= 1.0 + 24.0 / 8.0, "{taken:?}");
    assert!(taken.late <= Duration::from_secs(6), "{taken:?}");
}
