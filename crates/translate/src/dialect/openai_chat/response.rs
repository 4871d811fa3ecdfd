//! A whole answer, said as a Chat Completions object.
//!
//! Source: OpenAI's API reference, `chat.completion`; the reasoning fields are the same as in the stream.

use super::stream::thought::{Marks, placeholder_detail};
use super::{Details, Style, id, usage};
use crate::dialect::Envelope;
use crate::fault::Fault;
use crate::model::call_id;
use crate::model::raw::Raw;
use crate::model::request::{Block, Citation};
use crate::model::response::{Finish, Response};
use crate::model::text::Text;
use std::fmt::Write as _;

/// The content of an answer, gathered by the member that it goes to.
struct Gathered<'r> {
    style: &'r Style,
    envelope: &'r Envelope<'r>,
    content: String,
    /// The bytes of the content that were counted already, and their number of characters.
    counted_to: usize,
    counted: usize,
    reasoning: String,
    details: Vec<String>,
    blocks: Vec<String>,
    calls: Vec<Call<'r>>,
    annotations: Vec<String>,
}

struct Call<'r> {
    id: Text<'r>,
    name: Text<'r>,
    arguments: Text<'r>,
}

/// The body, and what the answer ended with. `places` counts the blocks as Bedrock did, and `restore` gives a tool's name
/// back as the client knows it.
///
/// # Errors
///
/// When the model's stop reason is that its output is malformed.
pub fn write(
    response: &Response<'_>,
    places: &[u32],
    envelope: &Envelope<'_>,
    style: &Style,
    restore: &dyn Fn(&str) -> String,
) -> Result<(String, Finish), Fault> {
    let mut gathered = Gathered::new(envelope, style);
    for (place, block) in places.iter().zip(&response.content) {
        gathered.take(*place, block, restore);
    }
    let finish = Finish::of(response.stop.clone(), !gathered.calls.is_empty())?;
    let reason = style.finish_reason(&finish);
    let (id, created, model) = (id(envelope.id), envelope.created, envelope.model.as_escaped());
    let mut out = String::with_capacity(gathered.length() + model.len() + 512);
    // Writing to a string cannot fail.
    let _ = write!(out, r#"{{"id":"{id}","object":"chat.completion","created":{created},"model":"{model}""#);
    out.push_str(r#","choices":[{"index":0,"message":"#);
    gathered.write(&mut out);
    let _ = write!(out, r#","logprobs":null,"finish_reason":"{reason}"}}]"#);
    if let Some(tier) = &response.service_tier {
        let _ = write!(out, r#","service_tier":"{}""#, tier.as_escaped());
    }
    if let (true, Some(trace)) = (style.trace, &response.trace) {
        trace_of(trace, &mut out);
    }
    out.push_str(r#","usage":"#);
    usage::write(&mut out, &response.usage, style.cost(&response.usage));
    out.push('}');
    Ok((out, finish))
}

impl<'r> Gathered<'r> {
    fn new(envelope: &'r Envelope<'r>, style: &'r Style) -> Self {
        Self {
            style,
            envelope,
            content: String::new(),
            counted_to: 0,
            counted: 0,
            reasoning: String::new(),
            details: Vec::new(),
            blocks: Vec::new(),
            calls: Vec::new(),
            annotations: Vec::new(),
        }
    }

    fn take(&mut self, index: u32, block: &'r Block<'_>, restore: &dyn Fn(&str) -> String) {
        match block {
            Block::Text(text) => self.content.push_str(text.as_escaped()),
            Block::Cited { text, citations } => {
                let start = self.counted + characters(self.content.get(self.counted_to..));
                self.content.push_str(text.as_escaped());
                let range = (start, start + characters(Some(text.as_escaped())));
                (self.counted_to, self.counted) = (self.content.len(), range.1);
                self.annotations.extend(citations.iter().filter_map(|source| annotation(source, Some(range))));
            }
            Block::Reasoning { text, .. } if self.style.placeholder.as_deref() == Some(text.as_escaped()) => {
                let item = placeholder_detail(self.style.on_placeholder, text.as_escaped())
                    .filter(|_| !self.style.exclude_reasoning);
                self.details.extend(item.map(|item| self.detail(index, &item)));
            }
            Block::Reasoning { text, signature, .. } => self.reasoning(index, text, signature.as_ref()),
            Block::Redacted { data, .. } => {
                let data = data.as_escaped();
                self.details.push(self.detail(index, &format!(r#""type":"reasoning.encrypted","data":"{data}""#)));
                self.blocks.push(format!(r#"{{"type":"redacted_thinking","data":"{data}","index":{index}}}"#));
            }
            Block::ToolUse { id, name, input } => self.calls.push(Call {
                id: call_id::shown(id),
                name: Text::from_plain(restore(name)),
                arguments: Text::from_plain(if input.as_json() == "null" { "{}" } else { input.as_json() }),
            }),
            Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. }
            | Block::CachePoint(_) => {}
        }
    }

    /// A signature is worth nothing without the text it signs: where that is not shown, neither is.
    fn reasoning(&mut self, index: u32, text: &Text<'_>, signature: Option<&Text<'_>>) {
        let text = text.as_escaped();
        if self.style.exclude_reasoning && !text.is_empty() || text.is_empty() && signature.is_none() {
            return;
        }
        self.reasoning.push_str(text);
        if self.style.shown.think_tags && !text.is_empty() {
            let _ = write!(self.content, "<think>{text}</think>");
        }
        let signature = signature.map(Text::as_escaped);
        let sealed = signature.map(|signature| format!(r#","signature":"{signature}""#)).unwrap_or_default();
        // Where a stream's client puts the text together itself, here it is whole already.
        if self.style.shown.details == Details::Full || signature.is_some() {
            let shown = if text.is_empty() { String::new() } else { format!(r#","text":"{text}""#) };
            self.details.push(self.detail(index, &format!(r#""type":"reasoning.text"{shown}{sealed}"#)));
        }
        self.blocks.push(format!(r#"{{"type":"thinking","thinking":"{text}"{sealed},"index":{index}}}"#));
    }

    fn detail(&self, index: u32, item: &str) -> String {
        // Most answers have no reasoning, and need none of this.
        format!("{{{item}{}", Marks::new(self.envelope, self.style).item(index))
    }

    /// About as long will it be, written.
    fn length(&self) -> usize {
        let lists: usize = self.details.iter().chain(&self.blocks).chain(&self.annotations).map(String::len).sum();
        let calls: usize = self.calls.iter().map(|call| call.arguments.as_escaped().len() + 128).sum();
        self.content.len() + 2 * self.reasoning.len() + lists + calls
    }

    fn write(&self, out: &mut String) {
        out.push_str(r#"{"role":"assistant","content":"#);
        if self.content.is_empty() && !self.calls.is_empty() {
            out.push_str("null");
        } else {
            let _ = write!(out, r#""{}""#, self.content);
        }
        out.push_str(r#","refusal":null"#);
        let shown = self.style.shown;
        for (name, wanted) in [("reasoning", shown.reasoning), ("reasoning_content", shown.reasoning_content)] {
            if wanted && !self.reasoning.is_empty() {
                let _ = write!(out, r#","{name}":"{}""#, self.reasoning);
            }
        }
        let lists = [
            ("reasoning_details", shown.details != Details::None, &self.details),
            ("thinking_blocks", shown.thinking_blocks, &self.blocks),
        ];
        for (name, wanted, items) in lists {
            if wanted && !items.is_empty() {
                let _ = write!(out, r#","{name}":[{}]"#, items.join(","));
            }
        }
        if !self.annotations.is_empty() {
            let _ = write!(out, r#","annotations":[{}]"#, self.annotations.join(","));
        }
        self.write_calls(out);
        out.push('}');
    }

    fn write_calls(&self, out: &mut String) {
        let function = |call: &Call<'_>| {
            format!(r#"{{"name":"{}","arguments":"{}"}}"#, call.name.as_escaped(), call.arguments.as_escaped())
        };
        match self.calls.as_slice() {
            [] => {}
            [first, ..] if self.style.legacy_functions => {
                let _ = write!(out, r#","function_call":{}"#, function(first));
            }
            calls => {
                let written = calls.iter().map(|call| {
                    format!(r#"{{"id":"{}","type":"function","function":{}}}"#, call.id.as_escaped(), function(call))
                });
                let _ = write!(out, r#","tool_calls":[{}]"#, written.collect::<Vec<_>>().join(","));
            }
        }
    }
}

/// Writes the guardrail's trace, in the member that LiteLLM has for it too. In one line, as events must be.
pub(super) fn trace_of(trace: &Raw<'_>, out: &mut String) {
    out.push_str(r#","trace":"#);
    out.extend(trace.as_json().split(['\n', '\r']));
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
