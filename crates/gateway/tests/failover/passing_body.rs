//! Any bytes as a stream of a service of the clients' own dialect come to the same, however they are cut: the body of the
//! fuzz target.

use aquifer_gateway::config::{Backend, BackendKind, Config, Expose, ReasoningPolicy, Service};
use aquifer_gateway::exchange::{Exchange, HostTerms, Input, Output, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::restore::Forgetful;
use aquifer_testing::bodies::pieces;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::sync::Arc;
use std::time::Instant;

/// What a client is told, and whether the request is tried again.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    status: Option<u16>,
    body: Vec<u8>,
    again: bool,
    over: bool,
}

/// The first byte says what is shown, the next three how the rest is cut.
pub(crate) fn run(data: &[u8]) {
    let Some((&[mode, sizes @ ..], stream)) = data.split_first_chunk::<4>() else { return };
    let policy = match mode % 3 {
        0 => ReasoningPolicy::default(),
        1 => ReasoningPolicy { hidden: true, ..ReasoningPolicy::default() },
        _ => ReasoningPolicy {
            expose: Some(Expose { reasoning: true, ..Expose::default() }),
            ..ReasoningPolicy::default()
        },
    };
    let whole = told(&policy, [stream]);
    assert_eq!(told(&policy, pieces(stream, sizes)), whole);
    assert!(whole.again || whole.over, "it ends in one way or the other");
    if mode % 3 == 0 && whole.status == Some(200) {
        let common = whole.body.iter().zip(stream).take_while(|(one, other)| one == other).count();
        let behind = whole.body.get(common..).unwrap_or_default();
        let error = |bytes: &[u8]| bytes.windows(9).any(|bytes| bytes == b"{\"error\":");
        assert!(behind.is_empty() || error(behind) || error(&whole.body), "a stream goes on as it came");
    }
}

fn told<'p>(policy: &ReasoningPolicy, pieces: impl IntoIterator<Item = &'p [u8]>) -> Told {
    let now = Instant::now();
    let service = Service { models: vec!["m".to_owned()], ..Service::default() };
    let kind = BackendKind::openai_chat("v1", service);
    let backend = Backend { reasoning: Arc::new(policy.clone()), ..Backend::new("one", kind) };
    let config = Arc::new(Config { backends: vec![backend], ..Config::default() });
    let head = RequestHead {
        method: &Method::POST,
        path: "/v1/chat/completions",
        query: "",
        headers: &HeaderMap::new(),
        port: None,
        random: 7 << 64,
        unix_seconds: 1,
        now,
    };
    let mut exchange = Exchange::begin(config, Arc::new(BackendHealth::new(1, now)), HostTerms::default(), &head);
    exchange.handle(
        Input::Body {
            head: &head,
            bytes: Bytes::from_static(b"{\"model\":\"m\",\"stream\":true,\"messages\":[]}"),
            turns: &Forgetful,
        },
        head.now,
    );
    let mut told = Told::default();
    take(&mut exchange, &mut told);
    assert!(std::mem::take(&mut told.again), "the first call");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))]);
    exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, now);
    for piece in pieces {
        exchange.handle(Input::UpstreamBody(piece), now);
        take(&mut exchange, &mut told);
        if told.again {
            return told;
        }
    }
    exchange.handle(Input::UpstreamEnd, now);
    take(&mut exchange, &mut told);
    told
}

fn take(exchange: &mut Exchange, told: &mut Told) {
    while let Some(output) = exchange.poll() {
        match output {
            Output::Call(_) => told.again = true,
            Output::Head { status, .. } => told.status = Some(status.as_u16()),
            Output::Body(bytes) => told.body.extend_from_slice(&bytes),
            Output::Done(_) => told.over = true,
            _ => {}
        }
    }
}
