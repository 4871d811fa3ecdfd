//! Which tools the model calls, and with what.

use super::{Block, calls};
use crate::talk;
use serde_json::{Map, Value, json};

/// How many times the model calls tools, one after the other, before it answers.
pub(super) fn planned(asked: &str) -> usize {
    let lower = asked.to_lowercase();
    [("two steps", 2), ("three steps", 3)]
        .iter()
        .find(|(words, _)| lower.contains(words))
        .map_or(1, |(_, count)| *count)
}

/// The calls that the model makes: when it must, or when the text speaks of a tool or of steps.
pub(super) fn called(body: &Value, asked: &str, fault: &str, step: usize) -> Vec<Block> {
    let tools = talk::tools(body);
    let choice = &body["toolConfig"]["toolChoice"];
    let own = &body["additionalModelRequestFields"]["tool_choice"];
    if own["type"] == "none" {
        return Vec::new();
    }
    let named = choice["tool"]["name"].as_str().or_else(|| own["name"].as_str());
    let name = |tool: &Value| tool["name"].as_str().unwrap_or_default().to_owned();
    let ordered = calls::orders(asked);
    if ordered.iter().any(|order| tools.iter().any(|tool| tool["name"] == order.name)) {
        return (0..).zip(ordered).map(|pair| call(body, pair.0, pair.1.name, pair.1.input)).collect();
    }
    let lower = asked.to_lowercase();
    let many = planned(asked) > 1;
    let spoken = |tool: &&&Value| {
        asked.contains(&name(tool)) || lower.contains("tool") || lower.contains("weather") || fault == "interleaved"
    };
    let first = match named {
        Some(named) => tools.iter().find(|tool| name(tool) == named),
        None if talk::forced(body).is_some() || fault == "two-tools" => tools.first(),
        // Each step has its tool; the last tool is called again when there are more steps.
        None if many => tools.get(step).or_else(|| tools.last()),
        None => tools.iter().find(spoken),
    };
    let Some(first) = first else { return Vec::new() };
    let chosen = if fault == "two-tools" { vec![first, tools.get(1).unwrap_or(first)] } else { vec![first] };
    chosen
        .into_iter()
        .enumerate()
        .map(|(at, tool)| call(body, at, &name(tool), fitting(&tool["inputSchema"]["json"], 0)))
        .collect()
}

/// One call, the `at`th of its turn.
fn call(body: &Value, at: usize, name: &str, input: Value) -> Block {
    let turn = talk::turns(body).len();
    Block::Tool { id: format!("tooluse_{turn}_{at}"), name: name.to_owned(), input }
}

/// A value that fits a schema.
pub(super) fn fitting(schema: &Value, depth: usize) -> Value {
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
