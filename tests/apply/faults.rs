use natform::api::catalogue::Edition;
use natform::emulator::{Settings, faults};

use crate::bench::Bench;
use crate::configurations::{NOTHING, shop};

/// One call in five meets a fault.
fn one_in_five(effect: faults::Effect, mutating: Option<bool>, seed: u64) -> faults::Rule {
    let matcher =
        faults::Matcher { mutating, probability: Some(0.2), seed, ..faults::Matcher::default() };
    faults::Rule { name: String::new(), matcher, effect }
}

fn effects() -> Vec<faults::Effect> {
    let none = faults::Effect::default;
    let error = |code: &str, http, processed| {
        let code = (!code.is_empty()).then(|| code.to_owned());
        let error = faults::FaultError { http: Some(http), code, message: None, processed };
        faults::Effect { error: Some(error), ..none() }
    };
    vec![
        faults::Effect { drop: Some(faults::DropWhen::Before), ..none() },
        faults::Effect { drop: Some(faults::DropWhen::After), ..none() },
        faults::Effect { truncate: Some(5), ..none() },
        faults::Effect { garbage: true, ..none() },
        faults::Effect { stall: true, ..none() },
        faults::Effect { throttle: Some(faults::Throttle::default()), ..none() },
        error("", 500, false),
        error("", 500, true),
        error("ServiceUnavailable", 503, false),
        error("OperationConflict", 409, false),
        error("LastTokenProcessing", 403, false),
    ]
}

#[test]
fn faults_on_a_fifth_of_all_calls_leave_no_trace() {
    for (seed, effect) in (1..).zip(effects()) {
        for edition in Edition::ALL {
            // Reads answer no such thing as a token in process.
            let mutating = effect.error.as_ref().and_then(|e| e.code.as_ref()).map(|_| true);
            let faults = vec![one_in_five(effect.clone(), mutating, seed)];
            let bench = Bench::new(Settings { faults, edition, ..Settings::default() });
            for text in [
                shop(&[(80, 8080), (443, 8443), (22, 22)], 5, 2),
                shop(&[(80, 8443), (443, 8080)], 10, 3),
                NOTHING.to_owned(),
            ] {
                let outcome = bench.apply(&text).unwrap();
                assert!(outcome.is_success(), "{effect:?} {edition}: {outcome:#?}");
                bench.assert_converged(&text);
            }
        }
    }
}
