//! What real clients sent, as it was recorded, from end to end: the simulated Bedrock takes all of it by both of its APIs,
//! and nobody is warned without need.

use crate::support::{Aquifer, Reply, connect, read_reply};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The models that clients named. Any other name is an operator's alias, as of the first of these.
const MODELS: [&str; 8] = [
    "claude-opus-5",
    "claude-sonnet-4-6",
    "claude-haiku-4-5",
    "claude-opus-4-8",
    "claude-opus-5-5",
    "claude-sonnet-5",
    "claude-3-7-sonnet-20250219",
    "anthropic.claude-opus-5",
];

/// The members of an object, each as it was written.
type Members = BTreeMap<String, Box<RawValue>>;

/// A recorded request.
#[derive(Debug)]
struct Sent {
    file: PathBuf,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Sent {
    /// Reads a recorded request, if it has a body of JSON.
    fn read(file: PathBuf) -> Option<Self> {
        let mut recorded: Members = serde_json::from_slice(&std::fs::read(&file).unwrap()).ok()?;
        let request: Members = serde_json::from_str(recorded.remove("request")?.get()).ok()?;
        let text = |name: &str| request.get(name).and_then(|text| serde_json::from_str::<String>(text.get()).ok());
        let headers = serde_json::from_str(request.get("headers")?.get()).ok()?;
        let body = request.get("body")?.get().to_owned();
        let sent = Self { file, path: text("path")?, query: text("query").unwrap_or_default(), headers, body };
        (text("method")? == "POST" && sent.body.starts_with('{')).then_some(sent)
    }

    /// The model that it names.
    fn model(&self) -> String {
        let members: Members = serde_json::from_str(&self.body).unwrap();
        serde_json::from_str(members["model"].get()).unwrap()
    }
}

/// The recorded requests of Messages and of Chat Completions; none, loudly, when the corpus is not there.
fn recorded() -> Vec<Sent> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/clients");
    let Ok(clients) = std::fs::read_dir(&corpus) else {
        eprintln!("SKIPPED: the corpus is not there, so no request of a real client was tried");
        return Vec::new();
    };
    let files = clients.flat_map(|client| std::fs::read_dir(client.unwrap().path()).into_iter().flatten());
    let served = ["/v1/messages", "/v1/messages/count_tokens", "/v1/chat/completions"];
    let requests = files.filter_map(|file| Sent::read(file.unwrap().path()));
    let mut found: Vec<Sent> = requests.filter(|sent| served.contains(&sent.path.as_str())).collect();
    assert!(found.len() > 100, "the corpus has more requests: {}", found.len());
    found.sort_by(|one, other| one.file.cmp(&other.file));
    found
}

/// A gateway before the simulator that calls Claude by this API of Bedrock's.
pub(crate) fn gateway(simulator: SocketAddr, api: &str) -> (TempDir, Aquifer) {
    let mut resources = String::new();
    for (number, model) in MODELS.iter().enumerate() {
        write!(
            resources,
            "---\napiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIServiceBackend\n\
             metadata: {{name: claude-{number}}}\nspec: {{provider: awsbedrock, config: {{model: {model}, \
             region: us-east-1, endpoint: 'http://{simulator}', api: {api}}}}}\n"
        )
        .unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, resources).unwrap();
    let keys = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "the-secret-of-the-tests")];
    let gateway = Aquifer::serve(&["--config", file.to_str().unwrap()], &keys);
    (folder, gateway)
}

/// What is done with a recorded request.
fn operation(sent: &Sent) -> &'static str {
    match sent.path.as_str() {
        "/v1/chat/completions" => "chat",
        "/v1/messages" => "messages",
        _ => "count",
    }
}

/// Sends a recorded request, its model by a name that is served: clients of Chat Completions say ids of Bedrock's.
fn send(gateway: &Aquifer, sent: &Sent) -> Reply {
    let model = sent.model();
    let called = match operation(sent) {
        "chat" => "anthropic.claude-opus-5",
        _ if MODELS.contains(&model.as_str()) => model.as_str(),
        _ => MODELS[0],
    };
    let body = sent.body.replacen(&format!("\"{model}\""), &format!("\"{called}\""), 1);
    let (path, query) = (&sent.path, &sent.query);
    let mut request = format!("POST {path}{query} HTTP/1.1\r\nhost: aquifer\r\ncontent-type: application/json\r\n");
    for (name, value) in &sent.headers {
        if name.to_ascii_lowercase().starts_with("anthropic-") {
            write!(request, "{name}: {value}\r\n").unwrap();
        }
    }
    write!(request, "connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut stream = connect(gateway.gateway.unwrap());
    stream.write_all(request.as_bytes()).unwrap();
    read_reply(&mut stream)
}

/// The warnings of all requests by an API: the operation, the kind and the field without its numbers, the reason.
fn warnings(api: &str) -> BTreeMap<String, String> {
    let simulator = Aquifer::spawn(&["simulator", "--listen", "127.0.0.1:0", "--pace", "0ms"], &[]);
    let (_folder, gateway) = gateway(simulator.address("aquifer simulator listening on "), api);
    let (mut warned, mut refused) = (BTreeMap::new(), Vec::new());
    for sent in recorded() {
        let reply = send(&gateway, &sent);
        if reply.status != 200 || reply.body.contains("event: error") {
            refused.push((sent.file, reply));
            continue;
        }
        for warning in reply.head.lines().filter_map(|line| line.strip_prefix("x-aquifer-warning: ")) {
            let (what, why) = warning.split_once(": ").unwrap_or((warning, ""));
            let what: String = what.chars().filter(|letter| !letter.is_ascii_digit()).collect();
            warned.insert(format!("{} {what}", operation(&sent)), why.to_owned());
        }
    }
    // A web search alone and forced is what Bedrock does not have; Claude Code goes on without.
    refused.retain(|(file, reply)| !(reply.status == 400 && file.to_string_lossy().contains("websearch")));
    assert!(refused.is_empty(), "{refused:#?}");
    warned
}

/// What clients are warned of, because they ask for something that cannot be had by either API.
const EXPECTED: &[&str] = &[
    // aider and LangChain set it for a model that does not take it.
    "chat dropped temperature",
    "chat dropped tools[].function.strict",
    // The recorded turns came from a server without reasoning.
    "chat reasoning-unavailable reasoning",
    "count the model cannot count tokens; the number is an estimate of a token for each four bytes",
    "messages changed max_tokens",
    "messages changed tools..defer_loading",
    "messages dropped anthropic-beta",
    "messages dropped context_management.edits.",
    // The recorded signatures are the recorder's: the simulated Bedrock refuses them, as it should.
    "messages dropped messages",
    "messages dropped temperature",
    // A tool is forced.
    "messages reasoning-unavailable thinking",
    "messages reasoning-unavailable thinking.budget_tokens",
];
/// What Converse does not have besides.
const OF_CONVERSE: &[&str] = &["messages dropped safeguards"];

/// Holds the warnings of all requests by an API against those that are expected.
#[track_caller]
fn check(api: &str, expected: &[&[&str]]) {
    let warned = warnings(api);
    let mut expected: Vec<&str> = expected.concat();
    expected.sort_unstable();
    // Nothing was sent where there is no corpus.
    assert!(warned.is_empty() || warned.keys().eq(&expected), "{warned:#?}");
}

#[test]
fn requests_of_real_clients_are_taken_by_converse() {
    check("converse", &[EXPECTED, OF_CONVERSE]);
}

#[test]
fn requests_of_real_clients_are_taken_by_invokemodel() {
    check("invoke", &[EXPECTED]);
}
