//! Chat Completions in `docs/fields.md` against the code.

use crate::overview::DOCUMENT;
use crate::table::{Example, assert_documented, check, quoted, rows, with_members};
use aquifer_translate::dialect::Dialect::OpenAiChat;
use serde_json::{Value, json};

/// Every parameter of OpenAI's SDKs, the older ones, and those of servers of open-weight models.
const FIELDS: [&str; 54] = [
    "additionalModelRequestFields",
    "anthropic_beta",
    "audio",
    "best_of",
    "chat_template_kwargs",
    "echo",
    "enable_thinking",
    "extra_body",
    "frequency_penalty",
    "function_call",
    "functions",
    "guardrailConfig",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "moderation",
    "n",
    "output_config",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "prompt_logprobs",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "suffix",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
    "usage",
    "user",
    "verbosity",
    "web_search_options",
    "anything_else",
];

fn request(members: &str) -> Value {
    with_members(json!({"model": "m", "messages": [{"role": "user", "content": "Hi."}]}), members)
}

#[test]
fn every_field_has_the_fate_of_its_row() {
    assert_documented(DOCUMENT, "Chat Completions: fields", &FIELDS);
    let rows = rows(DOCUMENT, "Chat Completions: fields");
    let examples = rows.iter().map(|row| {
        let [field, example, said, ..] = row.as_slice() else { panic!("{row:?}") };
        Example { what: field.clone(), body: request(quoted(example)), said, path: Some(quoted(field)) }
    });
    check(OpenAiChat, examples);
}

#[test]
fn every_message_has_the_fate_of_its_row() {
    let rows = rows(DOCUMENT, "Chat Completions: messages");
    let examples = rows.iter().map(|row| {
        let [field, role, example, said, ..] = row.as_slice() else { panic!("{row:?}") };
        let message: Value = serde_json::from_str(quoted(example)).unwrap();
        Example { what: format!("{field} {role}"), body: around(&message), said, path: None }
    });
    check(OpenAiChat, examples);
}

#[test]
fn every_part_has_the_fate_of_its_row() {
    let rows = rows(DOCUMENT, "Chat Completions: parts of content");
    let examples = rows.iter().map(|row| {
        let [field, role, example, said, ..] = row.as_slice() else { panic!("{row:?}") };
        let part: Value = serde_json::from_str(quoted(example)).unwrap();
        let mut message = json!({"role": role, "content": [part, {"type": "text", "text": "a"}]});
        if role == "tool" {
            message["tool_call_id"] = json!("t1");
        }
        Example { what: format!("{field} {role}"), body: around(&message), said, path: None }
    });
    check(OpenAiChat, examples);
}

/// A conversation in which the message may stand.
fn around(message: &Value) -> Value {
    let user = json!({"role": "user", "content": "Hi."});
    let call = json!({"role": "assistant", "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
    let old_call = json!({"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}});
    let result = json!({"role": "tool", "tool_call_id": "t1", "content": "18"});
    let old_result = json!({"role": "function", "name": "f", "content": "18"});
    let messages = match message["role"].as_str().unwrap() {
        "tool" => json!([user, call, message]),
        "function" => json!([user, old_call, message]),
        "assistant" if message.get("tool_calls").is_some() => json!([user, message, result]),
        "assistant" if message["function_call"].is_object() => json!([user, message, old_result]),
        "assistant" => json!([user, message, user]),
        _ => json!([message, user]),
    };
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
    json!({"model": "m", "messages": messages, "tools": tools})
}

#[test]
fn every_tool_has_the_fate_of_its_row() {
    let rows = rows(DOCUMENT, "Chat Completions: tools");
    let examples = rows.iter().map(|row| {
        let [what, example, said, ..] = row.as_slice() else { panic!("{row:?}") };
        Example {
            what: what.clone(),
            body: request(&format!(r#""tools": [{}]"#, quoted(example))),
            said,
            path: Some("tools"),
        }
    });
    check(OpenAiChat, examples);
}
