//! Requests in any dialect, read into the neutral model.

use super::Dialect;
use super::answer::Style;
use super::anthropic_messages::{self, request::MessagesPurpose};
use super::anthropic_words;
use super::bedrock_runtime;
use super::openai_chat::{self, ReasoningFields};
use super::openai_responses::{
    self,
    seal_keys::SealKeys,
    sealed_item::{self, OpenedInPlace, SealedItem},
};
use crate::fault::Fault;
use crate::limits::Limits;
use crate::model::issuer::Mark;
use crate::model::reasoning::Placeholder;
use crate::model::request::Request;
use crate::warning::Warning;
use crate::wire::json::Document;
use std::borrow::Cow;
use std::sync::Arc;

/// A request, with what only its dialect needs to know for the answer.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The neutral request.
    pub request: Request<'a>,
    /// The client's wishes for its answer.
    pub manner: Manner,
    /// The fields that were ignored or changed.
    pub warnings: Vec<Warning>,
    /// The reasoning that came back sealed by the gateway, until [`Asked::unseal`] opens it.
    pub sealed: Vec<SealedItem<'a>>,
    /// The body, looked through, where an API of Bedrock's speaks the same words: it may go on as it is.
    pub body: Option<Document<'a>>,
}

/// A client's wishes for its answer, as its request says them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// In Chat Completions.
    OpenAiChat(openai_chat::request::Manner),
    /// In Messages.
    AnthropicMessages(anthropic_messages::request::Manner),
    /// In Converse, whose requests have no wishes for their answers.
    Bedrock,
    /// In Responses.
    OpenAiResponses(openai_responses::request::Manner),
}

/// The members of a request that decide its route and the form of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The model that the client names.
    pub model: Cow<'a, str>,
    /// Whether it wants a stream.
    pub stream: bool,
}

/// The operator's decision which reasoning clients are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// The fields of Chat Completions, whatever the client spoke.
    pub pinned: Option<ReasoningFields>,
    /// No client sees any.
    pub hidden: bool,
    /// The treatment of a placeholder: a word that the model writes in place of its thought.
    pub on_placeholder: Placeholder,
}

/// The facts of the model that answers which its answer's form depends on.
#[derive(Clone, Debug)]
pub struct Answerer {
    /// The format of its reasoning, for example `anthropic-claude-v1`.
    pub reasoning_format: Option<String>,
    /// The mark of the model and backend that make the reasoning.
    pub mark: Mark,
    /// The word that it writes in place of its thought, still escaped.
    pub placeholder: Option<String>,
    /// The client asked for what its guardrail did.
    pub trace: bool,
}

impl Asked<'_> {
    /// Opens the reasoning that came back sealed with these keys, and has the answer's sealed with them. Returns the
    /// positions of the messages that are not what the body says any more.
    pub fn unseal(&mut self, keys: &Arc<SealKeys>) -> Vec<usize> {
        let OpenedInPlace { changed, warning } = sealed_item::open_in_place(&mut self.request.messages, keys);
        self.warnings.extend(warning);
        let sealed = std::mem::take(&mut self.sealed);
        self.warnings.extend(sealed_item::open(sealed, &mut self.request.messages, keys));
        if let Manner::OpenAiResponses(manner) = &mut self.manner {
            manner.seals = Some(Arc::clone(keys));
        }
        changed
    }
}

