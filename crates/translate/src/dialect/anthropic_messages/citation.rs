//! The sources of a text, as Messages tells them.

use crate::model::request::{Citation, CitedSpan, SpanUnit};
use crate::model::text::Text;

/// A citation as an object; `None` for one that says nothing of its place, for which Anthropic has no words.
pub(super) fn object(citation: &Citation<'_>) -> Option<String> {
    let cited = string(citation.cited.as_ref());
    let cited = cited.as_deref().unwrap_or("\"\"");
    let title = string(citation.title.as_ref());
    let title = title.as_deref().unwrap_or("null");
    if let Some(url) = &citation.url {
        let url = url.as_escaped();
        return Some(format!(
            r#"{{"type":"web_search_result_location","cited_text":{cited},"url":"{url}","title":{title},"encrypted_index":""}}"#
        ));
    }
    let CitedSpan { unit, of, start, end } = citation.span?;
    let (kind, first, last) = match unit {
        SpanUnit::Characters => ("char_location", "start_char_index", "end_char_index"),
        SpanUnit::Pages => ("page_location", "start_page_number", "end_page_number"),
        SpanUnit::Parts => ("content_block_location", "start_block_index", "end_block_index"),
        SpanUnit::SearchResult => {
            let source = string(citation.source.as_ref());
            let source = source.as_deref().unwrap_or("\"\"");
            return Some(format!(
                r#"{{"type":"search_result_location","cited_text":{cited},"source":{source},"title":{title},"search_result_index":{of},"start_block_index":{start},"end_block_index":{end}}}"#
            ));
        }
    };
    Some(format!(
        r#"{{"type":"{kind}","cited_text":{cited},"document_index":{of},"document_title":{title},"{first}":{start},"{last}":{end},"file_id":null}}"#
    ))
}

fn string(text: Option<&Text<'_>>) -> Option<String> {
    text.map(|text| format!("\"{}\"", text.as_escaped()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_place_is_an_object_of_its_own() {
        let of = |unit| Citation {
            title: Some(Text::from_plain("T")),
            span: Some(CitedSpan { unit, of: 1, start: 2, end: 3 }),
            ..Citation::default()
        };
        for (unit, kind) in [
            (SpanUnit::Characters, "char_location"),
            (SpanUnit::Pages, "page_location"),
            (SpanUnit::Parts, "content_block_location"),
            (SpanUnit::SearchResult, "search_result_location"),
        ] {
            let said: serde_json::Value = serde_json::from_str(&object(&of(unit)).unwrap()).unwrap();
            assert_eq!(said["type"], kind);
        }
        let web = Citation { url: Some(Text::from_plain("https://a")), ..Citation::default() };
        assert!(object(&web).unwrap().contains(r#""url":"https://a""#));
        assert_eq!(object(&Citation::default()), None);
    }
}
