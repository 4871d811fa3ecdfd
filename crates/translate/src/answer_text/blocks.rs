//! The numbers of blocks: each stretch of one kind and each call has its own.

use super::{TextKind, TextPiece, TextSink};
use crate::model::text::Text;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::VecDeque;

/// The number of blocks to which later pieces may still belong, beside the last one.
const REMEMBERED: usize = 64;

/// Where a piece stands in its answer, as its dialect counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The block or the item.
    pub(super) index: u64,
    /// The part of it.
    pub(super) part: u64,
    /// What it holds.
    pub(super) kind: PlaceKind,
}

/// What a place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaceKind {
    Reasoning,
    Content,
    Call,
}

/// The numbers of an answer's blocks, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct BlockNumbers {
    next: u32,
    open: VecDeque<Numbered>,
}

/// A block with its number.
#[derive(Clone, Copy, Debug)]
struct Numbered {
    place: Place,
    number: u32,
}

impl BlockNumbers {
    /// The number of the block at a place. Calls may grow side by side; any other block ends where another one begins.
    fn number(&mut self, place: Place) -> u32 {
        let known = match place.kind {
            PlaceKind::Call => self.open.iter().rev().find(|known| known.place == place),
            PlaceKind::Reasoning | PlaceKind::Content => self.open.back().filter(|known| known.place == place),
        };
        if let Some(known) = known {
            return known.number;
        }
        let number = self.next;
        self.next = number.saturating_add(1);
        self.open.push_back(Numbered { place, number });
        if self.open.len() > REMEMBERED {
            self.open.pop_front();
        }
        number
    }

    /// Tells a piece of text, unless it is empty or no text.
    pub(super) fn tell(&mut self, place: Place, kind: TextKind, raw: Option<&RawValue>, to: &mut TextSink<'_>) {
        if let Some(text) = raw.and_then(Text::from_raw) {
            self.tell_text(place, kind, &text, to);
        }
    }

    /// The same of a text that is read.
    pub(super) fn tell_text(&mut self, place: Place, kind: TextKind, text: &Text<'_>, to: &mut TextSink<'_>) {
        if !text.is_empty() {
            let block = self.number(place);
            to(TextPiece { kind, block, text: text.plain() });
        }
    }

    /// Tells the arguments of a call that are a JSON value, unless there are none.
    pub(super) fn tell_value(&mut self, place: Place, raw: Option<&RawValue>, to: &mut TextSink<'_>) {
        if let Some(raw) = raw.filter(|raw| !matches!(raw.get(), "null" | "{}")) {
            let block = self.number(place);
            to(TextPiece { kind: TextKind::CallArguments, block, text: Cow::Borrowed(raw.get()) });
        }
    }

    /// Tells an error.
    pub(super) fn error(&self, text: Cow<'_, str>, to: &mut TextSink<'_>) {
        if !text.is_empty() {
            to(TextPiece { kind: TextKind::Error, block: self.next, text });
        }
    }

    /// Whether no block began.
    pub(super) fn is_empty(&self) -> bool {
        self.next == 0
    }
}
