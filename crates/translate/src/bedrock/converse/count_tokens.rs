//! CountTokens: how many tokens a Converse request has, without an answer to it.
//!
//! Source: Bedrock's API reference, `CountTokens`, `ConverseTokensRequest`.

use super::response;
use crate::fault::Fault;
use crate::wire::json::{Document, Kind, Noting};
use serde::Deserialize;

/// The members of a Converse request that count.
const COUNTED: [&str; 4] = ["messages", "system", "toolConfig", "additionalModelRequestFields"];

/// The path of the operation, of a path of Converse's or ConverseStream's.
#[must_use]
pub fn path(converse: &str) -> String {
    let model = converse.strip_suffix("/converse-stream").or_else(|| converse.strip_suffix("/converse"));
    format!("{}/count-tokens", model.unwrap_or(converse))
}

/// The body that asks for the tokens of a Converse request with this body.
#[must_use]
pub fn body(converse: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(converse).unwrap_or_default();
    let document = Document::read_noting(text, &Noting::down_to(2)).ok();
    let mut body = String::with_capacity(converse.len() + 32);
    body.push_str(r#"{"input":{"converse":{"#);
    let mut comma = "";
    for name in COUNTED {
        let value = document.as_ref().and_then(|document| document.top().member(name));
        if let Some(value) = value.filter(|value| value.kind() != Kind::Null) {
            body.push_str(&format!(r#"{comma}"{name}":{}"#, value.raw()));
            comma = ",";
        }
    }
    body.push_str("}}}");
    body.into_bytes()
}

/// Reads the number out of an answer.
///
/// # Errors
///
/// A body that is no such answer is Bedrock's misbehaviour.
pub fn read(body: &[u8]) -> Result<u64, Fault> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Counted {
        input_tokens: u64,
    }
    let counted: Counted =
        serde_json::from_slice(body).map_err(|error| response::not_json(&response::place(&error)))?;
    Ok(counted.input_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_of_a_request_is_asked_for() {
        let converse = br#"{"messages":[{"role":"user","content":[{"text":"a"}]}],"system":[{"text":"b"}],"inferenceConfig":{"maxTokens":1}}"#;
        let expected =
            r#"{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"a"}]}],"system":[{"text":"b"}]}}}"#;
        assert_eq!(body(converse), expected.as_bytes());
        assert_eq!(path("/model/us.m%3A0/converse-stream"), "/model/us.m%3A0/count-tokens");
        assert_eq!(path("/model/us.m%3A0/converse"), "/model/us.m%3A0/count-tokens");
    }

    #[test]
    fn the_number_is_read() {
        assert_eq!(read(br#"{"inputTokens":12}"#), Ok(12));
        assert!(read(b"{}").is_err() && read(b"<html>").is_err());
    }
}
