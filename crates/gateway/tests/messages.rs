//! Clients of Anthropic's Messages: the names by which they call models, their counts of tokens, their errors and lists.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, which may look at the clock")]

use aquifer_gateway::config::{Backend, BackendApi, BackendKind, Config, ReasoningPolicy, Service};
use aquifer_gateway::exchange::{Exchange, HostTerms, Input, Output, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::record::{Outcome, Record};
use aquifer_gateway::restore::Forgetful;
use aquifer_gateway::translate::bedrock::Api;
use aquifer_testing::frames::chunk;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const HAIKU: &str = "anthropic.claude-haiku-4-5-20251001-v1:0";
const SONNET: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";

/// A client's request under way, and what it was told.
struct Client {
    exchange: Exchange,
    call: Option<(String, Value)>,
    status: u16,
    headers: HeaderMap,
    said: String,
    record: Option<Record>,
}

/// A backend that is called by Converse.
fn config(region: &str, models: &[&str]) -> Arc<Config> {
    config_of(region, models, Some(Api::Converse))
}

/// A backend that is called by this API, or by the one that suits the client and the model.
fn config_of(region: &str, models: &[&str], api: Option<Api>) -> Arc<Config> {
    let models = models.iter().map(|model| (*model).to_owned()).collect();
    let service = Service { region: Some(region.to_owned()), models, ..Service::default() };
    let kind = BackendKind::Served { service: Box::new(service), api: BackendApi::Bedrock(api) };
    Arc::new(Config { backends: vec![Backend::new("one", kind)], ..Config::default() })
}

fn ask(config: &Arc<Config>, method: &Method, path: &str, query: &str, body: &Value) -> Client {
    let health = Arc::new(BackendHealth::new(config.backends.len(), Instant::now()));
    let head = Asking { method, path, query, key: "alice", now: Instant::now() };
    ask_at(config, &health, &head, body)
}

/// The head of a client's request.
struct Asking<'a> {
    method: &'a Method,
    path: &'a str,
    query: &'a str,
    key: &'static str,
    now: Instant,
}

/// Asks where this is known of the backends.
fn ask_at(config: &Arc<Config>, health: &Arc<BackendHealth>, asking: &Asking<'_>, body: &Value) -> Client {
    let Asking { method, path, query, key, now } = *asking;
    let mut headers = HeaderMap::new();
    headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
    headers.insert("x-api-key", HeaderValue::from_static(key));
    let head = RequestHead { method, path, query, headers: &headers, port: None, random: 7, unix_seconds: 1, now };
    let mut exchange = Exchange::begin(Arc::clone(config), Arc::clone(health), HostTerms::default(), &head);
    exchange.handle(Input::Body { head: &head, bytes: Bytes::from(body.to_string()), turns: &Forgetful }, now);
    let mut client =
        Client { exchange, call: None, status: 0, headers: HeaderMap::new(), said: String::new(), record: None };
    client.drain();
    client
}

impl Client {
    fn drain(&mut self) {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Call(call) => self.call = Some((call.path, serde_json::from_slice(&call.body).unwrap())),
                Output::Head { status, headers, .. } => (self.status, self.headers) = (status.as_u16(), headers),
                Output::Body(bytes) => self.said.push_str(std::str::from_utf8(&bytes).unwrap()),
                Output::Done(record) => self.record = Some(*record),
                _ => {}
            }
        }
    }

    fn answer(&mut self, status: u16, body: &Value) {
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-errortype", HeaderValue::from_static("ValidationException"));
        let status = StatusCode::from_u16(status).unwrap();
        self.exchange.handle(Input::UpstreamHead { status, headers: &headers }, Instant::now());
        self.exchange.handle(Input::UpstreamBody(body.to_string().as_bytes()), Instant::now());
        self.exchange.handle(Input::UpstreamEnd, Instant::now());
        self.drain();
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.said).unwrap()
    }
}

fn hello(model: &str) -> Value {
    json!({"model": model, "max_tokens": 99, "messages": [{"role": "user", "content": "Hello?"}]})
}

