//! One source of an answer, as Converse tells it.

use crate::model::json::Json;
use crate::model::request::{Citation, SpanUnit};

/// Writes the members of a `Citation`.
pub(super) fn write(json: &mut Json, citation: &Citation<'_>) {
    if let Some(title) = &citation.title {
        json.name("title").text(title);
    }
    if let Some(source) = &citation.source {
        json.name("source").text(source);
    }
    if let Some(cited) = &citation.cited {
        json.name("sourceContent").list(|json| json.object(|json| json.name("text").text(cited)));
    }
    if let Some(url) = &citation.url {
        json.member("location", |json| json.member("web", |json| json.name("url").text(url)));
    } else if let Some(span) = citation.span {
        let (location, of) = match span.unit {
            SpanUnit::Characters => ("documentChar", "documentIndex"),
            SpanUnit::Pages => ("documentPage", "documentIndex"),
            SpanUnit::Parts => ("documentChunk", "documentIndex"),
            SpanUnit::SearchResult => ("searchResultLocation", "searchResultIndex"),
        };
        json.member("location", |json| {
            json.member(location, |json| {
                json.name(of).verbatim(&span.of.to_string());
                json.name("start").verbatim(&span.start.to_string());
                json.name("end").verbatim(&span.end.to_string());
            });
        });
    }
}
