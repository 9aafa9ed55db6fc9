//! What was measured, as a table and as a document.

use serde::Serialize;

use super::arguments::{Bench as Arguments, StepName};
use super::process::Took;
use super::virtually::Came;
use crate::bench::lower_bound::{Binding, Limits, Times, lower_bound};
use crate::bench::needs::{Step, least_reads, needs};
use crate::bench::shape::Shape;

/// What a phase needs at least.
#[derive(Debug, Clone, Copy)]
pub(super) enum Least {
    /// No call.
    Nothing,
    /// Reads of all that there is.
    Reads,
    /// The operations of a step.
    Step(Step),
    /// Both, one after the other.
    ReadsAndStep(Step),
    /// So many calls.
    Known(u64),
}

/// A phase that was measured.
#[derive(Debug)]
pub(super) struct Row {
    shape: Shape,
    phase: String,
    took: Took,
    calls: u64,
    least_calls: Least,
    /// For a step in virtual time.
    came: Option<Came>,
}

/// A row as documents show it.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    instances: u64,
    gateways: u64,
    phase: &'a str,
    #[serde(rename = "virtual")]
    virtually: bool,
    wall_ms: u64,
    processor_ms: u64,
    peak_memory_bytes: u64,
    calls: u64,
    least_calls: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    operations: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calls_per_operation: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_calls: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    makespan_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    least_makespan_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_by: Option<Binding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
}

/// All of it as a document.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    format_version: &'static str,
    parallelism: u16,
    answer_ms: u128,
    timing: &'a str,
    phases: Vec<Shown<'a>>,
}

impl Row {
    /// A phase that was measured by the clock.
    pub(super) fn real(
        shape: &Shape,
        phase: &str,
        took: Took,
        calls: u64,
        least_calls: Least,
    ) -> Self {
        Self { shape: *shape, phase: phase.to_owned(), took, calls, least_calls, came: None }
    }

    /// A step that was carried out in virtual time.
    pub(super) fn virtual_step(shape: &Shape, name: StepName, took: Took, came: &Came) -> Self {
        Self {
            shape: *shape,
            phase: name.title().to_owned(),
            took,
            calls: came.calls,
            least_calls: Least::Known(came.least_calls),
            came: Some(came.clone()),
        }
    }

    fn least_calls(&self) -> u64 {
        match self.least_calls {
            Least::Known(calls) => calls,
            _ => 0,
        }
    }

    fn ratio(&self) -> Option<f64> {
        self.came.as_ref().map(|came| share(came.makespan, came.least_makespan))
    }

    fn calls_per_operation(&self) -> Option<f64> {
        self.came.as_ref().map(|came| share(came.calls, came.operations))
    }

    fn shown(&self) -> Shown<'_> {
        let came = self.came.as_ref();
        Shown {
            instances: self.shape.instances(),
            gateways: self.shape.gateways,
            phase: &self.phase,
            virtually: came.is_some(),
            wall_ms: milliseconds(self.took.wall),
            processor_ms: milliseconds(self.took.processor),
            peak_memory_bytes: self.took.peak,
            calls: self.calls,
            least_calls: self.least_calls(),
            operations: came.map(|came| came.operations),
            calls_per_operation: self.calls_per_operation(),
            refused_calls: came.map(|came| came.refused),
            makespan_ms: came.map(|came| came.makespan),
            least_makespan_ms: came.map(|came| came.least_makespan),
            bound_by: came.map(|came| came.by),
            ratio: self.ratio(),
        }
    }

    fn cells(&self) -> [String; 11] {
        let came = self.came.as_ref();
        let seconds = |time: Option<u64>| time.map_or(String::new(), seconds);
        [
            self.shape.instances().to_string(),
            self.phase.clone(),
            seconds(Some(milliseconds(self.took.wall))),
            seconds(Some(milliseconds(self.took.processor))),
            format!("{} MB", self.took.peak.div_ceil(1_000_000)),
            self.calls.to_string(),
            self.least_calls().to_string(),
            seconds(came.map(|came| came.makespan)),
            seconds(came.map(|came| came.least_makespan)),
            self.ratio().map_or(String::new(), |ratio| format!("{ratio:.3}")),
            came.map_or("", |came| by(came.by)).to_owned(),
        ]
    }
}

const HEADS: [&str; 11] = [
    "size", "phase", "wall", "CPU", "memory", "calls", "least", "makespan", "least", "ratio",
    "bound by",
];

/// All that was measured.
pub(super) struct Table<'a> {
    arguments: &'a Arguments,
    rows: Vec<Row>,
}

impl<'a> Table<'a> {
    pub(super) const fn new(arguments: &'a Arguments) -> Self {
        Self { arguments, rows: Vec::new() }
    }

    pub(super) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Computes how few calls would have done.
    pub(super) fn find_least_calls(&mut self) {
        for row in &mut self.rows {
            let least = |step| {
                let limits = Limits { parallelism: 1, per_second: None };
                lower_bound(&needs(&row.shape, step), &Times::default(), limits).calls
            };
            let calls = match row.least_calls {
                Least::Nothing => 0,
                Least::Reads => least_reads(&row.shape, true),
                Least::Step(step) => least(step),
                Least::ReadsAndStep(step) => least_reads(&row.shape, true) + least(step),
                Least::Known(calls) => calls,
            };
            row.least_calls = Least::Known(calls);
        }
    }

    pub(super) fn document(&self) -> Document<'_> {
        Document {
            format_version: "1.0",
            parallelism: self.arguments.parallelism,
            answer_ms: self.arguments.answer.as_millis(),
            timing: &self.arguments.timing,
            phases: self.rows.iter().map(Row::shown).collect(),
        }
    }

    pub(super) fn text(&self) -> String {
        let cells: Vec<[String; 11]> = std::iter::once(HEADS.map(str::to_owned))
            .chain(self.rows.iter().map(Row::cells))
            .collect();
        let mut widths = [0; 11];
        for row in &cells {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut text = String::new();
        for row in &cells {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                let cell = match column {
                    1 | 10 => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                };
                line.push_str(&cell);
                line.push_str("  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// Says where more was used than the flags allow.
    pub(super) fn exceeded(&self, arguments: &Arguments) -> Vec<String> {
        let mut found = Vec::new();
        for row in &self.rows {
            let name = format!("{} instances, {}", row.shape.instances(), row.phase);
            let mut judge = |what: &str, is: Option<f64>, most: Option<f64>| {
                if let (Some(is), Some(most)) = (is, most)
                    && is > most
                {
                    found.push(format!("{name}: {is:.3} {what}, allowed are {most}"));
                }
            };
            judge("times the least makespan", row.ratio(), arguments.most_ratio);
            judge("calls an operation", row.calls_per_operation(), arguments.most_calls);
        }
        found
    }
}

const fn by(binding: Binding) -> &'static str {
    match binding {
        Binding::Path => "path",
        Binding::Table => "table",
        Binding::Requests => "requests",
        Binding::Rate => "rate",
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:02} s", milliseconds / 1000, milliseconds % 1000 / 10)
}
