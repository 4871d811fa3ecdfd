//! The reasoning of a streamed answer, in the fields that its client reads.

use super::super::Style;
use super::super::reasoning_fields::Details;
use crate::dialect::Envelope;
use crate::model::delta::Seal;
use crate::model::issuer::{APART, Mark};
use crate::model::reasoning::Placeholder;
use crate::model::text::Text;
use crate::wire::sse;
use std::collections::BTreeSet;

/// The reasoning of an answer as far as it was written.
pub(super) struct Thoughts {
    style: Style,
    marks: Marks,
    /// The pieces of a chunk around the reasoning of block `framed`: the text goes between each two neighbours.
    frame: Vec<String>,
    framed: Option<u32>,
    /// The frame is that of its block's first delta.
    first: bool,
    /// The blocks that showed readable reasoning.
    readable: BTreeSet<u32>,
    /// The text that may become the placeholder of a thought, held back, and its block.
    held: Option<(u32, String)>,
    /// The block whose `<think>` is open.
    tagged: Option<u32>,
}

impl std::fmt::Debug for Thoughts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Thoughts").field("readable", &self.readable).finish_non_exhaustive()
    }
}

/// The members that every item of `reasoning_details` has.
#[derive(Debug)]
pub(in super::super) struct Marks {
    format: Option<String>,
    mark: Option<Mark>,
    /// The end of the answer's id, which tells its blocks from those of other answers.
    nonce: String,
}

impl Marks {
    pub(in super::super) fn new(envelope: &Envelope<'_>, style: &Style) -> Self {
        Self { format: style.reasoning_format.clone(), mark: style.mark, nonce: envelope.id.nonce() }
    }

    /// The same answer goes on with another model.
    fn resume(&mut self, style: &Style) {
        (self.format, self.mark) = (style.reasoning_format.clone(), style.mark);
    }

    /// The JSON behind the content of a block's first item: format, id and index.
    pub(in super::super) fn item(&self, index: u32) -> String {
        self.ending(index, "")
    }

    /// The JSON behind the signature of a block whose text is shown in another field.
    fn apart(&self, index: u32) -> String {
        self.ending(index, APART.encode_utf8(&mut [0; 4]))
    }

