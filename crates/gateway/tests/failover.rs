//! What happens when backends fail: where a request goes next, how often, and what its client is told.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, which may look at the clock")]

use aquifer_gateway::config::{
    Backend, BackendKind, BackendRef, Bedrock, Config, Outliers, Retry, Route, Rule, Traffic,
};
use aquifer_gateway::exchange::{Arrival, Call, Exchange, Input, Output};
use aquifer_gateway::fleet::Fleet;
use aquifer_gateway::record::{Outcome, Record};
use aquifer_gateway::restore::Forgetful;
use aquifer_gateway::translate::fault::Unreachable;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

mod frames;

use frames::frame;

const MODEL: &str = "anthropic.claude-sonnet-4-20250514-v1:0";

/// Backends with these priorities, in one rule.
fn config(priorities: &[u32], traffic: Traffic) -> Arc<Config> {
    let backend = |at: usize| Backend {
        namespace: "default".to_owned(),
        name: format!("backend-{at}"),
        kind: BackendKind::Bedrock(Box::new(Bedrock { region: Some("us-east-1".to_owned()), ..Bedrock::default() })),
        reasoning: Arc::default(),
        mutation: Arc::default(),
    };
    let reference = |(backend, priority): (usize, &u32)| BackendRef {
        backend,
        model_name_override: None,
        weight: 1,
        priority: *priority,
        reasoning: Arc::default(),
        mutation: Arc::default(),
    };
    let rule = Rule {
        backends: priorities.iter().enumerate().map(reference).collect(),
        traffic: Arc::new(traffic),
        ..Rule::default()
    };
    let route = Route {
        namespace: "default".to_owned(),
        name: "route".to_owned(),
        parents: Vec::new(),
        hostnames: Vec::new(),
        rules: vec![rule],
    };
    Arc::new(Config {
        backends: (0..priorities.len()).map(backend).collect(),
        routes: vec![route],
        ..Config::default()
    })
}

/// One exchange under way.
struct Under {
    exchange: Exchange,
    now: Instant,
    record: Option<Record>,
    status: Option<StatusCode>,
    said: String,
}

impl Under {
    fn begin(config: &Arc<Config>, fleet: &Arc<Fleet>, now: Instant, body: &str) -> Self {
        let arrival = Arrival {
            method: &Method::POST,
            path: "/v1/chat/completions",
            headers: &HeaderMap::new(),
            body: &Bytes::from(body.to_owned()),
            port: None,
            turns: &Forgetful,
            random: 7 << 64,
            unix_seconds: 1,
            now,
        };
        let exchange = Exchange::begin(Arc::clone(config), Arc::clone(fleet), &arrival);
        Self { exchange, now, record: None, status: None, said: String::new() }
    }

    /// The next call, if there is one; what the client is told is noted.
    fn call(&mut self) -> Option<Call> {
        let mut call = None;
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Call(made) => call = Some(*made),
                Output::Head { status, .. } => self.status = Some(status),
                Output::Body(bytes) => self.said.push_str(std::str::from_utf8(&bytes).unwrap()),
                Output::Done(record) => self.record = Some(*record),
                _ => {}
            }
        }
        call
    }

    fn refuse(&mut self, status: u16, exception: &'static str, message: &str, retry_after: Option<&'static str>) {
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-errortype", HeaderValue::from_static(exception));
        if let Some(seconds) = retry_after {
            headers.insert("retry-after", HeaderValue::from_static(seconds));
        }
        let status = StatusCode::from_u16(status).unwrap();
        self.exchange.handle(Input::UpstreamHead { status, headers: &headers }, self.now);
        let body = format!(r#"{{"message":"{message}"}}"#);
        self.exchange.handle(Input::UpstreamBody(body.as_bytes()), self.now);
        self.exchange.handle(Input::UpstreamEnd, self.now);
    }

    fn throttle(&mut self) {
        self.refuse(429, "ThrottlingException", "Too many requests, please wait before trying again.", None);
    }

    fn fail(&mut self) {
        self.exchange.handle(Input::UpstreamFailed(Unreachable::Connect("refused".to_owned())), self.now);
    }

    fn answer(&mut self) {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        self.exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, self.now);
        let body = br#"{"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn",
            "usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#;
        self.exchange.handle(Input::UpstreamBody(body), self.now);
        self.exchange.handle(Input::UpstreamEnd, self.now);
    }
}

