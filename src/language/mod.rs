//! Evaluation of expressions and templates over a scope.

pub mod functions;
