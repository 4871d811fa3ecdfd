//! One turn of a model that called tools, remembered with its reasoning until the client sends it back.

use super::alike::{self, Alike, Likeness};
use super::arguments;
use super::call_id;
use super::delta::{BlockIndex, Delta, Event, Seal};
use super::issuer::{Issuer, Mark};
use super::request::Block;
use super::text::Text;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use zeroize::Zeroize;

/// The most calls of one id in one turn that are told apart.
const MOST_ALIKE: usize = 16;
/// The most parts of one turn that are remembered.
const MOST_PARTS: usize = 4096;

/// A turn, in order. Texts are as they came, still escaped; they are wiped when it is dropped.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Turn {
    parts: Vec<Part>,
    /// The mark of the model and backend that made it.
    #[serde(default)]
    issuer: Mark,
}

/// One block of a turn.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    /// Readable reasoning.
    Thought { text: String, signature: Option<String> },
    /// Reasoning that only the provider can read.
    Sealed(String),
    /// Text.
    Said(String),
    /// A call.
    Called { id: String, name: String, input: String },
}

impl Turn {
    /// The same, made by this model behind this backend.
    #[must_use]
    pub fn issued(mut self, issuer: Mark) -> Self {
        self.issuer = issuer;
        self
    }

    /// The mark of the model and backend that made it.
    #[must_use]
    pub fn issuer(&self) -> Mark {
        self.issuer
    }

