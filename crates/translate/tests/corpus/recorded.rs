//! Recorded answers of Bedrock, what they say, and how they are tried.

use aquifer_translate::dialect::Envelope;
use aquifer_translate::model::call_id;
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::{
    AnswerWords, Answering, Restore, StreamPassthrough, StreamTranslation, look_at_whole, whole,
};
use bytes::BytesMut;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// What an answer says, whichever API it says it in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) sealed: Vec<String>,
    pub(crate) calls: Vec<(String, String, Value)>,
    pub(crate) finish: String,
    pub(crate) usage: Option<(u64, u64)>,
}

pub(crate) fn envelope() -> Envelope<'static> {
    Envelope { id: RequestId(1), created: 1, model: Text::from_escaped("model") }
}

fn keep() -> Restore {
    Box::new(|_| None)
}

/// The cases of one API with their folders; none, loudly, when the corpus is not there.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn cases(api: &str) -> Vec<(PathBuf, Value)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/cases");
    let Ok(sources) = fs::read_dir(&corpus) else {
        eprintln!("SKIPPED: the corpus is not there, so no recorded answer was tried");
        return Vec::new();
    };
    let folders = sources.flat_map(|source| fs::read_dir(source.unwrap().path()).unwrap());
    let mut cases: Vec<_> = folders
        .filter_map(|case| {
            let folder = case.unwrap().path();
            let meta: Value = serde_json::from_slice(&fs::read(folder.join("meta.json")).ok()?).unwrap();
            (meta["api"] == api).then_some((folder, meta))
        })
        .collect();
    cases.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(cases.len() > 100, "the corpus has more cases of {api}: {}", cases.len());
    cases
}

fn finish(reason: &str, calls: bool) -> String {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "guardrail_intervened" | "content_filtered" => "content_filter",
        _ if calls && !matches!(reason, "end_turn" | "stop_sequence") => "tool_calls",
        _ => "stop",
    }
    .to_owned()
}

fn counted(usage: &Value) -> Option<(u64, u64)> {
    let count = |name: &str| usage[name].as_u64().unwrap_or_default();
    let input = count("inputTokens") + count("cacheReadInputTokens") + count("cacheWriteInputTokens");
    usage.is_object().then(|| (input, count("outputTokens")))
}

fn add_call(said: &mut Said, tool: &Value, input: Value) {
    if tool["type"] != "server_tool_use" {
        let word = |name: &str| tool[name].as_str().unwrap().to_owned();
        let id = Text::from_plain(word("toolUseId"));
        said.calls.push((call_id::known(&id).plain().into_owned(), word("name"), input));
    }
}

/// What a recorded whole answer says.
fn recorded_whole(answer: &Value) -> Said {
    let mut said = Said::default();
    for block in answer["output"]["message"]["content"].as_array().unwrap() {
        let cited = block["citationsContent"]["content"].as_array().into_iter().flatten();
        let texts = std::iter::once(&block["text"]).chain(cited.map(|part| &part["text"]));
        said.text.extend(texts.filter_map(Value::as_str));
        let thought = &block["reasoningContent"];
        said.reasoning.push_str(thought["reasoningText"]["text"].as_str().unwrap_or_default());
        let seals = [&thought["reasoningText"]["signature"], &thought["redactedContent"]];
        said.sealed.extend(seals.into_iter().filter_map(Value::as_str).map(str::to_owned));
        if block["toolUse"].is_object() {
            add_call(&mut said, &block["toolUse"], block["toolUse"]["input"].clone());
        }
    }
    said.finish = finish(answer["stopReason"].as_str().unwrap(), !said.calls.is_empty());
    // A trimmed recording without usage counts as none used.
    said.usage = counted(&answer["usage"]).or(Some((0, 0)));
    said
}

