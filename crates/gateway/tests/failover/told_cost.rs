//! The cost of an answer, as its client is told it: the record's, to the last digit, and only where it is asked for.

use crate::under::{MODEL, SILENT, Under, body, config};
use aquifer_gateway::config::Traffic;
use aquifer_gateway::exchange::Input;
use aquifer_gateway::health::BackendHealth;
use aquifer_testing::frames::frame;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::sync::Arc;
use std::time::Instant;

/// An exchange with these members in its request, which is answered; what the client was told.
fn answered(members: &str, model: &str) -> Under {
    let body = body().replace(MODEL, model).replace("\"messages\"", &format!("{members}\"messages\""));
    let now = Instant::now();
    let health = Arc::new(BackendHealth::new(1, now));
    let mut under = Under::begin_on(&config(&[0], Traffic::default()), &health, SILENT, now, body.as_bytes());
    assert!(under.call().is_some(), "{}", under.said);
    if members.contains("\"stream\"") {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/vnd.amazon.eventstream"));
        under.exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, now);
        let usage = r#"{"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2},"metrics":{"latencyMs":5}}"#;
        let stream = [
            frame("messageStart", r#"{"role":"assistant"}"#),
            frame("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Hi"}}"#),
            frame("messageStop", r#"{"stopReason":"end_turn"}"#),
            frame("metadata", usage),
        ];
        under.exchange.handle(Input::UpstreamBody(&stream.concat()), now);
        under.exchange.handle(Input::UpstreamEnd, now);
    } else {
        under.answer();
    }
    assert!(under.call().is_none());
    under
}

/// What one token in and one out cost of this model, at 3 and 15 dollars a million.
const COST: &str = r#""cost":0.000018,"cost_details":{"upstream_inference_cost":0.000018,"upstream_inference_prompt_cost":0.000003,"upstream_inference_completions_cost":0.000015}}"#;

#[test]
fn who_asks_is_told_what_the_answer_cost() {
    for members in [
        r#""usage": {"include": true}, "#,
        r#""usage": {"include": true}, "stream": true, "#,
        r#""extra_body": {"usage": {"include": true}}, "stream": true, "#,
    ] {
        let under = answered(members, MODEL);
        let expected = format!(r#""usage":{{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,{COST}"#);
        assert!(under.said.contains(&expected), "{}", under.said);
        assert_eq!(under.record.unwrap().cost().unwrap().total(), 18_000_000);
        assert!(!under.headers.contains_key("warning"), "{:?}", under.headers);
    }
}

#[test]
fn who_does_not_is_not_and_what_is_not_known_is_not_told() {
    for members in
        ["", r#""usage": {"include": false}, "#, r#""stream": true, "stream_options": {"include_usage": true}, "#]
    {
        let under = answered(members, MODEL);
        assert!(under.said.contains("\"prompt_tokens\":1") && !under.said.contains("cost"), "{}", under.said);
    }
    let unknown = answered(r#""usage": {"include": true}, "#, "nobody.knows-this-model");
    assert!(unknown.said.contains("\"prompt_tokens\":1") && !unknown.said.contains("cost"), "{}", unknown.said);
}
