//! A conversation in one number: what is remembered of a turn goes back into the conversation that it answered, and into
//! no other.
//!
//! Counted is what people, tools and the model said: roles, texts, calls, results and media. Clients write a conversation
//! anew with each request, so what says the same counts the same: white space, escapes, the order of members and of
//! parallel calls, cache points, how a text is cut into parts and messages, and reasoning in whatever form do not matter.

use super::tags::{angled, without_thoughts};
use crate::model::alike::meant;
use crate::model::request::{Block, Message, Request, Role};
use crate::model::text::Text;
use std::hash::{DefaultHasher, Hasher as _};

/// A conversation, or the beginning of one.
pub type Before = [u8; 16];

/// Takes in messages one after the other. All that one side says before the other one answers is one part.
#[derive(Clone, Default)]
pub(super) struct Conversation {
    hasher: DefaultHasher,
    speaker: Option<Role>,
    /// Calls, results and media of the part, in no order.
    items: Vec<u64>,
    /// The digest of the conversation before the model's turn at hand.
    before_turn: Before,
}

impl Conversation {
    /// Begins with the system prompt of a request.
    pub(super) fn of(request: &Request<'_>) -> Self {
        let mut conversation = Self::default();
        request.system.iter().for_each(|block| conversation.block(Role::System, block));
        conversation
    }

    /// The next message, with what the arguments of its calls mean.
    pub(super) fn message(&mut self, message: &Message<'_>, meanings: &[u64]) {
        let mut meanings = meanings.iter();
        for block in &message.content {
            if let Block::ToolUse { id, name, .. } = block {
                self.speaks(message.role);
                self.items.extend(meanings.next().map(|meaning| call(id, name, *meaning)));
            } else {
                self.block(message.role, block);
            }
        }
    }

    /// The digest of the conversation before the model's next turn, or before the one that has begun.
    pub(super) fn before_turn(&self) -> Before {
        if self.speaker == Some(Role::Assistant) { self.before_turn } else { self.digest() }
    }

    fn digest(&self) -> Before {
        let mut ended = self.clone();
        ended.end_part();
        let mut digest = Before::default();
        let (first, second) = digest.split_at_mut(8);
        first.copy_from_slice(&ended.hasher.finish().to_be_bytes());
        // The hasher's state is longer than one of its results.
        ended.hasher.write_u8(1);
        second.copy_from_slice(&ended.hasher.finish().to_be_bytes());
        digest
    }

    fn end_part(&mut self) {
        self.items.sort_unstable();
        // No text holds this byte.
        self.hasher.write_u8(0xff);
        self.hasher.write_usize(self.items.len());
        self.items.drain(..).for_each(|item| self.hasher.write_u64(item));
    }

    fn speaks(&mut self, role: Role) {
        if self.speaker == Some(role) {
            return;
        }
        if role == Role::Assistant {
            self.before_turn = self.digest();
        }
        self.end_part();
        self.speaker = Some(role);
        self.hasher.write_u8(role as u8);
    }

    fn block(&mut self, role: Role, block: &Block<'_>) {
        match block {
            Block::Text(text) | Block::Cited { text, .. } => self.text(role, text),
            Block::Reasoning { .. } | Block::Redacted { .. } | Block::CachePoint(_) => {}
            Block::ToolUse { .. }
            | Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. } => {
                self.speaks(role);
                self.items.push(item(block));
            }
        }
    }

    fn text(&mut self, role: Role, text: &Text<'_>) {
        if text.is_blank() {
            return;
        }
        let thoughts = role == Role::Assistant && text.as_escaped().contains("think");
        let said = if thoughts { without_thoughts(&angled(text.as_escaped())) } else { None };
        match said.map(Text::from_escaped) {
            Some(said) if said.is_blank() => {}
            Some(said) => {
                self.speaks(role);
                said.hash_words(&mut self.hasher);
            }
            None => {
                self.speaks(role);
                text.hash_words(&mut self.hasher);
            }
        }
    }
}

fn call(id: &Text<'_>, name: &str, meaning: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u8(1);
    hasher.write(id.plain().as_bytes());
    hasher.write_u8(0xff);
    hasher.write(name.as_bytes());
    hasher.write_u64(meaning);
    hasher.finish()
}

/// A call, a result or a medium.
fn item(block: &Block<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    match block {
        Block::ToolUse { id, name, input } => return call(id, name, meant(input.as_json())),
        Block::ToolResult { id, content, .. } => {
            hasher.write_u8(2);
            hasher.write(id.plain().as_bytes());
            hasher.write_u8(0xff);
            for block in content {
                match block {
                    Block::Text(text) | Block::Cited { text, .. } => text.hash_words(&mut hasher),
                    Block::CachePoint(_) => {}
                    other @ (Block::Reasoning { .. }
                    | Block::Redacted { .. }
                    | Block::ToolUse { .. }
                    | Block::ToolResult { .. }
                    | Block::Image { .. }
                    | Block::Document { .. }
                    | Block::SearchResult { .. }
                    | Block::Audio { .. }) => hasher.write_u64(item(other)),
                }
            }
        }
        Block::Image { source, .. } | Block::Document { source, .. } | Block::Audio { source, .. } => {
            hasher.write_u8(3);
            source.pieces().for_each(|piece| hasher.write(piece.as_bytes()));
        }
        Block::SearchResult { source, content, .. } => {
            hasher.write_u8(4);
            source.hash_words(&mut hasher);
            content.iter().for_each(|part| part.hash_words(&mut hasher));
        }
        Block::Text(_)
        | Block::Cited { .. }
        | Block::Reasoning { .. }
        | Block::Redacted { .. }
        | Block::CachePoint(_) => {}
    }
    hasher.finish()
}

#[cfg(test)]
mod tests;
