//! Configurations: how they are read and refused, and what they make of requests.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, which may look at the clock")]

mod backends;
mod broken;
mod config_body;
mod damaged;
mod examples;
mod loading;
mod lookup;
mod mistaken;
mod mutations;
mod policies;
mod requests;
mod routes;
mod rules;
mod seal_keys_body;
mod security;
mod support;
mod traffic;
mod verdicts;
