//! The binary against servers that follow the reference but are not our emulator: each test puts an
//! altering layer before an emulator's world, runs the binary against it over HTTP, and judges by the
//! world and the calls that reached it.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod actions;
mod drift;
mod inline;
mod interrupts;
mod life;
mod manner;
mod order;
mod plans;
mod reads;
mod server;
mod together;
mod workspace;
