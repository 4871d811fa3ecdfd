//! Gives the body of the fuzz target `stored_response` to libFuzzer.
#![no_main]

#[path = "../../crates/translate/tests/responses/stored_body.rs"]
mod stored_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| stored_body::run(data));
