//! Carries out a plan.
mod lanes;
pub mod event;
pub mod interrupt;
mod pace;
pub mod scheduler;
pub mod service;
