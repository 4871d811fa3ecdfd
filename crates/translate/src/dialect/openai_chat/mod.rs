//! OpenAI's Chat Completions.

pub mod request;
