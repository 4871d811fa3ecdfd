//! A call whose answer is awaited.

use super::heads;
use super::relaying::Relaying;
use super::veil::Veil;
use crate::config::ReasoningPolicy;
use crate::record::Estimate;
use aquifer_translate::Fault;
use aquifer_translate::dialect::Envelope;
use aquifer_translate::fault::{Misbehaviour, redacted};
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::response::{Finish, Usage};
use aquifer_translate::translation::{self, Outgoing, Road, StreamTranslation, Whole};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::borrow::Cow;
use std::time::Instant;

/// The most that a whole answer may have, in bytes.
const LONGEST_ANSWER: usize = 64 << 20;
/// The most of a refusal that is read; its message comes first.
const LONGEST_REFUSAL: usize = 1 << 20;

/// What is kept of a request while its call is under way.
pub(super) struct Waiting {
    outgoing: Outgoing,
    created: u64,
    /// How much of the answer's turn is remembered, when it is worth that.
    recording: Option<usize>,
    headers: HeaderMap,
    /// How it is led to the client.
    road: Road,
    /// What the client may see of its answer, where the operator decides that.
    pub(super) veil: Option<Veil>,
    /// What the client is told instead of a fault: the refusal of such a backend, as it came.
    pub(super) refused: Option<(StatusCode, HeaderMap, Bytes)>,
    pub(super) upstream: Upstream,
    /// What the client will be told of a stream, until some of it is content.
    pub(super) held: BytesMut,
    /// The bytes of the body that was sent, and of the answer's that came.
    sent: u64,
    pub(super) came: u64,
    /// The stream in which a whole answer is told.
    played: Option<Box<StreamTranslation>>,
    /// Since when the backend has had it.
    pub(super) started: Instant,
}

/// How far the answer from upstream is.
pub(super) enum Upstream {
    /// No head came yet.
    Silent,
    /// A stream.
    Streaming(Box<StreamTranslation>),
    /// A whole answer, gathered.
    Whole {
        /// What came so far.
        body: Vec<u8>,
    },
    /// A stream that goes on as it comes.
    Relaying(Box<Relaying>),
    /// A whole answer that goes on as it came, gathered.
    Handing {
        /// Its status.
        status: StatusCode,
        /// The type that it says it has.
        kind: Option<HeaderValue>,
        /// What came so far.
        body: Vec<u8>,
    },
    /// A refusal, gathered.
    Refusing {
        /// Its status.
        status: StatusCode,
        /// Its headers.
        headers: Box<HeaderMap>,
        /// What came so far.
        body: Vec<u8>,
    },
}

/// A request's part in its own answer.
pub(super) struct CallOf<'a> {
    outgoing: &'a Outgoing,
    record: bool,
    envelope: Envelope<'a>,
}

impl Waiting {
    pub(super) fn new(
        outgoing: Outgoing,
        road: Road,
        created: u64,
        recording: Option<usize>,
        started: Instant,
    ) -> Self {
        let headers = HeaderMap::new();
        let (veil, refused, upstream, played) = (None, None, Upstream::Silent, None);
        let (sent, came, held) = (outgoing.body.len() as u64, 0, BytesMut::new());
        Self { outgoing, created, recording, headers, road, veil, refused, upstream, held, sent, came, played, started }
    }

    /// Names warnings in every head of this exchange's answer.
    pub(super) fn warn(&mut self, warnings: &[String]) {
        heads::warn(&mut self.headers, warnings);
    }

    /// The same with what hides reasoning in an answer that goes on as it came, where the operator wants that.
    pub(super) fn behind_veil(mut self, policy: &ReasoningPolicy) -> Self {
        self.veil = Veil::of(policy).filter(|_| self.road == Road::Relay);
        self
    }

    /// The same for an answer that comes whole, when its client wants a stream.
    pub(super) fn playing(mut self, id: RequestId) -> Self {
        self.played = self.outgoing.whole.then(|| self.translation(id));
        self
    }

    /// The translation of a stream.
    fn translation(&mut self, id: RequestId) -> Box<StreamTranslation> {
        let restore = std::mem::replace(&mut self.outgoing.restore, Box::new(|_| None));
        let stream = StreamTranslation::new(&self.call(id).envelope, self.outgoing.style.clone(), restore);
        Box::new(match self.recording {
            Some(room) => stream.recording(room),
            None => stream,
        })
    }

    /// Whether a whole answer is told as a stream.
    pub(super) fn is_played(&self) -> bool {
        self.played.is_some()
    }

    /// The stream in which the client is told of the answer, where Bedrock's words are translated.
    pub(super) fn telling(&mut self) -> Option<&mut StreamTranslation> {
        match &mut self.upstream {
            Upstream::Streaming(stream) => Some(stream),
            _ => self.played.as_deref_mut(),
        }
    }

    /// The place of a schema for the answer among all schemas, when there is one.
    pub(super) fn schema(&self) -> Option<u64> {
        self.outgoing.schema
    }

