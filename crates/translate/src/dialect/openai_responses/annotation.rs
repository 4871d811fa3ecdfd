//! The sources of a text, as annotations of it.
//!
//! Source: OpenAI's API reference, `url_citation`; OpenAI has no words for sources that are neither on the web nor a file in
//! a store of its own.

use crate::model::request::Citation;
use crate::model::text::Text;

/// Characters of a text, from the first one to behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    start: usize,
    end: usize,
}

/// A `url_citation`, for a source that is on the web.
pub(super) fn object(citation: &Citation<'_>, span: Span) -> Option<String> {
    let url = citation.url.as_ref()?.as_escaped();
    let title = citation.title.as_ref().map(Text::as_escaped).unwrap_or_default();
    let Span { start, end } = span;
    Some(format!(
        r#"{{"type":"url_citation","url":"{url}","title":"{title}","start_index":{start},"end_index":{end}}}"#
    ))
}

/// The place of the latest block in a text that is joined of several, counted in characters as clients do.
#[derive(Debug, Default)]
pub(super) struct Spans {
    /// Where the block begins, in bytes, and in characters once that was counted.
    block_at: usize,
    start: Option<usize>,
    /// The bytes that were counted, and their number of characters.
    counted_to: usize,
    counted: usize,
}

impl Spans {
    /// A block begins, behind so many bytes of the text.
    pub(super) fn begin(&mut self, bytes: usize) {
        (self.block_at, self.start) = (bytes, None);
    }

    /// The span of the block in the text so far, which is escaped.
    pub(super) fn latest(&mut self, text: &str) -> Span {
        let start = match self.start {
            Some(start) => start,
            None => self.count(text, self.block_at),
        };
        self.start = Some(start);
        Span { start, end: self.count(text, text.len()) }
    }

    fn count(&mut self, text: &str, to: usize) -> usize {
        let piece = text.get(self.counted_to..to).unwrap_or_default();
        self.counted += Text::from_escaped(piece).plain().chars().count();
        self.counted_to = self.counted_to.max(to);
        self.counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_counted_in_characters() {
        let mut spans = Spans::default();
        let text = r"é\n\u00e9";
        assert_eq!(spans.latest(text), Span { start: 0, end: 3 });
        spans.begin(text.len());
        let text = text.to_owned() + "ab";
        assert_eq!(spans.latest(&text), Span { start: 3, end: 5 });
        let text = text + "c";
        assert_eq!(spans.latest(&text), Span { start: 3, end: 6 });
    }

    #[test]
    fn only_what_is_on_the_web_is_told() {
        let web = Citation { url: Some(Text::from_plain("https://a")), ..Citation::default() };
        let told: serde_json::Value = serde_json::from_str(&object(&web, Span { start: 1, end: 2 }).unwrap()).unwrap();
        assert_eq!((told["url"].as_str(), told["end_index"].as_u64()), (Some("https://a"), Some(2)));
        assert_eq!(object(&Citation::default(), Span { start: 1, end: 2 }), None);
    }
}
