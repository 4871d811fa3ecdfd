//! Responses in `docs/fields.md` against the code.

use crate::overview::DOCUMENT;
use crate::table::{Example, assert_documented, check, quoted, rows, with_members};
use aquifer_translate::dialect::Dialect::OpenAiResponses;
use serde_json::{Value, json};

/// Every parameter of OpenAI's SDKs, and what Codex sends beside them.
const FIELDS: [&str; 37] = [
    "access_programs",
    "anything_else",
    "background",
    "background_options",
    "client_metadata",
    "context_management",
    "conversation",
    "guardrailConfig",
    "image",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

fn request(members: &str) -> Value {
    with_members(json!({"model": "m", "input": "Hi."}), members)
}

#[test]
fn every_field_has_the_fate_of_its_row() {
    assert_documented(DOCUMENT, "Responses: fields", &FIELDS);
    let rows = rows(DOCUMENT, "Responses: fields");
    let examples = rows.iter().map(|row| {
        let [field, example, said, ..] = row.as_slice() else { panic!("{row:?}") };
        Example { what: field.clone(), body: request(quoted(example)), said, path: Some(quoted(field)) }
    });
    check(OpenAiResponses, examples);
}

#[test]
fn every_item_has_the_fate_of_its_row() {
    let rows = rows(DOCUMENT, "Responses: items");
    let examples = rows.iter().map(|row| {
        let [field, example, said, ..] = row.as_slice() else { panic!("{row:?}") };
        let item: Value = serde_json::from_str(quoted(example)).unwrap();
        Example { what: field.clone(), body: around(&item), said, path: None }
    });
    check(OpenAiResponses, examples);
}

#[test]
fn every_part_has_the_fate_of_its_row() {
    let rows = rows(DOCUMENT, "Responses: parts of content");
    let examples = rows.iter().map(|row| {
        let [field, role, example, said, ..] = row.as_slice() else { panic!("{row:?}") };
        let part: Value = serde_json::from_str(quoted(example)).unwrap();
        let text = json!({"type": if role == "user" { "input_text" } else { "output_text" }, "text": "a"});
        let message = json!({"type": "message", "role": role, "content": [part, text]});
        Example { what: format!("{field} {role}"), body: around(&message), said, path: None }
    });
    check(OpenAiResponses, examples);
}

/// A conversation in which the item may stand.
fn around(item: &Value) -> Value {
    let user = json!({"type": "message", "role": "user", "content": "Hi."});
    let call = json!({"type": "function_call", "call_id": "t1", "name": "f", "arguments": "{}"});
    let result = json!({"type": "function_call_output", "call_id": "c1", "output": "18"});
    let kind = item["type"].as_str().unwrap();
    let input = if kind.ends_with("_output") && [item.get("call_id"), item.get("id")].contains(&Some(&json!("t1"))) {
        json!([user, call, item])
    } else if item.get("call_id") == Some(&json!("c1")) && kind.ends_with("_call") && kind != "computer_call" {
        json!([user, item, result])
    } else {
        json!([user, item, user])
    };
    json!({"model": "m", "input": input, "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}]})
}

#[test]
fn every_tool_has_the_fate_of_its_row() {
    let rows = rows(DOCUMENT, "Responses: tools");
    let examples = rows.iter().map(|row| {
        let [what, example, said, ..] = row.as_slice() else { panic!("{row:?}") };
        let tool = quoted(example);
        let body = request(&format!(r#""tools": [{{"type": "function", "name": "f"}}, {tool}]"#));
        Example { what: what.clone(), body, said, path: Some("tools[1]") }
    });
    check(OpenAiResponses, examples);
}
