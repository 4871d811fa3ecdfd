//! InvokeModel: recorded answers, whatever bytes come, and which road a request takes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod answer_body;
mod passing;
mod recorded;
mod request_body;
mod roads;
