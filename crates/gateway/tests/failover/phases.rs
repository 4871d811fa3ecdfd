//! The head of a request decides what it can before the body is read, a host without abilities is asked for none, and every
//! call has its place in the one record.

use crate::under::{MODEL, TERMS, Under, body, config};
use aquifer_gateway::config::{Config, Observe, ReasoningPolicy, Route, Traffic};
use aquifer_gateway::exchange::{Abilities, Exchange, HostLimits, HostTerms, Input, Output, Phase, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::record::{AttemptReason, Outcome, Record, UsageSource};
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::fault::MistakeKind;
use aquifer_testing::frames::frame;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a request's head alone comes to, and then this input.
fn of_head(method: &Method, path: &str, input: Option<Input<'_>>) -> (Vec<Output>, Option<Record>) {
    let now = Instant::now();
    let headers = HeaderMap::new();
    let head = RequestHead { method, path, query: "", headers: &headers, port: None, random: 7, unix_seconds: 1, now };
    let limits = HostLimits { max_body: 99, ..HostLimits::default() };
    let terms = HostTerms { limits, ..HostTerms::default() };
    let health = Arc::new(BackendHealth::new(1, now));
    let mut exchange = Exchange::begin(config(&[0], Traffic::default()), health, terms, &head);
    assert_eq!(exchange.poll_timeout(now), None, "the body is the host's to wait for");
    if let Some(input) = input {
        exchange.handle(input, now + Duration::from_secs(3));
    }
    let mut outputs: Vec<Output> = std::iter::from_fn(|| exchange.poll()).collect();
    match outputs.pop() {
        Some(Output::Done(record)) => (outputs, Some(*record)),
        last => {
            outputs.extend(last);
            (outputs, None)
        }
    }
}

fn status(outputs: &[Output]) -> Option<u16> {
    outputs.iter().find_map(|output| match output {
        Output::Head { status, local, .. } => {
            assert!(local, "no backend was called");
            Some(status.as_u16())
        }
        _ => None,
    })
}

#[test]
fn what_a_head_decides_is_decided_before_the_body_is_read() {
    for (method, path, refused) in [
        (Method::POST, "/v1/nothing", 404),
        (Method::GET, "/v1/chat/completions", 405),
        (Method::GET, "/v1/models", 200),
        (Method::GET, "/v1/models/somebody", 200),
    ] {
        let (outputs, record) = of_head(&method, path, None);
        assert_eq!(status(&outputs), Some(refused), "{path}");
        assert!(!outputs.iter().any(|output| matches!(output, Output::ReadBody { .. })), "{path}");
        assert_eq!(record.unwrap().status, refused);
    }
    let (outputs, record) = of_head(&Method::POST, "/v1/chat/completions", None);
    assert!(matches!(outputs[..], [Output::ReadBody { limit: 99 }]) && record.is_none());
}

#[test]
fn a_body_that_never_comes_is_recorded_too() {
    let too_large = Fault::mistake(MistakeKind::TooLarge, None, "too large");
    let (outputs, record) = of_head(&Method::POST, "/v1/chat/completions", Some(Input::Refused(too_large)));
    let record = record.unwrap();
    assert_eq!((status(&outputs), record.status, record.outcome), (Some(413), 413, Outcome::Failed));
    assert!(record.id.starts_with("chatcmpl-") && record.duration == Duration::from_secs(3));
    let (outputs, record) = of_head(&Method::POST, "/v1/chat/completions", Some(Input::ClientGone));
    let record = record.unwrap();
    assert_eq!((status(&outputs), record.status, record.outcome), (None, 499, Outcome::Abandoned));
}

#[test]
fn a_host_is_asked_for_nothing_that_it_cannot_do() {
    let hedged = Traffic { hedge: Some(Duration::from_secs(2)), ..Traffic::default() };
    let under = |abilities: Abilities| {
        let (config, now) = (config(&[0, 1], hedged.clone()), Instant::now());
        let health = Arc::new(BackendHealth::new(2, now));
        let stream = body().replacen('{', r#"{"stream": true, "#, 1);
        let mut under = Under::begin_on(&config, &health, HostTerms { abilities, ..TERMS }, now, stream.as_bytes());
        assert!(under.call().is_some());
        under
    };
    let mut once = under(Abilities { retry: false, ..Abilities::default() });
    once.throttle();
    assert!(once.call().is_none() && once.status == Some(StatusCode::TOO_MANY_REQUESTS));
    let mut alone = under(Abilities { hedge: false, ..Abilities::default() });
    alone.pass(Duration::from_secs(2));
    assert!(alone.call().is_none());
    assert!(under(Abilities { hedge: true, ..Abilities::default() }).hedges());
    let mut hasty = under(Abilities { pause: false, ..Abilities::default() });
    for _ in 0..2 {
        hasty.throttle();
        assert!(hasty.call().unwrap().after.is_zero());
    }
}

#[test]
fn every_call_has_its_place_in_the_record() {
    let (config, now) = (config(&[0, 1], Traffic::default()), Instant::now());
    let health = Arc::new(BackendHealth::new(2, now));
    let mut under = Under::begin(&config, &health, now, &body());
    under.call().unwrap();
    under.now += Duration::from_secs(1);
    under.unwell();
    let call = under.call().unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("x-amzn-requestid", HeaderValue::from_static("d6a2-77"));
    under.now += Duration::from_secs(2);
    under.exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, under.now);
    under.now += Duration::from_secs(4);
    let answer = br#"{"output":{"message":{"content":[{"text":"Hi"}]}},"stopReason":"end_turn",
        "usage":{"inputTokens":3,"outputTokens":4,"totalTokens":7}}"#;
    under.exchange.handle(Input::UpstreamBody(answer), under.now);
    under.exchange.handle(Input::UpstreamEnd, under.now);
    assert!(under.call().is_none());
    let record = under.record.unwrap();
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    let [first, second] = &record.attempts[..] else { panic!("{:?}", record.attempts) };
    assert_eq!((first.why, first.status, first.fault.is_some()), (AttemptReason::First, Some(503), true));
    assert_eq!((first.backend.as_str(), seconds(first.ended), first.usage), ("default/backend-0", Some(1), None));
    assert_eq!((second.why, second.status, &second.fault), (AttemptReason::Retry, Some(200), &None));
    assert_eq!(second.backend, format!("default/backend-{}", call.backend));
    assert_eq!(second.upstream_request_id.as_deref(), Some("d6a2-77"));
    assert_eq!((second.started, second.model_id.as_str()), (Duration::from_secs(1) + call.after, MODEL));
    assert_eq!((seconds(second.first_byte), seconds(second.ended)), (Some(3), Some(7)));
    assert_eq!(second.usage.map(|usage| (usage.input, usage.output)), Some((3, 4)));
    assert_eq!((record.usage_source(), record.route.as_deref()), (UsageSource::Reported, Some("default/route")));
    assert_eq!((record.asked.body_bytes, record.asked.parameters.messages), (body().len() as u64, 1));
}