    /// The ids of its calls, in order.
    pub fn calls(&self) -> impl Iterator<Item = String> + '_ {
        self.parts.iter().filter_map(|part| match part {
            Part::Called { id, .. } => Some(Text::from_escaped(id).plain().into_owned()),
            Part::Thought { .. } | Part::Sealed(_) | Part::Said(_) => None,
        })
    }

    /// The fingerprint of the turn after this conversation, whatever the ids of its calls.
    #[must_use]
    pub fn likeness(&self, before: &Alike) -> Likeness {
        before.calling(self.parts.iter().filter_map(|part| match part {
            Part::Called { name, input, .. } => {
                // As it is read when it comes back.
                let said = Text::from_escaped(input);
                let (input, _) = arguments::read(said.plain());
                Some((name.as_str(), alike::meant(input.as_json())))
            }
            Part::Thought { .. } | Part::Sealed(_) | Part::Said(_) => None,
        }))
    }

    /// The size of its texts in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(Part::bytes).sum()
    }

    /// Whether the model reasoned in it.
    #[must_use]
    pub fn reasoned(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Thought { .. } | Part::Sealed(_)))
    }

    /// Whether any of its reasoning is sealed.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Thought { signature: Some(_), .. } | Part::Sealed(_)))
    }

    /// A whole answer as a turn.
    #[must_use]
    pub fn of(content: &[Block<'_>], name: &dyn Fn(&str) -> String) -> Self {
        let owned = |text: &Text<'_>| text.as_escaped().to_owned();
        let part = |block: &Block<'_>| match block {
            Block::Reasoning { text, signature, .. } => {
                Some(Part::Thought { text: owned(text), signature: signature.as_ref().map(owned) })
            }
            Block::Redacted { data, .. } => Some(Part::Sealed(owned(data))),
            Block::Text(text) | Block::Cited { text, .. } => Some(Part::Said(owned(text))),
            Block::ToolUse { id, name: sent, input } => Some(Part::Called {
                id: call_id::known(id).as_escaped().to_owned(),
                name: name(sent),
                input: Text::from_plain(input.as_json()).as_escaped().to_owned(),
            }),
            Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. }
            | Block::CachePoint(_) => None,
        };
        Self { parts: content.iter().filter_map(part).collect(), issuer: Mark::default() }
    }

    /// The same, when the client gave the calls ids of its own: they are told by their names and arguments, and keep its
    /// ids.
    #[must_use]
    pub fn put_back_renamed(&self, content: &mut Vec<Block<'_>>) -> bool {
        let mut theirs: BTreeMap<String, VecDeque<(String, String)>> = BTreeMap::new();
        for block in content.iter() {
            if let Block::ToolUse { id, name, input } = block {
                let calls = theirs.entry(name.clone().into_owned()).or_default();
                calls.push_back((id.as_escaped().to_owned(), input.as_json().to_owned()));
            }
        }
        let mut renamed = Self { parts: Vec::with_capacity(self.parts.len()), issuer: self.issuer };
        for part in &self.parts {
            renamed.parts.push(match part {
                Part::Thought { text, signature } => Part::Thought { text: text.clone(), signature: signature.clone() },
                Part::Sealed(data) => Part::Sealed(data.clone()),
                Part::Said(text) => Part::Said(text.clone()),
                Part::Called { name, input, .. } => {
                    let said = Text::from_escaped(input).plain().into_owned();
                    let alike = theirs.get_mut(name);
                    let found = alike.and_then(|calls| {
                        let at = calls.iter().take(MOST_ALIKE).position(|theirs| same_json(&said, &theirs.1))?;
                        calls.remove(at)
                    });
                    let Some((id, _)) = found else { return false };
                    Part::Called { id, name: name.clone(), input: input.clone() }
                }
            });
        }
        renamed.put_back(content)
    }

    /// Puts the reasoning back where it stood, when `content` is this turn: the same calls, the same arguments, the same
    /// text or none, whatever reasoning. `false`, and nothing changed, when it is not.
    #[must_use]
    pub fn put_back(&self, content: &mut Vec<Block<'_>>) -> bool {
        if !self.says_the_same(content) {
            return false;
        }
        let cache_point = content.iter().rev().find(|block| matches!(block, Block::CachePoint(_))).cloned();
        let mut calls: BTreeMap<String, VecDeque<Block<'_>>> = BTreeMap::new();
        for block in std::mem::take(content) {
            if let Block::ToolUse { id, .. } = &block {
                calls.entry(id.plain().into_owned()).or_default().push_back(block);
            }
        }
        for part in &self.parts {
            match part {
                Part::Thought { text, signature } => content.push(Block::Reasoning {
                    text: Text::from_escaped(text.clone()),
                    signature: signature.clone().map(Text::from_escaped),
                    issuer: Issuer::default(),
                }),
                Part::Sealed(data) => {
                    content.push(Block::Redacted { data: Text::from_escaped(data.clone()), issuer: Issuer::default() })
                }
                Part::Said(text) => content.push(Block::Text(Text::from_escaped(text.clone()))),
                Part::Called { id, .. } => {
                    let id = Text::from_escaped(id);
                    content.extend(calls.get_mut(id.plain().as_ref()).and_then(VecDeque::pop_front));
                }
            }
        }
        content.extend(cache_point);
        true
    }

    fn says_the_same(&self, content: &[Block<'_>]) -> bool {
        let (mut theirs, mut calls) = (String::new(), 0);
        let known = self.calls_by_id();
        for block in content {
            match block {
                Block::Text(text) | Block::Cited { text, .. } => theirs.push_str(&text.plain()),
                Block::ToolUse { id, name, input } => {
                    calls += 1;
                    let known = known.get(id.plain().as_ref()).map_or(&[][..], Vec::as_slice);
                    if !known.iter().any(|call| call.0 == name && same_json(&call.1.plain(), input.as_json())) {
                        return false;
                    }
                }
                Block::Reasoning { .. }
                | Block::Redacted { .. }
                | Block::ToolResult { .. }
                | Block::Image { .. }
                | Block::Document { .. }
                | Block::SearchResult { .. }
                | Block::Audio { .. }
                | Block::CachePoint(_) => {}
            }
        }
        let ours: String = self
            .parts
            .iter()
            .filter_map(|part| if let Part::Said(text) = part { Some(text) } else { None })
            .map(|text| Text::from_escaped(text).plain().into_owned())
            .collect();
        let said = without_thoughts(&theirs);
        let said = said.trim();
        // Some clients keep a turn's calls and drop the text beside them.
        calls == self.calls().count() && (ours == theirs || said.is_empty() || ours.trim() == said)
    }

    /// The names and arguments of the calls, by their ids.
    fn calls_by_id(&self) -> BTreeMap<String, Vec<(&str, Text<'_>)>> {
        let mut calls: BTreeMap<String, Vec<(&str, Text<'_>)>> = BTreeMap::new();
        for part in &self.parts {
            if let Part::Called { id, name, input } = part {
                let alike = calls.entry(Text::from_escaped(id).plain().into_owned()).or_default();
                if alike.len() < MOST_ALIKE {
                    alike.push((name, Text::from_escaped(input)));
                }
            }
        }
        calls
    }
}

impl Part {
    /// The size of its texts in bytes.
    fn bytes(&self) -> usize {
        match self {
            Self::Thought { text, signature } => text.len() + signature.as_ref().map_or(0, String::len),
            Self::Sealed(text) | Self::Said(text) => text.len(),
            Self::Called { input, .. } => input.len(),
        }
    }

    /// Reasoning of which nothing came yet.
    fn empty_thought() -> Self {
        Self::Thought { text: String::new(), signature: None }
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Thought { .. } => "Thought",
            Self::Sealed(_) => "Sealed",
            Self::Said(_) => "Said",
            Self::Called { .. } => "Called",
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        for part in &mut self.parts {
            match part {
                Part::Thought { text, signature } => {
                    text.zeroize();
                    signature.zeroize();
                }
                Part::Sealed(text) | Part::Said(text) => text.zeroize(),
                Part::Called { input, .. } => input.zeroize(),
            }
        }
    }
}

/// The client's text without blocks of thoughts between `<think>` or `<thinking>`, in which clients write thoughts for
/// which they know no field, or no signature.
fn without_thoughts(text: &str) -> String {
    let (mut said, mut rest) = (String::new(), text);
    while let Some((before, tag)) = rest.split_once("<think") {
        let (inside, end) = match (tag.strip_prefix('>'), tag.strip_prefix("ing>")) {
            (Some(inside), _) => (inside, "</think>"),
            (None, Some(inside)) => (inside, "</thinking>"),
            (None, None) => {
                said.push_str(before);
                said.push_str("<think");
                rest = tag;
                continue;
            }
        };
        let Some((_, after)) = inside.split_once(end) else { break };
        said.push_str(before);
        rest = after;
    }
    said + rest
}

/// Whether two JSON texts are equal as values: clients write them anew, with other spaces, escapes and orders of
/// members.
fn same_json(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text);
    // What was cut, or was no object, comes back as the object that is sent for it.
    let (one, _) = arguments::read(Cow::Borrowed(one));
    let one = one.as_json();
    one == other || matches!((read(one), read(other)), (Ok(one), Ok(other)) if same_value(&one, &other))
}

