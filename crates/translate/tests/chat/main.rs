//! A request of any bytes and an answer of any payloads: nothing panics, and what comes out is well-formed.

mod answer_body;
mod linear;
mod linear_body;
mod media_body;
mod request_body;
