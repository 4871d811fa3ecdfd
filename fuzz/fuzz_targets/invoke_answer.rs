//! Gives the body of the fuzz target `invoke_answer` to libFuzzer.
#![no_main]

#[path = "../../crates/translate/tests/invoke/answer_body.rs"]
mod answer_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| answer_body::run(data));
