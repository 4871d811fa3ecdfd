//! Faults of an exchange, sorted by whose they are.

mod refusal;

pub use refusal::{Refusal, redacted};

use crate::model::field_ref::{FieldRef, NAME};
use std::borrow::Cow;
use std::fmt;

/// A fault, sorted by who caused it: the client, the upstream, or the gateway.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The client's request is wrong: it must change before it is sent again.
    ClientMistaken(Mistake),
    /// The request is right, but Bedrock or this gateway cannot do it.
    Unsupported(Mistake),
    /// Bedrock answered, and said no.
    Refused(Refusal),
    /// Bedrock's answer breaks its own protocol.
    UpstreamMisbehaved(Misbehaviour),
    /// Bedrock was not reached, or went silent.
    UpstreamUnreachable(Unreachable),
    /// A mistake of this gateway.
    Ours(String),
    /// There is no room for one more request.
    Overloaded(String),
}

/// A mistake in a request, in words for the person who wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    /// The kind of mistake, which decides status and code.
    pub kind: MistakeKind,
    /// The field.
    pub field: Option<FieldRef>,
    /// What was expected and what was found; [`NAME`] stands for the field, as its dialect names it.
    pub message: String,
}

/// The kinds of mistake that a client can act on differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MistakeKind {
    /// The body is not JSON.
    Malformed,
    /// A field is missing, or has a value or a type that it may not have.
    InvalidValue,
    /// The request holds more of something than the gateway's limit.
    TooMany,
    /// A field asks for what cannot be done.
    UnsupportedParameter,
    /// No backend serves this model id.
    ModelNotFound,
    /// No such path.
    PathNotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The body is larger than the limit.
    TooLarge,
    /// The body took too long to arrive.
    TooSlow,
    /// The caller may not do this.
    Unauthorized,
    /// The request breaks HTTP's own rules.
    BadRequest,
    /// A web page of another origin asks.
    ForeignOrigin,
    /// The body is of a type, or encoded in a way, that is not read.
    MediaType,
    /// The connection was made for another host.
    Misdirected,
    /// The response that is named is not remembered, or not any more.
    ResponseNotFound,
    /// The path is not served over a websocket, but over HTTP as it is.
    NoWebSocket,
}

impl Mistake {
    /// The message, with this name for the field.
    #[must_use]
    pub fn naming(&self, field: &str) -> Cow<'_, str> {
        match self.message.contains(NAME) {
            true => Cow::Owned(self.message.replace(NAME, field)),
            false => Cow::Borrowed(&self.message),
        }
    }
}

/// A breach of the protocol by the upstream.
#[derive(Clone, Debug, PartialEq)]
pub enum Misbehaviour {
    /// The event stream's framing is broken: a checksum, a length, a header.
    Frame(String),
    /// A frame or an answer is not the JSON that it must be.
    Json(String),
    /// The stream ended before `messageStop`.
    EndedEarly,
    /// The stream ended inside a frame.
    CutFrame,
    /// The model produced output that Bedrock itself calls malformed.
    MalformedOutput(String),
    /// The answer's head is none that an answer may have: its status, its encoding.
    Head(String),
    /// Some other departure from the protocol.
    Protocol(String),
}

/// The reason why the upstream was not reached.
#[derive(Clone, Debug, PartialEq)]
pub enum Unreachable {
    /// No connection: refused, unresolved, TLS failure.
    Connect(String),
    /// The connection broke.
    Broken(String),
    /// Nothing came in time.
    Timeout(String),
    /// The first byte did not come in its own, shorter time: another attempt may be quicker.
    Stalled(String),
    /// No credentials to sign with.
    Credentials(String),
    /// The gateway has as many calls under way there as it may.
    Busy(String),
    /// The call could not be made, by the gateway's or the client's doing: no URL, no signature, no header. The upstream
    /// was never asked.
    Ours(String),
}

impl Fault {
    /// A wrong value in this field.
    #[must_use]
    pub fn invalid(field: FieldRef, message: impl Into<String>) -> Self {
        Self::mistake(MistakeKind::InvalidValue, Some(field), message)
    }

    /// This field asks for what cannot be done.
    #[must_use]
    pub fn unsupported(field: FieldRef, message: impl Into<String>) -> Self {
        Self::Unsupported(Mistake {
            kind: MistakeKind::UnsupportedParameter,
            field: Some(field),
            message: message.into(),
        })
    }

    /// A mistake of the client, of any kind.
    #[must_use]
    pub fn mistake(kind: MistakeKind, field: Option<FieldRef>, message: impl Into<String>) -> Self {
        Self::ClientMistaken(Mistake { kind, field, message: message.into() })
    }

    /// One word for metrics and logs: whose fault, and what.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::ClientMistaken(_) => "client_mistaken",
            Self::Unsupported(_) => "unsupported",
            Self::Refused(refusal) => &refusal.exception,
            Self::UpstreamMisbehaved(_) => "upstream_misbehaved",
            Self::Ours(_) | Self::UpstreamUnreachable(Unreachable::Ours(_)) => "internal",
            Self::UpstreamUnreachable(Unreachable::Credentials(_)) => "upstream_credentials",
            Self::UpstreamUnreachable(_) => "upstream_unreachable",
            Self::Overloaded(_) => "overloaded",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientMistaken(mistake) | Self::Unsupported(mistake) => {
                let own = mistake.field.as_ref().and_then(FieldRef::as_own);
                f.write_str(&mistake.naming(own.unwrap_or("the field")))
            }
            Self::Refused(refusal) => f.write_str(&refusal.message),
            Self::UpstreamMisbehaved(misbehaviour) => misbehaviour.fmt(f),
            Self::UpstreamUnreachable(unreachable) => unreachable.fmt(f),
            Self::Ours(what) => write!(f, "internal error of the gateway: {what}"),
            Self::Overloaded(what) => write!(f, "the gateway is overloaded: {what}"),
        }
    }
}

impl fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(what) => write!(f, "the answer's event stream is broken: {what}"),
            Self::Json(what) => write!(f, "the answer is not the JSON it should be: {what}"),
            Self::EndedEarly => f.write_str("the answer ended before the model had finished"),
            Self::CutFrame => f.write_str("the answer was cut off in the middle of a frame"),
            Self::MalformedOutput(reason) => write!(f, "the model produced unusable output ({reason})"),
            Self::Head(what) | Self::Protocol(what) => write!(f, "the answer breaks the protocol: {what}"),
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(what) => write!(f, "could not connect to the upstream: {what}"),
            Self::Broken(what) => write!(f, "the connection to the upstream broke: {what}"),
            Self::Timeout(what) | Self::Stalled(what) => write!(f, "the upstream did not answer in time: {what}"),
            Self::Busy(what) => write!(f, "the upstream has as many calls as it is given at once: {what}"),
            Self::Ours(what) => write!(f, "internal error of the gateway: the call could not be made: {what}"),
            Self::Credentials(what) => write!(f, "no AWS credentials to sign the call with: {what}"),
        }
    }
}

impl std::error::Error for Fault {}
