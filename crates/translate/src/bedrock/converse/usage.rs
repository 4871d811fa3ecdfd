//! Token counts, read from `usage`.

use crate::catalogue::UsageInput;
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
    /// The counts of a whole answer's usage; `None` when `raw` is none.
    pub(super) fn of_whole(raw: Option<&RawValue>, reasoning: Option<u64>) -> Option<Usage> {
        Self::of_stream(raw, reasoning, UsageInput::Net)
    }

    /// The counts of a stream's usage; `None` when `raw` is none.
    pub(super) fn of_stream(raw: Option<&RawValue>, reasoning: Option<u64>, input: UsageInput) -> Option<Usage> {
        let usage: Self = serde_json::from_str(raw?.get()).ok()?;
        Some(usage.counts(reasoning, input))
    }

    /// `inputTokens` leaves out what the cache read and wrote, except in the streams of OpenAI's models. Where those add
    /// the caches to the total once more, only the catalogue tells that they are in the input already.
    fn counts(&self, reasoning: Option<u64>, counted: UsageInput) -> Usage {
        let count = |value: Option<f64>| value.map(whole);
        let mut input = count(self.input_tokens).unwrap_or(0);
        let output = count(self.output_tokens).unwrap_or(0);
        let (cache_read, cache_write) = (count(self.cache_read_input_tokens), count(self.cache_write_input_tokens));
        let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
        let is_gross =
            counted == UsageInput::GrossInStreams || count(self.total_tokens) == Some(input.saturating_add(output));
        if is_gross && cached <= input {
            input -= cached;
        }
        let hours = self.cache_details.as_ref().map(|details| {
            let hours = details.iter().filter(|detail| detail.ttl.as_deref() == Some("1h"));
            hours.filter_map(|detail| count(detail.input_tokens)).sum()
        });
        Usage { input, output, cache_read, cache_write, cache_write_hour: hours, reasoning, tier: None }
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
        TokenUsage::of_whole(Some(serde_json::from_str(json).unwrap()), None)
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

    /// As told in three reports of GPT's streams: the total adds the caches to an input that has them already
    /// (github.com/earendil-works/pi/issues/8752, github.com/maximhq/bifrost/pull/6942); of a whole answer the second
    /// tells a net input of the same prompt.
    #[test]
    fn a_total_that_counts_the_caches_twice_does_not_betray_a_gross_input() {
        for (json, parts) in [
            (
                r#"{"inputTokens":12401,"outputTokens":9,"totalTokens":24809,"cacheReadInputTokens":8367,"cacheWriteInputTokens":4032}"#,
                (2, 12_401, 12_410),
            ),
            (
                r#"{"inputTokens":4995,"outputTokens":19,"totalTokens":10007,"cacheWriteInputTokens":4993}"#,
                (2, 4_995, 5_014),
            ),
        ] {
            let raw = serde_json::from_str(json).unwrap();
            let usage = TokenUsage::of_stream(Some(raw), None, UsageInput::GrossInStreams).unwrap();
            assert_eq!((usage.input, usage.prompt(), usage.total()), parts);
        }
        let net = r#"{"inputTokens":2,"outputTokens":19,"totalTokens":5014,"cacheWriteInputTokens":4993}"#;
        let of_stream =
            TokenUsage::of_stream(Some(serde_json::from_str(net).unwrap()), None, UsageInput::GrossInStreams);
        assert_eq!((of_stream, of_stream.unwrap().prompt()), (usage(net), 4_995), "more was cached than came in");
    }

    #[test]
    fn what_is_missing_is_zero_and_what_is_no_usage_is_none() {
        assert_eq!(usage(r#"{"outputTokens":50}"#).unwrap().total(), 50);
        assert_eq!(usage(r#"{"inputTokens":-1,"outputTokens":12.0}"#).unwrap().total(), 12);
        assert!(usage(r#""none""#).is_none());
    }
}
