//! Carries out a plan.
pub mod event;
pub mod interrupt;
mod lanes;
mod pace;
pub mod scheduler;
pub mod service;
