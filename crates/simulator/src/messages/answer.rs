//! An answer in Anthropic's shape: whole, or as the events of its stream.

use crate::cached::Cached;
use crate::families::{Family, Generation, Model, Rule};
use crate::frames::{Event, pieces};
use crate::pointers::thinking_tokens;
use crate::script::{Block, Script};
use crate::{seal, tokens};
use serde_json::{Map, Value, json};

/// The whole answer to a request, which is given in the words of Converse.
pub(crate) fn whole(model: &Model, reading: &Value, script: &Script) -> Value {
    let mut answer = message(model, reading);
    answer["content"] = script.blocks.iter().map(finished).collect();
    answer["stop_reason"] = json!(stop(script));
    answer["stop_sequence"] = json!(script.stop_sequence);
    detailed(model.family, script, &mut answer);
    safeguarded(script, &mut answer);
    let mut usage = usage(model.family, reading, script.cached);
    said(model.family, script, &mut usage);
    answer["usage"] = usage;
    edited(reading, &mut answer);
    guarded(reading, script, &mut answer);
    answer
}

/// The events of the same answer, streamed; the last one has Bedrock's own counts.
pub(crate) fn events(model: &Model, reading: &Value, script: &Script) -> Vec<Event> {
    let mut start = message(model, reading);
    start["usage"] = usage(model.family, reading, script.cached);
    start["usage"]["output_tokens"] = json!(1);
    let mut events = vec![json!({ "type": "message_start", "message": start })];
    for (index, block) in script.blocks.iter().enumerate() {
        events.push(json!({ "type": "content_block_start", "index": index, "content_block": begun(block) }));
        let delta = |delta: Value| json!({ "type": "content_block_delta", "index": index, "delta": delta });
        events.extend(deltas(block).into_iter().map(delta));
        events.push(json!({ "type": "content_block_stop", "index": index }));
    }
    let mut usage = json!({});
    said(model.family, script, &mut usage);
    let mut delta = json!({ "stop_reason": stop(script), "stop_sequence": script.stop_sequence });
    detailed(model.family, script, &mut delta);
    safeguarded(script, &mut delta);
    let mut end = json!({ "type": "message_delta", "delta": delta, "usage": usage });
    edited(reading, &mut end);
    events.push(end);
    let mut last = json!({ "type": "message_stop", "amazon-bedrock-invocationMetrics": {
        "inputTokenCount": script.cached.rest(tokens::of(reading)),
        "outputTokenCount": tokens::said(script),
        "invocationLatency": 120,
        "firstByteLatency": 40,
        "cacheReadInputTokenCount": script.cached.read,
        "cacheWriteInputTokenCount": script.cached.written(),
    } });
    guarded(reading, script, &mut last);
    events.push(last);
    events.into_iter().map(Event::chunk).collect()
}

