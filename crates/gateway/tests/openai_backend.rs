//! Clients of Converse, Messages and Responses at a backend of OpenAI's dialect, alone and behind Bedrock.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, which may look at the clock")]

use aquifer_gateway::config::{Backend, BackendKind, BackendRef, Config, Route, Rule, Service, Traffic};
use aquifer_gateway::exchange::{Call, Exchange, HostTerms, Input, Output, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::record::{Outcome, Record};
use aquifer_gateway::restore::Forgetful;
use aquifer_gateway::translate::wire::eventstream::{Decoder, Kind};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

const HELLO: &str = r#"{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}"#;
const STREAM: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"reasoning_content\":\"Hm.\"}}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"4\"}}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
    data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5}}\n\ndata: [DONE]\n\n";
const ANSWER: &str = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"4"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":5}}"#;

/// Backends in one rule for every model, in the order of their priorities; the one of OpenAI's dialect has a model of its own.
fn config(kinds: &[&str]) -> Config {
    let mut config = Config::default();
    let mut rule = Rule { traffic: Arc::new(Traffic::default()), ..Rule::default() };
    for (at, kind) in kinds.iter().enumerate() {
        let openai = *kind == "openai";
        let service = Service { region: (!openai).then(|| "us-east-1".to_owned()), ..Service::default() };
        let kind = if openai { BackendKind::openai_chat("v1", service) } else { BackendKind::bedrock(service) };
        config.backends.push(Backend::new(&format!("backend-{at}"), kind));
        rule.backends.push(BackendRef {
            backend: at,
            model_name_override: openai.then(|| "gpt-4o".to_owned()),
            weight: 1,
            priority: u32::try_from(at).unwrap(),
            reasoning: Arc::default(),
            mutation: Arc::default(),
        });
    }
    let route = Route {
        namespace: "default".to_owned(),
        name: "route".to_owned(),
        parents: Vec::new(),
        hostnames: Vec::new(),
        rules: vec![rule],
        costs: Arc::default(),
        keys: None,
    };
    Config { routes: vec![route].into(), ..config }
}

struct Asking {
    exchange: Exchange,
    calls: Vec<Call>,
    status: u16,
    headers: HeaderMap,
    said: Vec<u8>,
    record: Option<Record>,
    now: Instant,
}

fn ask(config: Config, path: &str, body: &str) -> Asking {
    let (now, method, headers) = (Instant::now(), Method::POST, HeaderMap::new());
    let head = RequestHead {
        method: &method,
        path,
        query: "",
        headers: &headers,
        port: None,
        random: 7,
        unix_seconds: 1,
        now,
    };
    let health = Arc::new(BackendHealth::new(config.backends.len(), now));
    let mut exchange = Exchange::begin(Arc::new(config), health, HostTerms::default(), &head);
    exchange
        .handle(Input::Body { head: &head, bytes: Bytes::copy_from_slice(body.as_bytes()), turns: &Forgetful }, now);
    let mut asking = Asking {
        exchange,
        calls: Vec::new(),
        status: 0,
        headers: HeaderMap::new(),
        said: Vec::new(),
        record: None,
        now,
    };
    asking.drain();
    asking
}

impl Asking {
    fn drain(&mut self) {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Call(call) => self.calls.push(*call),
                Output::Head { status, headers, .. } => (self.status, self.headers) = (status.as_u16(), headers),
                Output::Body(bytes) => self.said.extend_from_slice(&bytes),
                Output::Done(record) => self.record = Some(*record),
                _ => {}
            }
        }
    }

    fn feed(&mut self, input: Input<'_>) {
        self.exchange.handle(input, self.now);
        self.drain();
    }

    fn answer(&mut self, status: u16, kind: &'static str, body: &str) {
        let headers = [(HeaderName::from_static("content-type"), HeaderValue::from_static(kind))].into_iter().collect();
        self.feed(Input::UpstreamHead { status: StatusCode::from_u16(status).unwrap(), headers: &headers });
        self.feed(Input::UpstreamBody(body.as_bytes()));
        self.feed(Input::UpstreamEnd);
    }

    fn events(&self) -> Vec<String> {
        let (mut decoder, mut rest, mut events) = (Decoder::default(), &self.said[..], Vec::new());
        while let Some(frame) = decoder.next(&mut rest).unwrap() {
            events.push(match frame.kind {
                Kind::Event(name) | Kind::Exception(name) => name.to_owned(),
                Kind::Error { code, .. } => code.to_owned(),
            });
        }
        events
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.said).unwrap()
    }
}

