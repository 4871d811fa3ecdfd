//! Byte formats that know nothing of models or messages.

pub(crate) mod base64;
pub mod eventstream;
pub mod json;
pub mod retry_after;
pub mod slice;
pub mod sse;
pub mod uri;
