//! The models that embed, over InvokeModel: Titan, Nova and Cohere, each with a body of its own.
//!
//! Source: Bedrock's user guide, "Amazon Titan Embeddings G1 - Text", "Amazon Titan Multimodal Embeddings G1", "Cohere
//! Embed v3" and "v4"; Nova's, "Complete embeddings request and response schema". None of them streams.

mod request;
mod response;

pub use request::{EmbedCall, write};
pub use response::{Embedded, read};
