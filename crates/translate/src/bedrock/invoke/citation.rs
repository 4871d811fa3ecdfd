//! One source of an answer, understood: the citations of Anthropic's text blocks.

use crate::bedrock::converse::response::optional_text;
use crate::model::request::{Citation, CitedSpan, SpanUnit};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    cited_text: Option<&'a RawValue>,
    #[serde(borrow, alias = "title")]
    document_title: Option<&'a RawValue>,
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    url: Option<&'a RawValue>,
    #[serde(alias = "search_result_index")]
    document_index: Option<u64>,
    #[serde(alias = "start_page_number", alias = "start_block_index")]
    start_char_index: Option<u64>,
    #[serde(alias = "end_page_number", alias = "end_block_index")]
    end_char_index: Option<u64>,
}

/// One citation; `None` for what is no such object.
pub(super) fn citation(raw: &RawValue) -> Option<Citation<'_>> {
    let wire: Wire<'_> = serde_json::from_str(raw.get()).ok()?;
    let unit = match optional_text(wire.kind)?.as_escaped() {
        "char_location" => Some(SpanUnit::Characters),
        "page_location" => Some(SpanUnit::Pages),
        "content_block_location" => Some(SpanUnit::Parts),
        "search_result_location" => Some(SpanUnit::SearchResult),
        _ => None,
    };
    Some(Citation {
        url: optional_text(wire.url),
        title: optional_text(wire.document_title),
        source: optional_text(wire.source),
        cited: optional_text(wire.cited_text),
        span: unit.map(|unit| CitedSpan {
            unit,
            of: wire.document_index.unwrap_or_default(),
            start: wire.start_char_index.unwrap_or_default(),
            end: wire.end_char_index.unwrap_or_default(),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_place_is_read() {
        let read = |json: &'static str| citation(serde_json::from_str(json).unwrap()).unwrap();
        let page = read(
            r#"{"type":"page_location","cited_text":"a","document_index":1,"document_title":"T","start_page_number":2,"end_page_number":3}"#,
        );
        assert_eq!(page.span, Some(CitedSpan { unit: SpanUnit::Pages, of: 1, start: 2, end: 3 }));
        assert_eq!(page.title.unwrap().as_escaped(), "T");
        let found = read(
            r#"{"type":"search_result_location","search_result_index":4,"source":"s","title":null,"start_block_index":0,"end_block_index":1}"#,
        );
        assert_eq!(found.span, Some(CitedSpan { unit: SpanUnit::SearchResult, of: 4, start: 0, end: 1 }));
        assert!(read(r#"{"type":"newer"}"#).span.is_none());
    }
}
