//! Gives the body of the fuzz target `seal_keys` to libFuzzer.
#![no_main]

#[path = "../../crates/gateway/tests/config/seal_keys_body.rs"]
mod seal_keys_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| seal_keys_body::run(data));
