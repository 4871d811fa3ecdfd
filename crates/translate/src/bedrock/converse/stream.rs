//! ConverseStream's events, understood.
//!
//! Source: Bedrock's API reference, `ConverseStreamOutput`. Two things are not as that page has them: text and
//! reasoning blocks begin without a `contentBlockStart`, and every payload carries a padding member `p`.

pub(in crate::bedrock) mod fast_delta;

use super::citation::citation;
use super::error;
use super::own_answer::OwnAnswer;
use super::response::{self, string};
use super::seal::Seals;
use super::usage::TokenUsage;
use crate::catalogue::UsageInput;
use crate::fault::{Fault, Misbehaviour};
use crate::model::delta::{Delta, Event};
use crate::model::raw::Raw;
use crate::model::response::Usage;
use crate::wire::eventstream::{Frame, Kind};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// The reader of one streamed answer.
#[derive(Debug, Default)]
pub struct Reader {
    seals: Seals,
    /// The blocks in which a tool runs on Bedrock's side: the client has no part in them.
    server_side: BTreeSet<u32>,
    reasoning_tokens: Option<u64>,
    usage_input: UsageInput,
    stopped: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockDelta<'a> {
    content_block_index: u32,
    #[serde(borrow, default)]
    delta: DeltaUnion<'a>,
}

/// A union: exactly one member is there. Texts stay as they came.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct DeltaUnion<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<ReasoningDelta<'a>>,
    #[serde(borrow)]
    tool_use: Option<ToolUseDelta<'a>>,
    #[serde(borrow)]
    citation: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReasoningDelta<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    signature: Option<&'a RawValue>,
    #[serde(borrow)]
    redacted_content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ToolUseDelta<'a> {
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockStart<'a> {
    content_block_index: u32,
    #[serde(borrow, default)]
    start: StartUnion<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct StartUnion<'a> {
    #[serde(borrow)]
    tool_use: Option<ToolUseStart<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUseStart<'a> {
    #[serde(borrow)]
    tool_use_id: &'a RawValue,
    #[serde(borrow)]
    name: &'a RawValue,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockStop {
    content_block_index: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageStop<'a> {
    #[serde(borrow)]
    stop_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    additional_model_response_fields: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetadataEvent<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    service_tier: Option<&'a RawValue>,
    #[serde(borrow)]
    trace: Option<&'a RawValue>,
}

impl Reader {
    /// The reader of an answer whose usage counts the input so.
    #[must_use]
    pub fn counting(usage_input: UsageInput) -> Self {
        Self { usage_input, ..Self::default() }
    }

