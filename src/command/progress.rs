//! The course of an apply: lines for a pipe, lines and a moving status for a terminal, or events.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::events::Events;
use super::terminal::Terminal;
use crate::apply::event::{ApplyEvent, Observer, OperationName, Recovery};
use crate::plan::Purpose;
use crate::report::paint::Paint;

/// How often an operation that takes its time is mentioned where lines cannot be rewritten.
const REMINDER: Duration = Duration::from_secs(10);

/// Shows the course of an apply.
pub struct Progress<'a> {
    terminal: &'a Terminal,
    events: Option<&'a Events<'a>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Operations under way, with what they wait for.
    going: BTreeMap<String, (Duration, String)>,
    /// When each was last mentioned.
    mentioned: BTreeMap<String, Duration>,
    /// How many calls are done, of how many.
    done: usize,
    total: usize,
    /// Whether a status line is on the screen.
    status: bool,
}

impl State {
    fn finished(&mut self, operation: &OperationName) {
        let name = name(operation);
        self.going.remove(&name);
        self.mentioned.remove(&name);
        self.done += 1;
    }
}

impl<'a> Progress<'a> {
    /// Creates one for a plan of `total` calls; with `events`, it writes those instead of lines.
    pub fn new(terminal: &'a Terminal, events: Option<&'a Events<'a>>, total: usize) -> Self {
        Self { terminal, events, state: Mutex::new(State { total, ..State::default() }) }
    }

    /// Takes the status line off the screen.
    pub fn end(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.clear(&mut state);
    }

    fn clear(&self, state: &mut State) {
        if std::mem::take(&mut state.status) {
            self.terminal.report("\r\u{1b}[2K");
        }
    }

    /// Prints a line above the status line.
    fn line(&self, state: &mut State, text: &str) {
        self.clear(state);
        if self.terminal.print(&format!("{text}\n")).is_err() {
            // Nobody reads any more; the apply goes on, since stopping half way is worse.
        }
        self.status(state);
    }

    fn status(&self, state: &mut State) {
        if !self.terminal.live || state.going.is_empty() {
            return;
        }
        let slowest = state.going.iter().max_by_key(|(_, (elapsed, _))| *elapsed);
        let detail = slowest.filter(|(_, (elapsed, _))| *elapsed >= Duration::from_secs(1)).map_or(
            String::new(),
            |(name, (elapsed, waiting))| {
                let waiting =
                    if waiting.is_empty() { String::new() } else { format!(", {waiting}") };
                format!(": {name} for {}{waiting}", duration(*elapsed))
            },
        );
        let text = format!(
            "\r\u{1b}[2K[{}/{}] {} under way{detail}",
            state.done,
            state.total,
            state.going.len()
        );
        let width = terminal_width();
        self.terminal.report(&text.chars().take(width).collect::<String>());
        state.status = true;
    }

