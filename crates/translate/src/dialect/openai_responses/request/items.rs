//! The conversation: `instructions`, and every item of `input`.

use super::content::{self, Speaker};
use super::conversation::{Conversation, Item};
use super::flat_names::FlatNames;
use super::{calls, folded, outputs, thoughts};
use crate::dialect::anthropic_words::cache_point;
use crate::dialect::json::Object;
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::limits;
use crate::model::request::{Block, Message, Role};
use std::borrow::Cow;

/// Items of tools that OpenAI runs, and others that say nothing to a model: they are left out.
pub(super) const LEFT_OUT: [&str; 6] =
    ["compaction_trigger", "image_generation_call", "mcp_list_tools", "program", "program_output", "web_search_call"];

/// Items that are refused, and why.
pub(super) const REFUSED: [(&str, &str); 6] = [
    ("compaction", "sums the conversation up for OpenAI alone; send what it stands for"),
    ("computer_call", "is a call of a tool that Bedrock does not have"),
    ("computer_call_output", "is the output of a tool that Bedrock does not have"),
    ("context_compaction", "sums the conversation up for OpenAI alone; send what it stands for"),
    ("mcp_approval_request", "asks about a tool that OpenAI calls, and Bedrock does not"),
    ("mcp_approval_response", "answers about a tool that OpenAI calls, and Bedrock does not"),
];

/// Reads `instructions` and `input`.
pub(super) fn read<'a>(
    top: &Object<'a, '_>,
    names: &FlatNames<'a>,
    notes: &mut Notes,
) -> Result<Conversation<'a>, Fault> {
    let mut conversation = Conversation::default();
    conversation.wishes.take(top, notes)?;
    if let Some(node) = top.get("instructions") {
        if !node.is_string() {
            return Err(node.wrong("a string"));
        }
        conversation.system = content::read(&node, Speaker::System, notes)?;
    }
    let Some(node) = top.get("input") else {
        return if conversation.system.is_empty() { Err(top.missing("input")) } else { Ok(conversation) };
    };
    if node.is_string() {
        let content = content::read(&node, Speaker::User, notes)?;
        conversation.turns.push(Message { role: Role::User, content, position: 0, unreasoned: false });
        return Ok(conversation);
    }
    if !node.is_list() {
        return Err(node.wrong("a string or an array of items"));
    }
    let list = node.list()?;
    let count = list.len();
    limits::at_most("input", count, notes.limits.messages, "items", "--max-messages")?;
    conversation.turns.reserve(count);
    for (position, node) in list.each().enumerate() {
        let object = node.object()?;
        conversation.take(&Item { object: &object, node, position, names }, notes)?;
    }
    if conversation.turns.is_empty() && conversation.system.is_empty() {
        return Err(node.invalid("must hold at least one item that says something"));
    }
    Ok(conversation)
}

impl<'a> Conversation<'a> {
    fn take(&mut self, item: &Item<'_, 'a>, notes: &mut Notes) -> Result<(), Fault> {
        let object = item.object;
        let kind = match (object.get("type"), object.get("role")) {
            (Some(kind), _) => kind.string()?,
            (None, Some(_)) => Cow::Borrowed("message"),
            (None, None) => return Err(object.missing("type")),
        };
        match kind.as_ref() {
            "message" => self.message(item, notes),
            "reasoning" => thoughts::read(self, item, notes),
            "function_call" | "custom_tool_call" | "tool_search_call" | "apply_patch_call" | "shell_call"
            | "local_shell_call" => calls::read(self, item, &kind, notes),
            "function_call_output"
            | "custom_tool_call_output"
            | "tool_search_output"
            | "apply_patch_call_output"
            | "shell_call_output"
            | "local_shell_call_output" => outputs::read(self, item, &kind, notes),
            // Its tools were read with the others.
            "additional_tools" => Ok(()),
            "configuration_update" => {
                notes.unknown(object, &["type", "id", "reasoning", "text"]);
                self.wishes.take(object, notes)
            }
            "item_reference" => {
                notes.dropped_each(&item.node, "the item that it names is not remembered here any more; send it whole");
                Ok(())
            }
            word if folded::FOLDED.contains(&word) => {
                let told = folded::told(object, word, &item.node, notes)?;
                self.said(Role::Assistant, item.position).push(told);
                Ok(())
            }
            word => left_out(item, word, notes),
        }
    }

    fn message(&mut self, item: &Item<'_, 'a>, notes: &mut Notes) -> Result<(), Fault> {
        let message = item.object;
        notes.unknown(
            message,
            &["type", "id", "role", "content", "status", "phase", "cache_control", "prompt_cache_breakpoint"],
        );
        let node = message.need("role")?;
        let (role, speaker) = match node.string()?.as_ref() {
            "user" => (Role::User, Speaker::User),
            "assistant" => (Role::Assistant, Speaker::Assistant),
            "system" | "developer" => (Role::System, Speaker::System),
            _ => return Err(node.invalid("must be `user`, `assistant`, `system` or `developer`")),
        };
        let mut content = content::read(&message.need("content")?, speaker, notes)?;
        content.extend(cache_point(message, notes)?.map(Block::CachePoint));
        if role == Role::System && self.turns.is_empty() {
            self.system.append(&mut content);
        } else {
            self.said(role, item.position).append(&mut content);
        }
        Ok(())
    }
}

/// An item that is refused, or says nothing to a model; a type that nobody knows is left out too.
fn left_out(item: &Item<'_, '_>, word: &str, notes: &mut Notes) -> Result<(), Fault> {
    if let Some((_, why)) = REFUSED.iter().find(|refused| refused.0 == word) {
        return Err(item.node.unsupported(why));
    }
    let why = match LEFT_OUT.contains(&word) {
        true => "it says nothing to a model on Bedrock",
        false => "an item of a type that is not known here",
    };
    notes.dropped_each(&item.node, why);
    Ok(())
}
