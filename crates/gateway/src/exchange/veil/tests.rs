//! What clients see of answers in which reasoning stands in every field that services use.

use super::*;
use crate::config::Expose;
use serde_json::{Value, json};

const SECRET: &str = "xyzzy";

fn hidden() -> Veil {
    Veil::of(&ReasoningPolicy { hidden: true, ..ReasoningPolicy::default() }).unwrap()
}

fn exposing(expose: Expose) -> Veil {
    Veil::of(&ReasoningPolicy { expose: Some(expose), ..ReasoningPolicy::default() }).unwrap()
}

fn whole(veil: Veil, body: &Value) -> Value {
    serde_json::from_slice(&veil.whole(body.to_string().as_bytes()).unwrap()).unwrap()
}

/// A stream in pieces of this size.
fn streamed(veil: Veil, stream: &str, size: usize) -> String {
    let mut veiled = VeiledStream::new(veil);
    let mut said = Vec::new();
    for piece in stream.as_bytes().chunks(size) {
        veiled.take(piece, &mut said).unwrap();
    }
    veiled.end(&mut said).unwrap();
    String::from_utf8(said).unwrap()
}

/// What the content of the first choice comes to.
fn content(said: &str) -> String {
    let data = said.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.filter_map(|data| {
        let chunk: Value = serde_json::from_str(data).unwrap();
        chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned)
    })
    .collect()
}

fn thoughts() -> Vec<Value> {
    [
        json!({"reasoning": SECRET}),
        json!({"reasoning_content": SECRET}),
        json!({"reasoning_details": [{"type": "reasoning.text", "text": SECRET}]}),
        json!({"thinking_blocks": [{"type": "thinking", "thinking": SECRET}]}),
        json!({"thinking": {"content": SECRET}}),
        json!({"provider_specific_fields": {"reasoning_content": SECRET}}),
        json!({"what_comes_next_year": SECRET}),
        json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": SECRET}]}, {"type": "new", "x": SECRET}]}),
        json!({"content": format!("<think>{SECRET}</think>")}),
        json!({"content": format!("<thinking>{SECRET}\n</thinking>")}),
        json!({"content": format!("<thought>{SECRET}")}),
    ]
    .into()
}

#[test]
fn nothing_that_is_hidden_is_in_a_whole_answer() {
    for thought in thoughts() {
        let mut message = json!({"role": "assistant", "content": "Hi", "tool_calls": [{"id": "1"}]});
        message.as_object_mut().unwrap().extend(thought.as_object().unwrap().clone());
        let body = json!({
            "id": "x", "usage": {"completion_tokens_details": {"reasoning_tokens": 5}}, "reasoning": SECRET,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop", "reasoning": SECRET,
                "logprobs": {"content": [{"token": SECRET}]}}],
        });
        let shown = whole(hidden(), &body);
        assert!(!shown.to_string().contains(SECRET), "{shown}");
        assert_eq!(shown["choices"][0]["message"]["tool_calls"], json!([{"id": "1"}]));
        assert_eq!((&shown["choices"][0]["finish_reason"], &shown["usage"]), (&json!("stop"), &body["usage"]));
        if thought.get("content").is_none() {
            assert_eq!(shown["choices"][0]["message"]["content"], "Hi");
        }
    }
    let prompted = json!({"choices": [{"message": {"content": format!("{SECRET}</think>\n\nHi <b>")}}]});
    assert_eq!(whole(hidden(), &prompted)["choices"][0]["message"]["content"], "\n\nHi <b>");
}

#[test]
fn nothing_that_is_hidden_is_in_a_stream_however_it_is_cut() {
    let mut stream = String::from("\u{feff}: comment xyzzy\n\n");
    for (at, thought) in thoughts().into_iter().enumerate() {
        let end = ["\n\n", "\r\n\r\n", "\r\r"][at % 3];
        stream.push_str(&format!("id: xyzzy{end}data: {}{end}", json!({"choices": [{"index": at, "delta": thought}]})));
        stream.push_str(&format!(
            "data:{}{end}",
            json!({"choices": [{"index": at, "delta": {}, "finish_reason": "stop"}]})
        ));
    }
    stream.push_str(
        "data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"Hi\",\"reasoning\":\"xyzzy\"}}]}\n\ndata: [DONE]\n\n",
    );
    let at_once = streamed(hidden(), &stream, usize::MAX);
    assert!(!at_once.contains(SECRET), "{at_once}");
    assert!(
        at_once.ends_with("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n"),
        "{at_once}"
    );
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(streamed(hidden(), &stream, size), at_once, "{size}");
    }
}

