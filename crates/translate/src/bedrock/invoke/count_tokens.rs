//! CountTokens: how many tokens a body of Anthropic's has, without an answer to it.
//!
//! Source: Bedrock's API reference, `CountTokens`, `InvokeModelTokensRequest`.

use crate::wire::json::{Document, Noting};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The path of the operation, of a path of InvokeModel's.
#[must_use]
pub fn path(invoke: &str) -> String {
    let model = invoke.strip_suffix("/invoke-with-response-stream").or_else(|| invoke.strip_suffix("/invoke"));
    format!("{}/count-tokens", model.unwrap_or(invoke))
}

/// The body that asks for the tokens of this body, which must say a limit of its answer.
#[must_use]
pub fn body(invoke: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(invoke).unwrap_or_default();
    let document = Document::read_noting(text, &Noting::down_to(2)).ok();
    let limited = document.is_none_or(|document| document.top().member("max_tokens").is_some());
    let encoded = match text.strip_prefix('{').filter(|_| !limited) {
        Some(rest) => STANDARD.encode(format!(r#"{{"max_tokens":1,{rest}"#)),
        None => STANDARD.encode(invoke),
    };
    format!(r#"{{"input":{{"invokeModel":{{"body":"{encoded}"}}}}}}"#).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_counted_with_a_limit_of_its_answer() {
        assert_eq!(path("/model/m/invoke-with-response-stream"), "/model/m/count-tokens");
        let asked = |said: &str| {
            let asked: serde_json::Value = serde_json::from_slice(&body(said.as_bytes())).unwrap();
            let encoded = asked["input"]["invokeModel"]["body"].as_str().unwrap().to_owned();
            String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
        };
        assert_eq!(asked(r#"{"messages":[]}"#), r#"{"max_tokens":1,"messages":[]}"#);
        assert_eq!(asked(r#"{"max_tokens":9}"#), r#"{"max_tokens":9}"#);
    }
}
