//! Thoughts that a model writes into its text, between tags: split out of it, however the text is cut.
//!
//! ```text
//!             <tag>                 the block ends, or another one begins
//!   outside --------> inside        both states: forget the state, give back what was held
//!      ^                |
//!      +----------------+           both states: an end of the text that may begin the tag is held
//!            </tag>
//! ```

use crate::model::delta::BlockIndex;
use crate::model::text::Text;
use crate::wire::slice::Slice as _;

/// The splitter of one answer. Which tag a model writes is said by its row of the catalogue.
pub struct Tags {
    open: String,
    close: String,
    /// The block whose text is being read.
    block: Option<BlockIndex>,
    inside: bool,
    /// The beginning of a tag that may go on in the next piece.
    held: String,
}

impl std::fmt::Debug for Tags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tags").field("open", &self.open).field("block", &self.block).finish_non_exhaustive()
    }
}

/// A piece of text, sorted.
#[derive(PartialEq, Eq)]
pub enum Piece {
    /// Of the answer.
    Answer(String),
    /// Of a thought.
    Thought(String),
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Answer(_)) { "Answer" } else { "Thought" })
    }
}

impl Tags {
    /// Splits at `<tag>` and `</tag>`.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        Self { open, close, block: None, inside: false, held: String::new() }
    }

    /// Takes the next piece of the text of a block, still escaped, and gives what is certain, still escaped.
    pub fn take(&mut self, block: impl Into<BlockIndex>, text: &Text<'_>) -> Vec<Piece> {
        let block = Some(block.into());
        // Tags do not reach over blocks: a thought that one block leaves open is not the next block's.
        if self.block != block {
            self.block = block;
            self.inside = false;
            self.held.clear();
        }
        let mut rest = std::mem::take(&mut self.held);
        rest.push_str(&angled(text.as_escaped()));
        let mut pieces = Vec::new();
        loop {
            let tag = if self.inside { &self.close } else { &self.open };
            if let Some(at) = rest.find(tag.as_str()) {
                let after = rest.split_off(at).split_off(tag.len());
                pieces.extend(self.sorted(rest));
                self.inside = !self.inside;
                rest = after;
            } else {
                // `<thi` may be the beginning of a tag; the next piece tells.
                self.held = rest.split_off(rest.len() - beginning(&rest, tag));
                pieces.extend(self.sorted(rest));
                return pieces;
            }
        }
    }

    /// The block ended: what was held back was no tag. A thought that was never closed is a thought all the same.
    pub fn end(&mut self, block: impl Into<BlockIndex>) -> Option<Piece> {
        if self.block != Some(block.into()) {
            return None;
        }
        self.block = None;
        let held = std::mem::take(&mut self.held);
        let piece = self.sorted(held);
        self.inside = false;
        piece
    }

    /// The block whose text is being read.
    #[must_use]
    pub fn block(&self) -> Option<BlockIndex> {
        self.block
    }

    fn sorted(&self, text: String) -> Option<Piece> {
        match (text.is_empty(), self.inside) {
            (true, _) => None,
            (false, true) => Some(Piece::Thought(text)),
            (false, false) => Some(Piece::Answer(text)),
        }
    }
}

/// The length of the longest end of `text` that may begin `tag`.
fn beginning(text: &str, tag: &str) -> usize {
    (1..tag.len()).rev().find(|length| text.ends_with(tag.get(..*length).unwrap_or(tag))).unwrap_or(0)
}

/// Some JSON encoders escape angle brackets; a tag is a tag however it is written. A backslash before the escape's own
/// makes it no escape.
#[must_use]
pub fn angled(escaped: &str) -> String {
    if !escaped.contains("\\u003") {
        return escaped.to_owned();
    }
    let mut plain = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(at) = rest.find('\\') {
        plain.push_str(rest.upto(at));
        let escape = rest.behind(at);
        let (said, length) = match escape.get(..6).map(str::to_ascii_lowercase).as_deref() {
            Some("\\u003c") => ("<", 6),
            Some("\\u003e") => (">", 6),
            _ => (escape.get(..2).unwrap_or(escape), 2),
        };
        plain.push_str(said);
        rest = escape.behind(length);
    }
    plain.push_str(rest);
    plain
}

/// The text without what stands in `<think>`, when there is any.
pub(super) fn without_thoughts(escaped: &str) -> Option<String> {
    let (first, mut rest) = escaped.split_once("<think>")?;
    let mut said = first.to_owned();
    loop {
        let (_, after) = rest.split_once("</think>").unwrap_or_default();
        let Some((between, thought)) = after.split_once("<think>") else { return Some(said + after) };
        said.push_str(between);
        rest = thought;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a text that comes in these pieces: the answer, and the thoughts.
    fn split<'p>(pieces: impl IntoIterator<Item = &'p str>) -> (String, String) {
        let mut tags = Tags::new("thinking");
        let (mut answer, mut thought) = (String::new(), String::new());
        let mut sort = |piece: Piece| match piece {
            Piece::Answer(text) => answer.push_str(&text),
            Piece::Thought(text) => thought.push_str(&text),
        };
        for piece in pieces {
            tags.take(0, &Text::from_escaped(piece)).into_iter().for_each(&mut sort);
        }
        tags.end(0).into_iter().for_each(&mut sort);
        (answer, thought)
    }

    fn pair(answer: &str, thought: &str) -> (String, String) {
        (answer.to_owned(), thought.to_owned())
    }

    #[test]
    fn thoughts_are_split_out_however_the_text_is_cut() {
        let text = r"a<thinking>b\n<c</thinking>d</think>e<thinking>f</thinking>";
        let whole = split([text]);
        assert_eq!(whole, pair("ad</think>e", r"b\n<cf"));
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let (head, tail) = text.split_at(at);
            assert_eq!(split([head, tail]), whole, "{at}");
        }
        assert_eq!(split(text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()])), whole);
    }

    #[test]
    fn nothing_is_lost_when_a_tag_is_never_closed() {
        assert_eq!(split(["<thinking>only </thin"]), pair("", "only </thin"));
        assert_eq!(split(["no tag <think"]), pair("no tag <think", ""));
    }

    #[test]
    fn escaped_brackets_are_brackets() {
        assert_eq!(split([r"\u003cthinking\u003Eb\u003c/thinking>c"]), pair("c", "b"));
        assert_eq!(split([r"\\u003cthinking\\u003e"]), pair(r"\\u003cthinking\\u003e", ""));
    }

    #[test]
    fn each_block_begins_outside() {
        let mut tags = Tags::new("t");
        assert_eq!(tags.take(0, &Text::from_escaped("<t>a")), [Piece::Thought("a".to_owned())]);
        assert_eq!(tags.take(1, &Text::from_escaped("b")), [Piece::Answer("b".to_owned())]);
    }
}
