//! The emulator as strangers meet it: the binary, driven over raw sockets.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod bad_input;
mod classes;
mod faults;
mod load;
mod requests;
mod sharing;
mod support;
