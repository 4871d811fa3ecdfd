//! How long a call may take, as its route and its rule say.

use crate::config::{Rule, Traffic};
use std::time::Duration;

/// The time limits of a call: what the route says, `None` where it says nothing and the host's limits hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CallTimeouts {
    /// For a connection.
    pub(super) connect: Option<Duration>,
    /// From the call to the moment at which another backend is asked too. `None`: never.
    pub(super) hedge: Option<Duration>,
    /// From the request to the head of its answer, although none is known. Zero: never.
    pub(super) early_head: Option<Duration>,
    /// From the call to the first content of a stream, or to the first byte of a whole answer.
    pub(super) first_byte: Option<Duration>,
    /// The same where neither the route nor the host says it: learned from earlier answers, while another backend could be
    /// asked.
    pub(super) usual: Option<Duration>,
    /// Without a byte: `streamIdleTimeout`.
    pub(super) silence: Option<Duration>,
    /// From the call to the answer's end: `timeouts.request`.
    pub(super) request: Option<Duration>,
}

impl CallTimeouts {
    /// The limits that a rule sets. An attempt has its time for the first byte of a stream: once it streams, it is the
    /// client's answer.
    pub(super) fn of(rule: Option<&Rule>, traffic: &Traffic, stream: bool) -> Self {
        let first_byte = traffic.first_byte.filter(|time| !time.is_zero());
        let attempt = traffic.retry.each.or_else(|| rule.and_then(|rule| rule.call_timeout));
        Self {
            connect: traffic.connect,
            // A whole answer has no first token to wait for: it may rightly take long.
            hedge: traffic.hedge.filter(|_| stream),
            early_head: Some(traffic.early_head).filter(|_| stream).unwrap_or(Some(Duration::ZERO)),
            first_byte: if stream { first_byte.or(attempt) } else { attempt.or(first_byte) },
            // It is learned for each call, unless that is not wanted.
            usual: traffic.first_byte.is_none().then_some(Duration::ZERO),
            silence: rule.and_then(|rule| rule.stream_idle_timeout),
            request: rule.and_then(|rule| rule.request_timeout).or(traffic.whole),
        }
    }
}
