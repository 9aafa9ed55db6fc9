//! Plays the work of an apply in virtual time: the real engine, client and state against the emulator
//! in this process, where hours pass in a moment and nothing outside is touched.
//!
//! `agenda` is virtual time: what is to happen, and the loop that turns a future on it. `stage` is
//! where the play takes place: emulators behind clients that wait in virtual time. [`virtual_run`]
//! carries out a plan there. Rehearsals, `natform bench` and the simulation tests all stand on this.

pub mod agenda;
mod run;
pub mod stage;
#[cfg(test)]
mod tests;

pub use agenda::{Agenda, Slot, VirtualTime, Waiting};
pub use run::{Run, virtual_recovery, virtual_run};
pub use stage::{Player, Stage};
