//! One source of an answer, understood: Converse's `Citation` and `CitationsDelta`.

use crate::model::request::{Citation, CitedSpan, SpanUnit};
use crate::model::text::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    title: Option<&'a RawValue>,
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow, default)]
    source_content: Vec<Quoted<'a>>,
    #[serde(borrow)]
    location: Option<Location<'a>>,
}

#[derive(Deserialize)]
struct Quoted<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

/// A union: exactly one member is there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    #[serde(borrow)]
    web: Option<Web<'a>>,
    document_char: Option<Span>,
    document_page: Option<Span>,
    document_chunk: Option<Span>,
    search_result_location: Option<Span>,
}

#[derive(Deserialize)]
struct Web<'a> {
    #[serde(borrow)]
    url: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    #[serde(alias = "searchResultIndex")]
    document_index: Option<u64>,
    start: Option<u64>,
    end: Option<u64>,
}

/// One citation; `None` for what is no such object.
pub(super) fn citation(raw: &RawValue) -> Option<Citation<'_>> {
    let wire: Wire<'_> = serde_json::from_str(raw.get()).ok()?;
    let location = wire.location.as_ref();
    let quoted: Vec<Text<'_>> =
        wire.source_content.iter().filter_map(|part| part.text).filter_map(Text::from_raw).collect();
    let cited = match <[Text<'_>; 1]>::try_from(quoted) {
        Ok([text]) => Some(text),
        Err(parts) if parts.is_empty() => None,
        Err(parts) => Some(Text::from_escaped(parts.iter().map(Text::as_escaped).collect::<String>())),
    };
    Some(Citation {
        url: location.and_then(|location| location.web.as_ref()).and_then(|web| web.url).and_then(Text::from_raw),
        title: wire.title.and_then(Text::from_raw),
        source: wire.source.and_then(Text::from_raw),
        cited,
        span: location.and_then(span),
    })
}

fn span(location: &Location<'_>) -> Option<CitedSpan> {
    let Location { document_char, document_page, document_chunk, search_result_location, web: _ } = location;
    of_unit(SpanUnit::Characters, document_char.as_ref())
        .or_else(|| of_unit(SpanUnit::Pages, document_page.as_ref()))
        .or_else(|| of_unit(SpanUnit::Parts, document_chunk.as_ref()))
        .or_else(|| of_unit(SpanUnit::SearchResult, search_result_location.as_ref()))
}

fn of_unit(unit: SpanUnit, span: Option<&Span>) -> Option<CitedSpan> {
    let Span { document_index, start, end } = span?;
    Some(CitedSpan {
        unit,
        of: document_index.unwrap_or_default(),
        start: start.unwrap_or_default(),
        end: end.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_place_is_read() {
        let read = |json: &'static str| citation(serde_json::from_str(json).unwrap()).unwrap();
        let page = read(
            r#"{"title":"T","sourceContent":[{"text":"a"},{"text":"b"}],"location":{"documentPage":{"documentIndex":1,"start":2,"end":3}}}"#,
        );
        assert_eq!(page.span, Some(CitedSpan { unit: SpanUnit::Pages, of: 1, start: 2, end: 3 }));
        assert_eq!(page.cited.unwrap().as_escaped(), "ab");
        let result = read(
            r#"{"source":"https://a","location":{"searchResultLocation":{"searchResultIndex":4,"start":0,"end":1}}}"#,
        );
        assert_eq!(result.span, Some(CitedSpan { unit: SpanUnit::SearchResult, of: 4, start: 0, end: 1 }));
        let web = read(r#"{"location":{"web":{"url":"https://a","domain":"a"}}}"#);
        assert_eq!((web.url.unwrap().as_escaped(), web.span), ("https://a", None));
    }
}
