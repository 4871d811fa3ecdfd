//! Gives the body of the fuzz target `encoder` to libFuzzer.
#![no_main]

#[path = "../../crates/translate/tests/encoders/encoder_body.rs"]
mod encoder_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| encoder_body::run(data));
