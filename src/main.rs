//! natform
fn main() {}
