//! OpenAI's embeddings: `POST /v1/embeddings`.
//!
//! Source: OpenAI's API reference, "Create embeddings". `input_type` and `truncate` are Cohere's; an input may also be an
//! object, for images, in the shapes of OpenAI's content parts and of Cohere's `inputs`.

pub mod request;
pub mod response;
