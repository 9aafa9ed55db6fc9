//! What a run costs at least: configurations of any size (`shape`, `text`), the calls that each step
//! from one to the next needs (`needs`), and how few calls and how little time any client could do
//! with (`matrix`, `lower_bound`).
//!
//! The bounds judge planner and scheduler, so nothing here is taken from them: the needs follow from
//! the shape alone, and what excludes what is written down a second time, from the reference.

pub mod lower_bound;
pub mod matrix;
pub mod needs;
pub mod shape;
pub mod text;
