//! How far the answer of a backend is.

use super::answer_stream::AnswerStream;
use super::relaying::Relaying;
use crate::exchange::veil::Veil;
use aquifer_translate::Fault;
use aquifer_translate::fault::Misbehaviour;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// The most that a whole answer may have, in bytes.
const LONGEST_ANSWER: usize = 64 << 20;
/// The most of a refusal that is read; its message comes first.
const LONGEST_REFUSAL: usize = 1 << 20;

/// How far the answer of a backend is.
pub(super) enum Answer {
    /// No head came yet.
    Silent,
    /// A stream, translated or reframed as it comes.
    Streaming(AnswerStream),
    /// A whole answer, gathered.
    Whole {
        /// What came so far.
        body: Vec<u8>,
    },
    /// A stream that is relayed as it comes.
    Relaying(Box<Relaying>),
    /// A whole answer that is relayed, gathered.
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

impl Answer {
    /// An answer with a status that is no success.
    pub(super) fn refusing(status: StatusCode, headers: &HeaderMap) -> Self {
        Self::Refusing { status, headers: Box::new(headers.clone()), body: Vec::new() }
    }

    /// An answer in the client's own dialect, which may want a stream.
    pub(super) fn relayed(status: StatusCode, headers: &HeaderMap, stream: bool, veil: Option<Veil>) -> Self {
        let kind = headers.get(header::CONTENT_TYPE).cloned();
        let events = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/event-stream");
        if !status.is_success() {
            Self::refusing(status, headers)
        } else if stream && kind.as_ref().is_some_and(events) {
            Self::Relaying(Box::new(Relaying::new(veil)))
        } else {
            Self::Handing { status, kind, body: Vec::new() }
        }
    }

    /// Whether more of a refusal is not read.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Refusing { body, .. } if body.len() >= LONGEST_REFUSAL)
    }

    /// Takes bytes of an answer that is read whole before anything is told of it.
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

/// Whether a body has an encoding; calls ask for none.
pub(super) fn is_encoded(headers: &HeaderMap) -> bool {
    let is_one = |encoding: &HeaderValue| !matches!(encoding.as_bytes().trim_ascii(), b"" | b"identity" | b"Identity");
    headers.get_all(header::CONTENT_ENCODING).iter().any(is_one)
}

/// Whether a body says that it is JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}
