//! Any text as a data URI is refused, or its base64 reaches Bedrock as it came: the body of the fuzz target.

use aquifer_translate::translation::Incoming;
use serde_json::{Value, json};

const MODEL: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";

/// The parts of a message that hold such a text.
fn parts(text: &str) -> [Value; 4] {
    [
        json!({ "type": "image_url", "image_url": { "url": text } }),
        json!({ "type": "file", "file": { "file_data": text } }),
        json!({ "type": "file", "file": { "file_data": text, "filename": "a.pdf" } }),
        json!({ "type": "input_audio", "input_audio": { "data": text, "format": "wav" } }),
    ]
}

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for part in parts(&text) {
        let content = json!([{ "type": "text", "text": "What is this?" }, part]);
        let body = json!({ "model": MODEL, "messages": [{ "role": "user", "content": content }] }).to_string();
        let Ok(sent) = Incoming::read(body.as_bytes()).and_then(|asked| asked.outgoing(MODEL, None)) else { continue };
        let sent: Value = serde_json::from_slice(&sent.body).unwrap_or_default();
        for block in sent["messages"][0]["content"].as_array().into_iter().flatten() {
            check(block, &text);
        }
    }
}

fn check(block: &Value, text: &str) {
    let media = block.as_object().into_iter().flatten().map(|(_, inside)| inside).find(|inside| inside.is_object());
    let Some(media) = media else { return };
    let source = &media["source"];
    assert!(media["format"].is_string() && source.is_object(), "{block}");
    if let Some(bytes) = source["bytes"].as_str() {
        let came: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        assert!(came.ends_with(bytes), "as it came: {block}");
        let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        assert!(!bytes.is_empty() && bytes.chars().all(letter), "base64: {block}");
    } else {
        assert_eq!(source["s3Location"]["uri"].as_str(), Some(text), "{block}");
    }
}

#[test]
fn holds_for_damaged_uris() {
    const PIECES: [&str; 22] = [
        "data:",
        "DATA:",
        "image/png",
        "image/jpeg",
        "application/pdf",
        "text/plain",
        "audio/wav",
        ";base64",
        ";charset=utf-8",
        ",",
        "iVBORw0KGgo=",
        "QUJD",
        "=",
        "A",
        "s3://bucket/key",
        ".png",
        "https://",
        "\n",
        "\u{0}",
        "é",
        "%41",
        "\"",
    ];
    arbtest::arbtest(|u| {
        let mut text = String::new();
        for _ in 0..u.int_in_range(0..=8)? {
            text.push_str(u.choose(&PIECES)?);
        }
        run(text.as_bytes());
        Ok(())
    });
}

#[test]
fn good_ones_reach_bedrock() {
    let body = json!({ "model": MODEL, "messages": [{ "role": "user", "content": parts("data:image/png;base64,iVBORw0KGgo=")[..1] }] });
    let body = body.to_string();
    let sent = Incoming::read(body.as_bytes()).and_then(|asked| asked.outgoing(MODEL, None));
    assert!(sent.is_ok_and(|sent| String::from_utf8_lossy(&sent.body).contains("\"bytes\":\"iVBORw0KGgo=\"")));
}
