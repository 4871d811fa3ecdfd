//! Gives the body of the fuzz target `bedrock_path` to libFuzzer.
#![no_main]

#[path = "../../crates/translate/tests/passthrough/path_body.rs"]
mod path_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| path_body::run(data));
