//! The wire to the service and the client that uses it.
//!
//! `http` and `signature` are the wire, shared with the emulator; `catalogue` names every action
//! with its parameters and errors; `client` sends calls: credentials, transport, limits, retries.
//! Nothing here knows resource types or state.

pub mod call;
pub mod catalogue;
pub mod error;
pub mod error_catalogue;
pub mod http;
pub mod signature;
