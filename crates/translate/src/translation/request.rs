//! One request on its way out.

use super::Restore;
use crate::bedrock::converse;
use crate::catalogue::Catalogue;
use crate::dialect::openai_chat::{self, Style};
use crate::fault::Fault;
use crate::model::text::Text;
use crate::warning::Warning;
use bytes::Bytes;
use std::fmt;

/// A client's request, read.
#[derive(Debug)]
pub struct Incoming<'a> {
    asked: openai_chat::request::Asked<'a>,
}

/// What to send to Bedrock, and what must be kept until the answer.
pub struct Outgoing {
    /// The path, percent-encoded as it must stand on the wire.
    pub path: String,
    /// The body.
    pub body: Bytes,
    /// Whether the answer is a stream.
    pub stream: bool,
    /// The model as the client named it.
    pub model: Text<'static>,
    /// How the client wants its answer.
    pub style: Style,
    /// Gives the tools' names back.
    pub restore: Restore,
    /// What the client does not get exactly as it asked.
    pub warnings: Vec<Warning>,
}

impl<'a> Incoming<'a> {
    /// Reads a Chat Completions request.
    ///
    /// # Errors
    ///
    /// The client's mistakes, each with its field.
    pub fn read(body: &'a [u8]) -> Result<Self, Fault> {
        Ok(Self { asked: openai_chat::request::read(body)? })
    }

    /// The model that the client names.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.asked.request.model
    }

    /// Whether it wants a stream.
    #[must_use]
    pub fn stream(&self) -> bool {
        self.asked.request.stream
    }

    /// Says it in Bedrock's words, for the model `model_id`; `base` names the model that the catalogue shall take it
    /// for, when the id itself does not tell.
    ///
    /// # Errors
    ///
    /// What this model cannot do and the client cannot do without.
    pub fn outgoing(self, model_id: &str, base: Option<&str>) -> Result<Outgoing, Fault> {
        let openai_chat::request::Asked { request, manner, mut warnings } = self.asked;
        let entry = Catalogue::builtin().lookup(base.unwrap_or(model_id));
        let written = converse::request::write(&request, model_id, entry)?;
        warnings.extend(written.warnings);
        let names = written.names;
        Ok(Outgoing {
            path: written.path,
            body: Bytes::from(written.body),
            stream: request.stream,
            model: Text::from_plain(request.model.into_owned()),
            style: Style {
                include_usage: manner.include_usage,
                legacy_functions: manner.legacy_functions,
                exclude_reasoning: manner.exclude_reasoning,
                reasoning_format: entry.reasoning_format(),
            },
            restore: Box::new(move |sent| {
                let restored = names.restore(sent);
                (restored != sent).then(|| restored.to_owned())
            }),
            warnings,
        })
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("path", &self.path).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}