#[test]
fn converse_goes_on_at_an_openai_backend_when_bedrock_does_not_answer() {
    for (operation, streams) in [("converse", false), ("converse-stream", true)] {
        let mut client = ask(config(&["bedrock", "openai"]), &format!("/model/m/{operation}"), HELLO);
        assert_eq!(client.calls[0].path, format!("/model/m/{operation}"));
        assert_eq!(client.calls[0].body, HELLO, "Bedrock gets it as it came");
        while client.calls.last().unwrap().backend == 0 {
            client.answer(503, "application/json", r#"{"message":"Bedrock is unable to process your request."}"#);
        }
        let call = client.calls.last().unwrap();
        assert_eq!((call.path.as_str(), call.backend), ("/v1/chat/completions", 1));
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(
            (&body["model"], &body["messages"]),
            (&json!("gpt-4o"), &json!([{"role": "user", "content": "Hi"}]))
        );
        if streams {
            client.answer(200, "text/event-stream", STREAM);
            let (delta, stop) = ("contentBlockDelta", "contentBlockStop");
            assert_eq!(client.events(), ["messageStart", delta, delta, stop, delta, stop, "messageStop", "metadata"]);
            assert_eq!(client.headers["content-type"], "application/vnd.amazon.eventstream");
        } else {
            client.answer(200, "application/json", ANSWER);
            assert_eq!(client.json()["output"]["message"]["content"], json!([{"text": "4"}]));
            assert_eq!(client.json()["usage"], json!({"inputTokens": 3, "outputTokens": 5, "totalTokens": 8}));
        }
        let record = client.record.as_ref().unwrap();
        assert_eq!((client.status, record.outcome), (200, Outcome::Answered));
        assert_eq!(record.attempts.len(), client.calls.len());
        assert_eq!((record.provider, record.finish_reason), ("openai", Some("end_turn")));
        assert_eq!(record.tokens.map(|tokens| (tokens.input, tokens.output)), Some((3, 5)));
    }
}

#[test]
fn converse_goes_on_at_bedrock_when_an_openai_backend_does_not_answer() {
    let kept = r#"{"messages":[{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"t","signature":"e30=~0123456789abcdef"}}},{"text":"a"}]}]}"#;
    let mut client = ask(config(&["openai", "bedrock"]), "/model/m/converse", kept);
    client.answer(500, "application/json", r#"{"error":{"message":"broken"}}"#);
    while client.calls.last().unwrap().backend == 0 {
        client.answer(500, "application/json", r#"{"error":{"message":"broken"}}"#);
    }
    let call = client.calls.last().unwrap();
    assert_eq!(call.body, r#"{"messages":[{"role":"assistant","content":[{"text":"a"}]}]}"#);
}

#[test]
fn errors_of_an_openai_backend_have_awss_shape() {
    for (status, body, told, exception) in [
        (400, r#"{"error":{"message":"Too long","code":"context_length_exceeded"}}"#, 400, "ValidationException"),
        (429, r#"{"error":{"message":"Slow down"}}"#, 429, "ThrottlingException"),
        (404, r#"{"error":{"message":"No such model"}}"#, 404, "ResourceNotFoundException"),
        (500, "<html>", 500, "InternalServerException"),
        (200, r#"{"error":{"message":"Slow down","type":"rate_limit_error"}}"#, 429, "ThrottlingException"),
        (200, "no JSON", 424, "ModelErrorException"),
    ] {
        for operation in ["converse", "converse-stream"] {
            let mut client = ask(config(&["openai"]), &format!("/model/m/{operation}"), HELLO);
            while client.record.is_none() {
                client.answer(status, "application/json", body);
            }
            assert_eq!(
                (client.status, &client.headers["x-amzn-errortype"]),
                (told, &HeaderValue::from_static(exception))
            );
            assert!(client.json()["message"].is_string());
        }
    }
    let mut broken = ask(config(&["openai"]), "/model/m/converse-stream", HELLO);
    let (head, _) = STREAM.split_once("data: {\"choices\":[{\"index\":0,\"delta\":{},").unwrap();
    broken.answer(200, "text/event-stream", head);
    assert_eq!(broken.events().last().map(String::as_str), Some("modelStreamErrorException"));
}

#[test]
fn a_whole_answer_to_a_request_for_a_stream_is_told_as_one() {
    let mut client = ask(config(&["openai"]), "/model/m/converse-stream", HELLO);
    client.answer(200, "application/json", ANSWER);
    assert_eq!(client.events(), ["messageStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"]);
}

#[test]
fn other_operations_are_bedrocks_alone() {
    for operation in ["invoke", "invoke-with-response-stream", "count-tokens"] {
        let client = ask(config(&["openai"]), &format!("/model/m/{operation}"), "{}");
        assert_eq!((client.calls.len(), client.status), (0, 400), "{operation}");
        assert!(client.json()["message"].as_str().unwrap().contains("Converse"));
        let client = ask(config(&["openai", "bedrock"]), &format!("/model/m/{operation}"), "{}");
        assert_eq!(client.calls[0].backend, 1, "{operation}");
    }
}

#[test]
fn messages_and_responses_are_answered_too() {
    let messages = r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
    let mut client = ask(config(&["openai"]), "/v1/messages", messages);
    assert_eq!(client.calls[0].path, "/v1/chat/completions");
    client.answer(200, "text/event-stream", STREAM);
    let said = String::from_utf8(client.said.clone()).unwrap();
    assert!(said.contains("thinking_delta") && said.ends_with("data: {\"type\":\"message_stop\"}\n\n"), "{said}");
    let mut client = ask(config(&["openai"]), "/v1/responses", r#"{"model":"m","input":"Hi","stream":true}"#);
    client.answer(200, "text/event-stream", STREAM);
    let said = String::from_utf8(client.said.clone()).unwrap();
    assert!(said.contains("event: response.completed"), "{said}");
    let count = r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#;
    let client = ask(config(&["openai"]), "/v1/messages/count_tokens", count);
    assert_eq!((client.calls.len(), client.status), (0, 400));
}
