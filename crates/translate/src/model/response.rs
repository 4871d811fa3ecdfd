//! A whole answer of a model, in the words of no dialect.

use super::raw::Raw;
use super::request::Block;
use super::text::Text;
use crate::fault::{Fault, Misbehaviour};
use std::borrow::Cow;

/// One whole answer.
#[derive(Clone, Debug)]
pub struct Response<'a> {
    /// The content, in order.
    pub content: Vec<Block<'a>>,
    /// The reason why the model stopped.
    pub stop: StopReason<'a>,
    /// The bill.
    pub usage: Usage,
    /// The tier that served it.
    pub service_tier: Option<Text<'a>>,
    /// The trace of a guardrail or a prompt router.
    pub trace: Option<Raw<'a>>,
}

/// The reason why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason<'a> {
    /// It had finished.
    EndTurn,
    /// It came to one of the client's stop sequences: to this one, where the service tells it.
    StopSequence(Option<Text<'a>>),
    /// It came to the limit, reasoning included.
    MaxTokens,
    /// It wants tools.
    ToolUse,
    /// A guardrail stepped in.
    GuardrailIntervened,
    /// The model's own filter stepped in.
    ContentFiltered,
    /// The model refused to answer.
    Refused,
    /// The context ran full while it answered.
    ContextWindowExceeded,
    /// Its output cannot be used: the answer is an error, whatever came before.
    Malformed(Cow<'a, str>),
    /// A reason that is newer than this gateway.
    Other(Cow<'a, str>),
}

/// The finish of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    /// The reason why the model stopped.
    pub stop: StopReason<'static>,
    /// It called tools.
    pub called: bool,
}

impl Finish {
    /// The end of an answer.
    ///
    /// # Errors
    ///
    /// Output that Bedrock itself calls malformed is no answer.
    pub fn of(stop: StopReason<'_>, called: bool) -> Result<Self, Fault> {
        match stop {
            StopReason::Malformed(word) => {
                Err(Fault::UpstreamMisbehaved(Misbehaviour::MalformedOutput(word.into_owned())))
            }
            stop @ (StopReason::EndTurn
            | StopReason::StopSequence(_)
            | StopReason::MaxTokens
            | StopReason::ToolUse
            | StopReason::GuardrailIntervened
            | StopReason::ContentFiltered
            | StopReason::Refused
            | StopReason::ContextWindowExceeded
            | StopReason::Other(_)) => Ok(Self { stop: stop.into_owned(), called }),
        }
    }
}

impl StopReason<'_> {
    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> StopReason<'static> {
        match self {
            Self::EndTurn => StopReason::EndTurn,
            Self::StopSequence(which) => StopReason::StopSequence(which.map(Text::into_owned)),
            Self::MaxTokens => StopReason::MaxTokens,
            Self::ToolUse => StopReason::ToolUse,
            Self::GuardrailIntervened => StopReason::GuardrailIntervened,
            Self::ContentFiltered => StopReason::ContentFiltered,
            Self::Refused => StopReason::Refused,
            Self::ContextWindowExceeded => StopReason::ContextWindowExceeded,
            Self::Malformed(word) => StopReason::Malformed(word.into_owned().into()),
            Self::Other(word) => StopReason::Other(word.into_owned().into()),
        }
    }
}

/// Token counts. The whole prompt is `input + cache_read + cache_write`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Prompt tokens that were neither read from nor written to the cache.
    pub input: u64,
    /// Answer tokens, reasoning included.
    pub output: u64,
    /// Prompt tokens read from the cache; `None` when not reported.
    pub cache_read: Option<u64>,
    /// Prompt tokens written to the cache; `None` when not reported.
    pub cache_write: Option<u64>,
    /// Those of them that are kept for an hour; `None` when that is not reported.
    pub cache_write_hour: Option<u64>,
    /// Reasoning tokens, when the model told them: never an estimate.
    pub reasoning: Option<u64>,
    /// The tier that served the request, where that is told.
    pub tier: Option<ServiceTier>,
}

/// A service tier: how soon a request is served, and at which price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ServiceTier {
    /// On demand.
    #[default]
    Default,
    /// Later, and cheaper.
    Flex,
    /// Sooner, and dearer.
    Priority,
    /// From capacity that is paid for already.
    Reserved,
    /// One that is newer than this gateway.
    Other,
}

impl ServiceTier {
    /// The tier of this name, in Bedrock's words.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "default" | "standard" => Self::Default,
            "flex" => Self::Flex,
            "priority" | "fast" => Self::Priority,
            "reserved" => Self::Reserved,
            _ => Self::Other,
        }
    }

    /// Its name, in Bedrock's words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::Reserved => "reserved",
            Self::Other => "other",
        }
    }
}

impl Usage {
    /// The whole prompt.
    #[must_use]
    pub fn prompt(&self) -> u64 {
        self.input.saturating_add(self.cache_read.unwrap_or(0)).saturating_add(self.cache_write.unwrap_or(0))
    }

    /// Prompt and answer.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.prompt().saturating_add(self.output)
    }
}
