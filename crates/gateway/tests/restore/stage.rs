//! One exchange, with both of its sides in the hands of a test.

use crate::memory::Memory;
use aquifer_gateway::config::{Backend, BackendKind, Config, ReasoningPolicy, Service};
use aquifer_gateway::exchange::{Call, Exchange, HostTerms, Input, Output, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::record::Record;
use aquifer_gateway::restore::TurnStore;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) const BUDGET: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";
pub(crate) const ADAPTIVE: &str = "us.anthropic.claude-opus-4-8";
pub(crate) const PROFILE: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456";
pub(crate) const BOUND: &str = "global.anthropic.claude-opus-5-5";

/// What stands around the exchanges of one test.
#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) memory: Memory,
    pub(crate) policy: ReasoningPolicy,
    pub(crate) caller: Option<&'static str>,
    /// Whether the client streams.
    pub(crate) stream: bool,
    /// Whether the store never answers, once it is asked.
    pub(crate) silent: bool,
}

impl Stage {
    fn config(&self) -> Arc<Config> {
        let models = [BUDGET, ADAPTIVE, BOUND, PROFILE, "anthropic.claude-sonnet-5-5"].map(str::to_owned).to_vec();
        let bedrock = Service { region: Some("us-east-1".to_owned()), models, ..Service::default() };
        let kind = BackendKind::bedrock(bedrock);
        let reasoning = Arc::new(self.policy.clone());
        let backend = Backend { reasoning, ..Backend::new("one", kind) };
        Arc::new(Config { backends: vec![backend], ..Config::default() })
    }

    /// Asks; what the store is asked for is answered.
    pub(crate) fn ask(&self, model: &str, messages: &[Value]) -> Under<'_> {
        self.ask_with(model, messages, json!({"reasoning_effort": "low"}))
    }

    /// The same with these members.
    pub(crate) fn ask_with(&self, model: &str, messages: &[Value], members: Value) -> Under<'_> {
        let tools = json!([{"type": "function", "function": {"name": "get_weather"}}]);
        let mut body = json!({"model": model, "messages": messages, "stream": self.stream, "tools": tools});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let caller = self.caller.map(|key| (http::header::AUTHORIZATION, HeaderValue::from_static(key)));
        let head = RequestHead {
            method: &Method::POST,
            path: "/v1/chat/completions",
            query: "",
            headers: &HeaderMap::from_iter(caller),
            port: None,
            random: 7,
            unix_seconds: 1,
            now: Instant::now(),
        };
        let mut exchange = Exchange::begin(
            self.config(),
            Arc::new(BackendHealth::new(1, Instant::now())),
            HostTerms::default(),
            &head,
        );
        exchange
            .handle(Input::Body { head: &head, bytes: Bytes::from(body.to_string()), turns: &self.memory }, head.now);
        let mut under = Under { exchange, stage: self, calls: Vec::new(), told: Told::default(), recalls: 0 };
        under.drain();
        under
    }
}

/// What the client, the store and the log were told, in order.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) order: Vec<&'static str>,
    pub(crate) status: u16,
    pub(crate) warnings: Vec<String>,
    pub(crate) body: String,
    pub(crate) record: Option<Record>,
}

/// One exchange under way.
pub(crate) struct Under<'s> {
    exchange: Exchange,
    stage: &'s Stage,
    pub(crate) calls: Vec<Call>,
    pub(crate) told: Told,
    pub(crate) recalls: usize,
}