impl Manner {
    /// The dialect.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::OpenAiChat(_) => Dialect::OpenAiChat,
            Self::AnthropicMessages(_) => Dialect::AnthropicMessages,
            Self::Bedrock => Dialect::Bedrock,
            Self::OpenAiResponses(_) => Dialect::OpenAiResponses,
        }
    }

    /// The key that requests with a common prefix share, when the client gives one.
    #[must_use]
    pub fn affinity(&self) -> Option<&str> {
        match self {
            Self::OpenAiChat(manner) => manner.affinity.as_deref(),
            Self::AnthropicMessages(manner) => manner.affinity.as_deref(),
            Self::Bedrock => None,
            Self::OpenAiResponses(manner) => manner.affinity.as_deref(),
        }
    }

    /// Whether the client may go on from its answer by naming it.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        match self {
            Self::OpenAiChat(_) | Self::AnthropicMessages(_) | Self::Bedrock => false,
            Self::OpenAiResponses(manner) => manner.stored,
        }
    }

    /// The form of the answer: the client's wishes within the operator's decision.
    #[must_use]
    pub fn style(self, exposure: Exposure, answerer: Answerer) -> Style {
        match self {
            Self::OpenAiChat(manner) => Style::OpenAiChat(manner.style(exposure, answerer)),
            Self::AnthropicMessages(manner) => Style::AnthropicMessages(manner.style(exposure, answerer)),
            Self::Bedrock => Style::Bedrock(bedrock_runtime::Style::of(exposure, &answerer)),
            Self::OpenAiResponses(manner) => Style::OpenAiResponses(Box::new(manner.style(exposure, answerer))),
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
            Ok(Asked { request, manner: Manner::OpenAiChat(manner), warnings, sealed: Vec::new(), body: None })
        }
        Dialect::AnthropicMessages => {
            anthropic_messages::request::read(body, betas, MessagesPurpose::Answer, limits).map(messages)
        }
        Dialect::Bedrock => converse(body, limits),
        Dialect::OpenAiResponses => responses(body, betas, limits),
    }
}

/// Reads a request whose tokens are to be counted: a dialect that asks for a limit of the answer does not ask for it here.
///
/// # Errors
///
/// As [`read`].
pub fn read_to_count<'a, 'h>(
    dialect: Dialect,
    body: &'a [u8],
    betas: impl Iterator<Item = &'h str> + Clone,
    limits: &Limits,
) -> Result<Asked<'a>, Fault> {
    match dialect {
        Dialect::OpenAiChat => read(dialect, body, betas, limits),
        Dialect::AnthropicMessages => {
            anthropic_messages::request::read(body, betas, MessagesPurpose::CountTokens, limits).map(messages)
        }
        Dialect::Bedrock => Err(goes_on()),
        Dialect::OpenAiResponses => responses(body, betas, limits),
    }
}

/// The fault of reading a request of Bedrock's own API so: its path names the model and the operation.
fn goes_on() -> Fault {
    Fault::Ours("the body of this operation of Bedrock's own API is not read".to_owned())
}

/// A request of Converse; its path names the model, and whether a stream is wanted.
fn converse<'a>(body: &'a [u8], limits: &Limits) -> Result<Asked<'a>, Fault> {
    let bedrock_runtime::request::Asked { request, warnings } = bedrock_runtime::request::read(body, limits)?;
    Ok(Asked { request, manner: Manner::Bedrock, warnings, sealed: Vec::new(), body: None })
}

fn messages(asked: anthropic_messages::request::Asked<'_>) -> Asked<'_> {
    let anthropic_messages::request::Asked { request, manner, warnings, document } = asked;
    let manner = Manner::AnthropicMessages(manner);
    Asked { request, manner, warnings, sealed: Vec::new(), body: Some(document) }
}

fn responses<'a, 'h>(
    body: &'a [u8],
    betas: impl Iterator<Item = &'h str> + Clone,
    limits: &Limits,
) -> Result<Asked<'a>, Fault> {
    let openai_responses::request::Asked { mut request, manner, warnings, sealed } =
        openai_responses::request::read(body, limits)?;
    anthropic_words::add_betas(&mut request, betas, limits)?;
    Ok(Asked { request, manner: Manner::OpenAiResponses(manner), warnings, sealed, body: None })
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
        Dialect::Bedrock => Err(goes_on()),
        Dialect::OpenAiResponses => openai_responses::request::read_head(body, limits),
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
        Dialect::Bedrock => Err(goes_on()),
        Dialect::OpenAiResponses => openai_responses::request::read_model(body),
    }
}
