//! Does one exchange so many times, for `valgrind --tool=callgrind` to count its instructions.
//!
//! The arguments are `whole`, and how many small requests are answered whole; or `deltas`, and how many deltas of text one
//! stream has, each in a read of its own. Two counts with different numbers give the cost of one, because what is done
//! once falls out of their difference: `cargo run --release -p aquifer-bench -- instructions`.
#![expect(clippy::disallowed_methods, reason = "a bench, which may look at the clock")]

use aquifer_gateway::config::{Backend, BackendKind, Config, Service};
use aquifer_gateway::exchange::{Exchange, HostTerms, Input, Output, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::restore::Forgetful;
use aquifer_testing::frames::frame;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const MODEL: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
const WHOLE: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"Groundwater, mostly."}]}},
    "stopReason":"end_turn","usage":{"inputTokens":12,"outputTokens":5,"totalTokens":17},"metrics":{"latencyMs":400}}"#;
const DELTA: &str = r#"{"contentBlockIndex":0,"delta":{"text":"twenty bytes of text"},"p":"abcdefghij"}"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, times] = arguments.as_slice() else {
        // `cargo bench` starts every bench with an argument of its own: then there is nothing to count.
        return;
    };
    let Ok(times) = times.parse::<usize>() else { return };
    let host = Host::new();
    match kind.as_str() {
        "whole" => (0..times).for_each(|_| host.whole()),
        _ => host.stream(times),
    }
}

/// What lasts longer than an exchange.
struct Host {
    config: Arc<Config>,
    health: Arc<BackendHealth>,
    headers: HeaderMap,
    now: Instant,
}

impl Host {
    fn new() -> Self {
        let (models, region) = (vec![MODEL.to_owned()], Some("us-east-1".to_owned()));
        let bedrock = Service { region, models, ..Service::default() };
        let backend = Backend::new("bedrock", BackendKind::bedrock(bedrock));
        let (host, agent) = (HeaderValue::from_static("127.0.0.1:8080"), HeaderValue::from_static("bench"));
        let now = Instant::now();
        Self {
            config: Arc::new(Config { backends: vec![backend], ..Config::default() }),
            health: Arc::new(BackendHealth::new(1, now)),
            headers: HeaderMap::from_iter([(header::HOST, host), (header::USER_AGENT, agent)]),
            now,
        }
    }

    /// An exchange whose call has begun to be answered.
    fn begun(&self, stream: bool, kind: &'static str) -> Exchange {
        let messages = r#"[{"role":"user","content":"What fills the pores of sediment?"}]"#;
        let body = format!(r#"{{"model":"{MODEL}","max_tokens":1024,"stream":{stream},"messages":{messages}}}"#);
        let head = RequestHead {
            method: &Method::POST,
            path: "/v1/chat/completions",
            query: "",
            headers: &self.headers,
            port: None,
            random: 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef,
            unix_seconds: 1,
            now: self.now,
        };
        let mut exchange =
            Exchange::begin(Arc::clone(&self.config), Arc::clone(&self.health), HostTerms::default(), &head);
        exchange.handle(Input::Body { head: &head, bytes: Bytes::from(body), turns: &Forgetful }, head.now);
        drain(&mut exchange);
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
        exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, self.now);
        drain(&mut exchange);
        exchange
    }

    fn whole(&self) {
        let mut exchange = self.begun(false, "application/json");
        exchange.handle(Input::UpstreamBody(WHOLE.as_bytes()), self.now);
        exchange.handle(Input::UpstreamEnd, self.now);
        assert!(drain(&mut exchange), "the exchange is over");
    }

    fn stream(&self, deltas: usize) {
        let mut exchange = self.begun(true, "application/vnd.amazon.eventstream");
        let start = frame("messageStart", r#"{"role":"assistant","p":"abcd"}"#);
        let delta = frame("contentBlockDelta", DELTA);
        exchange.handle(Input::UpstreamBody(&start), self.now);
        for _ in 0..deltas {
            exchange.handle(Input::UpstreamBody(&delta), self.now);
            assert!(!drain(&mut exchange), "the exchange goes on");
        }
    }
}

/// Does what a host must do; whether the exchange is over.
fn drain(exchange: &mut Exchange) -> bool {
    let mut over = false;
    while let Some(output) = exchange.poll() {
        over |= matches!(output, Output::Done(_));
        black_box(output);
    }
    over
}
