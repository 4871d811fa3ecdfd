//! Faults, as the clients of OpenAI's Responses expect to be told of them.

use super::field::path;
use crate::dialect::told;
use crate::fault::Fault;
use crate::model::text::Text;

/// A fault in this dialect's words.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedResponsesError {
    /// The HTTP status, when nothing was sent yet.
    pub status: u16,
    /// `{"error":{"message":...,"type":...,"param":...,"code":...}}`
    pub body: String,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u64>,
    /// `x-should-retry`, where the status alone would mislead.
    pub should_retry: Option<bool>,
}

impl std::fmt::Debug for RenderedResponsesError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, body, .. } = self;
        f.debug_struct("RenderedResponsesError")
            .field("status", status)
            .field("bytes", &body.len())
            .finish_non_exhaustive()
    }
}

/// Tells a fault, when nothing was sent yet.
#[must_use]
pub fn render(fault: &Fault) -> RenderedResponsesError {
    let message = Text::from_plain(told::message(fault, path));
    let body = format!(
        r#"{{"error":{{"message":"{}","type":"invalid_request_error","param":null,"code":null}}}}"#,
        message.as_escaped()
    );
    RenderedResponsesError { status: 400, body, retry_after: told::retry_after(fault), should_retry: None }
}

/// The flat `error` event of a stream whose head was sent and in which no response was begun.
#[must_use]
pub fn event(fault: &Fault) -> String {
    let message = Text::from_plain(told::message(fault, path));
    format!(r#"{{"type":"error","code":null,"message":"{}","param":null,"sequence_number":0}}"#, message.as_escaped())
}
