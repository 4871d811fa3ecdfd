//! Says what a client asked in Bedrock's words, and what Bedrock answered in the client's.
//!
//! This crate opens no socket, reads no clock, draws no random number and knows no caller, no route
//! and no price: bytes, time and identifiers are arguments.

#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm, clippy::indexing_slicing))]

pub mod bedrock;
pub mod catalogue;
pub mod dialect;
pub mod fault;
pub mod limits;
pub mod model;
pub mod translation;
pub mod warning;
pub mod wire;

pub use fault::Fault;
pub use warning::Warning;
