//! What is told of a rehearsal: from events, calls and gaps to the report's model.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::copies::Copies;
use crate::api::catalogue::Action;
use crate::apply::{ApplyEvent, OperationName, traffic};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::emulator::Emulator;
use crate::environment::Timestamp;
use crate::plan::document::{ActionWord, ChangeDocument};
use crate::plan::{Plan, document};
use crate::rehearsal::Run;
use crate::rehearsal::document::{
    self as report_model, Calls, Recovered, Refusal, RehearsalDocument, Remaining, Stop, Verdict,
};
use crate::rehearsal::traffic::Gap;
use crate::rehearsal::watch::Refused;
use crate::state::Snapshot;
use crate::value::{Name, Value};

/// Returns the report of a plan that is refused before the first call.
pub(super) fn refused(plan: &Plan) -> RehearsalDocument {
    RehearsalDocument { verdict: Verdict::Refused, ..empty(plan) }
}

/// Returns the report of a plan of which nothing was carried out.
pub(super) fn empty(plan: &Plan) -> RehearsalDocument {
    RehearsalDocument {
        format_version: report_model::FORMAT_VERSION.to_owned(),
        natform_version: env!("CARGO_PKG_VERSION").to_owned(),
        verdict: Verdict::Nothing,
        succeeds: false,
        mode: plan.mode,
        digest: None,
        summary: document::summary(plan),
        duration: report_model::Duration::default(),
        calls: Calls::default(),
        operations: Vec::new(),
        failures: Vec::new(),
        interruptions: Vec::new(),
        recovered: Vec::new(),
        afterwards: None,
        assumptions: Vec::new(),
        diagnostics: Vec::new(),
    }
}

/// Returns how often each action was called, and how often in vain.
pub(super) fn counts(emulators: &[Arc<Emulator>]) -> BTreeMap<String, (u64, u64)> {
    let mut all: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (action, counts) in emulators.iter().flat_map(|emulator| emulator.counts()) {
        let (calls, refused) = all.entry(action).or_default();
        *calls += counts.calls;
        *refused += counts.errors.values().sum::<u64>();
    }
    all
}

pub(super) fn calls(
    before: &BTreeMap<String, (u64, u64)>,
    after: &BTreeMap<String, (u64, u64)>,
) -> Calls {
    let mut calls = Calls::default();
    for (name, (all, refused)) in after {
        let (all_before, refused_before) = before.get(name).copied().unwrap_or_default();
        calls.refused += refused - refused_before;
        let kind = match Action::from_name(name) {
            Some(action) if action.mutates() => &mut calls.mutating,
            _ => &mut calls.reads,
        };
        if *all > all_before {
            kind.insert(name.clone(), all - all_before);
        }
    }
    calls
}

pub(super) fn recoveries(run: &Run) -> Vec<Recovered> {
    let events = run.events.iter();
    let recovered = events.filter_map(|(_, event)| match event {
        ApplyEvent::Recovered { operation, detail, .. } => Some(Recovered {
            address: operation.address.to_string(),
            action: operation.action.name().to_owned(),
            outcome: detail.clone(),
        }),
        _ => None,
    });
    recovered.collect()
}

/// Returns what failed, with the service's refusals.
pub(super) fn failures(
    plan: &Plan,
    run: &Run,
    copies: &Copies,
    rules: &Diagnostics,
) -> Vec<report_model::Failure> {
    let refused = copies.watchers.iter().flat_map(|watcher| watcher.refused());
    let refused: BTreeMap<(Action, String), Refused> =
        refused.map(|refused| ((refused.action, refused.code.clone()), refused)).collect();
    let rules = Broken::of(rules);
    let location = |name: &OperationName| {
        let change = plan
            .changes
            .binary_search_by(|change| change.address.cmp(&name.address))
            .ok()
            .and_then(|index| plan.changes.get(index));
        change.and_then(|change| change.location.as_deref().map(str::to_owned))
    };
    let failure = |(at, event): &(Duration, ApplyEvent)| {
        let ApplyEvent::Failed { operation, diagnostic, .. } = event else { return None };
        let is_told = |refused: &&Refused| {
            refused.action == operation.action
                && (diagnostic.detail.contains(&refused.code)
                    || diagnostic.summary.contains(&refused.code))
        };
        let refusal = refused.values().find(is_told);
        Some(report_model::Failure {
            at: at.as_secs_f64(),
            address: operation.address.to_string(),
            action: operation.action.name().to_owned(),
            location: location(operation),
            diagnostic: diagnostic.code.to_owned(),
            summary: diagnostic.summary.clone(),
            refusal: refusal.map(|r| Refusal { code: r.code.clone(), message: r.message.clone() }),
            rule: rules.by(&operation.address.to_string()),
        })
    };
    run.events.iter().filter_map(failure).collect()
}

