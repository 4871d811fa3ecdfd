//! Anthropic's Messages.

mod citation;
pub mod error;
pub mod field;
mod finish;
pub mod models;
mod placeholder;
pub mod request;
pub mod response;
pub mod stream;
mod usage;

use super::{Answerer, Exposure};
use crate::model::issuer::Mark;
use crate::model::reasoning::Placeholder;
use crate::model::request_id::RequestId;
use crate::model::response::Finish;
use crate::model::text::Text;
use http::HeaderName;

/// The header that holds the exchange's id; Anthropic's SDKs put it into answers and exceptions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// The style of an answer: what of it is shown, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// No reasoning is shown.
    pub hidden: bool,
    /// The mark on seals: who makes the reasoning.
    pub mark: Option<Mark>,
    /// The word that the model writes in place of its thought, still escaped.
    pub placeholder: Option<String>,
    /// The form in which that placeholder is shown.
    pub on_placeholder: Placeholder,
    /// The only stop sequence of the request: the one at which an answer ended, where the model does not tell it.
    pub only_stop: Option<Text<'static>>,
    /// The client asked for what its guardrail did.
    pub trace: bool,
}

impl Style {
    /// The word for an end.
    #[must_use]
    pub fn finish_reason(&self, finish: &Finish) -> &'static str {
        finish::reason(finish)
    }
}

impl request::Manner {
    /// The style of an answer of this model, within the operator's exposure.
    pub(super) fn style(self, exposure: Exposure, answerer: Answerer) -> Style {
        let Answerer { mark, placeholder, trace, .. } = answerer;
        Style {
            hidden: exposure.hidden,
            mark: Some(mark),
            placeholder,
            on_placeholder: exposure.on_placeholder,
            only_stop: self.only_stop,
            trace,
        }
    }
}

/// The id of an answer.
#[must_use]
pub fn id(id: RequestId) -> String {
    id.behind("msg_")
}

/// The id of an exchange, in heads and errors.
#[must_use]
pub fn request_id(id: RequestId) -> String {
    id.behind("req_")
}