#[test]
fn models_are_called_by_the_names_that_clients_use() {
    let served = format!("eu.{SONNET}");
    for (names, name, id) in [
        (&[served.as_str()][..], "claude-sonnet-4-5", &served),
        (&[&served], "claude-sonnet-4-5-20250929[1m]", &served),
        (&[&served], &served, &served),
        (&["claude-sonnet-4-5"], "claude-sonnet-4-5", &served),
        (&["amazon.nova-2-lite-v1:0"], "amazon.nova-2-lite-v1:0", &"amazon.nova-2-lite-v1:0".to_owned()),
    ] {
        for path in ["/v1/messages", "/anthropic/v1/messages", "/messages"] {
            let client = ask(&config("eu-central-1", names), &Method::POST, path, "", &hello(name));
            let path = format!("/model/{}/converse", id.replace(':', "%3A"));
            assert_eq!(client.call.unwrap().0, path, "{name}");
        }
    }
    let other = ask(&config("eu-central-1", &[&served]), &Method::POST, "/v1/messages", "", &hello("claude-opus-5"));
    assert_eq!((other.status, other.json()["error"]["type"].as_str()), (404, Some("not_found_error")));
}

#[test]
fn claude_over_invokemodel_gets_the_clients_own_body_and_gives_its_own_events() {
    let config = config_of("us-east-1", &[SONNET], Some(Api::InvokeModel));
    let mut body = hello("claude-sonnet-4-5");
    body["stream"] = json!(true);
    body["model"] = json!(SONNET);
    let mut client = ask(&config, &Method::POST, "/v1/messages", "", &body);
    let (path, sent) = client.call.take().unwrap();
    assert!(path.ends_with("/invoke-with-response-stream"), "{path}");
    assert_eq!((sent.get("model"), sent.get("stream")), (None, None));
    assert_eq!((&sent["max_tokens"], &sent["messages"]), (&json!(99), &body["messages"]));
    let (mut headers, now) = (HeaderMap::new(), Instant::now());
    headers.insert("content-type", HeaderValue::from_static("application/vnd.amazon.eventstream"));
    client.exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, now);
    let start = r#"{"type":"message_start","message":{"id":"m","usage":{"input_tokens":3,"output_tokens":1}}}"#;
    let events = [
        start,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    events.iter().for_each(|event| client.exchange.handle(Input::UpstreamBody(&chunk(event)), now));
    client.exchange.handle(Input::UpstreamEnd, now);
    client.drain();
    assert!(client.said.starts_with(&format!("event: message_start\ndata: {start}\n\n")), "{}", client.said);
    assert!(client.said.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"), "{}", client.said);
    let record = client.record.unwrap();
    assert_eq!((record.outcome, record.finish_reason), (Outcome::Answered, Some("end_turn")));
    assert_eq!(record.tokens.map(|tokens| (tokens.input, tokens.output)), Some((3, 2)));
    // Chat Completions take the same backend through the neutral model.
    let chat = ask(&config, &Method::POST, "/v1/chat/completions", "", &hello(SONNET));
    assert!(chat.call.unwrap().0.ends_with("/invoke"));
}

#[test]
fn where_no_api_is_pinned_the_client_and_the_model_decide() {
    let nova = "amazon.nova-2-lite-v1:0";
    let by = |api, path: &str, model| {
        let client = ask(&config_of("us-east-1", &[SONNET, nova], api), &Method::POST, path, "", &hello(model));
        client.call.unwrap().0.rsplit_once('/').unwrap().1.to_owned()
    };
    let (messages, chat) = ("/v1/messages", "/v1/chat/completions");
    assert_eq!([by(None, messages, SONNET), by(None, chat, SONNET)], ["invoke", "converse"]);
    assert_eq!([by(None, messages, nova), by(None, chat, nova)], ["converse", "converse"]);
    let pinned = Some(Api::Converse);
    assert_eq!([by(pinned, messages, SONNET), by(pinned, chat, SONNET)], ["converse", "converse"]);
    let pinned = Some(Api::InvokeModel);
    assert_eq!([by(pinned, messages, SONNET), by(pinned, chat, SONNET)], ["invoke", "invoke"]);
    assert_eq!([by(pinned, messages, nova), by(pinned, chat, nova)], ["converse", "converse"]);
}

#[test]
fn tokens_are_counted_as_the_request_would_be_sent() {
    let body = json!({"model": SONNET, "messages": [{"role": "user", "content": "Hello?"}]});
    let client = ask(&config_of("us-east-1", &[SONNET], None), &Method::POST, "/v1/messages/count_tokens", "", &body);
    let (path, asked) = client.call.unwrap();
    assert!(path.ends_with("/count-tokens") && asked["input"]["invokeModel"]["body"].is_string(), "{asked}");
}

/// A loop of a tool whose thought is signed, for Claude over InvokeModel.
fn tool_loop() -> Value {
    let thought = json!({"type": "thinking", "thinking": "I look.", "signature": "c2lnbmF0dXJl"});
    let call = json!({"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}});
    let result = json!({"type": "tool_result", "tool_use_id": "toolu_1", "content": "18 m"});
    let mut body = hello(SONNET);
    body["max_tokens"] = json!(4000);
    body["thinking"] = json!({"type": "enabled", "budget_tokens": 2000});
    body["tools"] = json!([{"name": "look", "input_schema": {"type": "object"}}]);
    body["messages"] = json!([
        {"role": "user", "content": "How deep?"},
        {"role": "assistant", "content": [thought, call]},
        {"role": "user", "content": [result]},
    ]);
    body
}

const ON_A_SIGNATURE: &str = "messages.1.content.0: Invalid `signature` in `thinking` block";

#[test]
fn thoughts_that_bedrock_refuses_are_left_out_once_and_the_client_is_told() {
    let expected = "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When \
                    `thinking` is enabled, a final `assistant` message must start with a thinking block.";
    for message in [ON_A_SIGNATURE, expected] {
        let mut client = ask(&config_of("us-east-1", &[SONNET], None), &Method::POST, "/v1/messages", "", &tool_loop());
        let (path, sent) = client.call.take().unwrap();
        assert!(path.ends_with("/invoke") && sent["messages"][1]["content"][0]["type"] == "thinking", "{sent}");
        client.answer(400, &json!({"message": message}));
        let (path, sent) = client.call.take().expect("it is asked again");
        assert!(path.ends_with("/invoke") && sent["messages"][1]["content"][0]["type"] == "tool_use", "{sent}");
        assert_eq!(sent.get("thinking"), None, "a loop without its thoughts goes on without");
        let said = json!([{"type": "text", "text": "18 m."}]);
        let usage = json!({"input_tokens": 3, "output_tokens": 1});
        client.answer(200, &json!({"content": said, "stop_reason": "end_turn", "usage": usage}));
        assert_eq!((client.status, &client.json()["content"]), (200, &said));
        let warnings = warnings(&client);
        assert!(warnings.iter().any(|warning| warning.contains("refused the reasoning")), "{warnings:?}");
        assert!(warnings.iter().all(|warning| !warning.contains("Converse")), "{warnings:?}");
    }
}

const ON_PAIRS: &str = "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. Each \
                        `tool_use` block must have a corresponding `tool_result` block in the next message.";

/// The warnings that a client got.
fn warnings(client: &Client) -> Vec<&str> {
    client.headers.get_all("x-aquifer-warning").iter().map(|warning| warning.to_str().unwrap()).collect()
}

#[test]
fn results_that_bedrock_does_not_find_are_put_behind_their_calls() {
    let mut body = tool_loop();
    let words = json!({"type": "text", "text": "Here it is."});
    body["messages"][2]["content"].as_array_mut().unwrap().insert(0, words);
    let mut client = ask(&config_of("us-east-1", &[SONNET], None), &Method::POST, "/v1/messages", "", &body);
    let (path, sent) = client.call.take().unwrap();
    assert!(path.ends_with("/invoke") && sent["messages"][2]["content"][0]["type"] == "text", "{sent}");
    client.answer(400, &json!({"message": ON_PAIRS}));
    let (path, sent) = client.call.take().expect("it is asked again");
    assert!(path.ends_with("/converse"), "{path}");
    assert_eq!(sent["messages"][2]["content"][0]["toolResult"]["toolUseId"], "toolu_1");
    assert_eq!(sent["messages"][2]["content"][1]["text"], "Here it is.");
    assert_eq!(sent["messages"][1]["content"][0]["reasoningContent"]["reasoningText"]["signature"], "c2lnbmF0dXJl");
    client.answer(400, &json!({"message": ON_PAIRS}));
    assert!(client.call.is_none(), "it is asked otherwise once");
    assert_eq!((client.status, client.json()["error"]["message"].as_str()), (400, Some(ON_PAIRS)));
    assert!(warnings(&client).iter().any(|warning| warning.contains("behind its call")), "{:?}", warnings(&client));
}

#[test]
fn a_call_without_a_result_is_mended_in_messages_unless_the_operator_wants_it_refused() {
    let mut body = tool_loop();
    body["messages"][2]["content"] = json!([{"type": "text", "text": "Never mind."}]);
    for api in [None, Some(Api::Converse)] {
        let client = ask(&config_of("us-east-1", &[SONNET], api), &Method::POST, "/v1/messages", "", &body);
        let (path, sent) = client.call.unwrap();
        assert!(path.ends_with("/converse"), "{path}");
        assert_eq!(sent["messages"][2]["content"][0]["toolResult"]["content"][0]["text"], "(no result)");
        let mut config = Arc::unwrap_or_clone(config_of("us-east-1", &[SONNET], api));
        for backend in &mut config.backends {
            backend.reasoning = Arc::new(ReasoningPolicy { repair: Some(false), ..ReasoningPolicy::default() });
        }
        let refused = ask(&Arc::new(config), &Method::POST, "/v1/messages", "", &body);
        assert_eq!((refused.call, refused.status), (None, 400));
    }
}

#[test]
fn what_the_client_repairs_itself_is_told_word_for_word() {
    let told = |messages: &[&str]| {
        let mut client = ask(&config_of("us-east-1", &[SONNET], None), &Method::POST, "/v1/messages", "", &tool_loop());
        for message in messages {
            client.call.take().expect("a call for each refusal");
            client.answer(400, &json!({"message": message}));
        }
        assert!(client.call.is_none(), "{messages:?}: it is not asked again");
        assert_eq!((client.status, client.json()["error"]["type"].as_str()), (400, Some("invalid_request_error")));
        client.json()["error"]["message"].as_str().unwrap().to_owned()
    };
    for message in [
        "context_management: Extra inputs are not permitted",
        "messages.0.content.0.cache_control.scope: Extra inputs are not permitted",
        "tools.0.custom.eager_input_streaming: Extra inputs are not permitted",
        "input length and `max_tokens` exceed context limit: 199000 + 4000 > 200000, decrease input length or `max_tokens`",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "adaptive thinking is not supported on this model",
        "role 'system' is not supported on this model",
        "messages.1.role: Input should be 'user' or 'assistant'",
    ] {
        assert_eq!(told(&[message]), message);
    }
    assert_eq!(told(&[ON_A_SIGNATURE, ON_A_SIGNATURE]), ON_A_SIGNATURE);
}

#[test]
fn an_error_names_the_request() {
    let client = ask(&config("us-east-1", &["m"]), &Method::POST, "/v1/messages", "", &json!({"model": "m"}));
    let id = client.headers["request-id"].to_str().unwrap();
    assert!(client.status == 400 && id.starts_with("req_"), "{id}");
    assert_eq!(client.json()["request_id"], id);
    assert_eq!(client.json()["error"]["type"], "invalid_request_error");
}

#[test]
fn tokens_are_counted_by_bedrock_or_estimated() {
    let config = config("us-east-1", &[SONNET]);
    let body = json!({"model": SONNET, "messages": [{"role": "user", "content": "Hello?"}]});
    let mut client = ask(&config, &Method::POST, "/v1/messages/count_tokens", "beta=true", &body);
    let (path, asked) = client.call.take().unwrap();
    assert_eq!(path, format!("/model/{}/count-tokens", SONNET.replace(':', "%3A")));
    assert_eq!(asked["input"]["converse"]["messages"][0]["content"][0]["text"], "Hello?");
    client.answer(200, &json!({"inputTokens": 11}));
    assert_eq!((client.status, client.json()), (200, json!({"input_tokens": 11})));
    let record = client.record.unwrap();
    assert_eq!((record.operation, record.outcome, record.tokens), ("count_tokens", Outcome::Answered, None));
    let mut cannot = ask(&config, &Method::POST, "/v1/messages/count_tokens", "", &body);
    cannot.answer(400, &json!({"message": "The provided model doesn't support counting tokens."}));
    assert!(cannot.status == 200 && cannot.json()["input_tokens"].as_u64().unwrap() > 5, "{}", cannot.said);
    assert!(cannot.headers["x-aquifer-warning"].to_str().unwrap().contains("estimate"));
    let mut wrong = ask(&config, &Method::POST, "/v1/messages/count_tokens", "", &body);
    wrong.answer(400, &json!({"message": "messages: at least one message is required"}));
    assert_eq!((wrong.status, wrong.json()["error"]["type"].as_str()), (400, Some("invalid_request_error")));
}

#[test]
fn a_count_is_cached_for_its_caller_model_and_text() {
    let config = config("us-east-1", &[SONNET, HAIKU]);
    let health = Arc::new(BackendHealth::new(1, Instant::now()));
    let body = |model: &str, text: &str| json!({"model": model, "messages": [{"role": "user", "content": text}]});
    let (path, now) = ("/v1/messages/count_tokens", Instant::now());
    let asking = Asking { method: &Method::POST, path, query: "", key: "alice", now };
    let mut first = ask_at(&config, &health, &asking, &body(SONNET, "Hello?"));
    first.answer(200, &json!({"inputTokens": 11}));
    assert_eq!((first.json(), first.record.unwrap().cached), (json!({"input_tokens": 11}), false));
    let again = ask_at(&config, &health, &asking, &body(SONNET, "Hello?"));
    assert!(again.call.is_none() && again.headers.contains_key("request-id"));
    assert_eq!((again.status, again.json()), (200, json!({"input_tokens": 11})));
    let record = again.record.unwrap();
    assert_eq!((record.cached, record.outcome, record.operation), (true, Outcome::Answered, "count_tokens"));
    assert!(record.attempts.is_empty() && record.tokens.is_none());
    for (asking, body) in [
        (&asking, body(SONNET, "Hello!")),
        (&asking, body(HAIKU, "Hello?")),
        (&Asking { key: "bob", ..asking }, body(SONNET, "Hello?")),
        (&Asking { now: now + Duration::from_secs(601), ..asking }, body(SONNET, "Hello?")),
    ] {
        assert!(ask_at(&config, &health, asking, &body).call.is_some(), "{body}");
    }
    // An answer is no count, whatever was counted.
    let mut answer = body(SONNET, "Hello?");
    answer["max_tokens"] = json!(9);
    assert!(ask_at(&config, &health, &Asking { path: "/v1/messages", ..asking }, &answer).call.is_some());
}

/// Ten milliseconds later the exchange looks again.
fn looks(client: &mut Client, now: Instant) {
    client.exchange.handle(Input::Timeout, now);
    client.drain();
}

#[test]
fn equal_counts_at_once_are_one_call() {
    let config = config("us-east-1", &[SONNET]);
    let health = Arc::new(BackendHealth::new(1, Instant::now()));
    let (path, now) = ("/v1/messages/count_tokens", Instant::now());
    let asking = Asking { method: &Method::POST, path, query: "", key: "alice", now };
    let body = |text: &str| json!({"model": SONNET, "messages": [{"role": "user", "content": text}]});
    let mut first = ask_at(&config, &health, &asking, &body("Hello?"));
    let mut others: Vec<Client> = (0..34).map(|_| ask_at(&config, &health, &asking, &body("Hello?"))).collect();
    assert!(first.call.take().is_some() && others.iter().all(|other| other.call.is_none()));
    for (asking, body) in [(&asking, body("Hello!")), (&Asking { key: "bob", ..asking }, body("Hello?"))] {
        assert!(ask_at(&config, &health, asking, &body).call.is_some(), "{body}");
    }
    let later = now + Duration::from_millis(10);
    others.iter_mut().for_each(|other| looks(other, later));
    assert!(others.iter().all(|other| other.call.is_none() && other.status == 0));
    first.answer(200, &json!({"inputTokens": 11}));
    let later = later + Duration::from_millis(10);
    for other in &mut others {
        assert_eq!(other.exchange.poll_timeout(later), Some(later));
        looks(other, later);
        assert_eq!((other.status, other.json()), (200, json!({"input_tokens": 11})));
        let record = other.record.take().unwrap();
        assert!(record.cached && record.attempts.is_empty());
    }
}

#[test]
fn a_count_that_another_exchange_does_not_get_is_asked_for() {
    let config = config("us-east-1", &[SONNET]);
    let health = Arc::new(BackendHealth::new(1, Instant::now()));
    let (path, now) = ("/v1/messages/count_tokens", Instant::now());
    let asking = Asking { method: &Method::POST, path, query: "", key: "alice", now };
    let body = json!({"model": SONNET, "messages": [{"role": "user", "content": "Hello?"}]});
    let mut first = ask_at(&config, &health, &asking, &body);
    let [mut second, mut third] = [(); 2].map(|()| ask_at(&config, &health, &asking, &body));
    first.exchange.handle(Input::ClientGone, now);
    // Nobody waits for a second one.
    let later = now + Duration::from_millis(10);
    [&mut second, &mut third].into_iter().for_each(|other| looks(other, later));
    assert!(second.call.is_some() && third.call.is_some());
    second.answer(200, &json!({"inputTokens": 11}));
    assert_eq!(second.json(), json!({"input_tokens": 11}));
    // One whose client leaves while it waits holds nobody up, and one that waits too long asks by itself.
    let body = json!({"model": SONNET, "messages": [{"role": "user", "content": "Again?"}]});
    let _first = ask_at(&config, &health, &asking, &body);
    let [mut second, mut third] = [(); 2].map(|()| ask_at(&config, &health, &asking, &body));
    second.exchange.handle(Input::ClientGone, now);
    second.drain();
    assert_eq!(second.record.unwrap().outcome, Outcome::Abandoned);
    looks(&mut third, now + Duration::from_secs(10));
    assert!(third.call.is_some());
}

#[test]
fn a_model_that_cannot_count_is_asked_once() {
    let config = config("us-east-1", &[SONNET, HAIKU]);
    let health = Arc::new(BackendHealth::new(1, Instant::now()));
    let asking = Asking {
        method: &Method::POST,
        path: "/v1/messages/count_tokens",
        query: "",
        key: "alice",
        now: Instant::now(),
    };
    let body = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Hello?"}]});
    let mut refused = ask_at(&config, &health, &asking, &body(SONNET));
    refused.answer(400, &json!({"message": "The provided model doesn't support counting tokens."}));
    let told = (refused.json(), refused.headers["x-aquifer-warning"].clone());
    let again = ask_at(&config, &health, &asking, &body(SONNET));
    assert!(again.call.is_none() && again.status == 200);
    assert_eq!((again.json(), again.headers["x-aquifer-warning"].clone()), told);
    let record = again.record.unwrap();
    assert!(!record.cached && record.warnings.iter().any(|warning| warning.contains("estimate")));
    assert!(ask_at(&config, &health, &asking, &body(HAIKU)).call.is_some());
}

#[test]
fn the_list_of_models_has_pages() {
    let config = config("us-east-1", &["one", "two", "three"]);
    let client = ask(&config, &Method::GET, "/v1/models", "limit=2&after_id=one", &json!(null));
    let list = client.json();
    assert_eq!(
        (&list["first_id"], &list["last_id"], &list["has_more"]),
        (&json!("two"), &json!("three"), &json!(false))
    );
    assert_eq!(ask(&config, &Method::GET, "/v1/models/two", "", &json!(null)).json()["type"], "model");
    assert_eq!(ask(&config, &Method::GET, "/v1/models", "limit=0", &json!(null)).status, 400);
}
