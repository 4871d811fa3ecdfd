//! Bedrock's own API: bytes of every kind as its paths and as its answers.
#![expect(clippy::unwrap_used, reason = "a test")]

mod path_body;
mod watch_body;
