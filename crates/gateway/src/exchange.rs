//! One request with its answer, as a state machine without I/O.
//!
//! The contract with every host: **feed one [`Input`], then do every [`Output`] until there is none; only
//! then feed the next.** A host that reads from Bedrock only after the client has taken what came before
//! keeps memory bounded.

use crate::config::Config;
use crate::record::Record;
use aquifer_translate::fault::{Fault, Mistake, MistakeKind};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    /// Tell the log how the reasoning goes on.
    Reasoning(ReasoningProgress),
    /// The exchange is over: end the answer, drop the call, remember the record.
    Done(Box<Record>),
}

/// How far one block of reasoning is, without its text: for the log at debug.
///
/// Everything else that is logged comes from the [`Record`], warnings included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasoningProgress {
    /// The block's index, as Bedrock counts.
    pub block: u32,
    /// What has just happened to it.
    pub state: ReasoningState,
    /// How many bytes of reasoning the block has brought so far.
    pub bytes: u64,
}

/// What can happen to a block of reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasoningState {
    /// Its first delta came.
    Opened,
    /// Its signature came.
    Signature,
    /// It ended.
    Closed,
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
    /// How long the host waits for it.
    pub patience: Patience,
}

/// How long a host waits for a call: what the route says, `None` where it says nothing and the host decides.
///
/// When a limit is passed, the host drops the call and feeds [`Input::UpstreamFailed`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// Without a byte: `streamIdleTimeout`.
    pub silence: Option<Duration>,
    /// From the call to the answer's end: `timeouts.request`.
    pub whole: Option<Duration>,
}

/// One exchange.
pub struct Exchange {
    _config: Arc<Config>,
    id: String,
}

impl Exchange {
    /// Begins with a request that arrived whole.
    #[must_use]
    pub fn begin(config: Arc<Config>, arrival: &Arrival<'_>) -> Self {
        Self { _config: config, id: format!("chatcmpl-{:032x}", arrival.random) }
    }

    /// The id in the answer, in the record and in every line of the log that is about this exchange.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Takes in what happened; `now` is when.
    pub fn handle(&mut self, _input: Input<'_>, _now: Instant) {}

    /// The next thing to do, until there is none.
    pub fn poll(&mut self) -> Option<Output> {
        None
    }
}

/// The answer to a request for which no exchange was begun: a body that is too long or comes too slowly.
#[must_use]
pub fn refusal(fault: &Fault) -> (StatusCode, HeaderMap, Bytes) {
    let status = match fault {
        Fault::ClientMistaken(Mistake { kind: MistakeKind::TooLarge, .. }) => StatusCode::PAYLOAD_TOO_LARGE,
        Fault::ClientMistaken(Mistake { kind: MistakeKind::TooSlow, .. }) => StatusCode::REQUEST_TIMEOUT,
        Fault::ClientMistaken(_) | Fault::Unsupported(_) => StatusCode::BAD_REQUEST,
        Fault::Refused(_) | Fault::UpstreamMisbehaved(_) | Fault::UpstreamUnreachable(_) => StatusCode::BAD_GATEWAY,
        Fault::Ours(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let kind = if status.is_client_error() { "invalid_request_error" } else { "api_error" };
    let error = serde_json::json!({"message": fault.to_string(), "type": kind, "param": null, "code": null});
    let body = serde_json::json!({ "error": error }).to_string();
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (status, HeaderMap::from_iter([json]), Bytes::from(body))
}
