//! Gives the body of the fuzz target `converse_request` to libFuzzer.
#![no_main]

#[path = "../../crates/translate/tests/openai_backend/converse_request_body.rs"]
mod converse_request_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| converse_request_body::run(data));
