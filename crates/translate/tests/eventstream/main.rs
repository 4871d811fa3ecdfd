//! The event-stream reader and writer, held to published vectors, to AWS's own decoder, to its limits and to its promises.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agreement;
mod allocations;
mod build;
mod cuts;
mod fuzz_body;
mod limits;
mod reading;
mod vectors;
mod verdicts;
mod writing;
