//! Plays Bedrock on a socket: Converse, InvokeModel for Claude, both streamed too, InvokeModel for models that embed or
//! rank, and CountTokens, with reasoning, tools, and every way to fail, on demand.
//!
//! What it answers depends on the model id, the request and nothing else, so tests can rely on every byte of it but the
//! request ids. It runs no model, keeps nothing between requests but what it was asked to fail or to cache, and shares no code with the
//! gateway. Faults are asked for by `[[fault:NAME]]` in the last message of the user, or happen every so many calls.

mod cached;
mod check;
mod control;
mod encoders;
mod families;
mod fault;
mod frames;
mod messages;
mod operation;
mod outage;
mod pointers;
mod profiles;
mod prompt_cache;
mod refused;
mod script;
mod seal;
mod serve;
mod socket;
mod state;
mod steps;
mod talk;
mod tokens;

pub use outage::{Every, every};
pub use serve::serve;

use std::time::Duration;

/// How it plays.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The pause between two frames of a stream.
    pub pace: Duration,
    /// Faults that happen every so many calls, until `PUT /simulator/faults` says otherwise.
    pub faults: Vec<Every>,
    /// How many letters of the user's words thoughts and answers repeat at most: the last ones. All without it.
    pub echo: Option<usize>,
    /// Whether the cache of prompts is played: what was marked once is told as read when it comes again.
    pub prompt_cache: bool,
}
