//! A conversation in one number that stays the same when a client gives calls ids of its own, or drops what the model
//! said beside them.
//!
//! Counted is what people and tools said, what the model said in turns without calls, and the names and arguments of its
//! calls; not counted are ids, white space, reasoning, cache points, and the order of what was called or answered at once.

use super::request::{Block, Message, Role};
use serde_json::Value;
use std::hash::{DefaultHasher, Hasher as _};

/// A fingerprint of a conversation and of the tool calls after it.
pub type Likeness = [u8; 16];

/// Takes in a conversation, one message after the other.
#[derive(Clone, Debug, Default)]
pub struct Alike {
    hasher: DefaultHasher,
    /// Calls or results since the last text, in no order.
    items: u64,
}

impl Alike {
    /// Takes in the system prompt.
    pub fn system(&mut self, blocks: &[Block<'_>]) {
        blocks.iter().for_each(|block| self.block(block));
    }

    /// The next message, with what the arguments of its calls mean ([`meanings`]).
    pub(crate) fn message(&mut self, message: &Message<'_>, meanings: &[u64]) {
        self.end_items();
        self.hasher.write_u8(message.role as u8);
        if message.role == Role::Assistant && !meanings.is_empty() {
            calls(message, meanings).for_each(|(name, meaning)| self.item(call(name, meaning)));
        } else {
            message.content.iter().for_each(|block| self.block(block));
        }
    }

    /// The fingerprint of the conversation with these calls after it, each by its name and the hash of its arguments.
    pub(crate) fn calling<'c>(&self, calls: impl Iterator<Item = (&'c str, u64)>) -> Likeness {
        let mut whole = self.clone();
        whole.end_items();
        whole.hasher.write_u8(0xfe);
        calls.for_each(|(name, meaning)| whole.item(call(name, meaning)));
        whole.end_items();
        let mut likeness = Likeness::default();
        let (first, second) = likeness.split_at_mut(8);
        first.copy_from_slice(&whole.hasher.finish().to_be_bytes());
        // The hasher's state is longer than one of its results.
        whole.hasher.write_u8(1);
        second.copy_from_slice(&whole.hasher.finish().to_be_bytes());
        likeness
    }

    fn end_items(&mut self) {
        self.hasher.write_u64(std::mem::take(&mut self.items));
    }

    fn item(&mut self, item: u64) {
        self.items = self.items.wrapping_add(item);
    }

    fn block(&mut self, block: &Block<'_>) {
        let item = match block {
            Block::Text(text) | Block::Cited { text, .. } => return text.hash_words(&mut self.hasher),
            Block::Reasoning { .. } | Block::Redacted { .. } | Block::CachePoint(_) => return,
            Block::ToolUse { name, input, .. } => call(name, meant(input.as_json())),
            Block::ToolResult { content, .. } => {
                let mut result = Self::default();
                content.iter().for_each(|block| result.block(block));
                result.end_items();
                result.hasher.finish()
            }
            Block::Image { source, .. } | Block::Document { source, .. } | Block::Audio { source, .. } => {
                let mut hasher = DefaultHasher::new();
                source.pieces().for_each(|piece| hasher.write(piece.as_bytes()));
                hasher.finish()
            }
            Block::SearchResult { source, content, .. } => {
                let mut hasher = DefaultHasher::new();
                source.hash_words(&mut hasher);
                content.iter().for_each(|part| part.hash_words(&mut hasher));
                hasher.finish()
            }
        };
        self.item(item);
    }
}

/// The hashes of the arguments of a message's calls, in their order.
pub(crate) fn meanings(message: &Message<'_>) -> Vec<u64> {
    message.content.iter().filter_map(Block::tool_call).map(|call| meant(call.input.as_json())).collect()
}

/// The names of a message's calls, each with what its arguments mean.
pub(crate) fn calls<'m>(message: &'m Message<'_>, meanings: &'m [u64]) -> impl Iterator<Item = (&'m str, u64)> {
    let names = message.content.iter().filter_map(Block::tool_call).map(|call| call.name);
    names.zip(meanings.iter().copied())
}

fn call(name: &str, meaning: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(name.as_bytes());
    hasher.write_u8(0xff);
    hasher.write_u64(meaning);
    hasher.finish()
}

/// Arguments of a call that are longer are not compared as JSON.
const LONGEST_ARGUMENTS: usize = 64 << 10;

/// The hash of arguments as JSON, whatever the order of members and white space.
pub(crate) fn meant(json: &str) -> u64 {
    let value = if json.len() > LONGEST_ARGUMENTS { None } else { serde_json::from_str::<Value>(json).ok() };
    match value {
        Some(value) => meaning(&value),
        None => {
            let mut hasher = DefaultHasher::new();
            json.split_ascii_whitespace().for_each(|part| hasher.write(part.as_bytes()));
            hasher.finish()
        }
    }
}

/// A value whatever the order of its members and however its numbers are written.
fn meaning(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    match value {
        Value::Null => hasher.write_u8(0),
        Value::Bool(truth) => hasher.write_u8(1 + u8::from(*truth)),
        Value::Number(number) => {
            hasher.write_u8(3);
            hasher.write_u64(number.as_f64().unwrap_or_default().to_bits());
        }
        Value::String(text) => {
            hasher.write_u8(4);
            hasher.write(text.as_bytes());
        }
        Value::Array(items) => {
            hasher.write_u8(5);
            items.iter().for_each(|item| hasher.write_u64(meaning(item)));
        }
        Value::Object(members) => {
            hasher.write_u8(6);
            let member = |(name, value): (&String, &Value)| {
                let mut hasher = DefaultHasher::new();
                hasher.write(name.as_bytes());
                hasher.write_u8(0xff);
                hasher.write_u64(meaning(value));
                hasher.finish()
            };
            let mut members: Vec<u64> = members.iter().map(member).collect();
            members.sort_unstable();
            members.into_iter().for_each(|member| hasher.write_u64(member));
        }
    }
    hasher.finish()
}
