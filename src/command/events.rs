//! The stream of `-json`: one object a line, in the form that Terraform's users know.

use std::io::Write;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::terminal::Terminal;
use crate::apply::Counts;
use crate::apply::event::{ApplyEvent, OperationName};
use crate::diagnostic::{Diagnostics, Severity, SourceMap, json as diagnostic_json};
use crate::environment::Environment;
use crate::plan::Purpose;
use crate::plan::document::{ActionWord, ChangeDocument, Changes, StreamedPlan};
use crate::report::text;

/// Version of the stream: a minor step adds types and fields, a major one breaks readers.
const FORMAT_VERSION: &str = "1.1";

/// Writes events to standard output.
pub struct Events<'a> {
    terminal: &'a Terminal,
    environment: &'a Environment,
}

/// The event of one planned change.
#[derive(Serialize)]
struct PlannedChange<'a> {
    #[serde(rename = "@level")]
    level: &'a str,
    #[serde(rename = "@message")]
    message: String,
    #[serde(rename = "@module")]
    module: &'a str,
    #[serde(rename = "@timestamp")]
    timestamp: String,
    #[serde(rename = "type")]
    kind: &'a str,
    format_version: &'a str,
    change: &'a ChangeDocument,
}

impl<'a> Events<'a> {
    /// Begins a stream with its version.
    pub fn begin(terminal: &'a Terminal, environment: &'a Environment) -> Self {
        let events = Self { terminal, environment };
        let version = env!("CARGO_PKG_VERSION");
        let fields = json!({"natform": version});
        events.write("info", &format!("natform {version}"), "version", fields);
        events
    }

    /// Writes a plan: unfinished operations, drift, changes that are none of no-ops, counts, outputs.
    pub fn plan(&self, document: &StreamedPlan<'_>, operation: &str) {
        for unfinished in &document.unfinished {
            let message = format!("{}: {} is unfinished", unfinished.address, unfinished.action);
            let fields = json!({"operation": unfinished});
            self.write("info", &message, "unfinished_operation", fields);
        }
        for drift in &document.drift {
            let message = format!("{}: drift detected ({})", drift.address, drift.status);
            self.write("info", &message, "resource_drift", json!({"change": drift}));
        }
        let planned = |change: &ChangeDocument| {
            if change.actions == [ActionWord::NoOp] { String::new() } else { self.planned(change) }
        };
        let write = |out: &mut dyn Write| document.changes.rendered(&planned, out);
        self.terminal.stream(write).unwrap_or_default();
        let s = &document.summary;
        let message = format!("Plan: {}", text::counts(document));
        let changes = json!({
            "add": s.to_add(), "change": s.update, "remove": s.to_destroy(), "import": s.import,
            "forget": s.forget, "replace": s.replace, "operation": operation,
        });
        let mut fields = json!({"changes": changes, "impacts": s.impacts});
        if let Some(forecast) = &document.forecast {
            fields["forecast"] = json!(forecast);
        }
        self.write("info", &message, "change_summary", fields);
        if !document.outputs.is_empty() {
            self.write("info", "Outputs", "outputs", json!({"outputs": document.outputs}));
        }
    }

    /// Writes what an apply did.
    pub fn summary(&self, message: &str, operation: &str, counts: Counts) {
        let changes = json!({
            "add": counts.created, "change": counts.updated, "remove": counts.deleted,
            "import": counts.imported, "forget": counts.forgotten, "operation": operation,
        });
        self.write("info", message, "change_summary", json!({"changes": changes}));
    }

    /// Writes output values.
    pub fn outputs(&self, outputs: &Json) {
        self.write("info", "Outputs", "outputs", json!({"outputs": outputs}));
    }

