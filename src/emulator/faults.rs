//! Faults on demand: which requests they hit, and what they do to them. Everything here is
//! deterministic: probabilities are drawn from a seed in the rule.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::environment::Timestamp;

/// Which requests a rule hits. Every part that is given must fit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Matcher {
    /// Name of an action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Whether the action changes something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutating: Option<bool>,
    /// Parameters with their values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Only the request of that number (from 1) among those that fit so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Part of the fitting requests that is hit, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Seed of the probability.
    pub seed: u64,
    /// How many requests are hit at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

/// An error to answer with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultError {
    /// HTTP status; absent, that of the reference's row for the code, or 400, or 500 without a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<u16>,
    /// Error code; absent, one that goes with the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Error message; absent, that of the reference's row for the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether the request is carried out before the error is answered.
    pub processed: bool,
}

/// A refusal for too many requests.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Throttle {
    /// When to come again, in milliseconds, sent as `x-acs-retry-after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// HTTP status; 400 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<u16>,
}

/// When the connection is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DropWhen {
    /// The request is not carried out.
    Before,
    /// The request is carried out, its answer is lost.
    After,
}

/// What happens to a request. Several parts combine: a delay with an error, for one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Effect {
    /// The answer comes that much later, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Answers with an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<FaultError>,
    /// Answers that there are too many requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttle: Option<Throttle>,
    /// Closes the connection without an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop: Option<DropWhen>,
    /// Carries the request out and closes the connection after so many bytes of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncate: Option<usize>,
    /// Carries the request out and answers bytes that are neither JSON nor XML.
    pub garbage: bool,
    /// Carries the request out and never finishes its answer.
    pub stall: bool,
}

/// One fault: which requests, and what happens to them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name for people, shown with the calls that it hit.
    #[serde(default)]
    pub name: String,
    /// Which requests.
    #[serde(default, rename = "match")]
    pub matcher: Matcher,
    /// What happens.
    pub effect: Effect,
}

/// A rate of requests that is allowed; what goes beyond is throttled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Name of an action; absent, all actions together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Requests a second in the long run.
    pub per_second: f64,
    /// Requests that may come at once.
    #[serde(default = "one")]
    pub burst: u32,
}

fn one() -> u32 {
    1
}

/// A rules file: `{"faults": […], "limits": […]}`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultFile {
    /// Rules in order; the first that hits a request decides.
    pub faults: Vec<Rule>,
    /// Allowed rates.
    pub limits: Vec<RateLimit>,
}

/// A rule with how often it was met and used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActiveRule {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// How many requests fitted.
    pub seen: u64,
    /// How many were hit.
    pub fired: u64,
}

#[derive(Debug, Clone)]
struct Bucket {
    limit: RateLimit,
    tokens: f64,
    filled: Timestamp,
}

/// All rules and limits in force.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    rules: Vec<ActiveRule>,
    buckets: Vec<Bucket>,
}

impl Faults {
    /// Puts the rules and limits in force.
    pub fn new(rules: Vec<Rule>, limits: Vec<RateLimit>) -> Self {
        let mut faults = Self::default();
        for rule in rules {
            faults.add(rule);
        }
        faults.limit(limits);
        faults
    }

    /// Adds a rule behind the others.
    pub fn add(&mut self, rule: Rule) {
        self.rules.push(ActiveRule { rule, seen: 0, fired: 0 });
    }

    /// Replaces the limits.
    pub fn limit(&mut self, limits: Vec<RateLimit>) {
        self.buckets = limits
            .into_iter()
            .map(|limit| Bucket {
                tokens: f64::from(limit.burst.max(1)),
                filled: Timestamp(0),
                limit,
            })
            .collect();
    }

    /// Removes all rules and limits.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the rules in order.
    pub fn rules(&self) -> &[ActiveRule] {
        &self.rules
    }

    /// Returns the limits.
    pub fn limits(&self) -> impl Iterator<Item = &RateLimit> {
        self.buckets.iter().map(|b| &b.limit)
    }

    /// Returns the effect of the first rule that hits the request, with the rule's name.
    pub fn decide(
        &mut self,
        action: &str,
        mutating: bool,
        parameters: &BTreeMap<String, String>,
    ) -> Option<(String, Effect)> {
        for (index, active) in self.rules.iter_mut().enumerate() {
            let matcher = &active.rule.matcher;
            let fits = matcher.action.as_deref().is_none_or(|a| a == action)
                && matcher.mutating.is_none_or(|m| m == mutating)
                && matcher.parameters.iter().all(|(k, v)| parameters.get(k) == Some(v));
            if !fits {
                continue;
            }
            active.seen += 1;
            let hit = matcher.nth.is_none_or(|n| n == active.seen)
                && matcher.times.is_none_or(|t| active.fired < t)
                && matcher.probability.is_none_or(|p| draw(matcher.seed, active.seen) < p);
            if hit {
                active.fired += 1;
                let name = match active.rule.name.as_str() {
                    "" => format!("fault {}", index + 1),
                    name => name.to_owned(),
                };
                return Some((name, active.rule.effect.clone()));
            }
        }
        None
    }

    /// Takes a request from the allowed rate. Returns after how many milliseconds to come again when
    /// there is none left.
    pub fn take(&mut self, now: Timestamp, action: &str) -> Option<u64> {
        let mut wait = None;
        for bucket in &mut self.buckets {
            if bucket.limit.action.as_deref().is_some_and(|a| a != action) {
                continue;
            }
            let per_ms = (bucket.limit.per_second / 1000.0).max(1e-9);
            let passed = now.since(bucket.filled).as_secs_f64() * 1000.0;
            bucket.tokens =
                (bucket.tokens + passed * per_ms).min(f64::from(bucket.limit.burst.max(1)));
            bucket.filled = now;
            if bucket.tokens >= 1.0 {
                bucket.tokens -= 1.0;
            } else {
                wait = Some(milliseconds((1.0 - bucket.tokens) / per_ms));
            }
        }
        wait
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of the target before"
)]
fn milliseconds(value: f64) -> u64 {
    value.ceil().clamp(1.0, 86_400_000.0) as u64
}

/// Returns a number in [0, 1) that follows from the seed and the count.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
fn draw(seed: u64, count: u64) -> f64 {
    (mix(seed ^ mix(count)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Scrambles a number reversibly (splitmix64): different inputs give different outputs.
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
