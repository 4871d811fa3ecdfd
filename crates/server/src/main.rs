//! The binary `aquifer`.

fn main() {}
