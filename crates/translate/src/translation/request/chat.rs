//! A request on its way to a backend that speaks OpenAI's Chat Completions, from a client that speaks another dialect.

use super::{Incoming, Outgoing, Restore, Terms};
use crate::catalogue::UsageInput;
use crate::dialect::{self, Answerer, Asked, ChatTerms, Exposure, WrittenChat};
use crate::fault::Fault;
use crate::model::field_ref::FieldRef;
use crate::model::reasoning::SentEffort;
use crate::model::request::Block;
use crate::model::text::Text;
use crate::translation::answering::Answering;
use crate::translation::road::AnswerApi;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use std::borrow::Cow;

impl Incoming<'_> {
    /// The same of a request whose model and kind of answer stand in its path.
    #[must_use]
    pub fn named(mut self, model: &str, stream: bool) -> Self {
        self.asked.request.model = Cow::Owned(model.to_owned());
        self.asked.request.stream = stream;
        self
    }

    /// Says it in the words of Chat Completions, for a path under `prefix`, on the operator's terms.
    ///
    /// # Errors
    ///
    /// What the backend cannot do and the client cannot do without.
    pub fn chat_on(self, terms: &Terms<'_>, prefix: &str, exposure: Exposure) -> Result<Outgoing, Fault> {
        let Terms { api: _, model_id, entry, mark, rules, adjustment, allowed } = *terms;
        let terms = ChatTerms { model_id, entry, mark, rules, adjustment, allowed, prefix };
        let written = dialect::write_chat(&self.asked.request, &terms)?;
        Ok(self.said_in_chat(written, &terms, exposure))
    }

    fn said_in_chat(self, written: WrittenChat, terms: &ChatTerms<'_>, exposure: Exposure) -> Outgoing {
        let Asked { request, manner, mut warnings, sealed, body: _ } = self.asked;
        warnings.extend(dialect::left_out_seals(&sealed));
        // Blank ones are sent here, or the answer is cut at them.
        let dialect = manner.dialect();
        warnings.retain(|warning| !dialect.is_in(&warning.field, &FieldRef::Stop));
        warnings.extend(written.warnings);
        let answerer = Answerer { reasoning_format: None, mark: terms.mark, placeholder: None, trace: false };
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let restore: Restore = Box::new(|_| None);
        Outgoing {
            path: written.path,
            body: Bytes::from(written.body),
            stream: request.stream,
            whole: false,
            model: Text::from_plain(request.model.into_owned()),
            headers,
            accept: if request.stream { "text/event-stream" } else { "application/json" },
            style: Answering {
                api: AnswerApi::OpenAiChat,
                usage_input: UsageInput::Net,
                style: manner.style(exposure, answerer),
                inline_tag: None,
                stops: written.stops,
                offer: None,
                wrapped: request.tools.iter().filter(|tool| tool.wrapped).map(|tool| tool.name.to_string()).collect(),
            },
            restore,
            warnings,
            schema: None,
            reasoning_on: false,
            effort: SentEffort::default(),
            sealed: request.messages.iter().flat_map(|message| &message.content).any(Block::is_sealed),
            memorable: false,
        }
    }
}
