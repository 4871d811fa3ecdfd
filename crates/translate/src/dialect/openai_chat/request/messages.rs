//! The conversation: every message of every role.

use super::answers::{self, Unnamed};
use super::calls;
use super::content::{self, Speaker};
use super::replay;
use crate::dialect::anthropic_words::cache_point;
use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::dialect::openai_chat::Conventions;
use crate::fault::Fault;
use crate::limits;
use crate::model::call_id;
use crate::model::request::{Block, Message, Role};
use crate::model::text::Text;
use std::borrow::Cow;

/// The system prompt of a conversation, and its turns.
#[derive(Default)]
pub(super) struct Conversation<'a> {
    pub(super) system: Vec<Block<'a>>,
    pub(super) turns: Vec<Message<'a>>,
    /// The conventions for reasoning in which turns of the model came back.
    pub(super) conventions: Conventions,
    legacy_call: Option<LegacyCall<'a>>,
    /// The results since the model's latest turn that do not say which call they answer.
    unnamed: Vec<Unnamed>,
}

/// The latest `function_call`; these have no ids, so one is made from the message's position.
struct LegacyCall<'a> {
    name: Cow<'a, str>,
    id: String,
}

/// Members of any message that say nothing about what to do.
const SILENT: [&str; 5] = ["role", "content", "cache_control", "prompt_cache_breakpoint", "name"];
/// Members of the model's messages, which clients send back as they got them.
const ANSWERED: [&str; 7] =
    ["tool_calls", "function_call", "refusal", "audio", "annotations", "provider_specific_fields", "id"];

/// Reads `messages`.
pub(super) fn read<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<Conversation<'a>, Fault> {
    let node = top.need("messages")?;
    let list = node.list()?;
    let count = list.len();
    if count == 0 {
        return Err(node.invalid("must hold at least one message"));
    }
    limits::at_most("messages", count, notes.limits.messages, "messages", "--max-messages")?;
    let mut conversation = Conversation::default();
    conversation.turns.reserve(count);
    for (position, node) in list.each().enumerate() {
        let message = node.object()?;
        conversation.take(&message, position, notes)?;
    }
    conversation.name_results(notes)?;
    Ok(conversation)
}

impl<'a> Conversation<'a> {
    fn take(&mut self, message: &Object<'a, '_>, position: usize, notes: &mut Notes) -> Result<(), Fault> {
        let node = message.need("role")?;
        let word = node.string()?;
        let (role, mut content) = match word.as_ref() {
            "system" | "developer" => (Role::System, said(message, Speaker::System, &[], notes)?),
            "user" => (Role::User, said(message, Speaker::User, &[], notes)?),
            "assistant" => {
                self.name_results(notes)?;
                (Role::Assistant, self.answered(message, position, notes)?)
            }
            "tool" => (Role::User, self.tool_result(message, notes)?),
            "function" => (Role::User, self.function_result(message, notes)?),
            _ => return Err(unknown_role(&node)),
        };
        if let Some(name) = message.get("name").filter(|_| word != "function" && !self.is_unnamed()) {
            notes.ignored(&name, "Bedrock's messages have no names");
        }
        let cache_point = cache_point(message, notes)?;
        if !matches!(content.last(), Some(Block::CachePoint(_))) {
            content.extend(cache_point.map(Block::CachePoint));
        }
        if role == Role::System && self.turns.is_empty() {
            self.system.append(&mut content);
        } else {
            self.turns.push(Message { role, content, position, unreasoned: false });
        }
        Ok(())
    }

