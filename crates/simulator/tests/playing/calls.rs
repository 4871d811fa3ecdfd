//! Calls and results in a history: what each family refuses in them, beside them, and twice.

use crate::support::{Simulator, tools};
use serde_json::{Value, json};

const SONNET_4: &str = "anthropic.claude-sonnet-4-20250514-v1:0";
const LLAMA: &str = "meta.llama3-3-70b-instruct-v1:0";
const LLAMA_4: &str = "us.meta.llama4-maverick-17b-instruct-v1:0";
const MISTRAL: &str = "mistral.mistral-large-2407-v1:0";
const PALMYRA: &str = "us.writer.palmyra-x5-v1:0";
const NOVA: &str = "amazon.nova-lite-v1:0";

fn call(id: &str) -> Value {
    json!({ "toolUse": { "toolUseId": id, "name": "get_weather", "input": { "city": "Paris" } } })
}

fn result(id: &str, part: &Value) -> Value {
    json!({ "toolResult": { "toolUseId": id, "content": [part] } })
}

/// A conversation of a question, these calls and these results.
fn talk(calls: &[Value], results: &[Value]) -> Value {
    json!({ "toolConfig": tools(), "messages": [
        { "role": "user", "content": [{ "text": "Weather?" }] },
        { "role": "assistant", "content": calls },
        { "role": "user", "content": results },
    ] })
}

async fn play(rows: Vec<(&str, Value, Option<&str>)>) {
    let simulator = Simulator::start().await;
    for (model, body, expected) in rows {
        let case = format!("{model} {body}");
        match (simulator.converse(model, &body).await, expected) {
            (Ok(_), None) => {}
            (Err(refused), Some(words)) => assert!(refused.contains(words), "{case}: {refused}"),
            (seen, expected) => panic!("{case}: {seen:?} instead of {expected:?}"),
        }
    }
}

#[tokio::test]
async fn arguments_are_objects_and_ids_are_given_once() {
    let said = json!({ "text": "18 C" });
    let listed = json!({ "toolUse": { "toolUseId": "a", "name": "get_weather", "input": [1] } });
    let mut twice = talk(&[call("a")], &[result("a", &said)]);
    twice["messages"].as_array_mut().unwrap().extend([
        json!({ "role": "assistant", "content": [call("a")] }),
        json!({ "role": "user", "content": [result("a", &said)] }),
    ]);
    let mut offered = talk(&[call("a")], &[result("a", &said)]);
    let tool = offered["toolConfig"]["tools"][0].clone();
    offered["toolConfig"]["tools"].as_array_mut().unwrap().push(tool);
    play(vec![
        (SONNET_4, talk(&[call("a")], &[result("a", &said)]), None),
        (NOVA, talk(&[listed], &[result("a", &said)]), Some("toolUse.input is invalid. Provide a json object")),
        (
            NOVA,
            talk(&[call("a"), call("a")], &[result("a", &said)]),
            Some("toolUse blocks at messages.1.content contain duplicate Ids: a"),
        ),
        (
            NOVA,
            talk(&[call("a")], &[result("a", &said), result("a", &said)]),
            Some("toolResult blocks at messages.2.content contain duplicate Ids: a"),
        ),
        (SONNET_4, twice, Some("messages.3.content.0: `tool_use` ids must be unique")),
        (SONNET_4, offered, Some("tools: Tool names must be unique.")),
    ])
    .await;
}

#[tokio::test]
async fn some_take_nothing_beside_a_call_or_a_result() {
    let (said, text) = (json!({ "text": "18 C" }), json!({ "text": "So." }));
    let beside_call = |id: &str| talk(&[text.clone(), call(id)], &[result(id, &said)]);
    let beside_result = |id: &str| talk(&[call(id)], &[result(id, &said), text.clone()]);
    let refused = |what: &'static str| Some(what);
    let (calls, results) = (
        "Conversation blocks and tool use blocks cannot be provided in the same turn.",
        "Conversation blocks and tool result blocks cannot be provided in the same turn.",
    );
    play(vec![
        (LLAMA, beside_call("a"), refused(calls)),
        (LLAMA_4, beside_call("a"), refused(calls)),
        (LLAMA, beside_result("a"), refused(results)),
        (PALMYRA, beside_result("a"), refused(results)),
        (PALMYRA, beside_call("a"), None),
        (MISTRAL, beside_result("aB3dE6gH9"), refused(results)),
        (SONNET_4, beside_result("a"), None),
        (NOVA, beside_call("a"), None),
    ])
    .await;
}

#[tokio::test]
async fn ids_of_mistrals_calls_are_nine_letters_or_digits() {
    let said = json!({ "text": "18 C" });
    let refused = "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.";
    play(vec![
        (MISTRAL, talk(&[call("call_1")], &[result("call_1", &said)]), Some(refused)),
        (MISTRAL, talk(&[call("aB3dE6gH9")], &[result("aB3dE6gH9", &said)]), None),
        (LLAMA, talk(&[call("call_1")], &[result("call_1", &said)]), None),
    ])
    .await;
}

#[tokio::test]
async fn pictures_and_files_in_a_result() {
    let image = json!({ "image": { "format": "png", "source": { "bytes": "AAAA" } } });
    let file = |format: &str| json!({ "document": { "format": format, "name": "q", "source": { "bytes": "AAAA" } } });
    let with = |part: &Value| talk(&[call("aB3dE6gH9")], &[result("aB3dE6gH9", part)]);
    let no_image = Some("This model doesn't support the image content block that you provided at messages.2.content.0");
    let no_file =
        Some("This model doesn't support the document content block that you provided at messages.2.content.0");
    let mut rows = Vec::new();
    for model in [SONNET_4, NOVA, LLAMA_4, "amazon.nova-2-lite-v1:0"] {
        rows.push((model, with(&image), None));
    }
    for model in [LLAMA, MISTRAL, PALMYRA, "qwen.qwen3-vl-235b-a22b", "moonshotai.kimi-k2.5", "xai.grok-4.6"] {
        rows.push((model, with(&image), no_image));
    }
    for model in [SONNET_4, LLAMA, MISTRAL] {
        rows.push((model, with(&file("pdf")), None));
    }
    rows.extend([(NOVA, with(&file("csv")), None), (NOVA, with(&file("pdf")), no_file)]);
    rows.push(("qwen.qwen3-vl-235b-a22b", with(&file("txt")), no_file));
    play(rows).await;
}
