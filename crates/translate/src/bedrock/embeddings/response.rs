//! The vectors in an answer.

use crate::bedrock::converse::response::{not_json, place};
use crate::catalogue::EncoderBody;
use crate::fault::Fault;
use crate::model::embed::Vector;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What an answer holds.
#[derive(Debug)]
pub struct Embedded<'b> {
    /// The vectors, in the order of the inputs.
    pub vectors: Vec<Vector<'b>>,
    /// The tokens of the inputs, where the body counts them.
    pub tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Titan<'b> {
    #[serde(borrow)]
    embedding: Option<&'b RawValue>,
    #[serde(rename = "inputTextTokenCount")]
    tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Nova<'b> {
    #[serde(borrow)]
    embeddings: Vec<NovaEmbedding<'b>>,
    #[serde(rename = "inputTokenCount", alias = "inputTextTokenCount")]
    tokens: Option<u64>,
}

#[derive(Deserialize)]
struct NovaEmbedding<'b> {
    #[serde(borrow)]
    embedding: &'b RawValue,
}

#[derive(Deserialize)]
struct Cohere<'b> {
    #[serde(borrow)]
    embeddings: &'b RawValue,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    billed_units: Option<BilledUnits>,
}

#[derive(Deserialize)]
struct BilledUnits {
    input_tokens: Option<f64>,
    image_tokens: Option<f64>,
}

/// The vectors by their kind.
#[derive(Deserialize)]
struct ByType<'b> {
    #[serde(borrow)]
    float: Vec<&'b RawValue>,
}

/// Reads an answer to a call with so many inputs.
///
/// # Errors
///
/// A body that is no such answer, or has another number of vectors, is Bedrock's misbehaviour.
pub fn read(body: EncoderBody, count: usize, bytes: &[u8]) -> Result<Embedded<'_>, Fault> {
    let (listed, tokens) = match body {
        EncoderBody::TitanText | EncoderBody::TitanImage => {
            let Titan { embedding, tokens } = parsed(bytes)?;
            (embedding.into_iter().collect(), tokens)
        }
        EncoderBody::Nova => {
            let Nova { embeddings, tokens } = parsed(bytes)?;
            (embeddings.into_iter().map(|one| one.embedding).collect(), tokens)
        }
        EncoderBody::CohereV3 | EncoderBody::CohereV4 => {
            let Cohere { embeddings, meta } = parsed(bytes)?;
            (of_cohere(embeddings)?, meta.and_then(billed))
        }
        EncoderBody::CohereRerank | EncoderBody::AmazonRerank => (Vec::new(), None),
    };
    if listed.len() != count {
        let what = format!("it has {} vectors for {count} inputs", listed.len());
        return Err(not_json(&what));
    }
    let vectors = listed.into_iter().map(vector).collect::<Result<Vec<_>, Fault>>()?;
    Ok(Embedded { vectors, tokens })
}

fn parsed<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| not_json(&place(&error)))
}

/// The vectors of Cohere, which come as a list, or by their kind where a kind was asked for.
fn of_cohere(embeddings: &RawValue) -> Result<Vec<&RawValue>, Fault> {
    let json = embeddings.get();
    let listed = match json.starts_with('{') {
        true => serde_json::from_str(json).map(|ByType { float }| float),
        false => serde_json::from_str(json),
    };
    listed.map_err(|error| not_json(&place(&error)))
}

fn billed(meta: Meta) -> Option<u64> {
    let BilledUnits { input_tokens, image_tokens } = meta.billed_units?;
    let tokens = input_tokens.into_iter().chain(image_tokens).filter(|tokens| *tokens >= 0.0).reduce(|a, b| a + b)?;
    Some(tokens as u64)
}

fn vector(raw: &RawValue) -> Result<Vector<'_>, Fault> {
    let numbers: Vec<f32> = serde_json::from_str(raw.get()).map_err(|error| not_json(&place(&error)))?;
    if numbers.is_empty() {
        return Err(not_json(&"a vector is empty"));
    }
    Ok(Vector { json: raw.get(), numbers })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(body: EncoderBody, count: usize, said: &str) -> Result<(Vec<Vec<f32>>, Option<u64>), Fault> {
        let read = read(body, count, said.as_bytes())?;
        Ok((read.vectors.into_iter().map(|vector| vector.numbers).collect(), read.tokens))
    }

    #[test]
    fn every_form_of_answer_is_read() {
        for (body, said, expected) in [
            (
                EncoderBody::TitanText,
                r#"{"embedding":[0.5,1],"inputTextTokenCount":3,"embeddingsByType":{"float":[0.5,1]}}"#,
                (vec![vec![0.5, 1.0]], Some(3)),
            ),
            (
                EncoderBody::TitanImage,
                r#"{"embedding":[0.5],"inputTextTokenCount":0,"message":null}"#,
                (vec![vec![0.5]], Some(0)),
            ),
            (
                EncoderBody::Nova,
                r#"{"embeddings":[{"embeddingType":"TEXT","embedding":[1,2]}]}"#,
                (vec![vec![1.0, 2.0]], None),
            ),
            (
                EncoderBody::CohereV3,
                r#"{"embeddings":[[1],[2]],"id":"x","response_type":"embeddings_floats","texts":["a","b"]}"#,
                (vec![vec![1.0], vec![2.0]], None),
            ),
            (
                EncoderBody::CohereV4,
                r#"{"id":"x","embeddings":{"float":[[1],[2]]},"response_type":"embeddings_by_type","meta":{"billed_units":{"input_tokens":4,"image_tokens":2}}}"#,
                (vec![vec![1.0], vec![2.0]], Some(6)),
            ),
        ] {
            assert_eq!(numbers(body, expected.0.len(), said), Ok(expected), "{said}");
        }
    }

    #[test]
    fn what_is_no_answer_is_a_misbehaviour() {
        for (body, said) in [
            (EncoderBody::TitanText, r#"{"embedding":null,"message":"the image is broken"}"#),
            (EncoderBody::TitanText, r#"{"embedding":[]}"#),
            (EncoderBody::TitanText, r#"{"embedding":["a"]}"#),
            (EncoderBody::TitanText, "<html>"),
            (EncoderBody::Nova, r#"{"embeddings":[]}"#),
            (EncoderBody::CohereV3, r#"{"embeddings":[[1],[2]]}"#),
            (EncoderBody::CohereV4, r#"{"embeddings":{"int8":[[1]]}}"#),
        ] {
            assert!(matches!(numbers(body, 1, said), Err(Fault::UpstreamMisbehaved(_))), "{said}");
        }
    }
}
