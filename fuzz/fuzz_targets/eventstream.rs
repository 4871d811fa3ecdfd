//! Any bytes at all, in any pieces, are read as AWS's decoder reads them.
#![no_main]

#[path = "../../crates/translate/tests/eventstream/fuzz_body.rs"]
mod fuzz_body;
#[path = "../../crates/translate/tests/eventstream/reading.rs"]
mod reading;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_body::run(data));
