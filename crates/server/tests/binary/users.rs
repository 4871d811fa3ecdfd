//! What people ran into with gateways, from end to end: the simulator refuses what Bedrock refuses.

use crate::support::{Aquifer, Reply};
use serde_json::{Value, json};

/// One model of each family that takes tools.
const MODELS: [&str; 14] = [
    "us.anthropic.claude-opus-4-8",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "amazon.nova-lite-v1:0",
    "us.amazon.nova-2-lite-v1:0",
    "us.openai.gpt-6-sol",
    "openai.gpt-oss-120b-1:0",
    "us.meta.llama4-maverick-17b-instruct-v1:0",
    "mistral.mistral-large-2407-v1:0",
    "moonshotai.kimi-k2.5",
    "deepseek.v3.2",
    "zai.glm-5",
    "qwen.qwen3-32b-v1:0",
    "minimax.minimax-m2",
    "us.writer.palmyra-x5-v1:0",
];

fn started() -> (Aquifer, Aquifer) {
    let simulator = Aquifer::spawn(&["simulator", "--listen", "127.0.0.1:0", "--pace", "0ms"], &[]);
    let url = format!("http://{}", simulator.address("aquifer simulator listening on "));
    let variables = [
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "the-secret-of-the-tests"),
    ];
    let gateway = Aquifer::serve(&[], &variables);
    (simulator, gateway)
}

fn asked(gateway: &Aquifer, model: &str, stream: bool, messages: &Value, tool: &Value) -> Reply {
    let tools = json!([{ "type": "function", "function": tool }]);
    let body = json!({ "model": model, "stream": stream, "messages": messages, "tools": tools });
    let reply = gateway.chat(&body.to_string());
    assert_eq!(reply.status, 200, "{model}: {}", reply.body);
    reply
}

#[test]
fn calls_that_a_model_writes_into_its_text_are_calls() {
    let (_simulator, gateway) = started();
    let city =
        json!({ "type": "object", "properties": { "city": { "type": "string" }, "days": { "type": "integer" } } });
    let tool = json!({ "name": "get_weather", "parameters": city });
    let messages = json!([{ "role": "user", "content": "What is the weather? [[fault:calls-in-text]]" }]);
    // Claude and Nova have no tokens of their own, and GPT's are nowhere told.
    let models =
        MODELS.into_iter().filter(|id| !["claude", "nova", "gpt-6", "palmyra"].iter().any(|it| id.contains(it)));
    for (model, stream) in models.flat_map(|model| [(model, false), (model, true)]) {
        let body = asked(&gateway, model, stream, &messages, &tool).body;
        assert!(body.contains(r#""name":"get_weather""#), "{model}: {body}");
        assert!(body.contains(r#"\"city\":\"Paris\""#) && body.contains(r#"\"days\":3"#), "{model}: {body}");
        assert!(body.contains(r#""finish_reason":"tool_calls""#), "{model}: {body}");
        assert!(
            !body.contains("tool_call>") && !body.contains("｜") && !body.contains("TOOL_CALLS"),
            "{model}: {body}"
        );
    }
}

#[test]
fn a_tool_that_takes_a_list_is_called_with_one() {
    let (_simulator, gateway) = started();
    let tool = json!({ "name": "tag", "parameters": { "type": "array", "items": { "type": "string" } } });
    let question = json!({ "role": "user", "content": "Use the tool tag." });
    for (model, stream) in MODELS.into_iter().flat_map(|model| [(model, false), (model, true)]) {
        let body = asked(&gateway, model, stream, &json!([question]), &tool).body;
        assert!(body.contains(r#""arguments":"[\"Paris\"]""#), "{model}: {body}");
        assert!(!body.contains(r#"\"value\""#), "{model}: {body}");
        let call =
            json!({ "id": "call_1", "type": "function", "function": { "name": "tag", "arguments": "[\"Paris\"]" } });
        let called = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
        let result = json!({ "role": "tool", "tool_call_id": "call_1", "content": "ok" });
        asked(&gateway, model, stream, &json!([question, called, result]), &tool);
    }
}