fn body() -> String {
    format!(r#"{{"model": "{MODEL}", "messages": [{{"role": "user", "content": "Hello?"}}]}}"#)
}

/// Begins with these backends, of which nothing is known.
fn fresh(priorities: &[u32], traffic: Traffic) -> Under {
    let now = Instant::now();
    let fleet = Arc::new(Fleet::new(priorities.len(), now));
    Under::begin(&config(priorities, traffic), &fleet, now, &body())
}

/// The backends that are called when every call fails so.
fn called(under: &mut Under, fail: impl Fn(&mut Under)) -> Vec<usize> {
    let mut backends = Vec::new();
    while let Some(call) = under.call() {
        backends.push(call.backend);
        assert!(backends.len() < 20);
        fail(under);
    }
    backends
}

#[test]
fn throttled_and_broken_calls_are_made_again_and_answered() {
    let mut under = fresh(&[0], Traffic::default());
    for fail in [Under::throttle, Under::fail] {
        assert!(under.call().is_some());
        fail(&mut under);
    }
    assert!(under.call().is_some());
    under.answer();
    assert!(under.call().is_none());
    let record = under.record.unwrap();
    assert_eq!((record.outcome, record.attempts, under.status), (Outcome::Answered, 3, Some(StatusCode::OK)));
}

#[test]
fn the_last_failure_is_told_when_nothing_helps() {
    let mut under = fresh(&[0], Traffic::default());
    assert_eq!(called(&mut under, Under::throttle), [0; 5]);
    assert_eq!(under.status, Some(StatusCode::TOO_MANY_REQUESTS));
    assert!(under.said.contains("rate_limit_exceeded"), "{}", under.said);
    assert_eq!(under.record.unwrap().attempts, 5);
}

#[test]
fn what_no_attempt_would_change_is_told_at_once() {
    for (status, exception) in [(400, "ValidationException"), (403, "AccessDeniedException")] {
        let mut under = fresh(&[0, 0], Traffic::default());
        assert_eq!(called(&mut under, |under| under.refuse(status, exception, "no", None)).len(), 1);
        assert_eq!(under.status.unwrap().as_u16(), status);
    }
}

#[test]
fn the_other_backends_of_a_priority_come_first_and_then_the_next_priority() {
    let mut under = fresh(&[0, 1], Traffic::default());
    assert_eq!(called(&mut under, Under::throttle)[..5], [0, 0, 1, 1, 1]);
    let mut under = fresh(&[0, 0, 1], Traffic::default());
    let order = called(&mut under, Under::fail);
    assert_eq!(order[4], 2, "{order:?}");
    assert!(order[0] != order[1] && order[..4].iter().all(|backend| *backend < 2), "{order:?}");
    let one = Traffic { retry: Retry { per_priority: Some(1), ..Retry::default() }, ..Traffic::default() };
    let mut under = fresh(&[0, 1, 2], one);
    assert_eq!(called(&mut under, Under::throttle)[..3], [0, 1, 2]);
}

#[test]
fn a_quota_of_the_day_is_not_asked_for_again() {
    let day = |under: &mut Under| under.refuse(429, "ThrottlingException", "Too many tokens per day, wait", None);
    assert_eq!(called(&mut fresh(&[0], Traffic::default()), day), [0]);
    assert_eq!(called(&mut fresh(&[0, 1], Traffic::default()), day)[..2], [0, 1]);
}

#[test]
fn pauses_are_drawn_within_limits_and_as_long_as_asked_for() {
    let mut under = fresh(&[0], Traffic::default());
    assert_eq!(under.call().unwrap().after, Duration::ZERO);
    for most in [100, 200, 400, 800] {
        under.throttle();
        assert!(under.call().unwrap().after <= Duration::from_millis(most));
    }
    let mut under = fresh(&[0, 0], Traffic::default());
    under.call();
    under.refuse(503, "ServiceUnavailableException", "busy", Some("3"));
    assert_eq!(under.call().unwrap().after, Duration::ZERO, "the other backend asked for nothing");
    let mut under = fresh(&[0], Traffic::default());
    under.call();
    under.refuse(503, "ServiceUnavailableException", "busy", Some("3"));
    assert_eq!(under.call().unwrap().after, Duration::from_secs(3));
    under.refuse(503, "ServiceUnavailableException", "busy", Some("900"));
    assert_eq!(under.call().unwrap().after, Retry::default().most);
}

#[test]
fn a_deadline_ends_the_attempts() {
    let now = Instant::now();
    let mut with_deadline = Config::clone(&config(&[0], Traffic::default()));
    with_deadline.routes[0].rules[0].request_timeout = Some(Duration::from_secs(10));
    let fleet = Arc::new(Fleet::new(1, now));
    let mut under = Under::begin(&Arc::new(with_deadline), &fleet, now, &body());
    assert_eq!(under.call().unwrap().patience.whole, Some(Duration::from_secs(10)));
    under.now += Duration::from_secs(4);
    under.throttle();
    assert_eq!(under.call().unwrap().patience.whole, Some(Duration::from_secs(6)), "one time for all attempts");
    under.now += Duration::from_secs(7);
    under.throttle();
    assert!(under.call().is_none());
    assert_eq!(under.status, Some(StatusCode::TOO_MANY_REQUESTS));
}

#[test]
fn a_backend_that_fails_again_and_again_is_left_alone() {
    let (now, traffic) = (Instant::now(), Traffic::default());
    let (config, fleet) = (config(&[0, 1], traffic.clone()), Arc::new(Fleet::new(2, now)));
    for _ in 0..Outliers::default().failures {
        fleet.failed(0, traffic.outliers, now);
    }
    let first = |now| Under::begin(&config, &fleet, now, &body()).call().unwrap().backend;
    assert_eq!(first(now), 1);
    let mut probe = Under::begin(&config, &fleet, now + traffic.outliers.base, &body());
    assert_eq!(probe.call().unwrap().backend, 0);
    assert_eq!(first(now + traffic.outliers.base), 1, "one probe at a time");
    probe.answer();
    assert_eq!(first(now + traffic.outliers.base), 0);
}

#[test]
fn retries_do_not_amplify_an_outage() {
    let now = Instant::now();
    let (config, fleet) = (config(&[0], Traffic::default()), Arc::new(Fleet::new(1, now)));
    let calls: usize =
        (0..1000).map(|_| called(&mut Under::begin(&config, &fleet, now, &body()), Under::throttle).len()).sum();
    assert!((1500..1700).contains(&calls), "{calls}");
}

#[test]
fn a_backend_that_is_well_stands_in_for_good() {
    let now = Instant::now();
    let (config, fleet) = (config(&[0, 1], Traffic::default()), Arc::new(Fleet::new(2, now)));
    for round in 0..1000 {
        let mut under = Under::begin(&config, &fleet, now, &body());
        while under.call().unwrap_or_else(|| panic!("round {round}")).backend == 0 {
            under.throttle();
        }
        under.answer();
        assert!(under.call().is_none());
        assert_eq!(under.record.as_ref().map(|record| record.outcome), Some(Outcome::Answered));
    }
}

#[test]
fn a_stream_is_tried_again_until_its_first_frame_and_no_longer() {
    let stream = body().replacen('{', r#"{"stream": true, "#, 1);
    let now = Instant::now();
    let (config, fleet) = (config(&[0], Traffic::default()), Arc::new(Fleet::new(1, now)));
    let mut under = Under::begin(&config, &fleet, now, &stream);
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/vnd.amazon.eventstream"));
    let frames = [
        frame("throttlingException", r#"{"message":"slow down"}"#),
        Vec::new(),
        frame("messageStart", r#"{"role":"assistant"}"#),
    ];
    for (at, bytes) in frames.iter().enumerate() {
        assert!(under.call().is_some(), "attempt {at}");
        under.exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, now);
        if !bytes.is_empty() {
            under.exchange.handle(Input::UpstreamBody(bytes), now);
        }
        if at != 0 {
            under.exchange.handle(Input::UpstreamEnd, now);
        }
    }
    assert!(under.call().is_none());
    assert_eq!(under.status, Some(StatusCode::OK));
    assert!(under.said.contains("upstream_ended_early"), "{}", under.said);
    assert_eq!(under.record.unwrap().attempts, 3);
}

#[test]
fn a_policy_says_what_is_tried_again() {
    let (now, fleet) = (Instant::now(), Arc::new(Fleet::new(2, Instant::now())));
    let only = |statuses: &[u16], unanswered| {
        let retry = Retry { statuses: Some(statuses.to_vec()), unanswered, ..Retry::default() };
        config(&[0, 1], Traffic { retry, ..Traffic::default() })
    };
    let mut unanswered = Under::begin(&only(&[429], false), &fleet, now, &body());
    unanswered.call().unwrap();
    unanswered.fail();
    assert!(unanswered.call().is_none(), "a call without an answer is not tried again");
    let mut throttled = Under::begin(&only(&[429], false), &fleet, now, &body());
    throttled.call().unwrap();
    throttled.throttle();
    assert!(throttled.call().is_some());
    let mut refused = Under::begin(&only(&[500], true), &fleet, now, &body());
    refused.call().unwrap();
    refused.throttle();
    assert!(refused.call().is_none());
    assert_eq!(refused.status.unwrap(), 429);
}
