//! A conversation in one number that stays the same when a client gives calls ids of its own, or drops what the model
//! said beside them.
//!
//! Counted is what people and tools said, what the model said in turns without calls, and the names and arguments of its
//! calls; not counted are ids, white space, reasoning, cache points, and the order of what was called or answered at once.

use super::arguments;
use super::request::{Block, MediaSource, Message, Role};
use serde_json::Value;
use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher as _};

/// What a conversation and the calls after it come to.
pub type Likeness = [u8; 16];

/// Takes in a conversation, one message after the other.
#[derive(Clone, Debug, Default)]
pub struct Alike {
    hasher: DefaultHasher,
    /// Calls or results since the last text, in no order.
    items: u64,
}

impl Alike {
    /// What leads a request.
    pub fn system(&mut self, blocks: &[Block<'_>]) {
        blocks.iter().for_each(|block| self.block(block));
    }

    /// The next message.
    pub fn message(&mut self, message: &Message<'_>) {
        self.end_items();
        self.hasher.write_u8(message.role as u8);
        let is_call = |block: &&Block<'_>| matches!(block, Block::ToolUse { .. });
        if message.role == Role::Assistant && message.content.iter().any(|block| is_call(&block)) {
            message.content.iter().filter(is_call).for_each(|block| self.block(block));
        } else {
            message.content.iter().for_each(|block| self.block(block));
        }
    }

    /// What the conversation comes to with these calls, their names and arguments, after it.
    pub fn calling<'c>(&self, calls: impl Iterator<Item = (&'c str, Cow<'c, str>)>) -> Likeness {
        let mut whole = self.clone();
        whole.end_items();
        whole.hasher.write_u8(0xfe);
        calls.for_each(|(name, input)| whole.items = whole.items.wrapping_add(call(name, input)));
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

    fn block(&mut self, block: &Block<'_>) {
        let item = match block {
            Block::Text(text) | Block::Cited { text, .. } => return text.hash_words(&mut self.hasher),
            Block::Reasoning { .. } | Block::Redacted { .. } | Block::CachePoint(_) => return,
            Block::ToolUse { name, input, .. } => call(name, Cow::Borrowed(input.as_json())),
            Block::ToolResult { content, .. } => {
                let mut result = Self::default();
                content.iter().for_each(|block| result.block(block));
                result.end_items();
                result.hasher.finish()
            }
            Block::Image { source, .. } | Block::Document { source, .. } | Block::Audio { source, .. } => {
                let (MediaSource::Base64(data) | MediaSource::S3 { uri: data, .. }) = source;
                let mut hasher = DefaultHasher::new();
                hasher.write(data.as_escaped().as_bytes());
                hasher.finish()
            }
        };
        self.items = self.items.wrapping_add(item);
    }
}

fn call(name: &str, input: Cow<'_, str>) -> u64 {
    let (input, _) = arguments::read(input);
    let mut hasher = DefaultHasher::new();
    hasher.write(name.as_bytes());
    hasher.write_u8(0xff);
    match serde_json::from_str::<Value>(input.as_json()) {
        Ok(value) => hasher.write_u64(meaning(&value)),
        Err(_) => hasher.write(input.as_json().as_bytes()),
    }
    hasher.finish()
}

/// A value whatever the order of its members and however its numbers are written.
pub(crate) fn meaning(value: &Value) -> u64 {
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
