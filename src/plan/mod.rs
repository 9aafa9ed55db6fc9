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
mod refresh_scopes;
mod rules;
mod topology;
mod world;
mod world_rules;

pub use model::{
    Change, ChangeKind, Drift, Operation, OperationParameter, OutputChange, Plan, PlanMode,
    Purpose, Reason,
};
