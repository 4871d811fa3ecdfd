//! Bedrock's Converse and ConverseStream.

mod citation;
pub mod count_tokens;
pub mod error;
mod own_answer;
pub mod remedy;
pub mod request;
pub mod response;
pub(in crate::bedrock) mod seal;
pub mod stream;
mod usage;