#[test]
fn thoughts_between_tags_are_taken_out_wherever_the_deltas_are_cut() {
    let text =
        "a<think>xyzzy</think>b <thinker> \\u003cthinking\\u003exyzzy\\u003c/thinking\\u003e<3 \\n\\\"q\\\" <thin";
    let ends: Vec<usize> =
        (1..text.len()).filter(|at| !text[..*at].ends_with('\\') && !text[at - 1..].starts_with("\\u")).collect();
    for at in ends {
        let (one, two) = text.split_at(at);
        if one.rfind("\\u").is_some_and(|begin| one.len() - begin < 6) {
            continue;
        }
        let chunk = |text: &str, end: &str| {
            format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}{end}}}]}}\n\n")
        };
        let last = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
        for stream in [
            [chunk(one, ""), chunk(two, ",\"finish_reason\":\"stop\"")].concat(),
            [chunk(one, ""), chunk(two, ""), last.to_owned()].concat(),
        ] {
            assert_eq!(content(&streamed(hidden(), &stream, 50)), "ab <thinker> <3 \n\"q\" <thin", "{at}");
        }
    }
}

#[test]
fn what_is_exposed_is_shown_in_the_fields_that_were_named() {
    let message = json!({"content": "<think>t</think>Hi", "reasoning": "r", "reasoning_details": [1], "x": 1});
    let body = json!({"choices": [{"message": message, "logprobs": null, "token_ids": [1]}], "extra": 1});
    let shown = whole(exposing(Expose { reasoning_content: true, ..Expose::default() }), &body);
    let expected = json!({"content": "Hi", "x": 1, "reasoning_content": "r"});
    assert_eq!(shown["choices"][0], json!({"message": expected, "logprobs": null, "token_ids": [1]}));
    assert_eq!(shown["extra"], 1, "nothing else is taken out");
    let shown = whole(exposing(Expose { think_tags: true, reasoning_details: true, ..Expose::default() }), &body);
    let expected = json!({"content": "<think>t</think>Hi", "x": 1, "reasoning_details": [1]});
    assert_eq!(shown["choices"][0]["message"], expected);
    assert!(Veil::of(&ReasoningPolicy::default()).is_none());
}

#[test]
fn what_cannot_be_read_is_not_shown() {
    for body in ["", "[]", "data: {}", "{\"choices\":{}}", "{\"choices\":[1]}", "{\"choices\":[{\"delta\":\"x\"}]}"] {
        assert!(hidden().whole(body.as_bytes()).is_err(), "{body}");
    }
    let mut veiled = VeiledStream::new(hidden());
    assert!(veiled.take(b"data: xyzzy\n\n", &mut Vec::new()).is_err());
    let mut endless = VeiledStream::new(hidden());
    let mut taken = Ok(());
    for _ in 0..100 {
        taken = taken.and_then(|()| endless.take(&[b'x'; 64 << 10], &mut Vec::new()));
    }
    assert!(taken.is_err());
    let choices: String = (0..2000).map(|at| format!("{{\"index\":{at}}},")).collect();
    assert!(hidden().whole(format!("{{\"choices\":[{}]}}", choices.trim_end_matches(',')).as_bytes()).is_err());
}

#[test]
fn any_stream_is_read_or_refused_the_same_in_any_pieces() {
    arbtest::arbtest(|u| {
        let words = [
            "data:",
            "data: {\"choices\":[{\"delta\":{\"content\":\"",
            "<think>",
            "\"}}]}",
            "\n",
            "\r\n",
            "\r",
            "[DONE]",
            "{}",
            "x",
            "é",
        ];
        let mut stream = String::new();
        for _ in 0..u.int_in_range(0..=20)? {
            stream.push_str(u.choose(&words)?);
        }
        let read = |size: usize| {
            let mut veiled = VeiledStream::new(hidden());
            let mut said = Vec::new();
            let mut pieces = stream.as_bytes().chunks(size);
            let taken = pieces.try_for_each(|piece| veiled.take(piece, &mut said));
            let ended = taken.and_then(|()| veiled.end(&mut said));
            (said, ended)
        };
        let at_once = read(usize::MAX);
        assert_eq!(read(u.int_in_range(1..=9)?), at_once, "{stream:?}");
        Ok(())
    })
    .budget_ms(300);
}
