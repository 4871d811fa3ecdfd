//! Documents and search results as text, for models that take no such blocks.

use super::request::{Block, MediaSource};
use super::text::Text;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A document that is text, as text: its name, and what it says.
pub(crate) fn document(block: &Block<'_>) -> Option<Text<'static>> {
    let Block::Document { format: "txt" | "md" | "csv" | "html", name, source, context, .. } = block else {
        return None;
    };
    let said = match source {
        MediaSource::Base64(data) => String::from_utf8(STANDARD.decode(data.plain().as_bytes()).ok()?).ok()?,
        MediaSource::Words(text) => text.plain().into_owned(),
        MediaSource::Parts(parts) => parts.iter().map(Text::plain).collect::<Vec<_>>().join("\n"),
        MediaSource::S3 { .. } => return None,
    };
    let name = name.as_deref().unwrap_or("document");
    let context = context.as_ref().map(|context| format!("{}\n", context.plain())).unwrap_or_default();
    Some(Text::from_plain(format!("<document name=\"{name}\">\n{context}{said}\n</document>")))
}

/// A search result, as text: its title, its source, and what it says.
pub(crate) fn search_result(title: &Text<'_>, source: &Text<'_>, content: &[Text<'_>]) -> Text<'static> {
    let said = content.iter().map(Text::plain).collect::<Vec<_>>().join("\n");
    Text::from_plain(format!(
        "<search_result title=\"{}\" source=\"{}\">\n{said}\n</search_result>",
        title.plain(),
        source.plain()
    ))
}
