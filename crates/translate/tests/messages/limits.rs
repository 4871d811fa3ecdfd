//! What goes beyond a limit is refused with the field, the limit and the setting; what is within is served.

use aquifer_translate::dialect::{Dialect, error};
use aquifer_translate::limits::Limits;
use aquifer_translate::translation::Incoming;
use serde_json::{Value, json};

const USER: &str = r#"{"role":"user","content":"Hi."}"#;

/// The message of the error that these members of a body are answered with, if they are.
fn refused(members: &str, betas: &[&str], limits: &Limits) -> Option<String> {
    let body = format!(r#"{{"model":"m","max_tokens":9,{members}}}"#);
    let read = Incoming::read_in(Dialect::AnthropicMessages, body.as_bytes(), betas.iter().copied(), limits);
    let answer = error(Dialect::AnthropicMessages, &read.err()?);
    assert_eq!(answer.status.as_u16(), 400);
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    Some(body["error"]["message"].as_str().unwrap().to_owned())
}

fn times(item: &str, count: usize) -> String {
    vec![item; count].join(",")
}

#[test]
fn each_limit_names_its_field_and_its_setting() {
    let none = Limits::NONE;
    let said = |content: &str| format!(r#""messages":[{{"role":"user","content":[{content}]}}]"#);
    let text = r#"{"type":"text","text":"a"}"#;
    let source = r#""source":{"type":"base64","media_type":"image/png","data":"QQ=="}"#;
    let image = format!(r#"{{"type":"image",{source}}}"#);
    let document = r#"{"type":"document","source":{"type":"text","data":"a"}}"#;
    let tool = |at: usize| format!(r#"{{"name":"f{at}","input_schema":{{"type":"object"}}}}"#);
    let tools = |count: usize| (0..count).map(tool).collect::<Vec<_>>().join(",");
    let with_tools = |count: usize| format!(r#""messages":[{USER}],"tools":[{}]"#, tools(count));
    for (limits, members, path, setting) in [
        (
            Limits { messages: 2, ..none },
            &(|count: usize| format!(r#""messages":[{}]"#, times(USER, count))) as &dyn Fn(usize) -> String,
            "messages: ",
            "--max-messages",
        ),
        (
            Limits { content_blocks: 2, ..none },
            &|count| said(&times(text, count)),
            "messages: ",
            "--max-content-blocks",
        ),
        (Limits { images: 2, ..none }, &|count| said(&times(&image, count)), "messages: ", "--max-images"),
        (Limits { documents: 2, ..none }, &|count| said(&times(document, count)), "messages: ", "--max-documents"),
        (Limits { tools: 2, ..none }, &with_tools, "tools: ", "--max-tools"),
        (
            Limits { betas: 2, ..none },
            &|count| format!(r#""messages":[{USER}],"betas":[{}]"#, times("\"b\"", count)),
            "betas: ",
            "--max-betas",
        ),
    ] {
        assert_eq!(refused(&members(2), &[], &limits), None, "{setting}");
        let message = refused(&members(3), &[], &limits).unwrap_or_default();
        assert!(message.starts_with(path) && message.contains(setting), "{setting}: {message}");
    }
    let header = Limits { header_bytes: 8, ..none };
    let messages = format!(r#""messages":[{USER}]"#);
    assert_eq!(refused(&messages, &["short"], &header), None);
    assert!(refused(&messages, &["much-too-long"], &header).unwrap().contains("--max-header-bytes"));
}

#[test]
fn many_of_everything_are_read_and_written_in_little_time() {
    let count = 5_000;
    let call = |at: usize| json!({"type": "tool_use", "id": format!("t{at}"), "name": format!("f{at}"), "input": {}});
    let result = |at: usize| json!({"type": "tool_result", "tool_use_id": format!("t{at}"), "content": "1"});
    let tool = |at: usize| json!({"name": format!("f{at}"), "input_schema": {"type": "object"}, "defer_loading": true});
    let thought = json!({"type": "thinking", "thinking": "a", "signature": "QUJD"});
    let mut turn = vec![thought; count];
    turn.extend((0..count).map(call));
    let body = json!({"model": "m", "max_tokens": 9, "tools": (0..count).map(tool).collect::<Value>(), "messages": [
        {"role": "user", "content": vec![json!({"type": "text", "text": "a", "unknown": 1}); count]},
        {"role": "assistant", "content": turn},
        {"role": "user", "content": (0..count).map(result).collect::<Value>()},
    ]});
    let body = body.to_string();
    let read = Incoming::read_in(Dialect::AnthropicMessages, body.as_bytes(), std::iter::empty(), &Limits::default());
    let sent = read.unwrap().outgoing("us.anthropic.claude-opus-5", None).unwrap();
    assert!(sent.warnings.len() < 50, "{}", sent.warnings.len());
}
