//! The calls of tools that a turn of the model holds.

use crate::dialect::call_arguments::{input, wrapped};
use crate::dialect::json::Object;
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::call_id;
use crate::model::raw::Raw;
use crate::model::request::Block;
use std::borrow::Cow;

/// Reads `tool_calls`.
pub(super) fn read<'a>(message: &Object<'a, '_>, notes: &mut Notes) -> Result<Vec<Block<'a>>, Fault> {
    let Some(node) = message.get("tool_calls") else { return Ok(Vec::new()) };
    let list = node.list()?;
    let count = list.len();
    notes.blocks(count)?;
    let mut calls = Vec::with_capacity(count);
    for node in list.each() {
        let call = node.object()?;
        if let Some(kind) = call.get("type").filter(|kind| kind.raw() != "\"function\"") {
            kind.string()?;
            return Err(kind.unsupported("must be `function`: Bedrock has no other calls of the client's tools"));
        }
        notes.unknown(&call, &["id", "type", "function", "index", "cache_control", "provider_specific_fields"]);
        if let Some(point) = call.get("cache_control") {
            notes.ignored(&point, "Bedrock has no cache points on calls; set it on the message or its text");
        }
        let id = call.need("id")?;
        id.id(&notes.limits)?;
        let (name, input) = function(&call.need("function")?.object()?, notes)?;
        calls.push(Block::ToolUse { id: call_id::given(id.text()?), name, input });
    }
    Ok(calls)
}

/// The name and the arguments of one call.
pub(super) fn function<'a>(function: &Object<'a, '_>, notes: &mut Notes) -> Result<(Cow<'a, str>, Raw<'a>), Fault> {
    notes.unknown(function, &["name", "arguments"]);
    let name = function.need("name")?.id(&notes.limits)?;
    let input = match function.get("arguments") {
        Some(arguments) if notes.wrapped.contains(name.as_ref()) => wrapped(&arguments, notes)?,
        Some(arguments) => input(&arguments, notes)?,
        None => Raw::EMPTY,
    };
    Ok((name, input))
}
