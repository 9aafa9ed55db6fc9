//! Planner, apply, recovery, state and emulator together, in virtual time.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail by panicking")]

mod bench;
mod changed;
mod configurations;
mod crash;
mod faults;
mod flow;
mod inline;
mod latency;
mod limits;
mod order;
mod recovery_cases;
mod settling;
