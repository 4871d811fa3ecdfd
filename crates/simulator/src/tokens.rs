//! How many tokens a request and an answer have: four letters are one, and a file has a number of its own.

use crate::script::{Block, Script};
use crate::talk;
use serde_json::Value;

/// What every request has around its text.
const FRAME: usize = 8;
/// What Claude is told about the use of tools, once.
const TOOLS: usize = 346;
/// An image or a file, whatever its size.
const FILE: usize = 1500;

/// The tokens of a request, in the words of Converse; its settings have none.
pub(crate) fn of(body: &Value) -> usize {
    let tools = if talk::tools(body).is_empty() { 0 } else { TOOLS };
    let config = &body["toolConfig"]["tools"];
    FRAME + tools + ["messages", "system"].iter().map(|name| inside(&body[*name])).sum::<usize>() + inside(config)
}

/// The tokens of any part of a request.
pub(crate) fn inside(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len().div_ceil(4),
        Value::Array(items) => items.iter().map(inside).sum(),
        Value::Object(members) if members.contains_key("bytes") => FILE,
        Value::Object(members) => members.values().map(inside).sum(),
        _ => 1,
    }
}

/// The tokens of an answer.
pub(crate) fn said(script: &Script) -> usize {
    script.blocks.iter().map(Block::letters).sum::<usize>() / 4 + 1
}
