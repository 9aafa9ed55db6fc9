//! A plan as Markdown for a pull request: verdict and counts first, what destroys or interrupts
//! next, then every change in a `diff` fence, where `+`, `-` and `!` in the first column colour.

use std::collections::BTreeMap;
use std::io;

use super::diff::{Line, Mark};
use super::foresight;
use super::paint::Paint;
use super::text::{change_lines, drift_lines, header, impact, output_lines, verdict, words};
use crate::plan::document::{
    ActionWord, ChangeDocument, Changes, DriftDocument, OutputDocument, PlanDocument,
    ReasonDocument,
};

const PLAIN: Paint = Paint { on: false };

/// Longest comment that common forges accept is 65,536 characters; the rest is for a title and a
/// marker that the job adds.
pub(super) const LIMIT: usize = 60_000;

/// Renders a whole plan. The verdict, the counts and the list of what destroys are never cut; the
/// differences are cut at a change's end when the text would grow too long for a comment.
///
/// # Errors
/// Returns what reading the changes returns.
pub fn plan<C: Changes, O>(document: &PlanDocument<C, O>) -> io::Result<String> {
    let mut out = head(document)?;
    let mut changes = String::new();
    let mut length = out.chars().count();
    let mut left_out = 0;
    document.changes.shown(&mut |change| {
        if change.actions == [ActionWord::NoOp] {
            return Ok(());
        }
        // Once one has no room, those behind it are left out too.
        if left_out == 0 {
            let text = change_block(change);
            length += text.chars().count();
            if length <= LIMIT {
                changes.push_str(&text);
                return Ok(());
            }
        }
        left_out += 1;
        Ok(())
    })?;
    if !changes.is_empty() || left_out > 0 {
        out.push_str("### Changes\n\n");
        out.push_str(&changes);
    }
    if left_out > 0 {
        out.push_str(&format!(
            "> **{left_out} changes are not shown**, since a comment has no room for them; \
             `natform show` of the same plan file lists all.\n\n"
        ));
    }
    out.push_str(&outputs(&document.outputs));
    out.push_str(&drift(&document.drift));
    if let Some(digest) = &document.digest {
        out.push_str(&format!("<!-- natform plan {digest} -->\n"));
    }
    Ok(out)
}

/// Verdict, counts table and what needs a second look.
fn head<C: Changes, O>(document: &PlanDocument<C, O>) -> io::Result<String> {
    let s = &document.summary;
    let mut out = format!("## {}\n\n", title(document));
    out.push_str("| create | update | replace | destroy | forget | drift |\n");
    out.push_str("|---:|---:|---:|---:|---:|---:|\n");
    out.push_str(&format!(
        "| {} | {} | {} | {} | {} | {} |\n\n",
        s.create, s.update, s.replace, s.delete, s.forget, s.drift
    ));
    if let Some(text) = foresight::impacts(&s.impacts) {
        out.push_str(&format!("**Impact:** {text}.\n\n"));
    }
    if let Some(forecast) = &document.forecast {
        out.push_str(&format!("**Takes:** {}.\n\n", escape(&foresight::course(forecast))));
    }
    if !document.unfinished.is_empty() {
        out.push_str("### Unfinished operations\n\n");
        for operation in &document.unfinished {
            let (address, action) = (code(&operation.address), code(&operation.action));
            out.push_str(&format!("- {address} {action}: {}\n", escape(&operation.recovery)));
        }
        out.push('\n');
    }
    let mut careful = String::new();
    document.changes.shown(&mut |change| {
        let destroys = change.actions.contains(&ActionWord::Delete);
        if destroys || (!change.impacts.is_empty() && change.actions != [ActionWord::Create]) {
            careful.push_str(&note(change));
        }
        Ok(())
    })?;
    if !careful.is_empty() {
        out.push_str(&format!("### Look twice\n\n{careful}\n"));
    }
    Ok(out)
}

/// Says in a line why a change deserves a second look.
fn note(change: &ChangeDocument) -> String {
    let mut notes: Vec<String> =
        reasons(change).map(|r| format!("because {}", escape(&r.sentence))).collect();
    notes.extend(change.impacts.iter().map(|i| format!("**{}**", impact(*i))));
    notes.extend(change.remarks.iter().map(|r| escape(r)));
    let notes = if notes.is_empty() { String::new() } else { format!(": {}", notes.join("; ")) };
    format!("- {} {}{notes}\n", code(&change.address), destructive(change))
}

