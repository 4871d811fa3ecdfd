//! InvokeModel asked whole and as a stream, and the stream put together as Anthropic's clients do it.

use crate::support::{Event, Reply, Simulator, events, refusal};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

impl Simulator {
    pub(crate) async fn post(&self, model: &str, operation: &str, body: &Value) -> Reply {
        let model = model.replace(':', "%3A").replace('/', "%2F");
        self.ask("POST", &format!("/model/{model}/{operation}"), body, true).await
    }

    /// The events of a stream of InvokeModel; the kind is that of the chunk's content, or of the exception.
    pub(crate) async fn invoke_stream(&self, model: &str, body: &Value) -> Result<Vec<Event>, String> {
        let reply = self.post(model, "invoke-with-response-stream", body).await;
        if reply.status != 200 {
            return Err(refusal(&reply));
        }
        assert_eq!(reply.headers["content-type"], "application/vnd.amazon.eventstream");
        assert_eq!(reply.headers["x-amzn-bedrock-content-type"], "application/json");
        Ok(events(reply.bytes).into_iter().map(unchunked).collect())
    }

    /// An answer of InvokeModel, asked for as a stream and whole: both say the same.
    pub(crate) async fn invoke(&self, model: &str, body: &Value) -> Result<Value, String> {
        let streamed = self.invoke_stream(model, body).await;
        let reply = self.post(model, "invoke", body).await;
        if reply.status != 200 {
            let refused = refusal(&reply);
            assert_eq!(streamed.unwrap_err(), refused);
            return Err(refused);
        }
        let whole: Value = serde_json::from_slice(&reply.bytes).unwrap();
        assert_eq!(together(&streamed.unwrap()), whole, "{model}");
        let count = |name: &str| reply.headers[name].to_str().unwrap().parse::<u64>().unwrap();
        assert_eq!(count("x-amzn-bedrock-input-token-count"), whole["usage"]["input_tokens"]);
        assert_eq!(count("x-amzn-bedrock-output-token-count"), whole["usage"]["output_tokens"]);
        Ok(whole)
    }
}

fn unchunked(event: Event) -> Event {
    let (kind, payload) = event?;
    if kind != "chunk" {
        return Some((kind, payload));
    }
    assert!(payload["p"].is_string(), "the padding hides the length");
    let bytes = STANDARD.decode(payload["bytes"].as_str().unwrap()).unwrap();
    let inside: Value = serde_json::from_slice(&bytes).ok()?;
    Some((inside["type"].as_str().unwrap().to_owned(), inside))
}

/// A message put together from its events, in the way of Anthropic's own clients.
fn together(events: &[Event]) -> Value {
    let mut message = Value::Null;
    let mut input = String::new();
    for (kind, event) in events.iter().map(|event| event.as_ref().unwrap()) {
        let index = usize::try_from(event["index"].as_u64().unwrap_or_default()).unwrap();
        match kind.as_str() {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                let content = message["content"].as_array_mut().unwrap();
                assert_eq!(content.len(), index, "no gaps");
                content.push(event["content_block"].clone());
                input.clear();
            }
            "content_block_delta" => {
                let delta = &event["delta"];
                let block = &mut message["content"][index];
                match delta["type"].as_str().unwrap() {
                    "text_delta" => append(&mut block["text"], &delta["text"]),
                    "thinking_delta" => append(&mut block["thinking"], &delta["thinking"]),
                    "signature_delta" => block["signature"] = delta["signature"].clone(),
                    "input_json_delta" => input.push_str(delta["partial_json"].as_str().unwrap()),
                    other => panic!("{other}"),
                }
            }
            "content_block_stop" if message["content"][index]["type"] == "tool_use" => {
                message["content"][index]["input"] = serde_json::from_str(&input).unwrap();
            }
            "content_block_stop" => {}
            "message_delta" => {
                for part in ["delta", "usage"] {
                    let target = if part == "usage" { &mut message["usage"] } else { &mut message };
                    let members = event[part].as_object().unwrap().clone();
                    target.as_object_mut().unwrap().extend(members);
                }
                if event["context_management"].is_object() {
                    message["context_management"] = event["context_management"].clone();
                }
            }
            "message_stop" => {
                let metrics = &event["amazon-bedrock-invocationMetrics"];
                assert_eq!(metrics["inputTokenCount"], message["usage"]["input_tokens"]);
                assert_eq!(metrics["outputTokenCount"], message["usage"]["output_tokens"]);
                let mut rest = event.as_object().unwrap().clone();
                rest.retain(|name, _| name.starts_with("amazon-bedrock-guardrail"));
                message.as_object_mut().unwrap().extend(rest);
            }
            other => panic!("{other}"),
        }
    }
    message
}

fn append(text: &mut Value, more: &Value) {
    *text = json!(text.as_str().unwrap().to_owned() + more.as_str().unwrap());
}

/// A question of Claude's own body, with more members.
pub(crate) fn body(text: &str, members: Value) -> Value {
    let mut body = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 4096,
        "messages": [{ "role": "user", "content": text }],
    });
    let Value::Object(members) = members else { panic!("members are an object") };
    body.as_object_mut().unwrap().extend(members);
    body
}

/// Two tools.
pub(crate) fn two() -> Value {
    let tool = |name: &str| {
        let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
        json!({ "name": name, "input_schema": schema })
    };
    json!([tool("get_weather"), tool("get_time")])
}

/// The kinds of an answer's blocks, in order.
pub(crate) fn types(answer: &Value) -> Vec<&str> {
    answer["content"].as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap()).collect()
}
