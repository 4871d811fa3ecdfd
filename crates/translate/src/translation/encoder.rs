//! A request to an encoder, which embeds or ranks: one call of Bedrock's after another, and their answers joined in order.

use super::answering::Answering;
use super::request::Outgoing;
use crate::bedrock::{self, EmbedCall, RerankCall};
use crate::catalogue::{Encoder, EncoderBody, EncoderTask, encoders};
use crate::dialect::{self, EmbeddingsWriter};
use crate::fault::Fault;
use crate::limits::Limits;
use crate::model::embed::EmbedRequest;
use crate::model::field_ref::FieldRef;
use crate::model::reasoning::SentEffort;
use crate::model::request_id::RequestId;
use crate::model::rerank::{RankedDocument, RerankRequest};
use crate::model::response::Usage;
use crate::model::text::Text;
use crate::warning::Warning;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

/// A client's request to an encoder, read, with what came of it so far.
#[derive(Debug)]
pub struct EncoderRequest {
    work: Work,
    warnings: Vec<Warning>,
    /// The tokens that were counted so far; none: no call counted any.
    tokens: Option<u64>,
}

#[derive(Debug)]
enum Work {
    Embed { request: EmbedRequest<'static>, writer: EmbeddingsWriter },
    Rerank { request: RerankRequest<'static>, ranked: Option<Vec<RankedDocument>> },
}

/// One call of such a request.
pub struct EncoderCall {
    /// The call's request.
    pub outgoing: Outgoing,
    /// What its answer is read by.
    pub part: EncoderPart,
}

/// What the answer to one call is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderPart {
    body: EncoderBody,
    /// The number of inputs, or of documents.
    count: usize,
}

impl EncoderRequest {
    /// Reads a client's request.
    ///
    /// # Errors
    ///
    /// The client's mistakes, each with its field.
    pub fn read(task: EncoderTask, body: &[u8], limits: &Limits) -> Result<Self, Fault> {
        let (work, warnings) = match task {
            EncoderTask::Embed => {
                let (request, warnings) = dialect::read_embed(body, limits)?;
                (Work::Embed { request: request.into_owned(), writer: EmbeddingsWriter::default() }, warnings)
            }
            EncoderTask::Rerank => {
                let (request, warnings) = dialect::read_rerank(body, limits)?;
                (Work::Rerank { request: request.into_owned(), ranked: None }, warnings)
            }
        };
        Ok(Self { work, warnings, tokens: None })
    }

    /// The model that the client names.
    #[must_use]
    pub fn model(&self) -> &str {
        match &self.work {
            Work::Embed { request, .. } => &request.model,
            Work::Rerank { request, .. } => &request.model,
        }
    }

    /// What is asked for.
    #[must_use]
    pub fn task(&self) -> EncoderTask {
        match &self.work {
            Work::Embed { .. } => EncoderTask::Embed,
            Work::Rerank { .. } => EncoderTask::Rerank,
        }
    }

    /// Writes the next call, to this model id of this encoder.
    ///
    /// # Errors
    ///
    /// It is no encoder for this task, or one that cannot do what is asked.
    pub fn call(&self, model_id: &str, encoder: Option<&Encoder>) -> Result<EncoderCall, Fault> {
        let encoder = encoder.filter(|encoder| encoder.task == self.task());
        let encoder = encoder.ok_or_else(|| no_encoder(self.task(), model_id))?;
        let mut warnings = self.warnings.clone();
        let (path, body, count) = match &self.work {
            Work::Embed { request, writer } => {
                let EmbedCall { path, body, count, warnings: more } =
                    bedrock::write_embed(request, encoder, model_id, writer.count())?;
                warnings.extend(more);
                (path, body, count)
            }
            Work::Rerank { request, .. } => {
                let RerankCall { path, body, warnings: more } = bedrock::write_rerank(request, encoder.body, model_id)?;
                warnings.extend(more);
                (path, body, request.documents.len())
            }
        };
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let outgoing = Outgoing {
            path,
            body: Bytes::from(body),
            stream: false,
            whole: false,
            model: Text::from_plain(self.model().to_owned()),
            style: Answering::default(),
            headers,
            accept: "application/json",
            restore: Box::new(|_| None),
            warnings,
            schema: None,
            reasoning_on: false,
            effort: SentEffort::default(),
            sealed: false,
            memorable: false,
        };
        Ok(EncoderCall { outgoing, part: EncoderPart { body: encoder.body, count } })
    }

    /// Takes the answer to a call, and what its head `counted` of tokens.
    ///
    /// # Errors
    ///
    /// It is no answer to this call.
    pub fn take(&mut self, part: EncoderPart, body: &[u8], counted: Option<u64>) -> Result<(), Fault> {
        let EncoderPart { body: shape, count } = part;
        let tokens = match &mut self.work {
            Work::Embed { request, writer } => {
                let embedded = bedrock::read_embeddings(shape, count, body)?;
                embedded.vectors.iter().for_each(|vector| writer.push(vector, request.format));
                embedded.tokens
            }
            Work::Rerank { ranked, .. } => {
                *ranked = Some(bedrock::read_ranking(count, body)?);
                None
            }
        };
        if let Some(tokens) = tokens.or(counted) {
            self.tokens = Some(self.tokens.unwrap_or_default().saturating_add(tokens));
        }
        Ok(())
    }

