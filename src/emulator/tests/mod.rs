//! Tests of the emulator, from requests to answers.

mod any_bytes;
mod behaviour;
mod document;
mod probe;
mod rows;
mod rows_2019;
mod schemas;
mod serving;
mod wire;
