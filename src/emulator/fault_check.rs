//! Whether rules of faults can do what they say: a rule that could never hit, or of which only a part
//! would happen, is refused rather than kept in silence.

use crate::api::catalogue::Action;
use crate::diagnostic::did_you_mean;
use crate::emulator::document::Problem;
use crate::emulator::faults::{Effect, FaultFile, RateLimit, Rule};

/// Statuses that an answer can have.
const STATUSES: std::ops::RangeInclusive<u16> = 200..=599;

/// Returns what is wrong in a file of rules.
pub fn file_problems(file: &FaultFile) -> Vec<Problem> {
    let mut found = Vec::new();
    for (n, rule) in file.faults.iter().enumerate() {
        found.extend(rule_problems(rule, &format!("faults[{n}].")));
    }
    for (n, limit) in file.limits.iter().enumerate() {
        limit_problems(limit, &format!("limits[{n}]."), &mut found);
    }
    found
}

/// Returns what is wrong with a rule; `prefix` stands before each path.
pub fn rule_problems(rule: &Rule, prefix: &str) -> Vec<Problem> {
    let mut found = Vec::new();
    let matcher = &rule.matcher;
    let mut say = |name: &str, why: &str| {
        found.push(Problem::new(format!("{prefix}{name}"), why));
    };
    if let Some(why) = matcher.action.as_deref().and_then(unknown_action) {
        say("match.action", &why);
    }
    for (name, count) in [("match.nth", matcher.nth), ("match.times", matcher.times)] {
        if count == Some(0) {
            say(name, "requests are counted from 1");
        }
    }
    if matcher.probability.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
        say("match.probability", "a probability is from 0 to 1");
    }
    let throttle = rule.effect.throttle.as_ref().and_then(|t| t.http);
    let error = rule.effect.error.as_ref().and_then(|e| e.http);
    for (name, status) in [("effect.throttle.http", throttle), ("effect.error.http", error)] {
        if status.is_some_and(|status| !STATUSES.contains(&status)) {
            say(name, "a status is from 200 to 599");
        }
    }
    for (one, other) in contradictions(&rule.effect) {
        say(&format!("effect.{one}"), &format!("it cannot be together with `{other}`"));
    }
    found
}

fn limit_problems(limit: &RateLimit, prefix: &str, found: &mut Vec<Problem>) {
    let mut say = |name: &str, why: &str| found.push(Problem::new(format!("{prefix}{name}"), why));
    if let Some(why) = limit.action.as_deref().and_then(unknown_action) {
        say("action", &why);
    }
    if !(limit.per_second > 0.0 && limit.per_second.is_finite()) {
        say("per_second", "a rate is more than 0");
    }
    if limit.burst == 0 {
        say("burst", "at least 1 request may come at once");
    }
}

fn unknown_action(name: &str) -> Option<String> {
    if Action::from_name(name).is_some() {
        return None;
    }
    let near = did_you_mean(name, Action::ALL.into_iter().map(Action::name));
    let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Some(format!("there is no action `{name}`{near}"))
}

/// Returns the parts of an effect of which one would hide the other.
fn contradictions(effect: &Effect) -> Vec<(&'static str, &'static str)> {
    let answers = [("error", effect.error.is_some()), ("throttle", effect.throttle.is_some())];
    let deliveries = [
        ("drop", effect.drop.is_some()),
        ("truncate", effect.truncate.is_some()),
        ("stall", effect.stall),
    ];
    let mut found = Vec::new();
    for group in [&answers[..], &deliveries[..]] {
        let given: Vec<&str> = group.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        found.extend(given.windows(2).map(|pair| (pair[1], pair[0])));
    }
    if effect.garbage && effect.drop.is_some() {
        found.push(("garbage", "drop"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::document;

    fn paths(text: &str) -> Vec<String> {
        let file: FaultFile = document::read(text.as_bytes()).unwrap();
        file_problems(&file).into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn rules_that_cannot_do_what_they_say_are_refused() {
        let wrong = r#"{"faults": [
            {"match": {"action": "CreateNatGatway"}, "effect": {"stall": true}},
            {"match": {"nth": 0, "times": 0, "probability": 1.5}, "effect": {}},
            {"effect": {"error": {"http": 99}, "throttle": {"http": 600}}},
            {"effect": {"drop": "after", "truncate": 3, "garbage": true}}
        ], "limits": [{"action": "Nothing", "per_second": 0, "burst": 0}]}"#;
        assert_eq!(
            paths(wrong),
            [
                "faults[0].match.action",
                "faults[1].match.nth",
                "faults[1].match.times",
                "faults[1].match.probability",
                "faults[2].effect.throttle.http",
                "faults[2].effect.error.http",
                "faults[2].effect.throttle",
                "faults[3].effect.truncate",
                "faults[3].effect.garbage",
                "limits[0].action",
                "limits[0].per_second",
                "limits[0].burst",
            ]
        );
        let why = unknown_action("CreateNatGatway").unwrap();
        assert!(why.ends_with("did you mean `CreateNatGateway`?"), "{why}");
    }

    #[test]
    fn parts_that_combine_are_not() {
        let fine = r#"{"faults": [
            {"match": {"action": "ListEnhanhcedNatGatewayAvailableZones"}, "effect": {}},
            {"effect": {"delay_ms": 5, "error": {"code": "X", "processed": true}, "truncate": 3}},
            {"effect": {"garbage": true, "stall": true, "delay_ms": 1}}
        ], "limits": [{"per_second": 0.5}]}"#;
        assert_eq!(paths(fine), [""; 0]);
    }
}
