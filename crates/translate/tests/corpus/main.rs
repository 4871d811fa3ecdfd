//! Recorded answers of Bedrock, translated, say what their recordings say: whole, streamed, and however they are cut.
#![expect(clippy::unwrap_used, reason = "a test")]

mod chat;
mod recorded;
mod responses;
mod two_turns;
