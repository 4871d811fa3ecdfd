//! `docs/messages.md` against the code: each row's example has the fate that the row says.

use crate::table::{Example, MODEL, assert_documented, check, quoted, rows, with_members};
use aquifer_translate::catalogue::{BetaFate, Catalogue, beta_on_converse};
use aquifer_translate::dialect::Dialect::AnthropicMessages;
use serde_json::{Value, json};

pub(crate) const DOCUMENT: &str = include_str!("../../../../docs/messages.md");

/// Every field of a request in Anthropic's SDKs, and the older ones that clients still send.
const FIELDS: [&str; 36] = [
    "anthropic_beta",
    "betas",
    "billing_policy",
    "cache_control",
    "compaction",
    "container",
    "context_management",
    "diagnostics",
    "fallback_credit_token",
    "fallbacks",
    "inference_geo",
    "max_tokens",
    "mcp_servers",
    "messages",
    "metadata",
    "model",
    "output_config",
    "output_format",
    "safeguards",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "thread",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
    "user_profile_id",
    "workspace_id",
    "anthropic_version",
    "guardrailConfig",
    "anything_else",
];

fn request(members: &str) -> Value {
    with_members(json!({"model": "m", "max_tokens": 4096, "messages": [{"role": "user", "content": "Hi."}]}), members)
}

#[test]
fn every_field_has_the_fate_of_its_row() {
    assert_documented(DOCUMENT, "Fields of the request", &FIELDS);
    let rows = rows(DOCUMENT, "Fields of the request");
    let examples = rows.iter().map(|row| {
        let [field, example, said, ..] = row.as_slice() else { panic!("{row:?}") };
        Example { what: field.clone(), body: request(quoted(example)), said, path: Some(quoted(field)) }
    });
    // The fate of `betas` is each name's own.
    check(AnthropicMessages, examples.filter(|example| example.what != "`betas`"));
}

#[test]
fn every_block_has_the_fate_of_its_row() {
    let rows = rows(DOCUMENT, "Content blocks");
    let examples = rows.iter().map(|row| {
        let [field, role, example, said, ..] = row.as_slice() else { panic!("{row:?}") };
        let block: Value = serde_json::from_str(quoted(example)).unwrap();
        Example { what: format!("{field} {role}"), body: around(&block, role), said, path: None }
    });
    check(AnthropicMessages, examples);
}

/// A conversation with the block in a message of the role.
fn around(block: &Value, role: &str) -> Value {
    let (text, call) =
        (json!({"type": "text", "text": "a"}), json!({"type": "tool_use", "id": "t1", "name": "f", "input": {}}));
    let user = |content: Value| json!({"role": "user", "content": content});
    let assistant = |content: Value| json!({"role": "assistant", "content": content});
    let result = |content: Value| json!({"type": "tool_result", "tool_use_id": "t1", "content": content});
    let messages = match (role, block["type"].as_str().unwrap()) {
        ("user", "tool_result") => json!([user(json!("Hi.")), assistant(json!([call])), user(json!([block]))]),
        ("user", _) => json!([user(json!([block, text]))]),
        ("tool", _) => json!([user(json!("Hi.")), assistant(json!([call])), user(json!([result(json!([block]))]))]),
        ("assistant", "tool_use") => {
            json!([user(json!("Hi.")), assistant(json!([block])), user(json!([result(json!("1"))]))])
        }
        ("assistant", _) => json!([user(json!("Hi.")), assistant(json!([block, text])), user(json!("And?"))]),
        ("system", _) => json!([user(json!("Hi.")), {"role": "system", "content": [block, text]}]),
        other => panic!("{other:?}"),
    };
    let tools = json!([{"name": "f", "input_schema": {"type": "object"}}]);
    json!({"model": "m", "max_tokens": 4096, "messages": messages, "tools": tools})
}

#[test]
fn every_tool_has_the_fate_of_its_row() {
    let rows = rows(DOCUMENT, "Tools");
    let examples = rows.iter().map(|row| {
        let [what, example, said, ..] = row.as_slice() else { panic!("{row:?}") };
        let tool = quoted(example);
        let body = request(&format!(r#""tools": [{{"name": "f", "input_schema": {{"type": "object"}}}}, {tool}]"#));
        Example { what: what.clone(), body, said, path: Some("tools.1") }
    });
    check(AnthropicMessages, examples);
}

#[test]
fn betas_of_the_examples_are_what_the_catalogue_says() {
    let entry = Catalogue::builtin().lookup(MODEL);
    assert_eq!(beta_on_converse("effort-2025-11-24", entry), BetaFate::Needless);
    assert_eq!(beta_on_converse("nobody-2031-01-01", entry), BetaFate::Unknown);
}
