//! The log of requests: what was sent and answered, one line each, without secrets.
//!
//! Entries are redacted before they come here; a log only writes them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::environment::Timestamp;

use super::catalogue::Action;

/// The variable that turns the log on.
pub const LOG_VARIABLE: &str = "NATFORM_LOG";

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Nothing.
    #[default]
    Off,
    /// A line for each answer.
    Info,
    /// Also a line when a request is sent, and the beginning of each answer's text.
    Debug,
}

/// A text that names no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown log level `{0}`, expected `off`, `info` or `debug`")]
pub struct UnknownLevel(pub String);

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        match text.trim().to_ascii_lowercase().as_str() {
            "" | "off" => Ok(Self::Off),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            _ => Err(UnknownLevel(text.to_owned())),
        }
    }
}

/// One entry, already redacted.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// When it happened.
    pub time: Timestamp,
    /// The action called.
    pub action: Action,
    /// The parameters sent, without signature and security token.
    pub parameters: BTreeMap<String, String>,
    /// What happened.
    pub event: Event,
}

/// What happened to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// It is being sent.
    Sent,
    /// The service refused too many requests; so many a second are sent from now on.
    Limited {
        /// Requests a second.
        requests_per_second: f64,
    },
    /// It ended.
    Ended {
        /// HTTP status; 0 when there was no answer.
        status: u16,
        /// The error's code, or empty.
        code: String,
        /// The error's message, or empty.
        message: String,
        /// The service's request id, or empty.
        request_id: String,
        /// How long it took.
        duration: Duration,
        /// The beginning of the answer's text, if the log wants it.
        body: Option<String>,
    },
}

/// Takes entries.
pub trait RequestLog: Send + Sync {
    /// Returns how much it wants; entries are not even made for less.
    fn level(&self) -> Level;
    /// Takes an entry.
    fn record(&self, entry: &LogEntry);
}

/// A log that wants nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLog;

impl RequestLog for NoLog {
    fn level(&self) -> Level {
        Level::Off
    }

    fn record(&self, _entry: &LogEntry) {}
}

/// A log that writes a line for each entry. What cannot be written is dropped: a full disk must
/// not stop an apply.
pub struct LineLog {
    level: Level,
    out: Mutex<Box<dyn Write + Send>>,
}

impl LineLog {
    /// Creates a log that writes to `out`.
    pub fn new(level: Level, out: Box<dyn Write + Send>) -> Self {
        Self { level, out: Mutex::new(out) }
    }
}

impl RequestLog for LineLog {
    fn level(&self) -> Level {
        self.level
    }

    fn record(&self, entry: &LogEntry) {
        let mut line = line(entry);
        line.push('\n');
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.write_all(line.as_bytes()).is_ok() {
            out.flush().unwrap_or_default();
        }
    }
}

/// Returns an entry as a line: time, level, action, then `name=value` with values quoted where
/// they need it.
pub fn line(entry: &LogEntry) -> String {
    let level = if entry.event == Event::Sent { "debug" } else { "info" };
    let mut line = format!("{} {level} {}", time(entry.time), entry.action);
    let mut add = |name: &str, value: &str| {
        line.push(' ');
        line.push_str(name);
        line.push('=');
        line.push_str(&quoted(value));
    };
    match &entry.event {
        Event::Sent => add("event", "sent"),
        Event::Limited { requests_per_second } => {
            add("event", "limited");
            add("requests_per_second", &format!("{requests_per_second:.1}"));
        }
        Event::Ended { status, code, request_id, duration, .. } => {
            add("status", &status.to_string());
            if !code.is_empty() {
                add("code", code);
            }
            add("request_id", request_id);
            add("milliseconds", &duration.as_millis().to_string());
        }
    }
    for (name, value) in &entry.parameters {
        add(name, value);
    }
    if let Event::Ended { message, body, .. } = &entry.event {
        if !message.is_empty() {
            add("message", message);
        }
        if let Some(body) = body {
            add("answer", body);
        }
    }
    line
}

fn time(time: Timestamp) -> String {
    let seconds = time.iso8601();
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), time.0.rem_euclid(1000))
}

/// Quotes what is not one plain word, so that a value can neither end its line nor pass for
/// another field.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_.:/,*+%@".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    let mut out = String::from("\"");
    for character in value.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            other if other.is_control() => {
                write!(out, "\\u{{{:x}}}", u32::from(other)).unwrap_or_default();
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(event: Event) -> LogEntry {
        let parameters = [("RegionId", "cn-hangzhou"), ("Name", "a b\n\"c\" status=200")];
        LogEntry {
            time: Timestamp(1_456_231_584_007),
            action: Action::CreateNatGateway,
            parameters: parameters.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            event,
        }
    }

    #[test]
    fn an_entry_is_one_line_whatever_its_values_hold() {
        let ended = Event::Ended {
            status: 409,
            code: "OperationConflict".to_owned(),
            message: "too frequent".to_owned(),
            request_id: "R-1".to_owned(),
            duration: Duration::from_millis(12),
            body: Some("{}".to_owned()),
        };
        assert_eq!(
            line(&entry(ended)),
            "2016-02-23T12:46:24.007Z info CreateNatGateway status=409 code=OperationConflict \
             request_id=R-1 milliseconds=12 Name=\"a b\\n\\\"c\\\" status=200\" \
             RegionId=cn-hangzhou message=\"too frequent\" answer=\"{}\""
        );
        assert_eq!(
            line(&entry(Event::Sent)),
            "2016-02-23T12:46:24.007Z debug CreateNatGateway event=sent \
             Name=\"a b\\n\\\"c\\\" status=200\" RegionId=cn-hangzhou"
        );
        assert_eq!(quoted("\u{1b}[2J"), "\"\\u{1b}[2J\"");
        assert_eq!(quoted(""), "\"\"");
    }

    #[test]
    fn levels_are_named() {
        assert_eq!("INFO".parse(), Ok(Level::Info));
        assert_eq!("debug".parse(), Ok(Level::Debug));
        assert_eq!("".parse(), Ok(Level::Off));
        assert!("trace".parse::<Level>().is_err());
        assert!(Level::Off < Level::Info && Level::Info < Level::Debug);
    }
}
