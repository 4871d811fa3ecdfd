//! Gives the body of the fuzz target `passing` to libFuzzer.
#![no_main]

#[path = "../../crates/gateway/tests/failover/passing_body.rs"]
mod passing_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| passing_body::run(data));
