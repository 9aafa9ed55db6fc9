//! A plan as text for a terminal, in the conventions that Terraform's users read at sight.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::diff::{self, Line, Mark, Options, Side};
use super::foresight;
use super::paint::Paint;
use crate::plan::PlanMode;
use crate::plan::document::{
    ActionWord, ChangeDocument, Changes, DriftDocument, OutputDocument, PlanDocument,
    UnfinishedDocument,
};
use crate::resources::Impact;
use serde_json::Value as Json;

/// Attributes that are shown although they do not change, so that a reader knows what it is about.
const ALWAYS: &[&str] = &["id", "name"];

/// Writes a whole plan.
///
/// # Errors
/// Returns the first error of `out`.
pub fn plan<C: Changes, O>(
    document: &PlanDocument<C, O>,
    paint: Paint,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut head = String::new();
    unfinished(&document.unfinished, paint, &mut head);
    drift(document, paint, &mut head);
    let shows_changes = document.summary.shown() > 0;
    if shows_changes {
        legend(&document.changes, paint, &mut head);
    }
    out.write_all(head.as_bytes())?;
    if shows_changes {
        document.changes.rendered(&|change| change_block(change, paint) + "\n", out)?;
    }
    let mut tail = verdict(document, paint);
    tail.push_str(&meaning(document, paint));
    let separate = !tail.is_empty() || !(head.is_empty() || head.ends_with("\n\n"));
    outputs(&document.outputs, separate, paint, &mut tail);
    if document.applicable && document.summary.operations == 0 && is_about_outputs(document) {
        tail.push_str(
            "\nApplying this plan records these outputs and changes nothing in the service.\n",
        );
    }
    out.write_all(tail.as_bytes())
}

/// Returns whether nothing but outputs changes.
fn is_about_outputs<C, O>(document: &PlanDocument<C, O>) -> bool {
    document.mode == PlanMode::Normal
        && document.summary.outputs > 0
        && document.unfinished.is_empty()
        && document.summary.shown() == 0
}

/// Returns the line that counts, or says that there is nothing to do.
pub fn verdict<C, O>(document: &PlanDocument<C, O>, paint: Paint) -> String {
    let s = &document.summary;
    if document.errored {
        return format!(
            "{}\n",
            paint.red("Planning failed; what is shown above will not be applied.")
        );
    }
    if s.shown() > 0 {
        return format!("{} {}\n", paint.bold("Plan:"), counts(document));
    }
    let text = match document.mode {
        PlanMode::Destroy => "No objects to destroy. The state records nothing.",
        PlanMode::RefreshOnly if s.drift == 0 => {
            "No drift. The live objects are as the state records them."
        }
        PlanMode::RefreshOnly => {
            return "Applying this plan records what is live and changes nothing in the service.\n"
                .into();
        }
        PlanMode::Normal if s.outputs > 0 || !document.unfinished.is_empty() => {
            return String::new();
        }
        PlanMode::Normal if s.drift > 0 => {
            "No changes. The configuration asks for nothing that the drift above would undo."
        }
        PlanMode::Normal => "No changes. The live objects match the configuration.",
    };
    format!("{}\n", paint.green(text))
}

/// Returns the lines that say what a plan means for others and how long it will take.
fn meaning<C, O>(document: &PlanDocument<C, O>, paint: Paint) -> String {
    let line = |name: &str, text: &str| format!("{} {text}.\n", paint.bold(name));
    let mut out = String::new();
    if document.errored {
        return out;
    }
    if let Some(text) = foresight::impacts(&document.summary.impacts) {
        out.push_str(&line("Impact:", &text));
    }
    if let Some(forecast) = &document.forecast {
        out.push_str(&line("Takes:", &foresight::course(forecast)));
    }
    out
}

/// Returns `2 to add, 1 to change, 0 to destroy`.
pub fn counts<C, O>(document: &PlanDocument<C, O>) -> String {
    let s = &document.summary;
    let mut parts = Vec::new();
    if s.import > 0 {
        parts.push(format!("{} to import", s.import));
    }
    parts.push(format!("{} to add", s.to_add()));
    parts.push(format!("{} to change", s.update));
    parts.push(format!("{} to destroy", s.to_destroy()));
    if s.forget > 0 {
        parts.push(format!("{} to forget", s.forget));
    }
    let mut text = parts.join(", ");
    if s.replace > 0 {
        let plural = if s.replace == 1 { "" } else { "s" };
        text.push_str(&format!(" ({} replacement{plural})", s.replace));
    }
    text + "."
}

fn unfinished(list: &[UnfinishedDocument], paint: Paint, out: &mut String) {
    if list.is_empty() {
        return;
    }
    out.push_str(&paint.yellow("An earlier run did not finish. The next apply first does this:"));
    out.push_str("\n\n");
    for operation in list {
        let phase = format!("{:?}", operation.phase).to_lowercase();
        out.push_str(&format!(
            "  {} {} ({phase} {}): {}\n",
            paint.bold(&operation.address),
            operation.action,
            operation.intended_at,
            operation.recovery
        ));
    }
    out.push('\n');
}

