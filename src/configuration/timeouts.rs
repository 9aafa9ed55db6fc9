//! `timeouts` blocks: what they hold, and how lengths of time are written.

use std::time::Duration;

use crate::address::Mode;
use crate::diagnostic::{Diagnostic, Span};
use crate::resources::Attribute;
use crate::resources::schema::{Kind, OnChange};

/// The name of the blocks.
pub const TIMEOUTS: &str = "timeouts";

/// Limits of a resource's operations.
const OPERATIONS: &[Attribute] = &[limit("create"), limit("delete"), limit("update")];
/// Limits of a data source.
const READS: &[Attribute] = &[limit("read")];

const fn limit(name: &'static str) -> Attribute {
    let doc = "How long it may take, such as `1h30m`.";
    Attribute::input(name, "", Kind::String, OnChange::Record, doc)
}

/// Returns the arguments of the `timeouts` blocks of a resource or data source.
pub const fn limits(mode: Mode) -> &'static [Attribute] {
    match mode {
        Mode::Managed => OPERATIONS,
        Mode::Data => READS,
    }
}

/// Reads a length of time: `1h30m`, `90s`, `1.5h`, `250ms`.
pub fn duration(text: &str, span: Span) -> Result<Duration, Box<Diagnostic>> {
    parse(text).filter(|duration| !duration.is_zero()).ok_or_else(|| {
        let summary = format!("`{text}` is not a length of time");
        Box::new(
            Diagnostic::error("invalid-duration", summary)
                .at(span)
                .help("write hours, minutes and seconds, such as `\"1h30m\"` or `\"90s\"`"),
        )
    })
}

fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        rest = &rest[end..];
        total = total.checked_add(Duration::try_from_secs_f64(number * unit).ok()?)?;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_up_their_parts() {
        assert_eq!(parse("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(parse("90s"), Some(Duration::from_secs(90)));
        assert_eq!(parse("1.5m"), Some(Duration::from_secs(90)));
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
        for text in ["", "5", "m", "5 m", "5d", "-5m", "1..5m", "9999999999999999999999999h"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
