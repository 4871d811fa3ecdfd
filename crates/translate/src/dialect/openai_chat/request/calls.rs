//! The calls of tools that a turn of the model holds.

use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::arguments::{self, Fate};
use crate::model::call_id;
use crate::model::raw::Raw;
use crate::model::request::Block;
use crate::model::wrapped::wrap;
use std::borrow::Cow;

/// The warning for arguments that are sent as text.
const KEPT: &str = "it holds no JSON object, which Bedrock wants; its text is sent as the one member of an object";

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

/// Arguments come as a string of JSON; the JSON goes on as the model wrote it. Some clients send the object itself.
fn input<'a>(arguments: &Node<'a, '_>, notes: &mut Notes) -> Result<Raw<'a>, Fault> {
    if arguments.is_object() {
        notes.changed(arguments, "it should be a string that holds the object; the object is sent");
        return arguments.raw_object();
    }
    if !arguments.is_string() {
        notes.changed(arguments, KEPT);
        return Ok(arguments::kept(arguments.raw()));
    }
    let (input, fate) = arguments::read(arguments.string()?);
    match fate {
        Fate::Same => {}
        Fate::Mended => notes.changed(arguments, "it is no JSON object as it stands; the one that is meant is sent"),
        Fate::Kept => notes.changed(arguments, KEPT),
    }
    Ok(input)
}

/// The arguments of a tool that has no object for them: whatever JSON they are goes into the object that is sent.
fn wrapped<'a>(arguments: &Node<'a, '_>, notes: &mut Notes) -> Result<Raw<'a>, Fault> {
    if !arguments.is_string() {
        notes.changed(arguments, "it should be a string that holds the arguments; they are sent");
        return Ok(wrap(arguments.raw()));
    }
    let said = arguments.string()?;
    if said.trim().is_empty() {
        return Ok(Raw::EMPTY);
    }
    if arguments::is_json(&said) {
        return Ok(wrap(&said));
    }
    notes.changed(arguments, "it holds no JSON; its text is sent as the one member of an object");
    Ok(arguments::kept(&said))
}
