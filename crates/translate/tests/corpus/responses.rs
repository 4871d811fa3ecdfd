//! What clients of Responses understand.

use crate::recorded::{Said, arguments, envelope, try_streams, try_whole_answers};
use aquifer_translate::dialect::openai_responses::seal_keys::SealKeys;
use aquifer_translate::dialect::{Style, openai_responses};
use aquifer_translate::translation::Answering;
use serde_json::{Value, json};
use std::sync::Arc;

fn keys() -> SealKeys {
    SealKeys::new([7; 32], [])
}

fn answering() -> Answering {
    let style = openai_responses::Style {
        summary: true,
        seals: Some(Arc::new(keys())),
        reasoning_format: Some("anthropic-claude-v1".to_owned()),
        ..openai_responses::Style::default()
    };
    Style::OpenAiResponses(Box::new(style)).into()
}

/// The end of a recording in the words of Responses.
fn in_its_words(mut said: Said) -> Said {
    said.finish = match said.finish.as_str() {
        "length" => "max_output_tokens".to_owned(),
        "content_filter" => said.finish,
        _ => "completed".to_owned(),
    };
    said
}

/// What a client understands of a response object.
fn understood(response: &Value) -> Said {
    assert_eq!((&response["object"], &response["model"]), (&json!("response"), &json!("model")));
    assert_eq!(response["id"], format!("resp_{}", envelope().id));
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut said = Said::default();
    for (index, item) in response["output"].as_array().unwrap().iter().enumerate() {
        assert!(item["id"].as_str().unwrap().ends_with(&format!("_{index}")), "{item}");
        match item["type"].as_str().unwrap() {
            "message" => said.text.push_str(item["content"][0]["text"].as_str().unwrap()),
            "reasoning" => {
                said.reasoning.push_str(item["summary"][0]["text"].as_str().unwrap_or_default());
                let thought = keys().open(item["encrypted_content"].as_str().unwrap()).unwrap();
                let sealed = [thought.signature, thought.redacted].into_iter().flatten();
                said.sealed.extend(sealed.map(|seal| seal.plain().into_owned()));
            }
            "function_call" => {
                let input = item["arguments"].as_str().unwrap();
                let input = if input.is_empty() { json!({}) } else { arguments(input) };
                said.calls.push((word(&item["call_id"]), word(&item["name"]), input));
            }
            other => panic!("{other}"),
        }
    }
    said.finish = match response["status"].as_str().unwrap() {
        "incomplete" => word(&response["incomplete_details"]["reason"]),
        status => status.to_owned(),
    };
    let usage = &response["usage"];
    said.usage = usage["input_tokens"].as_u64().zip(usage["output_tokens"].as_u64());
    said
}

fn understood_whole(body: &str) -> Said {
    understood(&serde_json::from_str(body).unwrap())
}

/// What a client understands of a stream: its items as their events have them are those of its response.
fn understood_stream(stream: &str) -> Result<Said, String> {
    let mut events = Vec::new();
    for event in stream.split("\n\n").filter(|event| !event.is_empty()) {
        let (name, data) = event.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!((&data["type"], &data["sequence_number"]), (&json!(name), &json!(events.len())));
        events.push(data);
    }
    let of = |name: &str| events.iter().filter(|data| data["type"] == name).collect::<Vec<_>>();
    assert!(events[0]["type"] == "response.created" && events[1]["type"] == "response.in_progress");
    let last = &events.last().unwrap()["response"];
    let terminal = ["completed", "incomplete", "failed"].iter().flat_map(|end| of(&format!("response.{end}"))).count();
    assert!(terminal == 1 && !last.is_null(), "one end, and nothing behind it");
    let done: Vec<&Value> = of("response.output_item.done").into_iter().map(|data| &data["item"]).collect();
    let output = last["output"].as_array().unwrap();
    assert!(output.iter().zip(&done).all(|(item, done)| item == *done) && output.len() <= done.len() + 1);
    let joined = |name: &str| of(name).into_iter().map(|data| data["delta"].as_str().unwrap()).collect::<String>();
    if last["status"] == "failed" {
        return Err(last["error"]["message"].as_str().unwrap().to_owned());
    }
    let said = understood(last);
    assert_eq!(joined("response.output_text.delta"), said.text);
    assert_eq!(joined("response.reasoning_summary_text.delta"), said.reasoning);
    Ok(said)
}

#[test]
fn whole_answers() {
    try_whole_answers(&answering(), understood_whole, in_its_words);
}

#[test]
fn streams_however_they_are_cut() {
    try_streams(&answering(), understood_stream, in_its_words);
}
