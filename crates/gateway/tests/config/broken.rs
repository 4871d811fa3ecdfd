//! Resources with every field that is read, broken at every place in every way: each message, with its line and column, as
//! it was told before. `AQUIFER_WRITE_BROKEN=1` writes them anew.

use crate::support::{loaded, printed};
use serde_json::{Value, json};
use std::fmt::Write as _;

const WHOLE: &str = include_str!("whole.json");
const TOLD: &str = include_str!("broken.txt");

/// The values that are put in the place of others, by the names of the damages.
fn damages() -> Vec<(&'static str, Value)> {
    vec![
        ("null", Value::Null),
        ("empty", json!("")),
        ("text", json!("A b\u{e9}")),
        ("long", json!("x".repeat(5000))),
        ("number", json!(-1)),
        ("large", json!(99_999_999_999_u64)),
        ("fraction", json!(1.5)),
        ("truth", json!(true)),
        ("list", json!([])),
        ("many", json!(vec![json!({"name": "a"}); 600])),
        ("mapping", json!({"unheardOf": 1})),
    ]
}

/// The JSON pointers of everything below `value`.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                found.push(at.clone());
                places(member, &at, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                found.push(format!("{at}/{index}"));
                places(item, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// The document with something else at a place.
fn with(document: &Value, place: &str, value: Value) -> Value {
    let mut document = document.clone();
    *document.pointer_mut(place).unwrap() = value;
    document
}

/// The same with a field that nobody knows beside what stands there.
fn with_unknown(document: &Value, place: &str) -> Option<Value> {
    let mut document = document.clone();
    let members = document.pointer_mut(place)?.as_object_mut()?;
    members.insert("unheardOf".to_owned(), json!("x"));
    Some(document)
}

/// What is told of a document: its mistakes, or what its reader should know, but that a lonely document serves nothing.
fn told(document: &Value) -> Vec<String> {
    let mut lines: Vec<String> = match loaded(&serde_json::to_string_pretty(document).unwrap()) {
        Ok(config) => config.notices.iter().map(ToString::to_string).collect(),
        Err(mistakes) => printed(&mistakes),
    };
    lines.retain(|line| line != "no backend can be served: every request will be refused");
    lines
}

/// A number that stands for many lines, which anybody can compute again (FNV-1a).
fn digest(lines: &[String]) -> u64 {
    let bytes = lines.iter().flat_map(|line| line.bytes().chain([b'\n']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Everything that is told of the broken forms of one document: in full where a field is unknown, missing or holds text, as a
/// digest for the other damages, so that the file stays readable.
fn all_told(document: &Value) -> String {
    let name = document["metadata"]["name"].as_str().unwrap();
    let mut all = format!("## {} {name}\n", document["kind"].as_str().unwrap());
    for line in told(document) {
        writeln!(all, "whole: {line}").unwrap();
    }
    let mut found = vec![String::new()];
    places(document, "", &mut found);
    for place in &found {
        let mut rest = Vec::new();
        for (damage, value) in damages() {
            let lines = told(&with(document, place, value));
            if matches!(damage, "null" | "text") {
                lines.iter().for_each(|line| writeln!(all, "{place} {damage}: {line}").unwrap());
            } else {
                rest.extend(lines);
            }
        }
        if let Some(unknown) = with_unknown(document, place) {
            let lines = told(&unknown);
            lines.iter().for_each(|line| writeln!(all, "{place} unknown: {line}").unwrap());
        }
        writeln!(all, "{place} rest: {} lines, {:016x}", rest.len(), digest(&rest)).unwrap();
    }
    all
}

#[test]
fn every_message_stays_as_it_was() {
    let documents: Vec<Value> = serde_json::from_str(WHOLE).unwrap();
    let all: String = documents.iter().map(all_told).collect();
    if std::env::var_os("AQUIFER_WRITE_BROKEN").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config/broken.txt"), &all).unwrap();
    }
    for (told, before) in all.lines().zip(TOLD.lines()) {
        assert_eq!(told, before);
    }
    assert_eq!(all.lines().count(), TOLD.lines().count());
}

/// All of them together, as files have them.
#[test]
fn the_whole_resources_are_accepted() {
    let documents: Vec<Value> = serde_json::from_str(WHOLE).unwrap();
    let text: Vec<String> = documents.iter().map(|document| document.to_string()).collect();
    if let Err(mistakes) = loaded(&text.join("\n---\n")) {
        let mistakes = printed(&mistakes);
        panic!("{}", mistakes.join("\n"));
    }
}
