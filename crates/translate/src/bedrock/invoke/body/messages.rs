//! `system` and `messages` of a client's body.

use super::Rewriting;
use super::blocks::{Fixed, is_known};
use super::points::{Part, Placed, place};
use crate::bedrock::invoke::content::Writer;
use crate::catalogue::takes_system_messages;
use crate::model::field_ref::FieldRef;
use crate::model::json::Json;
use crate::model::request::{Block, Message};
use crate::model::text::Text;
use crate::wire::json::{Kind, Value};

impl Rewriting<'_> {
    /// Writes `system`; blank text in it is left out.
    pub(super) fn system(&mut self, value: Value<'_, '_>, json: &mut Json) {
        let sent = match value.kind() {
            Kind::String => {
                let blank = value.escaped().is_none_or(|text| Text::from_escaped(text).is_blank());
                if blank { Fixed::Gone } else { Fixed::Same }
            }
            Kind::Null | Kind::Boolean | Kind::Number | Kind::List | Kind::Object => {
                self.points.begin(Part::System);
                self.list(value)
            }
        };
        if let Some(system) = sent.json(value) {
            json.name("system").verbatim(&system);
        }
    }

    /// Writes `messages`. A cache point at the top of the body belongs to the last block.
    pub(super) fn messages(&mut self, value: Value<'_, '_>, top: Value<'_, '_>, json: &mut Json) {
        self.points.begin(Part::Messages);
        let mut fixed: Vec<Fixed> = Vec::new();
        for (position, message) in value.items().enumerate() {
            fixed.push(self.message(position, message));
        }
        let point = top.member("cache_control").filter(|point| point.kind() == Kind::Object);
        if let Some(point) = point
            && let Some(point) = self.cache_control(point).json(point)
        {
            with_point(value, &mut fixed, &point);
        }
        json.name("messages").list(|json| {
            for (message, fixed) in value.items().zip(fixed) {
                fixed.json(message).into_iter().for_each(|message| json.verbatim(&message));
            }
        });
    }

    fn message(&mut self, position: usize, message: Value<'_, '_>) -> Fixed {
        let messages = &self.request.messages;
        let read = messages.binary_search_by_key(&position, |message| message.position).ok();
        let read = read.and_then(|at| messages.get(at));
        let content = message.member("content");
        let strange = content.is_some_and(|content| !content.items().all(is_known));
        if let Some(read) = read
            && (strange || self.changed.contains(&position) || self.is_sealed_elsewhere(read))
        {
            return self.anew(read, message);
        }
        let folded = is_systems(message) && !takes_system_messages(self.terms.entry);
        let mut emptied = false;
        let fixed = Fixed::object(message, |name, value| match name {
            "role" if folded => Fixed::Anew(r#""user""#.to_owned()),
            "role" => Fixed::Same,
            "content" if value.kind() == Kind::List => {
                let content = self.list(value);
                emptied |= content == Fixed::Gone;
                content
            }
            "content" => Fixed::Same,
            _ => Fixed::Gone,
        });
        if emptied { Fixed::Gone } else { fixed }
    }

    /// Whether a message holds reasoning that this gateway marked, or that another model made.
    fn is_sealed_elsewhere(&self, read: &Message<'_>) -> bool {
        read.content.iter().any(|block| match block {
            Block::Reasoning { issuer, .. } | Block::Redacted { issuer, .. } => {
                issuer.mark.is_some() || !self.is_own(block)
            }
            Block::Text(_)
            | Block::ToolUse { .. }
            | Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. }
            | Block::Cited { .. }
            | Block::CachePoint(_) => false,
        })
    }

    /// Whether this model can have made a block, as far as it is reasoning.
    fn is_own(&self, block: &Block<'_>) -> bool {
        let (Block::Reasoning { issuer, .. } | Block::Redacted { issuer, .. }) = block else { return true };
        let entry = self.terms.entry;
        !self.terms.adjustment.without_reasoning && issuer.can_be(self.terms.mark, &entry.vendor, entry.bound)
    }

    /// A message as it was read, and as it was changed since.
    fn anew(&mut self, read: &Message<'_>, message: Value<'_, '_>) -> Fixed {
        let mut blocks: Vec<&Block<'_>> = read.content.iter().filter(|block| self.is_own(block)).collect();
        if blocks.len() < read.content.len() && !self.terms.adjustment.without_reasoning {
            self.notes.foreign_reasoning(read.position, self.terms.entry);
        }
        blocks.retain(|block| !matches!(block, Block::CachePoint(_)) || self.is_point_sent());
        if blocks.iter().all(|block| matches!(block, Block::Text(text) if text.is_blank())) {
            return Fixed::Gone;
        }
        let role = if is_assistants(message) { "assistant" } else { "user" };
        let mut writer = Writer { entry: self.terms.entry, names: &mut self.names };
        let mut json = Json::with_capacity(message.raw().len() + 256);
        json.object(|json| {
            json.name("role").word(role);
            json.name("content").list(|json| writer.blocks(&blocks, json));
        });
        let Ok(json) = String::from_utf8(json.into_bytes()) else {
            self.notes.dropped(FieldRef::Content(read.position), "it cannot be written");
            return Fixed::Gone;
        };
        Fixed::Anew(json)
    }
}

fn role<'a>(message: Value<'a, '_>) -> &'a str {
    message.member("role").and_then(Value::escaped).unwrap_or_default()
}

fn is_systems(message: Value<'_, '_>) -> bool {
    role(message) == "system"
}

fn is_assistants(message: Value<'_, '_>) -> bool {
    role(message) == "assistant"
}

/// Puts a cache point on the last block of these messages that can have one.
fn with_point(messages: Value<'_, '_>, fixed: &mut [Fixed], point: &str) {
    let messages: Vec<Value<'_, '_>> = messages.items().collect();
    for (message, fixed) in messages.into_iter().zip(fixed).rev() {
        let sent = match &*fixed {
            Fixed::Same => message.raw(),
            Fixed::Anew(json) => json,
            Fixed::Gone => continue,
        };
        match place(sent, point) {
            Placed::Here(json) => *fixed = Fixed::Anew(json),
            Placed::There => {}
            Placed::Nowhere => continue,
        }
        return;
    }
}
