//! A host without a runtime and without a socket: every fixture goes through the public contract of an exchange.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, which may look at the clock")]

use aquifer_gateway::config::{BackendApi, BackendKind, Config};
use aquifer_gateway::exchange::{Exchange, HostTerms, Input, Output, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::restore::Forgetful;
use aquifer_gateway::translate::bedrock::Api;
use aquifer_gateway::translate::dialect::openai_responses::seal_keys::SealKeys;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use regex::Regex;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What came of a fixture: the calls, the status and the answer.
struct Came {
    calls: Vec<(String, Bytes)>,
    status: StatusCode,
    told: String,
    id: String,
}

/// Folders of fixtures around which nothing stands: no terms, no answer that is remembered.
fn folders() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")];
    while let Some(folder) = folders.pop() {
        let has = |file: &str| folder.join(file).exists();
        let plain = !has("terms.json") && !has("0-remembered-answer.json") && !has("0-remembered-stream.jsonl");
        // Those of another service than Bedrock have a test of their own.
        let bedrock = !folder.components().any(|part| part.as_os_str() == "openai_backend");
        if has("1-client-request.json") && plain && bedrock {
            found.push(folder.clone());
        }
        folders.extend(fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()));
    }
    found.sort();
    found
}

/// The whole host: does what the exchange wants, and answers each call alike, so many bytes at once.
fn serve(path: &str, body: Vec<u8>, answer: &(&'static str, Vec<u8>), size: usize) -> Came {
    let mut config = Config::from_environment(&|name| (name == "AWS_REGION").then(|| "us-east-1".to_owned()));
    // The fixtures without terms are about Converse, whatever the client speaks.
    if let BackendKind::Served { api, .. } = &mut config.backends[0].kind {
        *api = BackendApi::Bedrock(Some(Api::Converse));
    }
    config.seal_keys = Some(Arc::new(SealKeys::new([0x5a; 32], [])));
    let config = Arc::new(config);
    let now = Instant::now();
    let head = RequestHead {
        method: &Method::POST,
        path,
        query: "",
        headers: &HeaderMap::new(),
        port: None,
        random: 0x1234_5678_9abc_def0_1234_5678_9abc_def0,
        unix_seconds: 1_700_000_000,
        now,
    };
    let mut exchange =
        Exchange::begin(Arc::clone(&config), Arc::new(BackendHealth::new(1, now)), HostTerms::default(), &head);
    exchange.handle(Input::Body { head: &head, bytes: body.into(), turns: &Forgetful }, head.now);
    let id = exchange.id().to_owned();
    let mut came = Came { calls: Vec::new(), status: StatusCode::CONTINUE, told: String::new(), id };
    loop {
        let mut called = false;
        while let Some(output) = exchange.poll() {
            match output {
                Output::Call(call) => {
                    called = true;
                    came.calls.push((call.path, call.body));
                }
                Output::Head { status, .. } => came.status = status,
                Output::Body(bytes) => came.told.push_str(std::str::from_utf8(&bytes).unwrap()),
                Output::Done(_) => return came,
                _ => {}
            }
        }
        assert!(called, "the exchange waits for nothing");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(answer.0))]);
        exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, now);
        answer.1.chunks(size).for_each(|part| exchange.handle(Input::UpstreamBody(part), now));
        exchange.handle(Input::UpstreamEnd, now);
    }
}

/// An answer's own ids, as the fixtures have them.
fn without_ids(told: &str, id: &str) -> String {
    let made = Regex::new(r#""(rs_|call_(fixture|[0-9a-f]{32})_)[^"]*"|~[0-9a-f]{16}"#).unwrap();
    let told = told.replace(id.split(['-', '_']).next_back().unwrap(), "fixture");
    let told = made.replace_all(told.trim_end(), r#""made""#);
    let sealed = Regex::new(r#""encrypted_content":"[^"]*""#).unwrap();
    sealed.replace_all(&told, r#""encrypted_content":"made""#).into_owned()
}

/// A folder's answer: a stream, or whole.
fn answer(folder: &Path, stream: bool) -> Option<(&'static str, Vec<u8>)> {
    let text = |file: &str| fs::read_to_string(folder.join(file)).ok();
    let frame = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let (kind, payload) = line.as_object().unwrap().iter().next().unwrap();
        aquifer_testing::frames::frame(kind, payload.to_string())
    };
    if !stream {
        return Some(("application/json", text("3-bedrock-answer.json")?.into_bytes()));
    }
    let lines = text("3-bedrock-stream.jsonl")?;
    let frames = lines.lines().filter(|line| !line.is_empty()).flat_map(frame).collect();
    Some(("application/vnd.amazon.eventstream", frames))
}

#[test]
fn every_fixture_through_the_contract() {
    let (mut requests, mut answers, mut differences) = (0, 0, Vec::new());
    for folder in folders() {
        let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
        let is_in = |name: &str| folder.components().any(|part| part.as_os_str() == name);
        let path = match (is_in("anthropic_messages"), is_in("openai_responses")) {
            (true, _) => "/v1/messages",
            (false, true) => "/v1/responses",
            (false, false) => "/v1/chat/completions",
        };
        let body = fs::read(folder.join("1-client-request.json")).unwrap();
        let nothing = ("application/json", b"{}".to_vec());
        let mut differ = |what: &str, is: &str, should: &str| {
            if is != should {
                differences.push(format!("{}: {what}\nis     {is}\nshould {should}", folder.display()));
            }
        };
        let came = serve(path, body.clone(), &nothing, 64);
        match (read("2-bedrock-request.json"), came.calls.first()) {
            (Some(sent), Some((path, body))) => {
                requests += 1;
                let body = std::str::from_utf8(body).unwrap();
                let begin = format!("{{\n  \"path\": \"{path}\",\n  \"body\": {body},\n");
                differ("what is sent", &begin, sent.get(..begin.len()).unwrap_or(&sent));
            }
            (None, None) => {
                requests += 1;
                let told = format!("{{\"status\": {}, \"body\": {}}}", came.status.as_u16(), came.told.trim_end());
                let answer = read("4-client-answer.json").unwrap_or_default();
                differ("the refusal", &without_ids(&told, &came.id), &without_ids(&answer, "fixture"));
            }
            (sent, called) => differ("whether it is sent", &called.is_some().to_string(), &sent.is_some().to_string()),
        }
        let wants_stream = serde_json::from_slice::<Value>(&body).is_ok_and(|body| body["stream"] == true);
        let file = if wants_stream { "4-client-stream.txt" } else { "4-client-answer.json" };
        let streams = came.calls.first().is_some_and(|(path, _)| path.ends_with("-stream"));
        let (Some(expected), Some(answer)) = (read(file), answer(&folder, streams)) else { continue };
        for size in [1, 7, usize::MAX] {
            let came = serve(path, body.clone(), &answer, size);
            // What fails is asked for again, and told otherwise than the translation alone would.
            if came.calls.len() == 1 && came.status == StatusCode::OK {
                answers += 1;
                differ(file, &without_ids(&came.told, &came.id), &without_ids(&expected, "fixture"));
            }
        }
    }
    assert!(differences.is_empty(), "{}\n{} differ", differences.join("\n"), differences.len());
    assert!(requests > 1_000 && answers > 500, "{requests} requests and {answers} answers are too few");
}
