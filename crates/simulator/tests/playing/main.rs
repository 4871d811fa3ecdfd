//! The simulator over real connections: its streams are read with AWS's own decoder.
#![expect(clippy::unwrap_used, reason = "a test")]

mod calls;
mod control;
mod counting;
mod encoders;
mod faults;
mod invoke;
mod invoked;
mod outage;
mod prompts;
mod recorded;
mod replay;
mod rules;
mod socket;
mod support;
