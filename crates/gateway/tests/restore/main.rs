//! Reasoning through the gateway: put back where a client dropped it, and taken out where Bedrock refuses it.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, which may look at the clock")]

mod again;
mod crossing;
mod loops;
mod memory;
mod renamed;
mod stage;
mod stored;
