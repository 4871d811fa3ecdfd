//! What a client asks, in any dialect.

use super::Dialect;
use super::answer::Style;
use super::anthropic_messages::{self, request::MessagesPurpose};
use super::anthropic_words;
use super::openai_chat::{self, ReasoningFields};
use crate::fault::Fault;
use crate::limits::Limits;
use crate::model::issuer::Mark;
use crate::model::reasoning::Placeholder;
use crate::model::request::Request;
use crate::warning::Warning;
use std::borrow::Cow;

/// A request, with what only its dialect needs to know for the answer.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// What is asked.
    pub request: Request<'a>,
    /// How this client wants to be answered.
    pub manner: Manner,
    /// What was asked for in vain.
    pub warnings: Vec<Warning>,
}

/// How a client wants to be answered, as its request says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// In Chat Completions.
    OpenAiChat(openai_chat::request::Manner),
    /// In Messages.
    AnthropicMessages(anthropic_messages::request::MessagesManner),
}

/// What decides where a request goes and how it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The model that the client names.
    pub model: Cow<'a, str>,
    /// Whether it wants a stream.
    pub stream: bool,
}

/// How the operator wants reasoning to be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// The fields of Chat Completions, whatever the client spoke.
    pub pinned: Option<ReasoningFields>,
    /// No client sees any.
    pub hidden: bool,
    /// What becomes of a word that stands for a thought.
    pub on_placeholder: Placeholder,
}

/// What is to be known of the model that answers.
#[derive(Clone, Debug)]
pub struct Answerer {
    /// The format of its reasoning, for example `anthropic-claude-v1`.
    pub reasoning_format: Option<String>,
    /// Whose reasoning it is.
    pub mark: Mark,
    /// The word that it writes in place of its thought, still escaped.
    pub placeholder: Option<String>,
    /// The client asked for what its guardrail did.
    pub trace: bool,
}

impl Manner {
    /// The dialect.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::OpenAiChat(_) => Dialect::OpenAiChat,
            Self::AnthropicMessages(_) => Dialect::AnthropicMessages,
        }
    }

    /// What requests with a common beginning share, when the client says it.
    #[must_use]
    pub fn affinity(&self) -> Option<&str> {
        match self {
            Self::OpenAiChat(manner) => manner.affinity.as_deref(),
            Self::AnthropicMessages(manner) => manner.affinity.as_deref(),
        }
    }

    /// How the answer is written.
    #[must_use]
    pub fn style(self, exposure: Exposure, answerer: Answerer) -> Style {
        match self {
            Self::OpenAiChat(manner) => Style::OpenAiChat(manner.style(exposure, answerer)),
            Self::AnthropicMessages(manner) => Style::AnthropicMessages(manner.style(exposure, answerer)),
        }
    }
}

/// Reads a request within these limits, with the betas of headers `anthropic-beta`.
///
/// # Errors
///
/// The client's mistakes, each with its field.
pub fn read<'a, 'h>(
    dialect: Dialect,
    body: &'a [u8],
    betas: impl Iterator<Item = &'h str> + Clone,
    limits: &Limits,
) -> Result<Asked<'a>, Fault> {
    match dialect {
        Dialect::OpenAiChat => {
            let openai_chat::request::Asked { mut request, manner, warnings } =
                openai_chat::request::read_within(body, limits)?;
            anthropic_words::add_betas(&mut request, betas, limits)?;
            Ok(Asked { request, manner: Manner::OpenAiChat(manner), warnings })
        }
        Dialect::AnthropicMessages => {
            let anthropic_messages::request::AskedMessages { request, manner, warnings } =
                anthropic_messages::request::read(body, betas, MessagesPurpose::Answer, limits)?;
            Ok(Asked { request, manner: Manner::AnthropicMessages(manner), warnings })
        }
    }
}

/// Reads only what decides where a request goes: of one that a backend takes in this dialect, whatever is wrong with its
/// other fields.
///
/// # Errors
///
/// As [`read`], when that cannot be read.
pub fn read_head<'a>(dialect: Dialect, body: &'a [u8], limits: &Limits) -> Result<Head<'a>, Fault> {
    match dialect {
        Dialect::OpenAiChat => openai_chat::request::read_head(body, limits),
        Dialect::AnthropicMessages => anthropic_messages::request::read_head(body, limits),
    }
}

/// Reads only the model id.
///
/// # Errors
///
/// As [`read`], when there is none.
pub fn read_model(dialect: Dialect, body: &[u8]) -> Result<Cow<'_, str>, Fault> {
    match dialect {
        Dialect::OpenAiChat => openai_chat::request::read_model(body),
        Dialect::AnthropicMessages => anthropic_messages::request::read_model(body),
    }
}