#[test]
fn the_phase_of_a_stream_is_known_without_its_text() {
    let (config, now) = (config(&[0], Traffic::default()), Instant::now());
    let health = Arc::new(BackendHealth::new(1, now));
    let asked = r#"{"stream": true, "reasoning_effort": "low", "#;
    let mut under = Under::begin(&config, &health, now, &body().replacen('{', asked, 1));
    under.call().unwrap();
    assert_eq!(under.exchange.phase(), Phase::Called);
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/vnd.amazon.eventstream"));
    under.exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, now);
    let thought = r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Hm"}}}"#;
    let seal = r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}}}"#;
    let again = r#"{"contentBlockIndex":2,"delta":{"reasoningContent":{"text":"Hm"}}}"#;
    for (kind, payload, phase) in [
        ("messageStart", r#"{"role":"assistant"}"#, Phase::Called),
        ("contentBlockDelta", thought, Phase::Thinking),
        ("contentBlockDelta", seal, Phase::Thinking),
        ("contentBlockStop", r#"{"contentBlockIndex":0}"#, Phase::Thinking),
        ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"text":"Yes"}}"#, Phase::Answering),
        ("contentBlockStop", r#"{"contentBlockIndex":1}"#, Phase::Answering),
        ("contentBlockDelta", again, Phase::Thinking),
        ("contentBlockStop", r#"{"contentBlockIndex":2}"#, Phase::Answering),
        ("messageStop", r#"{"stopReason":"end_turn"}"#, Phase::Answering),
    ] {
        under.exchange.handle(Input::UpstreamBody(&frame(kind, payload)), now);
        assert_eq!(under.exchange.phase(), phase, "{kind}");
        assert!(under.call().is_none(), "{kind}");
    }
    assert_eq!(under.exchange.heard_at(), Some(now));
    under.exchange.handle(Input::UpstreamEnd, now);
    assert_eq!(under.exchange.phase(), Phase::Draining, "the rest is still to be told");
}

/// Two backends of one rule, which let this be observed.
fn observed(one: Observe, other: Observe) -> Arc<Config> {
    let config = config(&[0, 1], Traffic::default());
    let mut routes: Vec<Route> = config.routes.to_vec();
    for (backend, observe) in routes[0].rules[0].backends.iter_mut().zip([one, other]) {
        let observe_by = Some(format!("d/{}", observe.word()).into());
        backend.reasoning = Arc::new(ReasoningPolicy { observe, observe_by, ..ReasoningPolicy::default() });
    }
    Arc::new(Config { routes: routes.into(), ..Config::clone(&config) })
}

#[test]
fn the_strictest_policy_of_all_calls_says_what_may_be_observed() {
    for (one, other, least) in [
        (Observe::Everything, Observe::Reasoning, Observe::Reasoning),
        (Observe::Nothing, Observe::Everything, Observe::Nothing),
        (Observe::Everything, Observe::Everything, Observe::Everything),
    ] {
        let (config, now) = (observed(one, other), Instant::now());
        let health = Arc::new(BackendHealth::new(2, now));
        let mut under = Under::begin(&config, &health, now, &body());
        let mut call = under.call().unwrap();
        while call.backend == 0 {
            assert_eq!(under.exchange.record().observe, one);
            under.unwell();
            call = under.call().unwrap();
        }
        let told = under.exchange.record();
        assert_eq!((told.observe, told.observe_by.as_deref()), (least, Some(&*format!("d/{}", least.word()))));
        under.answer();
        assert!(under.call().is_none());
        assert_eq!(under.record.unwrap().observe, least);
    }
}
