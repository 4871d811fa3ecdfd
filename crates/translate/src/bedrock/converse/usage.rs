//! Token counts, read from `usage`.

use crate::model::response::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

/// `TokenUsage`. Counts are read as floating point too: some recordings hold `12.0`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TokenUsage {
    input_tokens: Option<f64>,
    output_tokens: Option<f64>,
    total_tokens: Option<f64>,
    cache_read_input_tokens: Option<f64>,
    cache_write_input_tokens: Option<f64>,
    cache_details: Option<Vec<CacheDetail>>,
}

/// Of the tokens that were written to the cache, those with one lifetime.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct CacheDetail {
    ttl: Option<String>,
    input_tokens: Option<f64>,
}

impl TokenUsage {
    /// The counts of `raw`; `None` when it is no usage.
    pub(super) fn read(raw: Option<&RawValue>, reasoning: Option<u64>) -> Option<Usage> {
        let usage: Self = serde_json::from_str(raw?.get()).ok()?;
        Some(usage.counts(reasoning))
    }

    /// `inputTokens` leaves out what the cache read and wrote, except in the streams of OpenAI's models: there the
    /// total tells that the caches are in it already.
    fn counts(&self, reasoning: Option<u64>) -> Usage {
        let count = |value: Option<f64>| value.map(whole);
        let mut input = count(self.input_tokens).unwrap_or(0);
        let output = count(self.output_tokens).unwrap_or(0);
        let (cache_read, cache_write) = (count(self.cache_read_input_tokens), count(self.cache_write_input_tokens));
        let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
        let included = cached > 0 && cached <= input && count(self.total_tokens) == Some(input.saturating_add(output));
        if included {
            input -= cached;
        }
        let hours = self.cache_details.as_ref().map(|details| {
            let hours = details.iter().filter(|detail| detail.ttl.as_deref() == Some("1h"));
            hours.filter_map(|detail| count(detail.input_tokens)).sum()
        });
        Usage { input, output, cache_read, cache_write, cache_write_hour: hours, reasoning }
    }
}

/// A count as a whole number; what is negative or no number counts as 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, which is what is wanted")]
fn whole(count: f64) -> u64 {
    count as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(json: &str) -> Option<Usage> {
        TokenUsage::read(Some(serde_json::from_str(json).unwrap()), None)
    }

    #[test]
    fn the_prompt_is_input_and_both_caches() {
        let usage = usage(
            r#"{"inputTokens":3,"outputTokens":5,"totalTokens":118,"cacheReadInputTokens":100,"cacheWriteInputTokens":10,
                "cacheDetails":[{"ttl":"1h","inputTokens":10}],"serverToolUsage":{}}"#,
        )
        .unwrap();
        assert_eq!((usage.prompt(), usage.output, usage.total()), (113, 5, 118));
        assert_eq!(usage.cache_write_hour, Some(10));
    }

    #[test]
    fn caches_that_are_in_the_input_already_are_not_counted_twice() {
        let usage =
            usage(r#"{"inputTokens":110,"outputTokens":5,"totalTokens":115,"cacheReadInputTokens":100}"#).unwrap();
        assert_eq!((usage.input, usage.prompt(), usage.total()), (10, 110, 115));
    }

    #[test]
    fn what_is_missing_is_zero_and_what_is_no_usage_is_none() {
        assert_eq!(usage(r#"{"outputTokens":50}"#).unwrap().total(), 50);
        assert_eq!(usage(r#"{"inputTokens":-1,"outputTokens":12.0}"#).unwrap().total(), 12);
        assert!(usage(r#""none""#).is_none());
    }
}
