//! The calls of tools that a turn of the model holds.

use super::fields::{Node, Object, is_too_deep};
use super::notes::Notes;
use crate::fault::Fault;
use crate::model::request::Block;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Reads `tool_calls`.
pub(super) fn read<'a>(message: &Object<'a, '_>, notes: &mut Notes) -> Result<Vec<Block<'a>>, Fault> {
    let Some(node) = message.get("tool_calls") else { return Ok(Vec::new()) };
    let list = node.list()?;
    let mut calls = Vec::with_capacity(list.len());
    for node in list.each() {
        let call = node.object()?;
        if let Some(kind) = call.get("type").filter(|kind| kind.raw.get() != "\"function\"") {
            kind.string()?;
            return Err(kind.unsupported("must be `function`: Bedrock has no other calls of the client's tools"));
        }
        notes.unknown(&call, &["id", "type", "function", "index", "cache_control", "provider_specific_fields"]);
        let id = call.need("id")?;
        id.filled_string()?;
        let (name, input) = function(&call.need("function")?.object()?, notes)?;
        calls.push(Block::ToolUse { id: id.text()?, name, input });
    }
    Ok(calls)
}

/// The name and the arguments of one call.
pub(super) fn function<'a>(
    function: &Object<'a, '_>,
    notes: &mut Notes,
) -> Result<(Cow<'a, str>, Cow<'a, RawValue>), Fault> {
    notes.unknown(function, &["name", "arguments"]);
    let name = function.need("name")?.filled_string()?;
    let input = match function.get("arguments") {
        Some(arguments) => input(&arguments)?,
        None => empty()?,
    };
    Ok((name, input))
}

/// Arguments come as a string of JSON; the JSON goes on as the model wrote it. An empty string is an empty object.
fn input<'a>(arguments: &Node<'a, '_>) -> Result<Cow<'a, RawValue>, Fault> {
    let json = arguments.string()?;
    if json.trim().is_empty() {
        return empty();
    }
    let wrong = || arguments.invalid("must be a string that holds a JSON object");
    if !json.trim_start().starts_with('{') || is_too_deep(&json) {
        return Err(wrong());
    }
    match json {
        Cow::Borrowed(json) => serde_json::from_str(json).map(Cow::Borrowed),
        Cow::Owned(json) => RawValue::from_string(json).map(Cow::Owned),
    }
    .map_err(|_| wrong())
}

fn empty<'a>() -> Result<Cow<'a, RawValue>, Fault> {
    serde_json::from_str("{}").map(Cow::Borrowed).map_err(|_| Fault::Ours("an empty object".to_owned()))
}
