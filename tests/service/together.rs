//! Tests of a file that run at the same time, whatever the number of test threads: they hardly
//! compute, they wait for servers.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread::JoinHandle;

/// Tests that were started and not yet waited for, by name.
pub(crate) type Started = Mutex<BTreeMap<&'static str, JoinHandle<()>>>;

/// Waits for one test.
pub(crate) fn join(started: &Started, name: &str) {
    let test = started.lock().unwrap().remove(name);
    if let Err(panic) = test.unwrap().join() {
        std::panic::resume_unwind(panic);
    }
}

/// Makes a test of each function; the first that runs starts all.
macro_rules! together {
    ($($name:ident),* $(,)?) => {
        mod tests {
            static STARTED: std::sync::LazyLock<crate::together::Started> =
                std::sync::LazyLock::new(|| {
                    let tests = [$((stringify!($name), super::$name as fn())),*];
                    let start = |(name, test): (&'static str, fn())| (name, std::thread::spawn(test));
                    std::sync::Mutex::new(tests.into_iter().map(start).collect())
                });

            $(#[test]
            fn $name() {
                crate::together::join(&STARTED, stringify!($name));
            })*
        }
    };
}

pub(crate) use together;
