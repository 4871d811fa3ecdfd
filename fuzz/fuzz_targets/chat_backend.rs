//! Gives the body of the fuzz target `chat_backend` to libFuzzer.
#![no_main]

#[path = "../../crates/translate/tests/openai_backend/chat_backend_body.rs"]
mod chat_backend_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| chat_backend_body::run(data));
