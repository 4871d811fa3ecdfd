//! A whole answer, said as a `ConverseResponse`.
//!
//! Source: Bedrock's API reference, `Converse`, response syntax.

use super::{Style, citation, redacted, tool_id, usage};
use crate::dialect::seal;
use crate::fault::Fault;
use crate::model::json::Json;
use crate::model::request::Block;
use crate::model::response::{Finish, Response};
use crate::model::text::Text;

/// The body, and what the answer ended with. `restore` gives a tool's name back as the client knows it.
///
/// # Errors
///
/// When the model's stop reason is that its output is malformed.
pub fn write(
    response: &Response<'_>,
    style: &Style,
    restore: &dyn Fn(&str) -> String,
) -> Result<(String, Finish), Fault> {
    let called = response.content.iter().any(|block| matches!(block, Block::ToolUse { .. }));
    let finish = Finish::of(response.stop.clone(), called)?;
    let mut json = Json::default();
    json.object(|json| {
        json.member("output", |json| {
            json.member("message", |json| {
                json.name("role").word("assistant");
                json.name("content").list(|json| {
                    response.content.iter().for_each(|block| write_block(json, block, style, restore));
                });
            });
        });
        usage::end(json, &finish, &response.usage);
        usage::write(json, &response.usage, response.service_tier.as_ref());
    });
    // It was put together of strings.
    let body = String::from_utf8(json.into_bytes()).unwrap_or_default();
    Ok((body, finish))
}

fn write_block(json: &mut Json, block: &Block<'_>, style: &Style, restore: &dyn Fn(&str) -> String) {
    match block {
        Block::Text(text) if !text.is_empty() => json.object(|json| json.name("text").text(text)),
        Block::Cited { text, citations } => json.object(|json| {
            json.member("citationsContent", |json| {
                json.name("content").list(|json| json.object(|json| json.name("text").text(text)));
                json.name("citations").list(|json| {
                    citations.iter().for_each(|source| json.object(|json| citation::write(json, source)));
                });
            });
        }),
        Block::Reasoning { text, signature, .. } if !style.hidden => json.object(|json| {
            json.member("reasoningContent", |json| {
                json.member("reasoningText", |json| {
                    json.name("text").text(text);
                    if let Some(signature) = signature {
                        json.name("signature").word(&seal::marked(signature, style.mark));
                    }
                });
            });
        }),
        Block::Redacted { data, .. } if !style.hidden => json.object(|json| {
            json.member("reasoningContent", |json| {
                json.name("redactedContent").word(&redacted::write(data, style.mark));
            });
        }),
        Block::ToolUse { id, name, input } => json.object(|json| {
            json.member("toolUse", |json| {
                json.name("toolUseId").text(&tool_id(id));
                json.name("name").text(&Text::from_plain(restore(name)));
                json.name("input").verbatim(if input.as_json() == "null" { "{}" } else { input.as_json() });
            });
        }),
        Block::Text(_)
        | Block::Reasoning { .. }
        | Block::Redacted { .. }
        | Block::ToolResult { .. }
        | Block::Image { .. }
        | Block::Document { .. }
        | Block::SearchResult { .. }
        | Block::Audio { .. }
        | Block::CachePoint(_) => {}
    }
}
