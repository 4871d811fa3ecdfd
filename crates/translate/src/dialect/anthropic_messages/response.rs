//! A whole answer, said as a Messages object.
//!
//! Source: Anthropic's API reference, "Create a message"; what a guardrail did is told as Bedrock tells it with Claude's
//! own answers.

use super::placeholder;
use super::{Style, citation, finish, id, usage};
use crate::dialect::{Envelope, seal};
use crate::fault::Fault;
use crate::model::call_id;
use crate::model::raw::Raw;
use crate::model::reasoning::Placeholder;
use crate::model::request::{Block, Citation};
use crate::model::response::{Finish, Response};
use crate::model::text::Text;
use std::fmt::Write as _;

/// The body, and what the answer ended with. `restore` gives a tool's name back as the client knows it.
///
/// # Errors
///
/// When the model's stop reason is that its output is malformed.
pub fn write(
    response: &Response<'_>,
    envelope: &Envelope<'_>,
    style: &Style,
    restore: &dyn Fn(&str) -> String,
) -> Result<(String, Finish), Fault> {
    let called = response.content.iter().any(|block| matches!(block, Block::ToolUse { .. }));
    let finish = Finish::of(response.stop.clone(), called)?;
    let content: Vec<String> = response.content.iter().filter_map(|block| object(block, style, restore)).collect();
    let (id, model) = (id(envelope.id), envelope.model.as_escaped());
    let mut out = String::with_capacity(content.iter().map(String::len).sum::<usize>() + model.len() + 512);
    // Writing to a string cannot fail.
    let _ = write!(out, r#"{{"id":"{id}","type":"message","role":"assistant","model":"{model}","content":["#);
    out.push_str(&content.join(","));
    let _ = write!(out, r#"],{},"usage":"#, finish::members(&finish, style.only_stop.as_ref()));
    usage::write(&mut out, &response.usage, response.service_tier.as_ref());
    if let (true, Some(trace)) = (style.trace, &response.trace) {
        trace_of(trace, &mut out);
    }
    out.push('}');
    Ok((out, finish))
}

/// The guardrail's trace. In one line, as events must be.
pub(super) fn trace_of(trace: &Raw<'_>, out: &mut String) {
    out.push_str(r#","amazon-bedrock-trace":"#);
    out.extend(trace.as_json().split(['\n', '\r']));
}

/// One block, if it says anything.
fn object(block: &Block<'_>, style: &Style, restore: &dyn Fn(&str) -> String) -> Option<String> {
    match block {
        Block::Text(text) => text_block(text, &[]),
        Block::Cited { text, citations } => text_block(text, citations),
        Block::Reasoning { .. } | Block::Redacted { .. } if style.hidden => None,
        Block::Reasoning { text, .. } if style.placeholder.as_deref() == Some(text.as_escaped()) => {
            match style.on_placeholder {
                Placeholder::Dropped => None,
                Placeholder::Encrypted => Some(redacted(&placeholder::data(text.as_escaped()))),
                Placeholder::Summary => Some(thinking(text, "")),
            }
        }
        Block::Reasoning { text, signature: None, .. } => (!text.is_empty()).then(|| thinking(text, "")),
        Block::Reasoning { text, signature: Some(signature), .. } => {
            Some(thinking(text, &seal::marked(signature, style.mark)))
        }
        Block::Redacted { data, .. } => Some(redacted(&seal::marked(data, style.mark))),
        Block::ToolUse { id, name, input } => {
            let (id, name) = (call_id::known(id), Text::from_plain(restore(name)));
            let input = if input.as_json() == "null" { "{}" } else { input.as_json() };
            Some(format!(
                r#"{{"type":"tool_use","id":"{}","name":"{}","input":{input}}}"#,
                id.as_escaped(),
                name.as_escaped()
            ))
        }
        Block::ToolResult { .. }
        | Block::Image { .. }
        | Block::Document { .. }
        | Block::SearchResult { .. }
        | Block::Audio { .. }
        | Block::CachePoint(_) => None,
    }
}

fn text_block(text: &Text<'_>, citations: &[Citation<'_>]) -> Option<String> {
    let citations: Vec<String> = citations.iter().filter_map(citation::object).collect();
    if text.is_empty() && citations.is_empty() {
        return None;
    }
    let text = text.as_escaped();
    Some(match citations.is_empty() {
        true => format!(r#"{{"type":"text","text":"{text}"}}"#),
        false => format!(r#"{{"type":"text","text":"{text}","citations":[{}]}}"#, citations.join(",")),
    })
}

fn thinking(text: &Text<'_>, signature: &str) -> String {
    format!(r#"{{"type":"thinking","thinking":"{}","signature":"{signature}"}}"#, text.as_escaped())
}

fn redacted(data: &str) -> String {
    format!(r#"{{"type":"redacted_thinking","data":"{data}"}}"#)
}
