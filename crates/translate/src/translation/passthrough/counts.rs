//! Tokens that Bedrock counts outside the words of a model: in headers, and in the last chunk of a stream.

use crate::model::response::Usage;
use http::HeaderMap;
use serde::Deserialize;

/// The member of the last chunk in which Bedrock counts.
const METRICS: &[u8] = b"amazon-bedrock-invocationMetrics";

/// The token counts in the head of an answer of InvokeModel, if it has any.
#[must_use]
pub fn counted_by_headers(headers: &HeaderMap) -> Option<Usage> {
    let count = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let input = count("x-amzn-bedrock-input-token-count");
    let output = count("x-amzn-bedrock-output-token-count");
    (input.is_some() || output.is_some()).then(|| Usage {
        input: input.unwrap_or(0),
        output: output.unwrap_or(0),
        cache_read: count("x-amzn-bedrock-cache-read-input-token-count"),
        cache_write: count("x-amzn-bedrock-cache-write-input-token-count"),
        ..Usage::default()
    })
}

/// The counts beside a model's own last words.
#[derive(Deserialize)]
struct Last {
    #[serde(rename = "amazon-bedrock-invocationMetrics")]
    metrics: Metrics,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Metrics {
    input_token_count: u64,
    output_token_count: u64,
    cache_read_input_token_count: Option<u64>,
    cache_write_input_token_count: Option<u64>,
}

/// The token counts in a chunk of a stream of InvokeModel, if it has any.
pub(super) fn counted_by_chunk(json: &str) -> Option<Usage> {
    memchr::memmem::find(json.as_bytes(), METRICS)?;
    let Last { metrics } = serde_json::from_str(json).ok()?;
    Some(Usage {
        input: metrics.input_token_count,
        output: metrics.output_token_count,
        cache_read: metrics.cache_read_input_token_count,
        cache_write: metrics.cache_write_input_token_count,
        ..Usage::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn counts_are_read_wherever_bedrock_tells_them() {
        let mut headers = HeaderMap::new();
        assert_eq!(counted_by_headers(&headers), None);
        headers.insert("x-amzn-bedrock-input-token-count", HeaderValue::from_static("12"));
        headers.insert("x-amzn-bedrock-output-token-count", HeaderValue::from_static("3"));
        let usage = counted_by_headers(&headers).unwrap();
        assert_eq!((usage.input, usage.output, usage.cache_read), (12, 3, None));
        let last = r#"{"outputText":"","amazon-bedrock-invocationMetrics":{"inputTokenCount":5,"outputTokenCount":7,"invocationLatency":900}}"#;
        let usage = counted_by_chunk(last).unwrap();
        assert_eq!((usage.input, usage.output), (5, 7));
        assert_eq!(counted_by_chunk(r#"{"outputText":"a"}"#), None);
    }
}
