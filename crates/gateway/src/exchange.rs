//! One request with its answer, as a state machine without I/O.
//!
//! The contract with every host: **feed one [`Input`], then do every [`Output`] until there is none; only
//! then feed the next.** A host that reads from Bedrock only after the client has taken what came before
//! keeps memory bounded.

use crate::config::Config;
use crate::record::Record;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use std::sync::Arc;
use std::time::Instant;

/// A client's request, read whole, with what a host must draw for it.
pub struct Arrival<'a> {
    /// `POST` or `GET`.
    pub method: &'a Method,
    /// The path without the query.
    pub path: &'a str,
    /// The client's headers.
    pub headers: &'a HeaderMap,
    /// The body, whole.
    pub body: &'a [u8],
    /// Randomness, for the answer's id.
    pub random: u128,
    /// Seconds since the epoch, for `created`.
    pub unix_seconds: u64,
    /// When the request's head arrived.
    pub now: Instant,
}

/// What can happen to an exchange after its request arrived.
pub enum Input<'a> {
    /// The call was answered with this head.
    UpstreamHead {
        /// The status.
        status: StatusCode,
        /// The headers.
        headers: &'a HeaderMap,
    },
    /// Some bytes of the answer's body.
    UpstreamBody(&'a [u8]),
    /// The answer's body ended as HTTP says it should.
    UpstreamEnd,
    /// The call failed on the way.
    UpstreamFailed(aquifer_translate::fault::Unreachable),
    /// The client is gone.
    ClientGone,
}

/// What a host must do.
#[derive(Debug)]
pub enum Output {
    /// Call this backend.
    Call(Call),
    /// Begin the answer to the client.
    Head {
        /// The status.
        status: StatusCode,
        /// The headers.
        headers: HeaderMap,
    },
    /// Send these bytes to the client, at once.
    Body(Bytes),
    /// The exchange is over: end the answer, drop the call, remember the record.
    Done(Box<Record>),
}

/// An unsigned request to a backend.
#[derive(Debug)]
pub struct Call {
    /// Index into [`Config::backends`].
    pub backend: usize,
    /// The path, percent-encoded as it must stand on the wire.
    pub path: String,
    /// Headers to send, all of which are signed.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// One exchange.
pub struct Exchange {
    _config: Arc<Config>,
}

impl Exchange {
    /// Begins with a request that arrived whole.
    #[must_use]
    pub fn begin(config: Arc<Config>, _arrival: &Arrival<'_>) -> Self {
        Self { _config: config }
    }

    /// Takes in what happened; `now` is when.
    pub fn handle(&mut self, _input: Input<'_>, _now: Instant) {}

    /// The next thing to do, until there is none.
    pub fn poll(&mut self) -> Option<Output> {
        None
    }
}
