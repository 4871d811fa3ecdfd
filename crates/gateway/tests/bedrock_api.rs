//! Clients of Bedrock's own API: what they ask and what they are told is Bedrock's, byte for byte, but for its retries.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, which may look at the clock")]

use aquifer_gateway::auth::{KeyDigest, KeyRing};
use aquifer_gateway::config::{Backend, BackendKind, Config, ReasoningPolicy, Service};
use aquifer_gateway::exchange::{Call, CallId, Exchange, HostLimits, HostTerms, Input, Output, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::record::{Outcome, Record};
use aquifer_gateway::restore::Forgetful;
use aquifer_gateway::translate::model::reasoning::Effort;
use aquifer_gateway::translate::wire::eventstream::{Decoder, Frame, Kind};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const OPUS: &str = "us.anthropic.claude-opus-4-8";
const HAIKU: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const ARN: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123";
const STREAM: &str = "application/vnd.amazon.eventstream";

/// A client's request under way, and what it was told.
struct Client {
    exchange: Exchange,
    calls: Vec<Call>,
    status: u16,
    headers: HeaderMap,
    said: Vec<u8>,
    kept: usize,
    record: Option<Record>,
    now: Instant,
}

fn backend(name: &str, models: &[&str]) -> Backend {
    let models = models.iter().map(|model| (*model).to_owned()).collect();
    let region = Some("us-east-1".to_owned());
    let base_models = vec![(ARN.to_owned(), "anthropic.claude-opus-4-8".to_owned())];
    Backend::new(name, BackendKind::bedrock(Service { region, models, base_models, ..Service::default() }))
}

fn config(models: &[&str]) -> Config {
    Config { backends: vec![backend("one", models)], ..Config::default() }
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

fn ask_with(config: Config, terms: HostTerms, path: &str, body: &[u8], shown: &HeaderMap) -> Client {
    let (now, method) = (Instant::now(), if body.is_empty() { Method::GET } else { Method::POST });
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let head =
        RequestHead { method: &method, path, query, headers: shown, port: None, random: 7, unix_seconds: 1, now };
    let health = Arc::new(BackendHealth::new(config.backends.len(), now));
    let mut exchange = Exchange::begin(Arc::new(config), health, terms, &head);
    exchange.handle(Input::Body { head: &head, bytes: Bytes::copy_from_slice(body), turns: &Forgetful }, now);
    let mut client = Client {
        exchange,
        calls: Vec::new(),
        status: 0,
        headers: HeaderMap::new(),
        said: Vec::new(),
        kept: 0,
        record: None,
        now,
    };
    client.drain();
    client
}

fn ask(config: Config, path: &str, body: &[u8]) -> Client {
    ask_with(config, HostTerms::default(), path, body, &HeaderMap::new())
}

impl Client {
    fn drain(&mut self) {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Call(call) => self.calls.push(*call),
                Output::Head { status, headers, .. } => (self.status, self.headers) = (status.as_u16(), headers),
                Output::Body(bytes) => self.said.extend_from_slice(&bytes),
                Output::Keep(_) => self.kept += 1,
                Output::Done(record) => self.record = Some(*record),
                _ => {}
            }
        }
    }

    fn call(&self) -> &Call {
        self.calls.last().unwrap()
    }

    fn head(&mut self, status: u16, headers: &HeaderMap) {
        let status = StatusCode::from_u16(status).unwrap();
        self.exchange.handle(Input::UpstreamHead { status, headers }, self.now);
        self.drain();
    }

    fn body(&mut self, bytes: &[u8]) {
        self.exchange.handle(Input::UpstreamBody(bytes), self.now);
        self.drain();
    }

    fn end(&mut self) {
        self.exchange.handle(Input::UpstreamEnd, self.now);
        self.drain();
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.said).unwrap()
    }

    fn record(&self) -> &Record {
        self.record.as_ref().unwrap()
    }
}

fn framed(kind: Kind<'_>, payload: &str) -> BytesMut {
    let mut out = BytesMut::new();
    Frame { kind, content_type: Some("application/json"), payload: payload.as_bytes() }.write(&mut out).unwrap();
    out
}

