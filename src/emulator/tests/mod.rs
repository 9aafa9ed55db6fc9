//! Tests of the emulator, from requests to answers.

mod behaviour;
mod probe;
mod rows;
mod serving;
