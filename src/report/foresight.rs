//! What a plan means for others, and how long it will take, in a line each.

use super::text::impact;
use crate::plan::document::{Forecast, ImpactCounts, Interruption, Times};

/// So many interruptions are named in the line; the rest is counted.
const NAMED: usize = 3;

/// Returns `interrupts traffic (2), changes billing (1)`; nothing where no change has an impact.
pub fn impacts(counts: &ImpactCounts) -> Option<String> {
    let parts: Vec<String> = counts
        .all()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{} ({count})", impact(kind)))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Returns `about 2m 6s by documented times; stops 203.0.113.7:443/tcp for 5s`.
pub fn course(forecast: &Forecast) -> String {
    let times = match forecast.times {
        Times::Documented => "documented times",
        Times::Learned => "the times of earlier runs",
        Times::Mixed => "the times of earlier runs, documented ones where they had none",
    };
    let mut text = format!("{} by {times}", about(forecast.seconds));
    let all = &forecast.interruptions;
    if !all.is_empty() {
        let named: Vec<String> = all.iter().take(NAMED).map(interruption).collect();
        text.push_str(&format!("; stops {}", named.join(", ")));
    }
    if all.len() > NAMED {
        text.push_str(&format!(" and {} more", all.len() - NAMED));
    }
    text
}

fn interruption(interruption: &Interruption) -> String {
    match interruption.seconds {
        Some(seconds) => format!("{} for {}", interruption.traffic, duration(seconds)),
        None => format!("{} for good", interruption.traffic),
    }
}

pub(super) fn about(seconds: f64) -> String {
    let text = duration(seconds);
    if seconds < 1.0 { text } else { format!("about {text}") }
}

/// Writes a time in whole seconds, and in minutes once there are hours.
pub(super) fn duration(seconds: f64) -> String {
    let Ok(time) = std::time::Duration::try_from_secs_f64(seconds) else {
        return "a long time".to_owned();
    };
    let whole = time.as_secs() + u64::from(time.subsec_millis() >= 500);
    match whole {
        _ if seconds < 1.0 => "less than a second".to_owned(),
        0..60 => format!("{whole}s"),
        60..3600 => format!("{}m {}s", whole / 60, whole % 60),
        _ => format!("{}h {}m", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_say_them() {
        let cases = [
            (0.2, "less than a second"),
            (1.0, "1s"),
            (59.4, "59s"),
            (59.6, "1m 0s"),
            (125.1, "2m 5s"),
            (7_290.0, "2h 1m"),
        ];
        for (seconds, text) in cases {
            assert_eq!(duration(seconds), text);
        }
    }
}
