//! Requests for embeddings and rankings: calls in sequence, retries in their middle, and backends that speak the dialect.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, which may look at the clock")]

use aquifer_gateway::config::{Backend, BackendKind, BackendRef, Config, Route, Rule, Service};
use aquifer_gateway::exchange::{Exchange, HostTerms, Input, Output, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::record::{AttemptReason, Outcome, Record};
use aquifer_gateway::restore::Forgetful;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

const TITAN: &str = "amazon.titan-embed-text-v2:0";
const COHERE: &str = "cohere.embed-multilingual-v3";
const RERANK: &str = "cohere.rerank-v3-5:0";

/// A client's request under way, and what it was told.
struct Client {
    exchange: Exchange,
    calls: Vec<(usize, String, Value)>,
    status: u16,
    headers: HeaderMap,
    said: String,
    record: Option<Record>,
}

fn bedrock(name: &str) -> Backend {
    Backend::new(name, BackendKind::bedrock(Service { region: Some("us-west-2".to_owned()), ..Service::default() }))
}

/// A route of every model to these backends, in their order.
fn config(backends: Vec<Backend>) -> Arc<Config> {
    let reference = |backend: usize| BackendRef {
        backend,
        model_name_override: None,
        weight: 1,
        priority: u32::try_from(backend).unwrap(),
        reasoning: Arc::default(),
        mutation: Arc::default(),
    };
    let rule = Rule { backends: (0..backends.len()).map(reference).collect(), ..Rule::default() };
    let route = Route {
        namespace: "default".to_owned(),
        name: "route".to_owned(),
        parents: Vec::new(),
        hostnames: Vec::new(),
        rules: vec![rule],
        costs: Arc::default(),
        keys: None,
    };
    Arc::new(Config { backends, routes: vec![route].into(), ..Config::default() })
}

fn ask(config: &Arc<Config>, path: &str, body: &Value) -> Client {
    let (now, headers) = (Instant::now(), HeaderMap::new());
    let method = &Method::POST;
    let head = RequestHead { method, path, query: "", headers: &headers, port: None, random: 7, unix_seconds: 1, now };
    let health = Arc::new(BackendHealth::new(config.backends.len(), now));
    let mut exchange = Exchange::begin(Arc::clone(config), health, HostTerms::default(), &head);
    exchange.handle(Input::Body { head: &head, bytes: Bytes::from(body.to_string()), turns: &Forgetful }, now);
    let mut client =
        Client { exchange, calls: Vec::new(), status: 0, headers: HeaderMap::new(), said: String::new(), record: None };
    client.drain();
    client
}

impl Client {
    fn drain(&mut self) {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Call(call) => {
                    self.calls.push((call.backend, call.path, serde_json::from_slice(&call.body).unwrap()));
                }
                Output::Head { status, headers, .. } => (self.status, self.headers) = (status.as_u16(), headers),
                Output::Body(bytes) => self.said.push_str(std::str::from_utf8(&bytes).unwrap()),
                Output::Done(record) => self.record = Some(*record),
                _ => {}
            }
        }
    }

    fn answer(&mut self, status: u16, counted: &'static str, body: &Value) {
        let mut headers = HeaderMap::new();
        if !counted.is_empty() {
            headers.insert("x-amzn-bedrock-input-token-count", HeaderValue::from_static(counted));
        }
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

fn vector(number: u32) -> Value {
    json!({"embedding": [number], "inputTextTokenCount": 2})
}

#[test]
fn a_model_that_takes_one_text_a_call_is_called_for_each_and_the_answers_stand_in_order() {
    let config = config(vec![bedrock("one")]);
    let body = json!({"model": TITAN, "input": ["a", "b", "c"], "dimensions": 256, "user": "u"});
    let mut client = ask(&config, "/v1/embeddings", &body);
    for (at, text) in ["a", "b", "c"].iter().enumerate() {
        assert_eq!(client.calls.len(), at + 1);
        let (_, path, sent) = &client.calls[at];
        assert_eq!(path, "/model/amazon.titan-embed-text-v2%3A0/invoke");
        assert_eq!(sent, &json!({"inputText": text, "dimensions": 256}));
        assert!(client.record.is_none() && client.status == 0, "nothing is told before all is there");
        client.answer(200, "", &vector(u32::try_from(at).unwrap()));
    }
    let item = |at: usize| json!({"object": "embedding", "index": at, "embedding": [at]});
    let expected = json!({
        "object": "list", "data": [item(0), item(1), item(2)], "model": TITAN,
        "usage": {"prompt_tokens": 6, "total_tokens": 6},
    });
    assert_eq!((client.status, client.json()), (200, expected));
    assert!(client.headers["x-aquifer-warning"].to_str().unwrap().starts_with("ignored user"));
    let record = client.record.unwrap();
    assert_eq!((record.operation, record.outcome), ("embeddings", Outcome::Answered));
    assert_eq!(record.tokens.map(|tokens| (tokens.input, tokens.output)), Some((6, 0)));
    assert_eq!((record.calls(), record.known_models), (1, [true, true]), "calls in sequence are one attempt");
    assert!(record.attempts[0].ended.is_some() && record.attempts[0].fault.is_none());
}

#[test]
fn cohere_takes_96_texts_a_call_and_the_head_counts_the_tokens() {
    let config = config(vec![bedrock("one")]);
    let input: Vec<String> = (0..100).map(|at| format!("text {at}")).collect();
    let body = json!({"model": COHERE, "input": input, "encoding_format": "base64", "input_type": "search_query"});
    let mut client = ask(&config, "/v1/embeddings", &body);
    for (at, count) in [(0, 96), (1, 4)] {
        let texts = client.calls[at].2["texts"].as_array().unwrap().len();
        assert_eq!((texts, client.calls[at].2["input_type"].as_str()), (count, Some("search_query")));
        client.answer(200, "50", &json!({"embeddings": vec![vec![1.0]; count]}));
    }
    let answer = client.json();
    assert_eq!(answer["data"].as_array().unwrap().len(), 100);
    assert_eq!(answer["data"][99], json!({"object": "embedding", "index": 99, "embedding": "AACAPw=="}));
    assert_eq!(answer["usage"]["prompt_tokens"], 100);
}

#[test]
fn a_call_in_the_middle_is_tried_again_at_a_backend_with_the_same_model() {
    let config = config(vec![bedrock("one"), bedrock("two")]);
    let mut client = ask(&config, "/v1/embeddings", &json!({"model": TITAN, "input": ["a", "b"]}));
    client.answer(200, "", &vector(0));
    for _ in 0..2 {
        client.answer(503, "", &json!({"message": "busy"}));
    }
    let order: Vec<_> = client.calls.iter().map(|(backend, ..)| *backend).collect();
    assert_eq!((order, &client.calls[3].2), (vec![0, 0, 0, 1], &json!({"inputText": "b"})));
    client.answer(200, "", &vector(1));
    assert_eq!((client.status, &client.json()["data"][1]["embedding"]), (200, &json!([1])));
    let record = client.record.unwrap();
    let whys: Vec<_> = record.attempts.iter().map(|attempt| (attempt.why, attempt.fault.as_deref())).collect();
    assert_eq!(
        whys,
        [
            (AttemptReason::First, Some("ServiceUnavailableException")),
            (AttemptReason::Retry, Some("ServiceUnavailableException")),
            (AttemptReason::Retry, None),
        ]
    );
}

#[test]
fn what_is_no_answer_and_what_is_refused_is_told_as_an_error() {
    let config = config(vec![bedrock("one")]);
    let mut client = ask(&config, "/v1/embeddings", &json!({"model": TITAN, "input": ["a", "b"]}));
    client.answer(200, "", &vector(0));
    client.answer(400, "", &json!({"message": "Too many input tokens."}));
    assert_eq!((client.status, client.json()["error"]["message"].as_str()), (400, Some("Too many input tokens.")));
    assert_eq!(client.record.unwrap().outcome, Outcome::Failed);
    let mut broken = ask(&config, "/v1/embeddings", &json!({"model": TITAN, "input": "a"}));
    broken.answer(200, "", &json!({"embedding": "x"}));
    assert_eq!((broken.status, broken.json()["error"]["code"].as_str()), (502, Some("upstream_protocol_error")));
}

#[test]
fn mistakes_are_told_before_any_call() {
    let config = config(vec![bedrock("one")]);
    for (path, body, message) in [
        ("/v1/embeddings", json!({"model": TITAN, "input": [1, 2]}), "`input` holds tokens"),
        ("/v1/embeddings", json!({"model": TITAN, "input": "a", "dimensions": 3}), "`dimensions` cannot be 3"),
        ("/v1/embeddings", json!({"model": "amazon.nova-lite-v1:0", "input": "a"}), "is not known to embed"),
        ("/v1/rerank", json!({"model": TITAN, "query": "q", "documents": ["a"]}), "is not known to rank"),
        ("/v2/rerank", json!({"model": RERANK, "documents": ["a"]}), "`query` is required"),
        (
            "/v1/chat/completions",
            json!({"model": TITAN, "messages": [{"role": "user", "content": "a"}]}),
            "does not chat: use /v1/embeddings",
        ),
    ] {
        let client = ask(&config, path, &body);
        let said = client.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(client.status == 400 && said.contains(message) && client.calls.is_empty(), "{path}: {said}");
    }
    let advice = ask(&config, "/v1/completions", &json!({"model": TITAN, "prompt": "a"}));
    assert_eq!((advice.status, advice.json()["error"]["code"].as_str()), (404, Some("unknown_url")));
    assert!(advice.said.contains("use /v1/chat/completions"), "{}", advice.said);
}

#[test]
fn documents_are_ranked() {
    let config = config(vec![bedrock("one")]);
    let body =
        json!({"model": RERANK, "query": "q", "documents": ["a", {"text": "b"}], "top_n": 2, "return_documents": true});
    let mut client = ask(&config, "/v2/rerank", &body);
    let sent = json!({"query": "q", "documents": ["a", "b"], "top_n": 2, "api_version": 2});
    assert_eq!(client.calls[0].2, sent);
    client.answer(
        200,
        "",
        &json!({"results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]}),
    );
    let answer = client.json();
    assert_eq!(answer["results"][0], json!({"document": {"text": "b"}, "index": 1, "relevance_score": 0.9}));
    assert_eq!(answer["meta"]["billed_units"], json!({"search_units": 1}));
    assert_eq!(client.record.unwrap().operation, "rerank");
}

#[test]
fn a_backend_of_the_dialect_gets_and_gives_all_as_it_came() {
    let service = Service::default();
    let config = config(vec![Backend::new("one", BackendKind::openai_chat("v1", service))]);
    // Tokens are nothing to Bedrock, and to such a backend its own affair.
    let body = json!({"model": "m", "input": [[1, 2], [3]], "x": {"y": 1}});
    let mut client = ask(&config, "/v1/embeddings", &body);
    assert_eq!(client.calls[0], (0, "/v1/embeddings".to_owned(), body));
    let answer = json!({"data": [{"embedding": "AACAPw=="}], "usage": {"prompt_tokens": 3, "total_tokens": 3}, "z": 1});
    client.answer(200, "", &answer);
    assert_eq!((client.status, client.said.clone()), (200, answer.to_string()));
    assert_eq!(client.record.unwrap().tokens.map(|tokens| tokens.input), Some(3));
    let mut ranked = ask(&config, "/v1/rerank", &json!({"model": "m", "query": "q", "documents": ["a"]}));
    assert_eq!(ranked.calls[0].1, "/v1/rerank");
    ranked.answer(200, "", &json!({"results": [{"index": 0, "relevance_score": 1}]}));
    assert_eq!((ranked.status, ranked.record.unwrap().operation), (200, "rerank"));
    let mut wrong = ask(&config, "/v1/embeddings", &json!({"model": "m", "input": "a"}));
    wrong.answer(200, "", &json!({"choices": []}));
    assert_eq!(wrong.status, 502);
}

#[test]
fn vectors_of_two_models_never_stand_in_one_answer() {
    let other = || Backend::new("two", BackendKind::openai_chat("v1", Service::default()));
    let config = config(vec![bedrock("one"), other()]);
    let mut client = ask(&config, "/v1/embeddings", &json!({"model": TITAN, "input": ["a", "b"]}));
    client.answer(200, "", &vector(0));
    for _ in 0..9 {
        if client.record.is_none() {
            client.answer(503, "", &json!({"message": "busy"}));
        }
    }
    assert_eq!(client.status, 503);
    assert!(client.calls.len() > 3 && client.calls.iter().all(|(backend, ..)| *backend == 0), "{:?}", client.calls);
    // Before there is any vector, another backend may be asked.
    let mut client = ask(&config, "/v1/embeddings", &json!({"model": TITAN, "input": ["a", "b"]}));
    for _ in 0..2 {
        client.answer(503, "", &json!({"message": "busy"}));
    }
    assert_eq!((client.calls[2].0, client.calls[2].1.as_str()), (1, "/v1/embeddings"));
}

#[test]
fn encoders_are_listed_where_every_model_is_served() {
    let config = config(vec![bedrock("one")]);
    let (now, headers) = (Instant::now(), HeaderMap::new());
    let method = &Method::GET;
    let path = "/v1/models";
    let head = RequestHead { method, path, query: "", headers: &headers, port: None, random: 7, unix_seconds: 1, now };
    let health = Arc::new(BackendHealth::new(1, now));
    let exchange = Exchange::begin(Arc::clone(&config), health, HostTerms::default(), &head);
    let mut client =
        Client { exchange, calls: Vec::new(), status: 0, headers: HeaderMap::new(), said: String::new(), record: None };
    client.drain();
    for id in [TITAN, RERANK, "us.cohere.embed-v4:0", "global.cohere.embed-v4:0"] {
        assert!(client.said.contains(&format!("\"id\":\"{id}\"")), "{id}");
    }
    assert!(!client.said.contains("nova-2-multimodal") && !client.said.contains("\"cohere.embed-\""));
}
