//! The text in an answer of Responses: its events, or all of it.

use super::blocks::{BlockNumbers, Place, PlaceKind};
use super::{TextKind, TextSink, told_error};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The item whose text was told last: the end of such an item tells nothing new.
#[derive(Debug, Default)]
pub(super) struct Argued(Option<u64>);

#[derive(Deserialize)]
struct ResponseEvent<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    output_index: u64,
    #[serde(default)]
    content_index: u64,
    #[serde(default)]
    summary_index: u64,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ResponseBody<'a> {
    #[serde(borrow, default)]
    output: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    call_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(borrow, default)]
    action: Option<&'a RawValue>,
    #[serde(borrow, default)]
    operation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Option<Vec<ItemPart<'a>>>,
    #[serde(borrow, default)]
    summary: Option<Vec<ItemPart<'a>>>,
}

#[derive(Deserialize)]
struct ItemPart<'a> {
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refusal: Option<&'a RawValue>,
}

/// Tells the text of one event.
pub(super) fn event(argued: &mut Argued, blocks: &mut BlockNumbers, data: &str, to: &mut TextSink<'_>) {
    let Ok(event) = serde_json::from_str::<ResponseEvent<'_>>(data) else { return };
    let index = event.output_index;
    let (kind, place, part) = match &*event.kind {
        "response.output_text.delta" | "response.refusal.delta" => {
            (TextKind::Content, PlaceKind::Content, event.content_index)
        }
        "response.reasoning_text.delta" => (TextKind::Reasoning, PlaceKind::Reasoning, event.content_index),
        "response.reasoning_summary_text.delta" => (TextKind::Reasoning, PlaceKind::Reasoning, event.summary_index),
        "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
            (TextKind::CallArguments, PlaceKind::Call, 0)
        }
        "response.output_item.added" => return begin(blocks, index, event.item, to),
        "response.output_item.done" if argued.0 != Some(index) => return arguments(blocks, index, event.item, to),
        "response.failed" => {
            if let Some(response) = event.response {
                told_error(blocks, response.get(), to);
            }
            return;
        }
        "error" => return told_error(blocks, data, to),
        _ => return,
    };
    argued.0 = Some(index);
    blocks.tell(Place { index, part, kind: place }, kind, event.delta, to);
}

/// Tells the text of a whole answer.
pub(super) fn whole(blocks: &mut BlockNumbers, json: &str, to: &mut TextSink<'_>) {
    let Ok(response) = serde_json::from_str::<ResponseBody<'_>>(json) else { return };
    for (index, raw) in (0..).zip(response.output) {
        let Ok(item) = serde_json::from_str::<Item<'_>>(raw.get()) else { continue };
        for (part, summary) in (0..).zip(item.summary.iter().flatten()) {
            let place = Place { index, part, kind: PlaceKind::Reasoning };
            blocks.tell(place, TextKind::Reasoning, summary.text, to);
        }
        for (part, content) in (0..).zip(item.content.iter().flatten()) {
            let (kind, place) = match &*item.kind {
                "reasoning" => (TextKind::Reasoning, PlaceKind::Reasoning),
                _ => (TextKind::Content, PlaceKind::Content),
            };
            let text = content.text.or(content.refusal);
            blocks.tell(Place { index, part, kind: place }, kind, text, to);
        }
        begin(blocks, index, Some(raw), to);
        arguments(blocks, index, Some(raw), to);
    }
}

/// Tells whose call an item is, if it is one.
fn begin(blocks: &mut BlockNumbers, index: u64, item: Option<&RawValue>, to: &mut TextSink<'_>) {
    let Some(Ok(item)) = item.map(|item| serde_json::from_str::<Item<'_>>(item.get())) else { return };
    if item.kind.ends_with("_call") {
        let place = Place { index, part: 0, kind: PlaceKind::Call };
        blocks.tell(place, TextKind::CallId, item.call_id, to);
        blocks.tell(place, TextKind::CallName, item.name, to);
    }
}

/// Tells the arguments of a call that are whole.
fn arguments(blocks: &mut BlockNumbers, index: u64, item: Option<&RawValue>, to: &mut TextSink<'_>) {
    let Some(Ok(item)) = item.map(|item| serde_json::from_str::<Item<'_>>(item.get())) else { return };
    if item.kind.ends_with("_call") {
        let place = Place { index, part: 0, kind: PlaceKind::Call };
        let words = item.arguments.or(item.input);
        match words.filter(|words| words.get().starts_with('"')) {
            Some(words) => blocks.tell(place, TextKind::CallArguments, Some(words), to),
            None => blocks.tell_value(place, words.or(item.action).or(item.operation), to),
        }
    }
}
