//! What the model says: a small answer made from the request alone.

use crate::families::{self, Family};
use crate::fault::{self, Wanted};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// One block of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    Reasoning { text: String, signature: Option<String> },
    Redacted(String),
    Text(String),
    Tool { id: String, name: String, input: Value },
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) blocks: Vec<Block>,
    pub(crate) stop: String,
    pub(crate) input_tokens: usize,
}

/// Writes the answer to a request.
pub(crate) fn write(model_id: &str, body: &Value, wanted: Option<&Wanted>) -> Script {
    let family = families::of(model_id);
    let fault = wanted.map_or("", |wanted| wanted.name.as_str());
    let mut blocks = Vec::new();
    if fault == "redacted" {
        blocks.push(Block::Redacted(STANDARD.encode(STANDARD.encode(format!("sealed by {model_id}")))));
    }
    if family.reasons(body) && fault != "no-reasoning" {
        let rounds = if fault == "multi-block" { 2 } else { 1 };
        blocks.extend((0..rounds).map(|round| thought(model_id, family, body, round)));
    }
    let mut stop = say(body, fault, &mut blocks);
    limit(body, &mut blocks, &mut stop);
    let special = match fault {
        "unknown-stop" => Some("something_new"),
        "malformed-output" => Some("malformed_model_output"),
        "guardrail" => Some("guardrail_intervened"),
        "content-filtered" => Some("content_filtered"),
        "context-window" => Some("model_context_window_exceeded"),
        _ => None,
    };
    Script { blocks, stop: special.unwrap_or(stop).to_owned(), input_tokens: body.to_string().len() / 4 }
}

fn thought(model_id: &str, family: Family, body: &Value, round: usize) -> Block {
    let asked = without_fault(&fault::last_text(body));
    let text = match (family, round) {
        (Family::Nova2, _) => "[REDACTED]".to_owned(),
        _ if family.hides(body) => String::new(),
        (_, 0) => format!(
            "The user says: \"{asked}\". Let me think about what they need, step by step, and then answer briefly."
        ),
        _ => "On second thought, that still holds.".to_owned(),
    };
    let signature = family.signs().then(|| sign(model_id, &text));
    Block::Reasoning { text, signature }
}

/// The answer proper, behind the thoughts; gives the stop reason.
fn say(body: &Value, fault: &str, blocks: &mut Vec<Block>) -> &'static str {
    if let Some(schema) = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"].as_str() {
        let schema: Value = serde_json::from_str(schema).unwrap_or_default();
        blocks.push(Block::Text(fitting(&schema, 0).to_string()));
        return "end_turn";
    }
    if let Some(result) = last_result(body) {
        blocks.push(Block::Text(format!("The tool says: {result}. That is all there is to know.")));
        return "end_turn";
    }
    let asked = fault::last_text(body);
    let tools = called(body, &asked, fault);
    if !tools.is_empty() {
        blocks.push(Block::Text("I will look that up.".to_owned()));
        blocks.extend(tools);
        return "tool_use";
    }
    if fault == "long" {
        blocks.push(Block::Text("word ".repeat(2000)));
        return "end_turn";
    }
    let asked = without_fault(&asked);
    blocks.push(Block::Text(format!(
        "You asked: \"{asked}\". This is a simulated answer, streamed in small pieces just as Bedrock would send it. é 🦀"
    )));
    if fault == "multi-block" {
        blocks.push(Block::Text(" And one more thing.".to_owned()));
    }
    "end_turn"
}

/// The calls that the model makes: when it must, or when the text speaks of a tool.
fn called(body: &Value, asked: &str, fault: &str) -> Vec<Block> {
    let config = &body["toolConfig"];
    let tools: Vec<&Value> = config["tools"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|tool| &tool["toolSpec"])
        .filter(|tool| tool.is_object())
        .collect();
    let choice = &config["toolChoice"];
    let own = &body["additionalModelRequestFields"]["tool_choice"];
    if own["type"] == "none" {
        return Vec::new();
    }
    let named = choice["tool"]["name"].as_str().or_else(|| own["name"].as_str());
    let forced = named.is_some() || !choice["any"].is_null() || own["type"] == "any";
    let name = |tool: &Value| tool["name"].as_str().unwrap_or_default().to_owned();
    let lower = asked.to_lowercase();
    let spoken = |tool: &&&Value| asked.contains(&name(tool)) || lower.contains("tool") || lower.contains("weather");
    let first = match named {
        Some(named) => tools.iter().find(|tool| name(tool) == named),
        None if forced || fault == "two-tools" => tools.first(),
        None => tools.iter().find(spoken),
    };
    let Some(first) = first else { return Vec::new() };
    let chosen = if fault == "two-tools" { vec![first, tools.get(1).unwrap_or(first)] } else { vec![first] };
    let turn = body["messages"].as_array().map_or(0, Vec::len);
    let calls = chosen.into_iter().enumerate().map(|(at, tool)| Block::Tool {
        id: format!("tooluse_{turn}_{at}"),
        name: name(tool),
        input: fitting(&tool["inputSchema"]["json"], 0),
    });
    calls.collect()
}

fn last_result(body: &Value) -> Option<String> {
    let blocks = body["messages"].as_array()?.last()?["content"].as_array()?;
    let content = blocks.iter().rev().find_map(|block| block["toolResult"]["content"].as_array())?;
    Some(content.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" "))
}

/// A value that fits a schema.
fn fitting(schema: &Value, depth: usize) -> Value {
    if depth > 8 {
        return Value::Null;
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    match schema["type"].as_str().or_else(|| schema["type"][0].as_str()) {
        Some("string") => json!("Paris"),
        Some("integer") => json!(3),
        Some("number") => json!(1.5),
        Some("boolean") => json!(true),
        Some("array") => json!([fitting(&schema["items"], depth + 1)]),
        Some("null") => Value::Null,
        _ => {
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            let members = properties.iter().map(|(name, schema)| (name.clone(), fitting(schema, depth + 1)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

/// Stop sequences and the limit of tokens, a token being a word of the answer.
fn limit(body: &Value, blocks: &mut [Block], stop: &mut &'static str) {
    let config = &body["inferenceConfig"];
    let Some(Block::Text(text)) = blocks.iter_mut().rev().find(|block| matches!(block, Block::Text(_))) else { return };
    for sequence in config["stopSequences"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if let Some(at) = text.find(sequence) {
            text.truncate(at);
            *stop = "stop_sequence";
        }
    }
    let most = config["maxTokens"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    if *stop != "tool_use"
        && let Some((at, _)) = text.match_indices(' ').nth(most.saturating_sub(1))
    {
        text.truncate(at);
        *stop = "max_tokens";
    }
}

fn without_fault(text: &str) -> String {
    match (text.split_once("[["), text.split_once("]]")) {
        (Some((before, _)), Some((_, after))) => format!("{before}{after}").trim().to_owned(),
        _ => text.trim().to_owned(),
    }
}

/// A seal that only this simulator makes: a fingerprint (FNV-1a, no cryptography) of what was thought.
pub(crate) fn sign(model_id: &str, text: &str) -> String {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for byte in model_id.bytes().chain(text.bytes()) {
        sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    STANDARD.encode(format!("simulated:{sum:016x}"))
}

/// Whether this simulator made the seal.
pub(crate) fn sealed(signature: &str) -> bool {
    let inside = STANDARD.decode(signature).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    inside.is_some_and(|inside| inside.starts_with("simulated:") && inside.len() == "simulated:".len() + 16)
}