    /// The block and the increment of a frame that is a delta in its usual shape, as nearly every frame is: what
    /// [`Self::event`] would say.
    #[must_use]
    #[inline]
    pub fn fast_delta<'a>(&self, frame: &Frame<'a>) -> Option<(u32, Delta<'a>)> {
        let (index, delta) =
            fast_delta::delta(frame.payload).filter(|_| frame.kind == Kind::Event("contentBlockDelta"))?;
        let ours = !matches!(delta, Delta::ToolInput(_)) || !self.server_side.contains(&index);
        Some((index, if ours { delta } else { Delta::Unknown }))
    }

    /// Reads the event of one frame.
    ///
    /// # Errors
    ///
    /// An exception frame is Bedrock's refusal; a payload that is not the JSON it must be is its misbehaviour.
    pub fn event<'a>(&mut self, frame: &Frame<'a>) -> Result<Event<'a>, Fault> {
        match frame.kind {
            Kind::Event("contentBlockDelta") => self.delta(frame.payload),
            Kind::Event("contentBlockStart") => self.start(frame.payload),
            Kind::Event("contentBlockStop") => {
                let BlockStop { content_block_index: index } = read(frame.payload)?;
                Ok(Event::BlockStop { index: index.into(), seal: self.seals.take(index), goes_on: false })
            }
            Kind::Event("messageStart") => Ok(Event::Start),
            Kind::Event("messageStop") => self.stop(frame.payload),
            Kind::Event("metadata") => self.metadata(frame.payload),
            Kind::Event(_) => Ok(Event::Unknown),
            Kind::Exception(name) => Err(error::exception(name, frame.payload)),
            Kind::Error { code, message } => Err(error::stream_error(code, message)),
        }
    }

    /// The stream ended, as HTTP says it should.
    ///
    /// # Errors
    ///
    /// Without a `messageStop` the answer is not whole, however cleanly the connection closed.
    pub fn finish(&self) -> Result<(), Fault> {
        if self.stopped { Ok(()) } else { Err(Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly)) }
    }

    /// Whether `messageStop` came.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    fn delta<'a>(&mut self, payload: &'a [u8]) -> Result<Event<'a>, Fault> {
        let BlockDelta { content_block_index: index, delta: union } = read(payload)?;
        let delta = if let Some(raw) = union.text {
            Delta::Text(string(raw)?)
        } else if let Some(reasoning) = union.reasoning_content {
            self.reasoning(index, &reasoning)?
        } else if let Some(tool) = union.tool_use {
            match tool.input {
                Some(input) if !self.server_side.contains(&index) => Delta::ToolInput(string(input)?),
                _ => Delta::Unknown,
            }
        } else if let Some(told) = union.citation {
            citation(told).map_or(Delta::Unknown, Delta::Citation)
        } else {
            Delta::Unknown
        };
        Ok(Event::Delta { index: index.into(), delta })
    }

    fn reasoning<'a>(&mut self, index: u32, reasoning: &ReasoningDelta<'a>) -> Result<Delta<'a>, Fault> {
        if let Some(raw) = reasoning.text {
            Ok(Delta::Reasoning(string(raw)?))
        } else if let Some(raw) = reasoning.signature {
            let piece = string(raw)?;
            self.seals.signature(index, &piece)?;
            Ok(Delta::SealPiece(piece.as_escaped().len()))
        } else if let Some(raw) = reasoning.redacted_content {
            let piece = string(raw)?;
            self.seals.redacted(index, &piece)?;
            Ok(Delta::SealPiece(piece.as_escaped().len()))
        } else {
            Ok(Delta::Unknown)
        }
    }

    /// The end of a block that the model's stop ended without an event of its own, as GPT's reasoning does; asked for
    /// until there is none.
    pub fn unended(&mut self) -> Option<Event<'static>> {
        let index = self.seals.any().filter(|_| self.stopped)?;
        Some(Event::BlockStop { index: index.into(), seal: self.seals.take(index), goes_on: false })
    }

    /// The end of a block that the start of a later block in this frame ended without an event of its own: the seal stands
    /// before the call; asked for until there is none.
    pub fn overtaken(&mut self, frame: &Frame<'_>) -> Option<Event<'static>> {
        let open = self.seals.any()?;
        if frame.kind != Kind::Event("contentBlockStart") {
            return None;
        }
        let BlockStop { content_block_index: index } = read(frame.payload).ok()?;
        (open < index).then(|| Event::BlockStop { index: open.into(), seal: self.seals.take(open), goes_on: false })
    }

    fn start<'a>(&mut self, payload: &'a [u8]) -> Result<Event<'a>, Fault> {
        let BlockStart { content_block_index: index, start } = read(payload)?;
        let delta = match start.tool_use {
            Some(tool) if !response::is_server_side(tool.kind) => {
                Delta::ToolUse { id: string(tool.tool_use_id)?, name: string(tool.name)? }
            }
            Some(_) => {
                self.server_side.insert(index);
                Delta::Unknown
            }
            None => Delta::Unknown,
        };
        Ok(Event::Delta { index: index.into(), delta })
    }

    fn stop<'a>(&mut self, payload: &'a [u8]) -> Result<Event<'a>, Fault> {
        let stop: MessageStop<'a> = read(payload)?;
        self.stopped = true;
        let own = OwnAnswer::read(stop.additional_model_response_fields);
        self.reasoning_tokens = own.reasoning_tokens();
        Ok(Event::Stop(own.stop_at(response::stop_reason(stop.stop_reason))))
    }

    fn metadata<'a>(&self, payload: &'a [u8]) -> Result<Event<'a>, Fault> {
        let metadata: MetadataEvent<'a> = read(payload)?;
        let service_tier = response::service_tier(metadata.service_tier);
        let usage = TokenUsage::of_stream(metadata.usage, self.reasoning_tokens, self.usage_input);
        Ok(Event::Metadata {
            usage: usage.map(|usage| Usage { tier: response::known_tier(service_tier.as_ref()), ..usage }),
            service_tier,
            trace: metadata.trace.map(Raw::from),
        })
    }
}

fn read<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, Fault> {
    let text = std::str::from_utf8(payload).map_err(|error| response::not_json(&error))?;
    serde_json::from_str(text).map_err(|error| response::not_json(&response::place(&error)))
}
