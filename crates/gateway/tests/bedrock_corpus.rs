//! Recorded exchanges of Bedrock through its own dialect: what was asked and what was answered, byte for byte.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, which may look at the clock")]

use aquifer_gateway::config::{Backend, BackendKind, Config, Service};
use aquifer_gateway::exchange::{Exchange, HostTerms, Input, Output, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::record::Outcome;
use aquifer_gateway::restore::Forgetful;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Streams without the header `:message-type`, without which no SDK of AWS's takes a frame, and one whose end is missing.
const CUT: [&str; 3] = [
    "agentgateway-agentgateway/reasoning-bin",
    "newrelic-newrelic-python-agent/malformed-invoke-stream-amazon-titan-text-express-v1-malformed-streaming-body",
    "newrelic-newrelic-python-agent/invoke-stream-anthropic-claude-instant-v1-the-following-is-a-friendly-co",
];

/// A recorded exchange.
struct Case {
    folder: PathBuf,
    /// The operation, as it ends the path.
    operation: &'static str,
    model: String,
    request: Vec<u8>,
    status: StatusCode,
    headers: HeaderMap,
    answer: Vec<u8>,
    whole: bool,
}

/// What came of it.
#[derive(Default)]
struct Came {
    path: String,
    sent: Bytes,
    calls: usize,
    status: StatusCode,
    headers: HeaderMap,
    said: Vec<u8>,
    outcome: Option<Outcome>,
}

impl Case {
    fn read(folder: PathBuf) -> Option<Self> {
        let meta: Value = serde_json::from_slice(&fs::read(folder.join("meta.json")).ok()?).unwrap();
        let operation = match meta["api"].as_str().unwrap() {
            "converse" => "converse",
            "converse-stream" => "converse-stream",
            "invoke" => "invoke",
            "invoke-stream" => "invoke-with-response-stream",
            "count-tokens" => "count-tokens",
            _ => return None,
        };
        let file = |names: &[&str]| names.iter().find_map(|name| fs::read(folder.join(name)).ok());
        let answer = file(&["response.json", "response.bin", "response.reencoded.bin"]).unwrap();
        let recorded = meta["response_headers"]["content-type"].as_str().map(str::to_owned);
        let framed = folder.join("events.jsonl").exists();
        let usual = if framed { "application/vnd.amazon.eventstream" } else { "application/json" };
        let kind = recorded.unwrap_or_else(|| usual.to_owned());
        let mut headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_str(&kind).unwrap())]);
        for name in ["x-amzn-requestid", "x-amzn-errortype", "x-amzn-bedrock-input-token-count"] {
            if let Some(value) = meta["response_headers"][name].as_str() {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
            }
        }
        Some(Self {
            operation,
            model: meta["model"].as_str().unwrap_or("someone.model-of-a-recording-v1:0").to_owned(),
            request: file(&["request.json", "request.txt"]).unwrap_or_else(|| b"{}".to_vec()),
            status: StatusCode::from_u16(u16::try_from(meta["status"].as_u64().unwrap_or(200)).unwrap()).unwrap(),
            headers,
            answer,
            // A few were made to be broken, or were cut when they were taken down.
            whole: meta["crc_ok"] != false && !CUT.iter().any(|cut| folder.ends_with(cut)),
            folder,
        })
    }

    /// The path as AWS's SDKs write it, the id percent-encoded.
    fn path(&self) -> String {
        format!("/model/{}/{}", self.model.replace(':', "%3A").replace('/', "%2F"), self.operation)
    }

    /// Whether the request asks for what no operator allowed: files in S3.
    fn is_denied(&self) -> bool {
        self.request.windows(10).any(|part| part == b"s3Location")
    }

    /// Asks, and answers every call alike, so many bytes at once.
    fn pass(&self, path: &str, size: usize) -> Came {
        let now = Instant::now();
        let service =
            Service { region: Some("us-east-1".to_owned()), models: vec![self.model.clone()], ..Service::default() };
        let backends = vec![Backend::new("one", BackendKind::bedrock(service))];
        let config = Arc::new(Config { backends, ..Config::default() });
        let head = RequestHead {
            method: &Method::POST,
            path,
            query: "",
            headers: &HeaderMap::new(),
            port: None,
            random: 7,
            unix_seconds: 1,
            now,
        };
        let mut exchange = Exchange::begin(config, Arc::new(BackendHealth::new(1, now)), HostTerms::default(), &head);
        let bytes = Bytes::copy_from_slice(&self.request);
        exchange.handle(Input::Body { head: &head, bytes, turns: &Forgetful }, now);
        let mut came = Came::default();
        assert!(came.drain(&mut exchange) == Next::Call || came.outcome.is_some());
        while came.outcome.is_none() {
            assert!(came.calls < 20, "{}: nothing more comes", self.folder.display());
            let begin = Input::UpstreamHead { status: self.status, headers: &self.headers };
            let parts = self.answer.chunks(size).map(Input::UpstreamBody);
            for input in std::iter::once(begin).chain(parts).chain([Input::UpstreamEnd]) {
                exchange.handle(input, now);
                if came.drain(&mut exchange) != Next::More {
                    break;
                }
            }
        }
        came
    }
}

