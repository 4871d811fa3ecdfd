//! Every row of the catalogue: what is sent when nothing is asked, for no reasoning, for each level and for a budget.
#![expect(clippy::unwrap_used, reason = "a test")]

use aquifer_translate::catalogue::Catalogue;
use aquifer_translate::dialect::Dialect;
use aquifer_translate::dialect::openai_chat::error;
use aquifer_translate::translation::Incoming;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// What is asked; every way of asking the same must send the same.
const ASKS: [(&str, &[&str]); 10] = [
    ("nothing", &[r#""stream":true"#]),
    ("nothing, whole", &[r#""stream":false"#]),
    (
        "off",
        &[
            r#""stream":true,"reasoning_effort":"none""#,
            r#""stream":true,"reasoning":{"enabled":false}"#,
            r#""stream":true,"thinking":{"type":"disabled"}"#,
            r#""stream":true,"enable_thinking":false"#,
        ],
    ),
    (
        "minimal",
        &[r#""stream":true,"reasoning_effort":"minimal""#, r#""stream":true,"reasoning":{"effort":"minimal"}"#],
    ),
    ("low", &[r#""stream":true,"reasoning_effort":"low""#, r#""stream":true,"output_config":{"effort":"low"}"#]),
    ("medium", &[r#""stream":true,"reasoning_effort":"medium""#, r#""stream":true,"reasoning":{"effort":"medium"}"#]),
    ("high", &[r#""stream":true,"reasoning_effort":"high""#, r#""stream":true,"output_config":{"effort":"high"}"#]),
    ("xhigh", &[r#""stream":true,"reasoning_effort":"xhigh""#]),
    ("max", &[r#""stream":true,"reasoning_effort":"max""#]),
    (
        "4096 tokens",
        &[
            r#""stream":true,"thinking":{"type":"enabled","budget_tokens":4096}"#,
            r#""stream":true,"reasoning":{"max_tokens":4096}"#,
        ],
    ),
];

/// What is sent beside the messages, and what the client is told.
fn sent(model: &str, members: &str) -> (String, Vec<String>) {
    let body = format!(r#"{{"model":"{model}",{members},"messages":[{{"role":"user","content":"Hello?"}}]}}"#);
    let sent = match Incoming::read(body.as_bytes()).and_then(|asked| asked.outgoing(model, None)) {
        Ok(sent) => sent,
        Err(fault) => return (error::render(&fault).body, Vec::new()),
    };
    let messages = r#""messages":[{"role":"user","content":[{"text":"Hello?"}]}]"#;
    let rest = std::str::from_utf8(&sent.body).unwrap().replacen(messages, "", 1).replacen("{,", "{", 1);
    let _: Value = serde_json::from_str(&rest).unwrap();
    (rest, sent.warnings.iter().map(|warning| Dialect::OpenAiChat.warning(warning)).collect())
}

/// A warning without the field that it names.
fn unnamed(warning: &str) -> &str {
    warning.split_once(": ").unwrap().1
}

fn row(model: &str) -> String {
    let mut asks = Vec::new();
    for (ask, ways) in ASKS {
        let mut all = ways.iter().map(|members| sent(model, members));
        let (body, warnings) = all.next().unwrap();
        for (other, told) in all {
            assert_eq!(other, body, "{model}, {ask}: two ways of asking the same");
            let same = warnings.iter().map(|it| unnamed(it)).eq(told.iter().map(|it| unnamed(it)));
            assert!(same, "{model}, {ask}: {warnings:?} and {told:?}");
        }
        asks.push(format!("  \"{ask}\": {{\"sent\": {body}, \"warnings\": {}}}", json!(warnings)));
    }
    format!("{{\n{}\n}}\n", asks.join(",\n"))
}

fn file_name(model: &str) -> String {
    let safe = |letter: char| if letter.is_ascii_alphanumeric() || ".-".contains(letter) { letter } else { '_' };
    format!("{}.json", model.chars().map(safe).collect::<String>())
}

#[test]
fn every_row_asks_in_its_own_words() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/catalogue");
    let new = folder.join("NEW").exists();
    let mut differences = Vec::new();
    let mut names = BTreeSet::from(["NEW".to_owned()]);
    for entry in Catalogue::builtin().entries() {
        let (file, seen) = (folder.join(file_name(&entry.id)), row(&entry.id));
        if new {
            fs::write(&file, &seen).unwrap();
        }
        if fs::read_to_string(&file).unwrap_or_default() != seen {
            differences.push(format!("{}\nseen: {seen}", file.display()));
        }
        assert!(names.insert(file_name(&entry.id)), "{}", entry.id);
    }
    assert!(differences.is_empty(), "{}\n{} files differ", differences.join("\n"), differences.len());
    let present = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let stale: Vec<String> = present.filter(|name| !names.contains(name)).collect();
    assert!(stale.is_empty(), "no row is like {stale:?}");
}