    fn answered(
        &mut self,
        message: &Object<'a, '_>,
        position: usize,
        notes: &mut Notes,
    ) -> Result<Vec<Block<'a>>, Fault> {
        if let Some(audio) = message.get("audio") {
            return Err(audio.unsupported("refers to an answer in sound, which Bedrock does not keep"));
        }
        let mut content = match message.get("content") {
            Some(content) => content::read(&content, Speaker::Assistant, notes)?,
            None => Vec::new(),
        };
        if let Some(refusal) = message.get("refusal") {
            content.extend(content::filled(refusal.text()?));
        }
        let mut made = calls::read(message, notes)?;
        if let Some(call) = message.get("function_call") {
            let id = format!("function_call_{position}");
            let (name, input) = calls::function(&call.object()?, notes)?;
            self.legacy_call = Some(LegacyCall { name: name.clone(), id: id.clone() });
            made.push(Block::ToolUse { id: Text::from_plain(id), name, input });
        }
        notes.unknown_to(message, &[&SILENT, &ANSWERED, &replay::FIELDS]);
        self.conventions.details |= message.get("reasoning_details").is_some();
        self.conventions.thinking |= message.get("thinking_blocks").is_some();
        replay::restore(message, content, made, notes)
    }

    /// `{"role": "function", "name": ..., "content": ...}` answers the latest call of that name.
    fn function_result(&mut self, message: &Object<'a, '_>, notes: &mut Notes) -> Result<Vec<Block<'a>>, Fault> {
        let node = message.need("name")?;
        let name = node.string()?;
        let call = self.legacy_call.as_ref().filter(|call| call.name == name).map(|call| call.id.clone());
        let Some(call) = call else {
            let fault = node.invalid("must be the name of the `function_call` before this message");
            return self.unnamed_result(message, fault, notes);
        };
        let content = said(message, Speaker::Tool, &[], notes)?;
        Ok(result(Text::from_plain(call), content))
    }

    fn tool_result(&mut self, message: &Object<'a, '_>, notes: &mut Notes) -> Result<Vec<Block<'a>>, Fault> {
        let node = message.get("tool_call_id");
        let text = node.map(|id| id.text()).transpose()?;
        match text.filter(|id| !id.is_blank()) {
            Some(id) => Ok(result(call_id::given(id), said(message, Speaker::Tool, &["tool_call_id"], notes)?)),
            None => self.unnamed_result(message, message.missing("tool_call_id"), notes),
        }
    }

    fn unnamed_result(
        &mut self,
        message: &Object<'a, '_>,
        fault: Fault,
        notes: &mut Notes,
    ) -> Result<Vec<Block<'a>>, Fault> {
        let word = |name| message.get(name).and_then(|node| node.filled_string().ok()).map(Cow::into_owned);
        self.unnamed.push(Unnamed {
            turn: self.turns.len(),
            id: word("id").map(|id| call_id::given(Text::from_plain(id)).plain().into_owned()),
            name: word("name"),
            fault,
        });
        let content = said(message, Speaker::Tool, &["tool_call_id", "id"], notes)?;
        Ok(result(Text::default(), content))
    }

    /// Whether the message at hand is a tool result that does not say which call it answers.
    fn is_unnamed(&self) -> bool {
        self.unnamed.last().is_some_and(|unnamed| unnamed.turn == self.turns.len())
    }

    fn name_results(&mut self, notes: &mut Notes) -> Result<(), Fault> {
        answers::name(&mut self.turns, std::mem::take(&mut self.unnamed), notes)
    }
}

/// The content of a message that must have one.
fn said<'a>(
    message: &Object<'a, '_>,
    speaker: Speaker,
    own: &[&'static str],
    notes: &mut Notes,
) -> Result<Vec<Block<'a>>, Fault> {
    // A tool may well have nothing to say; whoever else says nothing has forgotten something.
    let node = if speaker == Speaker::Tool { message.get("content") } else { Some(message.need("content")?) };
    let content = node.map(|node| content::read(&node, speaker, notes)).transpose()?.unwrap_or_default();
    notes.unknown_to(message, &[&SILENT, own]);
    Ok(content)
}

/// A tool's answer. Bedrock has no cache points inside it, so one from there stands behind it.
fn result<'a>(id: Text<'a>, content: Vec<Block<'a>>) -> Vec<Block<'a>> {
    let (points, content): (Vec<_>, Vec<_>) =
        content.into_iter().partition(|block| matches!(block, Block::CachePoint(_)));
    let answer = Block::ToolResult { id, content, failed: false };
    std::iter::once(answer).chain(points.into_iter().next_back()).collect()
}

fn unknown_role(role: &Node<'_, '_>) -> Fault {
    role.invalid("must be `system`, `developer`, `user`, `assistant`, `tool` or `function`")
}
