use natform::api::catalogue::Edition;
use natform::emulator::{Settings, Timings};

use crate::bench::Bench;
use crate::configurations::{NOTHING, shop};

/// Dies at a request of making, of changing and of deleting everything.
fn dies_at(request: usize, delivers: bool, edition: Edition, read_lag_ms: u64) {
    let timings = Timings { read_lag_ms, ..Timings::default() };
    let bench = Bench::new(Settings { edition, timings, ..Settings::default() });
    for text in [
        shop(&[(80, 8080), (443, 8443)], 5, 2),
        shop(&[(80, 8443), (22, 22)], 10, 3),
        NOTHING.to_owned(),
    ] {
        bench.die_at(request, delivers);
        bench.converge(&text);
        bench.die_at(usize::MAX, false);
        bench.assert_converged(&text);
    }
}

#[test]
fn dying_at_any_request_leaves_no_trace() {
    for request in 1..40 {
        let delivers = request % 2 == 0;
        let edition = Edition::ALL[request / 2 % 2];
        dies_at(request, delivers, edition, if request % 3 == 0 { 1200 } else { 0 });
    }
}

#[test]
#[ignore = "takes long: all combinations"]
fn dying_at_any_request_leaves_no_trace_in_any_way() {
    for request in 1..60 {
        for delivers in [true, false] {
            for edition in Edition::ALL {
                for lag in [0, 1200] {
                    dies_at(request, delivers, edition, lag);
                }
            }
        }
    }
}
