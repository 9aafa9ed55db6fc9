//! Expansion, graph, diff, rules, order and the saved plan.
//!
//! Planning is a function from configuration, variables, state and live lists to a [`Plan`]: no
//! I/O, no clock, no random number. It reaches the service only through the
//! [`Reader`](crate::refresh::Reader) that it is given.

mod compile;
mod diff;
pub mod document;
mod edges;
mod graph;
mod keys;
mod kinds;
pub mod model;
mod topology;
mod world;

pub use compile::{set_aside_key, steps};
pub use model::{
    Change, ChangeKind, Drift, Operation, OperationParameter, OutputChange, Plan, PlanMode,
    Purpose, Reason,
};