    fn show(&self, state: &mut State, event: &ApplyEvent) {
        let paint = Paint { on: self.terminal.colour };
        match event {
            ApplyEvent::Refreshed { recorded, removed } => {
                if recorded + removed > 0 {
                    let text = refreshed(*recorded, *removed);
                    self.line(state, &text);
                }
            }
            ApplyEvent::Recovered { operation, outcome, id, detail } => {
                let text = format!(
                    "{}: {}{}: {detail}",
                    paint.bold(&operation.address.to_string()),
                    recovered(*outcome),
                    with_id(id.as_deref()),
                );
                self.line(state, &text);
            }
            ApplyEvent::Started { operation, id } => {
                state.going.insert(name(operation), (Duration::ZERO, String::new()));
                if operation.step.0 == 0 {
                    let text = format!(
                        "{}: {}...{}",
                        paint.bold(&operation.address.to_string()),
                        beginning(operation.purpose),
                        with_id(id.as_deref())
                    );
                    self.line(state, &text);
                }
            }
            ApplyEvent::StillGoing { operation, elapsed, waiting } => {
                let name = name(operation);
                state.going.insert(name.clone(), (*elapsed, waiting.clone()));
                let last = state.mentioned.get(&name).copied().unwrap_or_default();
                if !self.terminal.live && *elapsed >= last + REMINDER {
                    state.mentioned.insert(name, *elapsed);
                    let text = format!(
                        "{}: still {} [{} elapsed; {waiting}]",
                        paint.bold(&operation.address.to_string()),
                        going(operation.purpose),
                        duration(*elapsed)
                    );
                    self.line(state, &text);
                }
                self.status(state);
            }
            ApplyEvent::ConversionStep { operation, step } => {
                let text = format!(
                    "{}: conversion step {step}",
                    paint.bold(&operation.address.to_string())
                );
                self.line(state, &text);
            }
            ApplyEvent::RateLimited { requests_per_second } => {
                let text = format!("{}.", super::waiting::limited(*requests_per_second));
                self.line(state, &text);
            }
            ApplyEvent::Throttled { .. } | ApplyEvent::Busy { .. } => self.status(state),
            ApplyEvent::Completed { operation, id, elapsed } => {
                state.finished(operation);
                if operation.is_last() {
                    let text = format!(
                        "{}: {} after {} [id={id}]",
                        paint.bold(&operation.address.to_string()),
                        ended(operation.purpose),
                        duration(*elapsed)
                    );
                    self.line(state, &text);
                }
            }
            ApplyEvent::Failed { operation, elapsed, .. } => {
                state.finished(operation);
                let text = format!(
                    "{}: {} after {}",
                    paint.bold(&operation.address.to_string()),
                    paint.red(&format!("{} failed", noun(operation.purpose))),
                    duration(*elapsed)
                );
                self.line(state, &text);
            }
            ApplyEvent::Skipped { operation, because } => {
                state.done += 1;
                let text = format!(
                    "{}: not {}, since {because} failed",
                    paint.bold(&operation.address.to_string()),
                    past(operation.purpose)
                );
                self.line(state, &text);
            }
            ApplyEvent::Finishing { in_flight } => {
                let (operations, them) = match in_flight {
                    1 => ("operation under way is", "it"),
                    _ => ("operations under way are", "them"),
                };
                let text = format!(
                    "Interrupted: nothing new is begun, {in_flight} {operations} waited for. \
                     Interrupt again to leave at once; the next apply then finishes {them}."
                );
                self.line(state, &paint.yellow(&text));
            }
        }
    }
}

impl Observer for Progress<'_> {
    fn observe(&self, event: ApplyEvent) {
        if let Some(events) = self.events {
            return events.apply(&event);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.show(&mut state, &event);
    }
}

/// Says what an apply recorded before its first call.
fn refreshed(recorded: usize, removed: usize) -> String {
    let objects = |count: usize| if count == 1 { "object" } else { "objects" };
    let gone = match removed {
        0 => String::new(),
        n => format!(", {n} {} no longer there", objects(n)),
    };
    format!("Recorded what is live: {recorded} {} updated{gone}.", objects(recorded))
}

fn name(operation: &OperationName) -> String {
    format!("{} {}", operation.address, going(operation.purpose))
}

fn with_id(id: Option<&str>) -> String {
    id.map_or(String::new(), |id| format!(" [id={id}]"))
}

const fn beginning(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Create => "Creating",
        Purpose::Update => "Modifying",
        Purpose::Delete => "Destroying",
    }
}

const fn noun(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Create => "creation",
        Purpose::Update => "modification",
        Purpose::Delete => "destruction",
    }
}

const fn going(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Create => "creating",
        Purpose::Update => "modifying",
        Purpose::Delete => "destroying",
    }
}

const fn ended(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Create => "Creation complete",
        Purpose::Update => "Modification complete",
        Purpose::Delete => "Destruction complete",
    }
}

const fn past(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Create => "created",
        Purpose::Update => "modified",
        Purpose::Delete => "destroyed",
    }
}

const fn recovered(outcome: Recovery) -> &'static str {
    match outcome {
        Recovery::Settled => "an earlier run's operation is settled",
        Recovery::Resent => "an earlier run's operation was sent again",
        Recovery::Adopted => "an earlier run's object was adopted",
        Recovery::Done => "an earlier run's operation was done already",
        Recovery::Abandoned => "an earlier run's operation had no effect",
        Recovery::Stuck => "an earlier run's operation needs your decision",
        Recovery::Open => "an earlier run's operation stays open",
    }
}

/// Writes a duration as people say it: `0.8s`, `12s`, `3m5s`.
pub fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    if seconds < 10 {
        let tenths = elapsed.as_millis() / 100;
        return format!("{}.{}s", tenths / 10, tenths % 10);
    }
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m{}s", seconds / 60, seconds % 60) }
}

/// Returns how many characters fit into a line of the terminal.
pub fn terminal_width() -> usize {
    terminal_size::terminal_size_of(std::io::stderr()).map_or(80, |(width, _)| usize::from(width.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (milliseconds, text) in [(0, "0.0s"), (850, "0.8s"), (12_300, "12s"), (185_000, "3m5s")]
        {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
    }
}
