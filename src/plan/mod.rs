//! Expansion, graph, diff, rules, order and the saved plan.
//!
//! Planning is a function from configuration, variables, state and live lists to a [`Plan`]: no
//! I/O, no clock, no random number. It reaches the service only through the
//! [`Reader`](crate::refresh::Reader) that it is given.
//!
//! The way of a plan: `moves` settles what is recorded where, `refresh_scopes` reads the lists,
//! `pass` evaluates and decides instance by instance (`decide`, `diff`), `orphans` what has no block,
//! `rules` judge the planned world, `compile` makes calls, `edges` and `keys` order them on a `graph`;
//! `planner` drives it.

mod by_key;
mod census;
mod compile;
mod cycles;
mod data_sources;
mod decide;
mod diff;
mod digest;
pub mod document;
mod edges;
mod graph;
mod imports;
mod keys;
mod kinds;
pub mod model;
mod moves;
mod networks;
mod origins;
mod orphans;
mod pass;
mod planner;
mod prior;
pub mod program;
mod refresh_scopes;
mod resolve;
mod rules;
pub mod saved;
mod targets;
mod topology;
mod waves;
mod world;
mod world_rules;

pub use compile::{sent_on_create, set_aside_key, steps};
pub use data_sources::read_data_source;
pub use imports::{Unconfigured, read_unconfigured};
pub use model::{
    Change, ChangeKind, Drift, Operation, OperationParameter, OutputChange, Plan, PlanMode,
    Purpose, Reason,
};
pub use moves::{Directives, Import, Move, Removal};
pub use planner::{PlanInput, PlanOptions, ProviderContext, plan};
pub use resolve::{Unresolved, fill, resolve};

// What finding drift and mending a state share with planning.
pub(crate) use diff::drifted;
pub(crate) use digest::sha256_hex;
pub(crate) use document::shape;
pub(crate) use kinds::Kinds;
pub(crate) use moves::destination;
pub(crate) use prior::describe;
pub(crate) use refresh_scopes::{Lists, cause, scopes};
pub(crate) use world::unmanaged;

#[cfg(test)]
mod tests;