fn same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        // To some clients 1.0 and 1 are one number.
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_value(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let found =
                |(name, value): (&String, &Value)| other.get(name).is_some_and(|other| same_value(value, other));
            one.len() == other.len() && one.iter().all(found)
        }
        (one, other) => one == other,
    }
}

/// Gathers a turn while it is streamed.
#[derive(Debug)]
pub struct Recorder {
    turn: Turn,
    /// The block of each part.
    blocks: Vec<BlockIndex>,
    /// The part of each block.
    parts: BTreeMap<BlockIndex, usize>,
    /// The bytes that may still be gathered; `None` once it was too much.
    room: Option<usize>,
}

impl Recorder {
    /// Gathers at most `room` bytes; a longer turn is not remembered.
    #[must_use]
    pub fn new(room: usize) -> Self {
        Self { turn: Turn::default(), blocks: Vec::new(), parts: BTreeMap::new(), room: Some(room) }
    }

    /// Takes an event of the stream.
    pub fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Delta { index, delta } => self.delta(*index, delta),
            Event::BlockStop { index, seal: Some(Seal::Signature(sealed)), .. } => {
                if let Some(Part::Thought { signature, .. }) = self.part(*index, sealed, Part::empty_thought) {
                    *signature = Some(sealed.as_escaped().to_owned());
                }
            }
            Event::BlockStop { index, seal: Some(Seal::Redacted(data)), .. } => {
                self.part(*index, data, || Part::Sealed(data.as_escaped().to_owned()));
            }
            Event::Start | Event::BlockStop { .. } | Event::Stop(_) | Event::Metadata { .. } | Event::Unknown => {}
        }
    }

    /// The turn, if it called tools and was not too long.
    #[must_use]
    pub fn finish(mut self) -> Option<Turn> {
        self.room?;
        // A sealed block may end after blocks that began later.
        let mut parts: Vec<_> = self.blocks.into_iter().zip(self.turn.parts.drain(..)).collect();
        parts.sort_by_key(|(block, _)| *block);
        self.turn.parts.extend(parts.into_iter().map(|(_, part)| part));
        Some(self.turn).filter(|turn| turn.calls().next().is_some())
    }

    /// Takes an increment of a block.
    pub fn delta(&mut self, index: BlockIndex, delta: &Delta<'_>) {
        match delta {
            Delta::Text(piece) => {
                if let Some(Part::Said(text)) = self.part(index, piece, || Part::Said(String::new())) {
                    text.push_str(piece.as_escaped());
                }
            }
            Delta::Reasoning(piece) => {
                if let Some(Part::Thought { text, .. }) = self.part(index, piece, Part::empty_thought) {
                    text.push_str(piece.as_escaped());
                }
            }
            Delta::ToolUse { id, name } => {
                let (id, name) = (call_id::known(id).as_escaped().to_owned(), name.plain().into_owned());
                self.part(index, &Text::default(), || Part::Called { id, name, input: String::new() });
            }
            Delta::ToolInput(piece) => {
                if let Some(at) = self.place(index)
                    && self.has_room(piece)
                    && let Some(Part::Called { input, .. }) = self.turn.parts.get_mut(at)
                {
                    input.push_str(piece.as_escaped());
                }
            }
            Delta::SealPiece(_) | Delta::Citation(_) | Delta::Unknown => {}
        }
    }

    /// The place of a block's part. Nearly always it is the last one.
    fn place(&self, index: BlockIndex) -> Option<usize> {
        match self.blocks.last() {
            Some(last) if *last == index => Some(self.blocks.len() - 1),
            _ => self.parts.get(&index).copied(),
        }
    }

    fn has_room(&mut self, more: &Text<'_>) -> bool {
        self.room = self.room.and_then(|room| room.checked_sub(more.as_escaped().len()));
        self.room.is_some()
    }

    /// The part of a block, which `begin` makes when there is none; nothing when there is no room for `more`.
    fn part(&mut self, index: BlockIndex, more: &Text<'_>, begin: impl FnOnce() -> Part) -> Option<&mut Part> {
        if !self.has_room(more) {
            return None;
        }
        let at = match self.place(index) {
            Some(at) => at,
            None => {
                let at = self.turn.parts.len();
                self.room = self.room.filter(|_| at < MOST_PARTS);
                self.room?;
                self.blocks.push(index);
                self.parts.insert(index, at);
                self.turn.parts.push(begin());
                at
            }
        };
        self.turn.parts.get_mut(at)
    }
}

#[cfg(test)]
mod tests;
