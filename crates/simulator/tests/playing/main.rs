//! The simulator over real connections: its streams are read with AWS's own decoder.
#![expect(clippy::unwrap_used, reason = "a test")]

mod calls;
mod control;
mod faults;
mod outage;
mod replay;
mod rules;
mod socket;
mod support;