impl Under<'_> {
    fn drain(&mut self) {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Recall(_) if self.stage.silent => self.recalls += 1,
                Output::Recall(keys) => {
                    self.recalls += 1;
                    let turns = self.stage.memory.turns(&keys);
                    self.exchange.handle(Input::Recalled(turns), Instant::now());
                }
                Output::Keep(keep) => {
                    self.told.order.push("keep");
                    self.stage.memory.keep(*keep);
                }
                Output::KeepResponse(keep) => self.stage.memory.keep_response(*keep),
                Output::Call(call) => self.calls.push(*call),
                Output::Head { status, headers, .. } => {
                    self.told.order.push("head");
                    self.told.status = status.as_u16();
                    let warnings = headers.get_all("x-aquifer-warning").iter();
                    self.told.warnings = warnings.map(|value| value.to_str().unwrap().to_owned()).collect();
                }
                Output::Body(bytes) => {
                    self.told.order.push("body");
                    self.told.body.push_str(std::str::from_utf8(&bytes).unwrap());
                }
                Output::Done(record) => self.told.record = Some(*record),
                Output::Retry => self.exchange.retry(true, Instant::now()),
                Output::Ejected { .. } | Output::Reasoning(_) | Output::Settled(_) | Output::Cancel(_) => {}
                Output::ReadBody { .. } => {}
            }
        }
    }

    /// Waits for the next moment that the exchange names; how long that is from now.
    pub(crate) fn time_out(&mut self) -> Option<Duration> {
        let now = Instant::now();
        let next = self.exchange.poll_timeout(now)?;
        self.exchange.handle(Input::Timeout, next);
        self.drain();
        Some(next - now)
    }

    /// A moment passes that nothing waits for.
    pub(crate) fn too_early(&mut self) {
        self.feed(Input::Timeout);
    }

    /// The store answers, early or late.
    pub(crate) fn recalled(&mut self) {
        self.feed(Input::Recalled(Vec::new()));
    }

    fn feed(&mut self, input: Input<'_>) {
        self.exchange.handle(input, Instant::now());
        self.drain();
    }

    fn head(&mut self, status: u16, kind: &'static str) {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(kind));
        if status != 200 {
            headers.insert("x-amzn-errortype", HeaderValue::from_static("ValidationException"));
        }
        let status = StatusCode::from_u16(status).unwrap();
        self.feed(Input::UpstreamHead { status, headers: &headers });
    }

    /// Bedrock answers with these blocks, whole or as a stream, as the client asked.
    pub(crate) fn answer(&mut self, blocks: &[Value]) {
        let calls = blocks.iter().any(|block| block.get("toolUse").is_some());
        let stop = if calls { "tool_use" } else { "end_turn" };
        let usage = json!({"inputTokens": 1, "outputTokens": 1, "totalTokens": 2});
        if self.stage.stream {
            self.begin_stream();
            for frame in frames(blocks) {
                self.feed(Input::UpstreamBody(&frame));
            }
            self.feed(Input::UpstreamBody(&frame("messageStop", &json!({"stopReason": stop}))));
            self.feed(Input::UpstreamBody(&frame("metadata", &json!({"usage": usage}))));
        } else {
            self.head(200, "application/json");
            let message = json!({"role": "assistant", "content": blocks});
            let body = json!({"output": {"message": message}, "stopReason": stop, "usage": usage});
            self.feed(Input::UpstreamBody(body.to_string().as_bytes()));
        }
        self.feed(Input::UpstreamEnd);
    }

    /// Bedrock begins a stream.
    pub(crate) fn begin_stream(&mut self) {
        self.head(200, "application/vnd.amazon.eventstream");
    }

    /// An event comes in the stream.
    pub(crate) fn event(&mut self, kind: &str, payload: &Value) {
        self.feed(Input::UpstreamBody(&frame(kind, payload)));
    }

    /// Bedrock refuses the request.
    pub(crate) fn refuse(&mut self, message: &str) {
        self.head(400, "application/json");
        self.feed(Input::UpstreamBody(json!({"message": message}).to_string().as_bytes()));
        self.feed(Input::UpstreamEnd);
    }

    /// The body of the latest call.
    pub(crate) fn sent(&self) -> Value {
        serde_json::from_slice(&self.calls.last().unwrap().body).unwrap()
    }

    /// The model's first turn in the latest call.
    pub(crate) fn turn(&self) -> Vec<Value> {
        let sent = self.sent();
        let turns = sent["messages"].as_array().unwrap();
        turns.iter().find(|turn| turn["role"] == "assistant").unwrap()["content"].as_array().unwrap().clone()
    }

    pub(crate) fn record(&self) -> &Record {
        self.told.record.as_ref().unwrap()
    }
}

pub(crate) fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

/// The model's turn as a client sends it back that keeps no reasoning.
pub(crate) fn called(content: &str, ids: &[&str]) -> Vec<Value> {
    let function = json!({"name": "get_weather", "arguments": "{\"city\": \"Paris\"}"});
    let call = |id: &&str| json!({"id": id, "type": "function", "function": function});
    let calls: Vec<Value> = ids.iter().map(call).collect();
    let results = ids.iter().map(|id| json!({"role": "tool", "tool_call_id": id, "content": "18 C"}));
    let turn = json!({"role": "assistant", "content": content, "tool_calls": calls});
    std::iter::once(turn).chain(results).collect()
}

pub(crate) fn thought(text: &str, signature: &str) -> Value {
    json!({"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}})
}

pub(crate) fn said(text: &str) -> Value {
    json!({"text": text})
}

pub(crate) fn tool_use(id: &str) -> Value {
    json!({"toolUse": {"toolUseId": id, "name": "get_weather", "input": {"city": "Paris"}}})
}

/// The frames of these blocks, every text and signature in one.
fn frames(blocks: &[Value]) -> Vec<Vec<u8>> {
    let mut frames = vec![frame("messageStart", &json!({"role": "assistant"}))];
    for (index, block) in blocks.iter().enumerate() {
        let mut delta = |delta: Value| {
            frames.push(frame("contentBlockDelta", &json!({"contentBlockIndex": index, "delta": delta})));
        };
        let reasoning = &block["reasoningContent"];
        if block.get("text").is_some() {
            delta(block.clone());
        }
        for (name, value) in reasoning["reasoningText"].as_object().into_iter().flatten() {
            delta(json!({"reasoningContent": {name: value}}));
        }
        if reasoning.get("redactedContent").is_some() {
            delta(json!({"reasoningContent": reasoning}));
        }
        if let Some(tool) = block.get("toolUse") {
            let start = json!({"toolUse": {"toolUseId": tool["toolUseId"], "name": tool["name"]}});
            let input = json!({"toolUse": {"input": tool["input"].to_string()}});
            frames.push(frame("contentBlockStart", &json!({"contentBlockIndex": index, "start": start})));
            frames.push(frame("contentBlockDelta", &json!({"contentBlockIndex": index, "delta": input})));
        }
        frames.push(frame("contentBlockStop", &json!({"contentBlockIndex": index})));
    }
    frames
}

/// A frame of an event stream.
fn frame(kind: &str, payload: &Value) -> Vec<u8> {
    aquifer_testing::frames::frame(kind, payload.to_string())
}
