//! A drift report as Markdown for an issue or a job's summary: verdict and counts first, then what
//! changed in `diff` fences, what is missing, and what nobody manages.

use super::drift::{because, lines, stale_expectations, verdict};
use super::markdown::{LIMIT, code, escape, folded, html, resource};
use super::paint::Paint;
use crate::drift::{ChangedObject, DriftReport};

/// Renders a whole report. Verdict and counts are never cut; what follows is, at an entry's end, when
/// the text would grow too long for a comment.
pub fn scan(report: &DriftReport) -> String {
    let mut out = head(report);
    let mut left_out = 0;
    for (title, entries) in [
        ("Could not be read", failures(report)),
        ("Changed", report.changed.iter().map(changed).collect()),
        ("Missing", missing(report)),
        ("Not managed", unmanaged(report)),
        ("Expected drift that needs a look", expectations(report)),
    ] {
        if entries.is_empty() {
            continue;
        }
        out.push_str(&format!("### {title}\n\n"));
        for entry in entries {
            if out.chars().count() + entry.chars().count() > LIMIT {
                left_out += 1;
            } else {
                out.push_str(&entry);
            }
        }
        if !out.ends_with("\n\n") {
            out.push('\n');
        }
    }
    if left_out > 0 {
        out.push_str(&format!(
            "> **{left_out} findings are not shown**, since a comment has no room for them; \
             `natform drift` lists all.\n\n"
        ));
    }
    out.push_str("<!-- natform drift -->\n");
    out
}

fn head(report: &DriftReport) -> String {
    let c = &report.coverage;
    let mut out = format!("## natform: {}\n\n", verdict(report, Paint { on: false }).trim());
    out.push_str(
        "| recorded | in sync | changed | missing | unread | not managed | expected | managed |\n",
    );
    out.push_str("|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    out.push_str(&format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} % |\n\n",
        c.recorded, c.in_sync, c.changed, c.missing, c.unread, c.unmanaged, c.expected, c.percent
    ));
    out
}

fn changed(object: &ChangedObject) -> String {
    let body = resource("!", &object.address, &lines(object));
    let expected = because(object.expected.as_ref());
    folded(&html(&format!("{} is not as recorded{expected}", object.address)), &body)
}

fn failures(report: &DriftReport) -> Vec<String> {
    let line = |what: &str, why: &str| format!("- {}: {}\n", escape(what), escape(why));
    report.failures.iter().map(|failure| line(&failure.what, &failure.why)).collect()
}

fn missing(report: &DriftReport) -> Vec<String> {
    let missing = report.missing.iter();
    missing
        .map(|object| {
            let (address, id) = (code(&object.address), code(&object.id));
            let expected = escape(&because(object.expected.as_ref()));
            format!("- {address} ({id}) no longer exists{expected}\n")
        })
        .collect()
}

fn unmanaged(report: &DriftReport) -> Vec<String> {
    let unmanaged = report.unmanaged.iter();
    unmanaged
        .map(|object| {
            let name = code(object.import_id.as_ref().unwrap_or(&object.id));
            let whose = if object.within_managed { "" } else { " (outside what is managed)" };
            let expected = escape(&because(object.expected.as_ref()));
            format!(
                "- {} {name} in {}{whose}{expected}\n",
                code(&object.kind),
                escape(&object.region)
            )
        })
        .collect()
}

fn expectations(report: &DriftReport) -> Vec<String> {
    stale_expectations(report).map(|line| format!("- {}\n", escape(&line))).collect()
}
