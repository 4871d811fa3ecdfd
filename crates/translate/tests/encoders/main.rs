//! Requests to encoders: the cases in `fixtures/encoders`, and bytes of every kind.
#![expect(clippy::unwrap_used, reason = "a test")]

mod encoder_body;

use aquifer_translate::catalogue::{EncoderTask, encoder};
use aquifer_translate::dialect::Dialect;
use aquifer_translate::dialect::openai_chat::error;
use aquifer_translate::limits::Limits;
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::EncoderRequest;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fs;
use std::path::{Path, PathBuf};

/// What stands around a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Terms {
    task: EncoderTask,
    /// The model id that is called.
    model: String,
}

/// One answer of Bedrock's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// What its head counts.
    counted: Option<u64>,
    body: Box<RawValue>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/encoders")
}

/// The calls as they are sent, a line each, and what the client gets.
fn told(terms: &Terms, body: &[u8], answers: &str) -> (String, String) {
    let mut calls = String::new();
    let mut answers = answers.lines().map(|line| serde_json::from_str::<Answer>(line).unwrap());
    let refused =
        |fault| format!("{{\"status\":{},\"body\":{}}}", error::render(&fault).status, error::render(&fault).body);
    let mut request = match EncoderRequest::read(terms.task, body, &Limits::default()) {
        Ok(request) => request,
        Err(fault) => return (calls, refused(fault)),
    };
    while !request.is_complete() {
        let call = match request.call(&terms.model, encoder(&terms.model)) {
            Ok(call) => call,
            Err(fault) => return (calls, refused(fault)),
        };
        let sent = std::str::from_utf8(&call.outgoing.body).unwrap();
        let warnings: Vec<String> =
            call.outgoing.warnings.iter().map(|warning| Dialect::OpenAiChat.warning(warning)).collect();
        let warnings = serde_json::to_string(&warnings).unwrap();
        calls.push_str(&format!("{{\"path\":\"{}\",\"warnings\":{warnings},\"body\":{sent}}}\n", call.outgoing.path));
        let answer = answers.next().unwrap();
        if let Err(fault) = request.take(call.part, answer.body.get().as_bytes(), answer.counted) {
            return (calls, refused(fault));
        }
    }
    assert!(answers.next().is_none(), "an answer that nobody asked for");
    let model = Text::from_plain(request.model().to_owned());
    (calls, request.answer(&model, RequestId(0x1234)))
}

#[test]
fn every_case_is_as_it_is_written() {
    let mut cases = 0;
    for case in fs::read_dir(folder()).unwrap() {
        let case = case.unwrap().path();
        let read = |name: &str| fs::read_to_string(case.join(name)).unwrap_or_default();
        let terms: Terms = serde_json::from_str(&read("terms.json")).unwrap();
        let request = read("1-client-request.json");
        let (calls, answer) = told(&terms, request.as_bytes(), &read("3-bedrock-answers.jsonl"));
        if !case.join("4-client-answer.json").exists() {
            if !calls.is_empty() {
                fs::write(case.join("2-bedrock-calls.jsonl"), &calls).unwrap();
            }
            fs::write(case.join("4-client-answer.json"), format!("{answer}\n")).unwrap();
            fs::write(case.join("NEW"), "").unwrap();
        }
        assert_eq!(calls, read("2-bedrock-calls.jsonl"), "{}", case.display());
        assert_eq!(answer, read("4-client-answer.json").trim_end(), "{}", case.display());
        assert!(serde_json::from_str::<serde_json::Value>(&answer).is_ok(), "{}", case.display());
        cases += 1;
    }
    assert!(cases > 12);
}
