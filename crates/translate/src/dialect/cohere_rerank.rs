//! Cohere's rerank: `POST /v2/rerank`, and `/v1/rerank` as older clients call it.
//!
//! Source: Cohere's API reference, "Rerank API (v2)" and "(v1)".

use super::head;
use super::json::{self, Indexed, Node};
use super::notes::Notes;
use super::openai_embeddings::request::too_many;
use crate::fault::Fault;
use crate::limits::Limits;
use crate::model::request_id::RequestId;
use crate::model::rerank::{RankedDocument, RerankRequest};
use crate::model::text::Text;
use crate::warning::Warning;

/// The parts of a body that hold fields.
const INDEXED: Indexed =
    Indexed { members: &["documents", "rank_fields", "extra_body"], beside: "extra_body", opaque: &[] };

/// The fields that are read.
const KNOWN: &[&str] = &[
    "model",
    "query",
    "documents",
    "top_n",
    "return_documents",
    "max_tokens_per_doc",
    "max_chunks_per_doc",
    "rank_fields",
    "priority",
    "extra_body",
];

/// The most documents of one request, as Bedrock's reference of its Rerank operation says.
pub const MOST_DOCUMENTS: usize = 1000;
/// The documents that Cohere counts as one unit.
const DOCUMENTS_OF_A_UNIT: usize = 100;

/// Reads a request's body, and names what was ignored.
///
/// # Errors
///
/// The client's mistakes, each with its field.
pub fn read<'a>(body: &'a [u8], limits: &Limits) -> Result<(RerankRequest<'a>, Vec<Warning>), Fault> {
    let document = json::read(body, limits.json_values, &INDEXED)?;
    let top = json::open(&document).with_members_of("extra_body")?;
    let mut notes = Notes::new(*limits);
    notes.unknown(&top, KNOWN);
    for name in ["max_chunks_per_doc", "priority"] {
        if let Some(node) = top.get(name) {
            notes.ignored(&node, "Bedrock's rerank models have no such parameter");
        }
    }
    if let Some(node) = top.get("rank_fields") {
        let only_text = node.list()?.each().all(|field| field.string().is_ok_and(|field| field == "text"));
        if !only_text {
            return Err(node.unsupported("may name `text` alone: put what shall count into the text of each document"));
        }
    }
    let query = top.need("query")?;
    let listed = top.need("documents")?;
    let list = listed.list()?;
    match list.len() {
        0 => return Err(listed.invalid("must not be empty")),
        1..=MOST_DOCUMENTS => {}
        _ => return Err(too_many("documents", MOST_DOCUMENTS, "documents")),
    }
    let request = RerankRequest {
        model: head::model(&top, limits)?,
        query: filled(&query)?,
        documents: list.each().map(|node| text_of(&node)).collect::<Result<_, Fault>>()?,
        top_n: top.get("top_n").map(|node| node.count()).transpose()?,
        max_tokens_per_doc: top.get("max_tokens_per_doc").map(|node| node.count()).transpose()?,
        return_documents: top.get("return_documents").map(|node| node.boolean()).transpose()?.unwrap_or_default(),
    };
    Ok((request, notes.finish()))
}

fn text_of<'a>(node: &Node<'a, '_>) -> Result<Text<'a>, Fault> {
    if node.is_string() {
        return filled(node);
    }
    if !node.is_object() {
        return Err(node.wrong("a string, or an object with `text`"));
    }
    filled(&node.object()?.need("text")?)
}

fn filled<'a>(node: &Node<'a, '_>) -> Result<Text<'a>, Fault> {
    let text = node.text()?;
    if text.is_empty() { Err(node.invalid("must not be empty")) } else { Ok(text) }
}

/// Writes the answer: the documents in the model's order.
#[must_use]
pub fn write(request: &RerankRequest<'_>, ranked: &[RankedDocument], id: RequestId) -> String {
    let mut body = format!(r#"{{"id":"{}","results":["#, id.behind("rerank-"));
    for (place, RankedDocument { index, score }) in ranked.iter().enumerate() {
        if place > 0 {
            body.push(',');
        }
        body.push('{');
        if let Some(text) = request.documents.get(*index).filter(|_| request.return_documents) {
            body.push_str(r#""document":{"text":""#);
            body.push_str(text.as_escaped());
            body.push_str(r#""},"#);
        }
        body.push_str(&format!(r#""index":{index},"relevance_score":{score}}}"#));
    }
    let units = request.documents.len().div_ceil(DOCUMENTS_OF_A_UNIT);
    body.push_str(&format!(
        r#"],"meta":{{"api_version":{{"version":"2","is_experimental":false}},"billed_units":{{"search_units":{units}}}}}}}"#
    ));
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> Result<(RerankRequest<'_>, usize), String> {
        let read = read(body.as_bytes(), &Limits::default()).map_err(|fault| fault.to_string())?;
        Ok((read.0, read.1.len()))
    }

    #[test]
    fn documents_are_texts_or_objects_with_a_text() {
        let (request, warnings) =
            of(r#"{"model":"m","query":"q","documents":["a",{"text":"b","id":1}],"rank_fields":["text"],"top_n":9,"return_documents":true,"priority":1,"x":2}"#)
                .unwrap();
        assert_eq!(request.documents, [Text::from_escaped("a"), Text::from_escaped("b")]);
        assert_eq!((request.top_n, request.return_documents, warnings), (Some(9), true, 2));
    }

    #[test]
    fn mistakes_are_told_by_their_field() {
        for (said, message) in [
            (r#""query":"q","documents":[]"#, "`documents` must not be empty"),
            (r#""query":"q","documents":[1]"#, "`documents[0]` must be a string, or an object"),
            (r#""query":"q","documents":[{"t":1}]"#, "`documents[0].text` is required"),
            (r#""query":"","documents":["a"]"#, "`query` must not be empty"),
            (r#""documents":["a"]"#, "`query` is required"),
            (r#""query":"q""#, "`documents` is required"),
            (r#""query":"q","documents":["a"],"top_n":0"#, "`top_n` must be a whole number"),
            (r#""query":"q","documents":["a"],"rank_fields":["title"]"#, "`rank_fields` may name `text` alone"),
        ] {
            let body = format!(r#"{{"model":"m",{said}}}"#);
            let fault = of(&body).unwrap_err();
            assert!(fault.starts_with(message), "{said}: {fault}");
        }
    }

    #[test]
    fn the_answer_has_the_documents_where_they_are_wanted() {
        let body = r#"{"model":"m","query":"q","documents":["a","\"b\""],"return_documents":true}"#;
        let (mut request, _) = of(body).unwrap();
        let ranked = [
            RankedDocument { index: 1, score: "0.9".to_owned() },
            RankedDocument { index: 0, score: "1e-3".to_owned() },
        ];
        let written = write(&request, &ranked, RequestId(1));
        assert!(written.contains(r#"[{"document":{"text":"\"b\""},"index":1,"relevance_score":0.9},"#), "{written}");
        assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok());
        request.return_documents = false;
        assert!(write(&request, &ranked, RequestId(1)).contains(r#"[{"index":1,"relevance_score":0.9},"#));
    }
}
