//! The text of answers, read from what clients get: of every fixture, of any bytes, and of what is too long.
#![expect(clippy::unwrap_used, reason = "a test")]

mod text_body;

use aquifer_testing::frames::{chunk, frame};
use aquifer_translate::answer_text::{AnswerFraming, LONGEST, TextKind};
use aquifer_translate::dialect::Dialect;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use text_body::{Stretch, read};

/// The folders of fixtures with a streamed answer.
fn folders() -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.ends_with("4-client-stream.txt") {
                found.push(folder.clone());
            }
        }
    }
    found
}

fn dialect_of(folder: &Path) -> Dialect {
    let is_in = |names: [&str; 2]| folder.components().any(|part| names.iter().any(|name| part.as_os_str() == *name));
    match (is_in(["anthropic_messages", "messages"]), is_in(["openai_responses", "responses"])) {
        (true, _) => Dialect::AnthropicMessages,
        (false, true) => Dialect::OpenAiResponses,
        (false, false) => Dialect::OpenAiChat,
    }
}

/// What is told of each kind, all blocks together.
fn by_kind(told: &[Stretch]) -> BTreeMap<TextKind, String> {
    let mut joined: BTreeMap<TextKind, String> = BTreeMap::new();
    for (kind, _, text) in told {
        joined.entry(*kind).or_default().push_str(text);
    }
    joined
}

#[test]
fn of_every_fixture_the_stream_and_the_whole_answer_have_the_same_text() {
    let (found, mut compared) = (folders(), 0);
    for folder in &found {
        let dialect = dialect_of(folder);
        let stream = fs::read(folder.join("4-client-stream.txt")).unwrap();
        let told = read(dialect, AnswerFraming::Events, std::iter::once(&stream[..]));
        assert_eq!(told, read(dialect, AnswerFraming::Events, stream.chunks(1)), "byte by byte: {}", folder.display());
        let Ok(whole) = fs::read(folder.join("4-client-answer.json")) else { continue };
        let whole = read(dialect, AnswerFraming::Whole, std::iter::once(&whole[..]));
        assert_eq!(by_kind(&told), by_kind(&whole), "{}", folder.display());
        compared += 1;
    }
    assert!(found.len() > 300 && compared > 100, "{} streams, {compared} of them whole too", found.len());
}

#[test]
fn any_bytes_are_read_as_the_same_text_however_they_are_cut() {
    aquifer_testing::bodies::give_any_bytes(text_body::run);
    let found = folders();
    let files = found.iter().flat_map(|folder| {
        ["4-client-stream.txt", "4-client-answer.json"].into_iter().filter_map(|file| fs::read(folder.join(file)).ok())
    });
    let seeds: Vec<Vec<u8>> = files.collect();
    aquifer_testing::bodies::damage(&seeds, text_body::run);
}

fn frames(events: &[(&str, &str)]) -> Vec<u8> {
    events.iter().flat_map(|(kind, payload)| frame(kind, payload)).collect()
}

fn told(kind: TextKind, block: u32, text: &str) -> Stretch {
    (kind, block, text.to_owned())
}

#[test]
fn event_streams_of_bedrock_are_read() {
    let converse = frames(&[
        ("messageStart", r#"{"role":"assistant"}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Hm, "}},"p":"ab"}"#),
        (
            "contentBlockDelta",
            r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"\ud83d\ude00 \ud83d."}}}"#,
        ),
        ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}}}"#),
        ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"text":"Yes"}}"#),
        ("contentBlockStart", r#"{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"t1","name":"look"}}}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"a\":"}}}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"1}"}}}"#),
        ("messageStop", r#"{"stopReason":"tool_use"}"#),
        ("throttlingException", r#"{"message":"too many"}"#),
    ]);
    let expected = [
        told(TextKind::Reasoning, 0, "Hm, 😀 \u{fffd}."),
        told(TextKind::Content, 1, "Yes"),
        told(TextKind::CallId, 2, "t1"),
        told(TextKind::CallName, 2, "look"),
        told(TextKind::CallArguments, 2, r#"{"a":1}"#),
        told(TextKind::Error, 3, "too many"),
    ];
    assert_eq!(read(Dialect::Bedrock, AnswerFraming::Frames, converse.chunks(7)), expected);
    let claude = [
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Yes"}}"#,
    ];
    let claude: Vec<u8> = claude.iter().flat_map(|event| chunk(event)).collect();
    let expected = [told(TextKind::Reasoning, 0, "Hm"), told(TextKind::Content, 1, "Yes")];
    assert_eq!(read(Dialect::Bedrock, AnswerFraming::Frames, claude.chunks(50)), expected);
}

#[test]
fn whole_answers_of_bedrock_are_read() {
    let converse = br#"{"output":{"message":{"role":"assistant","content":[
        {"reasoningContent":{"reasoningText":{"text":"Hm","signature":"c2ln"}}}, {"text":"Yes"},
        {"toolUse":{"toolUseId":"t1","name":"look","input":{"a": 1}}}]}},"stopReason":"tool_use"}"#;
    let claude = br#"{"type":"message","content":[{"type":"thinking","thinking":"Hm","signature":"c2ln"},
        {"type":"text","text":"Yes"},{"type":"tool_use","id":"t1","name":"look","input":{"a": 1}}]}"#;
    let expected = [
        told(TextKind::Reasoning, 0, "Hm"),
        told(TextKind::Content, 1, "Yes"),
        told(TextKind::CallId, 2, "t1"),
        told(TextKind::CallName, 2, "look"),
        told(TextKind::CallArguments, 2, r#"{"a": 1}"#),
    ];
    for body in [&converse[..], claude] {
        assert_eq!(read(Dialect::Bedrock, AnswerFraming::Whole, body.chunks(9)), expected);
    }
}

