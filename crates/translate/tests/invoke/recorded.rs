//! Recorded answers of InvokeModel go on as they came, and say the same when they are translated, however they are cut.

use aquifer_translate::bedrock::Api;
use aquifer_translate::dialect::{Envelope, Style, openai_chat};
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::{Answering, StreamReframing, StreamTranslation, whole, whole_reframed};
use bytes::BytesMut;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders of Claude's cases of one API; none, loudly, when the corpus is not there.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn cases(api: &str) -> Vec<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/cases");
    let Ok(sources) = fs::read_dir(&corpus) else {
        eprintln!("SKIPPED: the corpus is not there, so no recorded answer of InvokeModel was tried");
        return Vec::new();
    };
    let folders = sources.flat_map(|source| fs::read_dir(source.unwrap().path()).unwrap());
    folders.map(|case| case.unwrap().path()).filter(|folder| is_claudes(folder, api)).collect()
}

fn is_claudes(folder: &Path, api: &str) -> bool {
    let Ok(meta) = fs::read(folder.join("meta.json")) else { return false };
    let meta: Value = serde_json::from_slice(&meta).unwrap();
    let claude = meta["model"].as_str().is_some_and(|model| model.contains("claude-"));
    meta["api"] == api && claude && meta["status"] == 200
}

fn answering() -> Answering {
    let style = openai_chat::Style { include_usage: true, ..openai_chat::Style::default() };
    Answering { api: Api::InvokeModel.into(), ..Answering::from(Style::OpenAiChat(style)) }
}

fn envelope() -> Envelope<'static> {
    Envelope { id: RequestId(1), created: 1, model: Text::from_escaped("model") }
}

fn reframed<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Option<String> {
    let (mut stream, mut out) = (StreamReframing::new(RequestId(1)), BytesMut::new());
    for piece in pieces {
        stream.take(piece, &mut out).ok()?;
    }
    stream.end(&mut out).ok()?;
    Some(String::from_utf8(out.to_vec()).unwrap())
}

fn translated<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Option<String> {
    let mut stream = StreamTranslation::new(&envelope(), answering(), Box::new(|_| None));
    let mut out = BytesMut::new();
    for piece in pieces {
        stream.take(piece, &mut out).ok()?;
    }
    stream.end(&mut out).ok()?;
    Some(String::from_utf8(out.to_vec()).unwrap())
}

/// The text that a client of Chat Completions puts together.
fn text_of(stream: &str) -> String {
    let chunks = stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    let chunks = chunks.map(|chunk| serde_json::from_str::<Value>(chunk).unwrap());
    chunks.filter_map(|chunk| Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned())).collect()
}

#[test]
fn streams_go_on_event_for_event() {
    let mut tried = 0;
    for folder in cases("invoke-stream") {
        let (Ok(bytes), Ok(events)) =
            (fs::read(folder.join("response.bin")), fs::read_to_string(folder.join("events.jsonl")))
        else {
            continue;
        };
        let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let Some(once) = reframed([&bytes[..]].into_iter()) else {
            let whole = events.iter().any(|event| event["chunk"]["type"] == "message_stop");
            assert!(!whole, "{} was refused", folder.display());
            continue;
        };
        tried += 1;
        let said: Vec<Value> = once
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        let sent: Vec<&Value> = events.iter().map(|event| &event["chunk"]).filter(|chunk| !chunk.is_null()).collect();
        assert_eq!(said.len(), sent.len(), "{}", folder.display());
        for (said, sent) in said.iter().zip(&sent) {
            // The counts of the prompt may be told once more.
            let same = said == *sent || sent["type"] == "message_delta" && said["delta"] == sent["delta"];
            assert!(same, "{}", folder.display());
        }
        let text: String = sent.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
        let chat = translated([&bytes[..]].into_iter()).unwrap();
        assert_eq!(text_of(&chat), text, "{}", folder.display());
        for size in [1, 3, 64, 1000] {
            assert!(reframed(bytes.chunks(size)).unwrap() == once, "{} in pieces of {size}", folder.display());
            assert!(translated(bytes.chunks(size)).unwrap() == chat, "{} in pieces of {size}", folder.display());
        }
    }
    println!("{tried} streams of InvokeModel in the corpus");
}

#[test]
fn whole_answers_go_on_as_they_came() {
    let mut tried = 0;
    for folder in cases("invoke") {
        let Ok(body) = fs::read(folder.join("response.json")) else { continue };
        let recorded: Value = serde_json::from_slice(&body).unwrap();
        if recorded["type"] != "message" {
            continue;
        }
        tried += 1;
        let answer = whole_reframed(&body, true).unwrap_or_else(|fault| panic!("{}: {fault:?}", folder.display()));
        assert_eq!(answer.body.as_bytes(), &body[..], "{}", folder.display());
        assert_eq!(answer.usage.output, recorded["usage"]["output_tokens"].as_u64().unwrap());
        let calls = recorded["content"].as_array().unwrap().iter().filter(|block| block["type"] == "tool_use").count();
        assert_eq!(answer.turn.map_or(0, |turn| turn.calls().count()), calls, "{}", folder.display());
        let chat = whole(&body, &envelope(), &answering(), &(Box::new(|_: &str| None) as _), false).unwrap();
        let chat: Value = serde_json::from_str(&chat.body).unwrap();
        let blocks = recorded["content"].as_array().unwrap().iter();
        let text: String = blocks.filter_map(|block| block["text"].as_str()).collect();
        assert_eq!(chat["choices"][0]["message"]["content"].as_str().unwrap_or_default(), text, "{}", folder.display());
    }
    println!("{tried} whole answers of InvokeModel in the corpus");
}
