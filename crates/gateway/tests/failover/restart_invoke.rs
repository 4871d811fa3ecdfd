//! Streams of Claude over InvokeModel that break off while their model is thinking: translated, and reframed.

use crate::restart::{
    BREAKS, Break, CHAT, MESSAGES, RESPONSES, SIGNED, begin, breaks, chunks, is_told_the_failure, joined, of_type,
    stream, with_policy,
};
use crate::under::{Under, config_of};
use aquifer_gateway::config::{BackendApi, BackendKind, Config, ReasoningPolicy, Service, Traffic};
use aquifer_gateway::exchange::Input;
use aquifer_gateway::record::{AttemptReason, Outcome};
use aquifer_gateway::translate::bedrock::Api;
use aquifer_testing::frames::{chunk, frame};
use serde_json::{Value, json};
use std::sync::Arc;

/// What InvokeModel says of an answer's beginning.
fn start() -> Vec<u8> {
    let usage = json!({"input_tokens": 40, "cache_read_input_tokens": 2, "output_tokens": 1});
    let message = json!({"id": "msg_bdrk_1", "type": "message", "role": "assistant", "model": "claude", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage});
    chunk(&json!({"type": "message_start", "message": message}).to_string())
}

fn block(index: u32, block: &Value) -> Vec<u8> {
    chunk(&json!({"type": "content_block_start", "index": index, "content_block": block}).to_string())
}

fn thinks(index: u32) -> Vec<u8> {
    block(index, &json!({"type": "thinking", "thinking": "", "signature": ""}))
}

fn delta(index: u32, delta: &Value) -> Vec<u8> {
    chunk(&json!({"type": "content_block_delta", "index": index, "delta": delta}).to_string())
}

fn thought(index: u32, text: &str) -> Vec<u8> {
    delta(index, &json!({"type": "thinking_delta", "thinking": text}))
}

fn stop(index: u32) -> Vec<u8> {
    chunk(&json!({"type": "content_block_stop", "index": index}).to_string())
}

fn signature(index: u32) -> Vec<u8> {
    delta(index, &json!({"type": "signature_delta", "signature": "c2ln"}))
}

/// A thought in two blocks, no more.
fn thoughts() -> Vec<Vec<u8>> {
    let (first, second) = ([thought(0, "Let "), thought(0, "me see"), stop(0)], [thought(1, "Or "), thought(1, "not")]);
    [vec![start(), thinks(0)], first.to_vec(), vec![thinks(1)], second.to_vec()].concat()
}

