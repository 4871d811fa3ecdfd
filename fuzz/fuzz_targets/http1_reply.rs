//! Gives the body of the fuzz target `http1_reply` to libFuzzer.
#![no_main]

#[path = "../../crates/server/src/upstream/h1_chunk.rs"]
mod h1_chunk;
#[allow(dead_code, reason = "a target makes no calls")]
#[path = "../../crates/server/src/upstream/h1_codec.rs"]
mod h1_codec;
#[path = "../../crates/server/src/upstream/h1_fuzz_body.rs"]
mod h1_fuzz_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| h1_fuzz_body::run(data));
