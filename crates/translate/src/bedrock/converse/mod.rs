//! Bedrock's Converse and ConverseStream.

pub mod error;
pub mod remedy;
pub mod request;
pub mod response;
mod seal;
pub mod stream;
mod usage;