fn drift<C, O>(document: &PlanDocument<C, O>, paint: Paint, out: &mut String) {
    if document.drift.is_empty() {
        return;
    }
    out.push_str(&paint.cyan("Drift: changed outside natform since it was recorded"));
    out.push_str("\n\n");
    for object in &document.drift {
        out.push_str(&drift_block(object, paint));
        out.push('\n');
    }
}

/// Renders one drifted object.
pub fn drift_block(object: &DriftDocument, paint: Paint) -> String {
    let missing = object.after.is_null();
    let (mark, words) = if missing {
        (Mark::Remove, paint.red("no longer exists"))
    } else {
        (Mark::Change, "is not as recorded".to_owned())
    };
    let mut out = format!("  # {} {words}\n", paint.bold(&object.address));
    let lines = drift_lines(object);
    block(&symbol(mark, paint), &header(&object.address), &lines, paint, &mut out);
    out
}

/// Returns the lines of what drifted in an object; none when it is gone.
pub fn drift_lines(object: &DriftDocument) -> Vec<Line> {
    if object.after.is_null() {
        return Vec::new();
    }
    diff::object(
        Side { value: &object.before, unknown: &Json::Null, sensitive: &object.before_sensitive },
        Side { value: &object.after, unknown: &Json::Null, sensitive: &object.after_sensitive },
        Options { replace: &[], always: ALWAYS, hide: true },
    )
}

fn legend(changes: &impl Changes, paint: Paint, out: &mut String) {
    let entries: &[(&[ActionWord], &str)] = &[
        (&[ActionWord::Create], "create"),
        (&[ActionWord::Update], "update in place"),
        (&[ActionWord::Delete], "destroy"),
        (&[ActionWord::Delete, ActionWord::Create], "destroy, then create anew"),
        (&[ActionWord::Create, ActionWord::Delete], "create anew, then destroy the old one"),
        (&[ActionWord::Read], "read during apply"),
        (&[ActionWord::Forget], "forget, leave in the service"),
    ];
    let used: Vec<_> = entries.iter().filter(|(actions, _)| changes.any(actions)).collect();
    if used.is_empty() {
        return;
    }
    out.push_str("natform will do the following:\n");
    for (actions, words) in used {
        out.push_str(&format!("{} {words}\n", action_symbol(actions, paint)));
    }
    out.push('\n');
}

/// Returns the symbol of an action, three cells wide.
fn action_symbol(actions: &[ActionWord], paint: Paint) -> String {
    use ActionWord::{Create, Delete, Forget, Read, Update};
    match actions {
        [Create] => format!("  {}", paint.green("+")),
        [Update] => format!("  {}", paint.yellow("~")),
        [Delete] => format!("  {}", paint.red("-")),
        [Delete, Create] => format!("{}/{}", paint.red("-"), paint.green("+")),
        [Create, Delete] => format!("{}/{}", paint.green("+"), paint.red("-")),
        [Read] => format!(" {}", paint.cyan("<=")),
        [Forget] => format!("  {}", paint.red(".")),
        _ => "   ".into(),
    }
}

/// Returns what happens, as the end of a sentence that starts with the address.
pub fn words(change: &ChangeDocument) -> &'static str {
    use ActionWord::{Create, Delete, Forget, NoOp, Read, Update};
    match change.actions.as_slice() {
        [Create] => "will be created",
        [Update] => "will be updated in place",
        [Delete] if change.deposed.is_some() => "(set aside by a replacement) will be destroyed",
        [Delete] => "will be destroyed",
        [Delete, Create] => "must be replaced",
        [Create, Delete] => "must be replaced (the new one first)",
        [Read] => "will be read during apply",
        [Forget] => "will be forgotten and left in the service",
        [NoOp] if change.importing.is_some() => "will be imported",
        [NoOp] if change.previous_address.is_some() => "has moved",
        _ => "stays as it is",
    }
}

/// Returns what an impact means, for people.
pub const fn impact(impact: Impact) -> &'static str {
    match impact {
        Impact::InterruptsTraffic => "interrupts traffic",
        Impact::ChangesBilling => "changes billing",
        Impact::CannotBeUndone => "cannot be undone",
        Impact::ReleasesAddress => "releases a public address",
    }
}

