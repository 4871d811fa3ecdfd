//! Calls of tools that a model writes into its text or its reasoning, in tokens of its own: read out of it, however the
//! text is cut.
//!
//! Text is held from the first of a model's tokens on until the call that it begins is whole. A call counts when its tool
//! was offered and its arguments are an object; anything else stays the text that it was, and a warning says so.
//!
//! ```text
//!              opening token                    closing token, or the block ends
//!   outside ------------------> inside (held) ----------------------------------> read
//!      ^                           |                                               |
//!      |   more than 1 MiB is held |   calls; a channel; or text that is no call   |
//!      +---------------------------+-----------------------------------------------+
//! ```

mod words;

use crate::model::field_ref::FieldRef;
use crate::model::issuer::Issuer;
use crate::model::offer::Offer;
use crate::model::raw::Raw;
use crate::model::request::Block;
use crate::model::text::Text;
use crate::warning::Warning;
use std::borrow::Cow;
pub use words::cleaned;
use words::{Found, Section};

/// The most that is held of one answer, in bytes; what is longer is no call.
const LONGEST: usize = 1 << 20;

/// The warning about a call that could not be read.
pub(super) fn unread() -> Warning {
    let why = "the model wrote what looks like a call into its text, and it is none of the tools' or cannot be read";
    Warning::ignored(FieldRef::AnsweredCalls, why)
}

/// The kind of block in which a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    Answer,
    Thought,
}

/// A stretch of the model's text, sorted, plain.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Said(Voice, String),
    /// A call, with the client's name for the tool, and its arguments as JSON.
    Called {
        name: String,
        arguments: String,
    },
}

/// The reader of one answer.
#[derive(Debug)]
pub(super) struct Spoken {
    offer: Offer,
    /// The kind of block at hand, and the kind that its text counts as: a model's channel may make text of the one kind
    /// the other.
    from: Voice,
    voice: Voice,
    held: String,
    /// A call or a head began; so much of what is held was looked at for its end.
    inside: Option<usize>,
    /// A call was the last that was heard: white space behind it says nothing.
    behind_call: bool,
    unread: bool,
}

impl Spoken {
    pub(super) fn new(offer: Offer) -> Self {
        Self {
            offer,
            from: Voice::Answer,
            voice: Voice::Answer,
            held: String::new(),
            inside: None,
            behind_call: false,
            unread: false,
        }
    }

    /// Whether something looked like a call and could not be read.
    pub(super) fn is_unread(&self) -> bool {
        self.unread
    }

    /// Takes the next piece of text and gives what is certain.
    pub(super) fn take(&mut self, from: Voice, piece: &str) -> Vec<Heard> {
        // A call never spans two kinds of blocks: what is held of the other kind ends here.
        let mut heard = if from == self.from { Vec::new() } else { self.end() };
        if from != self.from {
            (self.from, self.voice) = (from, from);
        }
        self.held.push_str(piece);
        while self.step(&mut heard) {}
        heard
    }

    /// The text ends here: what is held is what it is.
    pub(super) fn end(&mut self) -> Vec<Heard> {
        let mut heard = Vec::new();
        if self.inside.take().is_some() {
            let held = std::mem::take(&mut self.held);
            self.section(&held, &mut heard);
        }
        self.say(self.held.len(), &mut heard);
        self.voice = self.from;
        heard
    }

