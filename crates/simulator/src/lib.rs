//! Plays Bedrock on a socket: Converse, InvokeModel for Claude, both streamed too, InvokeModel for models that embed or
//! rank, and CountTokens, with reasoning, tools, and every way to fail, on demand.
//!
//! What it answers depends on the model id, the request and nothing else, so tests can rely on every byte of it but the
//! request ids. It runs no model, keeps nothing between requests but what it was asked to fail, and shares no code with the
//! gateway. Faults are asked for by `[[fault:NAME]]` in the last message of the user, or happen every so many calls.

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
}