/// What a recorded stream says; the error, when it does not end as it should.
fn recorded_stream(events: &[Value]) -> Result<Said, String> {
    let mut said = Said::default();
    let mut calls: Vec<(Value, Value, String)> = Vec::new();
    let mut seals: Vec<(Value, String)> = Vec::new();
    let mut stop = None;
    for event in events {
        let (headers, json) = (&event["headers"], &event["json"]);
        if headers[":message-type"] != "event" {
            return Err("an exception".to_owned());
        }
        let index = &json["contentBlockIndex"];
        match headers[":event-type"].as_str().unwrap() {
            "contentBlockStart" if json["start"]["toolUse"].is_object() => {
                calls.push((index.clone(), json["start"]["toolUse"].clone(), String::new()));
            }
            "contentBlockDelta" => {
                let delta = &json["delta"];
                said.text.push_str(delta["text"].as_str().unwrap_or_default());
                let thought = &delta["reasoningContent"];
                said.reasoning.push_str(thought["text"].as_str().unwrap_or_default());
                for seal in [&thought["signature"], &thought["redactedContent"]] {
                    let Some(seal) = seal.as_str().filter(|seal| !seal.is_empty()) else { continue };
                    match seals.iter_mut().find(|(known, _)| known == index) {
                        Some((_, joined)) => joined.push_str(seal),
                        None => seals.push((index.clone(), seal.to_owned())),
                    }
                }
                if let Some(input) = delta["toolUse"]["input"].as_str()
                    && let Some(call) = calls.iter_mut().rev().find(|call| call.0 == *index)
                {
                    call.2.push_str(input);
                }
            }
            "messageStop" => stop = Some(json["stopReason"].as_str().unwrap().to_owned()),
            "metadata" => said.usage = counted(&json["usage"]),
            _ => {}
        }
    }
    for (_, tool, input) in &calls {
        let input =
            if input.is_empty() { json!({}) } else { serde_json::from_str(input).unwrap_or_else(|_| json!(input)) };
        add_call(&mut said, tool, input);
    }
    said.sealed = seals.into_iter().map(|(_, seal)| seal).collect();
    let stop = stop.ok_or("no messageStop")?;
    if stop.starts_with("malformed") {
        return Err(stop);
    }
    said.finish = finish(&stop, !said.calls.is_empty());
    Ok(said)
}

pub(crate) fn arguments(call: &str) -> Value {
    serde_json::from_str(call).unwrap_or_else(|_| json!(call))
}

/// The client's stream for these pieces of the upstream's bytes.
fn translated<'p>(answering: Answering, pieces: impl Iterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut translation = StreamTranslation::new(&envelope(), answering, keep());
    let mut out = BytesMut::new();
    for piece in pieces {
        if let Err(fault) = translation.take(piece, &mut out) {
            translation.fail(&fault, &mut out);
            return out.to_vec();
        }
    }
    if let Err(fault) = translation.end(&mut out) {
        translation.fail(&fault, &mut out);
    }
    out.to_vec()
}

/// Tries every recorded whole answer: what a client of this style understands is what was recorded.
pub(crate) fn try_whole_answers(answering: &Answering, understood: fn(&str) -> Said, expected: fn(Said) -> Said) {
    let mut tried = 0;
    for (folder, meta) in cases("converse") {
        let Ok(body) = fs::read(folder.join("response.json")) else { continue };
        let recorded: Value = serde_json::from_slice(&body).unwrap();
        let translated = whole(&body, &envelope(), answering, &keep(), false);
        if meta["status"] != 200 || !recorded["output"].is_object() {
            continue;
        }
        tried += 1;
        let expected = expected(recorded_whole(&recorded));
        match translated {
            Ok(answer) => assert_eq!(understood(&answer.body), expected, "{}", folder.display()),
            Err(_) => {
                assert!(recorded["stopReason"].as_str().unwrap().starts_with("malformed"), "{}", folder.display())
            }
        }
    }
    assert!(tried == 0 || tried > 300, "{tried}");
}

