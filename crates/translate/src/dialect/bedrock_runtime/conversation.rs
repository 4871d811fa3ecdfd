//! The conversation of a Converse request, read as far as it tells which turn is to be remembered: what people, tools and
//! the model said. The request itself goes on unread.

use crate::model::issuer::Issuer;
use crate::model::request::{Block, MediaSource, Message, Request, Role};
use crate::model::text::Text;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
struct ConverseRequest<'a> {
    #[serde(borrow, default)]
    messages: Vec<WireMessage<'a>>,
    #[serde(borrow, default)]
    system: Vec<WireBlock<'a>>,
}

#[derive(Deserialize)]
struct WireMessage<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Vec<WireBlock<'a>>,
}

/// A union: exactly one member is there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBlock<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    json: Option<&'a RawValue>,
    #[serde(borrow)]
    image: Option<WireMedia<'a>>,
    #[serde(borrow)]
    document: Option<WireMedia<'a>>,
    #[serde(borrow)]
    audio: Option<WireMedia<'a>>,
    #[serde(borrow)]
    tool_use: Option<WireCall<'a>>,
    #[serde(borrow)]
    tool_result: Option<WireResult<'a>>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireMedia<'a> {
    #[serde(borrow)]
    source: WireSource<'a>,
}

#[derive(Deserialize)]
struct WireSource<'a> {
    #[serde(borrow)]
    bytes: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCall<'a> {
    #[serde(borrow)]
    tool_use_id: &'a RawValue,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    input: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireResult<'a> {
    #[serde(borrow)]
    tool_use_id: &'a RawValue,
    #[serde(borrow, default)]
    content: Vec<WireBlock<'a>>,
}

/// Reads the conversation of a request; `None` when it is none that Bedrock would take.
#[must_use]
pub fn read(body: &[u8]) -> Option<Request<'_>> {
    // A list would count as an object whose members it holds.
    let body = body.trim_ascii_start().strip_prefix(b"{").map(|_| body)?;
    let request: ConverseRequest<'_> = serde_json::from_slice(body).ok()?;
    let mut messages = Vec::with_capacity(request.messages.len());
    for (position, message) in request.messages.into_iter().enumerate() {
        let role = match message.role.as_ref() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return None,
        };
        let content = message.content.into_iter().filter_map(block).collect();
        messages.push(Message { role, content, position, unreasoned: false });
    }
    let system = request.system.into_iter().filter_map(block).collect();
    Some(Request { size: body.len(), system, messages, ..Request::default() })
}

/// A block, as far as it counts.
fn block(wire: WireBlock<'_>) -> Option<Block<'_>> {
    let WireBlock { text, json, image, document, audio, tool_use, tool_result, reasoning_content } = wire;
    if let Some(text) = text.and_then(Text::from_raw) {
        return Some(Block::Text(text));
    }
    if let Some(json) = json {
        return Some(Block::Text(Text::from_plain(json.get())));
    }
    if let Some(WireCall { tool_use_id, name, input }) = tool_use {
        return Some(Block::ToolUse { id: Text::from_raw(tool_use_id)?, name, input: input.into() });
    }
    if let Some(WireResult { tool_use_id, content }) = tool_result {
        let content = content.into_iter().filter_map(block).collect();
        return Some(Block::ToolResult { id: Text::from_raw(tool_use_id)?, content, failed: false });
    }
    if reasoning_content.is_some() {
        return Some(Block::Redacted { data: Text::default(), issuer: Issuer::default() });
    }
    let medium =
        image.or(audio).and_then(|medium| source(&medium)).map(|source| Block::Image { format: "png", source });
    let document = || {
        let source = document.as_ref().and_then(source)?;
        Some(Block::Document { format: "txt", name: None, source, context: None, citations: false })
    };
    medium.or_else(document)
}

fn source<'a>(medium: &WireMedia<'a>) -> Option<MediaSource<'a>> {
    let bytes = medium.source.bytes.and_then(Text::from_raw).map(MediaSource::Base64);
    bytes.or_else(|| medium.source.text.and_then(Text::from_raw).map(MediaSource::Words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_read_and_the_rest_is_not() {
        let body = br#"{"system":[{"text":"s"},{"cachePoint":{"type":"default"}}],"messages":[
            {"role":"user","content":[{"text":"a"},{"image":{"format":"png","source":{"bytes":"aGk="}}}]},
            {"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"t"}}},
                {"toolUse":{"toolUseId":"t1","name":"f","input":{"a":1}}}]},
            {"role":"user","content":[{"toolResult":{"toolUseId":"t1","content":[{"text":"r"},{"json":{"b":2}}]}}]}],
            "toolConfig":{"tools":[]}}"#;
        let request = read(body).unwrap();
        let counts: Vec<usize> = request.messages.iter().map(|message| message.content.len()).collect();
        assert_eq!((request.system.len(), counts), (1, vec![2, 2, 1]));
        let Some(Block::ToolResult { content, .. }) = request.messages[2].content.first() else { panic!() };
        assert_eq!(content.len(), 2);
        for none in [&b""[..], b"[]", br#"{"messages":[{"role":"x"}]}"#, br#"{"messages":{}}"#] {
            assert!(read(none).is_none());
        }
    }
}
