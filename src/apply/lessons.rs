//! What was learned about services, as the state keeps it: which lanes take one operation at a time,
//! and how long actions take.

use std::time::Duration;

use crate::api::catalogue::Action;
use crate::environment::Timestamp;
use crate::state::Service;

use super::scheduler::Lesson;

/// After so long a lane is tried again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);

/// Returns the name of what was learned about the lanes of a resource type.
pub(super) fn lane_name(service: &Service, kind: &str) -> String {
    format!("lane {kind} {service}")
}

/// Returns a lesson as it is kept.
pub(super) fn lane_value(lesson: Lesson, now: Timestamp) -> String {
    let word = match lesson {
        Lesson::OneInScope => "one-in-scope",
        Lesson::OneInGateway => "one-in-gateway",
    };
    format!("{word} {}", now.0)
}

/// Reads a lesson, unless it is too old.
pub(super) fn lane_lesson(value: &str, now: Timestamp) -> Option<Lesson> {
    let (word, at) = value.split_once(' ')?;
    if now.since(Timestamp(at.parse().ok()?)) > FORGOTTEN_AFTER {
        return None;
    }
    match word {
        "one-in-scope" => Some(Lesson::OneInScope),
        "one-in-gateway" => Some(Lesson::OneInGateway),
        _ => None,
    }
}

/// How the names of learned times begin.
pub(super) const TIME: &str = "time ";

/// Returns the name of what was learned about the time that an action takes.
pub(super) fn time_name(service: &Service, action: Action) -> String {
    format!("{TIME}{} {service}", action.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lessons_are_kept_and_forgotten() {
        for lesson in [Lesson::OneInScope, Lesson::OneInGateway] {
            let value = lane_value(lesson, Timestamp(1_000));
            assert_eq!(lane_lesson(&value, Timestamp(2_000)), Some(lesson));
            let later = Timestamp(1_000).after(FORGOTTEN_AFTER * 2);
            assert_eq!(lane_lesson(&value, later), None);
        }
        assert_eq!(lane_lesson("nonsense", Timestamp(0)), None);
        let service = Service::Server("http://h".into());
        assert_eq!(lane_name(&service, "forward_entry"), "lane forward_entry server:http://h");
    }
}
