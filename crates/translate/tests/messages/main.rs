//! Requests of Messages: of any bytes, as real clients send them, and as the documentation has them.
#![expect(clippy::unwrap_used, reason = "a test")]

mod counting;
mod documented;
mod errors;
mod limits;
mod real_clients;
mod request_body;
