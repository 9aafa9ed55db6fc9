//! The order of a plan, judged by the emulator: whatever world leads to whatever configuration, no
//! call is refused, and what is there in the end is what was wanted. What cannot be is refused by the
//! plan, with the lines.

#[expect(dead_code, reason = "the simulation draws in more ways")]
#[path = "../../simulation/dice.rs"]
mod dice;
mod edit;
mod judge;
mod model;
mod pairs;
mod refusals;
mod render;
mod shapes;