/// Returns the reasons that say more than the title does.
fn reasons(change: &ChangeDocument) -> impl Iterator<Item = &ReasonDocument> {
    change.reasons.iter().filter(|reason| reason.code != "destroy")
}

fn title<C, O>(document: &PlanDocument<C, O>) -> String {
    let text = verdict(document, PLAIN);
    let text = text.trim();
    if text.is_empty() { "natform: outputs change".into() } else { format!("natform: {text}") }
}

fn destructive(change: &ChangeDocument) -> &'static str {
    use ActionWord::{Create, Delete};
    match change.actions.as_slice() {
        [Delete, Create] => "will be **replaced** (destroyed, then created)",
        [Create, Delete] => "will be **replaced** (created, then the old one destroyed)",
        [Delete] => "will be **destroyed**",
        _ => words(change),
    }
}

fn change_block(change: &ChangeDocument) -> String {
    let mark = match change.actions.as_slice() {
        [ActionWord::Create] => "+",
        [ActionWord::Delete] => "-",
        [ActionWord::Read] => " ",
        _ => "!",
    };
    let body = resource(mark, &change.address, &change_lines(change));
    let place = change.location.as_ref().map_or(String::new(), |l| format!(" ({})", escape(l)));
    let title = format!("{} {}{place}", html(&change.address), words(change));
    folded(&title, &body)
}

/// Returns a block with its attributes as the body of a `diff` fence.
pub(super) fn resource(mark: &str, address: &str, lines: &[Line]) -> String {
    let mut body = format!("{mark} {} {{\n", header(address));
    for line in lines {
        push_diff(line, &mut body);
    }
    body.push_str("  }\n");
    body
}

/// Writes a line with its mark in the first column; a change of `a -> b` as `!`.
fn push_diff(line: &Line, body: &mut String) {
    let mark = match line.mark {
        Mark::None => " ",
        Mark::Add => "+",
        Mark::Remove => "-",
        Mark::Change => "!",
    };
    let text = format!("{mark} {}{}", "  ".repeat(line.depth + 1), line.text);
    body.push_str(text.trim_end());
    body.push('\n');
}

pub(super) fn folded(title: &str, body: &str) -> String {
    let fence = fence(body);
    format!(
        "<details><summary><code>{title}</code></summary>\n\n{fence}diff\n{body}{fence}\n\n</details>\n\n"
    )
}

fn outputs(outputs: &BTreeMap<String, OutputDocument>) -> String {
    let changed: Vec<_> = outputs.iter().filter(|(_, o)| o.actions != [ActionWord::NoOp]).collect();
    if changed.is_empty() {
        return String::new();
    }
    let mut body = String::new();
    for line in output_lines(&changed) {
        push_diff(&line, &mut body);
    }
    let fence = fence(&body);
    format!("### Outputs\n\n{fence}diff\n{body}{fence}\n\n")
}

fn drift(list: &[DriftDocument]) -> String {
    if list.is_empty() {
        return String::new();
    }
    let mut out = String::from("### Drift\n\nChanged outside natform since it was recorded:\n\n");
    for object in list {
        let mark = if object.after.is_null() { "-" } else { "!" };
        let body = resource(mark, &object.address, &drift_lines(object));
        let what = if object.after.is_null() { "no longer exists" } else { "is not as recorded" };
        out.push_str(&folded(&format!("{} {what}", html(&object.address)), &body));
    }
    out
}

/// Returns a fence longer than any run of backticks in the text.
fn fence(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    "`".repeat((longest + 1).max(3))
}

/// Returns inline code, whatever the text holds.
pub(super) fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    format!("{fence}{}{fence}", text.replace('\n', " "))
}

/// Escapes what Markdown would read as formatting, but for code between backticks.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_code = false;
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '`' => {
                in_code = !in_code;
                out.push(c);
            }
            '<' if !in_code => out.push_str("&lt;"),
            '*' | '_' | '[' | ']' | '\\' | '|' if !in_code => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Escapes what HTML would read as tags.
pub(super) fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', " ")
}
