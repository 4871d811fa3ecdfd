//! The dialects of clients: one folder for each API, and here the only list of them.

mod answer;
pub mod anthropic_messages;
mod anthropic_words;
mod asked;
pub mod bedrock_runtime;
mod call_arguments;
pub mod cohere_rerank;
mod head;
mod json;
mod media;
mod notes;
pub mod openai_chat;
pub mod openai_embeddings;
pub mod openai_responses;
mod own_fields;
mod placeholder;
mod prompt_cache;
mod reasoning_claim;
pub mod seal;
mod stop_sequences;
mod surface;
mod told;

pub use answer::{
    AnswerKind, ErrorAnswer, Style, Writer, error, error_of, fail, fail_of, head, keep_alive, token_count, write,
};
pub(crate) use anthropic_messages::request::read_conversation as read_messages;
pub use asked::{Answerer, Asked, Exposure, Head, Manner, read, read_head, read_model, read_to_count};
pub use bedrock_runtime::BedrockOperation;
pub(crate) use bedrock_runtime::conversation::read as read_converse;
pub(crate) use bedrock_runtime::error::frame as exception_frame;
pub use bedrock_runtime::own_reasoning;
pub(crate) use bedrock_runtime::stop_word as converse_stop_word;
pub use cohere_rerank::{read as read_rerank, write as write_ranking};
pub(crate) use openai_chat::upstream::{
    ChatTerms, ChunkReader, EventLines, WrittenChat, read as read_chat_answer, write as write_chat,
};
pub use openai_embeddings::request::read as read_embed;
pub use openai_embeddings::response::Writer as EmbeddingsWriter;
pub use openai_responses::seal_keys::SealKeys;
pub(crate) use openai_responses::sealed_item::left_out as left_out_seals;
pub use surface::{NoSurface, Operation, Surface, is_probe};

use crate::model::field_ref::FieldRef;
use crate::model::request_id::RequestId;
use crate::model::text::Text;
use crate::warning::Warning;
use std::borrow::Cow;

/// The members that every chunk of a streamed answer repeats, and a whole answer has once.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    /// The exchange.
    pub id: RequestId,
    /// Seconds since the epoch.
    pub created: u64,
    /// The model as the client named it.
    pub model: Text<'a>,
}

/// The API that a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's Chat Completions; also what a client is told in of which nothing is known yet.
    #[default]
    OpenAiChat,
    /// Anthropic's Messages.
    AnthropicMessages,
    /// Bedrock's own API: Converse, InvokeModel and CountTokens of AWS's SDKs.
    Bedrock,
    /// OpenAI's Responses.
    OpenAiResponses,
}

impl Dialect {
    /// Its word, in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai_chat",
            Self::AnthropicMessages => "anthropic_messages",
            Self::Bedrock => "bedrock",
            Self::OpenAiResponses => "openai_responses",
        }
    }

    /// The id of an answer.
    #[must_use]
    pub fn id(self, id: RequestId) -> String {
        match self {
            Self::OpenAiChat => openai_chat::id(id),
            Self::AnthropicMessages => anthropic_messages::id(id),
            Self::Bedrock => bedrock_runtime::request_id(id),
            Self::OpenAiResponses => openai_responses::id(id),
        }
    }

    /// The id of an exchange, in the head of its answer.
    #[must_use]
    pub fn request_id(self, id: RequestId) -> String {
        match self {
            Self::OpenAiChat => openai_chat::id(id),
            Self::AnthropicMessages => anthropic_messages::request_id(id),
            Self::Bedrock => bedrock_runtime::request_id(id),
            Self::OpenAiResponses => openai_responses::request_id(id),
        }
    }

    /// The path of a field, as the dialect's clients write it.
    #[must_use]
    pub fn path(self, field: &FieldRef) -> Cow<'_, str> {
        match self {
            Self::OpenAiChat => openai_chat::field::path(field),
            Self::AnthropicMessages => anthropic_messages::field::path(field),
            Self::Bedrock => bedrock_runtime::path(field),
            Self::OpenAiResponses => openai_responses::field::path(field),
        }
    }

    /// Whether a field is this one, or is inside it.
    #[must_use]
    pub fn is_in(self, field: &FieldRef, outer: &FieldRef) -> bool {
        let (field, outer) = (self.path(field), self.path(outer));
        field.strip_prefix(outer.as_ref()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
    }

    /// A warning, in one line for headers and logs.
    #[must_use]
    pub fn warning(self, warning: &Warning) -> String {
        format!("{} {}: {}", warning.kind.word(), self.path(&warning.field), warning.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_stands_in_another_one_or_beside_it() {
        let is_in = |field: &'static str, outer| Dialect::OpenAiChat.is_in(&FieldRef::own(field), &outer);
        assert!(is_in("stop", FieldRef::Stop) && is_in("stop[1]", FieldRef::Stop));
        assert!(!is_in("stop_words", FieldRef::Stop) && !is_in("top_p", FieldRef::Stop));
        assert!(is_in("messages[1].reasoning_details[0].id", FieldRef::Seals(1)));
        assert!(!is_in("messages[1].reasoning", FieldRef::Seals(1)));
        assert!(!is_in("messages[11].reasoning_details", FieldRef::Seals(1)));
    }
}