#[test]
fn errors_of_each_dialect_are_told_as_errors() {
    let whole = [
        (Dialect::OpenAiChat, r#"{"error":{"message":"no","type":"t","code":null}}"#),
        (Dialect::AnthropicMessages, r#"{"type":"error","error":{"type":"t","message":"no"},"request_id":"r"}"#),
        (Dialect::OpenAiResponses, r#"{"error":{"message":"no","type":"t"}}"#),
        (Dialect::Bedrock, r#"{"message":"no"}"#),
    ];
    for (dialect, body) in whole {
        let read = read(dialect, AnswerFraming::Whole, std::iter::once(body.as_bytes()));
        assert_eq!(read, [told(TextKind::Error, 0, "no")], "{dialect:?}");
    }
    let streamed = [
        (Dialect::OpenAiChat, r#"{"error":{"message":"no"}}"#),
        (Dialect::AnthropicMessages, r#"{"type":"error","error":{"type":"t","message":"no"}}"#),
        (Dialect::OpenAiResponses, r#"{"type":"response.failed","response":{"error":{"code":"c","message":"no"}}}"#),
        (Dialect::OpenAiResponses, r#"{"type":"error","code":"c","message":"no"}"#),
    ];
    for (dialect, data) in streamed {
        let line = format!("event: x\r\ndata: {data}\r\n\r\n");
        let read = read(dialect, AnswerFraming::Events, line.as_bytes().chunks(5));
        assert_eq!(read, [told(TextKind::Error, 0, "no")], "{dialect:?}");
    }
}

#[test]
fn what_is_too_long_is_passed_over_and_what_follows_is_read() {
    let chunk = |text: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
    let stream = [chunk("a"), chunk(&"b".repeat(LONGEST)), chunk("c")].concat();
    let expected = [told(TextKind::Content, 0, "ac")];
    for size in [1000, LONGEST, 3 * LONGEST] {
        let pieces = stream.as_bytes().chunks(size);
        assert_eq!(read(Dialect::OpenAiChat, AnswerFraming::Events, pieces), expected, "{size}");
    }
    let delta =
        |text: &str| frame("contentBlockDelta", format!(r#"{{"contentBlockIndex":0,"delta":{{"text":"{text}"}}}}"#));
    let stream = [delta("a"), delta(&"b".repeat(LONGEST)), delta("c")].concat();
    for size in [1000, LONGEST, 3 * LONGEST] {
        assert_eq!(read(Dialect::Bedrock, AnswerFraming::Frames, stream.chunks(size)), expected, "{size}");
    }
    let whole = format!(r#"{{"choices":[{{"message":{{"content":"{}"}}}}]}}"#, "b".repeat(LONGEST));
    assert_eq!(read(Dialect::OpenAiChat, AnswerFraming::Whole, whole.as_bytes().chunks(1000)), []);
}

#[test]
fn calls_that_grow_side_by_side_are_told_apart() {
    let lines = [
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"{"}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}"#,
        r#"{"choices":[{"index":1,"delta":{"content":"of another choice"}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"function":{"arguments":"}"}}]}}]}"#,
    ];
    let stream: String = lines.iter().map(|line| format!("data: {line}\n\n")).collect();
    let expected = [
        told(TextKind::CallId, 0, "a"),
        told(TextKind::CallName, 0, "f"),
        told(TextKind::CallId, 1, "b"),
        told(TextKind::CallName, 1, "g"),
        told(TextKind::CallArguments, 1, "{"),
        told(TextKind::CallArguments, 0, "{}"),
        told(TextKind::CallArguments, 1, "}"),
    ];
    assert_eq!(read(Dialect::OpenAiChat, AnswerFraming::Events, std::iter::once(stream.as_bytes())), expected);
}

#[test]
fn a_content_type_tells_the_framing() {
    for (name, framing) in [
        ("text/event-stream; charset=utf-8", Some(AnswerFraming::Events)),
        ("application/vnd.amazon.eventstream", Some(AnswerFraming::Frames)),
        ("Application/JSON", Some(AnswerFraming::Whole)),
        ("text/plain", None),
    ] {
        assert_eq!(AnswerFraming::of(name), framing, "{name}");
    }
}
