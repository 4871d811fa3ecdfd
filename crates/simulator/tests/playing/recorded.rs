//! Recorded exchanges of InvokeModel: what Bedrock took is taken, what it refused is refused in its words, and what it
//! answered has the shape of what is answered here.

use crate::support::{Simulator, refusal};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the recordings.
fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus")
}

/// Says that a test was skipped.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skipped(what: &str) {
    eprintln!("SKIPPED: the corpus is not there, so no {what} was tried");
}

/// A recorded exchange.
struct Case {
    folder: PathBuf,
    meta: Value,
    request: Value,
}

/// Those of Claude's messages over this API; none, loudly, when the corpus is not there.
fn cases(api: &str) -> Vec<Case> {
    let Ok(sources) = fs::read_dir(corpus().join("cases")) else {
        skipped(&format!("recorded exchange of {api}"));
        return Vec::new();
    };
    let folders = sources.flat_map(|source| fs::read_dir(source.unwrap().path()).unwrap());
    let read = |folder: PathBuf| {
        let meta: Value = serde_json::from_slice(&fs::read(folder.join("meta.json")).ok()?).unwrap();
        let request: Value = serde_json::from_slice(&fs::read(folder.join("request.json")).ok()?).ok()?;
        let fits = meta["api"] == api && meta["recorded"] == true && meta["model"].as_str()?.contains("claude");
        (fits && request["prompt"].is_null()).then_some(Case { folder, meta, request })
    };
    folders.filter_map(|case| read(case.unwrap().path())).collect()
}

impl Case {
    fn model(&self) -> &str {
        self.meta["model"].as_str().unwrap()
    }

    /// Whether it holds a thought, whose real signature nobody can check here.
    fn thinks_back(&self) -> bool {
        self.request["messages"].to_string().contains("\"signature\"")
    }
}

/// Which members stand in each kind of event or object of an answer.
type Shape = BTreeMap<String, BTreeSet<String>>;

fn note(shape: &mut Shape, kind: &str, object: &Value) {
    let names = object.as_object().into_iter().flatten().map(|(name, _)| name.clone());
    shape.entry(kind.to_owned()).or_default().extend(names);
}

/// Notes a message, whole or at its start.
fn note_message(shape: &mut Shape, message: &Value) {
    note(shape, "message", message);
    for block in message["content"].as_array().into_iter().flatten() {
        note(shape, block["type"].as_str().unwrap(), block);
    }
    note(shape, "usage", &message["usage"]);
}

fn note_event(shape: &mut Shape, event: &Value) {
    note(shape, event["type"].as_str().unwrap(), event);
    note_message(shape, &event["message"]);
    let block = &event["content_block"];
    if let Some(kind) = block["type"].as_str() {
        note(shape, kind, block);
    }
    let delta = &event["delta"];
    note(shape, delta["type"].as_str().unwrap_or("delta of a message"), delta);
    note(shape, "metrics", &event["amazon-bedrock-invocationMetrics"]);
}

#[tokio::test]
async fn recorded_requests_are_taken_and_answers_have_every_recorded_member() {
    let simulator = Simulator::start().await;
    let (mut recorded, mut ours, mut tried) = (Shape::new(), Shape::new(), 0);
    for api in ["invoke", "invoke-stream"] {
        for case in cases(api).into_iter().filter(|case| case.meta["status"] == 200 && !case.thinks_back()) {
            if api == "invoke" {
                let reply = simulator.post(case.model(), "invoke", &case.request).await;
                assert_eq!(reply.status, 200, "{}: {}", case.folder.display(), String::from_utf8_lossy(&reply.bytes));
                note_message(&mut ours, &serde_json::from_slice(&reply.bytes).unwrap());
                let answer: Value =
                    serde_json::from_slice(&fs::read(case.folder.join("response.json")).unwrap()).unwrap();
                if answer["type"] == "message" {
                    note_message(&mut recorded, &answer);
                }
                tried += 1;
                continue;
            }
            let events = simulator.invoke_stream(case.model(), &case.request).await;
            let events = events.unwrap_or_else(|refused| panic!("{}: {refused}", case.folder.display()));
            for event in events {
                note_event(&mut ours, &event.unwrap().1);
            }
            let events = fs::read_to_string(case.folder.join("events.jsonl")).unwrap_or_default();
            for event in events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
                note_event(&mut recorded, &event["chunk"]);
            }
            tried += 1;
        }
    }
    assert!(tried == 0 || tried > 150, "the corpus has more: {tried}");
    for (kind, members) in recorded {
        let missing: Vec<_> = members.difference(ours.get(&kind).unwrap_or(&BTreeSet::new())).cloned().collect();
        assert!(missing.is_empty(), "{kind} has also {missing:?}");
    }
}

