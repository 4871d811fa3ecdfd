//! Whatever happens to an exchange, in whatever order, it ends in exactly one record.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, which may look at the clock")]

use aquifer_gateway::config::{Backend, BackendKind, Bedrock, Config};
use aquifer_gateway::exchange::{Arrival, Exchange, Input, KeepAlive, Output};
use aquifer_gateway::fleet::Fleet;
use aquifer_gateway::restore::Forgetful;
use aquifer_gateway::translate::fault::Unreachable;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::sync::Arc;
use std::time::Instant;

mod frames;

use frames::frame;

const MODEL: &str = "anthropic.claude-3-5-sonnet-20241022-v2:0";

fn config() -> Arc<Config> {
    let bedrock =
        Bedrock { region: Some("us-east-1".to_owned()), models: vec![MODEL.to_owned()], ..Bedrock::default() };
    let kind = BackendKind::Bedrock(Box::new(bedrock));
    let backend = Backend {
        namespace: "default".to_owned(),
        name: "one".to_owned(),
        kind,
        reasoning: Arc::default(),
        mutation: Arc::default(),
    };
    Arc::new(Config { backends: vec![backend], ..Config::default() })
}

fn begin(body: &str) -> Exchange {
    let arrival = Arrival {
        method: &Method::POST,
        path: "/v1/chat/completions",
        headers: &HeaderMap::new(),
        body: &Bytes::from(body.to_owned()),
        port: None,
        turns: &Forgetful,
        random: 7,
        unix_seconds: 1,
        now: Instant::now(),
    };
    Exchange::begin(config(), Arc::new(Fleet::new(1, arrival.now)), &arrival)
}

fn body(stream: bool) -> String {
    format!(r#"{{"model": "{MODEL}", "stream": {stream}, "messages": [{{"role": "user", "content": "Hello?"}}]}}"#)
}

/// Things that can happen.
const EVENTS: usize = 11;

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
        10 => return exchange.handle(Input::Quiet(KeepAlive::Comment), now),
        5 => frame("messageStart", r#"{"role":"assistant"}"#),
        6 => frame("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Hello"}}"#),
        7 => [
            frame("messageStop", r#"{"stopReason":"end_turn"}"#),
            frame("metadata", r#"{"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#),
        ]
        .concat(),
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
    for stream in [true, false] {
        for order in 0..EVENTS.pow(4) {
            let mut exchange = begin(&body(stream));
            let mut did = Did::default();
            drain(&mut exchange, &mut did);
            let events = [1, EVENTS, EVENTS.pow(2), EVENTS.pow(3)].map(|place| order / place % EVENTS);
            // The last two end everything that has not ended.
            for event in events.into_iter().chain([2, 4]) {
                happen(&mut exchange, event);
                drain(&mut exchange, &mut did);
            }
            assert_eq!(did.records, 1, "stream={stream}, {events:?}");
            assert!(did.heads <= 1 && !did.late, "stream={stream}, {events:?}");
            orders += 1;
        }
    }
    assert_eq!(orders, 2 * EVENTS.pow(4));
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
    let head = Output::Head { status: StatusCode::OK, headers };
    assert!(!format!("{told:?}{head:?}").contains("xyzzy"));
}
