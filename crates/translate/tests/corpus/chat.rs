//! What clients of Chat Completions understand.

use crate::recorded::{Said, arguments, try_streams, try_whole_answers};
use aquifer_translate::dialect::{Style, openai_chat};
use aquifer_translate::model::call_id;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::Answering;
use serde_json::{Value, json};

fn answering() -> Answering {
    Style::OpenAiChat(openai_chat::Style { include_usage: true, ..openai_chat::Style::default() }).into()
}

/// The id as it comes back of one that a client was shown.
fn sent_back(id: &Value) -> String {
    let shown = id.as_str().unwrap();
    assert!(shown.starts_with("call_") && shown.len() <= 40, "{shown}");
    call_id::given(Text::from_plain(shown)).plain().into_owned()
}

fn details(message: &Value, sealed: &mut Vec<(Value, String)>) {
    for item in message["reasoning_details"].as_array().into_iter().flatten() {
        for seal in [&item["signature"], &item["data"]] {
            if let Some(seal) = seal.as_str() {
                match sealed.iter_mut().find(|(index, _)| *index == item["index"]) {
                    Some((_, joined)) => joined.push_str(seal),
                    None => sealed.push((item["index"].clone(), seal.to_owned())),
                }
            }
        }
    }
}

fn client_usage(usage: &Value) -> Option<(u64, u64)> {
    Some((usage["prompt_tokens"].as_u64()?, usage["completion_tokens"].as_u64()?))
}

/// What a client understands of a whole answer.
fn understood_whole(body: &str) -> Said {
    let answer: Value = serde_json::from_str(body).unwrap();
    let message = &answer["choices"][0]["message"];
    let mut sealed = Vec::new();
    details(message, &mut sealed);
    let calls = message["tool_calls"].as_array().into_iter().flatten().map(|call| {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let function = &call["function"];
        (sent_back(&call["id"]), word(&function["name"]), arguments(function["arguments"].as_str().unwrap()))
    });
    assert_eq!(message["reasoning"], message["reasoning_content"]);
    Said {
        text: message["content"].as_str().unwrap_or_default().to_owned(),
        reasoning: message["reasoning"].as_str().unwrap_or_default().to_owned(),
        sealed: sealed.into_iter().map(|(_, seal)| seal).collect(),
        calls: calls.collect(),
        finish: answer["choices"][0]["finish_reason"].as_str().unwrap().to_owned(),
        usage: client_usage(&answer["usage"]),
    }
}

/// What a client understands of a stream, with everything that must hold of every stream.
fn understood_stream(stream: &str) -> Result<Said, String> {
    let mut said = Said::default();
    let mut sealed = Vec::new();
    let mut calls: Vec<(String, String, String)> = Vec::new();
    let (mut roles, mut finishes, mut error) = (0, 0, None);
    let mut lines = stream.split("\n\n").filter(|line| !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        let data = line.strip_prefix("data: ").unwrap();
        if data == "[DONE]" {
            assert!(lines.peek().is_none(), "nothing follows the end");
            break;
        }
        assert!(lines.peek().is_some(), "a stream ends with [DONE]");
        let chunk: Value = serde_json::from_str(data).unwrap();
        if !chunk["error"].is_null() {
            error = Some(chunk["error"]["message"].as_str().unwrap().to_owned());
            continue;
        }
        assert_eq!(
            (&chunk["id"], &chunk["created"], &chunk["model"]),
            (&json!(format!("chatcmpl-{:032x}", 1)), &json!(1), &json!("model"))
        );
        said.usage = client_usage(&chunk["usage"]).or(said.usage);
        for choice in chunk["choices"].as_array().unwrap() {
            let delta = &choice["delta"];
            roles += usize::from(!delta["role"].is_null());
            assert_eq!(delta["reasoning"], delta["reasoning_content"]);
            assert_ne!(delta["reasoning"], "");
            said.text.push_str(delta["content"].as_str().unwrap_or_default());
            said.reasoning.push_str(delta["reasoning"].as_str().unwrap_or_default());
            details(delta, &mut sealed);
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
                assert!(index <= calls.len(), "indexes are dense");
                if index == calls.len() {
                    let word = |value: &Value| value.as_str().unwrap().to_owned();
                    calls.push((sent_back(&call["id"]), word(&call["function"]["name"]), String::new()));
                }
                calls[index].2.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
            }
            if let Some(reason) = choice["finish_reason"].as_str() {
                finishes += 1;
                said.finish = reason.to_owned();
            }
        }
    }
    assert!(roles <= 1, "the role comes once");
    if let Some(error) = error {
        assert_eq!(finishes, 0, "an error is not also an end");
        return Err(error);
    }
    assert_eq!(finishes, 1, "one end");
    said.sealed = sealed.into_iter().map(|(_, seal)| seal).collect();
    said.calls = calls
        .into_iter()
        .map(|(id, name, input)| (id, name, if input.is_empty() { json!({}) } else { arguments(&input) }))
        .collect();
    Ok(said)
}

#[test]
fn whole_answers() {
    try_whole_answers(&answering(), understood_whole, |said| said);
}

#[test]
fn streams_however_they_are_cut() {
    try_streams(&answering(), understood_stream, |said| said);
}
