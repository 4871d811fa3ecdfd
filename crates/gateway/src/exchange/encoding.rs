//! A request to an encoder, as far as it was read, and what the answers of attempts are to clients.

use aquifer_translate::Fault;
use aquifer_translate::catalogue::{Encoder, EncoderTask};
use aquifer_translate::limits::Limits;
use aquifer_translate::translation::{EncoderCall, EncoderPart, EncoderRequest};
use bytes::Bytes;

/// A request to an encoder, as far as it could be read.
pub(super) struct Encoding {
    pub(super) task: EncoderTask,
    /// The request with what came of it; none where only a backend that takes it as it is can tell what it says.
    pub(super) request: Option<Box<EncoderRequest>>,
}

/// What the answer of an attempt is, to its client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum AnswerTo {
    /// What a model says.
    #[default]
    Chat,
    /// The number of a request's tokens.
    TokenCount,
    /// Some of an encoder's answer, or all of it.
    Encoding(EncoderPart),
    /// An encoder's answer in the client's own dialect.
    RelayedEncoding(EncoderTask),
}

/// The answer to one call to an encoder.
pub(super) struct PartAnswer {
    pub(super) part: EncoderPart,
    pub(super) body: Bytes,
    /// The tokens that its head counts.
    pub(super) counted: Option<u64>,
}

impl Encoding {
    /// Writes the next call.
    pub(super) fn call(
        &self,
        body: &Bytes,
        model_id: &str,
        encoder: Option<&Encoder>,
        limits: &Limits,
    ) -> Result<EncoderCall, Fault> {
        match &self.request {
            Some(request) => request.call(model_id, encoder),
            // The same mistake as when it was read first.
            None => EncoderRequest::read(self.task, body, limits)?.call(model_id, encoder),
        }
    }

    pub(super) fn request(&mut self) -> Result<&mut EncoderRequest, Fault> {
        self.request.as_deref_mut().ok_or_else(|| Fault::Ours("an answer to a request that was not read".to_owned()))
    }

    pub(super) fn take(&mut self, answer: &PartAnswer) -> Result<(), Fault> {
        self.request()?.take(answer.part, &answer.body, answer.counted)
    }
}