/// What the exchange waits for.
#[derive(PartialEq, Eq)]
enum Next {
    /// More of the answer.
    More,
    /// The answer of another call.
    Call,
    /// Nothing.
    Over,
}

impl Came {
    fn drain(&mut self, exchange: &mut Exchange) -> Next {
        let mut next = Next::More;
        while let Some(output) = exchange.poll() {
            match output {
                Output::Call(call) => {
                    (self.path, self.sent, next) = (call.path, call.body, Next::Call);
                    self.calls += 1;
                }
                Output::Head { status, headers, .. } => (self.status, self.headers) = (status, headers),
                Output::Body(bytes) => self.said.extend_from_slice(&bytes),
                Output::Done(record) => (self.outcome, next) = (Some(record.outcome), Next::Over),
                _ => {}
            }
        }
        next
    }
}

/// Every case of Bedrock's own API; none, loudly, when the corpus is not there.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn cases() -> Vec<Case> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/cases");
    let Ok(sources) = fs::read_dir(&corpus) else {
        eprintln!("SKIPPED: the corpus is not there, so no recorded exchange was passed through");
        return Vec::new();
    };
    let folders = sources.flat_map(|source| fs::read_dir(source.unwrap().path()).unwrap());
    let mut cases: Vec<Case> = folders.filter_map(|case| Case::read(case.unwrap().path())).collect();
    cases.sort_by(|one, other| one.folder.cmp(&other.folder));
    assert!(cases.len() > 900, "the corpus has more cases: {}", cases.len());
    cases
}

#[test]
fn requests_and_answers_come_byte_for_byte() {
    let (mut whole, mut failed, mut broken, mut denied, mut wrong) = (0, 0, 0, 0, Vec::new());
    for case in cases() {
        let path = case.path();
        let sizes: &[usize] = if case.answer.len() < 4096 { &[usize::MAX, 64, 7, 1] } else { &[usize::MAX, 64] };
        let mut differ = |what: &str| wrong.push(format!("{}: {what}", case.folder.display()));
        for (at, size) in sizes.iter().enumerate() {
            // As SDKs write it, and as people do.
            let asked = if at % 2 == 0 { path.clone() } else { format!("/model/{}/{}", case.model, case.operation) };
            let came = case.pass(&asked, *size);
            if came.calls == 0 {
                denied += 1;
                if !case.is_denied() {
                    differ(&format!("refused: {}", String::from_utf8_lossy(&came.said)));
                }
                continue;
            }
            if came.sent != case.request {
                differ("another request");
            }
            // A name of a model that is written otherwise leads to the model.
            if came.path != path.replace("v2-0", "v2%3A0") && case.operation != "count-tokens" {
                differ(&format!("another path: {}", came.path));
            }
            if !case.whole {
                assert_eq!(came.outcome, Some(Outcome::Failed), "{}", case.folder.display());
                broken += 1;
                continue;
            }
            if came.status != case.status || came.said != case.answer {
                differ(&format!("another answer, {size} bytes at once: {}", came.status));
            }
            if case.headers.iter().any(|(name, value)| came.headers.get(name) != Some(value)) {
                differ(&format!("other headers: {:?} and not {:?}", came.headers, case.headers));
            }
            match came.outcome {
                Some(Outcome::Answered) => whole += 1,
                Some(Outcome::Failed | Outcome::Abandoned) | None => failed += 1,
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{} differ", wrong.join("\n"), wrong.len());
    let told = format!("{whole} answers, {failed} failures, {broken} broken answers and {denied} refusals");
    assert!(whole + failed == 0 || whole > 2000 && failed > 100 && broken > 10, "{told}");
}
