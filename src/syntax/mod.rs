//! Text → natform's own spanned tree. The only importer of `hcl::edit`; its tree is dropped file by
//! file. Owns the limits on depth and size, better parse errors and the formatter.
//!
//! Parsing never stops at the first mistake that it can step over: it returns what it understood
//! and all diagnostics.

mod adapted;
pub mod ast;
mod direct;
mod format;
mod large;
mod lexer;
mod lower;
mod parse;
mod problem;
mod recover;
mod template;

pub use format::format;
pub use parse::{MAX_FILE_BYTES, is_unfinished, parse, parse_expression, parse_template};

#[cfg(test)]
mod tests;
