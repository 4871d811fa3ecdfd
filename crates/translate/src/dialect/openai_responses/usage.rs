//! The bill, as Responses tells it.

use crate::model::response::Usage;
use std::fmt::Write as _;

/// Appends the `usage` object. Every detail is there, because SDKs want it: what Bedrock did not report is 0.
pub(super) fn write(out: &mut String, usage: &Usage) {
    let (prompt, output, total) = (usage.prompt(), usage.output, usage.total());
    let (read, written) = (usage.cache_read.unwrap_or(0), usage.cache_write.unwrap_or(0));
    let reasoning = usage.reasoning.unwrap_or(0);
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r#"{{"input_tokens":{prompt},"input_tokens_details":{{"cached_tokens":{read},"cache_write_tokens":{written}}},"output_tokens":{output},"output_tokens_details":{{"reasoning_tokens":{reasoning}}},"total_tokens":{total}}}"#
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_is_the_whole_prompt() {
        let usage = Usage { input: 1, output: 2, cache_read: Some(10), cache_write: Some(100), ..Usage::default() };
        let mut out = String::new();
        write(&mut out, &usage);
        let told: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((told["input_tokens"].as_u64(), told["total_tokens"].as_u64()), (Some(111), Some(113)));
        assert_eq!(told["input_tokens_details"], serde_json::json!({"cached_tokens": 10, "cache_write_tokens": 100}));
        assert_eq!(told["output_tokens_details"]["reasoning_tokens"], 0);
    }
}
