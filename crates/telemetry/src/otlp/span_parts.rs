//! What the spans of exchanges and of attempts have in common: their heads, their status, numbers.

use super::wire;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `Span.kind`.
pub(super) const SERVER: u64 = 2;
pub(super) const CLIENT: u64 = 3;
/// `Span.attributes`.
pub(super) const ATTRIBUTES: u32 = 9;
/// `Status.code`: an error.
const ERROR: u64 = 2;
/// The longest message of a status.
const LONGEST_MESSAGE: usize = 512;
/// The flags of a span or a link: it is known whether the other one is remote, and it is.
pub(super) const HAS_IS_REMOTE: u32 = 0x100;
pub(super) const IS_REMOTE: u32 = 0x200;
/// W3C's flag of a sampled trace.
const SAMPLED: u32 = 1;

/// What all spans have.
pub(super) struct SpanHead<'a> {
    pub(super) trace_id: u128,
    pub(super) span_id: u64,
    /// Its parent's id, and whether that is another process's.
    pub(super) parent: Option<u64>,
    pub(super) is_remote: bool,
    pub(super) state: &'a str,
    pub(super) name: [&'a str; 2],
    pub(super) kind: u64,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Writes what all spans have.
pub(super) fn head(to: &mut Vec<u8>, span: &SpanHead<'_>) {
    wire::bytes(to, 1, &span.trace_id.to_be_bytes());
    wire::bytes(to, 2, &span.span_id.to_be_bytes());
    wire::bytes(to, 3, span.state.as_bytes());
    if let Some(parent) = span.parent {
        wire::bytes(to, 4, &parent.to_be_bytes());
    }
    let [first, second] = span.name;
    wire::message(to, 5, |to| {
        to.extend_from_slice(first.as_bytes());
        if !second.is_empty() {
            to.push(b' ');
            to.extend_from_slice(second.as_bytes());
        }
    });
    wire::uint(to, 6, span.kind);
    wire::fixed64(to, 7, span.start);
    wire::fixed64(to, 8, span.end);
    let remote = if span.is_remote { IS_REMOTE } else { 0 };
    wire::fixed32(to, 16, SAMPLED | HAS_IS_REMOTE | remote);
}

/// Writes the status of a span that failed, with words without content.
pub(super) fn status(to: &mut Vec<u8>, message: &str) {
    wire::message(to, 15, |to| {
        let message = &message[..message.floor_char_boundary(LONGEST_MESSAGE)];
        wire::bytes(to, 2, message.as_bytes());
        wire::uint(to, 3, ERROR);
    });
}

/// Writes what is there.
pub(super) fn maybe<T>(value: Option<T>, write: impl FnOnce(T)) {
    if let Some(value) = value {
        write(value);
    }
}

/// A name that is none when it is empty.
pub(super) fn named(name: &str) -> Option<&str> {
    Some(name).filter(|name| !name.is_empty())
}

/// An amount in dollars, of 10⁻¹² dollars.
pub(super) fn usd(amount: u64) -> f64 {
    amount as f64 / 1e12
}

/// A time in milliseconds.
pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e6
}

/// A time in nanoseconds.
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A moment in nanoseconds since 1970.
#[must_use]
pub fn wall_nanos(time: SystemTime) -> u64 {
    nanos(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}
