//! What an exchange and its host say to one another: the request, what happened, what is to be done.

use super::phase::Phase;
use crate::config::{Circuit, OnClientGone};
use crate::record::Record;
use crate::restore::{Keep, KeepResponse, TurnKey, TurnStore};
use aquifer_translate::Fault;
use aquifer_translate::dialect::{Dialect, NoSurface, Surface};
use aquifer_translate::fault::Unreachable;
use aquifer_translate::model::turn::Turn;
use aquifer_translate::translation::{KeepAlive, ReasoningProgress};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use std::fmt;
use std::time::{Duration, Instant};

/// The beginnings of the paths of AWS's SDKs, also of operations that are not served.
const OF_AWS: [&str; 5] = ["/model/", "/inference-profiles", "/guardrail", "/async-invoke", "/foundation-models"];

/// The head of a client's request, with what a host must draw for its exchange.
#[derive(Debug)]
pub struct RequestHead<'a> {
    /// For example `POST`.
    pub method: &'a Method,
    /// The path without the query.
    pub path: &'a str,
    /// The query, without its question mark; empty where there is none.
    pub query: &'a str,
    /// The client's headers; `host` is the host that counts.
    pub headers: &'a HeaderMap,
    /// The port of the configuration's listeners by which it came. `None`: an address of the command line.
    pub port: Option<u16>,
    /// Randomness, for the id of the exchange and its draws.
    pub random: u128,
    /// Seconds since the epoch, for `created`.
    pub unix_seconds: u64,
    /// When the request's head arrived.
    pub now: Instant,
}

impl RequestHead<'_> {
    /// The dialect in which its client is answered, whatever is wrong with the request. The list of models is one path of two
    /// dialects, and a path that is not served is nobody's: Anthropic's clients send `anthropic-version`.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect_at(&Surface::of(self.method, self.path))
    }

    /// The same, where its surface is known.
    pub(super) fn dialect_at(&self, surface: &Result<Surface<'_>, NoSurface>) -> Dialect {
        let dialect = match surface {
            Ok(Surface { dialect, .. }) | Err(NoSurface::MethodNotAllowed { dialect, .. }) => *dialect,
            Err(NoSurface::NotFound) if OF_AWS.iter().any(|begin| self.path.starts_with(begin)) => Dialect::Bedrock,
            Err(NoSurface::NotFound) => Dialect::default(),
        };
        let shared = self.path.starts_with("/v1/models") || *surface == Err(NoSurface::NotFound);
        if shared && self.headers.contains_key("anthropic-version") { Dialect::AnthropicMessages } else { dialect }
    }
}

/// The limits of a host, and what it can do: the same for all its exchanges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostTerms {
    /// Its limits.
    pub limits: HostLimits,
    /// What it can do.
    pub abilities: Abilities,
}

/// Limits that hold where neither a route nor a rule says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostLimits {
    /// The largest request body, in bytes.
    pub max_body: usize,
    /// For a connection to a backend.
    pub connect: Duration,
    /// For the next byte of a backend.
    pub upstream_silence: Duration,
    /// For the first byte of a backend's answer. `None`: as for any other byte.
    pub first_byte: Option<Duration>,
    /// When the client of a stream gets its head at the latest. `None`: when an answer is known.
    pub early_head: Option<Duration>,
    /// After how much silence the client of a stream hears a keep-alive. `None`: never.
    pub keep_alive: Option<Duration>,
    /// What a keep-alive is.
    pub keep_alive_kind: KeepAlive,
    /// How long a count of tokens is cached; zero: not at all.
    pub token_count_life: Duration,
    /// What becomes of a call whose client leaves.
    pub on_client_gone: OnClientGone,
    /// How far an answer is read on whose client has left.
    pub drain: DrainLimits,
}

impl Default for HostLimits {
    /// 32 MiB, ten seconds for a connection, five minutes of silence, ten minutes for a count of tokens, and nothing else.
    fn default() -> Self {
        Self {
            max_body: 32 << 20,
            connect: Duration::from_secs(10),
            upstream_silence: Duration::from_secs(300),
            first_byte: None,
            early_head: None,
            keep_alive: None,
            keep_alive_kind: KeepAlive::Comment,
            token_count_life: Duration::from_secs(600),
            on_client_gone: OnClientGone::Close,
            drain: DrainLimits::default(),
        }
    }
}

/// How far an answer is read on whose client has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainLimits {
    /// The most bytes of the backend's answer, counted from then on.
    pub bytes: u64,
    /// The longest time.
    pub time: Duration,
}

impl Default for DrainLimits {
    /// 8 MiB, and five minutes.
    fn default() -> Self {
        Self { bytes: 8 << 20, time: Duration::from_secs(300) }
    }
}

/// What a host can do for an exchange. A filter inside a proxy has one call, which the proxy makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// It can make another call when one failed. Without it, the first failure is the answer.
    pub retry: bool,
    /// It can wait before a call. Without it, retries are made at once.
    pub pause: bool,
    /// It can make a second call while the first is under way.
    pub hedge: bool,
}

