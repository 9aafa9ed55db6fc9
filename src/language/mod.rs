//! Evaluation of expressions and templates over a [`Scope`], and what can be told of an expression
//! without evaluating it.
//!
//! Errors carry the place, the values of the references involved (never sensitive ones) and how to
//! mend them. Independent mistakes of one expression are all reported; what depends on a mistake
//! is not reported again. Unknown and sensitive values pass through every form of expression.
//! Evaluation ends for every input: depth, work and sizes are limited.

mod call;
mod constant;
mod constraint;
mod describe;
mod evaluate;
pub mod functions;
mod iterate;
mod operators;
mod reference;
mod scope;
mod template;
mod traverse;

pub use call::{function_names, is_function};
pub use constant::constant;
pub use constraint::constraint;
pub use describe::describe;
pub use evaluate::evaluate;
pub use reference::{Reference, ReferenceStep, function_calls, references};
pub use scope::{Scope, Step};

#[cfg(test)]
mod tests;