    /// Reads on in what is held; `false`: more is needed.
    fn step(&mut self, heard: &mut Vec<Heard>) -> bool {
        let tokens = self.offer.tokens;
        if let Some(known) = self.inside {
            let Some(end) = words::end(tokens, &self.held, known) else {
                // Nobody knows when the end comes, if it does: a bound keeps memory small, and loses no text.
                if self.held.len() > LONGEST {
                    self.inside = None;
                    self.unread = true;
                    self.say(self.held.len(), heard);
                    return false;
                }
                // The next search begins where this one stopped, so that a long call is not searched once per piece.
                self.inside = Some(self.held.len());
                return false;
            };
            self.inside = None;
            let rest = self.held.split_off(end);
            let section = std::mem::replace(&mut self.held, rest);
            self.section(&section, heard);
            return true;
        }
        match words::begin(tokens, &self.held) {
            Found::Opens(at) => {
                self.say(at, heard);
                self.inside = Some(0);
                true
            }
            // It belongs to no call, and means nothing to a client.
            Found::Stray { at, length } => {
                self.say(at, heard);
                self.held.drain(..length);
                self.voice = self.from;
                true
            }
            Found::Perhaps(at) => {
                self.say(at, heard);
                false
            }
        }
    }

    /// Reads a whole section.
    fn section(&mut self, section: &str, heard: &mut Vec<Heard>) {
        match words::read(&self.offer, section) {
            Section::Calls(calls) => {
                self.behind_call = true;
                heard.extend(calls.into_iter().map(|(name, arguments)| Heard::Called { name, arguments }));
            }
            Section::Speaks(voice) => self.voice = voice,
            Section::Unread => {
                self.unread = true;
                heard.push(Heard::Said(self.voice, section.to_owned()));
            }
        }
    }

    fn say(&mut self, length: usize, heard: &mut Vec<Heard>) {
        let rest = self.held.split_off(length);
        let mut said = std::mem::replace(&mut self.held, rest);
        // Models write line breaks around calls; they would make an answer of white space beside the call.
        if self.behind_call {
            said = said.trim_start().to_owned();
        }
        if !said.is_empty() {
            self.behind_call = false;
            heard.push(Heard::Said(self.voice, said));
        }
    }
}

/// Reads the calls out of a whole answer; gives the places of its blocks, and whether something was not read.
pub(super) fn read_out(offer: &Offer, id: &str, content: &mut Vec<Block<'_>>, places: Vec<u32>) -> (Vec<u32>, bool) {
    let mut spoken = Spoken::new(offer.clone());
    let mut calls = 0;
    let mut told = Vec::with_capacity(content.len());
    for (place, block) in places.into_iter().zip(std::mem::take(content)) {
        let (voice, text) = match &block {
            Block::Text(text) => (Voice::Answer, text),
            Block::Reasoning { text, signature: None, .. } => (Voice::Thought, text),
            Block::Reasoning { .. }
            | Block::Redacted { .. }
            | Block::ToolUse { .. }
            | Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. }
            | Block::Cited { .. }
            | Block::CachePoint(_) => {
                told.push((place, block));
                continue;
            }
        };
        let mut heard = spoken.take(voice, &text.plain());
        heard.extend(spoken.end());
        if is_as_it_came(&heard, voice, text) {
            told.push((place, block));
        } else {
            told.extend(heard.into_iter().map(|heard| (place, heard.block(id, &mut calls))));
        }
    }
    let (places, blocks) = told.into_iter().unzip();
    *content = blocks;
    (places, spoken.is_unread())
}

/// Whether a text held no call and no channel, and can stay as it is.
fn is_as_it_came(heard: &[Heard], voice: Voice, text: &Text<'_>) -> bool {
    match heard {
        [] => text.is_empty(),
        [Heard::Said(said, plain)] => *said == voice && *plain == text.plain(),
        _ => false,
    }
}

impl Heard {
    /// The same as a block; calls are counted.
    fn block(self, id: &str, calls: &mut u32) -> Block<'static> {
        match self {
            Self::Said(Voice::Answer, text) => Block::Text(Text::from_plain(text)),
            Self::Said(Voice::Thought, text) => {
                Block::Reasoning { text: Text::from_plain(text), signature: None, issuer: Issuer::default() }
            }
            Self::Called { name, arguments } => {
                let id = Text::from_plain(format!("{id}{calls}"));
                *calls += 1;
                Block::ToolUse { id, name: Cow::Owned(name), input: Raw::from_json(arguments) }
            }
        }
    }
}

#[cfg(test)]
mod tests;
