//! Gives the body of the fuzz target `responses_request` to libFuzzer.
#![no_main]

#[path = "../../crates/translate/tests/responses/request_body.rs"]
mod request_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| request_body::run(data));
