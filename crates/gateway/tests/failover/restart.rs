//! Streams that break off while their model is thinking: another attempt goes on behind what the client was told.

use crate::under::{SILENT, Under, config, config_of, openai};
use aquifer_gateway::config::{BackendKind, Config, ReasoningPolicy, Service, Traffic};
use aquifer_gateway::exchange::{CallId, Input};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::record::{AttemptReason, Outcome};
use aquifer_gateway::translate::fault::Unreachable;
use aquifer_testing::frames::frame;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

const UNSIGNED: &str = "openai.gpt-oss-120b-1:0";
pub(crate) const SIGNED: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
pub(crate) const CHAT: &str = "/v1/chat/completions";
pub(crate) const MESSAGES: &str = "/v1/messages";
pub(crate) const RESPONSES: &str = "/v1/responses";

/// How a stream breaks off.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Break {
    Ends,
    IsLost,
    Stalls,
    Refuses,
}

pub(crate) const BREAKS: [Break; 4] = [Break::Ends, Break::IsLost, Break::Stalls, Break::Refuses];

fn start() -> Vec<u8> {
    frame("messageStart", r#"{"role":"assistant"}"#)
}

fn thought(block: u32, text: &str) -> Vec<u8> {
    let delta = format!(r#"{{"reasoningContent":{{"text":"{text}"}}}}"#);
    frame("contentBlockDelta", format!(r#"{{"contentBlockIndex":{block},"delta":{delta}}}"#))
}

fn text(block: u32, text: &str) -> Vec<u8> {
    frame("contentBlockDelta", format!(r#"{{"contentBlockIndex":{block},"delta":{{"text":"{text}"}}}}"#))
}

fn signature(block: u32) -> Vec<u8> {
    let delta = r#"{"reasoningContent":{"signature":"c2ln"}}"#;
    frame("contentBlockDelta", format!(r#"{{"contentBlockIndex":{block},"delta":{delta}}}"#))
}

fn stop(block: u32) -> Vec<u8> {
    frame("contentBlockStop", format!(r#"{{"contentBlockIndex":{block}}}"#))
}

/// A thought in two blocks, no more.
fn thoughts() -> Vec<Vec<u8>> {
    vec![start(), thought(0, "Let "), thought(0, "me see"), stop(0), thought(1, "Or "), thought(1, "rather")]
}

/// An answer, whole.
fn whole() -> Vec<u8> {
    let usage = r#"{"usage":{"inputTokens":7,"outputTokens":5,"totalTokens":12},"metrics":{"latencyMs":1}}"#;
    [
        start(),
        thought(0, "Again"),
        stop(0),
        text(1, "The answer"),
        stop(1),
        frame("messageStop", r#"{"stopReason":"end_turn"}"#),
        frame("metadata", usage),
    ]
    .concat()
}

fn two_backends(policy: ReasoningPolicy) -> Arc<Config> {
    with_policy(&config(&[0, 1], Traffic::default()), &policy)
}

pub(crate) fn with_policy(config: &Arc<Config>, policy: &ReasoningPolicy) -> Arc<Config> {
    let mut config = Arc::unwrap_or_clone(Arc::clone(config));
    let mut routes = config.routes.to_vec();
    for backend in routes.iter_mut().flat_map(|route| &mut route.rules).flat_map(|rule| &mut rule.backends) {
        backend.reasoning = Arc::new(policy.clone());
    }
    config.routes = routes.into();
    Arc::new(config)
}

pub(crate) fn begin(config: &Arc<Config>, path: &str, model: &str) -> Under {
    let now = Instant::now();
    let health = Arc::new(BackendHealth::new(2, now));
    let body = format!(
        r#"{{"model": "{model}", "stream": true, "max_tokens": 4096, "stream_options": {{"include_usage": true}},
        "reasoning_effort": "high", "messages": [{{"role": "user", "content": "Why?"}}]}}"#
    );
    let body = if path == MESSAGES {
        body.replace(r#""stream_options": {"include_usage": true},"#, "")
            .replace(r#""reasoning_effort": "high""#, r#""thinking": {"type": "enabled", "budget_tokens": 2048}"#)
    } else if path == RESPONSES {
        format!(
            r#"{{"model": "{model}", "stream": true, "store": false, "input": "Why?", "reasoning": {{"summary": "auto"}}}}"#
        )
    } else {
        body
    };
    Under::begin_at(path, config, &health, SILENT, now, body.as_bytes())
}

pub(crate) fn stream(under: &mut Under, frames: &[u8]) {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/vnd.amazon.eventstream"));
    under.exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, under.now);
    under.exchange.handle(Input::UpstreamBody(frames), under.now);
}

/// The whole answer comes.
fn answers(under: &mut Under) {
    stream(under, &whole());
    under.exchange.handle(Input::UpstreamEnd, under.now);
}

pub(crate) fn breaks(under: &mut Under, how: Break) {
    match how {
        Break::Ends => under.exchange.handle(Input::UpstreamEnd, under.now),
        Break::IsLost => {
            under.exchange.handle(Input::UpstreamFailed(Unreachable::Broken("reset".to_owned())), under.now);
        }
        Break::Stalls => under.pass(Duration::from_secs(24 * 3600)),
        Break::Refuses => {
            let refusal = frame("throttlingException", r#"{"message":"Slow down"}"#);
            under.exchange.handle(Input::UpstreamBody(&refusal), under.now);
        }
    }
}

/// What a client of Chat Completions was told: thoughts, text, finish reasons, ends, errors.
pub(crate) fn chunks(under: &Under) -> Vec<Value> {
    let data = under.said.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// An answer that ended after so many frames of its thoughts, and the whole one behind it.
fn begun_again(path: &str, frames: usize) -> Under {
    let told = thoughts().into_iter().take(frames).collect::<Vec<_>>().concat();
    let mut under = begin(&two_backends(ReasoningPolicy::default()), path, UNSIGNED);
    under.call().unwrap();
    stream(&mut under, &told);
    breaks(&mut under, Break::Ends);
    under.call().unwrap();
    answers(&mut under);
    assert!(under.call().is_none());
    under
}

/// The events of this type.
pub(crate) fn of_type(events: &[Value], kind: &str) -> Vec<Value> {
    events.iter().filter(|event| event["type"] == kind).cloned().collect()
}

pub(crate) fn joined(chunks: &[Value], path: &str) -> String {
    chunks.iter().filter_map(|chunk| chunk.pointer(path)?.as_str()).collect()
}

#[test]
fn a_stream_that_breaks_off_at_any_frame_of_its_thoughts_is_answered_by_the_next_backend() {
    for how in BREAKS {
        for frames in 1..=thoughts().len() {
            let told = thoughts().into_iter().take(frames).collect::<Vec<_>>().concat();
            let mut under = begin(&two_backends(ReasoningPolicy::default()), CHAT, UNSIGNED);
            assert_eq!(under.call().unwrap().backend, 0);
            stream(&mut under, &told);
            assert!(under.call().is_none() && under.record.is_none() && !under.exchange.is_told());
            breaks(&mut under, how);
            let call = under.call().unwrap_or_else(|| panic!("{how:?} behind {frames}"));
            assert_eq!(call.id, CallId::Primary, "{how:?}");
            answers(&mut under);
            assert!(under.call().is_none());
            let (said, chunks) = (&under.said, chunks(&under));
            assert_eq!(joined(&chunks, "/choices/0/delta/content"), "The answer", "{how:?} behind {frames}: {said}");
            assert_eq!(joined(&chunks, "/choices/0/delta/role"), "assistant");
            assert_eq!(joined(&chunks, "/choices/0/finish_reason"), "stop");
            assert!(joined(&chunks, "/choices/0/delta/reasoning").ends_with("Again"));
            assert_eq!(chunks.last().unwrap()["usage"]["total_tokens"], 12);
            assert_eq!(said.matches("[DONE]").count(), 1);
            let record = under.record.as_ref().unwrap();
            assert_eq!((record.outcome, record.attempts.len(), record.status), (Outcome::Answered, 2, 200));
            let thinking = frames > 1;
            let why = if thinking { AttemptReason::Restart } else { AttemptReason::Retry };
            assert_eq!(record.attempts[1].why, why, "{how:?} behind {frames}");
            assert!(record.attempts[0].fault.is_some());
            let warned = record.warnings.iter().any(|warning| warning.contains("while the model was thinking"));
            assert_eq!((warned, record.estimated.is_some()), (thinking, thinking), "{:?}", record.warnings);
            assert_eq!(record.tokens.unwrap().output, 5);
        }
    }
}

#[test]
fn blocks_of_the_second_answer_are_counted_behind_those_of_the_first() {
    for frames in 2..=thoughts().len() {
        let under = begun_again(MESSAGES, frames);
        let events = chunks(&under);
        let of = |kind: &str| of_type(&events, kind);
        let starts = of("content_block_start");
        let indexes: Vec<u64> = starts.iter().map(|start| start["index"].as_u64().unwrap()).collect();
        assert_eq!(indexes, (0..indexes.len() as u64).collect::<Vec<_>>(), "{}", under.said);
        assert_eq!(indexes.len(), if frames > 4 { 4 } else { 3 });
        assert_eq!(of("content_block_stop").len(), starts.len());
        assert_eq!((of("message_start").len(), of("message_delta").len(), of("message_stop").len()), (1, 1, 1));
        assert!(!under.said.contains("signature_delta"));
        assert_eq!(of("message_delta")[0]["usage"]["output_tokens"], 5);
        assert_eq!(joined(&of("content_block_delta"), "/delta/text"), "The answer");
    }
}

#[test]
fn a_response_that_began_again_is_one_response() {
    for frames in 2..=thoughts().len() {
        let under = begun_again(RESPONSES, frames);
        let events = chunks(&under);
        let of = |kind: &str| of_type(&events, kind);
        let numbers: Vec<u64> = events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
        assert_eq!((of("response.created").len(), of("response.completed").len()), (1, 1), "{}", under.said);
        let response = &of("response.completed")[0]["response"];
        let output = response["output"].as_array().unwrap();
        assert_eq!(of("response.output_item.done").len(), output.len());
        assert_eq!(output.last().unwrap()["content"][0]["text"], "The answer");
        assert_eq!(output.len(), if frames > 4 { 4 } else { 3 });
        assert_eq!(output[output.len() - 3]["encrypted_content"], Value::Null, "the unfinished thought");
        assert_eq!(response["usage"]["output_tokens"], 5);
    }
}

#[test]
fn details_of_the_second_answer_have_their_own_index() {
    let policy = ReasoningPolicy { restart_while_thinking: Some(true), ..ReasoningPolicy::default() };
    let mut under = begin(&two_backends(policy), CHAT, SIGNED);
    under.call().unwrap();
    stream(&mut under, &[start(), thought(0, "Let me")].concat());
    breaks(&mut under, Break::Ends);
    under.call().unwrap();
    let signed = [start(), thought(0, "Again"), signature(0), stop(0), text(1, "Yes"), stop(1)].concat();
    stream(&mut under, &signed);
    under.exchange.handle(Input::UpstreamBody(&frame("messageStop", r#"{"stopReason":"end_turn"}"#)), under.now);
    under.exchange.handle(Input::UpstreamBody(&frame("metadata", "{}")), under.now);
    assert!(under.call().is_none());
    let chunks = chunks(&under);
    let details: Vec<&Value> =
        chunks.iter().filter_map(|chunk| chunk.pointer("/choices/0/delta/reasoning_details/0")).collect();
    assert!(details.iter().all(|detail| (detail["text"] == "Let me") == (detail["index"] == 0)), "{details:?}");
    let signed = details.iter().find(|detail| detail["signature"] == "c2ln").unwrap();
    assert_eq!(signed["index"], 1);
}

/// Where nothing begins again: the client is told inside its stream.
pub(crate) fn is_told_the_failure(under: &mut Under, path: &str) {
    assert!(under.call().is_none());
    let record = under.record.as_ref().unwrap();
    assert_eq!(record.outcome, Outcome::Failed);
    let error = match path {
        CHAT => r#"data: {"error":"#,
        MESSAGES => "event: error\n",
        _ => "event: response.failed\n",
    };
    assert_eq!(under.said.matches(error).count(), 1, "{}", under.said);
    assert_eq!(under.said.matches("message_stop").count() + under.said.matches("finish_reason\":\"").count(), 0);
}

#[test]
fn an_answer_that_has_begun_does_not_begin_again() {
    for path in [CHAT, MESSAGES, RESPONSES] {
        let told = text(1, "The");
        let mut under = begin(&two_backends(ReasoningPolicy::default()), path, UNSIGNED);
        under.call().unwrap();
        stream(&mut under, &[start(), thought(0, "Let"), stop(0), told].concat());
        assert!(under.call().is_none() && under.exchange.is_told());
        breaks(&mut under, Break::Ends);
        is_told_the_failure(&mut under, path);
    }
}

#[test]
fn the_policy_decides_where_thoughts_are_signed() {
    let restart = |on| ReasoningPolicy { restart_while_thinking: on, ..ReasoningPolicy::default() };
    let hidden = ReasoningPolicy { hidden: true, ..ReasoningPolicy::default() };
    for (policy, model, restarts) in [
        (restart(None), SIGNED, false),
        (restart(Some(true)), SIGNED, true),
        (restart(Some(false)), UNSIGNED, false),
        (hidden, SIGNED, true),
    ] {
        let mut under = begin(&two_backends(policy), CHAT, model);
        under.call().unwrap();
        stream(&mut under, &[start(), thought(0, "Let")].concat());
        assert!(under.call().is_none());
        assert_ne!(under.exchange.is_told(), restarts);
        breaks(&mut under, Break::Ends);
        if !restarts {
            is_told_the_failure(&mut under, CHAT);
            continue;
        }
        assert!(under.call().is_some());
    }
}

#[test]
fn a_thought_that_was_sealed_is_not_followed_by_another_models() {
    let policy = ReasoningPolicy { restart_while_thinking: Some(true), ..ReasoningPolicy::default() };
    let mut under = begin(&two_backends(policy), CHAT, SIGNED);
    under.call().unwrap();
    stream(&mut under, &[start(), thought(0, "Let"), signature(0), stop(0)].concat());
    breaks(&mut under, Break::Ends);
    is_told_the_failure(&mut under, CHAT);
}

#[test]
fn when_nobody_answers_the_failure_is_told_behind_the_thoughts() {
    for path in [CHAT, MESSAGES, RESPONSES] {
        let mut under = begin(&two_backends(ReasoningPolicy::default()), path, UNSIGNED);
        under.call().unwrap();
        stream(&mut under, &[start(), thought(0, "Let")].concat());
        breaks(&mut under, Break::Ends);
        let mut calls = 0;
        while under.call().is_some() {
            calls += 1;
            under.unwell();
        }
        assert!(calls > 1);
        is_told_the_failure(&mut under, path);
    }
}

#[test]
fn thoughts_that_break_off_again_and_again_are_told_one_behind_the_other() {
    let mut under = begin(&two_backends(ReasoningPolicy::default()), MESSAGES, UNSIGNED);
    under.call().unwrap();
    for text in ["one", "two"] {
        stream(&mut under, &[start(), thought(0, text)].concat());
        breaks(&mut under, Break::Ends);
        under.call().unwrap();
    }
    answers(&mut under);
    assert!(under.call().is_none());
    let events = chunks(&under);
    let thoughts: Vec<Value> = events.iter().filter(|event| event["type"] == "content_block_delta").cloned().collect();
    assert_eq!(joined(&thoughts, "/delta/thinking"), "onetwoAgain");
    assert_eq!(under.record.as_ref().unwrap().attempts.len(), 3);
}

#[test]
fn a_backend_of_openais_dialect_does_not_go_on_behind_bedrock() {
    let bedrock = BackendKind::bedrock(Service { region: Some("us-east-1".to_owned()), ..Service::default() });
    let config = config_of(vec![bedrock, openai("/v1")], Traffic::default());
    let mut under = begin(&config, CHAT, UNSIGNED);
    under.call().unwrap();
    stream(&mut under, &[start(), thought(0, "Let")].concat());
    // A stall is nothing that the same backend is asked again for.
    breaks(&mut under, Break::Stalls);
    is_told_the_failure(&mut under, CHAT);
}

#[test]
fn the_next_attempt_is_deferred_where_the_host_wants_that() {
    let mut under = begin(&two_backends(ReasoningPolicy::default()), CHAT, UNSIGNED);
    under.call().unwrap();
    under.exchange.defer_retries();
    stream(&mut under, &[start(), thought(0, "Let")].concat());
    breaks(&mut under, Break::Ends);
    assert!(under.call().is_none() && under.record.is_none());
    under.exchange.retry(true, under.now);
    under.call().unwrap();
    answers(&mut under);
    assert!(under.call().is_none());
    assert_eq!(joined(&chunks(&under), "/choices/0/delta/content"), "The answer");
}

#[test]
fn nobody_else_is_asked_at_once_for_what_goes_on_behind_a_thought() {
    let traffic = Traffic { hedge: Some(Duration::from_secs(2)), ..Traffic::default() };
    let mut under = begin(&with_policy(&config(&[0, 0, 0], traffic), &ReasoningPolicy::default()), MESSAGES, UNSIGNED);
    under.call().unwrap();
    stream(&mut under, &[start(), thought(0, "Let")].concat());
    breaks(&mut under, Break::Ends);
    assert_eq!(under.call().unwrap().id, CallId::Primary);
    assert!(!under.hedges(), "its answer would begin a message of its own");
    answers(&mut under);
    assert!(under.call().is_none());
    assert_eq!(of_type(&chunks(&under), "message_start").len(), 1);
}
