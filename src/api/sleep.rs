//! Waiting, behind a trait: by the clock of the machine, or in virtual time.

use std::time::Duration;

use crate::environment::ManualClock;

use super::http::BoxFuture;

/// Waits.
pub trait Sleep: Send + Sync {
    /// Returns when `duration` has passed.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// Waits by the clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioSleep;

impl Sleep for TokioSleep {
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Does not wait, but moves a clock forward when a wait begins. It serves one task at a time:
/// waits that overlap add up.
#[derive(Debug, Clone)]
pub struct VirtualSleep(ManualClock);

impl VirtualSleep {
    /// Creates a sleeper that moves `clock`.
    pub fn new(clock: ManualClock) -> Self {
        Self(clock)
    }
}

impl Sleep for VirtualSleep {
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.0.advance(duration) })
    }
}
