//! Gives the body of the fuzz target `config` to libFuzzer.
#![no_main]

#[path = "../../crates/gateway/tests/config/config_body.rs"]
mod config_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| config_body::run(data));
