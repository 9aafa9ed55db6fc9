//! Black-box runs of the binary: what users see and what exit codes say.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;
mod version;