/// For how many seconds a conversion interrupts in all: once or twice for about a second.
const BRIEF: f64 = 2.0;

/// Rules that a plan breaks, by instance.
struct Broken<'a> {
    by_address: BTreeMap<&'a str, &'a Diagnostic>,
    /// Those that may name further instances in their texts.
    texts: Vec<&'a Diagnostic>,
}

impl<'a> Broken<'a> {
    /// So many texts are looked through.
    const MOST: usize = 200;

    fn of(rules: &'a Diagnostics) -> Self {
        let errors = || rules.iter().filter(|d| d.severity == Severity::Error);
        let with_address = errors().filter_map(|d| Some((d.address.as_deref()?, d)));
        Self { by_address: with_address.collect(), texts: errors().take(Self::MOST).collect() }
    }

    /// Returns the rule that an instance breaks.
    fn by(&self, address: &str) -> Option<report_model::Rule> {
        let quoted = format!("`{address}`");
        let named = || self.texts.iter().find(|d| d.summary.contains(&quoted)).copied();
        let found = self.by_address.get(address).copied().or_else(named)?;
        Some(report_model::Rule { code: found.code.to_owned(), summary: found.summary.clone() })
    }
}

/// Returns the traffic that stops, named as people may see it.
pub(super) fn stops(plan: &Plan, snapshots: &[&Snapshot; 2], copies: &Copies) -> Vec<Stop> {
    let begin = copies.begin();
    let mut addresses: BTreeMap<&str, String> = BTreeMap::new();
    for instance in snapshots.iter().flat_map(|snapshot| snapshot.instances.values()) {
        addresses.entry(&instance.id).or_insert_with(|| instance.address.to_string());
    }
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    for object in plan.changes.iter().flat_map(|change| [&change.before, &change.after]).flatten() {
        let Some(traffic) = traffic(object).filter(|_| object.iter().any(is_secret)) else {
            continue;
        };
        shown.extend(traffic.keys.into_iter().map(|key| (key, traffic.shown.clone())));
    }
    let seconds = |at: Timestamp| at.since(begin).as_secs_f64();
    let gaps = copies.watchers.iter().flat_map(|watcher| watcher.gaps());
    let stop = |gap: Gap| {
        let address = addresses.get(gap.id.as_str()).cloned();
        let plain = match (gap.brief, gap.inbound) {
            (true, _) => address.clone().unwrap_or_else(|| gap.key.clone()),
            (false, true) => gap.key.clone(),
            (false, false) => format!("{} outbound", gap.key),
        };
        Stop {
            traffic: shown.get(&gap.key).cloned().unwrap_or(plain),
            address,
            action: gap.action.name().to_owned(),
            begins: seconds(gap.begins),
            ends: gap.ends.map(seconds),
            seconds: if gap.brief {
                Some(BRIEF)
            } else {
                gap.ends.map(|end| end.since(gap.begins).as_secs_f64())
            },
            brief: gap.brief,
            again_by: gap.again_by.and_then(|id| addresses.get(id.as_str()).cloned()),
            id: gap.id,
        }
    };
    let mut stops: Vec<Stop> = gaps.map(stop).collect();
    stops.sort_by(|a, b| a.begins.total_cmp(&b.begins).then_with(|| a.traffic.cmp(&b.traffic)));
    stops
}

fn is_secret((_, value): (&Name, &Value)) -> bool {
    value.deep_sensitive()
}

pub(super) fn remaining(change: &ChangeDocument) -> Remaining {
    let mut reasons: Vec<String> = change.reasons.iter().map(|r| r.sentence.clone()).collect();
    if change.actions == [ActionWord::Update] {
        let (before, after) = (&change.before, &change.after);
        let names = after.as_object().into_iter().flatten().filter(|(name, value)| {
            before.get(name.as_str()) != Some(*value)
                || change.after_unknown.get(name.as_str()).is_some()
        });
        reasons.extend(names.map(|(name, _)| format!("`{name}` differs")));
    }
    Remaining { address: change.address.clone(), actions: change.actions.clone(), reasons }
}