impl Default for Abilities {
    /// All of them.
    fn default() -> Self {
        Self { retry: true, pause: true, hedge: true }
    }
}

/// A stream that is under way, for a gauge of open streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenStream<'a> {
    /// The model id that is called.
    pub model_id: &'a str,
    /// The configuration or the catalogue names it.
    pub is_known_model: bool,
    /// What it does now.
    pub phase: Phase,
}

/// Which of the calls that may be under way at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallId {
    /// The only one, or the one that was made first.
    #[default]
    Primary,
    /// The one that was made because the first was slow.
    Hedge,
}

/// What can happen to an exchange after its request's head arrived.
pub enum Input<'a> {
    /// The request's body, whole: [`Output::ReadBody`] asked for it.
    Body {
        /// The head that the exchange began with.
        head: &'a RequestHead<'a>,
        /// The body.
        bytes: Bytes,
        /// Where turns are remembered: it is asked at once where it can answer at once.
        turns: &'a dyn TurnStore,
    },
    /// The host refuses the request: its body is too large or too slow, or there is no memory for it.
    Refused(Fault),
    /// What is remembered of the turns that [`Output::Recall`] asked for, in its order.
    Recalled(Vec<Option<Turn>>),
    /// The call waits for its turn at its backend.
    CallQueued,
    /// The call is sent: at once, or because its turn has come. A host without a queue need not say so.
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
    UpstreamFailed(Unreachable),
    /// The moment that [`Exchange::poll_timeout`](super::Exchange::poll_timeout) named has come.
    Timeout,
    /// The client is gone.
    ClientGone,
}

/// What a host must do. Its `Debug` shows neither content nor headers, which may hold a key.
pub enum Output {
    /// Read the request's body, of at most so many bytes, and feed it.
    ReadBody {
        /// The most, in bytes.
        limit: usize,
    },
    /// Ask the store for the turns of these keys.
    Recall(Vec<TurnKey>),
    /// Remember a turn.
    Keep(Box<Keep>),
    /// Remember a response.
    KeepResponse(Box<KeepResponse>),
    /// Call this backend; a call with the same id that is under way is over.
    Call(Box<Call>),
    /// This call is over: drop it.
    Cancel(CallId),
    /// Call [`Exchange::retry`](super::Exchange::retry) next, wherever that may take its time; only where
    /// [`Exchange::defer_retries`](super::Exchange::defer_retries) was called.
    Retry,
    /// This call is the only one from now on, and the [`Primary`](CallId::Primary): the other one is over.
    Settled(CallId),
    /// Tell the log that a backend is ejected for a while.
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
        /// No backend was called: a filter in a proxy sends it as its own reply.
        local: bool,
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
    pub id: CallId,
    /// Index into [`Config::backends`](crate::config::Config::backends).
    pub backend: usize,
    /// The path, percent-encoded as it must stand on the wire.
    pub path: String,
    /// Headers to send, all of which are signed.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How long the host waits for a connection.
    pub connect: Duration,
    /// How long the host waits before the call.
    pub after: Duration,
    /// How much the backend is given at once.
    pub circuit: Circuit,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadBody { limit } => f.debug_struct("ReadBody").field("limit", limit).finish(),
            Self::Recall(keys) => f.debug_tuple("Recall").field(&keys.len()).finish(),
            Self::Keep(keep) => f.debug_struct("Keep").field("bytes", &keep.turn.bytes()).finish_non_exhaustive(),
            Self::Call(call) => f.debug_tuple("Call").field(call).finish(),
            Self::KeepResponse(keep) => {
                f.debug_struct("KeepResponse").field("bytes", &keep.response.bytes()).finish_non_exhaustive()
            }
            Self::Cancel(id) => f.debug_tuple("Cancel").field(id).finish(),
            Self::Retry => f.write_str("Retry"),
            Self::Settled(id) => f.debug_tuple("Settled").field(id).finish(),
            Self::Ejected { backend, alone, .. } => {
                f.debug_struct("Ejected").field("backend", backend).field("alone", alone).finish_non_exhaustive()
            }
            Self::Head { status, local, .. } => {
                f.debug_struct("Head").field("status", status).field("local", local).finish_non_exhaustive()
            }
            Self::Body(bytes) => f.debug_struct("Body").field("bytes", &bytes.len()).finish(),
            Self::Reasoning(progress) => f.debug_tuple("Reasoning").field(progress).finish(),
            Self::Done(record) => f.debug_struct("Done").field("outcome", &record.outcome).finish_non_exhaustive(),
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, backend, path, body, connect, after, circuit, headers: _ } = self;
        let mut shown = f.debug_struct("Call");
        shown.field("id", id).field("backend", backend).field("path", path).field("bytes", &body.len());
        shown.field("connect", connect).field("after", after).field("circuit", circuit).finish_non_exhaustive()
    }
}
