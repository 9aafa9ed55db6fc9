//! How long to wait before a request is sent again, as a function of nothing but its arguments.

use std::time::Duration;

use super::error::Class;

/// The shortest wait, also where the service asks for none.
const SHORTEST: Duration = Duration::from_millis(100);

/// Returns how long to wait after the `attempt`-th attempt (from 1) ended in an error of `class`:
/// what the service asked for, or twice as long each time up to a limit. What is throttled waits
/// least, since it then waits for its turn among all requests.
pub fn backoff(attempt: u32, class: Class, retry_after: Option<Duration>) -> Duration {
    if let Some(asked) = retry_after {
        return asked.max(SHORTEST);
    }
    let (first, longest) = match class {
        Class::Throttled => (SHORTEST, Duration::from_secs(2)),
        Class::Busy => (Duration::from_secs(1), Duration::from_secs(5)),
        _ => (Duration::from_millis(500), Duration::from_secs(10)),
    };
    let doublings = attempt.saturating_sub(1).min(16);
    first.saturating_mul(1 << doublings).min(longest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_grow_to_a_limit() {
        let waits = |class| -> Vec<u128> {
            (1..=7).map(|attempt| backoff(attempt, class, None).as_millis()).collect()
        };
        assert_eq!(waits(Class::Transient), [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
        assert_eq!(waits(Class::Throttled), [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(waits(Class::Busy), [1000, 2000, 4000, 5000, 5000, 5000, 5000]);
    }

    #[test]
    fn the_service_s_own_wish_is_obeyed() {
        let asked = Some(Duration::from_millis(1500));
        assert_eq!(backoff(9, Class::Throttled, asked), Duration::from_millis(1500));
        assert_eq!(backoff(1, Class::Throttled, Some(Duration::ZERO)), SHORTEST);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn waits_never_shrink_nor_overflow(attempt in 0u32..u32::MAX) {
            for class in [Class::Busy, Class::Throttled, Class::Transient] {
                let wait = backoff(attempt, class, None);
                prop_assert!(wait >= SHORTEST && wait <= Duration::from_secs(30));
                prop_assert!(backoff(attempt.saturating_add(1), class, None) >= wait);
            }
        }
    }
}
