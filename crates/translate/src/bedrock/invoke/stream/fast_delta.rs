//! The deltas that make up nearly all of a stream of Anthropic's, found in place where their shape is the usual one.
//!
//! Anything that departs from the usual shape is left to the thorough reader.

use crate::bedrock::converse::stream::fast_delta::{length, number};
use crate::model::delta::Delta;
use crate::model::text::Text;
use crate::wire::json::is_plain_ascii;
use ascii::AsciiStr;

/// The beginning of a delta.
const OPEN: &[u8] = br#"{"type":"content_block_delta","index":"#;
/// The JSON between the index and each kind of text.
const TEXT: &[u8] = br#","delta":{"type":"text_delta","text":""#;
const REASONING: &[u8] = br#","delta":{"type":"thinking_delta","thinking":""#;
const TOOL: &[u8] = br#","delta":{"type":"input_json_delta","partial_json":""#;
/// The JSON behind the text.
const CLOSE: [u8; 3] = *b"\"}}";

/// The shape of a delta: its block, what its text is, and where that begins in its JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) index: u32,
    pub(super) kind: DeltaKind,
    /// The place of the text's first byte.
    pub(super) from: usize,
}

/// The kind of a delta that has a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeltaKind {
    /// Text of the answer.
    #[default]
    Text,
    /// Reasoning.
    Reasoning,
    /// A call's arguments.
    Arguments,
}

/// A delta of text, of reasoning or of a call's arguments, with its JSON.
#[derive(Clone, Copy)]
pub struct FastDelta<'a> {
    /// The block.
    pub index: u32,
    /// What the block grows by.
    pub kind: DeltaKind,
    /// How much it grows by, escaped as in JSON: UTF-8.
    pub text: &'a [u8],
    /// The whole event on one line, between the head and the tail of the buffer.
    pub framed: &'a [u8],
}

impl Shape {
    /// The shape of an event that begins as deltas do.
    pub(super) fn of(event: &[u8]) -> Option<Self> {
        let (index, rest) = number(event.strip_prefix(OPEN)?)?;
        let (kind, text) = if let Some(text) = rest.strip_prefix(TEXT) {
            (DeltaKind::Text, text)
        } else if let Some(text) = rest.strip_prefix(REASONING) {
            (DeltaKind::Reasoning, text)
        } else {
            (DeltaKind::Arguments, rest.strip_prefix(TOOL)?)
        };
        Some(Self { index, kind, from: event.len() - text.len() })
    }
}

/// The length of the text with which a delta goes on, whose end is told: nothing may stand behind it than what closes it.
#[inline(always)]
pub(super) fn text_length(rest: &[u8], end: usize) -> Option<usize> {
    let (text, close) = rest.get(..end)?.split_last_chunk()?;
    if *close != CLOSE {
        return None;
    }
    // What stands behind the event may be looked at, and is not taken for a part of it.
    let length = if is_plain_ascii(text) { text.len() } else { escaped_length(rest)? };
    (length == text.len()).then_some(length)
}

/// The same of a text with escapes, or with letters beyond ASCII.
#[inline(never)]
fn escaped_length(rest: &[u8]) -> Option<usize> {
    let length = length(rest)?;
    std::str::from_utf8(rest.get(..length)?).is_ok().then_some(length)
}

/// Whether this is the end of what stands before every text, at most two bytes of it.
#[inline]
pub(super) fn is_colon(bytes: &[u8]) -> bool {
    matches!(bytes, [] | [b'"'] | [b':', b'"'])
}

impl<'a> FastDelta<'a> {
    /// The same in nobody's dialect.
    #[inline]
    #[must_use]
    pub fn delta(&self) -> Delta<'a> {
        // Most texts are ASCII, which is seen at a glance.
        let text = AsciiStr::from_ascii(self.text).map(AsciiStr::as_str).or_else(|_| std::str::from_utf8(self.text));
        let Ok(text) = text.map(Text::from_escaped) else { return Delta::Unknown };
        match self.kind {
            DeltaKind::Text => Delta::Text(text),
            DeltaKind::Reasoning => Delta::Reasoning(text),
            DeltaKind::Arguments => Delta::ToolInput(text),
        }
    }
}

/// Without the text, which is what models say.
impl std::fmt::Debug for FastDelta<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { index, kind, text, .. } = self;
        f.debug_struct("FastDelta").field("index", index).field("kind", kind).field("bytes", &text.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_deltas_are_found_and_all_else_is_left() {
        let found = |event: &str| {
            let shape = Shape::of(event.as_bytes())?;
            let text = &event[shape.from..];
            let length = text_length(text.as_bytes(), text.len())?;
            Some((shape.index, text[..length].to_owned()))
        };
        let of =
            |index: u32, delta: &str| format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#);
        let some = |index, text: &str| Some((index, text.to_owned()));
        assert_eq!(found(&of(0, r#"{"type":"text_delta","text":"a\n\"é"}"#)), some(0, r#"a\n\"é"#));
        assert_eq!(found(&of(12, r#"{"type":"thinking_delta","thinking":"t"}"#)), some(12, "t"));
        assert_eq!(found(&of(1, r#"{"type":"input_json_delta","partial_json":""}"#)), some(1, ""));
        for event in [
            of(0, r#"{"type":"thinking_delta","thinking":"t","estimated_tokens":1}"#),
            of(0, r#"{"type":"signature_delta","signature":"t"}"#),
            of(0, r#"{"type":"text_delta","text":"a"} "#),
            of(0, "{\"type\":\"text_delta\",\"text\":\"a\nb\"}"),
            format!("{} ", of(0, r#"{"type":"text_delta","text":"a"}"#)),
            String::new(),
        ] {
            assert_eq!(found(&event), None, "{event}");
        }
    }
}
