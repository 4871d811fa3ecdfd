//! The models that rank, over InvokeModel.
//!
//! Source: Cohere's documentation of its rerank on Bedrock, and clients for `amazon.rerank-v1:0`; the limits are those of
//! Bedrock's own operation Rerank.

use super::converse::request::path;
use super::converse::response::{not_json, place};
use crate::catalogue::EncoderBody;
use crate::fault::Fault;
use crate::model::field_ref::FieldRef;
use crate::model::json::Json;
use crate::model::rerank::{RankedDocument, RerankRequest};
use crate::model::text::Text;
use crate::warning::Warning;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The one call of a request.
#[derive(Debug)]
pub struct RerankCall {
    /// The path, percent-encoded as it must stand on the wire.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
    /// The fields that are not sent as asked.
    pub warnings: Vec<Warning>,
}

#[derive(Deserialize)]
struct Body<'b> {
    #[serde(borrow)]
    results: Vec<Ranked<'b>>,
}

#[derive(Deserialize)]
struct Ranked<'b> {
    index: usize,
    #[serde(borrow, alias = "relevanceScore")]
    relevance_score: &'b RawValue,
}

/// Writes the call.
///
/// # Errors
///
/// A model id that cannot stand in a path.
pub fn write(request: &RerankRequest<'_>, body: EncoderBody, model_id: &str) -> Result<RerankCall, Fault> {
    let path = path::path(model_id, "invoke")?;
    let cohere = body == EncoderBody::CohereRerank;
    let bytes: usize = request.documents.iter().map(|text| text.as_escaped().len() + 4).sum();
    let mut json = Json::with_capacity(bytes + request.query.as_escaped().len() + 128);
    let mut warnings = Vec::new();
    json.object(|json| {
        json.name("query").text(&request.query);
        json.name("documents").list(|json| request.documents.iter().for_each(|text: &Text<'_>| json.text(text)));
        if let Some(top_n) = request.top_n {
            let most = u32::try_from(request.documents.len()).unwrap_or(u32::MAX);
            json.name("top_n").verbatim(&top_n.min(most).to_string());
        }
        match request.max_tokens_per_doc {
            Some(tokens) if cohere => json.name("max_tokens_per_doc").verbatim(&tokens.to_string()),
            Some(_) => {
                let why = "Amazon's rerank has no such parameter";
                warnings.push(Warning::dropped(FieldRef::own("max_tokens_per_doc"), why));
            }
            None => {}
        }
        if cohere {
            json.name("api_version").verbatim("2");
        }
    });
    Ok(RerankCall { path, body: json.into_bytes(), warnings })
}

/// Reads the answer to a request with so many documents.
///
/// # Errors
///
/// A body that is no such answer, or names a document that is not there, is Bedrock's misbehaviour.
pub fn read(documents: usize, bytes: &[u8]) -> Result<Vec<RankedDocument>, Fault> {
    let body: Body<'_> = serde_json::from_slice(bytes).map_err(|error| not_json(&place(&error)))?;
    let ranked = body.results.into_iter().map(|Ranked { index, relevance_score }| {
        let score = relevance_score.get();
        let is_one = score.parse::<f64>().is_ok_and(f64::is_finite);
        match index < documents && is_one {
            true => Ok(RankedDocument { index, score: score.to_owned() }),
            false => Err(not_json(&"a result is of no document, or without a score")),
        }
    });
    ranked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_maker_has_its_own_words() {
        let request = RerankRequest {
            query: Text::from_plain("q"),
            documents: vec![Text::from_plain("a"), Text::from_plain("b")],
            top_n: Some(5),
            max_tokens_per_doc: Some(9),
            ..RerankRequest::default()
        };
        let call = write(&request, EncoderBody::CohereRerank, "cohere.rerank-v3-5:0").unwrap();
        assert_eq!(call.path, "/model/cohere.rerank-v3-5%3A0/invoke");
        let said = r#"{"query":"q","documents":["a","b"],"top_n":2,"max_tokens_per_doc":9,"api_version":2}"#;
        assert_eq!((call.body.as_slice(), call.warnings.len()), (said.as_bytes(), 0));
        let call = write(&request, EncoderBody::AmazonRerank, "amazon.rerank-v1:0").unwrap();
        let said = r#"{"query":"q","documents":["a","b"],"top_n":2}"#;
        assert_eq!((call.body.as_slice(), call.warnings.len()), (said.as_bytes(), 1));
    }

    #[test]
    fn results_are_read_as_they_are_scored() {
        let body = br#"{"results":[{"index":1,"relevance_score":0.75},{"index":0,"relevanceScore":1e-3}]}"#;
        let ranked = read(2, body).unwrap();
        assert_eq!(
            ranked.iter().map(|one| (one.index, one.score.as_str())).collect::<Vec<_>>(),
            [(1, "0.75"), (0, "1e-3")]
        );
        let one = r#"{"results":[{"index":1,"relevance_score":"a"}]}"#.as_bytes();
        assert!(read(1, body).is_err() && read(2, one).is_err() && read(2, b"{}").is_err());
    }
}
