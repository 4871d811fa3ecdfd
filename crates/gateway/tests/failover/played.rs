//! Answers that come whole for clients that want a stream, and what refusals teach for the requests after them.

use crate::under::{SILENT, Under, config};
use aquifer_gateway::config::Traffic;
use aquifer_gateway::exchange::{Call, Input};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::record::Outcome;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LLAMA: &str = "us.meta.llama4-scout-17b-instruct-v1:0";
const UNKNOWN: &str = "someone.new-model-v1:0";
const TOOLS: &str = r#", "tools": [{"type": "function", "function": {"name": "get_weather"}}]"#;
const REFUSED: &str = "This model doesn't support tool use in streaming mode.";
const CALLED: &str = r#"{"output": {"message": {"role": "assistant", "content": [{"text": "Let me look.\n"},
    {"toolUse": {"toolUseId": "tooluse_1", "name": "get_weather", "input": {"city": "Zürich \"ZH\""}}}]}},
    "stopReason": "tool_use", "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}}"#;

fn asked(model: &str, rest: &str) -> String {
    format!(
        r#"{{"model": "{model}", "stream": true, "stream_options": {{"include_usage": true}}{rest},
        "messages": [{{"role": "user", "content": "Weather?"}}]}}"#
    )
}

fn begin(health: &Arc<BackendHealth>, model: &str, rest: &str) -> Under {
    Under::begin(&config(&[0], Traffic::default()), health, Instant::now(), &asked(model, rest))
}

fn backends() -> Arc<BackendHealth> {
    Arc::new(BackendHealth::new(1, Instant::now()))
}

fn is_whole(call: &Call) -> bool {
    assert_eq!(call.headers["accept"] == "application/json", call.path.ends_with("/converse"));
    call.path.ends_with("/converse")
}

fn answer(under: &mut Under, body: &str) {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    under.exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, under.now);
    under.exchange.handle(Input::UpstreamBody(body.as_bytes()), under.now);
    under.exchange.handle(Input::UpstreamEnd, under.now);
    assert!(under.call().is_none());
}

fn quiet(under: &mut Under) {
    under.quiet();
    assert!(under.call().is_none());
}

/// The chunks that the client was told.
fn chunks(under: &Under) -> Vec<Value> {
    let data = under.said.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[test]
fn a_whole_answer_is_played_as_the_stream_that_was_asked_for() {
    for quiets in [0, 2] {
        let mut under = begin(&backends(), LLAMA, TOOLS);
        assert!(is_whole(&under.call().unwrap()));
        (0..quiets).for_each(|_| quiet(&mut under));
        assert_eq!((under.said.matches(": ").count(), under.status.is_some()), (quiets, quiets > 0));
        under.said.clear();
        answer(&mut under, CALLED);
        assert_eq!(under.headers["content-type"], "text/event-stream; charset=utf-8");
        assert!(under.headers["x-aquifer-warning"].to_str().unwrap().starts_with("changed stream: "));
        assert!(under.said.ends_with("data: [DONE]\n\n"), "{}", under.said);
        let chunks = chunks(&under);
        let joined = |pick: fn(&Value) -> &Value| chunks.iter().filter_map(|it| pick(it).as_str()).collect::<String>();
        assert_eq!(joined(|it| &it["choices"][0]["delta"]["content"]), "Let me look.\n");
        let arguments = joined(|it| &it["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"]);
        assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap()["city"], "Zürich \"ZH\"");
        assert_eq!(joined(|it| &it["choices"][0]["finish_reason"]), "tool_calls");
        assert_eq!(chunks.last().unwrap()["usage"]["total_tokens"], 7);
        let record = under.record.unwrap();
        assert_eq!((record.outcome, record.status, record.stream), (Outcome::Answered, 200, true));
        assert_eq!((record.finish_reason, record.tokens.unwrap().output), (Some("tool_calls"), 4));
        assert!(record.time_to_first_content.is_some());
    }
}

#[test]
fn what_fails_is_told_with_its_status_while_there_is_one_to_give_and_in_the_stream_then() {
    let mut under = begin(&backends(), LLAMA, TOOLS);
    assert!(under.call().is_some());
    under.refuse(400, "ValidationException", "no", None);
    assert!(under.call().is_none());
    assert_eq!(
        (under.status.unwrap().as_u16(), under.headers["content-type"].as_bytes()),
        (400, &b"application/json"[..])
    );
    let mut under = begin(&backends(), LLAMA, TOOLS);
    assert!(under.call().is_some());
    quiet(&mut under);
    under.refuse(503, "ServiceUnavailableException", "unwell", None);
    assert!(under.call().is_some(), "that the answer goes on is no content: it is asked for again");
    for _ in 0..20 {
        under.refuse(503, "ServiceUnavailableException", "unwell", None);
        if under.call().is_none() {
            break;
        }
    }
    assert_eq!(under.status.unwrap().as_u16(), 200);
    assert_eq!(chunks(&under)[0]["error"]["message"], "unwell");
    for broken in ["no JSON", r#"{"output": {"message": {"content": []}}, "stopReason": "malformed_tool_use"}"#] {
        let mut under = begin(&backends(), LLAMA, TOOLS);
        assert!(under.call().is_some());
        answer(&mut under, broken);
        assert_eq!(under.status.unwrap().as_u16(), 502, "{broken}");
    }
}

