//! Byte formats that know nothing of models or messages.

pub mod eventstream;
pub mod json;
pub mod pause;
pub mod slice;
pub mod sse;
pub mod uri;
