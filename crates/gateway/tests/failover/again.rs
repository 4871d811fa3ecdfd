//! Where a request goes next, how often, and what its client is told.

use crate::under::{QUIET, SILENT, TERMS, Under, body, called, config, fresh};
use aquifer_gateway::config::{Config, Outliers, Retry, Traffic};
use aquifer_gateway::exchange::{HostLimits, HostTerms, Input, KeepAlive, Output};
use aquifer_gateway::health::{Availability, BackendHealth};
use aquifer_gateway::record::Outcome;
use aquifer_testing::frames::frame;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    assert_eq!((record.outcome, record.attempts.len(), under.status), (Outcome::Answered, 3, Some(StatusCode::OK)));
}

#[test]
fn the_last_failure_is_told_when_nothing_helps() {
    let mut under = fresh(&[0], Traffic::default());
    assert_eq!(called(&mut under, Under::throttle), [0; 5]);
    assert_eq!(under.status, Some(StatusCode::TOO_MANY_REQUESTS));
    assert!(under.said.contains("rate_limit_exceeded"), "{}", under.said);
    assert_eq!(under.record.unwrap().attempts.len(), 5);
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
fn a_call_that_the_model_cannot_write_is_not_asked_for_again() {
    for (status, exception) in
        [(424, "ModelErrorException"), (424, "ModelStreamErrorException"), (500, "InternalServerException")]
    {
        let message = "Model produced invalid sequence as part of ToolUse. Please refer to the model tool use troubleshooting guide.";
        let mut under = fresh(&[0, 0, 1], Traffic::default());
        assert_eq!(called(&mut under, |under| under.refuse(status, exception, message, None)), [0], "{exception}");
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
    with_deadline.routes.change(|routes| routes[0].rules[0].request_timeout = Some(Duration::from_secs(10)));
    let health = Arc::new(BackendHealth::new(1, now));
    let mut under = Under::begin_on(&Arc::new(with_deadline), &health, SILENT, now, body().as_bytes());
    under.call().unwrap();
    assert_eq!(under.limit(), Some(Duration::from_secs(10)));
    under.now += Duration::from_secs(4);
    under.throttle();
    under.call().unwrap();
    assert_eq!(under.limit(), Some(Duration::from_secs(6)), "one time for all attempts");
    under.now += Duration::from_secs(7);
    under.throttle();
    assert!(under.call().is_none());
    assert_eq!(under.status, Some(StatusCode::TOO_MANY_REQUESTS));
}

#[test]
fn a_backend_that_fails_again_and_again_is_left_alone() {
    let (now, traffic) = (Instant::now(), Traffic::default());
    let (config, health) = (config(&[0, 1], traffic.clone()), Arc::new(BackendHealth::new(2, now)));
    for _ in 0..Outliers::default().failures {
        health.failed(0, traffic.outliers, now);
    }
    let first = |now| Under::begin(&config, &health, now, &body()).call().unwrap().backend;
    assert_eq!(first(now), 1);
    let mut probe = Under::begin(&config, &health, now + traffic.outliers.base, &body());
    assert_eq!(probe.call().unwrap().backend, 0);
    assert_eq!(first(now + traffic.outliers.base), 1, "one probe at a time");
    probe.answer();
    assert_eq!(first(now + traffic.outliers.base), 0);
}

#[test]
fn retries_do_not_amplify_an_outage() {
    let now = Instant::now();
    let (config, health) = (config(&[0], Traffic::default()), Arc::new(BackendHealth::new(1, now)));
    let calls: usize =
        (0..1000).map(|_| called(&mut Under::begin(&config, &health, now, &body()), Under::throttle).len()).sum();
    assert!((1500..1700).contains(&calls), "{calls}");
}

#[test]
fn a_backend_that_is_well_stands_in_for_good() {
    let now = Instant::now();
    let (config, health) = (config(&[0, 1], Traffic::default()), Arc::new(BackendHealth::new(2, now)));
    for round in 0..1000 {
        let mut under = Under::begin(&config, &health, now, &body());
        while under.call().unwrap_or_else(|| panic!("round {round}")).backend == 0 {
            under.throttle();
        }
        under.answer();
        assert!(under.call().is_none());
        assert_eq!(under.record.as_ref().map(|record| record.outcome), Some(Outcome::Answered));
    }
}

#[test]
fn a_stream_is_tried_again_until_its_first_content_and_no_longer() {
    let stream = body().replacen('{', r#"{"stream": true, "#, 1);
    let now = Instant::now();
    let (config, health) = (config(&[0], Traffic::default()), Arc::new(BackendHealth::new(1, now)));
    let mut under = Under::begin(&config, &health, now, &stream);
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/vnd.amazon.eventstream"));
    let frames = [
        frame("throttlingException", r#"{"message":"slow down"}"#),
        Vec::new(),
        frame("messageStart", r#"{"role":"assistant"}"#),
        frame("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":""}}"#),
        frame("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Hello"}}"#),
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
    assert_eq!(under.record.unwrap().attempts.len(), 5);
}

#[test]
fn a_policy_says_what_is_tried_again() {
    let (now, health) = (Instant::now(), Arc::new(BackendHealth::new(2, Instant::now())));
    let only = |statuses: &[u16], unanswered| {
        let retry = Retry { statuses: Some(statuses.to_vec()), unanswered, ..Retry::default() };
        config(&[0, 1], Traffic { retry, ..Traffic::default() })
    };
    let mut unanswered = Under::begin(&only(&[429], false), &health, now, &body());
    unanswered.call().unwrap();
    unanswered.fail();
    assert!(unanswered.call().is_none(), "a call without an answer is not tried again");
    let mut throttled = Under::begin(&only(&[429], false), &health, now, &body());
    throttled.call().unwrap();
    throttled.throttle();
    assert!(throttled.call().is_some());
    let mut refused = Under::begin(&only(&[500], true), &health, now, &body());
    refused.call().unwrap();
    refused.throttle();
    assert!(refused.call().is_none());
    assert_eq!(refused.status.unwrap(), 429);
}

#[test]
fn a_call_that_could_not_be_made_is_nobodys_fault_and_is_not_made_again() {
    let now = Instant::now();
    let config = config(&[0, 1], Traffic::default());
    let health = Arc::new(BackendHealth::new(2, now));
    for _ in 0..50 {
        let mut under = Under::begin(&config, &health, now, &body());
        assert_eq!(called(&mut under, Under::cannot), [0]);
        assert_eq!(under.status, Some(StatusCode::INTERNAL_SERVER_ERROR));
    }
    assert!(!health.is_ejected(0, now), "it was never asked");
    assert!((0..100).all(|_| health.spend(0)), "no retry was spent");
}

/// Whoever comes first at this backend is refused so, in this number of requests.
fn refuse_all(config: &Arc<Config>, health: &Arc<BackendHealth>, now: Instant, requests: usize, fail: fn(&mut Under)) {
    for _ in 0..requests {
        called(&mut Under::begin(config, health, now, &body()), fail);
    }
}

#[test]
fn when_every_backend_is_ejected_all_are_tried_and_the_first_that_is_back_is_found_at_once() {
    for (priorities, fail) in [
        ([0, 1], Under::fail as fn(&mut Under)),
        ([0, 1], Under::unwell),
        ([0, 0], Under::fail),
        ([0, 0], Under::unwell),
    ] {
        let mut now = Instant::now();
        let (config, health) = (config(&priorities, Traffic::default()), Arc::new(BackendHealth::new(2, now)));
        for _ in 0..45 {
            refuse_all(&config, &health, now, 10, fail);
            now += Duration::from_secs(1);
        }
        assert!(health.is_ejected(0, now) && health.is_ejected(1, now));
        // The second one is back.
        for request in 0..20 {
            let mut under = Under::begin(&config, &health, now, &body());
            while let Some(call) = under.call() {
                if call.backend == 1 { under.answer() } else { fail(&mut under) }
            }
            assert_eq!(under.status, Some(StatusCode::OK), "request {request}");
        }
        assert!(!health.is_ejected(1, now));
    }
}

#[test]
fn an_ejected_backend_is_asked_by_one_request_before_its_time_is_over() {
    let now = Instant::now();
    let (config, health) = (config(&[0, 1], Traffic::default()), Arc::new(BackendHealth::new(2, now)));
    for _ in 0..5 {
        let mut under = Under::begin(&config, &health, now, &body());
        while let Some(call) = under.call() {
            if call.backend == 1 { under.answer() } else { under.fail() }
        }
    }
    let first = |now| {
        let mut under = Under::begin(&config, &health, now, &body());
        (under.call().unwrap().backend, under)
    };
    assert_eq!(first(now).0, 1);
    let later = now + Duration::from_secs(1);
    let (backend, mut probe) = first(later);
    assert_eq!(backend, 0, "long before the ten seconds are over");
    for _ in 0..5 {
        let (backend, mut other) = first(later);
        assert_eq!(backend, 1, "one probe at a time");
        other.exchange.handle(Input::ClientGone, later);
    }
    probe.answer();
    assert_eq!(probe.status, None);
    probe.call();
    assert_eq!(first(later).0, 0);
}

#[test]
fn a_probe_whose_client_leaves_is_made_again() {
    let now = Instant::now();
    let traffic = Traffic::default();
    let (config, health) = (config(&[0, 1], traffic.clone()), Arc::new(BackendHealth::new(2, now)));
    (0..5).for_each(|_| _ = health.failed(0, traffic.outliers, now));
    let later = now + Duration::from_secs(1);
    for _ in 0..3 {
        let mut probe = Under::begin(&config, &health, later, &body());
        assert_eq!(probe.call().unwrap().backend, 0);
        probe.exchange.handle(Input::ClientGone, later);
    }
}

#[test]
fn the_settings_say_how_many_are_ejected_and_when_that_is_passed_over() {
    let now = Instant::now();
    let at_most = |max_ejection_percent, panic_threshold| Traffic {
        outliers: Outliers { max_ejection_percent, panic_threshold, ..Outliers::default() },
        ..Traffic::default()
    };
    let ejected = |traffic: Traffic| {
        let (config, health) = (config(&[0, 0, 0, 0], traffic), Arc::new(BackendHealth::new(4, now)));
        refuse_all(&config, &health, now, 100, Under::unwell);
        (0..4).filter(|backend| health.is_ejected(*backend, now)).count()
    };
    assert_eq!(ejected(at_most(100, 1)), 4);
    assert_eq!(ejected(at_most(50, 1)), 2);
    assert_eq!(ejected(at_most(0, 1)), 1, "one may always be");
    let first = |traffic: Traffic, ill: usize| {
        let (config, health) = (config(&[0, 1, 2, 3], traffic.clone()), Arc::new(BackendHealth::new(4, now)));
        for backend in 0..ill {
            (0..5).for_each(|_| _ = health.failed(backend, traffic.outliers, now));
        }
        Under::begin(&config, &health, now, &body()).call().unwrap().backend
    };
    assert_eq!(first(at_most(100, 50), 2), 2, "half are well");
    assert_eq!(first(at_most(100, 50), 3), 0, "less than half are well");
    assert_eq!(first(at_most(100, 1), 3), 3);
    assert_eq!(first(at_most(100, 0), 3), 3);
}

#[test]
fn a_model_that_fails_does_not_eject_its_backend_for_others() {
    let now = Instant::now();
    let (config, health) = (config(&[0, 1], Traffic::default()), Arc::new(BackendHealth::new(2, now)));
    refuse_all(&config, &health, now, 5, Under::unwell);
    let other = body().replace("claude-sonnet-4-20250514-v1:0", "claude-haiku-4-5-20251001-v1:0");
    assert!(health.is_ejected_of(0, crate::under::MODEL, now));
    assert_eq!(Under::begin(&config, &health, now, &other).call().unwrap().backend, 0);
    refuse_all(&config, &health, now, 5, Under::fail);
    assert!(health.is_ejected_of(0, "another", now), "no connection is no model's fault");
}

#[test]
fn what_the_client_did_or_the_gateway_never_counts_against_a_backend() {
    let now = Instant::now();
    let mistakes: [fn(&mut Under); 7] = [
        Under::cannot,
        |under| under.refuse(400, "ValidationException", "no", None),
        |under| under.refuse(403, "AccessDeniedException", "no", None),
        |under| under.refuse(404, "ResourceNotFoundException", "no", None),
        |under| under.refuse(413, "RequestEntityTooLargeException", "no", None),
        Under::throttle,
        Under::busy,
    ];
    for fail in mistakes {
        let (config, health) = (config(&[0, 0], Traffic::default()), Arc::new(BackendHealth::new(2, now)));
        refuse_all(&config, &health, now, 50, fail);
        assert!(!health.is_ejected(0, now) && !health.is_ejected(1, now));
    }
    let (config, health) = (config(&[0], Traffic::default()), Arc::new(BackendHealth::new(1, now)));
    refuse_all(&config, &health, now, 500, Under::busy);
    assert!((0..100).all(|_| health.spend(0)), "what was turned away here was no load there");
}

#[test]
fn a_backend_that_was_given_little_of_the_whole_time_is_not_blamed_when_it_is_over() {
    let now = Instant::now();
    let mut limited = Config::clone(&config(&[0, 0], Traffic::default()));
    limited.routes.change(|routes| routes[0].rules[0].request_timeout = Some(Duration::from_secs(10)));
    let (limited, health) = (Arc::new(limited), Arc::new(BackendHealth::new(2, now)));
    let late = |waited: u64| {
        for _ in 0..5 {
            let mut under = Under::begin(&limited, &health, now, &body());
            under.call().unwrap();
            under.exchange.handle(Input::CallQueued, under.now);
            under.now += Duration::from_secs(waited);
            under.exchange.handle(Input::CallStarted, under.now);
            under.now = now + Duration::from_secs(10);
            under.time_out();
            assert!(under.call().is_none());
        }
        (0..2).any(|backend| health.is_ejected(backend, now + Duration::from_secs(10)))
    };
    assert!(!late(9), "it waited for its turn");
    assert!(late(1), "it had the time");
}

#[test]
fn a_head_that_was_sent_early_ends_the_search_for_backends() {
    let stream = body().replacen('{', r#"{"stream": true, "#, 1);
    let now = Instant::now();
    let health = Arc::new(BackendHealth::new(2, now));
    let early = HostTerms { limits: HostLimits { early_head: Some(QUIET), ..TERMS.limits }, ..TERMS };
    let mut under = Under::begin_on(&config(&[0, 0], Traffic::default()), &health, early, now, stream.as_bytes());
    under.call().unwrap();
    under.quiet();
    under.quiet();
    assert!(under.call().is_none());
    assert_eq!((under.status, under.said.as_str()), (Some(StatusCode::OK), ": keep-alive\n\n: keep-alive\n\n"));
    under.fail();
    assert!(under.call().is_none(), "another backend was asked");
    assert!(under.said.contains("data: {\"error\":") && under.said.ends_with("data: [DONE]\n\n"), "{}", under.said);
    let mut whole = Under::begin_on(&config(&[0, 0], Traffic::default()), &health, early, now, body().as_bytes());
    whole.call().unwrap();
    whole.quiet();
    assert!(whole.call().is_none() && whole.status.is_none(), "no stream");
}

#[test]
fn a_client_whose_last_attempt_is_silent_hears_that_it_goes_on() {
    let stream = body().replacen('{', r#"{"stream": true, "#, 1);
    let now = Instant::now();
    let once = Traffic { retry: Retry { attempts: Some(1), ..Retry::default() }, ..Traffic::default() };
    let begin = |traffic: Traffic, body: &str| {
        let health = Arc::new(BackendHealth::new(1, now));
        let mut under = Under::begin(&config(&[0], traffic), &health, now, body);
        under.call().unwrap();
        for _ in 0..2 {
            under.quiet();
        }
        under
    };
    for (traffic, body) in [(Traffic::default(), stream.as_str()), (once.clone(), &body())] {
        let mut silent = begin(traffic, body);
        assert!(silent.call().is_none());
        assert_eq!((silent.status, silent.said.as_str()), (None, ""), "another attempt may be made, or no stream");
    }
    let fails: [fn(&mut Under); 3] = [Under::fail, Under::unwell, |under| {
        under.refuse(400, "ValidationException", "no", None);
    }];
    for fail in fails {
        let mut failed = begin(once.clone(), &stream);
        failed.call();
        assert_eq!((failed.status, failed.said.as_str()), (Some(StatusCode::OK), ": keep-alive\n\n: keep-alive\n\n"));
        failed.status = None;
        fail(&mut failed);
        assert!(failed.call().is_none());
        assert!(failed.status.is_none(), "one head");
        assert!(
            failed.said.contains("data: {\"error\":") && failed.said.ends_with("data: [DONE]\n\n"),
            "{}",
            failed.said
        );
        assert_eq!(failed.record.unwrap().outcome, Outcome::Failed);
    }
    let mut answered = begin(once, &stream);
    answered.call();
    answered.status = None;
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/vnd.amazon.eventstream"));
    answered.exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, now);
    for (kind, payload) in [
        ("messageStart", r#"{"role":"assistant"}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Hello"}}"#),
        ("messageStop", r#"{"stopReason":"end_turn"}"#),
    ] {
        answered.exchange.handle(Input::UpstreamBody(&frame(kind, payload)), now);
    }
    answered.exchange.handle(Input::UpstreamEnd, now);
    assert!(answered.call().is_none());
    assert!(answered.status.is_none() && answered.said.contains("Hello") && answered.said.contains("[DONE]"));
    assert_eq!(answered.record.unwrap().outcome, Outcome::Answered);
}

/// After an outage of the first of two backends of one rule that lasts so long, how much later it is used again, with a
/// request every 100 ms.
fn healed_after(outage: Duration, priorities: &[u32], fail: fn(&mut Under)) -> Duration {
    let begun = Instant::now();
    let (config, health) = (config(priorities, Traffic::default()), Arc::new(BackendHealth::new(2, begun)));
    let step = Duration::from_millis(100);
    let mut now = begun;
    loop {
        let mut under = Under::begin(&config, &health, now, &body());
        let (mut used, mut calls) = (false, 0);
        while let Some(call) = under.call() {
            calls += 1;
            if call.backend == 0 && now < begun + outage {
                fail(&mut under);
            } else {
                used |= call.backend == 0;
                under.answer();
            }
        }
        let record = under.record.unwrap();
        assert!(record.outcome == Outcome::Answered && calls <= 3, "{calls} calls");
        if used && now >= begun + outage {
            return now - begun - outage;
        }
        now += step;
        assert!(now < begun + outage + Duration::from_secs(60));
    }
}

#[test]
fn a_backend_that_is_back_is_used_within_seconds_however_long_it_was_away() {
    for seconds in [1, 10, 60, 600] {
        for priorities in [[0, 1], [0, 0]] {
            for fail in [Under::fail, Under::unwell, Under::time_out] {
                let healed = healed_after(Duration::from_secs(seconds), &priorities, fail);
                assert!(healed <= Duration::from_secs(5), "{healed:?} after an outage of {seconds} s");
            }
        }
    }
}

/// Answers with this head and body, as far as a host goes on reading: a stream is over with its first bytes that are none.
fn answer_oddly(under: &mut Under, stream: bool, status: u16, encoding: Option<&'static str>, body: &[u8]) {
    let headers = encoding.map(|encoding| (http::header::CONTENT_ENCODING, HeaderValue::from_static(encoding)));
    let code = StatusCode::from_u16(status).unwrap();
    under.exchange.handle(Input::UpstreamHead { status: code, headers: &headers.into_iter().collect() }, under.now);
    if status != 200 || encoding.is_some() {
        return;
    }
    under.exchange.handle(Input::UpstreamBody(body), under.now);
    if !stream {
        under.exchange.handle(Input::UpstreamEnd, under.now);
    }
}

#[test]
fn what_is_no_answer_of_a_model_is_failed_over_and_not_asked_for_again() {
    let html = b"<html>Sign in</html>";
    let odd = [(204, None), (206, None), (302, None), (600, None), (999, None), (200, Some("gzip")), (200, None)];
    for (stream, (status, encoding)) in odd.iter().flat_map(|odd| [(false, odd), (true, odd)]) {
        let asked = body().replacen('{', &format!(r#"{{"stream": {stream}, "#), 1);
        for backends in [1, 2] {
            let (now, priorities) = (Instant::now(), &[0, 1][..backends]);
            let health = Arc::new(BackendHealth::new(backends, now));
            let mut under = Under::begin(&config(priorities, Traffic::default()), &health, now, &asked);
            let order = called(&mut under, |under| answer_oddly(under, stream, *status, *encoding, html));
            assert_eq!(order, (0..backends).collect::<Vec<_>>(), "{status} {encoding:?} {stream}");
            assert_eq!(under.status, Some(StatusCode::BAD_GATEWAY));
        }
    }
}

#[test]
fn a_probe_that_fails_is_retried_elsewhere_and_not_where_it_failed() {
    let now = Instant::now();
    for priorities in [&[0, 1][..], &[0, 0], &[0, 1, 2]] {
        for fail in [Under::fail, Under::unwell, Under::time_out] {
            let traffic = Traffic::default();
            let (config, health) =
                (config(priorities, traffic.clone()), Arc::new(BackendHealth::new(priorities.len(), now)));
            (0..5).for_each(|_| _ = health.failed(0, traffic.outliers, now));
            if priorities.len() == 3 {
                (0..5).for_each(|_| _ = health.failed(1, traffic.outliers, now + Duration::from_secs(1)));
            }
            let mut probe = Under::begin(&config, &health, now + Duration::from_secs(1), &body());
            assert_eq!(probe.call().unwrap().backend, 0);
            fail(&mut probe);
            assert_eq!(probe.call().unwrap().backend, priorities.len() - 1);
        }
    }
}

#[test]
fn a_backend_that_answers_as_none_would_is_left_alone_for_its_head_alone() {
    for (status, body, left_alone) in [(302, &b""[..], true), (200, b"<html>", false)] {
        let (now, traffic) = (Instant::now(), Traffic::default());
        let (config, health) = (config(&[0, 1], traffic), Arc::new(BackendHealth::new(2, now)));
        for _ in 0..Outliers::default().failures {
            let mut under = Under::begin(&config, &health, now, &crate::under::body());
            assert_eq!(under.call().unwrap().backend, 0);
            answer_oddly(&mut under, false, status, None, body);
            assert_eq!(under.call().unwrap().backend, 1);
            under.answer();
        }
        let next = Under::begin(&config, &health, now, &crate::under::body()).call().unwrap().backend;
        assert_eq!(next, usize::from(left_alone), "{status}");
    }
}

#[test]
fn a_probe_that_nobody_answers_keeps_others_from_probing_for_seconds_only() {
    let now = Instant::now();
    let traffic = Traffic::default();
    let (config, health) = (config(&[0, 1], traffic.clone()), Arc::new(BackendHealth::new(2, now)));
    (0..5).for_each(|_| _ = health.failed(0, traffic.outliers, now));
    let stream = body().replacen('{', r#"{"stream": true, "#, 1);
    let first = |after: u64| {
        let now = now + Duration::from_secs(after);
        let mut under = Under::begin_on(&config, &health, SILENT, now, stream.as_bytes());
        (under.call().unwrap().backend, under.limit(), under)
    };
    let (backend, hedge, mut silent) = first(1);
    assert_eq!((backend, hedge), (0, Some(Duration::from_secs(5))), "it has somewhere else to go");
    silent.pass(Duration::from_secs(5));
    assert_eq!(silent.call().unwrap().backend, 1);
    assert_eq!(first(1).0, 1);
    (0..64).for_each(|_| health.began(0, crate::under::MODEL, true, Duration::from_secs(1)));
    let (backend, hedge, mut quick) = first(5);
    assert_eq!((backend, hedge), (0, Some(Duration::from_secs(2))));
    quick.exchange.handle(Input::ClientGone, now);
    (0..64).for_each(|_| health.began(0, crate::under::MODEL, true, Duration::from_secs(8)));
    assert_eq!(first(9).1, Some(Duration::from_secs(12)), "one that is slow by nature has the time it needs");
}

/// The head of a stream, and these frames.
fn stream_of(under: &mut Under, frames: &[Vec<u8>]) {
    let kind = HeaderValue::from_static("application/vnd.amazon.eventstream");
    let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, kind)]);
    under.exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, under.now);
    frames.iter().for_each(|frame| under.exchange.handle(Input::UpstreamBody(frame), under.now));
}

#[test]
fn nothing_that_is_no_content_ends_the_attempts() {
    let start = || frame("messageStart", r#"{"role":"assistant"}"#);
    let block = |what: &str| frame("contentBlockStart", format!(r#"{{"contentBlockIndex":0,"start":{what}}}"#));
    let delta = |delta: &str| frame("contentBlockDelta", format!(r#"{{"contentBlockIndex":0,"delta":{delta}}}"#));
    let call = || block(r#"{"toolUse":{"toolUseId":"t","name":"w"}}"#);
    let empty = [start(), block("{}"), delta(r#"{"text":""}"#), delta(r#"{"reasoningContent":{"text":""}}"#)];
    let ping = [frame("ping", "{}"), start(), frame("newerEvent", r#"{"p":"abc"}"#)];
    let fails: [fn(&mut Under); 4] = [
        Under::fail,
        Under::time_out,
        |under| under.exchange.handle(Input::UpstreamEnd, under.now),
        |under| {
            let thrown = frame("internalServerException", r#"{"message":"m"}"#);
            under.exchange.handle(Input::UpstreamBody(&thrown), under.now);
        },
    ];
    let stream = body().replacen('{', r#"{"stream": true, "#, 1);
    let begin = |kind: KeepAlive| {
        let now = Instant::now();
        let (config, health) = (config(&[0, 1], Traffic::default()), Arc::new(BackendHealth::new(2, now)));
        let terms = HostTerms { limits: HostLimits { keep_alive_kind: kind, ..TERMS.limits }, ..TERMS };
        let mut under = Under::begin_on(&config, &health, terms, now, stream.as_bytes());
        assert_eq!(under.call().unwrap().backend, 0);
        under
    };
    for frames in [&[][..], &empty[..1], &empty, &ping] {
        for quiet in [None, Some(KeepAlive::Comment), Some(KeepAlive::Chunk)] {
            for fail in fails {
                let mut under = begin(quiet.unwrap_or_default());
                stream_of(&mut under, frames);
                if quiet.is_some() {
                    under.quiet();
                }
                fail(&mut under);
                assert!(under.call().is_some());
                assert_eq!(under.status.take().is_some(), quiet.is_some());
                stream_of(&mut under, &[start(), delta(r#"{"text":"Hello"}"#), frame("messageStop", "{}")]);
                under.exchange.handle(Input::UpstreamEnd, under.now);
                assert!(under.call().is_none() && under.status.is_some() != quiet.is_some());
                assert_eq!(under.said.matches("\"role\"").count(), 1, "{}", under.said);
                assert!(under.said.contains("Hello") && under.said.ends_with("data: [DONE]\n\n"));
                assert_eq!(under.record.unwrap().outcome, Outcome::Answered);
            }
        }
    }
    let thought = || delta(r#"{"reasoningContent":{"text":"Hm"}}"#);
    let sealed = || delta(r#"{"reasoningContent":{"redactedContent":"AAAA"}}"#);
    for content in [delta(r#"{"text":"H"}"#), thought(), sealed(), call()] {
        for fail in fails {
            let mut under = begin(KeepAlive::default());
            stream_of(&mut under, &[start(), content.clone()]);
            fail(&mut under);
            assert!(under.call().is_none() && under.status == Some(StatusCode::OK));
            assert!(under.said.contains("\"error\"") && under.said.contains("\"role\""), "{}", under.said);
        }
    }
}

#[test]
fn a_whole_answer_of_bedrocks_that_is_none_is_failed_over() {
    for none in ["", "{", "{}", "[]", "<html>", r#"{"output":{}}"#, r#"{"message":"unwell"}"#, r#"{"__type":"X"}"#] {
        let mut under = fresh(&[0, 1], Traffic::default());
        for attempt in 0.. {
            let Some(call) = under.call() else { break };
            assert_eq!(call.backend, attempt % 2, "{none}");
            let kind = HeaderValue::from_static("application/json");
            let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, kind)]);
            under.exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, under.now);
            under.exchange.handle(Input::UpstreamBody(none.as_bytes()), under.now);
            under.exchange.handle(Input::UpstreamEnd, under.now);
        }
        assert_eq!(under.status, Some(StatusCode::BAD_GATEWAY), "{none}");
        assert!(under.record.is_some_and(|record| record.attempts.len() > 1));
    }
}

#[test]
fn a_host_is_asked_before_a_large_request_is_said_once_more() {
    for allowed in [true, false] {
        let mut under = fresh(&[0, 1], Traffic::default());
        under.exchange.defer_retries();
        assert_eq!(under.call().unwrap().backend, 0);
        under.fail();
        assert!(matches!(under.exchange.poll(), Some(Output::Retry)));
        assert!(under.exchange.poll().is_none());
        under.exchange.retry(allowed, under.now);
        let next = under.call();
        assert_eq!(next.map(|call| call.backend), allowed.then_some(0));
        under.exchange.retry(true, under.now);
        assert!(under.call().is_none(), "nothing is done twice");
        if allowed {
            under.answer();
            under.call();
        }
        let expected = if allowed { (Outcome::Answered, 2) } else { (Outcome::Failed, 1) };
        assert_eq!(under.record.map(|record| (record.outcome, record.attempts.len())), Some(expected));
    }
}

#[test]
fn a_request_that_is_too_long_for_one_backend_goes_to_the_next_and_not_to_the_same() {
    let long =
        |under: &mut Under| under.refuse(400, "ValidationException", "Input is too long for requested model.", None);
    let mut alone = fresh(&[0], Traffic::default());
    assert_eq!(called(&mut alone, long), [0]);
    assert_eq!(alone.status, Some(StatusCode::BAD_REQUEST));
    let mut under = fresh(&[0, 0, 1], Traffic::default());
    assert_eq!(called(&mut under, long).len(), 3);
    assert!(under.status == Some(StatusCode::BAD_REQUEST) && under.said.contains("context_length_exceeded"));
    let now = Instant::now();
    let (config, health) = (config(&[0, 1], Traffic::default()), Arc::new(BackendHealth::new(2, now)));
    refuse_all(&config, &health, now, 20, long);
    assert!((0..2).all(|backend| health.availability(backend, now) == Availability::Healthy), "that is no illness");
}

#[test]
fn a_backend_that_says_nothing_is_waited_for_as_long_as_is_usual_while_another_could_be_asked() {
    let now = Instant::now();
    let stream = body().replacen('{', r#"{"stream": true, "#, 1);
    let usual = |config: &Arc<Config>, health: &Arc<BackendHealth>, body: &str| {
        let mut under = Under::begin_on(config, health, SILENT, now, body.as_bytes());
        under.call().unwrap();
        (under.limit().map(|time| time.as_secs()), under)
    };
    let stalled = |under: &mut Under| {
        let why = aquifer_gateway::translate::fault::Unreachable::Stalled("nothing came".to_owned());
        under.exchange.handle(Input::UpstreamFailed(why), now);
    };
    let (two, health) = (config(&[0, 1], Traffic::default()), Arc::new(BackendHealth::new(2, now)));
    let (limit, mut under) = usual(&two, &health, &stream);
    assert_eq!(limit, Some(60), "nothing is known of it");
    assert_eq!(usual(&two, &health, &body()).0, Some(180));
    stalled(&mut under);
    let next = under.call().unwrap();
    assert_eq!((next.backend, under.limit()), (1, None), "the next target at once, and there is no other one");
    stalled(&mut under);
    assert_eq!(under.call().unwrap().backend, 0);
    for took in [2, 100] {
        (0..64).for_each(|_| health.began(1, crate::under::MODEL, true, Duration::from_secs(took)));
    }
    (0..64).for_each(|_| health.began(0, crate::under::MODEL, true, Duration::from_secs(2)));
    assert_eq!(usual(&two, &health, &stream).0, Some(200), "as long as the slowest of them needs");
    (0..64).for_each(|_| health.began(1, crate::under::MODEL, true, Duration::from_secs(2)));
    assert_eq!(usual(&two, &health, &stream).0, Some(10));
    let alone = config(&[0], Traffic::default());
    assert_eq!(usual(&alone, &Arc::new(BackendHealth::new(1, now)), &stream).0, None, "there is nobody else");
    let never = Traffic { first_byte: Some(Duration::ZERO), ..Traffic::default() };
    let (limit, mut under) = usual(&config(&[0, 1], never), &health, &stream);
    assert_eq!(limit, None);
    stalled(&mut under);
    let set = Traffic { first_byte: Some(Duration::from_secs(5)), ..Traffic::default() };
    let mut under = Under::begin_on(&config(&[0, 1], set), &health, SILENT, now, stream.as_bytes());
    under.call().unwrap();
    assert_eq!(under.limit(), Some(Duration::from_secs(5)));
}

#[test]
fn what_is_usual_is_learned_from_answers() {
    let now = Instant::now();
    let (config, health) = (config(&[0, 1], Traffic::default()), Arc::new(BackendHealth::new(2, now)));
    for _ in 0..8 {
        let mut under = Under::begin(&config, &health, now, &body());
        under.call();
        under.now += Duration::from_secs(25);
        under.answer();
        under.call();
    }
    let mut under = Under::begin_on(&config, &health, SILENT, now, body().as_bytes());
    under.call().unwrap();
    assert_eq!(under.limit(), Some(Duration::from_secs(75)));
}

#[test]
fn a_client_may_leave_before_a_retry_that_was_asked_for() {
    let mut under = fresh(&[0, 1], Traffic::default());
    under.exchange.defer_retries();
    under.call().unwrap();
    under.fail();
    under.exchange.handle(Input::ClientGone, under.now);
    under.call();
    assert_eq!(under.record.as_ref().map(|record| record.outcome), Some(Outcome::Abandoned));
    under.exchange.retry(true, under.now);
    assert!(under.call().is_none());
}
