//! The wire to the service and the client that uses it.
//!
//! The wire is shared with the emulator: `http` and `signature`, `catalogue` with every action and
//! its parameters, `call`, and `error_catalogue` with what each error means. The client's side is
//! `client` with what it needs: `endpoint` and `credentials`, `network` (and any other transport),
//! `pace` and `backoff`, `decode` and `answer`, `log` and `redact`. Nothing here knows resource
//! types or state.

pub mod answer;
pub mod backoff;
pub mod call;
pub mod catalogue;
pub mod client;
pub mod credentials;
pub mod decode;
pub mod endpoint;
pub mod error;
pub mod error_catalogue;
pub mod http;
pub mod log;
pub mod network;
mod pace;
pub mod redact;
pub mod signature;
pub mod sleep;
mod xml;
