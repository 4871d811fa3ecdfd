//! The bill, as Chat Completions tells it.

use crate::model::answer_cost::{AnswerCost, write_usd};
use crate::model::response::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fmt::Write as _;

/// The `usage` object of a backend.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Counts {
    prompt_tokens: u64,
    completion_tokens: u64,
    prompt_tokens_details: Option<Details>,
    completion_tokens_details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
}

impl Counts {
    /// The same in the model's words.
    pub(super) fn usage(&self) -> Usage {
        let Self { prompt_tokens, completion_tokens, prompt_tokens_details, completion_tokens_details } = self;
        let cached = prompt_tokens_details.as_ref().and_then(|details| details.cached_tokens);
        let written = prompt_tokens_details.as_ref().and_then(|details| details.cache_write_tokens);
        Usage {
            input: prompt_tokens.saturating_sub(cached.unwrap_or(0)).saturating_sub(written.unwrap_or(0)),
            output: *completion_tokens,
            cache_read: cached,
            cache_write: written,
            reasoning: completion_tokens_details.as_ref().and_then(|details| details.reasoning_tokens),
            ..Usage::default()
        }
    }
}

/// Reads the counts of a backend; `None`, when it is no such object.
pub(super) fn read(raw: &RawValue) -> Option<Usage> {
    serde_json::from_str::<Counts>(raw.get()).ok().map(|counts| counts.usage())
}

/// Appends the `usage` object. Details are told when Bedrock reported them, and never guessed; the cost, in US dollars, as
/// OpenRouter tells it, where the client asked for it and it is known.
pub(super) fn write(out: &mut String, usage: &Usage, cost: Option<AnswerCost>) {
    let (prompt, output, total) = (usage.prompt(), usage.output, usage.total());
    // Writing to a string cannot fail.
    let _ = write!(out, r#"{{"prompt_tokens":{prompt},"completion_tokens":{output},"total_tokens":{total}"#);
    if usage.cache_read.is_some() || usage.cache_write.is_some() {
        let (read, written) = (usage.cache_read.unwrap_or(0), usage.cache_write.unwrap_or(0));
        let _ = write!(out, r#","prompt_tokens_details":{{"cached_tokens":{read},"cache_write_tokens":{written}}}"#);
    }
    if let Some(reasoning) = usage.reasoning {
        let _ = write!(out, r#","completion_tokens_details":{{"reasoning_tokens":{reasoning}}}"#);
    }
    if let Some(cost) = cost {
        for (name, amount) in [
            (r#","cost":"#, cost.total()),
            (r#","cost_details":{"upstream_inference_cost":"#, cost.total()),
            (r#","upstream_inference_prompt_cost":"#, cost.prompt),
            (r#","upstream_inference_completions_cost":"#, cost.output),
        ] {
            out.push_str(name);
            write_usd(out, amount);
        }
        out.push('}');
    }
    out.push('}');
}
