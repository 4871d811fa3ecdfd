//! OpenAI's Chat Completions.

pub mod error;
pub mod field;
mod finish;
pub mod relay;
pub mod request;
pub mod response;
mod shown;
pub mod stream;
mod usage;

pub use shown::{Details, Shown, Spoken, Stand};

use crate::model::issuer::Mark;
use crate::model::offer::Offer;
use crate::model::request_id::RequestId;
use crate::model::response::Finish;
use std::collections::BTreeSet;

impl Style {
    /// The word for an end.
    #[must_use]
    pub fn finish_reason(&self, finish: &Finish) -> &'static str {
        finish::reason(finish, self.legacy_functions)
    }
}

/// The id of an answer.
#[must_use]
pub fn id(id: RequestId) -> String {
    id.behind("chatcmpl-")
}

/// How the client wants its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Usage comes in a chunk of its own at the end of a stream.
    pub include_usage: bool,
    /// Tools were declared with the deprecated `functions`: calls come back as `function_call`.
    pub legacy_functions: bool,
    /// The readable reasoning is not wanted.
    pub exclude_reasoning: bool,
    /// The fields in which reasoning is shown.
    pub shown: Shown,
    /// The `format` that `reasoning_details` name, for example `anthropic-claude-v1`.
    pub reasoning_format: Option<String>,
    /// Who makes the reasoning, for the `id` of `reasoning_details`.
    pub mark: Option<Mark>,
    /// The word that the model writes in place of its thought, still escaped.
    pub placeholder: Option<String>,
    /// What becomes of that word.
    pub stand: Stand,
    /// The tag between which the model writes thoughts into its text.
    pub inline_tag: Option<String>,
    /// The stop sequences at which the gateway itself ends the text, because the model takes none.
    pub stops: Vec<String>,
    /// The tools whose calls the model may write into its text, and how.
    pub offer: Option<Offer>,
    /// The tools, by the client's names, whose arguments are sent and come in an object as its only member.
    pub wrapped: BTreeSet<String>,
    /// The client asked for what its guardrail did.
    pub trace: bool,
}
