//! A rehearsal as Markdown for a pull request: the verdict first, then what a reviewer must know.

use super::markdown::{LIMIT, code, escape};
use super::rehearsal::{
    afterwards, assumption, calls, critical_path, progress, recovered, stop, takes, verdict,
    with_end,
};
use crate::rehearsal::document::{End, Failure, RehearsalDocument, Verdict};

/// Renders a whole report; lists are cut when the text would grow too long for a comment.
pub fn rehearsal(document: &RehearsalDocument) -> String {
    let mark = if document.verdict.is_good() { "✅" } else { "❌" };
    let mut out = format!("## natform rehearse: {mark} {}\n\n", escape(&verdict(document)));
    if document.verdict == Verdict::Refused {
        let summaries = document.diagnostics.iter().filter_map(|d| d["summary"].as_str());
        list("Errors", summaries.map(escape).collect(), &mut out);
        return end(out, document);
    }
    if !document.operations.is_empty() {
        out.push_str(&format!("**Takes:** {}.\n\n", escape(&takes(document))));
        out.push_str(&format!("**Calls:** {}.\n\n", escape(&calls(&document.calls))));
    }
    let escaped = |lines: Vec<String>| lines.iter().map(|line| escape(line)).collect();
    list("Finished first, from earlier runs", escaped(recovered(document)), &mut out);
    list("What fails", failures(document), &mut out);
    if let Some(line) = progress(document) {
        out.push_str(&format!("{}.\n\n", escape(&line)));
        list("Done", escaped(with_end(document, End::Done)), &mut out);
        list("Not begun", escaped(with_end(document, End::NotBegun)), &mut out);
    }
    let stops = document.interruptions.iter().map(stop).collect();
    list("Traffic that stops", escaped(stops), &mut out);
    list("Planned afterwards", escaped(afterwards(document)), &mut out);
    let path = critical_path(document);
    if !path.is_empty() {
        let body: String = path.iter().take(200).map(|line| format!("{line}\n")).collect();
        out.push_str(&format!(
            "<details><summary>Critical path</summary>\n\n```text\n{body}```\n</details>\n\n"
        ));
    }
    let assumed: Vec<String> = document.assumptions.iter().map(assumption).collect();
    if !assumed.is_empty() {
        let body: String = assumed.iter().map(|line| format!("{}\n", escape_item(line))).collect();
        out.push_str(&format!("<details><summary>Assumed</summary>\n\n{body}\n</details>\n\n"));
    }
    end(out, document)
}

fn end(mut out: String, document: &RehearsalDocument) -> String {
    let of = document.digest.as_deref().map_or(String::new(), |digest| format!(" {digest}"));
    out.push_str(&format!("<!-- natform rehearse{of} -->\n"));
    out
}

/// Escapes an item that has its bullet already.
fn escape_item(line: &str) -> String {
    format!("- {}", escape(line.trim_start_matches("- ")))
}

fn failures(document: &RehearsalDocument) -> Vec<String> {
    let line = |f: &Failure| {
        let place = f.location.as_deref().map_or(String::new(), |l| format!(" ({})", escape(l)));
        let why = match &f.refusal {
            Some(refusal) => format!("{}: {}", code(&refusal.code), escape(&refusal.message)),
            None => escape(&f.summary),
        };
        let rule = f.rule.as_ref();
        let rule = rule.map_or(String::new(), |r| {
            format!("; by the rule {}: {}", code(&r.code), escape(&r.summary))
        });
        format!("{}{place}, {}: {why}{rule}", code(&f.address), code(&f.action))
    };
    document.failures.iter().map(line).collect()
}

/// Writes a list below its title; what has no room is counted.
fn list(title: &str, lines: Vec<String>, out: &mut String) {
    if lines.is_empty() {
        return;
    }
    out.push_str(&format!("### {title}\n\n"));
    let mut left_out = 0;
    for line in lines {
        if out.chars().count() + line.chars().count() > LIMIT / 2 {
            left_out += 1;
        } else {
            out.push_str(&format!("- {line}\n"));
        }
    }
    if left_out > 0 {
        out.push_str(&format!("- … and {left_out} more\n"));
    }
    out.push('\n');
}
