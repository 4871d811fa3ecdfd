//! Requests and answers of LLM APIs, translated between the dialects of clients and the APIs of AWS Bedrock.
//!
//! A request in a client's [`dialect`] is read into the neutral [`model`], written for an upstream API of [`bedrock`] as
//! the [`catalogue`] says that its model wants it, and the answer comes back the same way, whole or in pieces of any size.
//! Reasoning is kept: its text, its signatures and its encrypted blocks go to the client and come back with the next
//! request. [`translation`] is the only place that names both sides.
//!
//! This crate does not:
//!
//! - open sockets, read clocks, draw random numbers or spawn tasks: bytes, time and identifiers are arguments;
//! - choose a backend, retry, hedge, authenticate or sign: that is the gateway's and its host's;
//! - know callers, routes, quotas or prices;
//! - log: the `Debug` of texts, bodies and turns shows their length, and what may be logged is given as values.

#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm, clippy::indexing_slicing))]

pub mod answer_text;
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
