//! The chores of the workspace, as one command.

fn main() {}
