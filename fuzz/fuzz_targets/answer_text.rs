//! Gives the body of the fuzz target `answer_text` to libFuzzer.
#![no_main]

#[path = "../../crates/translate/tests/answer_text/text_body.rs"]
mod text_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| text_body::run(data));
