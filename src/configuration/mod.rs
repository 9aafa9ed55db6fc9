//! Files → module tree → typed blocks; variables and their sources.
//!
//! Owns the vocabulary of blocks and meta-arguments. Loads through [`Files`](crate::environment::Files),
//! so that the sources inside a saved plan load the same way as those on disk.
//!
//! [`load`] returns what it understood together with all diagnostics; a block with a mistake in it
//! stays declared, so that what refers to it is not reported as well.

mod block;
mod catalogue;
mod check;
pub mod generate;
mod load;
pub mod model;
mod shape;
mod timeouts;
mod variables;
mod version;

pub use catalogue::Catalogue;
pub use check::{UNDECLARED_IMPORT, is_engine, iterator, no_engine};
pub use load::{EXTENSION, load, load_with};
pub use model::{
    Check, Condition, Configuration, Import, Lifecycle, Local, Module, ModuleCall, Moved, Output,
    Provider, Removed, Repetition, Resource, Settings, Variable,
};
pub(crate) use shape::sentence;
pub use timeouts::{TIMEOUTS, duration, limits};
pub use variables::{VariableOption, Variables, no_value, variables};
pub use version::{Constraints, Version};

#[cfg(test)]
pub(crate) mod tests;