fn change_block(change: &ChangeDocument, paint: Paint) -> String {
    let deletes = change.actions.contains(&ActionWord::Delete);
    let verb = words(change);
    let verb = if deletes { paint.red(verb) } else { verb.to_owned() };
    let mut out = format!("  # {} {verb}\n", paint.bold(&change.address));
    let mut comment = |text: &str| out.push_str(&format!("  # {text}\n"));
    if let Some(previous) = &change.previous_address {
        comment(&format!("(moved from {previous})"));
    }
    if let Some(id) = &change.importing {
        comment(&format!("(imported from \"{id}\")"));
    }
    for reason in change
        .reasons
        .iter()
        .filter(|r| !["destroy", "imported", "moved"].contains(&r.code.as_str()))
    {
        comment(&format!("(because {})", reason.sentence));
    }
    if !change.impacts.is_empty() {
        let list: Vec<&str> = change.impacts.iter().map(|i| impact(*i)).collect();
        comment(&paint.yellow(&list.join(", ")));
    }
    for remark in &change.remarks {
        comment(remark);
    }
    for name in &change.kept {
        comment(&format!(
            "{name} was removed from the configuration; the service cannot clear it, so it stays"
        ));
    }
    let symbol = action_symbol(&change.actions, paint);
    let word = if change.mode == "data" { "data" } else { "resource" };
    let header = format!("{word} \"{}\" \"{}\"", change.kind, change.name);
    block(&symbol, &header, &change_lines(change), paint, &mut out);
    out
}

/// Returns the lines of a change's attributes.
pub fn change_lines(change: &ChangeDocument) -> Vec<Line> {
    let before =
        Side { value: &change.before, unknown: &Json::Null, sensitive: &change.before_sensitive };
    let after = Side {
        value: &change.after,
        unknown: &change.after_unknown,
        sensitive: &change.after_sensitive,
    };
    let hide = !change.before.is_null() && !change.after.is_null();
    diff::object(before, after, Options { replace: &change.replace_paths, always: ALWAYS, hide })
}

/// Returns `resource "nat_gateway" "edge"` for an address.
pub fn header(address: &str) -> String {
    let Ok(address) = address.parse::<crate::address::Address>() else { return address.to_owned() };
    let word = match address.resource.mode {
        crate::address::Mode::Managed => "resource",
        crate::address::Mode::Data => "data",
    };
    format!("{word} \"{}\" \"{}\"", address.resource.kind, address.resource.name)
}

/// Writes a block with its symbol and the lines of its attributes.
pub(super) fn block(symbol: &str, header: &str, lines: &[Line], paint: Paint, out: &mut String) {
    if lines.is_empty() {
        out.push_str(&format!("{symbol} {header} {{}}\n"));
        return;
    }
    out.push_str(&format!("{symbol} {header} {{\n"));
    for line in lines {
        push_line(line, 6, paint, out);
    }
    out.push_str("    }\n");
}

fn push_line(line: &Line, indent: usize, paint: Paint, out: &mut String) {
    let start = out.len();
    out.extend(std::iter::repeat_n(' ', indent + line.depth * 4));
    if paint.on {
        let text =
            if line.text.starts_with("# ") { paint.dim(&line.text) } else { line.text.clone() };
        let note = " # forces replacement";
        out.push_str(&symbol_of(line.mark, paint));
        out.push(' ');
        out.push_str(&text.replace(note, &paint.red(note)));
    } else {
        out.push_str(line.mark.symbol());
        out.push(' ');
        out.push_str(&line.text);
    }
    let end = start + out[start..].trim_end().len();
    out.truncate(end);
    out.push('\n');
}

fn symbol_of(mark: Mark, paint: Paint) -> String {
    match mark {
        Mark::None => " ".into(),
        Mark::Add => paint.green("+"),
        Mark::Remove => paint.red("-"),
        Mark::Change => paint.yellow("~"),
    }
}

fn symbol(mark: Mark, paint: Paint) -> String {
    format!("  {}", symbol_of(mark, paint))
}

fn outputs(all: &BTreeMap<String, OutputDocument>, separate: bool, paint: Paint, out: &mut String) {
    let changed: Vec<(&String, &OutputDocument)> =
        all.iter().filter(|(_, o)| o.actions != [ActionWord::NoOp]).collect();
    if changed.is_empty() {
        return;
    }
    if separate {
        out.push('\n');
    }
    out.push_str("Changes to Outputs:\n");
    for line in output_lines(&changed) {
        push_line(&line, 2, paint, out);
    }
}

/// Returns the lines of outputs that change.
pub fn output_lines(changed: &[(&String, &OutputDocument)]) -> Vec<Line> {
    let all = |pick: fn(&OutputDocument) -> Json| -> Json {
        Json::Object(changed.iter().map(|(n, o)| ((*n).clone(), pick(o))).collect())
    };
    let before = all(|o| o.before.clone());
    let after = all(|o| o.after.clone());
    let unknown = all(|o| o.after_unknown.clone());
    let sensitive = all(|o| Json::Bool(o.sensitive));
    diff::object(
        Side { value: &before, unknown: &Json::Null, sensitive: &sensitive },
        Side { value: &after, unknown: &unknown, sensitive: &sensitive },
        Options { replace: &[], always: &[], hide: false },
    )
}
