//! The models that embed or rank, behind InvokeModel: each checks its own body, and answers with vectors or scores that
//! depend on the words alone.

mod check;
mod kinds;
mod vectors;
mod words;

use crate::fault::{self, Wanted};
use crate::refused::Refused;
use check::{Checked, Input};
use kinds::Kind;
use serde_json::{Value, json};

/// An encoder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoder(&'static Kind);

/// An answer, with the tokens that its head counts.
pub(crate) struct Encoded {
    pub(crate) body: Value,
    pub(crate) tokens: usize,
}

/// The encoder of a model id without a geography.
pub(crate) fn of(id: &str) -> Option<Encoder> {
    kinds::ALL.iter().find(|kind| id.starts_with(kind.begins)).map(Encoder)
}

/// What is said to whoever asks an encoder for another operation.
pub(crate) fn other_operation(streamed: bool) -> Refused {
    Refused::invalid(match streamed {
        true => "The model is unsupported for streaming",
        false => {
            "This action doesn't support the model that you provided. Try again with a supported text or chat model."
        }
    })
}

/// The fault that the words of a body ask for.
pub(crate) fn wanted(body: &Value) -> Option<Wanted> {
    match body {
        Value::String(text) => fault::wanted(text),
        Value::Array(items) => items.iter().find_map(wanted),
        Value::Object(members) => members.values().find_map(wanted),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

impl Encoder {
    /// Says no, or answers.
    pub(crate) fn answer(self, body: &Value) -> Result<Encoded, Refused> {
        let checked = check::check(self.0, body)?;
        Ok(match checked {
            Checked::Ranking { query, documents, top_n } => ranked(&query, &documents, top_n),
            Checked::Inputs { inputs, dimensions, purpose } => {
                let tokens = inputs.iter().map(Input::tokens).sum();
                let vectors: Vec<Value> =
                    inputs.iter().map(|input| vectors::vector(input, &purpose, dimensions).into()).collect();
                Encoded { body: self.told(vectors, tokens, body), tokens }
            }
        })
    }

    fn told(self, vectors: Vec<Value>, tokens: usize, body: &Value) -> Value {
        let first = || vectors.first().cloned().unwrap_or_default();
        match self.0.body {
            kinds::Body::TitanG1 | kinds::Body::TitanImage => {
                json!({ "embedding": first(), "inputTextTokenCount": tokens })
            }
            kinds::Body::TitanV2 => {
                json!({ "embedding": first(), "inputTextTokenCount": tokens, "embeddingsByType": { "float": first() } })
            }
            kinds::Body::Nova => {
                let kind = if body["singleEmbeddingParams"]["image"].is_object() { "IMAGE" } else { "TEXT" };
                json!({ "embeddings": [{ "embeddingType": kind, "embedding": first() }] })
            }
            kinds::Body::CohereV3 => json!({
                "id": "00000000-0000-4000-8000-000000000000", "response_type": "embeddings_floats",
                "embeddings": vectors, "texts": body["texts"],
            }),
            kinds::Body::CohereV4 => json!({
                "id": "00000000-0000-4000-8000-000000000000", "response_type": "embeddings_by_type",
                "embeddings": { "float": vectors }, "texts": body["texts"],
            }),
            kinds::Body::CohereRerank | kinds::Body::AmazonRerank => Value::Null,
        }
    }
}

fn ranked(query: &str, documents: &[String], top_n: usize) -> Encoded {
    let scores: Vec<f64> = documents.iter().map(|document| vectors::relevance(query, document)).collect();
    let mut places: Vec<usize> = (0..scores.len()).collect();
    places.sort_by(|one, other| scores[*other].total_cmp(&scores[*one]));
    let places = places.into_iter().take(top_n);
    let results: Vec<Value> = places.map(|index| json!({ "index": index, "relevance_score": scores[index] })).collect();
    let tokens = documents.iter().map(|document| words::tokens(document)).sum::<usize>() + words::tokens(query);
    Encoded { body: json!({ "results": results }), tokens }
}
