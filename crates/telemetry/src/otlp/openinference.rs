//! OpenInference's attributes of an attempt, for backends that know them better than OpenTelemetry's.

use super::attributes as key;
use super::span_parts::{maybe, usd};
use super::wire::Attributes;
use crate::access_log::shortened;
use aquifer_gateway::cost::CallCost;
use aquifer_gateway::record::{AttemptRecord, AttemptResult, Record};
use std::fmt::Write as _;

/// Words of model ids, and the system that they tell (`llm.system`).
const SYSTEMS: &[(&str, &str)] = &[
    ("anthropic", "anthropic"),
    ("claude", "anthropic"),
    ("openai", "openai"),
    ("gpt", "openai"),
    ("meta", "meta"),
    ("deepseek", "deepseek"),
    ("mistral", "mistralai"),
    ("cohere", "cohere"),
    ("ai21", "ai21"),
    ("amazon", "amazon"),
    ("nova", "amazon"),
];

/// Writes them; `own`: the answer of the attempt is the client's.
pub(super) fn write(attributes: &mut Attributes<'_>, record: &Record, attempt: &AttemptRecord, own: bool, usage: bool) {
    attributes.text(key::OI_KIND, kind(record.operation));
    let model = shortened(&attempt.model_id);
    attributes.text(key::OI_MODEL, model);
    attributes.text(key::OI_REQUEST_MODEL, model);
    maybe(system(model), |system| attributes.text(key::OI_SYSTEM, system));
    attributes.text(key::OI_PROVIDER, if attempt.provider == "aws.bedrock" { "aws" } else { "openai" });
    if own && attempt.result == AttemptResult::Answered {
        attributes.text(key::OI_RESPONSE_MODEL, model);
        maybe(record.finish_reason, |reason| attributes.text(key::OI_FINISH_REASON, reason));
    }
    maybe(parameters(record), |parameters| attributes.text(key::OI_PARAMETERS, &parameters));
    if usage {
        counts(attributes, attempt);
    }
}

fn counts(attributes: &mut Attributes<'_>, attempt: &AttemptRecord) {
    if let Some(tokens) = attempt.usage {
        let (prompt, output) = (tokens.prompt(), tokens.output);
        attributes.int(key::OI_PROMPT, prompt);
        attributes.int(key::OI_COMPLETION, output);
        attributes.int(key::OI_TOTAL, prompt.saturating_add(output));
        attributes.int(key::OI_CACHE_READ, tokens.cache_read);
        attributes.int(key::OI_CACHE_WRITE, tokens.cache_write);
        maybe(tokens.reasoning, |reasoning| attributes.int(key::OI_REASONING, reasoning));
    }
    if let CallCost::Known(cost) = attempt.cost {
        attributes.double(key::OI_COST, usd(cost.total()));
        attributes.double(key::OI_COST_PROMPT, usd(cost.total().saturating_sub(cost.output)));
        attributes.double(key::OI_COST_COMPLETION, usd(cost.output));
        attributes.double(key::OI_COST_REASONING, usd(cost.reasoning));
    }
}

fn kind(operation: &str) -> &'static str {
    match operation {
        "embeddings" => "EMBEDDING",
        "rerank" => "RERANKER",
        _ => "LLM",
    }
}

fn system(model: &str) -> Option<&'static str> {
    SYSTEMS.iter().find(|known| model.contains(known.0)).map(|known| known.1)
}

/// The parameters that were asked for, as JSON.
fn parameters(record: &Record) -> Option<String> {
    let asked = &record.asked.parameters;
    let mut json = String::new();
    let mut member = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let before = if json.is_empty() { '{' } else { ',' };
            // Writing to memory does not fail.
            let _ = write!(json, "{before}\"{name}\":{value}");
        }
    };
    member("max_tokens", asked.max_tokens.map(|it| it.to_string()));
    member("temperature", asked.temperature.map(|it| it.to_string()));
    member("top_p", asked.top_p.map(|it| it.to_string()));
    member("top_k", asked.top_k.map(|it| it.to_string()));
    member("reasoning_effort", asked.effort.map(|effort| format!("\"{}\"", effort.word())));
    (!json.is_empty()).then(|| json + "}")
}
