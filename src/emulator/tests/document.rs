//! The page about the emulator says what there is.

use serde_json::{Value, json};

use crate::emulator::errors::Unlisted;
use crate::emulator::faults::{DropWhen, Effect, FaultError, FaultFile, Matcher, Throttle};
use crate::emulator::settings::Timings;
use crate::emulator::world::conditions::Conditions;

const PAGE: &str = include_str!("../EMULATOR.md");

/// Checks that the page says the name of every field.
fn says_all(value: &Value) {
    for name in value.as_object().unwrap().keys() {
        assert!(PAGE.contains(&format!("`{name}`")), "the page does not say `{name}`");
    }
}

#[test]
fn the_page_names_every_unlisted_code_and_setting() {
    for why in Unlisted::ALL {
        let (status, code, _) = why.row();
        let (code, status) = (format!("`{code}`"), format!("| {status} |"));
        let told = PAGE.lines().any(|line| line.contains(&code) && line.contains(&status));
        assert!(told, "the page does not say {code} with {status}");
    }
    let conditions = json!(Conditions::default());
    says_all(&conditions);
    says_all(&conditions["quotas"]);
    says_all(&json!(Timings::default()));
    for name in Timings::NAMES {
        assert!(PAGE.contains(name));
    }
}

#[test]
fn the_page_names_every_part_of_a_fault() {
    let effect = Effect {
        delay_ms: Some(1),
        error: Some(FaultError {
            http: Some(500),
            code: Some(String::new()),
            message: Some(String::new()),
            processed: true,
        }),
        throttle: Some(Throttle::default()),
        drop: Some(DropWhen::After),
        truncate: Some(1),
        ..Effect::default()
    };
    says_all(&json!(effect));
    says_all(&json!(effect.error));
    let matcher = Matcher {
        action: Some(String::new()),
        mutating: Some(true),
        parameters: [(String::new(), String::new())].into(),
        nth: Some(1),
        probability: Some(1.0),
        seed: 1,
        times: Some(1),
    };
    says_all(&json!(matcher));
    let example = PAGE.split("```json").nth(1).and_then(|t| t.split("```").next()).unwrap();
    let file: FaultFile = serde_json::from_str(example).unwrap();
    assert_eq!((file.faults.len(), file.limits.len()), (2, 1));
}
