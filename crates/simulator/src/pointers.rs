//! `additionalModelResponseFieldPaths`: parts of the model's own answer, for those families that have them.

use crate::families::{Family, Rule};
use crate::script::{Block, Script};
use serde_json::{Map, Value, json};

/// What the request points at; nothing when nothing is there.
pub(crate) fn found(family: &Family, body: &Value, script: &Script, streamed: bool) -> Option<Value> {
    let answer = family.has(Rule::CountsThinking).then(|| own_answer(script, streamed))?;
    let paths = body["additionalModelResponseFieldPaths"].as_array()?;
    let mut fields = Map::new();
    for path in paths.iter().filter_map(Value::as_str) {
        if let Some(value) = answer.pointer(path) {
            put(&mut fields, path, value.clone());
        }
    }
    (!fields.is_empty()).then_some(Value::Object(fields))
}

/// Claude's own answer, as far as anything here points into it: the whole one, or the last event of a stream.
fn own_answer(script: &Script, streamed: bool) -> Value {
    let usage = json!({ "output_tokens_details": { "thinking_tokens": thinking_tokens(script) } });
    match streamed {
        true => json!({ "delta": { "stop_sequence": script.stop_sequence }, "usage": usage }),
        false => json!({ "stop_sequence": script.stop_sequence, "usage": usage }),
    }
}

/// How many tokens of an answer were thought.
pub(crate) fn thinking_tokens(script: &Script) -> usize {
    let letters: usize = script.blocks.iter().filter(|block| block.is_thought()).map(Block::letters).sum();
    letters.div_ceil(4)
}

/// Puts a value where its path says, with the nesting of the path.
fn put(fields: &mut Map<String, Value>, path: &str, value: Value) {
    let unescaped = |step: &str| step.replace("~1", "/").replace("~0", "~");
    match path.trim_start_matches('/').split_once('/') {
        None => {
            fields.insert(unescaped(path.trim_start_matches('/')), value);
        }
        Some((first, rest)) => {
            let inner = fields.entry(unescaped(first)).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}
