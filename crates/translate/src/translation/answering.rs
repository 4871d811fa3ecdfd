//! The terms of one answer: how it is read from the upstream, changed, and written to the client.

use super::road::AnswerApi;
use crate::catalogue::UsageInput;
use crate::dialect::Style;
use crate::model::offer::Offer;
use std::collections::BTreeSet;

/// All that an answer's way back needs to know of its request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answering {
    /// The API that answers.
    pub api: AnswerApi,
    /// Whether the usage of a stream has the tokens of the cache in its input.
    pub usage_input: UsageInput,
    /// The form in which the client wants the answer.
    pub style: Style,
    /// The tag between which the model writes thoughts into its text.
    pub inline_tag: Option<String>,
    /// The stop sequences at which the gateway itself ends the text, because the model takes none.
    pub stops: Vec<String>,
    /// The tools whose calls the model may write into its text, and how.
    pub offer: Option<Offer>,
    /// The tools, by the client's names, whose arguments are sent and come in an object as its only member.
    pub wrapped: BTreeSet<String>,
}

impl From<Style> for Answering {
    fn from(style: Style) -> Self {
        Self { style, ..Self::default() }
    }
}
