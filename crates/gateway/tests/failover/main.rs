//! What happens when backends fail.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, which may look at the clock")]

mod again;
mod drained;
mod hedging;
mod outages;
mod passing;
mod passing_body;
mod phases;
mod played;
mod restart;
mod restart_invoke;
mod told_cost;
mod under;