#[test]
fn without_tools_the_same_model_streams() {
    for (model, rest) in [(LLAMA, ""), (UNKNOWN, ""), (UNKNOWN, TOOLS)] {
        let mut under = begin(&backends(), model, rest);
        assert!(!is_whole(&under.call().unwrap()), "{model}{rest}");
    }
}

#[test]
fn a_whole_answer_has_its_own_patience() {
    let traffic = Traffic { first_byte: Some(Duration::from_secs(5)), ..Traffic::default() };
    let traffic = Traffic { hedge: Some(Duration::from_secs(1)), ..traffic };
    let of = |rest: &str| {
        let config = config(&[0, 0], traffic.clone());
        let health = Arc::new(BackendHealth::new(2, Instant::now()));
        let mut under = Under::begin_on(&config, &health, SILENT, Instant::now(), asked(LLAMA, rest).as_bytes());
        under.call().unwrap();
        under.limit()
    };
    assert_eq!((of(""), of(TOOLS)), (traffic.hedge, traffic.first_byte));
}

#[test]
fn a_refusal_of_tools_in_a_stream_is_remembered() {
    let health = backends();
    let mut under = begin(&health, UNKNOWN, TOOLS);
    assert!(!is_whole(&under.call().unwrap()));
    under.refuse(400, "ValidationException", REFUSED, None);
    assert!(is_whole(&under.call().unwrap()));
    answer(&mut under, CALLED);
    assert_eq!(under.record.unwrap().amended, 1);
    assert!(is_whole(&begin(&health, UNKNOWN, TOOLS).call().unwrap()), "the next one is asked so at once");
    assert!(!is_whole(&begin(&health, UNKNOWN, "").call().unwrap()), "but not without tools");
    assert!(!is_whole(&begin(&health, "someone.else-v1:0", TOOLS).call().unwrap()), "and no other model");
}

#[test]
fn refusals_of_what_an_unknown_model_does_not_take_are_asked_again_without_it() {
    let forced = r#", "tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "required""#;
    let cases = [
        (r#", "temperature": 0.5"#, "`temperature` is deprecated for this model.", "inferenceConfig", "temperature"),
        (r#", "stop": "a""#, "This model doesn't support the stopSequences field.", "inferenceConfig", "stop"),
        (TOOLS, "This model doesn't support tool use.", "toolConfig", "tools"),
        (forced, "This model doesn't support the toolConfig.toolChoice.any field.", "toolChoice", "tool_choice"),
    ];
    for (rest, message, gone, told) in cases {
        let mut under = begin(&backends(), UNKNOWN, rest);
        let has = |call: &Call| {
            let body: Value = serde_json::from_slice(&call.body).unwrap();
            if gone == "toolChoice" { !body["toolConfig"][gone]["any"].is_null() } else { !body[gone].is_null() }
        };
        assert!(has(&under.call().unwrap()), "{rest}");
        under.refuse(400, "ValidationException", message, None);
        let again = under.call().unwrap();
        assert!(!has(&again), "{rest}");
        under.fail();
        assert!(under.record.is_some() || under.call().is_some());
        let warning = under.headers.get("x-aquifer-warning").map(|it| it.to_str().unwrap().to_owned());
        assert!(warning.is_none_or(|warning| warning.contains(told)), "{rest}");
    }
}

#[test]
fn a_refusal_of_a_schema_is_remembered() {
    let schema = |name: &str| {
        let format = r#", "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": "#;
        format!(r#"{format}{{"type": "object", "properties": {{"{name}": {{"type": "string"}}}}}}}}}}"#)
    };
    let model = "us.anthropic.claude-opus-4-8";
    let enforced = |under: &mut Under| {
        let body: Value = serde_json::from_slice(&under.call().unwrap().body).unwrap();
        body["outputConfig"]["textFormat"].is_object()
    };
    let health = backends();
    let mut under = begin(&health, model, &schema("a"));
    assert!(enforced(&mut under));
    under.refuse(400, "ValidationException", "output_config.format: Extra inputs are not permitted", None);
    assert!(!enforced(&mut under));
    let mut next = begin(&health, model, &schema("a"));
    assert!(!enforced(&mut next), "the next one is asked in words at once");
    assert!(next.record.is_none());
    assert!(enforced(&mut begin(&health, model, &schema("b"))), "another schema is tried");
    assert!(enforced(&mut begin(&health, "us.anthropic.claude-opus-4-7", &schema("a"))), "and so is another model");
}
