//! A rehearsal as text: the verdict first, then why, what it takes, whose traffic stops, and what was
//! assumed.

use super::foresight::{about, duration};
use super::paint::Paint;
use crate::plan::document::{ActionWord, Summary};
use crate::rehearsal::document::{
    AssumptionDocument, Calls, End, OperationDocument, RehearsalDocument, Stop, Verdict,
};

/// So many lines of a list are shown.
const MOST: usize = 20;

/// Renders a whole report.
pub fn rehearsal(document: &RehearsalDocument, paint: Paint) -> String {
    let mut out = format!("{}\n", painted(document.verdict, &verdict(document), paint));
    if document.verdict == Verdict::Refused {
        return out;
    }
    section("Finished first, from earlier runs", &recovered(document), paint, &mut out);
    section("What fails", &failures(document, paint), paint, &mut out);
    if let Some(line) = progress(document) {
        section("How far it gets", &[line], paint, &mut out);
        section("Done", &with_end(document, End::Done), paint, &mut out);
        section("Not begun", &with_end(document, End::NotBegun), paint, &mut out);
    }
    if !document.operations.is_empty() {
        let takes = [paint.bold("Takes:"), format!(" {}.\n", takes(document))].concat();
        let calls = [paint.bold("Calls:"), format!(" {}.\n", calls(&document.calls))].concat();
        out.push_str(&format!("\n{takes}{calls}"));
        section("Critical path", &critical_path(document), paint, &mut out);
    }
    let stops: Vec<String> = document.interruptions.iter().map(stop).collect();
    section("Traffic that stops", &stops, paint, &mut out);
    section("Planned afterwards", &afterwards(document), paint, &mut out);
    let assumed: Vec<String> = document.assumptions.iter().map(assumption).collect();
    section("Assumed", &assumed, paint, &mut out);
    out
}

fn painted(verdict: Verdict, text: &str, paint: Paint) -> String {
    match verdict {
        Verdict::Nothing | Verdict::Succeeds => paint.green(text),
        Verdict::NotEmpty => paint.yellow(text),
        Verdict::Fails | Verdict::Refused => paint.red(text),
    }
}

/// Returns the verdict in a sentence or two.
pub(super) fn verdict(document: &RehearsalDocument) -> String {
    let plan = counts(&document.summary);
    match document.verdict {
        Verdict::Nothing => "Nothing to rehearse. The plan changes nothing.".to_owned(),
        Verdict::Succeeds => {
            let after = match document.afterwards {
                Some(_) => " The plan after it is empty.",
                None => "",
            };
            format!("The rehearsal succeeds: {plan}.{after}")
        }
        Verdict::NotEmpty => {
            format!("The rehearsal succeeds: {plan}. But the plan after it is not empty.")
        }
        Verdict::Fails => format!("The rehearsal fails. Planned: {plan}."),
        Verdict::Refused => {
            "Nothing was rehearsed: the plan is refused before the first call.".to_owned()
        }
    }
}

fn counts(summary: &Summary) -> String {
    let mut parts = vec![
        format!("{} to add", summary.to_add()),
        format!("{} to change", summary.update),
        format!("{} to destroy", summary.to_destroy()),
    ];
    if summary.import > 0 {
        parts.insert(0, format!("{} to import", summary.import));
    }
    if summary.forget > 0 {
        parts.push(format!("{} to forget", summary.forget));
    }
    parts.join(", ")
}

/// Writes a list below its title; nothing for an empty list.
fn section(title: &str, lines: &[String], paint: Paint, out: &mut String) {
    if lines.is_empty() {
        return;
    }
    out.push_str(&format!("\n{}\n", paint.bold(&format!("{title}:"))));
    lines.iter().take(MOST).for_each(|line| out.push_str(&format!("  {line}\n")));
    if lines.len() > MOST {
        out.push_str(&format!("  … and {} more; `-json` lists all\n", lines.len() - MOST));
    }
}

pub(super) fn recovered(document: &RehearsalDocument) -> Vec<String> {
    let lines = document.recovered.iter();
    lines.map(|r| format!("{}: {} ({})", r.address, r.outcome, r.action)).collect()
}

fn failures(document: &RehearsalDocument, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for failure in &document.failures {
        let place = failure.location.as_deref().map_or(String::new(), |l| format!(" ({l})"));
        let at = after(failure.at);
        let (address, action) = (paint.bold(&failure.address), &failure.action);
        lines.push(format!("{at} {address}{place}: {action}"));
        lines.push(match &failure.refusal {
            Some(refusal) => {
                format!("    refused by {}: {}", paint.red(&refusal.code), refusal.message)
            }
            None => format!("    {} [{}]", failure.summary, failure.diagnostic),
        });
        if let Some(rule) = &failure.rule {
            lines.push(format!("    by the rule {}: {}", rule.code, rule.summary));
        }
    }
    lines
}

/// Says how many calls are done and how many are not, where not all are.
pub(super) fn progress(document: &RehearsalDocument) -> Option<String> {
    let count = |end| document.operations.iter().filter(|o| o.end == end).count();
    let (done, failed, rest) = (count(End::Done), count(End::Failed), count(End::NotBegun));
    (failed + rest > 0).then(|| {
        format!("{done} of {} calls done, {failed} failed, {rest} not begun", done + failed + rest)
    })
}

/// Returns the calls that ended so.
pub(super) fn with_end(document: &RehearsalDocument, end: End) -> Vec<String> {
    let those = document.operations.iter().filter(|o| o.end == end);
    those.map(|o| format!("{} {}", o.action, named(o))).collect()
}

