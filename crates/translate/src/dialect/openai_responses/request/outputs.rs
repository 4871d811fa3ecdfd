//! The outputs of the client's tools.

use super::content::{self, Speaker};
use super::conversation::{Conversation, Item};
use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::call_id;
use crate::model::request::{Block, Role};
use crate::model::text::Text;
use std::fmt::Write as _;

/// Members of every item with an output.
const COMMON: [&str; 6] = ["type", "id", "call_id", "status", "name", "caller"];
/// Those of some of them.
const OWN: [&str; 5] = ["output", "namespace", "max_output_length", "execution", "tools"];

/// Reads an item with the output of a call.
pub(super) fn read<'a>(
    conversation: &mut Conversation<'a>,
    item: &Item<'_, 'a>,
    kind: &str,
    notes: &mut Notes,
) -> Result<(), Fault> {
    let output = item.object;
    if kind == "tool_search_output" && output.get("call_id").is_none() {
        notes.dropped_each(&item.node, "OpenAI made this search; all tools are offered from the beginning");
        return Ok(());
    }
    notes.unknown_to(output, &[&COMMON, &OWN]);
    notes.blocks(1)?;
    let id = answered(conversation, output, kind)?;
    let content = match kind {
        "tool_search_output" => vec![Block::Text(Text::from_plain(found(output)?))],
        "shell_call_output" => content::filled(Text::from_plain(written(output)?)).into_iter().collect(),
        "apply_patch_call_output" if output.get("output").is_none() => {
            vec![Block::Text(output.need("status")?.text()?)]
        }
        _ => content::read(&output.need("output")?, Speaker::Tool, notes)?,
    };
    let failed =
        kind == "apply_patch_call_output" && output.get("status").is_some_and(|node| node.raw() == "\"failed\"");
    // Bedrock has no cache points inside a result, so one from there stands behind it.
    let (points, content): (Vec<_>, Vec<_>) =
        content.into_iter().partition(|block| matches!(block, Block::CachePoint(_)));
    let turn = conversation.said(Role::User, item.position);
    turn.push(Block::ToolResult { id, content, failed });
    turn.extend(points.into_iter().next_back());
    Ok(())
}

/// The id of the call that is answered. The output of a local shell names its call by `id`.
fn answered<'a>(conversation: &Conversation<'a>, output: &Object<'a, '_>, kind: &str) -> Result<Text<'a>, Fault> {
    if let Some(id) = output.get("call_id") {
        id.filled_string()?;
        return Ok(call_id::given(id.text()?));
    }
    if kind != "local_shell_call_output" {
        return Err(output.missing("call_id"));
    }
    let id = output.need("id")?;
    let call = conversation.shell_calls.get(id.filled_string()?.as_ref());
    Ok(call_id::given(call.map_or(id.text()?, |call| Text::from_plain(call.clone()))))
}

/// The tools that a search found, in words: they are offered too.
fn found(output: &Object<'_, '_>) -> Result<String, Fault> {
    let mut said = String::new();
    if let Some(node) = output.get("tools") {
        for node in node.list()?.each() {
            list_tool(&node, None, &mut said)?;
        }
    }
    Ok(if said.is_empty() {
        "No tools were found.".to_owned()
    } else {
        format!("These tools can be called now:{said}")
    })
}

fn list_tool(node: &Node<'_, '_>, namespace: Option<&str>, said: &mut String) -> Result<(), Fault> {
    let tool = node.object()?;
    let Some(name) = tool.get("name") else { return Ok(()) };
    let name = name.string()?;
    if let Some(tools) = tool.get("tools") {
        for node in tools.list()?.each() {
            list_tool(&node, Some(&name), said)?;
        }
        return Ok(());
    }
    // Writing to a string cannot fail.
    let _ = match namespace {
        Some(namespace) => write!(said, "\n{namespace}__{name}"),
        None => write!(said, "\n{name}"),
    };
    Ok(())
}

/// What the commands of a shell wrote, and how they ended.
fn written(output: &Object<'_, '_>) -> Result<String, Fault> {
    let node = output.need("output")?;
    if node.is_string() {
        return Ok(node.string()?.into_owned());
    }
    let mut parts = Vec::new();
    for node in node.list()?.each() {
        let part = node.object()?;
        for name in ["stdout", "stderr", "text"] {
            if let Some(text) = part.get(name) {
                parts.push(text.string()?.into_owned());
            }
        }
        let Some(outcome) = part.get("outcome") else { continue };
        let outcome = outcome.object()?;
        parts.push(match outcome.get("exit_code") {
            Some(code) => format!("[exit code {}]", code.raw()),
            None => "[timeout]".to_owned(),
        });
    }
    parts.retain(|part| !part.is_empty());
    Ok(parts.join("\n"))
}
