//! Bedrock's own API: bytes of every kind as its paths and as its answers.

mod path_body;
mod watch_body;