#[tokio::test]
async fn a_recorded_refusal_is_told_in_its_words() {
    let simulator = Simulator::start().await;
    for api in ["invoke", "invoke-stream", "count-tokens"] {
        for case in cases(api).into_iter().filter(|case| case.meta["status"] == 400) {
            let response = fs::read(case.folder.join("response.json")).unwrap_or_default();
            let response: Value = serde_json::from_slice(&response).unwrap_or_default();
            let Some(told) = response["message"].as_str() else { continue };
            // Whether a model can be called without a profile, and how large a request may be, is not played.
            if ["on-demand throughput", "too many total text bytes", "subject must not be valid"]
                .iter()
                .any(|words| told.contains(words))
            {
                continue;
            }
            let operation = if api == "invoke-stream" { "invoke-with-response-stream" } else { api };
            let reply = simulator.post(case.model(), operation, &case.request).await;
            assert!(reply.status == 400, "{}", case.folder.display());
            assert_eq!(refusal(&reply), format!("400 ValidationException: {told}"), "{}", case.folder.display());
        }
    }
}

#[tokio::test]
async fn recorded_counts_are_near() {
    let simulator = Simulator::start().await;
    for case in cases("count-tokens").into_iter().filter(|case| case.meta["status"] == 200) {
        let reply = simulator.post(case.model(), "count-tokens", &case.request).await;
        assert_eq!(reply.status, 200, "{}: {}", case.folder.display(), String::from_utf8_lossy(&reply.bytes));
        let count = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap()["inputTokens"].as_u64().unwrap();
        let (ours, theirs) = (count(&reply.bytes), count(&fs::read(case.folder.join("response.json")).unwrap()));
        assert!(ours.abs_diff(theirs) <= 8 + theirs / 5, "{ours} instead of {theirs}: {}", case.folder.display());
    }
}

/// What clients that speak Bedrock's own InvokeModel sent.
#[tokio::test]
async fn what_clients_send_to_bedrock_is_taken() {
    let simulator = Simulator::start().await;
    let Ok(clients) = fs::read_dir(corpus().join("clients")) else {
        skipped("request of a client");
        return;
    };
    let mut tried = 0;
    for client in clients.map(|client| client.unwrap().path()) {
        let Ok(requests) = fs::read_dir(&client) else { continue };
        for file in requests.map(|file| file.unwrap().path()) {
            let Ok(sent) = serde_json::from_slice::<Value>(&fs::read(&file).unwrap()) else { continue };
            let request = &sent["request"];
            let path = request["path"].as_str().unwrap_or_default();
            let invoked = path.ends_with("/invoke") || path.ends_with("/invoke-with-response-stream");
            // A profile that hides its model, thoughts that a recorder made up, and the newest version for a model that
            // is older are refused here and there.
            let older = request["body"]["anthropic_version"] == "2026-10-21" && path.contains("-4-5-");
            let unknown = path.contains("application-inference-profile")
                || older
                || request["body"]["messages"].to_string().contains("\"signature\"");
            if !invoked || unknown || !request["body"].is_object() {
                continue;
            }
            let reply = simulator.ask("POST", path, &request["body"], true).await;
            assert_eq!(reply.status, 200, "{}: {}", file.display(), String::from_utf8_lossy(&reply.bytes));
            tried += 1;
        }
    }
    assert!(tried > 20, "the corpus has more: {tried}");
}
