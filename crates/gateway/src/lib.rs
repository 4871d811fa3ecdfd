//! Decides what happens to one request: where it goes, what is said when it fails, what is recorded.
//!
//! This crate opens no socket, reads no clock and draws no random number: bytes, time, identifiers and
//! configuration are arguments, so that one core serves any host and a test can try any order of events.

pub mod auth;
mod beginning;
pub mod config;
pub mod door;
pub mod exchange;
pub mod fleet;
mod key_ring;
mod lessons;
pub mod mutation;
mod pace;
pub mod record;
pub mod restore;
pub mod route;
pub mod secret;

pub use aquifer_translate as translate;
