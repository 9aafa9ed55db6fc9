//! Plays the work of an apply in virtual time: the real engine, client and state against the emulator
//! in this process, where hours pass in a moment and nothing outside is touched.
//!
//! `agenda` is virtual time: what is to happen, and the loop that turns a future on it. `stage` is
//! where the play takes place: emulators behind clients that wait in virtual time. [`virtual_run`]
//! carries out a plan there. Rehearsals, `natform bench` and the simulation tests all stand on this.
//!
//! A rehearsal plays on a copy of what is live: `mirror` makes it from lists, `watch` sees each call
//! that arrives there, makes up what no list tells (`assumption`) and follows which traffic is
//! served (`traffic`), `course` puts the events of the run in order, `document` is the report's model.

pub mod agenda;
pub mod assumption;
pub mod course;
pub mod document;
pub mod mirror;
mod run;
pub mod stage;
#[cfg(test)]
mod tests;
pub mod traffic;
pub mod watch;

pub use agenda::{Agenda, Slot, VirtualTime, Waiting};
pub use run::{Run, virtual_outcome, virtual_recovery, virtual_run};
pub use stage::{Player, Sent, Stage, Watch};