/// Returns `about 2m 6s by documented times (plan foresees 2m 5s)`.
pub(super) fn takes(document: &RehearsalDocument) -> String {
    let text = format!("{} by documented times", about(document.duration.seconds));
    match document.duration.foreseen {
        Some(foreseen) if document.succeeds => {
            format!("{text}; a plan foresees {}", duration(foreseen))
        }
        _ => text,
    }
}

/// Returns `5 that change something (CreateForwardEntry 2, …), 9 that read (…)`.
pub(super) fn calls(calls: &Calls) -> String {
    let list = |calls: &std::collections::BTreeMap<String, u64>| {
        let parts: Vec<String> =
            calls.iter().map(|(name, count)| format!("{name} {count}")).collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    };
    let refused = match calls.refused {
        0 => String::new(),
        count => format!("; {count} of them refused"),
    };
    format!(
        "{} that change something{}, {} that read{}{refused}",
        calls.changing(),
        list(&calls.mutating),
        calls.reading(),
        list(&calls.reads)
    )
}

/// Returns a line for each operation that determines how long it takes.
pub(super) fn critical_path(document: &RehearsalDocument) -> Vec<String> {
    let path = document.duration.critical_path.iter();
    let operations: Vec<&OperationDocument> =
        path.filter_map(|place| document.operations.get(*place)).collect();
    let times: Vec<(String, String)> = operations
        .iter()
        .map(|o| (clock(o.begins.unwrap_or_default()), lasting(o.seconds.unwrap_or_default())))
        .collect();
    let wide = |of: fn(&(String, String)) -> &String| {
        times.iter().map(|time| of(time).chars().count()).max().unwrap_or_default()
    };
    let (at_wide, for_wide) = (wide(|time| &time.0), wide(|time| &time.1));
    let action_wide = operations.iter().map(|o| o.action.len()).max().unwrap_or_default();
    operations
        .iter()
        .zip(&times)
        .map(|(o, (at, takes))| {
            let action = &o.action;
            format!("{at:>at_wide$}  {takes:>for_wide$}  {action:<action_wide$}  {}", named(o))
        })
        .collect()
}

fn named(operation: &OperationDocument) -> String {
    let deposed = if operation.deposed.is_some() { " (the old one)" } else { "" };
    format!("{}{deposed}", operation.address)
}

/// Returns `203.0.113.7:443/tcp for 5s, from 0s to 5s: ModifyForwardEntry of forward_entry.web`.
pub(super) fn stop(stop: &Stop) -> String {
    let traffic = &stop.traffic;
    let from = clock(stop.begins);
    let when = match (stop.brief, stop.seconds, stop.ends) {
        (true, _, Some(end)) => {
            format!("once or twice for about a second, between {from} and {}", clock(end))
        }
        (false, Some(seconds), Some(end)) => {
            format!("for {}, from {from} to {}", lasting(seconds), clock(end))
        }
        _ => format!("for good, from {from}"),
    };
    let who = stop.address.clone().unwrap_or_else(|| format!("{} (not managed)", stop.id));
    let again = match &stop.again_by {
        Some(again) if Some(again) != stop.address.as_ref() => format!("; then by {again}"),
        _ => String::new(),
    };
    format!("{traffic} {when} ({} of {who}{again})", stop.action)
}

/// Says what is planned afterwards, where that is not nothing.
pub(super) fn afterwards(document: &RehearsalDocument) -> Vec<String> {
    let Some(after) = document.afterwards.as_ref().filter(|after| !after.empty) else {
        return Vec::new();
    };
    let mut lines: Vec<String> = after.errors.iter().map(|e| format!("error: {e}")).collect();
    lines.extend(after.changes.iter().map(|change| {
        let why = change.reasons.join("; ");
        let why = if why.is_empty() { why } else { format!(" ({why})") };
        format!("{} {}{why}", symbol(&change.actions), change.address)
    }));
    lines.extend(after.drift.iter().map(|address| format!("drift of {address}")));
    lines.extend(after.outputs.iter().map(|name| format!("~ output {name}")));
    lines
}

const fn symbol(actions: &[ActionWord]) -> &'static str {
    match actions {
        [ActionWord::Create] => "+",
        [ActionWord::Update] => "~",
        [ActionWord::Delete] => "-",
        [ActionWord::Delete, _] => "-/+",
        [_, ActionWord::Delete] => "+/-",
        [ActionWord::Read] => "<=",
        _ => ".",
    }
}

/// Returns `the VPC is there …: vpc-1, vpc-2`.
pub(super) fn assumption(assumption: &AssumptionDocument) -> String {
    let subjects = &assumption.subjects;
    if subjects.is_empty() {
        return format!("- {}", assumption.sentence);
    }
    let mut named = subjects.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    if subjects.len() > 5 {
        named.push_str(&format!(" and {} more", subjects.len() - 5));
    }
    format!("- {}: {named}", assumption.sentence)
}

/// Writes a point in time since the first call.
fn clock(seconds: f64) -> String {
    if seconds < 0.1 { "0s".to_owned() } else { lasting(seconds) }
}

fn lasting(seconds: f64) -> String {
    if seconds < 0.95 { format!("{seconds:.1}s") } else { duration(seconds.max(1.0)) }
}

fn after(seconds: f64) -> String {
    format!("after {}", clock(seconds))
}
