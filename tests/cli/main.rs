//! Black-box runs of the binary: what users see and what exit codes say.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod apply;
mod arguments;
mod bad_configuration;
mod bad_service;
mod bad_state;
mod bench;
mod check_data;
mod console;
mod drift;
mod emulator;
mod fmt;
mod import;
mod inline;
mod interrupt;
mod lock;
mod machine;
mod mistakes;
mod plan;
mod recover;
mod rehearse;
mod saved_plan;
mod secrets;
mod servers;
mod state_commands;
mod state_documents;
mod support;
mod validate;
mod variables;
mod version;
