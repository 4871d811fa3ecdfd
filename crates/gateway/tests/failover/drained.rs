//! Clients that leave in mid-answer: the call is closed, or read on within limits until its tokens are known.

use crate::under::{SILENT, Under, body, config};
use aquifer_gateway::config::{OnClientGone, Traffic};
use aquifer_gateway::exchange::{CallId, DrainLimits, HostLimits, HostTerms, Input, Output};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::record::{AttemptResult, DrainResult, Outcome, Record, UsageSource};
use aquifer_gateway::translate::fault::Unreachable;
use aquifer_testing::frames::frame;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn draining() -> Traffic {
    Traffic { on_client_gone: Some(OnClientGone::Drain), ..Traffic::default() }
}

fn text(text: &str) -> Vec<u8> {
    frame("contentBlockDelta", format!(r#"{{"contentBlockIndex":0,"delta":{{"text":"{text}"}}}}"#))
}

fn usage() -> Vec<u8> {
    let usage = r#"{"usage":{"inputTokens":10,"outputTokens":20,"totalTokens":30},"metrics":{"latencyMs":5}}"#;
    [frame("messageStop", r#"{"stopReason":"end_turn"}"#), frame("metadata", usage)].concat()
}

/// A stream whose call is under way and was not answered.
fn called(traffic: Traffic) -> Under {
    let body = body().replace("\"messages\"", "\"stream\": true, \"messages\"");
    let (now, config) = (Instant::now(), config(&[0, 1], traffic));
    let health = Arc::new(BackendHealth::new(2, now));
    let mut under = Under::begin_on(&config, &health, SILENT, now, body.as_bytes());
    assert!(under.call().is_some());
    under.exchange.handle(Input::CallStarted, now);
    under
}

fn head(under: &mut Under) {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/vnd.amazon.eventstream"));
    under.exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, under.now);
    give(under, &frame("messageStart", r#"{"role":"assistant"}"#));
}

fn end(under: &mut Under) {
    under.exchange.handle(Input::UpstreamEnd, under.now);
    assert!(under.call().is_none());
}

fn give(under: &mut Under, bytes: &[u8]) {
    under.exchange.handle(Input::UpstreamBody(bytes), under.now);
    assert!(under.call().is_none());
}

/// A stream whose client was told a word.
fn answering(traffic: Traffic) -> Under {
    let mut under = called(traffic);
    head(&mut under);
    give(&mut under, &text("one"));
    assert!(under.said.contains("one"));
    under.said.clear();
    under
}

/// The client leaves after three seconds.
fn leave(under: &mut Under) -> bool {
    under.now += Duration::from_secs(3);
    let goes_on = under.exchange.drain(true, under.now);
    if !goes_on {
        under.exchange.handle(Input::ClientGone, under.now);
    }
    assert!(under.call().is_none());
    goes_on
}

fn record(under: &mut Under) -> Record {
    assert!(under.said.is_empty(), "nobody is there to be told {}", under.said);
    under.record.take().unwrap()
}

#[test]
fn a_drained_answer_ends_with_its_tokens_and_its_cost() {
    let mut under = answering(draining());
    assert!(leave(&mut under));
    under.now += Duration::from_secs(2);
    give(&mut under, &text("two"));
    assert!(under.record.is_none());
    give(&mut under, &usage());
    end(&mut under);
    let record = record(&mut under);
    assert_eq!((record.outcome, record.status), (Outcome::Abandoned, 499));
    assert_eq!(record.duration, Duration::from_secs(3), "it is the client's");
    assert_eq!((record.usage_source(), record.estimated), (UsageSource::Reported, None));
    assert_eq!(record.tokens.map(|tokens| (tokens.input, tokens.output)), Some((10, 20)));
    assert_eq!(record.cost_unknown(), None);
    assert!(record.cost().is_some_and(|cost| cost.total() > 0));
    assert_eq!(record.attempts[0].result, AttemptResult::Abandoned);
    assert_eq!(record.attempts[0].ended, Some(Duration::from_secs(5)));
    let drain = record.drain.unwrap();
    assert_eq!((drain.result, drain.time), (DrainResult::Reported, Duration::from_secs(2)));
    assert_eq!(drain.bytes, (text("two").len() + usage().len()) as u64);
}

#[test]
fn without_the_setting_the_call_is_closed() {
    let mut under = answering(Traffic::default());
    assert!(!leave(&mut under));
    let record = record(&mut under);
    assert_eq!((record.outcome, record.drain), (Outcome::Abandoned, None));
    assert_eq!(record.usage_source(), UsageSource::Estimated);
    let closed = answering(Traffic { on_client_gone: Some(OnClientGone::Close), ..Traffic::default() });
    assert!(!closed.exchange.wants_drain());
}

#[test]
fn a_host_drains_where_no_route_says_otherwise() {
    let limits = HostLimits { on_client_gone: OnClientGone::Drain, ..SILENT.limits };
    let wants = |traffic: Traffic| {
        let now = Instant::now();
        let health = Arc::new(BackendHealth::new(1, now));
        let terms = HostTerms { limits, ..SILENT };
        let mut under = Under::begin_on(&config(&[0], traffic), &health, terms, now, body().as_bytes());
        under.call();
        assert!(!under.exchange.wants_drain(), "it is not sent");
        under.exchange.handle(Input::CallStarted, now);
        under.exchange.wants_drain()
    };
    assert!(wants(Traffic::default()));
    assert!(!wants(Traffic { on_client_gone: Some(OnClientGone::Close), ..Traffic::default() }));
}

#[test]
fn a_client_that_leaves_before_the_first_word_is_drained_too() {
    let mut under = called(draining());
    assert!(leave(&mut under));
    head(&mut under);
    give(&mut under, &[text("one"), usage()].concat());
    end(&mut under);
    let told = record(&mut under);
    assert_eq!((told.usage_source(), told.told), (UsageSource::Reported, 0));
    let mut whole = crate::under::fresh(&[0], draining());
    assert!(whole.call().is_some());
    whole.exchange.handle(Input::CallStarted, whole.now);
    assert!(leave(&mut whole));
    whole.answer();
    assert!(whole.call().is_none());
    let told = record(&mut whole);
    assert_eq!((told.outcome, told.usage_source()), (Outcome::Abandoned, UsageSource::Reported));
    assert_eq!(whole.status, None, "no head is sent either");
}

#[test]
fn bytes_and_time_are_limited() {
    let HostLimits { drain: DrainLimits { bytes, time }, .. } = SILENT.limits;
    let mut long = answering(draining());
    assert!(leave(&mut long));
    let mut given = 0;
    while long.record.is_none() {
        let more = text("more and more");
        given += more.len() as u64;
        give(&mut long, &more);
        assert!(given < bytes + 200);
    }
    let told = record(&mut long);
    assert_eq!(told.drain.unwrap().result, DrainResult::Limit);
    assert_eq!((told.drain.unwrap().bytes, told.usage_source()), (given, UsageSource::Estimated));
    let mut slow = answering(draining());
    assert!(leave(&mut slow));
    assert_eq!(slow.exchange.poll_timeout(slow.now), Some(slow.now + time));
    slow.now += time;
    slow.exchange.handle(Input::Timeout, slow.now);
    assert!(slow.call().is_none());
    let told = record(&mut slow);
    assert_eq!((told.drain.unwrap().result, told.drain.unwrap().time), (DrainResult::Limit, time));
}

#[test]
fn what_was_reported_counts_although_the_call_never_ends() {
    let mut under = answering(draining());
    assert!(leave(&mut under));
    give(&mut under, &usage());
    under.now += SILENT.limits.drain.time;
    under.exchange.handle(Input::Timeout, under.now);
    assert!(under.call().is_none());
    let told = record(&mut under);
    assert_eq!((told.drain.unwrap().result, told.stop_reason), (DrainResult::Reported, Some("end_turn")));
}

#[test]
fn a_backend_that_fails_is_not_asked_again() {
    for fail in [
        Input::UpstreamFailed(Unreachable::Broken("reset".to_owned())),
        Input::UpstreamEnd,
        Input::UpstreamBody(b"this is no event of an event stream"),
    ] {
        let mut under = answering(draining());
        assert!(leave(&mut under));
        under.exchange.handle(fail, under.now);
        assert!(under.call().is_none());
        let told = record(&mut under);
        assert_eq!((told.outcome, told.drain.unwrap().result), (Outcome::Abandoned, DrainResult::Broken));
        assert_eq!(told.usage_source(), UsageSource::Estimated);
    }
    let mut refused = called(draining());
    assert!(leave(&mut refused));
    refused.unwell();
    assert!(refused.call().is_none(), "another backend would answer nobody");
    assert_eq!(record(&mut refused).drain.unwrap().result, DrainResult::Broken);
}

#[test]
fn without_room_and_at_the_end_of_the_host_the_call_is_closed() {
    let mut full = answering(draining());
    assert!(!full.exchange.drain(false, full.now));
    full.exchange.handle(Input::ClientGone, full.now);
    assert!(full.call().is_none());
    assert_eq!(record(&mut full).drain.unwrap().result, DrainResult::NoRoom);
    let mut ended = answering(draining());
    assert!(leave(&mut ended));
    assert!(!ended.exchange.wants_drain() && !ended.exchange.drain(true, ended.now), "once is enough");
    ended.exchange.handle(Input::ClientGone, ended.now);
    assert!(ended.call().is_none());
    assert_eq!(record(&mut ended).drain.unwrap().result, DrainResult::Limit);
}

#[test]
fn a_hedge_is_closed_and_the_first_call_is_drained() {
    let mut under = called(Traffic { hedge: Some(Duration::from_secs(2)), ..draining() });
    under.pass(Duration::from_secs(2));
    assert!(under.call().is_some_and(|call| call.id == CallId::Hedge));
    under.exchange.handle_from(CallId::Hedge, Input::CallStarted, under.now);
    assert!(under.exchange.drain(true, under.now));
    assert!(matches!(under.exchange.poll(), Some(Output::Cancel(CallId::Hedge))));
    head(&mut under);
    give(&mut under, &[text("one"), usage()].concat());
    end(&mut under);
    let told = record(&mut under);
    assert_eq!((told.hedges.abandoned, told.attempts.len()), (1, 2));
    assert_eq!(told.attempts.iter().map(|attempt| attempt.usage.is_some()).collect::<Vec<_>>(), [true, false]);
}
