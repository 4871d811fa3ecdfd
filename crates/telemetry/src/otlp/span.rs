//! The spans of an exchange, encoded from its record: one of kind SERVER, and one of kind CLIENT for each attempt.
//!
//! ```text
//!  POST /v1/chat/completions   SERVER   what the client asked and got, what it cost in all
//!   ├─ chat model-a            CLIENT   the first attempt: its model, tokens, times, ids, result
//!   └─ chat model-b            CLIENT   a retry or a hedge
//! ```
//!
//! Tokens stand on attempts alone, because backends sum up what they find on spans. The numbers of fields are those of
//! OpenTelemetry's `trace.proto`.

use super::attempt_span;
use super::conventions::SpanConventions;
use super::exchange_span;
use super::wire;
use aquifer_gateway::record::{ExchangeTrace, Record};

/// `ScopeSpans.spans`.
const SPANS: u32 = 2;

/// Appends the spans of an exchange, each as a field of `ScopeSpans`; the number of them.
pub(super) fn encode(to: &mut Vec<u8>, record: &Record, trace: &ExchangeTrace, names: &SpanConventions) -> usize {
    wire::message(to, SPANS, |to| exchange_span::encode(to, record, trace, names));
    for number in 0..record.attempts.len() {
        wire::message(to, SPANS, |to| attempt_span::encode(to, record, trace, number, names));
    }
    1 + record.attempts.len()
}
