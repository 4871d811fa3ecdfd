//! Whatever happens to an exchange, in whatever order, it ends in exactly one record.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, which may look at the clock")]

use aquifer_gateway::config::{Backend, BackendKind, Config, Service};
use aquifer_gateway::exchange::{Exchange, HostLimits, HostTerms, Input, Output, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::record::{Outcome, Record};
use aquifer_gateway::restore::Forgetful;
use aquifer_gateway::translate::fault::Unreachable;
use aquifer_testing::frames::frame;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

const MODEL: &str = "anthropic.claude-3-5-sonnet-20241022-v2:0";
/// It answers whole when it is offered tools.
const WHOLE: &str = "meta.llama3-3-70b-instruct-v1:0";

/// A model that takes no stop sequences.
const STOPLESS: &str = "openai.gpt-oss-120b-1:0";

fn config() -> Arc<Config> {
    let models = [MODEL, WHOLE, STOPLESS, "own-model"].map(str::to_owned).to_vec();
    let bedrock = Service { region: Some("us-east-1".to_owned()), models, ..Service::default() };
    let kind = BackendKind::bedrock(bedrock);
    Arc::new(Config { backends: vec![Backend::new("one", kind)], ..Config::default() })
}

/// After how much silence a client hears a keep-alive.
const QUIET: Duration = Duration::from_millis(1);

fn begin(body: &str) -> Exchange {
    let head = RequestHead {
        method: &Method::POST,
        path: "/v1/chat/completions",
        query: "",
        headers: &HeaderMap::new(),
        port: None,
        random: 7,
        unix_seconds: 1,
        now: Instant::now(),
    };
    let limits = HostLimits { keep_alive: Some(QUIET), ..HostLimits::default() };
    let terms = HostTerms { limits, ..HostTerms::default() };
    let mut exchange = Exchange::begin(config(), Arc::new(BackendHealth::new(1, head.now)), terms, &head);
    exchange.handle(Input::Body { head: &head, bytes: Bytes::from(body.to_owned()), turns: &Forgetful }, head.now);
    exchange
}

fn body(stream: bool) -> String {
    format!(r#"{{"model": "{MODEL}", "stream": {stream}, "messages": [{{"role": "user", "content": "Hello?"}}]}}"#)
}

fn played() -> String {
    let tools = r#"[{"type": "function", "function": {"name": "f"}}]"#;
    body(true).replace(MODEL, WHOLE).replace(r#""messages""#, &format!(r#""tools": {tools}, "messages""#))
}

/// Things that can happen.
const EVENTS: usize = 12;

fn happen(exchange: &mut Exchange, event: usize) {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/vnd.amazon.eventstream"));
    let now = Instant::now();
    let bytes = match event {
        0 => return exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, now),
        1 => {
            headers.insert("x-amzn-errortype", HeaderValue::from_static("ThrottlingException"));
            let status = StatusCode::TOO_MANY_REQUESTS;
            return exchange.handle(Input::UpstreamHead { status, headers: &headers }, now);
        }
        2 => return exchange.handle(Input::UpstreamEnd, now),
        3 => return exchange.handle(Input::UpstreamFailed(Unreachable::Broken("reset".to_owned())), now),
        4 => return exchange.handle(Input::ClientGone, now),
        10 => {
            exchange.poll_timeout(now);
            return exchange.handle(Input::Timeout, now + QUIET);
        }
        5 => frame("messageStart", r#"{"role":"assistant"}"#),
        6 => frame("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Hello"}}"#),
        7 => [
            frame("messageStop", r#"{"stopReason":"end_turn"}"#),
            frame("metadata", r#"{"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#),
        ]
        .concat(),
        11 => br#"{"output":{"message":{"content":[{"text":"Hi"}]}},"stopReason":"end_turn"}"#.to_vec(),
        8 => frame("throttlingException", r#"{"message":"slow down"}"#),
        _ => b"this is no event stream, and no JSON either".to_vec(),
    };
    exchange.handle(Input::UpstreamBody(&bytes), now);
}

/// What an exchange did: heads, records, and whether anything came after the end.
#[derive(Default)]
struct Did {
    heads: usize,
    records: usize,
    late: bool,
    outcome: Option<String>,
}

fn drain(exchange: &mut Exchange, did: &mut Did) {
    while let Some(output) = exchange.poll() {
        did.late |= did.records > 0;
        match output {
            Output::Head { .. } => did.heads += 1,
            Output::Done(record) => {
                did.records += 1;
                did.outcome = Some(format!("{:?}", record.outcome));
            }
            _ => {}
        }
    }
}

#[test]
fn every_order_of_events_ends_in_one_record() {
    let mut orders = 0;
    for asked in [body(true), body(false), played()] {
        let length = if asked.contains(WHOLE) { 3 } else { 4 };
        for order in 0..EVENTS.pow(length) {
            let mut exchange = begin(&asked);
            let mut did = Did::default();
            drain(&mut exchange, &mut did);
            let events = [1, EVENTS, EVENTS.pow(2), EVENTS.pow(3)].map(|place| order / place % EVENTS);
            // The last two end everything that has not ended.
            for event in events.into_iter().chain([2, 4]) {
                happen(&mut exchange, event);
                drain(&mut exchange, &mut did);
            }
            assert_eq!(did.records, 1, "{asked}, {events:?}");
            assert!(did.heads <= 1 && !did.late, "{asked}, {events:?}");
            orders += 1;
        }
    }
    assert_eq!(orders, 2 * EVENTS.pow(4) + EVENTS.pow(3));
}

#[test]
fn a_client_that_leaves_after_the_end_was_answered() {
    for (events, outcome) in
        [(&[0, 5, 6, 7, 4][..], "Answered"), (&[0, 5, 6, 4], "Abandoned"), (&[0, 5, 6, 8], "Failed")]
    {
        let mut exchange = begin(&body(true));
        let mut did = Did::default();
        for event in events {
            happen(&mut exchange, *event);
        }
        drain(&mut exchange, &mut did);
        assert_eq!(did.outcome.as_deref(), Some(outcome), "{events:?}");
    }
}

/// The call that an exchange makes, and what it told and recorded since it was last asked.
fn told(exchange: &mut Exchange) -> (Option<Bytes>, String, Option<Record>) {
    let (mut call, mut told, mut record) = (None, Vec::new(), None);
    while let Some(output) = exchange.poll() {
        match output {
            Output::Call(made) => call = Some(made.body),
            Output::Body(bytes) => told.extend_from_slice(&bytes),
            Output::Done(done) => record = Some(*done),
            _ => {}
        }
    }
    (call, String::from_utf8(told).unwrap(), record)
}

fn text(text: &str) -> Vec<u8> {
    frame("contentBlockDelta", format!(r#"{{"contentBlockIndex":0,"delta":{{"text":"{text}"}}}}"#))
}

#[test]
fn a_stop_sequence_of_a_model_that_takes_none_ends_the_answer_and_its_call() {
    let mut exchange =
        begin(&body(true).replace(MODEL, STOPLESS).replace("\"stream\"", "\"stop\": \"END\", \"stream\""));
    happen(&mut exchange, 0);
    exchange.handle(Input::UpstreamBody(&text("It is EN")), Instant::now());
    assert!(told(&mut exchange).2.is_none());
    exchange.handle(Input::UpstreamBody(&text("D of it")), Instant::now());
    let (_, said, record) = told(&mut exchange);
    assert!(said.ends_with("data: [DONE]\n\n") && !said.contains("of it"), "{said}");
    let record = record.unwrap();
    assert_eq!((record.outcome, record.finish_reason, record.tokens), (Outcome::Answered, Some("stop"), None));
}

#[test]
fn a_refusal_of_stop_sequences_is_asked_again_without_them() {
    let mut exchange =
        begin(&body(false).replace(MODEL, "own-model").replace("\"stream\"", "\"stop\": \"END\", \"stream\""));
    assert!(told(&mut exchange).0.is_some_and(|body| body.windows(5).any(|word| word == b"\"END\"")));
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let now = Instant::now();
    exchange.handle(Input::UpstreamHead { status: StatusCode::BAD_REQUEST, headers: &headers }, now);
    let refusal =
        br#"{"message":"This model doesn't support the stopSequences field. Remove stopSequences and try again."}"#;
    exchange.handle(Input::UpstreamBody(refusal), now);
    exchange.handle(Input::UpstreamEnd, now);
    assert!(told(&mut exchange).0.is_some_and(|body| !body.windows(5).any(|word| word == b"\"END\"")));
    exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, now);
    let answer = br#"{"output":{"message":{"role":"assistant","content":[{"text":"It is END of it"}]}},"stopReason":"end_turn"}"#;
    exchange.handle(Input::UpstreamBody(answer), now);
    exchange.handle(Input::UpstreamEnd, now);
    let (_, said, record) = told(&mut exchange);
    assert!(said.contains(r#""content":"It is ""#), "{said}");
    assert_eq!(record.unwrap().finish_reason, Some("stop"));
}

#[test]
fn a_request_that_is_wrong_is_counted_by_its_model() {
    for wrong in [r#""n": 2"#, r#""temperature": "warm""#, r#""messages": 1"#, r#""logprobs": true"#] {
        let mut exchange = begin(&format!(r#"{{"model": "{MODEL}", {wrong}}}"#));
        let mut records = std::iter::from_fn(|| exchange.poll()).filter_map(|output| match output {
            Output::Done(record) => Some(record),
            _ => None,
        });
        assert_eq!(records.next().unwrap().model, MODEL, "{wrong}");
    }
}

#[test]
fn a_request_that_is_wrong_is_answered_at_once() {
    for wrong in ["", "{", r#"{"model": "nobody", "messages": [{"role": "user", "content": "x"}]}"#] {
        let mut exchange = begin(wrong);
        let mut did = Did::default();
        drain(&mut exchange, &mut did);
        assert_eq!((did.heads, did.records), (1, 1), "{wrong}");
    }
}

#[test]
fn what_a_host_must_do_shows_no_content() {
    let mut exchange = begin(&body(false).replace("Hello?", "xyzzy"));
    let mut shown = String::new();
    while let Some(output) = exchange.poll() {
        shown.push_str(&format!("{output:?}"));
    }
    assert!(shown.contains("Call") && !shown.contains("xyzzy"), "{shown}");
    let told = Output::Body(Bytes::from_static(b"xyzzy"));
    let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, HeaderValue::from_static("xyzzy"))]);
    let head = Output::Head { status: StatusCode::OK, headers, local: false };
    assert!(!format!("{told:?}{head:?}").contains("xyzzy"));
}

#[test]
fn an_attempt_at_a_websocket_is_told_what_to_speak() {
    let headers = HeaderMap::from_iter([(http::header::UPGRADE, HeaderValue::from_static("websocket"))]);
    let head = RequestHead {
        method: &Method::GET,
        path: "/v1/responses",
        query: "",
        headers: &headers,
        port: None,
        random: 7,
        unix_seconds: 1,
        now: Instant::now(),
    };
    let health = Arc::new(BackendHealth::new(1, head.now));
    let mut exchange = Exchange::begin(config(), health, HostTerms::default(), &head);
    let Some(Output::Head { status, headers, .. }) = exchange.poll() else { panic!("no head") };
    assert_eq!(status, StatusCode::UPGRADE_REQUIRED);
    for (name, value) in [("upgrade", "HTTP/1.1"), ("connection", "upgrade"), ("allow", "POST")] {
        assert_eq!(headers[name], value);
    }
}
