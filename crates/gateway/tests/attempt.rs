//! An attempt by itself, as a host drives it that chose the backend and makes the one call.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, which may look at the clock")]

use aquifer_gateway::config::{Backend, BackendKind, Config, Service};
use aquifer_gateway::exchange::attempt::{Attempt, Told, UpstreamRequest};
use aquifer_gateway::exchange::{ChosenBackend, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::restore::Forgetful;
use aquifer_gateway::translate::Fault;
use aquifer_testing::frames::frame;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::sync::Arc;
use std::time::Instant;

const MODEL: &str = "anthropic.claude-sonnet-4-20250514-v1:0";

fn begin(backend: usize, body: &str) -> Result<(Attempt, UpstreamRequest), Fault> {
    begin_at("/v1/chat/completions", backend, body)
}

fn begin_at(path: &str, backend: usize, body: &str) -> Result<(Attempt, UpstreamRequest), Fault> {
    begin_with(path, backend, Some(MODEL), body)
}

fn begin_with(
    path: &str,
    backend: usize,
    model_id: Option<&str>,
    body: &str,
) -> Result<(Attempt, UpstreamRequest), Fault> {
    let region = Some("us-east-1".to_owned());
    let bedrock = BackendKind::bedrock(Service { region, ..Service::default() });
    let openai = BackendKind::openai_chat("v1", Service::default());
    let backends = vec![Backend::new("bedrock", bedrock), Backend::new("openai", openai)];
    let config = Arc::new(Config { backends, ..Config::default() });
    let (mut headers, now) = (HeaderMap::new(), Instant::now());
    headers.insert("anthropic-beta", HeaderValue::from_static("nobody-2031-01-01"));
    let health = Arc::new(BackendHealth::new(2, now));
    let method = &Method::POST;
    let head = RequestHead { method, path, query: "", headers: &headers, port: None, random: 7, unix_seconds: 1, now };
    let chosen = ChosenBackend { config: &config, health: &health, backend, model_id };
    Attempt::write(chosen, &head, Bytes::copy_from_slice(body.as_bytes()), &Forgetful)
}

fn body(stream: bool) -> String {
    format!(r#"{{"model": "m", "stream": {stream}, "messages": [{{"role": "user", "content": "Hello?"}}]}}"#)
}

fn head(attempt: &mut Attempt, status: u16, kind: &'static str) -> Result<(), Fault> {
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
    attempt.head(StatusCode::from_u16(status).unwrap(), &headers)
}

/// What the client is told of a stream that comes in pieces of this size, and its finish reason.
fn streamed(attempt: &mut Attempt, bytes: &[u8], size: usize) -> (String, Option<&'static str>) {
    let (mut said, mut told) = (String::new(), Told::default());
    for piece in bytes.chunks(size) {
        told.clear();
        attempt.body(piece, !said.is_empty(), &mut told).unwrap();
        said.push_str(std::str::from_utf8(told.stream.as_deref().unwrap_or_default()).unwrap());
    }
    told.clear();
    attempt.end(!said.is_empty(), &mut told).unwrap();
    said.push_str(std::str::from_utf8(told.stream.as_deref().unwrap_or_default()).unwrap());
    (said, told.end.unwrap().finish_reason)
}

#[test]
fn a_stream_is_told_wherever_it_is_cut() {
    let frames = [
        frame("messageStart", r#"{"role":"assistant"}"#),
        frame("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Hm."}}}"#),
        frame("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"text":"Hello"}}"#),
        frame("messageStop", r#"{"stopReason":"end_turn"}"#),
        frame("metadata", r#"{"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#),
    ]
    .concat();
    let told = |size: usize| {
        let (mut attempt, request) = begin(0, &body(true)).unwrap();
        assert_eq!(request.path, "/model/anthropic.claude-sonnet-4-20250514-v1%3A0/converse-stream");
        head(&mut attempt, 200, "application/vnd.amazon.eventstream").unwrap();
        streamed(&mut attempt, &frames, size)
    };
    let (whole, reason) = told(frames.len());
    assert!(whole.contains("Hm.") && whole.contains("Hello") && whole.ends_with("data: [DONE]\n\n"), "{whole}");
    assert_eq!(reason, Some("stop"));
    for size in [1, 2, 7, 100] {
        assert_eq!(told(size), (whole.clone(), reason));
    }
}

#[test]
fn a_whole_answer_has_its_head() {
    let (mut attempt, request) = begin(0, &body(false)).unwrap();
    assert!(request.path.ends_with("/converse"));
    head(&mut attempt, 200, "application/json").unwrap();
    let mut told = Told::default();
    let answer = br#"{"output":{"message":{"content":[{"text":"Hi"}]}},"stopReason":"end_turn","usage":{}}"#;
    attempt.body(answer, false, &mut told).unwrap();
    assert!(told.whole.is_none() && told.stream.is_none());
    attempt.end(false, &mut told).unwrap();
    let whole = told.whole.unwrap();
    assert!(whole.status == StatusCode::OK && whole.headers[header::CONTENT_TYPE] == "application/json");
    assert!(std::str::from_utf8(&whole.body).unwrap().contains("\"Hi\""));
}

#[test]
fn a_refusal_is_a_fault_and_a_broken_stream_is_told_inside() {
    let (mut attempt, _) = begin(0, &body(true)).unwrap();
    head(&mut attempt, 429, "application/json").unwrap();
    let mut told = Told::default();
    attempt.body(br#"{"message":"Too many requests"}"#, false, &mut told).unwrap();
    assert!(matches!(attempt.end(false, &mut told), Err(Fault::Refused(refusal)) if refusal.status == 429));
    assert!(attempt.take_refusal().is_none());
    let (mut attempt, _) = begin(0, &body(true)).unwrap();
    head(&mut attempt, 200, "application/vnd.amazon.eventstream").unwrap();
    let start = frame("messageStart", r#"{"role":"assistant"}"#);
    let text = frame("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Hello"}}"#);
    attempt.body(&[start, text].concat(), false, &mut told).unwrap();
    assert!(told.stream.is_some());
    let fault = attempt.end(true, &mut told).unwrap_err();
    let mut out = BytesMut::new();
    assert!(attempt.fail(&fault, true, &mut out));
    assert!(std::str::from_utf8(&out).unwrap().contains("\"error\""));
}

#[test]
fn a_service_of_the_clients_dialect_is_relayed() {
    let (mut attempt, request) = begin(1, &body(true)).unwrap();
    assert_eq!(request.path, "/v1/chat/completions");
    assert!(std::str::from_utf8(&request.body).unwrap().contains(MODEL));
    head(&mut attempt, 200, "text/event-stream").unwrap();
    let stream =
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    assert_eq!(streamed(&mut attempt, stream.as_bytes(), 9), (stream.to_owned(), Some("stop")));
    let (mut refused, _) = begin(1, &body(true)).unwrap();
    head(&mut refused, 400, "application/json").unwrap();
    let mut told = Told::default();
    refused.body(b"{\"error\":{\"message\":\"no\"}}", false, &mut told).unwrap();
    assert!(refused.end(false, &mut told).is_err());
    assert_eq!(&refused.take_refusal().unwrap().body[..], b"{\"error\":{\"message\":\"no\"}}");
}

#[test]
fn a_mistake_of_the_client_is_told_before_any_call() {
    let Err(fault) = begin(0, r#"{"model": "m"}"#) else { panic!("no messages") };
    assert!(matches!(fault, Fault::ClientMistaken(_)), "{fault:?}");
    assert!(matches!(begin(9, &body(true)), Err(Fault::Ours(_))));
}

#[test]
fn betas_of_the_header_are_read_and_a_backend_of_another_dialect_is_spoken_to_in_its_own() {
    let body = r#"{"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello?"}]}"#;
    let (attempt, _) = begin_at("/v1/messages", 0, body).unwrap();
    let head = attempt.stream_head();
    let warnings: Vec<&str> = head.get_all("x-aquifer-warning").iter().map(|it| it.to_str().unwrap()).collect();
    assert!(warnings.iter().any(|warning| warning.contains("beta")), "{warnings:?}");
    let (_, request) = begin_at("/v1/messages", 1, body).unwrap();
    assert_eq!(request.path, "/v1/chat/completions");
}

/// What a client is told of an answer that comes whole, with its status.
fn told_whole(attempt: &mut Attempt, answer: &[u8]) -> (u16, String) {
    head(attempt, 200, "application/json").unwrap();
    let mut told = Told::default();
    attempt.body(answer, false, &mut told).unwrap();
    attempt.end(false, &mut told).unwrap();
    let whole = told.whole.unwrap();
    assert!(told.end.is_some() && whole.headers[header::CONTENT_TYPE] == "application/json");
    (whole.status.as_u16(), std::str::from_utf8(&whole.body).unwrap().to_owned())
}

#[test]
fn tokens_are_counted_in_each_dialect() {
    for (path, body, told) in [
        (
            "/v1/messages/count_tokens",
            r#""messages": [{"role": "user", "content": "Hello?"}]"#,
            r#"{"input_tokens":12}"#,
        ),
        (
            "/v1/responses/input_tokens",
            r#""input": "Hello?""#,
            r#"{"object":"response.input_tokens","input_tokens":12}"#,
        ),
    ] {
        let (mut attempt, request) = begin_at(path, 0, &format!(r#"{{"model": "m", {body}}}"#)).unwrap();
        assert_eq!(request.path, "/model/anthropic.claude-sonnet-4-20250514-v1%3A0/count-tokens");
        assert!(request.body.starts_with(br#"{"input":"#), "{:?}", request.body);
        assert_eq!(told_whole(&mut attempt, br#"{"inputTokens":12}"#), (200, told.to_owned()), "{path}");
    }
}

#[test]
fn what_is_passed_through_comes_as_it_came() {
    let body = r#"{ "messages":[{"role":"user","content":[{"text":"Hello?"}]}] }"#;
    let path = |operation: &str| format!("/model/whatever/{operation}");
    let (mut attempt, request) = begin_at(&path("converse-stream"), 0, body).unwrap();
    let sent = "/model/anthropic.claude-sonnet-4-20250514-v1%3A0/converse-stream";
    assert_eq!((request.path.as_str(), &request.body[..]), (sent, body.as_bytes()));
    let frames = [
        frame("messageStart", r#"{"role":"assistant"}"#),
        frame("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Hello"}}"#),
        frame("messageStop", r#"{"stopReason":"end_turn"}"#),
        frame("metadata", r#"{"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#),
    ]
    .concat();
    head(&mut attempt, 200, "application/vnd.amazon.eventstream").unwrap();
    let (mut said, mut told) = (Vec::new(), Told::default());
    for piece in frames.chunks(5) {
        told.clear();
        attempt.body(piece, !said.is_empty(), &mut told).unwrap();
        said.extend_from_slice(told.stream.as_deref().unwrap_or_default());
    }
    told.clear();
    attempt.end(true, &mut told).unwrap();
    said.extend_from_slice(told.stream.as_deref().unwrap_or_default());
    assert_eq!((said, told.end.unwrap().finish_reason), (frames, Some("end_turn")));
    for operation in ["converse", "invoke", "count-tokens"] {
        let (mut attempt, request) = begin_at(&path(operation), 0, body).unwrap();
        assert_eq!(&request.body[..], body.as_bytes());
        let answer = r#"{ "inputTokens":1,"output":{"message":{"content":[]}},"stopReason":"end_turn","content":[] }"#;
        assert_eq!(told_whole(&mut attempt, answer.as_bytes()), (200, answer.to_owned()), "{operation}");
    }
    let (_, request) = begin_at(&path("converse"), 1, body).unwrap();
    assert_eq!(request.path, "/v1/chat/completions", "a service of OpenAI's dialect");
    assert!(matches!(begin_at(&path("invoke"), 1, body), Err(Fault::ClientMistaken(_))));
}

#[test]
fn an_encoder_that_is_asked_once_answers_alone() {
    let asked = |path: &str, backend: usize, model: &str, rest: &str| {
        begin_with(path, backend, Some(model), &format!(r#"{{"model": "m", {rest}}}"#))
    };
    let cohere = "cohere.embed-english-v3";
    let (mut attempt, request) = asked("/v1/embeddings", 0, cohere, r#""input": ["a", "b"]"#).unwrap();
    assert_eq!(request.path, "/model/cohere.embed-english-v3/invoke");
    let (_, told) = told_whole(&mut attempt, br#"{"embeddings":{"float":[[0.5],[0.25]]}}"#);
    assert!(told.contains(r#""embedding":[0.5]"#) && told.contains(r#""embedding":[0.25]"#), "{told}");
    let rank = r#""query": "q", "documents": ["a", "b"]"#;
    let (mut attempt, request) = asked("/v1/rerank", 0, "cohere.rerank-v3-5:0", rank).unwrap();
    assert_eq!(request.path, "/model/cohere.rerank-v3-5%3A0/invoke");
    let answer = br#"{"results":[{"index":1,"relevance_score":0.5},{"index":0,"relevance_score":0.25}]}"#;
    assert!(told_whole(&mut attempt, answer).1.contains(r#""index":1,"relevance_score":0.5"#));
    let titan = asked("/v1/embeddings", 0, "amazon.titan-embed-text-v2:0", r#""input": ["a", "b"]"#);
    assert!(matches!(titan, Err(Fault::Ours(why)) if why.contains("several calls")), "one input a call");
    assert!(matches!(asked("/v1/embeddings", 0, cohere, r#""input": []"#), Err(Fault::ClientMistaken(_))));
    let (mut relayed, request) =
        asked("/v1/embeddings", 1, "text-embedding-3", r#""input": ["a"], "newer": 1"#).unwrap();
    assert_eq!(request.path, "/v1/embeddings");
    let answer = r#"{ "object":"list","data":[{"embedding":[1]}],"usage":{"prompt_tokens":1} }"#;
    assert_eq!(told_whole(&mut relayed, answer.as_bytes()), (200, answer.to_owned()));
}

#[test]
fn what_needs_no_call_is_no_attempt() {
    for path in ["/v1/models", "/v1/responses/resp_1", "/nowhere"] {
        assert!(begin_at(path, 0, "{}").is_err(), "{path}");
    }
    let responses = r#"{"model": "m", "input": "Hello?", "store": false}"#;
    let (mut attempt, request) = begin_at("/v1/responses", 0, responses).unwrap();
    assert!(request.path.ends_with("/converse"));
    let answer = br#"{"output":{"message":{"content":[{"text":"Hi"}]}},"stopReason":"end_turn","usage":{}}"#;
    assert!(told_whole(&mut attempt, answer).1.contains(r#""object":"response""#));
    assert_eq!(begin_at("/v1/responses", 1, responses).unwrap().1.path, "/v1/chat/completions");
}
