//! The neutral words: what a request, an answer and its increments are, in nobody's dialect.

pub mod alike;
pub mod answer_cost;
pub mod arguments;
pub(crate) mod as_text;
pub mod call_id;
pub mod delta;
pub mod embed;
pub mod field_ref;
pub mod issuer;
pub(crate) mod json;
pub mod milestones;
pub mod offer;
pub mod raw;
pub mod reasoning;
pub mod request;
pub mod request_id;
pub mod rerank;
pub mod response;
pub mod text;
pub mod turn;
pub mod wrapped;
