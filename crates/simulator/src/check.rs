//! What real Bedrock refuses, refused in its words.

use crate::families::Family;
use crate::fault::Refused;
use crate::script::sealed;
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

/// Says no, or nothing.
pub(crate) fn check(family: Family, body: &Value) -> Result<(), Refused> {
    let members = body.as_object().ok_or_else(|| Refused::new(400, "SerializationException", "expected an object"))?;
    if let Some(unknown) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(Refused::invalid(format!("extraneous key [{unknown}] is not permitted")));
    }
    let empty = Vec::new();
    let turns = body["messages"].as_array().unwrap_or(&empty);
    conversation(turns)?;
    pairing(turns, body)?;
    inference(family, body)?;
    if family.is_claude() {
        thinking(family, turns, body)?;
    } else if blocks(turns).any(|(_, block)| !block["reasoningContent"]["reasoningText"]["signature"].is_null()) {
        return Err(Refused::invalid("This model doesn't support the reasoningContent.reasoningText.signature field."));
    }
    Ok(())
}

fn blocks(turns: &[Value]) -> impl Iterator<Item = (String, &Value)> {
    turns.iter().enumerate().flat_map(|(turn, message)| {
        let content = message["content"].as_array().into_iter().flatten().enumerate();
        content.map(move |(at, block)| (format!("messages.{turn}.content.{at}"), block))
    })
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
        if turn["content"].as_array().is_none_or(Vec::is_empty) {
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

fn pairing(turns: &[Value], body: &Value) -> Result<(), Refused> {
    let ids = |turn: Option<&Value>, kind: &str| -> Vec<String> {
        let content = turn.and_then(|turn| turn["content"].as_array()).into_iter().flatten();
        content.filter_map(|block| block[kind]["toolUseId"].as_str().map(str::to_owned)).collect()
    };
    let mut any = false;
    for (at, turn) in turns.iter().enumerate() {
        let calls = ids(Some(turn), "toolUse");
        let results = ids(turns.get(at + 1), "toolResult");
        any |= !calls.is_empty();
        let missing: Vec<_> = calls.iter().filter(|id| !results.contains(id)).map(String::as_str).collect();
        if !missing.is_empty() {
            let message = format!(
                "Expected toolResult blocks at messages.{}.content for the following Ids: {}",
                at + 1,
                missing.join(", ")
            );
            return Err(Refused::invalid(message));
        }
        if results.iter().any(|id| !calls.contains(id)) {
            let message = format!(
                "The number of toolResult blocks at messages.{}.content exceeds the number of toolUse blocks of previous turn.",
                at + 1
            );
            return Err(Refused::invalid(message));
        }
    }
    if any && body["toolConfig"]["tools"].as_array().is_none_or(Vec::is_empty) {
        return Err(Refused::invalid(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        ));
    }
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

fn inference(family: Family, body: &Value) -> Result<(), Refused> {
    let config = &body["inferenceConfig"];
    for name in ["temperature", "topP"] {
        if config[name].as_f64().is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            return Err(Refused::invalid(format!(
                "Value at 'inferenceConfig.{name}' failed to satisfy constraint: Member must have value less than or equal to 1"
            )));
        }
    }
    if family == Family::Open && config["stopSequences"].as_array().is_some_and(|stops| !stops.is_empty()) {
        return Err(Refused::invalid(
            "This model doesn't support the stopSequences field. Remove stopSequences and try again.",
        ));
    }
    if family == Family::Nova2
        && body["additionalModelRequestFields"]["reasoningConfig"]["maxReasoningEffort"] == "high"
        && ["maxTokens", "temperature", "topP"].iter().any(|name| !config[*name].is_null())
    {
        return Err(Refused::invalid("maxTokens, temperature and topP must be unset when maxReasoningEffort is high"));
    }
    Ok(())
}

fn thinking(family: Family, turns: &[Value], body: &Value) -> Result<(), Refused> {
    let own = &body["additionalModelRequestFields"];
    let config = &body["inferenceConfig"];
    let errors = |message: String| Err(Refused::invalid(format!("The model returned the following errors: {message}")));
    for (at, block) in blocks(turns) {
        let text = &block["reasoningContent"]["reasoningText"];
        if text.is_object() && !text["signature"].as_str().is_some_and(sealed) {
            return errors(format!("{at}: Invalid `signature` in `thinking` block"));
        }
    }
    let kind = own["thinking"]["type"].as_str().unwrap_or_default();
    let wrong = match family {
        Family::Budget => kind == "adaptive",
        Family::Adaptive { hidden, .. } => kind == "enabled" && hidden,
        _ => !kind.is_empty(),
    };
    if wrong {
        return errors(format!("thinking: `{kind}` is not supported on this model"));
    }
    let sampled = ["temperature", "topP"].iter().any(|name| !config[*name].is_null()) || !own["top_k"].is_null();
    if sampled
        && (family == (Family::Adaptive { always: true, hidden: true }) || !kind.is_empty() && kind != "disabled")
    {
        return errors("`temperature` may only be set to 1 when thinking is enabled.".to_owned());
    }
    if kind != "enabled" {
        return Ok(());
    }
    let budget = own["thinking"]["budget_tokens"].as_u64().unwrap_or_default();
    if budget < 1024 {
        return errors("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024".to_owned());
    }
    if config["maxTokens"].as_u64().is_some_and(|most| most <= budget) && own["anthropic_beta"].is_null() {
        return errors("`max_tokens` must be greater than `thinking.budget_tokens`.".to_owned());
    }
    if !body["toolConfig"]["toolChoice"]["any"].is_null() || !body["toolConfig"]["toolChoice"]["tool"].is_null() {
        return errors("Thinking may not be enabled when tool_choice forces tool use.".to_owned());
    }
    let [.., asked, answered] = turns else { return Ok(()) };
    let calls =
        asked["content"].as_array().is_some_and(|blocks| blocks.iter().any(|block| !block["toolUse"].is_null()));
    let results =
        answered["content"].as_array().is_some_and(|blocks| blocks.iter().any(|block| !block["toolResult"].is_null()));
    if calls && results && asked["content"][0]["reasoningContent"].is_null() {
        let found = if asked["content"][0]["toolUse"].is_null() { "text" } else { "tool_use" };
        return errors(format!(
            "messages.{}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{found}`. When `thinking` is \
             enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` \
             and `tool_result` blocks).",
            turns.len() - 2
        ));
    }
    Ok(())
}
