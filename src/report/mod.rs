//! Renderings of the public models: a file per form. Everything here is a function from the
//! structs that are also serialised as JSON to text; nothing prints.

pub mod diff;
pub mod drift;
pub mod drift_markdown;
pub mod foresight;
pub mod graph;
pub mod history;
pub mod markdown;
pub mod paint;
pub mod recover;
pub mod rehearsal;
pub mod rehearsal_markdown;
pub mod state;
pub mod text;

#[cfg(test)]
mod tests;
