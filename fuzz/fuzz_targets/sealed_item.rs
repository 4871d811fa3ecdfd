//! Gives the body of the fuzz target `sealed_item` to libFuzzer.
#![no_main]

#[path = "../../crates/translate/tests/responses/seal_body.rs"]
mod seal_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| seal_body::run(data));
