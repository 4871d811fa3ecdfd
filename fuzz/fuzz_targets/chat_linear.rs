//! Gives the body of the fuzz target `chat_linear` to libFuzzer.
#![no_main]

#[path = "../../crates/translate/tests/chat/linear_body.rs"]
mod linear_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| linear_body::run(data));