/// An answer, whole, with a signed thought.
fn whole() -> Vec<u8> {
    [
        start(),
        thinks(0),
        thought(0, "Ag"),
        thought(0, "ain"),
        signature(0),
        stop(0),
        block(1, &json!({"type": "text", "text": ""})),
        delta(1, &json!({"type": "text_delta", "text": "The "})),
        delta(1, &json!({"type": "text_delta", "text": "answer"})),
        stop(1),
        chunk(
            &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": 5}})
            .to_string(),
        ),
        chunk(r#"{"type":"message_stop"}"#),
    ]
    .concat()
}

/// The same answer by Converse.
fn whole_by_converse() -> Vec<u8> {
    let delta = |index: u32, delta: Value| {
        frame("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta}).to_string())
    };
    let usage =
        json!({"usage": {"inputTokens": 40, "outputTokens": 5, "totalTokens": 45}, "metrics": {"latencyMs": 1}});
    [
        frame("messageStart", r#"{"role":"assistant"}"#),
        delta(0, json!({"reasoningContent": {"text": "Again"}})),
        delta(0, json!({"reasoningContent": {"signature": "c2ln"}})),
        frame("contentBlockStop", r#"{"contentBlockIndex":0}"#),
        delta(1, json!({"text": "The answer"})),
        frame("contentBlockStop", r#"{"contentBlockIndex":1}"#),
        frame("messageStop", r#"{"stopReason":"end_turn"}"#),
        frame("metadata", usage.to_string()),
    ]
    .concat()
}

/// Backends that are called by these APIs, one after the other, and whose streams begin again.
fn backends(apis: [Option<Api>; 2]) -> Arc<Config> {
    let backend = |api: Option<Api>| {
        let service = Service { region: Some("us-east-1".to_owned()), ..Service::default() };
        BackendKind::Served { service: Box::new(service), api: BackendApi::Bedrock(api) }
    };
    let policy = ReasoningPolicy { restart_while_thinking: Some(true), ..ReasoningPolicy::default() };
    with_policy(&config_of(apis.map(backend).to_vec(), Traffic::default()), &policy)
}

const INVOKE: [Option<Api>; 2] = [Some(Api::InvokeModel); 2];
/// Messages go over InvokeModel by themselves.
const LEFT_OPEN: [Option<Api>; 2] = [None; 2];

/// This answer comes.
fn answers(under: &mut Under, whole: &[u8]) {
    stream(under, whole);
    under.exchange.handle(Input::UpstreamEnd, under.now);
    assert!(under.call().is_none());
}

/// An answer that broke off after so many frames of its thoughts, and the whole one behind it.
fn begun_again(config: &Arc<Config>, path: &str, how: Break, frames: usize, whole: &[u8]) -> Under {
    let told = thoughts().into_iter().take(frames).collect::<Vec<_>>().concat();
    let mut under = begin(config, path, SIGNED);
    let first = under.call().unwrap();
    assert!(first.path.ends_with("/invoke-with-response-stream"), "{}", first.path);
    stream(&mut under, &told);
    assert!(under.call().is_none() && under.record.is_none() && !under.exchange.is_told());
    breaks(&mut under, how);
    under.call().unwrap_or_else(|| panic!("{how:?} behind {frames}"));
    answers(&mut under, whole);
    under
}

/// The message that Anthropic's SDKs make of these events: the blocks, each with its index as it must be.
fn accumulated(under: &Under) -> Vec<Value> {
    let events = chunks(under);
    let (mut blocks, mut open): (Vec<Value>, Option<u64>) = (Vec::new(), None);
    assert_eq!((events[0]["type"].as_str(), of_type(&events, "message_start").len()), (Some("message_start"), 1));
    for event in &events {
        let index = event["index"].as_u64();
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!((open, index), (None, Some(blocks.len() as u64)), "{}", under.said);
                (blocks, open) = ([blocks, vec![event["content_block"].clone()]].concat(), index);
            }
            "content_block_delta" => {
                assert!(index.is_some() && open == index, "{}", under.said);
                let block = blocks.last_mut().unwrap();
                for member in ["text", "thinking", "signature"] {
                    if let Some(more) = event["delta"][member].as_str() {
                        block[member] = json!(block[member].as_str().unwrap_or_default().to_owned() + more);
                    }
                }
            }
            "content_block_stop" => assert!(index.is_some() && open.take() == index, "{}", under.said),
            "message_start" | "message_delta" | "message_stop" | "ping" => {}
            other => panic!("an event {other}"),
        }
    }
    assert_eq!((open, of_type(&events, "message_stop").len()), (None, 1));
    blocks
}

/// The thoughts as they break off after so many frames.
fn unfinished(frames: usize) -> Vec<Value> {
    let thought = |text: &str| json!({"type": "thinking", "thinking": text, "signature": ""});
    match frames {
        0..=2 => vec![],
        3 => vec![thought("Let ")],
        4 | 5 => vec![thought("Let me see")],
        6 => vec![thought("Let me see"), thought("")],
        7 => vec![thought("Let me see"), thought("Or ")],
        _ => vec![thought("Let me see"), thought("Or not")],
    }
}

fn answer() -> Vec<Value> {
    vec![
        json!({"type": "thinking", "thinking": "Again", "signature": "c2ln"}),
        json!({"type": "text", "text": "The answer"}),
    ]
}

/// Removes the marks of who made a thought, which stand behind signatures that were translated.
fn unmarked(mut blocks: Vec<Value>) -> Vec<Value> {
    for block in &mut blocks {
        if let Some(signature) = block["signature"].as_str() {
            block["signature"] = json!(signature.split('~').next().unwrap());
        }
    }
    blocks
}

#[test]
fn a_message_goes_on_behind_every_frame_of_its_thoughts() {
    for how in BREAKS {
        for frames in 1..=thoughts().len() {
            let under = begun_again(&backends(LEFT_OPEN), MESSAGES, how, frames, &whole());
            let expected = [unfinished(frames), answer()].concat();
            assert_eq!(accumulated(&under), expected, "{how:?} behind {frames}: {}", under.said);
            let events = chunks(&under);
            let usage = &of_type(&events, "message_delta")[0]["usage"];
            assert_eq!((&usage["output_tokens"], &usage["input_tokens"]), (&json!(5), &json!(40)));
            let record = under.record.as_ref().unwrap();
            assert_eq!((record.outcome, record.attempts.len()), (Outcome::Answered, 2));
            let told = frames > 2;
            let why = if told { AttemptReason::Restart } else { AttemptReason::Retry };
            assert_eq!(record.attempts[1].why, why, "{how:?} behind {frames}");
            assert_eq!(record.warnings.iter().any(|warning| warning.contains("was thinking")), told);
            assert_eq!(record.tokens.unwrap().output, 5);
        }
    }
}

#[test]
fn chat_and_responses_over_invoke_model_go_on_too() {
    for path in [CHAT, RESPONSES] {
        for frames in 1..=thoughts().len() {
            let under = begun_again(&backends(INVOKE), path, Break::IsLost, frames, &whole());
            let events = chunks(&under);
            let text = if path == CHAT { "/choices/0/delta/content" } else { "/delta" };
            let texts = if path == CHAT { events.clone() } else { of_type(&events, "response.output_text.delta") };
            assert_eq!(joined(&texts, text), "The answer", "behind {frames}: {}", under.said);
            let record = under.record.as_ref().unwrap();
            assert_eq!((record.outcome, record.attempts.len()), (Outcome::Answered, 2));
            if path == CHAT {
                assert_eq!(joined(&events, "/choices/0/finish_reason"), "stop");
                assert_eq!(events.last().unwrap()["usage"]["completion_tokens"], 5);
            }
        }
    }
}

#[test]
fn a_message_goes_on_by_the_other_api() {
    for frames in 3..=thoughts().len() {
        let to_converse = backends([None, Some(Api::Converse)]);
        let under = begun_again(&to_converse, MESSAGES, Break::Stalls, frames, &whole_by_converse());
        assert_eq!(unmarked(accumulated(&under)), [unfinished(frames), answer()].concat(), "behind {frames}");
    }
    let mut under = begin(&backends([Some(Api::Converse), None]), MESSAGES, SIGNED);
    under.call().unwrap();
    let thought = r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Let"}}}"#;
    stream(
        &mut under,
        &[frame("messageStart", r#"{"role":"assistant"}"#), frame("contentBlockDelta", thought)].concat(),
    );
    breaks(&mut under, Break::Stalls);
    assert!(under.call().unwrap().path.ends_with("/invoke-with-response-stream"));
    answers(&mut under, &whole());
    assert_eq!(
        accumulated(&under),
        [vec![json!({"type": "thinking", "thinking": "Let", "signature": ""})], answer()].concat()
    );
}

#[test]
fn a_message_that_breaks_off_again_and_again_is_one_message() {
    // The second one breaks off behind its first thought, and the third before any.
    let mut under = begin(&backends(LEFT_OPEN), MESSAGES, SIGNED);
    under.call().unwrap();
    for frames in [thoughts(), thoughts(), thoughts()[..2].to_vec()] {
        stream(&mut under, &frames.concat());
        breaks(&mut under, Break::IsLost);
        under.call().unwrap();
    }
    answers(&mut under, &whole());
    let expected = [unfinished(8), unfinished(8), answer()].concat();
    assert_eq!(accumulated(&under), expected, "{}", under.said);
    assert_eq!(under.record.as_ref().unwrap().attempts.len(), 4);
}

#[test]
fn a_sealed_thought_or_another_block_binds() {
    let text = block(0, &json!({"type": "text", "text": ""}));
    let redacted = block(0, &json!({"type": "redacted_thinking", "data": "QUJD"}));
    for told in [
        [start(), thinks(0), thought(0, "Let"), signature(0)].concat(),
        [start(), thinks(0), thought(0, "Let"), signature(0), stop(0), thinks(1), thought(1, "me")].concat(),
        [start(), redacted, stop(0), thinks(1), thought(1, "me")].concat(),
        [start(), thinks(0), thought(0, "Let"), stop(0), text.clone()].concat(),
        [start(), text, delta(0, &json!({"type": "text_delta", "text": "The"}))].concat(),
    ] {
        let mut under = begin(&backends(LEFT_OPEN), MESSAGES, SIGNED);
        under.call().unwrap();
        stream(&mut under, &told);
        assert!(under.call().is_none() && under.exchange.is_told());
        breaks(&mut under, Break::Ends);
        is_told_the_failure(&mut under, MESSAGES);
    }
}

#[test]
fn by_default_a_signed_thought_that_breaks_off_is_an_error() {
    for path in [CHAT, MESSAGES] {
        let config = with_policy(&backends(INVOKE), &ReasoningPolicy::default());
        let mut under = begin(&config, path, SIGNED);
        under.call().unwrap();
        stream(&mut under, &thoughts().concat());
        breaks(&mut under, Break::Ends);
        is_told_the_failure(&mut under, path);
    }
}

#[test]
fn when_nobody_answers_the_error_stands_behind_the_thoughts() {
    let mut under = begin(&backends(LEFT_OPEN), MESSAGES, SIGNED);
    under.call().unwrap();
    stream(&mut under, &thoughts()[..4].concat());
    breaks(&mut under, Break::Ends);
    while under.call().is_some() {
        under.unwell();
    }
    is_told_the_failure(&mut under, MESSAGES);
    let events = chunks(&under);
    assert_eq!(of_type(&events, "content_block_start").len(), of_type(&events, "content_block_stop").len());
}
