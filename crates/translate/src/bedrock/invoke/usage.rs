//! Token counts, read from Anthropic's `usage`.

use crate::model::response::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Anthropic's `Usage`: what a stream tells later stands beside what it told before.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TokenUsage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
    output_tokens_details: Option<OutputDetails>,
}

/// The tokens that were written to the cache, by lifetime.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

impl TokenUsage {
    /// The counts of `raw`; `None` when it is no usage.
    pub(super) fn read(raw: Option<&RawValue>) -> Option<Self> {
        serde_json::from_str(raw?.get()).ok()
    }

    /// The same with what was told later in its place.
    pub(super) fn and_then(self, later: Self) -> Self {
        Self {
            input_tokens: later.input_tokens.or(self.input_tokens),
            output_tokens: later.output_tokens.or(self.output_tokens),
            cache_read_input_tokens: later.cache_read_input_tokens.or(self.cache_read_input_tokens),
            cache_creation_input_tokens: later.cache_creation_input_tokens.or(self.cache_creation_input_tokens),
            cache_creation: later.cache_creation.or(self.cache_creation),
            output_tokens_details: later.output_tokens_details.or(self.output_tokens_details),
        }
    }

    /// The counts, in nobody's dialect. Anthropic's input leaves out what the cache read and wrote.
    pub(super) fn counts(&self) -> Usage {
        Usage {
            input: self.input_tokens.unwrap_or(0),
            output: self.output_tokens.unwrap_or(0),
            cache_read: self.cache_read_input_tokens,
            cache_write: self.cache_creation_input_tokens,
            cache_write_hour: self.cache_creation.and_then(|created| created.ephemeral_1h_input_tokens),
            tier: None,
            reasoning: self.output_tokens_details.and_then(|details| details.thinking_tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> TokenUsage {
        TokenUsage::read(Some(serde_json::from_str(json).unwrap())).unwrap()
    }

    #[test]
    fn what_is_told_later_counts_before_what_was_told_first() {
        let first =
            read(r#"{"input_tokens":3,"cache_read_input_tokens":100,"output_tokens":1,"service_tier":"standard"}"#);
        let usage =
            first.and_then(read(r#"{"output_tokens":50,"output_tokens_details":{"thinking_tokens":20}}"#)).counts();
        assert_eq!((usage.input, usage.prompt(), usage.output, usage.reasoning), (3, 103, 50, Some(20)));
    }
}
