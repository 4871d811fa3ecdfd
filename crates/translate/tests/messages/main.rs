//! Requests of Messages: of any bytes, and as real clients send them.
#![expect(clippy::unwrap_used, reason = "a test")]

mod counting;
mod errors;
mod limits;
mod real_clients;
mod request_body;
