//! Converse's whole answer, understood; and what it shares with the stream.

use super::citation::citation;
use super::own_answer::OwnAnswer;
use super::usage::TokenUsage;
use crate::fault::{Fault, Misbehaviour};
use crate::model::issuer::Issuer;
use crate::model::raw::Raw;
use crate::model::request::Block;
use crate::model::response::{Response, ServiceTier, StopReason, Usage};
use crate::model::text::Text;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConverseResponse<'a> {
    #[serde(borrow)]
    output: Output<'a>,
    #[serde(borrow)]
    stop_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    additional_model_response_fields: Option<&'a RawValue>,
    #[serde(borrow)]
    service_tier: Option<&'a RawValue>,
    #[serde(borrow)]
    trace: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    message: Message<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Vec<ContentBlock<'a>>,
}

/// A union: exactly one member is there; members that are newer than this gateway leave all of these empty.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContentBlock<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<ReasoningContent<'a>>,
    #[serde(borrow)]
    tool_use: Option<ToolUse<'a>>,
    #[serde(borrow)]
    citations_content: Option<CitationsContent<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReasoningContent<'a> {
    #[serde(borrow)]
    reasoning_text: Option<ReasoningText<'a>>,
    #[serde(borrow)]
    redacted_content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ReasoningText<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    signature: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse<'a> {
    #[serde(borrow)]
    tool_use_id: &'a RawValue,
    #[serde(borrow)]
    name: &'a RawValue,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct CitationsContent<'a> {
    #[serde(borrow, default)]
    content: Vec<Cited<'a>>,
    #[serde(borrow, default)]
    citations: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Cited<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

/// Reads a whole answer.
///
/// # Errors
///
/// A body that is not the JSON of a `ConverseResponse` is Bedrock's misbehaviour.
pub fn read(body: &[u8]) -> Result<Response<'_>, Fault> {
    let text = std::str::from_utf8(body).map_err(|error| not_json(&error))?;
    let answer: ConverseResponse<'_> = serde_json::from_str(text).map_err(|error| not_json(&place(&error)))?;
    let mut content = Vec::with_capacity(answer.output.message.content.len());
    for block in answer.output.message.content {
        read_block(block, &mut content)?;
    }
    let own = OwnAnswer::read(answer.additional_model_response_fields);
    let reasoning = own.reasoning_tokens();
    let service_tier = service_tier(answer.service_tier);
    let usage = TokenUsage::of_whole(answer.usage, reasoning).unwrap_or_default();
    Ok(Response {
        content,
        stop: own.stop_at(stop_reason(answer.stop_reason)),
        usage: Usage { tier: known_tier(service_tier.as_ref()), ..usage },
        service_tier,
        trace: answer.trace.map(Raw::from),
    })
}

fn read_block<'a>(block: ContentBlock<'a>, content: &mut Vec<Block<'a>>) -> Result<(), Fault> {
    if let Some(raw) = block.text {
        content.push(Block::Text(string(raw)?));
    } else if let Some(reasoning) = block.reasoning_content {
        content.extend(read_reasoning(&reasoning)?);
    } else if let Some(tool) = block.tool_use {
        if !is_server_side(tool.kind) {
            content.push(read_tool_use(&tool)?);
        }
    } else if let Some(cited) = block.citations_content {
        content.push(read_cited(&cited)?);
    }
    Ok(())
}

fn read_reasoning<'a>(reasoning: &ReasoningContent<'a>) -> Result<Option<Block<'a>>, Fault> {
    if let Some(raw) = reasoning.redacted_content {
        return Ok(Some(Block::Redacted { data: string(raw)?, issuer: Issuer::default() }));
    }
    let Some(readable) = &reasoning.reasoning_text else { return Ok(None) };
    let text = readable.text.map(string).transpose()?.unwrap_or_default();
    let signature = readable.signature.map(string).transpose()?.filter(|signature| !signature.is_empty());
    Ok(Some(Block::Reasoning { text, signature, issuer: Issuer::default() }))
}

fn read_tool_use<'a>(tool: &ToolUse<'a>) -> Result<Block<'a>, Fault> {
    let name = string(tool.name)?;
    Ok(Block::ToolUse {
        id: string(tool.tool_use_id)?,
        name: Cow::Owned(name.plain().into_owned()),
        input: tool.input.unwrap_or(RawValue::NULL).into(),
    })
}

fn read_cited<'a>(cited: &CitationsContent<'a>) -> Result<Block<'a>, Fault> {
    let citations = cited.citations.iter().copied().filter_map(citation).collect();
    let pieces: Vec<Text<'a>> =
        cited.content.iter().filter_map(|piece| piece.text).map(string).collect::<Result<_, _>>()?;
    let text = match <[Text<'a>; 1]>::try_from(pieces) {
        Ok([text]) => text,
        Err(pieces) => Text::from_escaped(pieces.iter().map(Text::as_escaped).collect::<String>()),
    };
    Ok(Block::Cited { text, citations })
}

/// A tool that Bedrock runs itself; other words in `type` have been seen on ordinary calls.
pub(super) fn is_server_side(kind: Option<&RawValue>) -> bool {
    kind.is_some_and(|kind| kind.get() == r#""server_tool_use""#)
}

/// The stop reason; none at all counts as an unknown one.
pub(in crate::bedrock) fn stop_reason(raw: Option<&RawValue>) -> StopReason<'_> {
    let text = raw.and_then(Text::from_raw).unwrap_or_default();
    match text.as_escaped() {
        "end_turn" => StopReason::EndTurn,
        "stop_sequence" => StopReason::StopSequence(None),
        "max_tokens" => StopReason::MaxTokens,
        "tool_use" => StopReason::ToolUse,
        "guardrail_intervened" => StopReason::GuardrailIntervened,
        "content_filtered" => StopReason::ContentFiltered,
        // Claude's own word.
        "refusal" => StopReason::Refused,
        "model_context_window_exceeded" => StopReason::ContextWindowExceeded,
        word if word.starts_with("malformed_") => StopReason::Malformed(Cow::Owned(word.to_owned())),
        word => StopReason::Other(Cow::Owned(word.to_owned())),
    }
}

/// The `type` of a `serviceTier`.
pub(super) fn service_tier(raw: Option<&RawValue>) -> Option<Text<'_>> {
    #[derive(Deserialize)]
    struct Tier<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<&'a RawValue>,
    }
    let tier: Tier<'_> = serde_json::from_str(raw?.get()).ok()?;
    Text::from_raw(tier.kind?)
}

/// A tier as one that is known.
pub(super) fn known_tier(told: Option<&Text<'_>>) -> Option<ServiceTier> {
    told.map(|word| ServiceTier::named(&word.plain()))
}

pub(in crate::bedrock) fn not_json(what: &dyn fmt::Display) -> Fault {
    Fault::UpstreamMisbehaved(Misbehaviour::Json(what.to_string()))
}

/// The place and kind of a JSON error, without the library's message, which may quote content.
pub(in crate::bedrock) fn place(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "a member is missing or has the wrong type",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is not JSON",
    };
    format!("{kind} (line {}, column {})", error.line(), error.column())
}

/// A string where there is one; nothing of other values.
pub(in crate::bedrock) fn optional_text(raw: Option<&RawValue>) -> Option<Text<'_>> {
    raw.and_then(Text::from_raw)
}

pub(in crate::bedrock) fn string(raw: &RawValue) -> Result<Text<'_>, Fault> {
    Text::from_raw(raw).ok_or_else(|| not_json(&"a string was expected"))
}
