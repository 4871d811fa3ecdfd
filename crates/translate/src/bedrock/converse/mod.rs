//! Bedrock's Converse and ConverseStream.

pub mod request;