    fn ending(&self, index: u32, apart: &str) -> String {
        let nonce = &self.nonce;
        let id = self.mark.map(|mark| format!(r#","id":"{mark}{nonce}_{index}{apart}""#)).unwrap_or_default();
        format!(r#"{}{id},"index":{index}}}"#, self.format())
    }

    /// `,"format":...` or nothing.
    fn format(&self) -> String {
        self.format.as_ref().map(|format| format!(r#","format":"{format}""#)).unwrap_or_default()
    }

    /// The JSON behind the content of a block's further items. Clients that put deltas together join their words, or
    /// keep the first one's alone, so the id comes once and at once.
    fn piece(&self, index: u32) -> String {
        format!(r#"{},"index":{index}}}"#, self.format())
    }
}

impl Thoughts {
    pub(super) fn new(envelope: &Envelope<'_>, style: Style) -> Self {
        Self {
            marks: Marks::new(envelope, &style),
            style,
            frame: Vec::new(),
            framed: None,
            first: false,
            readable: BTreeSet::new(),
            held: None,
            tagged: None,
        }
    }

    /// Goes on with the thoughts of another model.
    pub(super) fn resume(&mut self, style: Style) {
        self.marks.resume(&style);
        (self.style, self.framed) = (style, None);
    }

    /// Holds the text back while it may become the placeholder of a thought; `false`: it is none.
    pub(super) fn holds(&mut self, index: u32, text: &Text<'_>) -> bool {
        let Some(word) = &self.style.placeholder else { return false };
        let begun = match &self.held {
            None => word.as_str(),
            Some((block, held)) if *block == index => word.strip_prefix(held.as_str()).unwrap_or_default(),
            Some(_) => "",
        };
        if begun.is_empty() || !begun.starts_with(text.as_escaped()) {
            return false;
        }
        self.held.get_or_insert_with(|| (index, String::new())).1.push_str(text.as_escaped());
        true
    }

    /// Gives the text that was held back: its block, the text, and whether it is the whole placeholder.
    pub(super) fn release(&mut self) -> Option<(u32, String, bool)> {
        let (block, held) = self.held.take()?;
        let whole = self.style.placeholder.as_deref() == Some(held.as_str());
        Some((block, held, whole))
    }

    /// A block of which something is still to be said.
    pub(super) fn unfinished(&self) -> Option<u32> {
        self.held.as_ref().map(|(block, _)| *block).or(self.tagged)
    }

    /// Notes that a block shows its thoughts, and gives what stands around them; nothing when they are not shown. The
    /// second is what must be said in the content first.
    pub(super) fn around(&mut self, index: u32, open: &str, close: &str) -> (&[String], Option<&'static str>) {
        // Of the block in the frame it is known already.
        let first = self.framed != Some(index) && self.readable.insert(index);
        if self.framed != Some(index) || self.first {
            (self.framed, self.first) = (Some(index), first && self.style.shown.details == Details::Full);
            self.frame = self.framed(index);
            if let [first, .., last] = self.frame.as_mut_slice() {
                *first = format!("{}{open}{first}", sse::DATA);
                last.push_str(close);
                last.push_str(sse::END);
            }
        }
        let opens = self.style.shown.think_tags && self.tagged != Some(index);
        if opens {
            self.tagged = Some(index);
        }
        (&self.frame, opens.then_some("<think>"))
    }

    fn framed(&self, index: u32) -> Vec<String> {
        let shown = self.style.shown;
        let mut pieces: Vec<(String, String)> = Vec::new();
        let mut add = |wanted: bool, before: &str, after: String| {
            if wanted {
                pieces.push((before.to_owned(), after));
            }
        };
        let quote = || "\"".to_owned();
        add(shown.reasoning, r#""reasoning":""#, quote());
        add(shown.reasoning_content, r#""reasoning_content":""#, quote());
        let item = format!("\"{}]", if self.first { self.marks.item(index) } else { self.marks.piece(index) });
        add(shown.details == Details::Full, r#""reasoning_details":[{"type":"reasoning.text","text":""#, item);
        let blocks = r#""thinking_blocks":[{"type":"thinking","thinking":""#;
        // Without an index OpenAI's SDK for Python cannot put a list together.
        add(shown.thinking_blocks && !self.style.exclude_reasoning, blocks, format!(r#"","index":{index}}}]"#));
        add(shown.think_tags, r#""content":""#, quote());
        let mut frame: Vec<String> = Vec::with_capacity(pieces.len() + 1);
        let mut carried = String::new();
        for (before, after) in pieces {
            let comma = if carried.is_empty() { "" } else { "," };
            frame.push(format!("{carried}{comma}{before}"));
            carried = after;
        }
        if !carried.is_empty() {
            frame.push(carried);
        }
        frame
    }

    /// The closing `</think>`, when the client reads thoughts in the content and one is open.
    pub(super) fn closes(&mut self) -> Option<&'static str> {
        self.tagged.take().map(|_| "</think>")
    }

    /// The delta that shows what seals a block, if it is shown. A signature is worth nothing without the text that it
    /// signs: where that is not shown, neither is.
    pub(super) fn seal(&self, index: u32, seal: &Seal<'_>) -> Option<String> {
        if self.style.exclude_reasoning && self.readable.contains(&index) {
            return None;
        }
        let (detail, block) = match seal {
            Seal::Signature(signature) => {
                let signature = signature.as_escaped();
                (
                    format!(r#"{{"type":"reasoning.text","signature":"{signature}""#),
                    format!(r#"{{"type":"thinking","thinking":"","signature":"{signature}","index":{index}}}"#),
                )
            }
            Seal::Redacted(data) => {
                let data = data.as_escaped();
                (
                    format!(r#"{{"type":"reasoning.encrypted","data":"{data}""#),
                    format!(r#"{{"type":"redacted_thinking","data":"{data}","index":{index}}}"#),
                )
            }
        };
        let shown = self.style.shown.details;
        let marks = match (self.readable.contains(&index), shown) {
            (false, _) => self.marks.item(index),
            (true, Details::Full) => self.marks.piece(index),
            (true, _) => self.marks.apart(index),
        };
        let details = (shown != Details::None).then(|| format!(r#""reasoning_details":[{detail}{marks}]"#));
        // LiteLLM's SDK passes a delta over that has blocks and no text, if only an empty one.
        let blocks =
            self.style.shown.thinking_blocks.then(|| format!(r#""reasoning_content":"","thinking_blocks":[{block}]"#));
        joined(details, blocks)
    }

    /// The delta for a word that stands for a thought.
    pub(super) fn placeholder(&self, index: u32, word: &str) -> Option<String> {
        let shown = self.style.shown.details != Details::None && !self.style.exclude_reasoning;
        let item = placeholder_detail(self.style.on_placeholder, word).filter(|_| shown)?;
        Some(format!(r#""reasoning_details":[{{{item}{}]"#, self.marks.item(index)))
    }
}

/// The first members of the item for a word that stands for a thought.
pub(in super::super) fn placeholder_detail(placeholder: Placeholder, word: &str) -> Option<String> {
    match placeholder {
        Placeholder::Encrypted => Some(format!(r#""type":"reasoning.encrypted","data":"{word}""#)),
        Placeholder::Summary => Some(format!(r#""type":"reasoning.summary","summary":"{word}""#)),
        Placeholder::Dropped => None,
    }
}

fn joined(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one},{other}")),
        (one, other) => one.or(other),
    }
}