fn text(said: &str) -> BytesMut {
    framed(
        Kind::Event("contentBlockDelta"),
        &format!(r#"{{"contentBlockIndex":0,"delta":{{"text":"{said}"}},"p":"abcdef"}}"#),
    )
}

fn start() -> BytesMut {
    framed(Kind::Event("messageStart"), r#"{"role":"assistant","p":"ab"}"#)
}

fn stop() -> [BytesMut; 2] {
    [
        framed(Kind::Event("messageStop"), r#"{"stopReason":"end_turn"}"#),
        framed(Kind::Event("metadata"), r#"{"usage":{"inputTokens":3,"outputTokens":5,"totalTokens":8}}"#),
    ]
}

fn kinds(mut bytes: &[u8]) -> Vec<String> {
    let (mut decoder, mut kinds) = (Decoder::default(), Vec::new());
    while let Some(frame) = decoder.next(&mut bytes).unwrap() {
        kinds.push(match frame.kind {
            Kind::Event(name) | Kind::Exception(name) => name.to_owned(),
            Kind::Error { code, .. } => code.to_owned(),
        });
    }
    assert!(!decoder.is_mid_frame());
    kinds
}

fn of_stream() -> HeaderMap {
    headers(&[
        ("content-type", STREAM),
        ("x-amzn-requestid", "r-1"),
        ("x-amzn-bedrock-content-type", "application/json"),
        ("server", "s"),
    ])
}

#[test]
fn a_request_goes_on_as_it_came_to_the_model_of_its_path() {
    let body = br#"{ "messages" : [{"role":"user","content":[{"text":"Hi"}]}],"whatever":1 }"#;
    let sigv4 = headers(&[
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0",
        ),
        ("x-amz-date", "20260101T000000Z"),
        ("accept", "application/json"),
        ("x-amzn-bedrock-trace", "ENABLED"),
    ]);
    for (path, sent) in [
        (format!("/model/{HAIKU}/converse"), "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse"),
        (
            format!("/model/{}/converse-stream", HAIKU.replace(':', "%3A")),
            "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse-stream",
        ),
        (
            format!("/model/{}/invoke", ARN.replace('/', "%2F")),
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc123/invoke",
        ),
        (
            format!("/model/{}/invoke-with-response-stream", ARN.replace('/', "%2F").replace(':', "%3A")),
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc123/invoke-with-response-stream",
        ),
        (
            format!("/model/{ARN}/converse"),
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc123/converse",
        ),
        (
            "/model/claude-haiku-4-5/converse".to_owned(),
            "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse",
        ),
        (format!("/model/{OPUS}/count-tokens"), "/model/anthropic.claude-opus-4-8/count-tokens"),
    ] {
        let client = ask_with(config(&[OPUS, HAIKU, ARN]), HostTerms::default(), &path, body, &sigv4);
        assert_eq!(String::from_utf8_lossy(&client.said), "", "{path}");
        assert_eq!((client.call().path.as_str(), &client.call().body[..]), (sent, &body[..]), "{path}");
        let mut names: Vec<&str> = client.call().headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "content-type", "x-amzn-bedrock-trace"], "{path}");
    }
}

#[test]
fn a_stream_comes_back_byte_for_byte_however_it_is_cut() {
    let sent = [start(), text("Hello"), text(" there")].into_iter().chain(stop()).collect::<Vec<_>>().concat();
    for size in [1, 5, 64, sent.len()] {
        let mut client = ask(config(&[OPUS]), &format!("/model/{OPUS}/converse-stream"), b"{}");
        client.head(200, &of_stream());
        assert_eq!(client.status, 0, "nothing is told before there is content");
        sent.chunks(size).for_each(|part| client.body(part));
        client.end();
        assert_eq!(client.said, sent);
        assert_eq!((client.status, &client.headers["content-type"]), (200, &HeaderValue::from_static(STREAM)));
        assert_eq!(
            (&client.headers["x-amzn-requestid"], client.headers.get("server")),
            (&HeaderValue::from_static("r-1"), None)
        );
        assert_eq!(client.headers["x-amzn-bedrock-content-type"], "application/json");
        let record = client.record();
        assert_eq!((record.outcome, record.finish_reason), (Outcome::Answered, Some("end_turn")));
        assert_eq!(record.tokens.map(|tokens| (tokens.input, tokens.output)), Some((3, 5)));
        assert_eq!((record.provider, record.operation, record.stream), ("aws.bedrock", "chat", true));
        assert!(record.time_to_first_content.is_some());
        assert_eq!(record.attempts[0].upstream_request_id.as_deref(), Some("r-1"));
    }
}

#[test]
fn what_fails_before_content_is_tried_again_and_else_told_as_it_came() {
    let throttled = framed(Kind::Exception("throttlingException"), r#"{"message":"Too many requests","p":"x"}"#);
    let failed = [start(), throttled].concat();
    let mut client = ask(config(&[OPUS]), &format!("/model/{OPUS}/converse-stream"), b"{}");
    client.head(200, &of_stream());
    client.body(&failed);
    assert_eq!((client.calls.len(), client.status), (2, 0));
    client.head(200, &of_stream());
    client.body(&failed);
    while client.record.is_none() {
        client.head(200, &of_stream());
        client.body(&failed);
    }
    assert_eq!((client.said.as_slice(), client.status), (&failed[..], 200));
    assert_eq!(client.headers["content-type"], STREAM);
    assert_eq!(
        (client.record().outcome, client.record().fault.as_deref()),
        (Outcome::Failed, Some("ThrottlingException"))
    );
    // A refusal by its status.
    let refusal = headers(&[
        ("content-type", "application/json"),
        ("x-amzn-errortype", "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/"),
        ("x-amzn-requestid", "r-2"),
    ]);
    let body = br#"{"message":"The provided model identifier is invalid."}"#;
    let mut client = ask(config(&[OPUS]), &format!("/model/{OPUS}/converse"), b"{}");
    client.head(400, &refusal);
    client.body(body);
    client.end();
    assert_eq!((client.status, client.said.as_slice()), (400, &body[..]));
    assert_eq!(client.headers["x-amzn-errortype"], refusal["x-amzn-errortype"]);
    assert_eq!(client.headers["x-amzn-requestid"], "r-2");
    // What the service answers to a path that it does not know.
    let body = br#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#;
    for operation in ["converse", "converse-stream"] {
        let mut client = ask(config(&[OPUS]), &format!("/model/{OPUS}/{operation}"), b"{}");
        client.head(200, &headers(&[("content-type", "application/json")]));
        client.body(body);
        client.end();
        assert_eq!((client.status, client.said.as_slice()), (200, &body[..]), "{operation}");
        assert_eq!(client.record().outcome, Outcome::Failed);
    }
}

#[test]
fn a_stream_that_breaks_ends_with_an_exception_of_its_own() {
    let begun = [start(), text("Hello")].concat();
    let exception = framed(Kind::Exception("modelStreamErrorException"), r#"{"message":"m","originalStatusCode":500}"#);
    let mut client = ask(config(&[OPUS]), &format!("/model/{OPUS}/converse-stream"), b"{}");
    client.head(200, &of_stream());
    client.body(&begun);
    client.body(&exception);
    assert_eq!(client.said, [&begun[..], &exception].concat());
    assert_eq!((client.record().outcome, client.calls.len()), (Outcome::Failed, 1));
    let mut cut = ask(config(&[OPUS]), &format!("/model/{OPUS}/converse-stream"), b"{}");
    cut.head(200, &of_stream());
    cut.body(&begun);
    cut.body(&text("there")[..30]);
    cut.end();
    assert_eq!(kinds(&cut.said), ["messageStart", "contentBlockDelta", "modelStreamErrorException"]);
    assert_eq!(cut.record().outcome, Outcome::Failed);
}

#[test]
fn a_client_with_an_early_head_hears_of_failures_behind_it_and_of_nothing_before() {
    let second = Duration::from_secs(1);
    let limits = HostLimits { early_head: Some(second), keep_alive: Some(second / 2), ..HostLimits::default() };
    let terms = HostTerms { limits, ..HostTerms::default() };
    let path = format!("/model/{OPUS}/invoke-with-response-stream");
    let mut client = ask_with(config(&[OPUS]), terms, &path, b"{}", &HeaderMap::new());
    client.now = client.exchange.poll_timeout(client.now).unwrap();
    client.exchange.handle(Input::Timeout, client.now);
    client.drain();
    assert_eq!(
        (client.status, client.said.len(), &client.headers["content-type"]),
        (200, 0, &HeaderValue::from_static(STREAM))
    );
    client.head(500, &headers(&[("x-amzn-errortype", "InternalServerException")]));
    client.body(br#"{"message":"m"}"#);
    client.end();
    assert_eq!(kinds(&client.said), ["internalServerException"]);
}

#[test]
fn whole_answers_come_back_and_are_counted() {
    let body = br#"{ "results":[{"outputText":"Hi"}] }"#;
    let mut client = ask(
        config(&["amazon.titan-text-express-v1"]),
        "/model/amazon.titan-text-express-v1/invoke",
        b"{\"inputText\":\"a\"}",
    );
    client.head(
        200,
        &headers(&[
            ("content-type", "application/json"),
            ("x-amzn-bedrock-input-token-count", "4"),
            ("x-amzn-bedrock-output-token-count", "2"),
        ]),
    );
    client.body(&body[..7]);
    client.body(&body[7..]);
    client.end();
    assert_eq!((client.status, client.said.as_slice()), (200, &body[..]));
    assert_eq!(client.headers["x-amzn-bedrock-input-token-count"], "4");
    assert_eq!(client.record().tokens.map(|tokens| (tokens.input, tokens.output)), Some((4, 2)));
    let mut client = ask(config(&[OPUS]), &format!("/model/{OPUS}/count-tokens"), b"{}");
    client.head(200, &headers(&[("content-type", "application/json")]));
    client.body(br#"{"inputTokens":12}"#);
    client.end();
    assert_eq!((client.said.as_slice(), client.record().operation), (&br#"{"inputTokens":12}"#[..], "count_tokens"));
}

#[test]
fn the_version_that_an_older_claude_does_not_know_is_the_one_change() {
    let body = br#"{"anthropic_version":"2026-10-21","max_tokens":1}"#;
    let client = ask(config(&[HAIKU]), &format!("/model/{HAIKU}/invoke"), body);
    assert_eq!(&client.call().body[..], br#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":1}"#);
    let mut client = client;
    client.head(200, &headers(&[("content-type", "application/json")]));
    client.body(br#"{"content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#);
    client.end();
    assert!(client.headers["x-aquifer-warning"].to_str().unwrap().contains("anthropic_version"));
    assert_eq!(client.record().warnings.len(), 1);
    let newer = ask(config(&[OPUS]), &format!("/model/{OPUS}/invoke"), body);
    assert_eq!(&newer.call().body[..], body);
}

#[test]
fn errors_of_the_gateway_are_in_the_shape_of_aws() {
    let missing = ask(config(&[OPUS]), "/model/nobody.serves-this/converse", b"{}");
    assert_eq!(
        (missing.status, &missing.headers["x-amzn-errortype"]),
        (404, &HeaderValue::from_static("ResourceNotFoundException"))
    );
    assert!(missing.json()["message"].as_str().unwrap().contains("nobody.serves-this"));
    assert_eq!(missing.headers["x-amzn-requestid"], "00000000-0000-0000-0000-000000000007");
    let unknown = ask(config(&[OPUS]), "/model/x/invoke-with-bidirectional-stream", b"{}");
    assert_eq!(
        (unknown.status, &unknown.headers["x-amzn-errortype"]),
        (404, &HeaderValue::from_static("UnknownOperationException"))
    );
    let s3 = br#"{"messages":[{"role":"user","content":[{"image":{"source":{"s3Location":{"uri":"s3://b/k"}}}}]}]}"#;
    let denied = ask(config(&[OPUS]), &format!("/model/{OPUS}/converse"), s3);
    assert_eq!(
        (denied.status, &denied.headers["x-amzn-errortype"]),
        (400, &HeaderValue::from_static("ValidationException"))
    );
    assert!(denied.calls.is_empty());
}

#[test]
fn keys_are_asked_for_and_signatures_are_told_what_to_do() {
    let guarded = || {
        let mut ring = KeyRing::default();
        ring.insert("alice", KeyDigest::of(b"secret"));
        Config { keys: Some(Arc::new(ring)), ..config(&[OPUS]) }
    };
    let path = format!("/model/{OPUS}/converse");
    let signed = headers(&[(
        "authorization",
        "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0",
    )]);
    let refused = ask_with(guarded(), HostTerms::default(), &path, b"{}", &signed);
    assert_eq!(
        (refused.status, &refused.headers["x-amzn-errortype"]),
        (403, &HeaderValue::from_static("AccessDeniedException"))
    );
    assert!(refused.json()["message"].as_str().unwrap().contains("AWS_BEARER_TOKEN_BEDROCK"));
    let bearer = headers(&[("authorization", "Bearer secret")]);
    let allowed = ask_with(guarded(), HostTerms::default(), &path, b"{}", &bearer);
    assert!(allowed.calls.len() == 1 && !allowed.call().headers.contains_key("authorization"));
    let mut both = signed;
    both.insert("x-api-key", HeaderValue::from_static("secret"));
    let allowed = ask_with(guarded(), HostTerms::default(), &path, b"{}", &both);
    assert!(allowed.calls.len() == 1 && !allowed.call().headers.contains_key("x-api-key"));
}

#[test]
fn another_backend_answers_where_the_first_one_does_not() {
    let second = Backend { name: "two".to_owned(), ..backend("two", &[OPUS]) };
    let mut config = config(&[OPUS]);
    config.backends.push(second);
    let mut client = ask(config, &format!("/model/{OPUS}/converse"), b"{}");
    let failed = aquifer_gateway::translate::fault::Unreachable::Connect("x".to_owned());
    client.exchange.handle_from(CallId::Primary, Input::UpstreamFailed(failed), client.now);
    client.drain();
    assert_eq!(client.calls.len(), 2);
    assert_eq!(client.calls[0].path, client.calls[1].path);
}

#[test]
fn reasoning_that_the_operator_hides_is_never_told() {
    let hidden = || {
        let mut config = config(&[OPUS]);
        config.backends[0].reasoning = Arc::new(ReasoningPolicy { hidden: true, ..ReasoningPolicy::default() });
        config
    };
    let refused = ask(hidden(), &format!("/model/{OPUS}/invoke"), b"{}");
    assert_eq!((refused.status, refused.calls.len()), (400, 0));
    let thought = framed(
        Kind::Event("contentBlockDelta"),
        r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"secret thought"}}}"#,
    );
    let ended = framed(Kind::Event("contentBlockStop"), r#"{"contentBlockIndex":0}"#);
    let mut client = ask(hidden(), &format!("/model/{OPUS}/converse-stream"), b"{}");
    client.head(200, &of_stream());
    let shown = [start(), text("Hello")].into_iter().chain(stop()).collect::<Vec<_>>();
    client.body(&[&shown[0], &thought, &ended].map(|frame| &frame[..]).concat());
    client.body(&shown[1..].concat());
    client.end();
    assert_eq!(client.said, shown.concat());
    assert!(client.record().reasoned);
    let mut client = ask(hidden(), &format!("/model/{OPUS}/converse"), b"{}");
    client.head(200, &headers(&[("content-type", "application/json")]));
    let whole = json!({"output": {"message": {"role": "assistant", "content": [
        {"reasoningContent": {"reasoningText": {"text": "secret thought"}}}, {"text": "Hi"}]}}, "stopReason": "end_turn"});
    client.body(whole.to_string().as_bytes());
    client.end();
    assert_eq!(client.json()["output"]["message"]["content"], json!([{"text": "Hi"}]));
}

#[test]
fn limits_of_reasoning_hold_in_every_words() {
    let limited = |path: &str, body: &Value| {
        let mut config = config(&[OPUS]);
        let policy =
            ReasoningPolicy { most_effort: Some(Effort::Low), most_budget: Some(2000), ..ReasoningPolicy::default() };
        config.backends[0].reasoning = Arc::new(policy);
        let client = ask(config, path, body.to_string().as_bytes());
        serde_json::from_slice::<Value>(&client.call().body).unwrap()
    };
    let converse = json!({"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 9000},
        "output_config": {"effort": "max", "format": {"schema": {"properties": {"effort": {"type": "string"}}}}}},
        "outputConfig": {"effort": "high"}, "requestMetadata": {"effort": "high"},
        "toolConfig": {"tools": [{"toolSpec": {"inputSchema": {"json": {"properties": {"effort": {}}}}}}]}});
    let sent = limited(&format!("/model/{OPUS}/converse"), &converse);
    let mut expected = converse;
    expected["additionalModelRequestFields"]["thinking"]["budget_tokens"] = json!(2000);
    expected["additionalModelRequestFields"]["output_config"]["effort"] = json!("low");
    expected["outputConfig"]["effort"] = json!("low");
    assert_eq!(sent, expected);
    let sent =
        limited(&format!("/model/{OPUS}/invoke"), &json!({"thinking": {"budget_tokens": 9000}, "max_tokens": 99999}));
    assert_eq!(sent, json!({"thinking": {"budget_tokens": 2000}, "max_tokens": 99999}));
}

#[test]
fn inference_profiles_are_those_that_are_served() {
    let listed = ask(config(&[OPUS, HAIKU, ARN, "my-alias"]), "/inference-profiles?type=SYSTEM_DEFINED", b"");
    let ids: Vec<Value> = listed.json()["inferenceProfileSummaries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["inferenceProfileId"].clone())
        .collect();
    assert_eq!((listed.status, ids), (200, vec![json!(OPUS), json!(HAIKU)]));
    let path = format!("/inference-profiles/{}", ARN.replace(':', "%3A").replace('/', "%2F"));
    let one = ask(config(&[OPUS, ARN]), &path, b"");
    assert_eq!(
        one.json()["models"][0]["modelArn"],
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-8"
    );
    assert_eq!((one.json()["type"].as_str(), one.status), (Some("APPLICATION"), 200));
    let none = ask(config(&[OPUS]), &path, b"");
    assert_eq!(
        (none.status, &none.headers["x-amzn-errortype"]),
        (404, &HeaderValue::from_static("ResourceNotFoundException"))
    );
}

#[test]
fn a_turn_with_tools_is_remembered_for_whoever_continues_the_conversation() {
    let body = json!({"messages": [{"role": "user", "content": [{"text": "Weather?"}]}], "toolConfig": {"tools": []}});
    let called = [
        framed(
            Kind::Event("contentBlockDelta"),
            r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hm"}}}"#,
        ),
        framed(
            Kind::Event("contentBlockDelta"),
            r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"s"}}}"#,
        ),
        framed(Kind::Event("contentBlockStop"), r#"{"contentBlockIndex":0}"#),
        framed(
            Kind::Event("contentBlockStart"),
            r#"{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t1","name":"f"}}}"#,
        ),
        framed(Kind::Event("contentBlockDelta"), r#"{"contentBlockIndex":1,"delta":{"toolUse":{"input":"{}"}}}"#),
        framed(Kind::Event("contentBlockStop"), r#"{"contentBlockIndex":1}"#),
    ];
    let sent = [&[start()][..], &called, &stop()].concat().concat();
    let mut client = ask(config(&[OPUS]), &format!("/model/{OPUS}/converse-stream"), body.to_string().as_bytes());
    client.head(200, &of_stream());
    client.body(&sent);
    client.end();
    assert_eq!((client.said.as_slice(), client.kept, client.record().turns.kept), (&sent[..], 1, 1));
    let claude = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "tools": [{"name": "f"}],
        "messages": [{"role": "user", "content": "Weather?"}]});
    let mut client = ask(config(&[OPUS]), &format!("/model/{OPUS}/invoke"), claude.to_string().as_bytes());
    client.head(200, &headers(&[("content-type", "application/json")]));
    client.body(br#"{"content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"tool_use","id":"t1","name":"f","input":{}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1}}"#);
    client.end();
    assert_eq!((client.kept, client.record().finish_reason), (1, Some("tool_use")));
}