/// Tries every recorded stream, however it is cut.
pub(crate) fn try_streams(
    answering: &Answering,
    understood: fn(&str) -> Result<Said, String>,
    expected: fn(Said) -> Said,
) {
    let mut tried = 0;
    for (folder, _) in cases("converse-stream") {
        let recording =
            ["response.bin", "response.reencoded.bin"].iter().find_map(|name| fs::read(folder.join(name)).ok());
        let (Some(bytes), Ok(events)) = (recording, fs::read_to_string(folder.join("events.jsonl"))) else { continue };
        tried += 1;
        let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let once = translated(answering.clone(), std::iter::once(&bytes[..]));
        let seen = understood(std::str::from_utf8(&once).unwrap());
        match (recorded_stream(&events).map(expected), seen) {
            (Ok(expected), Ok(seen)) => assert_eq!(seen, expected, "{}", folder.display()),
            (Err(_), Err(_)) => {}
            // One recording carries a wrong checksum on purpose.
            (Ok(_), Err(error)) => assert!(error.contains("checksum"), "{}: {error}", folder.display()),
            (Err(expected), Ok(_)) => panic!("{}: {expected} was told as success", folder.display()),
        }
        for size in [1, 2, 3, 5, 7, 13, 64, 1000] {
            assert!(
                translated(answering.clone(), bytes.chunks(size)) == once,
                "{} in pieces of {size}",
                folder.display()
            );
        }
        if bytes.len() <= 8192 {
            for at in 0..bytes.len() {
                let (head, tail) = bytes.split_at(at);
                assert!(
                    translated(answering.clone(), [head, tail].into_iter()) == once,
                    "{} cut at {at}",
                    folder.display()
                );
            }
        }
    }
    assert!(tried == 0 || tried > 100, "{tried}");
}

#[test]
fn what_is_passed_through_comes_byte_for_byte_however_it_is_cut() {
    let (mut tried, mut broken) = (0, 0);
    for (api, words) in [("converse-stream", AnswerWords::Converse), ("invoke-stream", AnswerWords::Claude)] {
        for (folder, meta) in cases(api) {
            let is_claude = meta["model"].as_str().is_some_and(|model| model.contains("claude"));
            let words = if is_claude || api == "converse-stream" { words } else { AnswerWords::Unread };
            let recording =
                ["response.bin", "response.reencoded.bin"].iter().find_map(|name| fs::read(folder.join(name)).ok());
            let Some(bytes) = recording.filter(|_| meta["status"] == 200) else { continue };
            let (mut stream, mut out) = (StreamPassthrough::new(words, false).recording(1 << 20), BytesMut::new());
            // An exception in it goes on too.
            let _ = stream.take(&bytes, &mut out);
            let usage = stream.usage();
            if out.len() < bytes.len() {
                // A few recordings are broken on purpose: a wrong checksum, no frame at all.
                assert!(bytes.starts_with(&out), "{}", folder.display());
                broken += 1;
                continue;
            }
            tried += 1;
            assert_eq!(out, bytes, "{}", folder.display());
            for size in [1, 7, 1000] {
                let (mut stream, mut out) = (StreamPassthrough::new(words, false), BytesMut::new());
                for part in bytes.chunks(size) {
                    if stream.take(part, &mut out).is_err() {
                        break;
                    }
                }
                assert_eq!((&out[..], stream.usage()), (&bytes[..], usage), "{}: {size}", folder.display());
            }
        }
    }
    let mut whole = 0;
    for (folder, meta) in cases("converse") {
        let Ok(body) = fs::read(folder.join("response.json")) else { continue };
        let recorded: Value = serde_json::from_slice(&body).unwrap();
        if meta["status"] == 200 && recorded["output"].is_object() {
            whole += 1;
            let seen = look_at_whole(AnswerWords::Converse, &body, true).unwrap();
            assert_eq!(seen.finish_reason, recorded["stopReason"].as_str(), "{}", folder.display());
        }
    }
    assert!(tried == 0 && whole == 0 || tried > 250 && whole > 400, "{tried} streams, {whole} answers");
    assert!(broken <= 4, "{broken} streams");
}
