//! What no request to any model may look like.

use crate::refused::Refused;
use crate::talk::{blocks, content, turns};
use serde_json::Value;

/// The members that a request may have (Converse, request syntax).
const MEMBERS: [&str; 12] = [
    "messages",
    "system",
    "inferenceConfig",
    "toolConfig",
    "guardrailConfig",
    "additionalModelRequestFields",
    "promptVariables",
    "additionalModelResponseFieldPaths",
    "requestMetadata",
    "performanceConfig",
    "serviceTier",
    "outputConfig",
];

pub(super) fn check(body: &Value) -> Result<(), Refused> {
    let unreadable = |what| Refused::new(400, "SerializationException", what);
    let members = body.as_object().ok_or_else(|| unreadable("expected an object"))?;
    if let Some(unknown) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(Refused::invalid(format!("extraneous key [{unknown}] is not permitted")));
    }
    if !body["additionalModelRequestFields"].is_null() && !body["additionalModelRequestFields"].is_object() {
        return Err(unreadable("additionalModelRequestFields is not an object"));
    }
    conversation(turns(body))?;
    pairing(body)?;
    tool_names(body)?;
    paths(body)
}

fn conversation(turns: &[Value]) -> Result<(), Refused> {
    if turns.first().is_none_or(|turn| turn["role"] != "user") {
        return Err(Refused::invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
        ));
    }
    let mut last = "";
    for (at, turn) in turns.iter().enumerate() {
        let role = turn["role"].as_str().unwrap_or_default();
        if role == last || !matches!(role, "user" | "assistant") {
            return Err(Refused::invalid("A conversation must alternate between user and assistant roles."));
        }
        if content(turn).is_empty() {
            return Err(Refused::invalid(format!(
                "The content field in the Message object at messages.{at} is empty."
            )));
        }
        last = role;
    }
    for (at, block) in blocks(turns) {
        if block["text"].as_str().is_some_and(|text| text.trim().is_empty()) {
            let message = format!(
                "The text field in the ContentBlock object at {at} is blank. Add text to the text field, and try again."
            );
            return Err(Refused::invalid(message));
        }
        if block.as_object().is_none_or(|members| members.len() != 1) {
            return Err(Refused::invalid(format!("The ContentBlock object at {at} must set exactly one key.")));
        }
    }
    Ok(())
}

/// The ids of the calls or the results in a turn.
fn ids(turn: Option<&Value>, kind: &str) -> Vec<String> {
    let blocks = turn.map(content).unwrap_or_default();
    blocks.iter().filter_map(|block| block[kind]["toolUseId"].as_str().map(str::to_owned)).collect()
}

fn pairing(body: &Value) -> Result<(), Refused> {
    let turns = turns(body);
    let mut any = false;
    for (at, turn) in turns.iter().enumerate() {
        let calls = ids(Some(turn), "toolUse");
        let results = ids(turns.get(at + 1), "toolResult");
        any |= !calls.is_empty();
        let missing: Vec<_> = calls.iter().filter(|id| !results.contains(id)).map(String::as_str).collect();
        let next = at + 1;
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return Err(Refused::invalid(format!(
                "Expected toolResult blocks at messages.{next}.content for the following Ids: {missing}"
            )));
        }
        if results.iter().any(|id| !calls.contains(id)) {
            return Err(Refused::invalid(format!(
                "The number of toolResult blocks at messages.{next}.content exceeds the number of toolUse blocks of \
                 previous turn."
            )));
        }
    }
    if any && body["toolConfig"]["tools"].as_array().is_none_or(Vec::is_empty) {
        return Err(Refused::invalid(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        ));
    }
    Ok(())
}

fn tool_names(body: &Value) -> Result<(), Refused> {
    let fits = |name: &str| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    for tool in body["toolConfig"]["tools"].as_array().into_iter().flatten() {
        if tool["toolSpec"]["name"].as_str().is_some_and(|name| !fits(name)) {
            return Err(Refused::invalid(
                "Value at 'toolConfig.tools.toolSpec.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+",
            ));
        }
    }
    Ok(())
}

/// The pointers into the model's own answer: at most ten, each with something to point at.
fn paths(body: &Value) -> Result<(), Refused> {
    let wrong = |rule: &str| {
        Err(Refused::invalid(format!(
            "Value at 'additionalModelResponseFieldPaths' failed to satisfy constraint: {rule}"
        )))
    };
    let asked = &body["additionalModelResponseFieldPaths"];
    let Some(paths) = asked.as_array() else {
        return if asked.is_null() { Ok(()) } else { wrong("Member must be a list") };
    };
    if paths.len() > 10 {
        return wrong("Member must have length less than or equal to 10");
    }
    if !paths.iter().filter_map(Value::as_str).all(|path| path.starts_with('/') && (2..=256).contains(&path.len()))
        || !paths.iter().all(Value::is_string)
    {
        return wrong("Member must be a JSON Pointer that begins with '/' and has 1 to 256 characters");
    }
    Ok(())
}
