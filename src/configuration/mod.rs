//! Files → module tree → typed blocks; variables and their sources.
//!
//! Owns the vocabulary of blocks and meta-arguments. Loads through [`Files`](crate::environment::Files),
//! so that the sources inside a saved plan load the same way as those on disk.

pub mod model;
