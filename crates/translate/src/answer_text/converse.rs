//! The text in an answer of Converse: its events, or all of it.

use super::blocks::{BlockNumbers, Place, PlaceKind};
use super::{TextKind, TextSink};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockEvent<'a> {
    content_block_index: u64,
    #[serde(borrow, default)]
    start: Option<Part<'a>>,
    #[serde(borrow, default)]
    delta: Option<Part<'a>>,
}

#[derive(Deserialize)]
struct ConverseBody<'a> {
    #[serde(borrow)]
    output: OutputUnion<'a>,
}

#[derive(Deserialize)]
struct OutputUnion<'a> {
    #[serde(borrow)]
    message: ConverseMessage<'a>,
}

#[derive(Deserialize)]
struct ConverseMessage<'a> {
    #[serde(borrow)]
    content: Vec<Part<'a>>,
}

/// A block, its beginning or a delta of one: exactly one member is there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning_content: Option<Thought<'a>>,
    #[serde(borrow, default)]
    tool_use: Option<ToolUse<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thought<'a> {
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning_text: Option<ThoughtText<'a>>,
}

#[derive(Deserialize)]
struct ThoughtText<'a> {
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse<'a> {
    #[serde(borrow, default)]
    tool_use_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

/// Tells the text of one event of this type.
pub(super) fn event(blocks: &mut BlockNumbers, name: &str, payload: &str, to: &mut TextSink<'_>) {
    if !matches!(name, "contentBlockStart" | "contentBlockDelta") {
        return;
    }
    let Ok(event) = serde_json::from_str::<BlockEvent<'_>>(payload) else { return };
    if let Some(part) = event.start.or(event.delta) {
        tell(blocks, event.content_block_index, &part, to);
    }
}

/// Tells the text of a whole answer.
pub(super) fn whole(blocks: &mut BlockNumbers, json: &str, to: &mut TextSink<'_>) {
    let Ok(body) = serde_json::from_str::<ConverseBody<'_>>(json) else { return };
    for (index, part) in (0..).zip(&body.output.message.content) {
        tell(blocks, index, part, to);
    }
}

fn tell(blocks: &mut BlockNumbers, index: u64, part: &Part<'_>, to: &mut TextSink<'_>) {
    let at = |kind| Place { index, part: 0, kind };
    blocks.tell(at(PlaceKind::Content), TextKind::Content, part.text, to);
    if let Some(thought) = &part.reasoning_content {
        let whole = thought.reasoning_text.as_ref().and_then(|thought| thought.text);
        let text = thought.text.or(whole);
        blocks.tell(at(PlaceKind::Reasoning), TextKind::Reasoning, text, to);
    }
    if let Some(call) = &part.tool_use {
        let place = at(PlaceKind::Call);
        blocks.tell(place, TextKind::CallId, call.tool_use_id, to);
        blocks.tell(place, TextKind::CallName, call.name, to);
        match call.input.filter(|input| input.get().starts_with('"')) {
            // A stream tells a call's input as pieces of its JSON.
            Some(piece) => blocks.tell(place, TextKind::CallArguments, Some(piece), to),
            None => blocks.tell_value(place, call.input, to),
        }
    }
}
