//! What an exchange and its host say to one another: the request, what happened, what is to be done.

use super::CallId;
use crate::config::Circuit;
use crate::record::Record;
use crate::restore::{Keep, TurnKey, TurnStore};
use aquifer_translate::model::turn::Turn;
use aquifer_translate::translation::{KeepAlive, ReasoningProgress};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use std::fmt;
use std::time::{Duration, Instant};

/// A client's request, read whole, with what a host must draw for it.
pub struct Arrival<'a> {
    /// `POST` or `GET`.
    pub method: &'a Method,
    /// The path without the query.
    pub path: &'a str,
    /// The client's headers.
    pub headers: &'a HeaderMap,
    /// The port of the configuration's listeners by which it came. `None`: an address of the command line.
    pub port: Option<u16>,
    /// The body, whole.
    pub body: &'a Bytes,
    /// Where turns are remembered.
    pub turns: &'a dyn TurnStore,
    /// Randomness, for the id of the exchange.
    pub random: u128,
    /// Seconds since the epoch, for `created`.
    pub unix_seconds: u64,
    /// When the request's head arrived.
    pub now: Instant,
}

/// What can happen to an exchange after its request arrived.
pub enum Input<'a> {
    /// What is remembered of the turns that [`Output::Recall`] asked for, in its order.
    Recalled(Vec<Option<Turn>>),
    /// The call's turn has come: a host that lets calls wait for their turn says when each begins.
    CallStarted,
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
    /// [`CallTimeouts::hedge`] is over, and the call may not have begun to answer.
    Slow,
    /// [`CallTimeouts::early`] is over, and the client has been told nothing.
    Early,
    /// The client has been told nothing for a while.
    Quiet(KeepAlive),
    /// The client is gone.
    ClientGone,
}

/// What a host must do. Its `Debug` shows neither content nor headers, which may hold a key.
pub enum Output {
    /// Ask the store for the turns of these keys.
    Recall(Vec<TurnKey>),
    /// Remember a turn.
    Keep(Box<Keep>),
    /// Call this backend; a call of this lane that is under way is over.
    Call(Box<Call>),
    /// Call [`Exchange::retry`](super::Exchange::retry) next, wherever that may take its time; only where [`Exchange::defer_retries`](super::Exchange::defer_retries) was called.
    Retry,
    /// The call of this lane is the only one from now on, and the [`First`](CallId::Primary): the other one is over.
    Settled(CallId),
    /// Tell the log that a backend is left alone for a while.
    Ejected {
        /// Index into [`Config::backends`](crate::config::Config::backends).
        backend: usize,
        /// For this model alone; `None`: for all.
        model: Option<String>,
        /// For how long.
        alone: Duration,
    },
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

/// An unsigned request to a backend. Its `Debug` shows neither content nor headers, which may hold a key.
pub struct Call {
    /// Which of two that may be under way at once.
    pub lane: CallId,
    /// Index into [`Config::backends`](crate::config::Config::backends).
    pub backend: usize,
    /// The path, percent-encoded as it must stand on the wire.
    pub path: String,
    /// Headers to send, all of which are signed.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How long the host waits for it.
    pub patience: CallTimeouts,
    /// How long the host waits before it.
    pub after: Duration,
    /// How much the backend is given at once.
    pub circuit: Circuit,
}

/// How long a host waits for a call: what the route says, `None` where it says nothing and the host decides.
///
/// When a limit is passed, the host drops the call and feeds [`Input::UpstreamFailed`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallTimeouts {
    /// For a connection.
    pub connect: Option<Duration>,
    /// From the call to the first byte of its body; then the host feeds [`Input::Slow`] and goes on waiting. `None`: never.
    pub hedge: Option<Duration>,
    /// From the request to the head of its answer: then the host feeds [`Input::Early`] and goes on waiting. Zero: never.
    pub early: Option<Duration>,
    /// So much of it is over.
    pub spent: Duration,
    /// From the call to the first content of a stream, or to the first byte of a whole answer.
    pub first: Option<Duration>,
    /// The same where neither the route nor the host says it: learned from what is usual, while another backend could be
    /// asked.
    pub usual: Option<Duration>,
    /// Without a byte: `streamIdleTimeout`.
    pub silence: Option<Duration>,
    /// From the call to the answer's end: `timeouts.request`.
    pub whole: Option<Duration>,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recall(keys) => f.debug_tuple("Recall").field(&keys.len()).finish(),
            Self::Keep(keep) => f.debug_struct("Keep").field("bytes", &keep.turn.bytes()).finish_non_exhaustive(),
            Self::Call(call) => f.debug_tuple("Call").field(call).finish(),
            Self::Retry => f.write_str("Retry"),
            Self::Settled(lane) => f.debug_tuple("Settled").field(lane).finish(),
            Self::Ejected { backend, alone, .. } => {
                f.debug_struct("Ejected").field("backend", backend).field("alone", alone).finish_non_exhaustive()
            }
            Self::Head { status, .. } => f.debug_struct("Head").field("status", status).finish_non_exhaustive(),
            Self::Body(bytes) => f.debug_struct("Body").field("bytes", &bytes.len()).finish(),
            Self::Reasoning(progress) => f.debug_tuple("Reasoning").field(progress).finish(),
            Self::Done(record) => f.debug_struct("Done").field("outcome", &record.outcome).finish_non_exhaustive(),
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lane, backend, path, body, patience, after, circuit, headers: _ } = self;
        let mut shown = f.debug_struct("Call");
        shown.field("lane", lane).field("backend", backend).field("path", path).field("bytes", &body.len());
        shown.field("patience", patience).field("after", after).field("circuit", circuit).finish_non_exhaustive()
    }
}
