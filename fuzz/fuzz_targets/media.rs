//! Gives the body of the fuzz target `media` to libFuzzer.
#![no_main]

#[path = "../../crates/translate/tests/chat/media_body.rs"]
mod media_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| media_body::run(data));
