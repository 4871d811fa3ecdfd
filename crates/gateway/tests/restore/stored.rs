//! Responses that are remembered: what goes on from them, for whom, and what is told of those that are gone.

use crate::memory::Memory;
use aquifer_gateway::auth::{KeyDigest, KeyRing};
use aquifer_gateway::config::{Backend, BackendKind, Config, ReasoningPolicy, RestorePolicy, Service};
use aquifer_gateway::exchange::{Exchange, HostTerms, Input, Output, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::record::Outcome;
use aquifer_gateway::restore::{Forgetful, RestoreLimits, TurnStore};
use aquifer_gateway::translate::dialect::openai_responses::seal_keys::SealKeys;
use aquifer_gateway::translate::fault::Unreachable;
use aquifer_testing::frames::frame;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const CLAUDE: &str = "us.anthropic.claude-opus-4-8";
const PATH: &str = "/v1/responses";
const NOBODY: &[(&str, &str)] = &[];

/// What stands around the requests of one test.
struct Site {
    config: Config,
    memory: Memory,
    /// The number of the last request.
    asked: std::cell::Cell<u128>,
}

/// A request under way, and what its client was told.
struct Asked<'s> {
    exchange: Exchange,
    memory: &'s dyn TurnStore,
    sent: Option<Value>,
    status: u16,
    headers: HeaderMap,
    said: String,
    kept: Vec<RestoreLimits>,
    outcome: Option<Outcome>,
}

impl Site {
    fn new() -> Self {
        Self::of(ReasoningPolicy::default())
    }

    fn of(policy: ReasoningPolicy) -> Self {
        let service =
            Service { region: Some("us-east-1".to_owned()), models: vec![CLAUDE.to_owned()], ..Service::default() };
        let backend = Backend::new("one", BackendKind::bedrock(service));
        let backend = Backend { reasoning: Arc::new(policy), ..backend };
        let seal_keys = Some(Arc::new(SealKeys::new([7; 32], [])));
        let config = Config { backends: vec![backend], seal_keys, ..Config::default() };
        Self { config, memory: Memory::default(), asked: 0.into() }
    }

    fn guarded(ring: KeyRing) -> Self {
        let mut site = Self::new();
        site.config.keys = Some(Arc::new(ring));
        site
    }

    fn ask_in(&self, memory: &'static dyn TurnStore, body: &Value) -> Asked<'_> {
        self.asking(memory, (&Method::POST, PATH), NOBODY, body)
    }

    fn ask(&self, shown: &[(&'static str, &'static str)], body: &Value) -> Asked<'_> {
        self.asking(&self.memory, (&Method::POST, PATH), shown, body)
    }

    fn named(&self, method: &Method, id: &str, shown: &[(&'static str, &'static str)]) -> Asked<'_> {
        self.asking(&self.memory, (method, &format!("{PATH}/{id}")), shown, &Value::Null)
    }

    fn asking<'s>(
        &self,
        memory: &'s dyn TurnStore,
        line: (&Method, &str),
        shown: &[(&'static str, &'static str)],
        body: &Value,
    ) -> Asked<'s> {
        let shown = shown.iter().map(|(name, key)| (HeaderName::from_static(name), HeaderValue::from_static(key)));
        let (headers, now) = (HeaderMap::from_iter(shown), Instant::now());
        self.asked.set(self.asked.get() + 1);
        let (method, path) = line;
        let random = self.asked.get();
        let head = RequestHead { method, path, query: "", headers: &headers, port: None, random, unix_seconds: 1, now };
        let health = Arc::new(BackendHealth::new(1, now));
        let exchange = Exchange::begin(Arc::new(self.config.clone()), health, HostTerms::default(), &head);
        let mut asked = Asked {
            exchange,
            memory,
            sent: None,
            status: 0,
            headers: HeaderMap::new(),
            said: String::new(),
            kept: Vec::new(),
            outcome: None,
        };
        let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        asked.exchange.handle(Input::Body { head: &head, bytes, turns: memory }, now);
        asked.drain();
        asked
    }

    /// A first response, and its object.
    fn first(&self, shown: &[(&'static str, &'static str)]) -> Value {
        let mut asked = self.ask(shown, &json!({"model": CLAUDE, "input": "Weather?", "tools": [weather()]}));
        asked.answer(&whole(&["reasoned", "called"]));
        assert_eq!((asked.status, asked.kept.len()), (200, 1), "{}", asked.said);
        asked.json()
    }
}