    /// Whether nothing of the answer came that could be told, and nothing that speaks against one.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self.upstream, Upstream::Silent | Upstream::Streaming(_) | Upstream::Relaying(_))
    }

    /// What may have been used of tokens, as nobody says it.
    pub(super) fn estimate(&self) -> Estimate {
        Estimate::by_bytes(self.sent, self.came)
    }

    /// Whether the client wants a stream of a backend that has said nothing, and whose stream would be translated.
    pub(super) fn may_begin_early(&self) -> bool {
        matches!(self.upstream, Upstream::Silent) && self.outgoing.stream && self.road != Road::Relay
    }

    pub(super) fn road(&self) -> Road {
        self.road
    }

    /// Keeps a refusal as it came, with what its client may act on.
    pub(super) fn refuse(&mut self, status: StatusCode, headers: &HeaderMap, body: Bytes) {
        let kept = [header::CONTENT_TYPE, header::RETRY_AFTER];
        let kept = kept.into_iter().filter_map(|name| headers.get(&name).map(|value| (name, value.clone())));
        self.refused = Some((status, kept.collect(), without_names(body)));
    }

    /// The word for an end that the client is told.
    pub(super) fn finish_reason(&self, finish: &Finish) -> &'static str {
        self.outgoing.style.style.finish_reason(finish)
    }

    /// The headers that every answer of this exchange has: its warnings.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Takes the answer's head.
    ///
    /// # Errors
    /// It is none that an answer may have.
    pub(super) fn begin(&mut self, id: RequestId, status: StatusCode, headers: &HeaderMap) -> Result<(), Fault> {
        let no_head = |what: String| Err(Fault::UpstreamMisbehaved(Misbehaviour::Head(what)));
        match status.as_u16() {
            400..=599 => {}
            200..=203 if is_encoded(headers) => {
                return no_head("it has an encoding that was not asked for".to_owned());
            }
            200 => {}
            // Frameworks answer so where something is posted.
            201..=203 if self.road == Road::Relay => {}
            status => return no_head(format!("its status is {status}")),
        }
        if self.road == Road::Relay {
            self.upstream = self.pass(status, headers);
            return Ok(());
        }
        let json = is_json(headers);
        let streams = self.outgoing.stream && !self.is_played();
        self.upstream = if status != StatusCode::OK || (streams && json) {
            Upstream::Refusing { status, headers: Box::new(headers.clone()), body: Vec::new() }
        } else if streams {
            Upstream::Streaming(self.translation(id))
        } else {
            Upstream::Whole { body: Vec::new() }
        };
        Ok(())
    }

    fn pass(&mut self, status: StatusCode, headers: &HeaderMap) -> Upstream {
        let kind = headers.get(header::CONTENT_TYPE).cloned();
        let events = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/event-stream");
        if !status.is_success() {
            Upstream::Refusing { status, headers: Box::new(headers.clone()), body: Vec::new() }
        } else if self.outgoing.stream && kind.as_ref().is_some_and(events) {
            Upstream::Relaying(Box::new(Relaying::new(self.veil)))
        } else {
            Upstream::Handing { status, kind, body: Vec::new() }
        }
    }

    pub(super) fn call(&self, id: RequestId) -> CallOf<'_> {
        let envelope = Envelope { id, created: self.created, model: self.outgoing.model.borrowed() };
        CallOf { outgoing: &self.outgoing, record: self.recording.is_some(), envelope }
    }

    /// Lets go of the body that was sent.
    pub(super) fn let_go(&mut self) {
        self.outgoing.body = Bytes::new();
    }

    /// Whether this is what was sent already.
    pub(super) fn sent(&self, other: &Outgoing) -> bool {
        self.outgoing.path == other.path && self.outgoing.body == other.body
    }
}

impl Upstream {
    pub(super) fn streaming(&self) -> Option<&StreamTranslation> {
        if let Self::Streaming(stream) = self { Some(stream) } else { None }
    }

    /// What was told so far of the tokens of a stream.
    pub(super) fn usage(&self) -> Option<Usage> {
        match self {
            Self::Streaming(stream) => stream.usage(),
            Self::Relaying(relaying) => relaying.relay.usage,
            _ => None,
        }
    }

    /// Whether more of a refusal is not read.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Refusing { body, .. } if body.len() >= LONGEST_REFUSAL)
    }

    /// Takes bytes of an answer that is read whole before anything is said of it.
    pub(super) fn gather(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        match self {
            Self::Whole { body } | Self::Handing { body, .. } => {
                if body.len() + bytes.len() > LONGEST_ANSWER {
                    let what = format!("the answer is over {LONGEST_ANSWER} bytes");
                    return Err(Fault::UpstreamMisbehaved(Misbehaviour::Protocol(what)));
                }
                body.extend_from_slice(bytes);
            }
            Self::Refusing { body, .. } => {
                let room = LONGEST_REFUSAL.saturating_sub(body.len());
                body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            }
            Self::Silent | Self::Streaming(_) | Self::Relaying(_) => {}
        }
        Ok(())
    }
}

impl CallOf<'_> {
    pub(super) fn whole(&self, body: &[u8]) -> Result<Whole, Fault> {
        let Outgoing { style, restore, .. } = self.outgoing;
        translation::whole(body, &self.envelope, style, restore, self.record)
    }
}

/// A refusal without the account and the role that called, where AWS names them in it.
fn without_names(body: Bytes) -> Bytes {
    let redacted = std::str::from_utf8(&body).map(redacted);
    match redacted {
        Ok(Cow::Owned(told)) => Bytes::from(told),
        Ok(Cow::Borrowed(_)) | Err(_) => body,
    }
}

/// Whether a body has an encoding; calls ask for none.
pub(super) fn is_encoded(headers: &HeaderMap) -> bool {
    let is_one = |encoding: &HeaderValue| !matches!(encoding.as_bytes().trim_ascii(), b"" | b"identity" | b"Identity");
    headers.get_all(header::CONTENT_ENCODING).iter().any(is_one)
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}
