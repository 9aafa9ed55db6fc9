//! A drift report as text: what changed, what is missing, what nobody manages, and the verdict.

use serde_json::{Value as Json, json};

use super::diff::{self, Line, Options, Side};
use super::paint::Paint;
use super::text::{block, header};
use crate::drift::{
    AttributeDrift, ChangedObject, DriftReport, DriftStatus, ExpectationStatus, ExpectationUse,
    Expected,
};

/// Renders a whole report.
pub fn scan(report: &DriftReport, paint: Paint) -> String {
    let mut out = String::new();
    for object in &report.changed {
        out.push_str(&changed(object, paint));
    }
    for object in &report.missing {
        out.push_str(&format!(
            "  # {} {}{}\n  {} {} (id {})\n\n",
            paint.bold(&object.address),
            paint.red("no longer exists"),
            because(object.expected.as_ref()),
            paint.red("-"),
            header(&object.address),
            object.id
        ));
    }
    if !report.unmanaged.is_empty() {
        out.push_str("Not managed:\n");
        for object in &report.unmanaged {
            let name = object.import_id.as_ref().unwrap_or(&object.id);
            let whose = if object.within_managed { "" } else { " (outside what is managed)" };
            let expected = because(object.expected.as_ref());
            out.push_str(&format!(
                "  {} {} {name} in {}{whose}{expected}\n",
                paint.yellow("?"),
                object.kind,
                object.region
            ));
        }
        out.push('\n');
    }
    for failure in &report.failures {
        out.push_str(&format!("{} {}: {}\n", paint.red("Cannot read"), failure.what, failure.why));
    }
    let stale: Vec<String> = stale_expectations(report).collect();
    if !stale.is_empty() {
        out.push_str("Expected drift that needs a look:\n");
        for line in stale {
            out.push_str(&format!("  {} {line}\n", paint.yellow("!")));
        }
        out.push('\n');
    }
    out.push_str(&verdict(report, paint));
    out
}

/// Says of each expectation that is over or of nothing what is to be done with it.
pub(super) fn stale_expectations(report: &DriftReport) -> impl Iterator<Item = String> {
    report.expectations.iter().filter_map(|expectation| {
        let ExpectationUse { entry, address, id, reason, findings, .. } = expectation;
        let of = address.as_ref().or(id.as_ref()).map_or("", |of| of);
        let until = expectation.until.as_deref().unwrap_or_default();
        let what = match (expectation.status, findings) {
            (ExpectationStatus::Met, _) => return None,
            (ExpectationStatus::Unused, _) => "is of nothing that has drifted".to_owned(),
            (ExpectationStatus::Expired, 0) => format!("ended on {until} and is of nothing"),
            (ExpectationStatus::Expired, _) => {
                format!("ended on {until}; what it is of counts again")
            }
        };
        Some(format!("entry {entry}, `{of}` ({reason}), {what}"))
    })
}

pub(super) fn verdict(report: &DriftReport, paint: Paint) -> String {
    let c = &report.coverage;
    let counts = format!(
        "{} recorded, {} changed, {} missing, {} not managed{}",
        c.recorded,
        c.changed,
        c.missing,
        c.unmanaged,
        if c.expected > 0 { format!(", {} of them expected", c.expected) } else { String::new() }
    );
    match report.status {
        DriftStatus::InSync => format!("{} {counts}.\n", paint.green("In sync.")),
        DriftStatus::Drifted => format!("{} {counts}.\n", paint.yellow("Drift:")),
        DriftStatus::Failed => {
            format!(
                "{} Nothing can be said of the whole; {counts}.\n",
                paint.red("The scan failed.")
            )
        }
    }
}

pub(super) fn because(expected: Option<&Expected>) -> String {
    expected.map_or(String::new(), |e| format!(" (expected: {})", e.reason))
}

/// Returns the attributes that differ.
pub(super) fn lines(object: &ChangedObject) -> Vec<Line> {
    let side = |pick: fn(&AttributeDrift) -> Json| -> Json {
        Json::Object(object.attributes.iter().map(|a| (a.name.clone(), pick(a))).collect())
    };
    let before = side(|a| a.recorded.clone());
    let after = side(|a| a.live.clone());
    let sensitive = side(|a| json!(a.sensitive));
    diff::object(
        Side { value: &before, unknown: &Json::Null, sensitive: &sensitive },
        Side { value: &after, unknown: &Json::Null, sensitive: &sensitive },
        Options { replace: &[], always: &[], hide: false },
    )
}

fn changed(object: &ChangedObject, paint: Paint) -> String {
    let mut out = format!(
        "  # {} is not as recorded{}\n",
        paint.bold(&object.address),
        because(object.expected.as_ref()),
    );
    let symbol = format!("  {}", paint.yellow("~"));
    block(&symbol, &header(&object.address), &lines(object), paint, &mut out);
    out.push('\n');
    out
}
