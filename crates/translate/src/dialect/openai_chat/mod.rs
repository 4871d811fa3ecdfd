//! OpenAI's Chat Completions.

pub mod error;
pub mod field;
mod finish;
mod reasoning_fields;
pub mod relay;
pub mod request;
pub mod response;
pub mod stream;
pub mod upstream;
mod usage;

pub use reasoning_fields::{Conventions, Details, ReasoningFields};

use super::{Answerer, Exposure};
use crate::model::answer_cost::{AnswerCost, CostTeller};
use crate::model::issuer::Mark;
use crate::model::reasoning::Placeholder;
use crate::model::request_id::RequestId;
use crate::model::response::{Finish, Usage};
use http::HeaderName;

impl Style {
    /// The cost of an answer with these tokens, where the client wants it and it is known.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Option<AnswerCost> {
        self.price.as_ref()?.cost(usage)
    }

    /// The word for an end.
    #[must_use]
    pub fn finish_reason(&self, finish: &Finish) -> &'static str {
        finish::reason(finish, self.legacy_functions)
    }
}

impl request::Manner {
    /// The form of this model's answer: the client's wishes within the operator's decision.
    pub(super) fn style(self, exposure: Exposure, answerer: Answerer) -> Style {
        let shown = exposure.pinned.unwrap_or_else(|| ReasoningFields::to(self.conventions));
        let Answerer { reasoning_format, mark, placeholder, trace } = answerer;
        Style {
            include_usage: self.include_usage,
            wants_cost: self.wants_cost,
            price: None,
            legacy_functions: self.legacy_functions,
            exclude_reasoning: self.exclude_reasoning || exposure.hidden,
            shown: match (exposure.hidden, self.exclude_reasoning) {
                (true, _) => ReasoningFields::NOTHING,
                (false, true) => shown.without_text(),
                (false, false) => shown,
            },
            reasoning_format,
            mark: Some(mark),
            placeholder,
            on_placeholder: exposure.on_placeholder,
            trace,
        }
    }
}

/// The id of an answer.
#[must_use]
pub fn id(id: RequestId) -> String {
    id.behind("chatcmpl-")
}

/// The header that holds the answer's id.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The form in which the client wants its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Usage comes in a chunk of its own at the end of a stream.
    pub include_usage: bool,
    /// The client wants to know what its answer cost.
    pub wants_cost: bool,
    /// The price of the answer, where the client wants to know what it cost.
    pub price: Option<CostTeller>,
    /// Tools were declared with the deprecated `functions`: calls come back as `function_call`.
    pub legacy_functions: bool,
    /// The readable reasoning is not wanted.
    pub exclude_reasoning: bool,
    /// The fields in which reasoning is shown.
    pub shown: ReasoningFields,
    /// The `format` that `reasoning_details` name, for example `anthropic-claude-v1`.
    pub reasoning_format: Option<String>,
    /// The mark of the model that makes the reasoning, for the `id` of `reasoning_details`.
    pub mark: Option<Mark>,
    /// The word that the model writes in place of its thought, still escaped.
    pub placeholder: Option<String>,
    /// The treatment of that word.
    pub on_placeholder: Placeholder,
    /// The client asked for what its guardrail did.
    pub trace: bool,
}
