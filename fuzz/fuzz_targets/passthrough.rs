//! Gives the body of the fuzz target `passthrough` to libFuzzer.
#![no_main]

#[path = "../../crates/translate/tests/passthrough/watch_body.rs"]
mod watch_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| watch_body::run(data));
