//! A conversation goes from Chat to Messages and back: its signed thoughts go with it, as its user carries them, or come back
//! from the store where the user drops them.

use crate::memory::Memory;
use aquifer_gateway::config::{Backend, BackendApi, BackendKind, Config, Service};
use aquifer_gateway::exchange::{Exchange, HostTerms, Input, Output, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::restore::TurnStore as _;
use aquifer_gateway::translate::bedrock::Api;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

const CLAUDE: &str = "us.anthropic.claude-opus-4-8";
const GPT_OSS: &str = "openai.gpt-oss-120b-1:0";
const NOVA: &str = "us.amazon.nova-2-lite-v1:0";

/// The dialect that the user speaks in one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Chat,
    Messages,
}

/// What the user does with the thoughts that it was given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Thoughts {
    Carried,
    Dropped,
}

/// A turn, as its user keeps it whatever dialect it came in.
enum Turn {
    User(&'static str),
    Model { thoughts: Vec<Thought>, text: String, calls: Vec<String> },
    Result(String),
}

/// A thought, as a client was given it.
enum Thought {
    Readable { text: String, signature: String },
    Redacted { data: String },
}

/// A model, called by one API of Bedrock's.
struct Model {
    id: &'static str,
    api: Api,
}

impl Model {
    fn config(&self) -> Arc<Config> {
        let service =
            Service { region: Some("us-east-1".to_owned()), models: vec![self.id.to_owned()], ..Service::default() };
        let kind = BackendKind::Served { service: Box::new(service), api: BackendApi::Bedrock(Some(self.api)) };
        Arc::new(Config { backends: vec![Backend::new("one", kind)], ..Config::default() })
    }

    /// What the model says in its turn of this number: a thought or two, a word, and a call but in the last turn.
    fn answer(&self, number: usize, calls: bool) -> Value {
        let (text, signature) = (format!("Thought {number}"), signature(number));
        let id = format!("tooluse_{number}");
        let usage = json!({"inputTokens": 1, "outputTokens": 1, "totalTokens": 2});
        match (self.api, self.id) {
            (Api::InvokeModel, _) => {
                let mut content = vec![
                    json!({"type": "thinking", "thinking": text, "signature": signature}),
                    json!({"type": "redacted_thinking", "data": "cmVkYWN0ZWQ="}),
                    json!({"type": "text", "text": "Let me look."}),
                ];
                content.extend(
                    calls.then(|| json!({"type": "tool_use", "id": id, "name": "f", "input": {"city": "Paris"}})),
                );
                json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content,
                    "stop_reason": if calls { "tool_use" } else { "end_turn" }, "stop_sequence": null,
                    "usage": {"input_tokens": 1, "output_tokens": 1}})
            }
            (Api::Converse, model) => {
                let readable = match model {
                    CLAUDE => json!({"text": text, "signature": signature}),
                    NOVA => json!({"text": "[REDACTED]"}),
                    _ => json!({"text": text}),
                };
                let mut content = vec![json!({"reasoningContent": {"reasoningText": readable}})];
                if model == CLAUDE {
                    content.push(json!({"reasoningContent": {"redactedContent": "cmVkYWN0ZWQ="}}));
                }
                content.push(json!({"text": "Let me look."}));
                content.extend(
                    calls.then(|| json!({"toolUse": {"toolUseId": id, "name": "f", "input": {"city": "Paris"}}})),
                );
                json!({"output": {"message": {"role": "assistant", "content": content}}, "usage": usage,
                    "stopReason": if calls { "tool_use" } else { "end_turn" }})
            }
        }
    }

    /// The thoughts in a call of this model's, with their seals, in order.
    fn thoughts_sent(&self, body: &Value) -> Vec<String> {
        let turns = body["messages"].as_array().unwrap().iter().filter(|turn| turn["role"] == "assistant");
        let blocks = turns.flat_map(|turn| turn["content"].as_array().unwrap());
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let told = |block: &Value| {
            let (thinking, reasoning) = (&block["thinking"], &block["reasoningContent"]);
            if block["type"] == "thinking" {
                return Some(word(thinking) + "|" + &word(&block["signature"]));
            }
            if block["type"] == "redacted_thinking" {
                return Some(word(&block["data"]));
            }
            let readable = &reasoning["reasoningText"];
            let whole = || word(&readable["text"]) + "|" + &word(&readable["signature"]);
            (!reasoning.is_null()).then(|| reasoning["redactedContent"].as_str().map_or_else(whole, str::to_owned))
        };
        blocks.filter_map(told).collect()
    }
}

/// A signature in base64, another one for each turn.
fn signature(number: usize) -> String {
    format!("c2lnbmF0dXJl{number}A==")
}

