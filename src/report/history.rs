//! The history of a state as text: a line for each serial, and what it changed below.

use super::paint::Paint;
use crate::state::document::{HistoryDocument, RecordedAction, RecordedChange, SerialDocument};

/// Renders a history, the newest serial first.
pub fn history(document: &HistoryDocument, paint: Paint) -> String {
    let entries: Vec<String> = document.serials.iter().map(|entry| serial(entry, paint)).collect();
    entries.join("\n")
}

fn serial(entry: &SerialDocument, paint: Paint) -> String {
    let mut out = format!("{}  {}", paint.bold(&format!("Serial {}", entry.serial)), entry.at);
    match &entry.run {
        None => out.push_str("  by nobody known\n"),
        Some(run) => {
            let unfinished = if run.ended_at.is_some() { "" } else { ", unfinished" };
            let plan = run.plan.as_ref().map_or(String::new(), |digest| {
                format!(", plan {}", digest.chars().take(12).collect::<String>())
            });
            out.push_str(&format!(
                "  {}  {}\n{}\n",
                run.who,
                paint.bold(&run.command),
                paint.dim(&format!("  run {}{plan}{unfinished}", run.id))
            ));
        }
    }
    for recorded in &entry.changes {
        out.push_str(&format!("  {}\n", change(recorded, paint)));
    }
    for name in &entry.outputs {
        out.push_str(&format!("  {} output {name}\n", paint.yellow("~")));
    }
    out
}

fn change(change: &RecordedChange, paint: Paint) -> String {
    let aside = change.deposed.as_ref().map_or(String::new(), |key| format!(" (deposed {key})"));
    let address = format!("{}{aside}", change.address);
    match change.action {
        RecordedAction::Create => format!("{} {address}", paint.green("+")),
        RecordedAction::Delete => format!("{} {address}", paint.red("-")),
        RecordedAction::Update => {
            format!("{} {address}: {}", paint.yellow("~"), change.attributes.join(", "))
        }
        RecordedAction::Move => {
            let from = change.previous_address.as_deref().unwrap_or("?");
            format!("{} {from} -> {address}", paint.yellow("~"))
        }
    }
}
