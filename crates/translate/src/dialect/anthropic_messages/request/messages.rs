//! The conversation: what leads it, and every message.

use super::content::{self, Read, Speaker};
use crate::dialect::anthropic_words::cache_point;
use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::dialect::reasoning_claim::effort;
use crate::fault::Fault;
use crate::limits;
use crate::model::field_ref::FieldRef;
use crate::model::reasoning::Effort;
use crate::model::request::{Block, Message, Role};
use crate::model::text::Text;
use std::collections::BTreeSet;

/// The system prompt, the turns, and what messages of the system control.
#[derive(Default)]
pub(super) struct Conversation<'a> {
    pub(super) system: Vec<Block<'a>>,
    pub(super) turns: Vec<Message<'a>>,
    /// The effort that the latest message of the system asks for, and its field.
    pub(super) effort: Option<(Effort, FieldRef)>,
    /// The tools that messages of the system have taken away.
    pub(super) removed_tools: BTreeSet<String>,
}

/// Reads `system` and `messages`.
pub(super) fn read<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<Conversation<'a>, Fault> {
    let mut conversation = Conversation::default();
    if let Some(node) = top.get("system") {
        conversation.system = blocks(&node, notes)?;
    }
    let node = top.need("messages")?;
    let list = node.list()?;
    let count = list.len();
    if count == 0 {
        return Err(node.invalid("must hold at least one message"));
    }
    limits::at_most("messages", count, notes.limits.messages, "messages", "--max-messages")?;
    conversation.turns.reserve(count);
    for (position, node) in list.each().enumerate() {
        conversation.take(&node.object()?, position, notes)?;
    }
    Ok(conversation)
}

/// Puts the cache point of the whole request where it counts: behind its last block that can have one.
pub(super) fn top_cache_point(
    top: &Object<'_, '_>,
    conversation: &mut Conversation<'_>,
    notes: &mut Notes,
) -> Result<(), Fault> {
    let Some(ttl) = cache_point(top, notes)? else { return Ok(()) };
    let message = conversation.turns.iter_mut().rev().find(|message| {
        let last = message.content.last();
        last.is_some_and(|block| !block.is_reasoning() && !matches!(block, Block::CachePoint(_)))
    });
    message.map_or(&mut conversation.system, |message| &mut message.content).push(Block::CachePoint(ttl));
    Ok(())
}

/// The text that leads a conversation.
fn blocks<'a>(node: &Node<'a, '_>, notes: &mut Notes) -> Result<Vec<Block<'a>>, Fault> {
    let mut blocks = Vec::new();
    content::read(node, Speaker::System, notes, &mut |read| {
        if let Read::Block(block) = read {
            blocks.push(block);
        }
    })?;
    Ok(blocks)
}

impl<'a> Conversation<'a> {
    fn take(&mut self, message: &Object<'a, '_>, position: usize, notes: &mut Notes) -> Result<(), Fault> {
        let node = message.need("role")?;
        let (role, speaker) = match node.string()?.as_ref() {
            "user" => (Role::User, Speaker::User),
            "assistant" => (Role::Assistant, Speaker::Assistant),
            "system" => (Role::System, Speaker::System),
            _ => return Err(node.invalid("must be 'user', 'assistant' or 'system'")),
        };
        if role == Role::System {
            notes.unknown(message, &["role", "content", "output_config", "clear_at"]);
            self.control(message, notes)?;
        } else {
            notes.unknown(message, &["role", "content"]);
        }
        let (mut content, mut summary) = (Vec::new(), None);
        content::read(&message.need("content")?, speaker, notes, &mut |read| match read {
            Read::Block(block) => content.push(block),
            Read::Nothing => {}
            Read::Compaction(text) => {
                content.clear();
                summary = Some(text);
            }
            Read::Tool { name, offered: true } => drop(self.removed_tools.remove(&name)),
            Read::Tool { name, offered: false } => drop(self.removed_tools.insert(name)),
        })?;
        if let Some(summary) = summary {
            self.begin_with(summary, position.saturating_sub(1));
        }
        self.turns.push(Message { role, content, position, unreasoned: false });
        Ok(())
    }

    /// The controls of a message of the system: an effort, and when the message ends.
    fn control(&mut self, message: &Object<'_, '_>, notes: &mut Notes) -> Result<(), Fault> {
        if let Some(node) = message.get("clear_at") {
            notes.dropped(&node, "on Bedrock a message of the system stays");
        }
        let Some(node) = message.get("output_config") else { return Ok(()) };
        let config = node.object()?;
        notes.unknown(&config, &["effort"]);
        let Some(node) = config.get("effort") else { return Ok(()) };
        let said = effort(&node, "output_config.effort", notes)?.and_then(|said| said.effort);
        self.effort = said.map(|effort| (effort, FieldRef::own(node.at.to_string()))).or_else(|| self.effort.take());
        Ok(())
    }

    /// Begins the conversation anew with what sums it up.
    fn begin_with(&mut self, summary: Text<'a>, position: usize) {
        self.turns.clear();
        // The message that holds the summary follows it.
        let content = vec![Block::Text(summary)];
        self.turns.push(Message { role: Role::User, content, position, unreasoned: false });
    }
}