impl Speaks {
    /// A request of this dialect with the conversation so far.
    fn request(self, model: &Model, turns: &[Turn], thoughts: Thoughts) -> (&'static str, Value) {
        let messages: Vec<Value> = turns.iter().map(|turn| self.message(turn, thoughts)).collect();
        match self {
            Self::Chat => {
                let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}});
                let body = json!({"model": model.id, "messages": messages, "tools": [tool], "reasoning_effort": "low",
                    "max_tokens": 4096});
                ("/v1/chat/completions", body)
            }
            Self::Messages => {
                let tool = json!({"name": "f", "input_schema": {"type": "object"}});
                let body = json!({"model": model.id, "messages": messages, "tools": [tool], "max_tokens": 4096,
                    "thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}});
                ("/v1/messages", body)
            }
        }
    }

    fn message(self, turn: &Turn, kept: Thoughts) -> Value {
        match (self, turn) {
            (_, Turn::User(text)) => json!({"role": "user", "content": text}),
            (Self::Chat, Turn::Result(id)) => json!({"role": "tool", "tool_call_id": id, "content": "18 C"}),
            (Self::Messages, Turn::Result(id)) => {
                let result = json!({"type": "tool_result", "tool_use_id": id, "content": "18 C"});
                json!({"role": "user", "content": [result]})
            }
            (Self::Chat, Turn::Model { thoughts, text, calls }) => {
                let function = json!({"name": "f", "arguments": "{\"city\": \"Paris\"}"});
                let calls: Vec<Value> =
                    calls.iter().map(|id| json!({"id": id, "type": "function", "function": function})).collect();
                let mut message = json!({"role": "assistant", "content": text});
                if !calls.is_empty() {
                    message["tool_calls"] = json!(calls);
                }
                if kept == Thoughts::Carried {
                    message["reasoning_details"] = thoughts.iter().enumerate().map(detail).collect();
                }
                message
            }
            (Self::Messages, Turn::Model { thoughts, text, calls }) => {
                let thoughts = thoughts.iter().filter(|_| kept == Thoughts::Carried).map(|thought| match thought {
                    Thought::Readable { text, signature } => {
                        json!({"type": "thinking", "thinking": text, "signature": signature})
                    }
                    Thought::Redacted { data } => json!({"type": "redacted_thinking", "data": data}),
                });
                let text = json!({"type": "text", "text": text});
                let calls = calls
                    .iter()
                    .map(|id| json!({"type": "tool_use", "id": id, "name": "f", "input": {"city": "Paris"}}));
                let content: Vec<Value> = thoughts.chain([text]).chain(calls).collect();
                json!({"role": "assistant", "content": content})
            }
        }
    }

    /// The model's turn, as a client of this dialect was given it.
    fn read(self, answer: &Value) -> Turn {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match self {
            Self::Chat => {
                let message = &answer["choices"][0]["message"];
                let details = message["reasoning_details"].as_array().cloned().unwrap_or_default();
                let thoughts = details.iter().map(|item| match item["type"].as_str() {
                    Some("reasoning.encrypted") => Thought::Redacted { data: word(&item["data"]) },
                    _ => Thought::Readable { text: word(&item["text"]), signature: word(&item["signature"]) },
                });
                let calls = message["tool_calls"].as_array().into_iter().flatten();
                Turn::Model {
                    thoughts: thoughts.collect(),
                    text: word(&message["content"]),
                    calls: calls.map(|call| word(&call["id"])).collect(),
                }
            }
            Self::Messages => {
                let (mut thoughts, mut said, mut calls) = (Vec::new(), String::new(), Vec::new());
                for block in answer["content"].as_array().unwrap() {
                    match block["type"].as_str().unwrap() {
                        "thinking" => thoughts.push(Thought::Readable {
                            text: word(&block["thinking"]),
                            signature: word(&block["signature"]),
                        }),
                        "redacted_thinking" => thoughts.push(Thought::Redacted { data: word(&block["data"]) }),
                        "text" => said.push_str(&word(&block["text"])),
                        "tool_use" => calls.push(word(&block["id"])),
                        other => panic!("{other}"),
                    }
                }
                Turn::Model { thoughts, text: said, calls }
            }
        }
    }
}

/// A thought as Chat's `reasoning_details` have it.
fn detail((index, thought): (usize, &Thought)) -> Value {
    match thought {
        Thought::Readable { text, signature } if signature.is_empty() => {
            json!({"type": "reasoning.text", "text": text, "index": index})
        }
        Thought::Readable { text, signature } => {
            json!({"type": "reasoning.text", "text": text, "signature": signature, "index": index})
        }
        Thought::Redacted { data } => json!({"type": "reasoning.encrypted", "data": data, "index": index}),
    }
}

