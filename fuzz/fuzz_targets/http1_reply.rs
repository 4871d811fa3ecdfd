//! Gives the body of the fuzz target `http1_reply` to libFuzzer.
#![no_main]

#[allow(dead_code, reason = "a target makes no calls")]
#[path = "../../crates/server/src/upstream/http1.rs"]
mod http1;
#[path = "../../crates/server/src/upstream/reply_body.rs"]
mod reply_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| reply_body::run(data));
