//! The text in an answer of Anthropic's Messages: its events, which InvokeModel's chunks hold too, or all of it.

use super::blocks::{BlockNumbers, Place, PlaceKind};
use super::{TextKind, TextSink, told_error};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
struct MessageEvent<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    index: u64,
    #[serde(borrow, default)]
    content_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Vec<&'a RawValue>,
}

/// A block, or a delta of one: each has the member of its kind.
#[derive(Deserialize)]
struct BlockBody<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow, default)]
    partial_json: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

/// Tells the text of one event.
pub(super) fn event(blocks: &mut BlockNumbers, data: &str, to: &mut TextSink<'_>) {
    let Ok(event) = serde_json::from_str::<MessageEvent<'_>>(data) else { return };
    match &*event.kind {
        // The input that a call begins with is an empty object, whatever its arguments are.
        "content_block_start" => block(blocks, event.index, event.content_block, false, to),
        "content_block_delta" => block(blocks, event.index, event.delta, false, to),
        "error" => told_error(blocks, data, to),
        _ => {}
    }
}

/// Tells the text of a whole answer.
pub(super) fn whole(blocks: &mut BlockNumbers, json: &str, to: &mut TextSink<'_>) {
    let Ok(message) = serde_json::from_str::<Message<'_>>(json) else { return };
    for (index, body) in (0..).zip(message.content) {
        block(blocks, index, Some(body), true, to);
    }
}

fn block(blocks: &mut BlockNumbers, index: u64, body: Option<&RawValue>, whole: bool, to: &mut TextSink<'_>) {
    let Some(Ok(body)) = body.map(|body| serde_json::from_str::<BlockBody<'_>>(body.get())) else { return };
    let at = |kind| Place { index, part: 0, kind };
    match &*body.kind {
        "text" | "text_delta" => blocks.tell(at(PlaceKind::Content), TextKind::Content, body.text, to),
        "thinking" | "thinking_delta" => {
            blocks.tell(at(PlaceKind::Reasoning), TextKind::Reasoning, body.thinking, to);
        }
        "input_json_delta" => {
            blocks.tell(at(PlaceKind::Call), TextKind::CallArguments, body.partial_json, to);
        }
        "tool_use" | "server_tool_use" | "mcp_tool_use" => {
            blocks.tell(at(PlaceKind::Call), TextKind::CallId, body.id, to);
            blocks.tell(at(PlaceKind::Call), TextKind::CallName, body.name, to);
            blocks.tell_value(at(PlaceKind::Call), body.input.filter(|_| whole), to);
        }
        _ => {}
    }
}
