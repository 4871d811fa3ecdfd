//! Gives the body of the fuzz target `messages_request` to libFuzzer.
#![no_main]

#[path = "../../crates/translate/tests/messages/request_body.rs"]
mod request_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| request_body::run(data));
