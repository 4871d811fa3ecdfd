//! What real clients sent, as it was recorded: every request is read, and nothing is warned of that should not be.

use aquifer_translate::Fault;
use aquifer_translate::catalogue::Catalogue;
use aquifer_translate::dialect::Dialect;
use aquifer_translate::dialect::anthropic_messages::request::{MessagesPurpose, read};
use aquifer_translate::limits::Limits;
use aquifer_translate::translation::Incoming;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What clients are told of, because something that they ask for cannot be had on Converse.
const EXPECTED: [&str; 9] = [
    "dropped safeguards: ",
    "dropped anthropic-beta: ",
    "dropped context_management.edits.0: ",
    "changed tools.",
    "dropped temperature: ",
    "changed thinking.budget_tokens: ",
    "reasoning-unavailable thinking",
    "ignored output_config.effort: ",
    "changed max_tokens: Claude 3.7 Sonnet answers with ",
];

/// The model behind a name that an operator made up.
const ALIASED: &str = "us.anthropic.claude-opus-5";

#[derive(Deserialize)]
struct Recorded {
    request: Sent,
}

#[derive(Deserialize)]
struct Sent {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Box<RawValue>,
}

/// The recorded requests of Messages with their files; none, loudly, when the corpus is not there.
#[expect(clippy::print_stderr, reason = "a test that did not run says so")]
fn recorded() -> Vec<(PathBuf, Sent)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/clients");
    let Ok(clients) = fs::read_dir(&corpus) else {
        eprintln!("SKIPPED: the corpus is not there, so no request of a real client was tried");
        return Vec::new();
    };
    let files = clients.flat_map(|client| fs::read_dir(client.unwrap().path()).into_iter().flatten());
    let mut found = Vec::new();
    for file in files.map(|file| file.unwrap().path()) {
        let Ok(Recorded { request }) = serde_json::from_str(&fs::read_to_string(&file).unwrap()) else { continue };
        if request.method == "POST" && request.path.contains("/messages") && request.body.get().starts_with('{') {
            found.push((file, request));
        }
    }
    assert!(found.len() > 90, "the corpus has more requests: {}", found.len());
    found
}

fn betas(sent: &Sent) -> impl Iterator<Item = &str> + Clone {
    let named = sent.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("anthropic-beta"));
    named.map(|(_, value)| value.as_str())
}

#[test]
fn requests_of_real_clients_are_read_without_undue_warnings() {
    let (mut tried, mut undue, mut refused) = (0, BTreeSet::new(), Vec::new());
    for (file, sent) in recorded() {
        let body = sent.body.get().as_bytes();
        if sent.path.contains("count_tokens") {
            assert!(read(body, betas(&sent), MessagesPurpose::CountTokens, &Limits::default()).is_ok(), "{file:?}");
            continue;
        }
        let asked = Incoming::read_in(Dialect::AnthropicMessages, body, betas(&sent), &Limits::default());
        let model = |name: &str| {
            Catalogue::builtin().named_by_anthropic(name, "us-east-1").unwrap_or_else(|| ALIASED.to_owned())
        };
        let written = asked.and_then(|asked| {
            let model = model(asked.model());
            asked.outgoing(&model, None)
        });
        match written {
            Ok(written) => {
                tried += 1;
                let said = written.warnings.iter().map(|warning| Dialect::AnthropicMessages.warning(warning));
                undue.extend(said.filter(|said| !EXPECTED.iter().any(|expected| said.starts_with(expected))));
            }
            Err(fault) => refused.push((file, fault)),
        }
    }
    assert!(undue.is_empty(), "{undue:#?}");
    // A web search alone and forced is what Bedrock does not have; Claude Code goes on without.
    refused.retain(|(file, fault)| {
        !(matches!(fault, Fault::Unsupported(_)) && file.to_string_lossy().contains("websearch"))
    });
    assert!(refused.is_empty(), "{refused:#?}");
    println!("{tried} requests of real clients");
}
