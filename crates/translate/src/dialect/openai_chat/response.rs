//! A whole answer, said as a Chat Completions object.
//!
//! Source: OpenAI's API reference, `chat.completion`; the reasoning fields are the same as in the stream.

use super::{Envelope, Style, finish, usage};
use crate::fault::Fault;
use crate::model::request::{Block, Citation};
use crate::model::response::Response;
use crate::model::text::Text;
use std::fmt::Write as _;

/// What an answer says, gathered by kind.
#[derive(Default)]
struct Gathered<'r> {
    content: String,
    reasoning: String,
    details: Vec<String>,
    calls: Vec<Call<'r>>,
    annotations: Vec<String>,
}

struct Call<'r> {
    id: &'r str,
    name: Text<'r>,
    arguments: Text<'r>,
}

/// The body, and the finish reason in it. `restore` gives a tool's name back as the client knows it.
///
/// # Errors
///
/// When the model's stop reason is that its output is malformed.
pub fn write(
    response: &Response<'_>,
    envelope: &Envelope<'_>,
    style: Style,
    restore: &dyn Fn(&str) -> String,
) -> Result<(String, &'static str), Fault> {
    let mut gathered = Gathered::default();
    for (index, block) in response.content.iter().enumerate() {
        gathered.take(index, block, style, restore);
    }
    let reason = finish::reason(&response.stop, !gathered.calls.is_empty(), style.legacy_functions)?;
    let Envelope { id, created, model } = envelope;
    let model = model.as_escaped();
    // Writing to a string cannot fail.
    let mut out = format!(r#"{{"id":"{id}","object":"chat.completion","created":{created},"model":"{model}""#);
    out.push_str(r#","choices":[{"index":0,"message":"#);
    gathered.write(&mut out, style);
    let _ = write!(out, r#","logprobs":null,"finish_reason":"{reason}"}}]"#);
    if let Some(tier) = &response.service_tier {
        let _ = write!(out, r#","service_tier":"{}""#, tier.as_escaped());
    }
    out.push_str(r#","usage":"#);
    usage::write(&mut out, &response.usage);
    out.push('}');
    Ok((out, reason))
}

impl<'r> Gathered<'r> {
    fn take(&mut self, index: usize, block: &'r Block<'_>, style: Style, restore: &dyn Fn(&str) -> String) {
        match block {
            Block::Text(text) => self.content.push_str(text.as_escaped()),
            Block::Cited { text, citations } => {
                let start = self.content.len();
                self.content.push_str(text.as_escaped());
                let range = (characters(self.content.get(..start)), characters(Some(&self.content)));
                self.annotations.extend(citations.iter().filter_map(|source| annotation(source, Some(range))));
            }
            Block::Reasoning { text, signature } => self.reasoning(index, text, signature.as_ref(), style),
            Block::Redacted(data) => {
                let data = data.as_escaped();
                self.details.push(detail(index, style, &format!(r#""type":"reasoning.encrypted","data":"{data}""#)));
            }
            Block::ToolUse { id, name, input } => self.calls.push(Call {
                id: id.as_escaped(),
                name: Text::from_plain(restore(name)),
                arguments: Text::from_plain(if input.get() == "null" { "{}" } else { input.get() }),
            }),
            Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::Audio { .. }
            | Block::CachePoint(_) => {}
        }
    }

    /// A signature is worth nothing without the text it signs: both come or neither does.
    fn reasoning(&mut self, index: usize, text: &Text<'_>, signature: Option<&Text<'_>>, style: Style) {
        let text = text.as_escaped();
        if style.exclude_reasoning && !text.is_empty() || text.is_empty() && signature.is_none() {
            return;
        }
        self.reasoning.push_str(text);
        let mut item = String::from(r#""type":"reasoning.text""#);
        if !text.is_empty() {
            let _ = write!(item, r#","text":"{text}""#);
        }
        if let Some(signature) = signature {
            let _ = write!(item, r#","signature":"{}""#, signature.as_escaped());
        }
        self.details.push(detail(index, style, &item));
    }

    fn write(&self, out: &mut String, style: Style) {
        out.push_str(r#"{"role":"assistant","content":"#);
        if self.content.is_empty() && !self.calls.is_empty() {
            out.push_str("null");
        } else {
            let _ = write!(out, r#""{}""#, self.content);
        }
        out.push_str(r#","refusal":null"#);
        if !self.reasoning.is_empty() {
            let reasoning = &self.reasoning;
            let _ = write!(out, r#","reasoning":"{reasoning}","reasoning_content":"{reasoning}""#);
        }
        if !self.details.is_empty() {
            let _ = write!(out, r#","reasoning_details":[{}]"#, self.details.join(","));
        }
        if !self.annotations.is_empty() {
            let _ = write!(out, r#","annotations":[{}]"#, self.annotations.join(","));
        }
        self.write_calls(out, style);
        out.push('}');
    }

    fn write_calls(&self, out: &mut String, style: Style) {
        let function = |call: &Call<'_>| {
            format!(r#"{{"name":"{}","arguments":"{}"}}"#, call.name.as_escaped(), call.arguments.as_escaped())
        };
        match self.calls.as_slice() {
            [] => {}
            [first, ..] if style.legacy_functions => {
                let _ = write!(out, r#","function_call":{}"#, function(first));
            }
            calls => {
                let written = calls
                    .iter()
                    .map(|call| format!(r#"{{"id":"{}","type":"function","function":{}}}"#, call.id, function(call)));
                let _ = write!(out, r#","tool_calls":[{}]"#, written.collect::<Vec<_>>().join(","));
            }
        }
    }
}

fn detail(index: usize, style: Style, item: &str) -> String {
    let format = style.reasoning_format.map(|format| format!(r#","format":"{format}""#)).unwrap_or_default();
    format!(r#"{{{item}{format},"index":{index}}}"#)
}

/// A `url_citation`, for a source that is on the web; OpenAI has no words for others.
pub(super) fn annotation(citation: &Citation<'_>, range: Option<(usize, usize)>) -> Option<String> {
    let url = citation.url.as_ref()?.as_escaped();
    let title = citation.title.as_ref().map(Text::as_escaped).unwrap_or_default();
    let mut inside = format!(r#""url":"{url}","title":"{title}""#);
    if let Some((start, end)) = range {
        let _ = write!(inside, r#","start_index":{start},"end_index":{end}"#);
    }
    Some(format!(r#"{{"type":"url_citation","url_citation":{{{inside}}}}}"#))
}

/// The length that a client counts, in characters.
fn characters(escaped: Option<&str>) -> usize {
    Text::from_escaped(escaped.unwrap_or_default()).plain().chars().count()
}