/// The message before anything is said.
fn message(model: &Model, reading: &Value) -> Value {
    let name = model.id.strip_prefix("anthropic.").unwrap_or(&model.id);
    let name = name.split(':').next().unwrap_or(name);
    let name = match name.rsplit_once("-v") {
        Some((name, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => name,
    };
    let mut message = json!({
        "model": name,
        "id": format!("msg_bdrk_{:016x}", seal::sum(&reading.to_string())),
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
    });
    if model.family.generation >= Generation::FourEight {
        message["stop_details"] = Value::Null;
    }
    message
}

/// Why it was refused, which the newest tell.
fn detailed(family: &Family, script: &Script, answer: &mut Value) {
    if family.generation >= Generation::FourEight {
        let refused = json!({ "type": "refusal", "category": null, "explanation": null });
        answer["stop_details"] = if stop(script) == "refusal" { refused } else { Value::Null };
    }
}

/// What was read.
fn usage(family: &Family, reading: &Value, cached: Cached) -> Value {
    let written = json!({ "ephemeral_5m_input_tokens": cached.short, "ephemeral_1h_input_tokens": cached.long });
    let mut usage = json!({
        "input_tokens": cached.rest(tokens::of(reading)),
        "cache_creation_input_tokens": cached.written(),
        "cache_read_input_tokens": cached.read,
        "cache_creation": written,
    });
    if family.generation >= Generation::FourEight {
        usage["service_tier"] = json!("standard");
    }
    usage
}

/// What was said, and how much of it was thought.
fn said(family: &Family, script: &Script, usage: &mut Value) {
    usage["output_tokens"] = json!(tokens::said(script));
    if family.has(Rule::CountsThinking) {
        usage["output_tokens_details"] = json!({ "thinking_tokens": thinking_tokens(script) });
    }
}

/// Why it ended. What only Converse says is said here as Anthropic has it.
fn stop(script: &Script) -> &str {
    match script.stop.as_str() {
        "content_filtered" => "refusal",
        "guardrail_intervened" | "malformed_model_output" => "end_turn",
        other => other,
    }
}

/// What was edited of the context, where that was asked for: nothing.
fn edited(reading: &Value, answer: &mut Value) {
    if !reading["additionalModelRequestFields"]["context_management"].is_null() {
        answer["context_management"] = json!({ "applied_edits": [] });
    }
}

/// What the safeguards that a request asks for say of the calls of its answer: that none is dangerous, or all are.
pub(crate) fn safeguards(body: &Value, script: &Script, flagged: bool) -> Option<Value> {
    const KIND: &str = "dangerous_tool_use";
    let asked = body["safeguards"].as_array()?;
    if !asked.iter().any(|safeguard| safeguard["type"] == KIND) {
        return None;
    }
    let verdict = match flagged {
        true => json!({ "type": "evaluated", "outcome": "flagged", "explanation": "Flagged on demand." }),
        false => json!({ "type": "evaluated", "outcome": "not_flagged" }),
    };
    let calls: Map<_, _> = script
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::Tool { id: named, .. } => Some((id(named), verdict.clone())),
            Block::Reasoning { .. } | Block::Redacted { .. } | Block::Text(_) => None,
        })
        .collect();
    Some(json!([{ "type": KIND, "status": { "type": "available", "tool_uses": calls } }]))
}

fn safeguarded(script: &Script, answer: &mut Value) {
    if let Some(results) = &script.safeguards {
        answer["safeguard_results"] = results.clone();
    }
}

/// What a guardrail tells, where one was asked for.
fn guarded(reading: &Value, script: &Script, answer: &mut Value) {
    if reading["guardrailConfig"].is_null() {
        return;
    }
    let intervened = script.stop == "guardrail_intervened";
    answer["amazon-bedrock-guardrailAction"] = json!(if intervened { "INTERVENED" } else { "NONE" });
    if let Some(trace) = &script.trace {
        answer["amazon-bedrock-trace"] = trace.clone();
    }
}

/// The id of a call as Anthropic's models give it on Bedrock.
fn id(id: &str) -> String {
    id.replacen("tooluse_", "toolu_bdrk_", 1)
}

fn finished(block: &Block) -> Value {
    match block {
        Block::Reasoning { text, signature, .. } => {
            json!({ "type": "thinking", "thinking": text, "signature": signature.as_deref().unwrap_or_default() })
        }
        Block::Text(text) => json!({ "type": "text", "text": text }),
        Block::Tool { id: named, name, input } => {
            json!({ "type": "tool_use", "id": id(named), "name": name, "input": input })
        }
        Block::Redacted { .. } => begun(block),
    }
}

/// A block as its first event has it; redacted thoughts come whole.
fn begun(block: &Block) -> Value {
    match block {
        Block::Reasoning { .. } => json!({ "type": "thinking", "thinking": "", "signature": "" }),
        Block::Redacted { data, .. } => {
            json!({ "type": "redacted_thinking", "data": String::from_utf8_lossy(data) })
        }
        Block::Text(_) => json!({ "type": "text", "text": "" }),
        Block::Tool { id: named, name, .. } => {
            json!({ "type": "tool_use", "id": id(named), "name": name, "input": {} })
        }
    }
}

/// What comes between the start and the end of a block; a signature whole and last.
fn deltas(block: &Block) -> Vec<Value> {
    match block {
        Block::Reasoning { text, signature, .. } => {
            let texts = pieces(text).map(|text| json!({ "type": "thinking_delta", "thinking": text }));
            let seal = signature.iter().map(|seal| json!({ "type": "signature_delta", "signature": seal }));
            texts.chain(seal).collect()
        }
        Block::Redacted { .. } => Vec::new(),
        Block::Text(text) => pieces(text).map(|text| json!({ "type": "text_delta", "text": text })).collect(),
        Block::Tool { input, .. } => {
            let input = input.to_string();
            let parts = std::iter::once("").chain(pieces(&input));
            parts.map(|part| json!({ "type": "input_json_delta", "partial_json": part })).collect()
        }
    }
}
