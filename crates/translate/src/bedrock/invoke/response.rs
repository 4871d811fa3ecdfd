//! Claude's whole answer, understood: Anthropic's `Message`.

use super::citation::citation;
use super::usage::TokenUsage;
use crate::bedrock::converse::response::{not_json, optional_text, place, stop_reason, string};
use crate::fault::Fault;
use crate::model::issuer::Issuer;
use crate::model::request::Block;
use crate::model::response::{Response, StopReason};
use crate::model::text::Text;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Vec<&'a RawValue>,
    #[serde(borrow)]
    stop_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    stop_sequence: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// A block of any type: each has some of these members.
#[derive(Deserialize)]
pub(super) struct ContentBlock<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: &'a RawValue,
    #[serde(borrow)]
    pub(super) text: Option<&'a RawValue>,
    #[serde(borrow)]
    citations: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) signature: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) name: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

/// Reads a whole answer.
///
/// # Errors
///
/// A body that is not the JSON of a `Message` is Bedrock's misbehaviour.
pub fn read(body: &[u8]) -> Result<Response<'_>, Fault> {
    let text = std::str::from_utf8(body).map_err(|error| not_json(&error))?;
    let message: Message<'_> = json(text)?;
    let mut content = Vec::with_capacity(message.content.len());
    for raw in message.content {
        content.extend(block(json(raw.get())?)?);
    }
    Ok(Response {
        content,
        stop: stop(message.stop_reason, message.stop_sequence),
        usage: TokenUsage::read(message.usage).unwrap_or_default().counts(),
        service_tier: None,
        trace: None,
    })
}

/// The reason why the model stopped, with the stop sequence that it came to.
pub(super) fn stop<'a>(reason: Option<&'a RawValue>, sequence: Option<&'a RawValue>) -> StopReason<'a> {
    let stop = stop_reason(reason);
    if stop == StopReason::StopSequence(None) { StopReason::StopSequence(optional_text(sequence)) } else { stop }
}

/// Reads a part of an answer.
pub(super) fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| not_json(&place(&error)))
}

/// A block of the answer; `None` for one of no use to any dialect.
fn block(block: ContentBlock<'_>) -> Result<Option<Block<'_>>, Fault> {
    let text = |raw: Option<_>| raw.map(string).transpose().map(Option::unwrap_or_default);
    let issuer = Issuer::default();
    Ok(Some(match string(block.kind)?.as_escaped() {
        "text" => {
            let said = text(block.text)?;
            let citations: Vec<_> = block.citations.into_iter().flatten().filter_map(citation).collect();
            if citations.is_empty() { Block::Text(said) } else { Block::Cited { text: said, citations } }
        }
        "thinking" => {
            let signature = text(block.signature)?;
            let signature = Some(signature).filter(|signature| !signature.is_empty());
            Block::Reasoning { text: text(block.thinking)?, signature, issuer }
        }
        "redacted_thinking" => Block::Redacted { data: text(block.data)?, issuer },
        "tool_use" => Block::ToolUse {
            id: text(block.id)?,
            name: Cow::Owned(text(block.name)?.plain().into_owned()),
            input: block.input.unwrap_or(RawValue::NULL).into(),
        },
        _ => return Ok(None),
    }))
}

/// The type and the message of an `error` in Anthropic's shape.
pub(super) fn error_of(raw: Option<&RawValue>) -> (String, String) {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Told {
        #[serde(rename = "type")]
        kind: String,
        message: String,
    }
    let told: Told = raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    (told.kind, told.message)
}

/// A text without anything in it is none.
pub(super) fn filled(raw: Option<&RawValue>) -> Option<Text<'_>> {
    optional_text(raw).filter(|text| !text.is_empty())
}