    /// Writes diagnostics.
    pub fn diagnostics(&self, diagnostics: &Diagnostics, sources: &SourceMap) {
        let all = diagnostic_json::to_json(diagnostics, sources);
        for (diagnostic, document) in diagnostics.iter().zip(all) {
            let level = if diagnostic.severity == Severity::Error { "error" } else { "warn" };
            let word = if diagnostic.severity == Severity::Error { "Error" } else { "Warning" };
            let message = format!("{word}: {}", diagnostic.summary);
            self.write(level, &message, "diagnostic", json!({"diagnostic": document}));
        }
    }

    /// Writes one thing that happened during an apply.
    pub fn apply(&self, event: &ApplyEvent) {
        let (kind, level, message) = match event {
            ApplyEvent::Refreshed { .. } => {
                ("refresh_recorded", "info", "live objects recorded".into())
            }
            ApplyEvent::Recovered { operation, detail, .. } => {
                ("recovered", "info", format!("{}: {detail}", operation.address))
            }
            ApplyEvent::Started { operation, .. } => {
                ("apply_start", "info", says(operation, "started"))
            }
            ApplyEvent::StillGoing { operation, .. } => {
                ("apply_progress", "info", says(operation, "is under way"))
            }
            ApplyEvent::ConversionStep { operation, step } => {
                ("conversion_step", "info", format!("{}: step {step}", operation.address))
            }
            ApplyEvent::Throttled { operation, .. } => {
                ("throttled", "warn", says(operation, "is throttled"))
            }
            ApplyEvent::Busy { operation, .. } => ("busy", "info", says(operation, "has to wait")),
            ApplyEvent::Completed { operation, .. } => {
                ("apply_complete", "info", says(operation, "is complete"))
            }
            ApplyEvent::Failed { operation, .. } => {
                ("apply_errored", "error", says(operation, "failed"))
            }
            ApplyEvent::Skipped { operation, because } => (
                "apply_skipped",
                "warn",
                says(operation, &format!("is left out, since {because} failed")),
            ),
            ApplyEvent::Finishing { .. } => ("interrupted", "warn", "Interrupted".into()),
        };
        let mut hook = serde_json::to_value(event).unwrap_or(Json::Null);
        if let Json::Object(fields) = &mut hook {
            fields.remove("event");
            if let Some(elapsed) = fields.get_mut("elapsed") {
                *elapsed = seconds(elapsed);
            }
            if let Some(wait) = fields.get_mut("wait") {
                *wait = seconds(wait);
            }
        }
        self.write(level, &message, kind, json!({"hook": hook}));
    }

    /// Returns the line of one planned change; there may be very many of them.
    fn planned(&self, change: &ChangeDocument) -> String {
        let line = PlannedChange {
            level: "info",
            message: format!("{} {}", change.address, text::words(change)),
            module: "natform",
            timestamp: self.environment.clock.now().iso8601(),
            kind: "planned_change",
            format_version: FORMAT_VERSION,
            change,
        };
        serde_json::to_string(&line).map_or_else(|_| String::new(), |line| line + "\n")
    }

    fn write(&self, level: &str, message: &str, kind: &str, fields: Json) {
        let mut event = json!({
            "@level": level,
            "@message": message,
            "@module": "natform",
            "@timestamp": self.environment.clock.now().iso8601(),
            "type": kind,
            "format_version": FORMAT_VERSION,
        });
        if let (Json::Object(event), Json::Object(fields)) = (&mut event, fields) {
            event.extend(fields);
        }
        // A closed pipe must not stop an apply half way.
        self.terminal.print(&format!("{event}\n")).unwrap_or_default();
    }
}

fn says(operation: &OperationName, what: &str) -> String {
    let purpose = match operation.purpose {
        Purpose::Create => "create",
        Purpose::Update => "update",
        Purpose::Delete => "delete",
    };
    format!("{}: {purpose} {what}", operation.address)
}

/// Turns a serialised duration into seconds.
fn seconds(duration: &Json) -> Json {
    let part = |name: &str| duration.get(name).and_then(Json::as_f64).unwrap_or(0.0);
    json!(part("secs") + part("nanos") / 1e9)
}