impl Asked<'_> {
    fn drain(&mut self) {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Call(call) => self.sent = Some(serde_json::from_slice(&call.body).unwrap()),
                Output::Head { status, headers, .. } => (self.status, self.headers) = (status.as_u16(), headers),
                Output::Body(bytes) => self.said.push_str(std::str::from_utf8(&bytes).unwrap()),
                Output::KeepResponse(keep) => {
                    self.kept.push(keep.limits);
                    self.memory.keep_response(*keep);
                }
                Output::Done(record) => self.outcome = Some(record.outcome),
                _ => {}
            }
        }
    }

    fn feed(&mut self, input: Input<'_>) {
        self.exchange.handle(input, Instant::now());
        self.drain();
    }

    fn head(&mut self, status: u16, kind: &'static str) {
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
        self.feed(Input::UpstreamHead { status: StatusCode::from_u16(status).unwrap(), headers: &headers });
    }

    fn answer(&mut self, body: &Value) {
        self.head(200, "application/json");
        self.feed(Input::UpstreamBody(body.to_string().as_bytes()));
        self.feed(Input::UpstreamEnd);
    }

    fn stream(&mut self, frames: &[Vec<u8>]) {
        self.head(200, "application/vnd.amazon.eventstream");
        self.feed(Input::UpstreamBody(&frames.concat()));
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.said).unwrap_or_else(|_| panic!("{}", self.said))
    }

    fn error(&self) -> (u16, Value) {
        (self.status, self.json()["error"].clone())
    }

    /// The turns that the model was sent.
    fn turns(&self) -> &[Value] {
        self.sent.as_ref().unwrap()["messages"].as_array().unwrap()
    }

    fn warnings(&self) -> Vec<&str> {
        self.headers.get_all("x-aquifer-warning").iter().map(|value| value.to_str().unwrap()).collect()
    }
}

