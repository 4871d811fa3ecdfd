//! OpenAI's Responses.

mod annotation;
mod custom_input;
pub mod error;
pub mod field;
mod finish;
mod items;
pub mod models;
mod output;
pub mod request;
pub mod response;
pub mod seal_keys;
pub mod sealed_item;
pub mod stored;
pub mod stream;
mod usage;

use super::{Answerer, Exposure};
use crate::model::issuer::Mark;
use crate::model::reasoning::Placeholder;
use crate::model::request_id::RequestId;
use crate::model::response::Finish;
use http::HeaderName;
use request::{CalledForm, Echo};
use seal_keys::SealKeys;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The header that holds the exchange's id.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The style of an answer: what of it is shown, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// No reasoning is shown, and none is sealed: there are no reasoning items.
    pub hidden: bool,
    /// The client reads the reasoning's text: `reasoning.summary` was set. Else reasoning items hold only their seal.
    pub summary: bool,
    /// The keys that seal reasoning into `encrypted_content`; `None`: there is none in the answer.
    pub seals: Option<Arc<SealKeys>>,
    /// The mark of the model and backend that make the reasoning, for its seal.
    pub mark: Mark,
    /// The format of the reasoning, for example `anthropic-claude-v1`: with it what a model shows is a summary, and without
    /// it the raw chain of an open model (`reasoning_text`).
    pub reasoning_format: Option<String>,
    /// The forms of tools that are no plain functions, by the name under which the model calls them.
    pub forms: BTreeMap<String, CalledForm>,
    /// The members of the request that the response object repeats.
    pub echo: Arc<Echo>,
    /// The word that the model writes in place of its thought, still escaped.
    pub placeholder: Option<String>,
    /// The treatment of that word.
    pub on_placeholder: Placeholder,
    /// The client asked for what its guardrail did.
    pub trace: bool,
    /// The response may be remembered: `store` is not `false`.
    pub stored: bool,
}

impl Style {
    /// The word for an end: the `status` of the response.
    #[must_use]
    pub fn finish_reason(&self, finish: &Finish) -> &'static str {
        finish::status(finish)
    }
}

impl request::Manner {
    /// The style of an answer of this model, within the operator's exposure.
    pub(super) fn style(self, exposure: Exposure, answerer: Answerer) -> Style {
        let Answerer { reasoning_format, mark, placeholder, trace } = answerer;
        Style {
            hidden: exposure.hidden,
            summary: self.summary,
            seals: self.seals,
            mark,
            reasoning_format,
            forms: self.forms,
            echo: self.echo,
            placeholder,
            on_placeholder: exposure.on_placeholder,
            trace,
            stored: self.stored,
        }
    }
}

/// The id of an answer.
#[must_use]
pub fn id(id: RequestId) -> String {
    id.behind("resp_")
}

/// The id of an exchange, in heads.
#[must_use]
pub fn request_id(id: RequestId) -> String {
    id.behind("req_")
}