    /// Whether the answer to this call alone is the answer to the request.
    #[must_use]
    pub fn is_whole(&self, part: EncoderPart) -> bool {
        match &self.work {
            Work::Embed { request, .. } => part.count >= request.inputs.len(),
            Work::Rerank { .. } => true,
        }
    }

    /// Whether some of the answer is there: the rest can come of the same model only.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        match &self.work {
            Work::Embed { writer, .. } => writer.count() > 0,
            Work::Rerank { ranked, .. } => ranked.is_some(),
        }
    }

    /// Whether every input has its vector, or every document its rank.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match &self.work {
            Work::Embed { request, writer } => writer.count() >= request.inputs.len(),
            Work::Rerank { ranked, .. } => ranked.is_some(),
        }
    }

    /// The client's answer, once it is complete: given once.
    pub fn answer(&mut self, model: &Text<'_>, id: RequestId) -> String {
        let tokens = self.tokens.unwrap_or_default();
        match &mut self.work {
            Work::Embed { writer, .. } => std::mem::take(writer).finish(model, tokens),
            Work::Rerank { request, ranked } => dialect::write_ranking(request, &ranked.take().unwrap_or_default(), id),
        }
    }

    /// The tokens that were counted so far.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.tokens.map(|input| Usage { input, ..Usage::default() })
    }
}

/// The refusal of a model that does something else.
fn no_encoder(task: EncoderTask, model_id: &str) -> Fault {
    let known: Vec<&str> =
        encoders().filter(|encoder| encoder.task == task).map(|encoder| encoder.id.as_str()).collect();
    let (what, known) = (
        match task {
            EncoderTask::Embed => "embed",
            EncoderTask::Rerank => "rank",
        },
        known.join(", "),
    );
    let message = format!(
        "the model `{model_id}` is not known to {what}: use one of {known}, or say with `baseModel` which one is behind an id that does not tell"
    );
    Fault::unsupported(FieldRef::Model, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::encoder;

    fn read(task: EncoderTask, body: &str) -> EncoderRequest {
        EncoderRequest::read(task, body.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn calls_are_made_until_every_input_has_its_vector() {
        let model = "amazon.titan-embed-text-v2:0";
        let mut request = read(EncoderTask::Embed, r#"{"model":"m","input":["a","b"]}"#);
        assert!(!request.is_begun() && request.usage().is_none());
        for (sent, said) in [("a", "[1]"), ("b", "[2]")] {
            assert!(!request.is_complete());
            let call = request.call(model, encoder(model)).unwrap();
            assert_eq!(call.outgoing.path, "/model/amazon.titan-embed-text-v2%3A0/invoke");
            assert_eq!(call.outgoing.body, format!(r#"{{"inputText":"{sent}"}}"#));
            let answer = format!(r#"{{"embedding":{said},"inputTextTokenCount":2}}"#);
            request.take(call.part, answer.as_bytes(), Some(9)).unwrap();
        }
        assert!(request.is_complete());
        assert_eq!(request.usage().map(|usage| usage.input), Some(4), "the body counts before the head");
        let answer = request.answer(&Text::from_plain("m"), RequestId(1));
        assert!(
            answer.contains(r#""index":1,"embedding":[2]}"#) && answer.ends_with(r#""total_tokens":4}}"#),
            "{answer}"
        );
    }

    #[test]
    fn an_answer_that_is_none_leaves_all_as_it_was() {
        let model = "cohere.embed-english-v3";
        let mut request = read(EncoderTask::Embed, r#"{"model":"m","input":["a","b"]}"#);
        let call = request.call(model, encoder(model)).unwrap();
        assert!(request.take(call.part, br#"{"embeddings":[[1],["x"]]}"#, None).is_err());
        assert!(!request.is_begun());
        request.take(call.part, br#"{"embeddings":[[1],[2]]}"#, Some(5)).unwrap();
        assert_eq!((request.is_complete(), request.usage().map(|usage| usage.input)), (true, Some(5)));
    }

    #[test]
    fn a_model_of_another_kind_is_refused_with_those_that_fit() {
        let request = read(EncoderTask::Rerank, r#"{"model":"m","query":"q","documents":["a"]}"#);
        for model in ["cohere.embed-v4:0", "amazon.nova-pro-v1:0"] {
            let fault = request.call(model, encoder(model)).err().unwrap().to_string();
            assert!(
                fault.contains("is not known to rank: use one of cohere.rerank-v3-5:0, amazon.rerank-v1:0"),
                "{fault}"
            );
        }
    }
}
