//! Carries out a plan.
mod lanes;
pub mod scheduler;
