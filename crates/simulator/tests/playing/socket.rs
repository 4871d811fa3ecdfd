//! What crosses the socket: frames, refusals and faults as Bedrock sends them.

use crate::support::{Event, Simulator, ask, kinds};
use serde_json::{Value, json};

const DEMO: &str = "anthropic.claude-3-5-sonnet-20241022-v2%3A0";

/// One call to a simulator of its own.
async fn call(path: &str, body: &Value, authorized: bool) -> (u16, String, Vec<u8>) {
    let reply = Simulator::start().await.ask("POST", path, body, authorized).await;
    (reply.status, reply.error, reply.bytes)
}

async fn stream(model: &str, body: &Value) -> Vec<Event> {
    Simulator::start().await.stream(&model.replace("%3A", ":"), body).await.unwrap()
}

#[tokio::test]
async fn a_stream_is_as_bedrock_sends_it() {
    let events = stream(DEMO, &ask("Hello?")).await;
    let block = ["contentBlockDelta", "contentBlockStop"];
    let expected = [&["messageStart"][..], &block, &block, &["messageStop", "metadata"]].concat();
    assert_eq!(kinds(&events), expected);
    assert!(events.iter().flatten().all(|(_, payload)| payload["p"].is_string()), "padded");
    let signed = |event: &&(String, Value)| event.1["delta"]["reasoningContent"]["signature"].is_string();
    assert_eq!(events.iter().flatten().filter(signed).count(), 1);
}

#[tokio::test]
async fn families_reason_as_they_do() {
    let reasoned =
        |events: &[Event]| events.iter().flatten().any(|(_, payload)| payload["delta"]["reasoningContent"].is_object());
    let mut budget = ask("Hello?");
    assert!(!reasoned(&stream("anthropic.claude-sonnet-4-20250514-v1%3A0", &budget).await));
    budget["additionalModelRequestFields"] = json!({ "thinking": { "type": "enabled", "budget_tokens": 1024 } });
    assert!(reasoned(&stream("us.anthropic.claude-sonnet-4-20250514-v1%3A0", &budget).await));
    assert!(reasoned(&stream("openai.gpt-oss-120b-1%3A0", &ask("Hello?")).await));
    assert!(!reasoned(&stream("amazon.nova-lite-v1%3A0", &ask("Hello?")).await));
    let (status, error, _) = call("/model/anthropic.claude-opus-4-7/converse", &budget, true).await;
    assert_eq!((status, error.as_str()), (400, "ValidationException"), "the switch of another family");
}

#[tokio::test]
async fn faults_come_on_demand() {
    for (fault, last) in [
        ("first-frame-exception", "modelStreamErrorException"),
        ("mid-stream-exception:throttlingException", "throttlingException"),
        ("cut", "broken"),
        ("bad-crc", "broken"),
        ("eof", "contentBlockStop"),
        ("no-metadata", "messageStop"),
        ("unknown-event", "metadata"),
        ("stall", "contentBlockStop"),
    ] {
        let events = stream(DEMO, &ask(&format!("[[fault:{fault}]]"))).await;
        assert_eq!(kinds(&events).last(), Some(&last), "{fault}");
    }
    for (fault, status, name) in [
        ("throttling", 429, "ThrottlingException"),
        ("access-denied", 403, "AccessDeniedException"),
        ("unavailable", 503, "ServiceUnavailableException"),
    ] {
        let body = ask(&format!("[[fault:{fault}]]"));
        let (seen, error, _) = call(&format!("/model/{DEMO}/converse"), &body, true).await;
        assert_eq!((seen, error.as_str()), (status, name), "{fault}");
    }
}

#[tokio::test]
async fn what_bedrock_refuses_is_refused() {
    let refused = |change: fn(&mut Value)| {
        let mut body = ask("Hello?");
        change(&mut body);
        async move {
            let (status, error, body) =
                call("/model/anthropic.claude-sonnet-4-20250514-v1%3A0/converse", &body, true).await;
            assert_eq!((status, error.as_str()), (400, "ValidationException"));
            String::from_utf8(body).unwrap()
        }
    };
    assert!(refused(|body| body["extra"] = json!(1)).await.contains("extraneous key"));
    assert!(refused(|body| body["messages"][0]["content"][0]["text"] = json!(" \n")).await.contains("blank"));
    assert!(refused(|body| body["messages"][0]["role"] = json!("assistant")).await.contains("start with a user"));
    assert!(refused(|body| body["inferenceConfig"] = json!({ "temperature": 1.5 })).await.contains("temperature"));
    let lost = refused(|body| {
        let call = json!({ "toolUse": { "toolUseId": "t", "name": "f", "input": {} } });
        let result = json!({ "toolResult": { "toolUseId": "t", "content": [{ "text": "x" }] } });
        let turns = body["messages"].as_array_mut().unwrap();
        turns.push(json!({ "role": "assistant", "content": [call] }));
        turns.push(json!({ "role": "user", "content": [result] }));
        body["toolConfig"] =
            json!({ "tools": [{ "toolSpec": { "name": "f", "inputSchema": { "json": { "type": "object" } } } }] });
        body["additionalModelRequestFields"] = json!({ "thinking": { "type": "enabled", "budget_tokens": 1024 } });
    });
    assert!(lost.await.contains("Expected `thinking` or `redacted_thinking`, but found `tool_use`"));
    let (status, error, _) = call(&format!("/model/{DEMO}/converse"), &ask("Hello?"), false).await;
    assert_eq!((status, error.as_str()), (403, "MissingAuthenticationTokenException"));
    assert_eq!(call("/model/x/invoke-with-bidirectional-stream", &ask("Hello?"), true).await.0, 404);
}