/// One request, answered with the model's next turn: what was sent for it, and what the client was told.
fn exchange(model: &Model, memory: &Memory, speaks: Speaks, body: &Value, path: &str, answer: &Value) -> [Value; 2] {
    let (now, mut headers) = (Instant::now(), HeaderMap::new());
    match speaks {
        Speaks::Chat => headers.insert("authorization", HeaderValue::from_static("Bearer alice")),
        Speaks::Messages => headers.insert("x-api-key", HeaderValue::from_static("alice")),
    };
    let method = &Method::POST;
    let head = RequestHead { method, path, query: "", headers: &headers, port: None, random: 7, unix_seconds: 1, now };
    let health = Arc::new(BackendHealth::new(1, now));
    let mut exchange = Exchange::begin(model.config(), health, HostTerms::default(), &head);
    exchange.handle(Input::Body { head: &head, bytes: Bytes::from(body.to_string()), turns: memory }, now);
    let (mut sent, mut status, mut told) = (Value::Null, 0, String::new());
    while let Some(output) = exchange.poll() {
        match output {
            Output::Call(call) => {
                assert!(sent.is_null(), "one call is enough");
                sent = serde_json::from_slice(&call.body).unwrap();
                let mut headers = HeaderMap::new();
                headers.insert("content-type", HeaderValue::from_static("application/json"));
                exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, now);
                exchange.handle(Input::UpstreamBody(answer.to_string().as_bytes()), now);
                exchange.handle(Input::UpstreamEnd, now);
            }
            Output::Head { status: given, .. } => status = given.as_u16(),
            Output::Body(bytes) => told.push_str(std::str::from_utf8(&bytes).unwrap()),
            Output::Keep(keep) => memory.keep(*keep),
            _ => {}
        }
    }
    assert_eq!(status, 200, "{speaks:?}: {told}");
    [sent, serde_json::from_str(&told).unwrap()]
}

/// Carries a conversation of six turns of the model through both dialects; the thoughts that each call had.
fn carried(model: &Model, order: [Speaks; 6], thoughts: Thoughts) -> Vec<Vec<String>> {
    let memory = Memory::default();
    let mut turns = vec![Turn::User("Weather in Paris?")];
    let mut all = Vec::new();
    for (number, speaks) in order.into_iter().enumerate() {
        let calls = number + 2 < order.len();
        let (path, body) = speaks.request(model, &turns, thoughts);
        let [sent, told] = exchange(model, &memory, speaks, &body, path, &model.answer(number, calls));
        all.push(model.thoughts_sent(&sent));
        let turn = speaks.read(&told);
        let results: Vec<Turn> = match &turn {
            Turn::Model { calls, .. } => calls.iter().map(|id| Turn::Result(id.clone())).collect(),
            Turn::User(_) | Turn::Result(_) => Vec::new(),
        };
        assert_eq!(results.len(), usize::from(calls), "{told}");
        turns.push(turn);
        if results.is_empty() {
            turns.push(Turn::User("And tomorrow?"));
        }
        turns.extend(results);
    }
    all
}

const THERE: [Speaks; 6] =
    [Speaks::Chat, Speaks::Messages, Speaks::Messages, Speaks::Chat, Speaks::Messages, Speaks::Chat];
const BACK: [Speaks; 6] =
    [Speaks::Messages, Speaks::Chat, Speaks::Chat, Speaks::Messages, Speaks::Chat, Speaks::Messages];

/// All thoughts of the turns before this one, sealed as their model sealed them.
fn before(number: usize) -> Vec<String> {
    let of = |turn| [format!("Thought {turn}|{}", signature(turn)), "cmVkYWN0ZWQ=".to_owned()];
    (0..number).flat_map(of).collect()
}

#[test]
fn signed_thoughts_go_with_their_conversation() {
    for api in [Api::Converse, Api::InvokeModel] {
        for order in [THERE, BACK] {
            let sent = carried(&Model { id: CLAUDE, api }, order, Thoughts::Carried);
            for (number, sent) in sent.iter().enumerate() {
                assert_eq!(*sent, before(number), "{api:?} {order:?} {number}");
            }
        }
    }
}

#[test]
fn dropped_thoughts_come_back_from_the_store_in_another_dialect() {
    for api in [Api::Converse, Api::InvokeModel] {
        for order in [THERE, BACK] {
            let sent = carried(&Model { id: CLAUDE, api }, order, Thoughts::Dropped);
            // Turns that called tools are remembered; the one before the last called none.
            for (number, sent) in sent.iter().enumerate() {
                assert_eq!(*sent, before(number.min(4)), "{api:?} {order:?} {number}");
            }
        }
    }
}

#[test]
fn unsigned_thoughts_are_no_hindrance() {
    for id in [GPT_OSS, NOVA] {
        for order in [THERE, BACK] {
            let sent = carried(&Model { id, api: Api::Converse }, order, Thoughts::Carried);
            assert!(sent.iter().all(Vec::is_empty), "{id} {sent:?}");
        }
    }
}
