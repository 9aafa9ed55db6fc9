//! The commands, one file each: arguments → settings → the folders above → rendering and exit code.
//! The only place with stdout, stderr, signals and exit codes.

pub mod arguments;
pub mod failure;
pub mod terminal;