fn weather() -> Value {
    json!({"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}})
}

fn result() -> Value {
    json!({"type": "function_call_output", "call_id": "tooluse_1", "output": "18 C"})
}

fn thought() -> Value {
    json!({"reasoningContent": {"reasoningText": {"text": "Let me look.", "signature": "c2ln"}}})
}

fn call() -> Value {
    json!({"toolUse": {"toolUseId": "tooluse_1", "name": "weather", "input": {}}})
}

fn whole(blocks: &[&str]) -> Value {
    let block = |name: &&str| match *name {
        "reasoned" => thought(),
        "called" => call(),
        text => json!({"text": text}),
    };
    let content: Vec<Value> = blocks.iter().map(block).collect();
    let stop = if blocks.contains(&"called") { "tool_use" } else { "end_turn" };
    json!({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": stop,
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}})
}

fn begun() -> Vec<Vec<u8>> {
    vec![
        frame("messageStart", r#"{"role":"assistant"}"#),
        frame("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"It is warm."}}"#),
    ]
}

fn streamed() -> Vec<Vec<u8>> {
    let mut frames = begun();
    frames.push(frame("messageStop", r#"{"stopReason":"end_turn"}"#));
    frames.push(frame("metadata", r#"{"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#));
    frames
}

fn id(response: &Value) -> &str {
    response["id"].as_str().unwrap()
}

/// The error of a response that is not remembered.
fn gone(id: &str) -> (u16, Value) {
    let message = format!("Response with id '{id}' not found.");
    (404, json!({"message": message, "type": "invalid_request_error", "param": null, "code": "not_found"}))
}

#[test]
fn a_request_goes_on_from_a_response_with_its_thoughts() {
    let site = Site::new();
    let first = site.first(NOBODY);
    let body = json!({"model": CLAUDE, "previous_response_id": first["id"], "input": [result()], "tools": [weather()]});
    let mut second = site.ask(NOBODY, &body);
    let turns = second.turns();
    assert_eq!((turns.len(), &turns[0]["content"]), (3, &json!([{"text": "Weather?"}])));
    assert_eq!(turns[1]["content"], json!([thought(), call()]));
    assert_eq!(turns[2]["content"][0]["toolResult"]["content"], json!([{"text": "18 C"}]));
    second.answer(&whole(&["It is warm."]));
    assert_eq!(second.json()["previous_response_id"], first["id"]);
    // And from that one too, with all that stood before it.
    let second = second.json();
    let third = site.ask(NOBODY, &json!({"model": CLAUDE, "previous_response_id": second["id"], "input": "And?"}));
    assert_eq!((third.turns().len(), &third.turns()[1]["content"][0]), (5, &thought()));
    assert_eq!(third.turns()[4]["content"], json!([{"text": "And?"}]));
    // The first one is there for another branch of the conversation.
    let branch = site.ask(NOBODY, &json!({"model": CLAUDE, "previous_response_id": first["id"], "input": [result()]}));
    assert_eq!(branch.turns().len(), 3);
}

#[test]
fn items_are_named_by_their_ids() {
    let site = Site::new();
    let first = site.first(NOBODY);
    let reference = |at: usize| json!({"type": "item_reference", "id": first["output"][at]["id"]});
    let asked = json!({"role": "user", "content": "Weather?"});
    let input = json!([asked, reference(0), reference(1), result()]);
    let second = site.ask(NOBODY, &json!({"model": CLAUDE, "input": input, "tools": [weather()]}));
    assert_eq!(second.turns()[1]["content"], json!([thought(), call()]));
    let unknown = json!({"type": "item_reference", "id": "rs_0123456789abcdef0123456789abcdef_0"});
    let mut without = site.ask(NOBODY, &json!({"model": CLAUDE, "input": [asked, unknown, asked]}));
    assert!(without.turns().iter().all(|turn| turn["role"] == "user"));
    without.answer(&whole(&["Hi"]));
    assert!(without.warnings().iter().any(|told| told.contains("input[1]")), "{:?}", without.warnings());
}

#[test]
fn a_response_is_got_as_it_was_told_until_it_is_deleted() {
    let site = Site::new();
    let first = site.first(NOBODY);
    let got = site.named(&Method::GET, id(&first), NOBODY);
    assert_eq!((got.status, got.json(), got.outcome), (200, first.clone(), Some(Outcome::Answered)));
    assert_eq!(got.headers["content-type"], "application/json");
    let deleted = site.named(&Method::DELETE, id(&first), NOBODY);
    let expected = json!({"id": first["id"], "object": "response", "deleted": true});
    assert_eq!((deleted.status, deleted.json()), (200, expected));
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(site.named(&method, id(&first), NOBODY).error(), gone(id(&first)));
    }
    let next = site.ask(NOBODY, &json!({"model": CLAUDE, "previous_response_id": first["id"], "input": "b"}));
    let message = format!("Previous response with id '{}' not found.", id(&first));
    let error = json!({"message": message, "type": "invalid_request_error", "param": "previous_response_id",
        "code": "previous_response_not_found"});
    assert_eq!((next.error(), next.sent.is_none()), ((404, error), true));
}

#[test]
fn an_id_that_never_was_is_told_and_not_echoed_at_length() {
    let site = Site::new();
    for name in ["resp_1", "resp_%22%3Cscript%3E", "%00"] {
        let told = site.named(&Method::GET, name, NOBODY);
        assert_eq!((told.status, &told.error().1["code"]), (404, &json!("not_found")), "{name}: {}", told.said);
    }
    let long = site.named(&Method::GET, &"x".repeat(5000), NOBODY);
    assert!(long.status == 404 && long.said.len() < 400, "{}", long.said);
    for value in [json!(7), json!([]), json!({})] {
        let wrong = site.ask(NOBODY, &json!({"model": CLAUDE, "input": "a", "previous_response_id": value}));
        assert_eq!((wrong.status, &wrong.error().1["param"]), (400, &json!("previous_response_id")), "{}", wrong.said);
    }
    let none = site.ask(NOBODY, &json!({"model": CLAUDE, "input": "a", "previous_response_id": null}));
    assert!(none.sent.is_some(), "{}", none.said);
}

#[test]
fn nobody_else_gets_it() {
    let mut ring = KeyRing::default();
    for (owner, key) in [("alice", "a-1"), ("alice", "a-2"), ("bob", "b-1")] {
        assert!(ring.insert(owner, KeyDigest::of(key.as_bytes())));
    }
    let mut own = KeyRing::in_headers(vec![HeaderName::from_static("x-team-key")]);
    for (owner, key) in [("alice", "a-1"), ("alice", "a-2"), ("bob", "b-1")] {
        assert!(own.insert(owner, KeyDigest::of(key.as_bytes())));
    }
    for (site, header) in [(Site::guarded(ring), "x-api-key"), (Site::guarded(own), "x-team-key")] {
        let first = site.first(&[(header, "a-1")]);
        let of = |key: &'static str| site.named(&Method::GET, id(&first), &[(header, key)]).status;
        assert_eq!((of("a-1"), of("a-2"), of("b-1"), of("x")), (200, 200, 404, 401), "{header}");
        let body = json!({"model": CLAUDE, "previous_response_id": first["id"], "input": "b"});
        assert_eq!(site.ask(&[(header, "b-1")], &body).status, 404);
        let item = json!({"type": "item_reference", "id": first["output"][0]["id"]});
        let taken = site.ask(&[(header, "b-1")], &json!({"model": CLAUDE, "input": ["a", item]}));
        assert!(!format!("{:?}", taken.sent).contains("Let me look."));
        assert_eq!(site.named(&Method::DELETE, id(&first), &[(header, "b-1")]).status, 404);
        assert_eq!(site.named(&Method::DELETE, id(&first), &[(header, "a-2")]).status, 200);
    }
    // Where no keys are asked for, whoever shows the same credentials is the same caller.
    let site = Site::new();
    let first = site.first(&[("authorization", "Bearer one")]);
    let of = |shown| site.named(&Method::GET, id(&first), shown).status;
    assert_eq!(of(&[("x-api-key", "one")]), 200);
    assert_eq!((of(&[("x-api-key", "two")]), of(NOBODY)), (404, 404));
}

#[test]
fn what_should_not_be_remembered_is_not() {
    let site = Site::new();
    let mut asked = site.ask(NOBODY, &json!({"model": CLAUDE, "input": "a", "store": false}));
    asked.answer(&whole(&["Hi"]));
    assert!(asked.status == 200 && asked.kept.is_empty());
    assert_eq!(site.named(&Method::GET, id(&asked.json()), NOBODY).error(), gone(id(&asked.json())));
    let denied = |restore: RestorePolicy| Site::of(ReasoningPolicy { restore, ..ReasoningPolicy::default() });
    let (off, anonymous) = (
        denied(RestorePolicy { enabled: false, ..RestorePolicy::default() }),
        denied(RestorePolicy { anonymous: false, ..RestorePolicy::default() }),
    );
    for (site, shown, kept) in [
        (&off, &[("x-api-key", "one")][..], 0),
        (&anonymous, NOBODY, 0),
        (&anonymous, &[("x-api-key", "one")], 1),
        (&site, NOBODY, 1),
    ] {
        let mut asked = site.ask(shown, &json!({"model": CLAUDE, "input": "a", "store": true}));
        asked.answer(&whole(&["Hi"]));
        assert_eq!((asked.status, asked.kept.len()), (200, kept));
    }
    let large = "x".repeat((1 << 20) + 1);
    let mut asked = site.ask(NOBODY, &json!({"model": CLAUDE, "input": large}));
    asked.answer(&whole(&["Hi"]));
    assert!(asked.status == 200 && asked.kept.is_empty(), "a request larger than 1 MiB");
    let mut counted = site.asking(
        &site.memory,
        (&Method::POST, "/v1/responses/input_tokens"),
        NOBODY,
        &json!({"model": CLAUDE, "input": "a"}),
    );
    counted.answer(&json!({"inputTokens": 3}));
    assert!(counted.status == 200 && counted.kept.is_empty(), "{}", counted.said);
}

#[test]
fn the_operators_limits_go_with_it() {
    let limits =
        RestorePolicy { max_entries: 3, max_bytes: 5000, max_age: Duration::from_secs(9), ..RestorePolicy::default() };
    let site = Site::of(ReasoningPolicy { restore: limits, ..ReasoningPolicy::default() });
    let mut asked = site.ask(NOBODY, &json!({"model": CLAUDE, "input": "a"}));
    asked.answer(&whole(&["Hi"]));
    assert_eq!(asked.kept, [RestoreLimits { entries: 3, bytes: 5000, age: Duration::from_secs(9) }]);
    let mut asked = site.ask(NOBODY, &json!({"model": CLAUDE, "input": "x".repeat(6000)}));
    asked.answer(&whole(&["Hi"]));
    assert!(asked.status == 200 && asked.kept.is_empty(), "it is larger than all that may be held");
}

#[test]
fn tokens_of_a_conversation_are_counted_with_what_is_remembered() {
    let site = Site::new();
    let first = site.first(NOBODY);
    let body = json!({"model": CLAUDE, "previous_response_id": first["id"], "input": [result()]});
    let asked = site.asking(&site.memory, (&Method::POST, "/v1/responses/input_tokens"), NOBODY, &body);
    let messages = &asked.sent.as_ref().unwrap()["input"]["converse"]["messages"];
    assert_eq!(messages.as_array().unwrap().len(), 3, "{:?}", asked.sent);
}

#[test]
fn a_stream_is_remembered_once_it_was_told_whole() {
    let body = json!({"model": CLAUDE, "input": "a", "stream": true});
    let site = Site::new();
    let mut asked = site.ask(NOBODY, &body);
    asked.stream(&streamed());
    // Its client may go on, or leave, before the backend's connection says that there is no more.
    assert!(asked.said.contains("event: response.completed") && asked.kept.len() == 1, "{}", asked.said);
    let last = asked.said.lines().rfind(|line| line.starts_with("data: ")).unwrap();
    let told: Value = serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(site.named(&Method::GET, id(&told["response"]), NOBODY).json(), told["response"]);
    asked.feed(Input::ClientGone);
    assert_eq!((asked.kept.len(), asked.outcome), (1, Some(Outcome::Answered)));
    let mut asked = site.ask(NOBODY, &body);
    asked.stream(&streamed());
    asked.feed(Input::UpstreamEnd);
    assert_eq!((asked.kept.len(), asked.outcome), (1, Some(Outcome::Answered)));
}

#[test]
fn an_answer_that_was_broken_off_is_not_remembered() {
    let body = json!({"model": CLAUDE, "input": "a", "stream": true});
    let site = Site::new();
    let breaks: [&dyn Fn(&mut Asked<'_>); 4] = [
        &|asked| asked.feed(Input::ClientGone),
        &|asked| asked.feed(Input::UpstreamEnd),
        &|asked| asked.feed(Input::UpstreamFailed(Unreachable::Broken("reset".to_owned()))),
        &|asked| asked.feed(Input::UpstreamBody(&frame("throttlingException", r#"{"message":"Slow down"}"#))),
    ];
    for broken in breaks {
        let mut asked = site.ask(NOBODY, &body);
        asked.stream(&begun());
        broken(&mut asked);
        let made = format!("resp_{:032x}", site.asked.get());
        assert!(asked.said.contains(&made) && asked.outcome.is_some(), "{}", asked.said);
        assert!(!asked.said.contains("response.completed") && asked.kept.is_empty());
        assert_eq!(site.named(&Method::GET, &made, NOBODY).error(), gone(&made));
    }
    let mut refused = site.ask(NOBODY, &json!({"model": CLAUDE, "input": "a"}));
    refused.head(400, "application/json");
    refused.feed(Input::UpstreamBody(br#"{"message":"no"}"#));
    refused.feed(Input::UpstreamEnd);
    assert!(refused.status == 400 && refused.kept.is_empty());
}

#[test]
fn a_store_that_remembers_nothing_leaves_the_rest_as_it_is() {
    let site = Site::new();
    let mut asked = site.ask_in(&Forgetful, &json!({"model": CLAUDE, "input": "a"}));
    asked.answer(&whole(&["Hi"]));
    assert_eq!((asked.status, &asked.json()["status"]), (200, &json!("completed")));
    let next = site.ask_in(&Forgetful, &json!({"model": CLAUDE, "previous_response_id": asked.json()["id"]}));
    assert_eq!(next.error().1["code"], "previous_response_not_found");
}

#[test]
fn what_openai_keeps_for_ever_is_refused() {
    for (name, value) in
        [("background", json!(true)), ("conversation", json!("conv_1")), ("prompt", json!({"id": "p"}))]
    {
        let asked = Site::new().ask(NOBODY, &json!({"model": CLAUDE, "input": "a", name: value})).error();
        assert_eq!((asked.0, &asked.1["param"]), (400, &json!(name)), "{}", asked.1);
    }
}

#[test]
fn a_websocket_is_told_to_take_http() {
    let site = Site::new();
    let shown =
        [("upgrade", "websocket"), ("connection", "upgrade"), ("openai-beta", "responses_websockets=2026-02-06")];
    let told = site.asking(&site.memory, (&Method::GET, PATH), &shown, &Value::Null);
    assert_eq!((told.status, &told.error().1["code"]), (426, &json!("websocket_not_supported")));
    assert!(told.error().1["message"].as_str().unwrap().contains("POST"));
    let plain = site.asking(&site.memory, (&Method::GET, PATH), NOBODY, &Value::Null);
    assert_eq!((plain.status, &plain.headers["allow"]), (405, &HeaderValue::from_static("POST")));
}

#[test]
fn a_seal_of_another_key_is_left_out_with_a_warning() {
    let site = Site::new();
    let first = site.first(NOBODY);
    let input = |seal: &str| {
        let sealed = json!({"type": "reasoning", "summary": [], "encrypted_content": seal});
        let call = json!({"type": "function_call", "call_id": "tooluse_1", "name": "weather", "arguments": "{}"});
        json!({"model": CLAUDE, "store": false, "tools": [weather()],
            "input": [{"role": "user", "content": "Weather?"}, sealed, call, result()]})
    };
    let seal = first["output"][0]["encrypted_content"].as_str().unwrap();
    let sent = |site: &Site, seal: &str| {
        // What the store of turns remembers must not stand in for what the client carries.
        let mut asked = site.ask_in(&Forgetful, &input(seal));
        let has = asked.turns()[1]["content"][0] == thought();
        asked.answer(&whole(&["It is warm."]));
        assert_eq!(asked.status, 200);
        (has, asked.warnings().iter().any(|told| told.contains("not sealed by this gateway")))
    };
    assert_eq!(sent(&site, seal), (true, false));
    let with = |first: u8, others: &[u8]| {
        let mut site = Site::new();
        site.config.seal_keys = Some(Arc::new(SealKeys::new([first; 32], others.iter().map(|key| [*key; 32]))));
        site
    };
    assert_eq!(sent(&with(8, &[7]), seal), (true, false), "the old key opens behind the new one");
    assert_eq!(sent(&with(8, &[]), seal), (false, true), "the old key is gone");
    let newer = with(8, &[7]).first(NOBODY)["output"][0]["encrypted_content"].as_str().unwrap().to_owned();
    assert_eq!(sent(&with(8, &[]), &newer), (true, false), "the first key seals");
    for broken in ["", "gAAAAABmZm9yZWlnbg==", "!", &seal[..seal.len() / 2], &seal[1..], &format!("{seal}A")] {
        assert_eq!(sent(&site, broken), (false, true), "{broken}");
    }
}
