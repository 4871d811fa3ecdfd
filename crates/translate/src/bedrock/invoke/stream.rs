//! Anthropic's events as InvokeModel streams them, understood.
//!
//! Source: Anthropic's API reference, "Streaming messages"; Bedrock's API reference, `ResponseStream`: each event stands in
//! base64 in a frame `chunk`, and the last one has Bedrock's own counts (`amazon-bedrock-invocationMetrics`) beside it.

mod chunk;
mod fast_delta;

pub use chunk::ChunkBuffer;
pub use fast_delta::{DeltaKind, FastDelta};

use super::citation::citation;
use super::response::{ContentBlock, error_of, filled, json, stop};
use super::usage::TokenUsage;
use crate::bedrock::converse::response::{not_json, string};
use crate::bedrock::converse::seal::Seals;
use crate::fault::{Fault, Misbehaviour, Refusal};
use crate::model::delta::{Delta, Event};
use crate::model::response::Usage;
use crate::model::text::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest name of an event.
const LONGEST_NAME: usize = 64;

/// The reader of one streamed answer.
#[derive(Debug, Default)]
pub struct Reader {
    seals: Seals,
    usage: Option<TokenUsage>,
    stopped: bool,
    over: bool,
}

/// An event of Anthropic's: its name, and what it says.
#[derive(Debug)]
pub struct NamedEvent<'a> {
    /// The name, which stands in the `event` line of server-sent events: letters, digits, `_`, `-` and `.`.
    pub name: Text<'a>,
    /// What it says, in nobody's dialect.
    pub event: Event<'a>,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    kind: &'a RawValue,
    index: Option<u32>,
    #[serde(borrow)]
    message: Option<Started<'a>>,
    #[serde(borrow)]
    content_block: Option<&'a RawValue>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Started<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// A delta of any type: each has some of these members.
#[derive(Deserialize)]
struct BlockDelta<'a> {
    #[serde(borrow, rename = "type")]
    kind: &'a RawValue,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    signature: Option<&'a RawValue>,
    #[serde(borrow)]
    partial_json: Option<&'a RawValue>,
    #[serde(borrow)]
    citation: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct MessageDelta<'a> {
    #[serde(borrow)]
    stop_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    stop_sequence: Option<&'a RawValue>,
}

impl Reader {
    /// Reads one event.
    ///
    /// # Errors
    ///
    /// An event `error` is the model's refusal; what is not the JSON that it must be is Bedrock's misbehaviour.
    pub fn event<'a>(&mut self, event: &'a str) -> Result<NamedEvent<'a>, Fault> {
        let wire: Wire<'a> = json(event)?;
        let name = string(wire.kind)?;
        if !is_name(name.as_escaped()) {
            return Err(not_json(&"its type is no name"));
        }
        let index = || wire.index.ok_or_else(|| not_json(&"a block without an index"));
        let event = match name.as_escaped() {
            "message_start" => {
                self.count(wire.message.and_then(|message| message.usage));
                Event::Start
            }
            "content_block_start" => self.start(index()?, wire.content_block)?,
            "content_block_delta" => self.delta(index()?, wire.delta)?,
            "content_block_stop" => {
                let index = index()?;
                Event::BlockStop { index: index.into(), seal: self.seals.take(index), goes_on: false }
            }
            "message_delta" => self.stop(&wire)?,
            "message_stop" => {
                self.over = true;
                Event::Metadata { usage: self.usage(), service_tier: None, trace: None }
            }
            "error" => return Err(refusal(wire.error)),
            _ => Event::Unknown,
        };
        Ok(NamedEvent { name, event })
    }

    /// The stream ended, as HTTP says it should.
    ///
    /// # Errors
    ///
    /// Without a `message_stop` the answer is not whole, however cleanly the connection closed.
    pub fn finish(&self) -> Result<(), Fault> {
        if self.is_over() { Ok(()) } else { Err(Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly)) }
    }

    /// Whether the model said why it stopped.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// Whether `message_stop` came, behind a stop reason.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over && self.stopped
    }

    /// The token counts so far.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage.map(|usage| usage.counts())
    }

    fn count(&mut self, usage: Option<&RawValue>) {
        if let Some(later) = TokenUsage::read(usage) {
            self.usage = Some(self.usage.unwrap_or_default().and_then(later));
        }
    }

    fn start<'a>(&mut self, index: u32, block: Option<&'a RawValue>) -> Result<Event<'a>, Fault> {
        let block: ContentBlock<'a> = json(block.unwrap_or(RawValue::NULL).get())?;
        let delta = match string(block.kind)?.as_escaped() {
            "text" => filled(block.text).map_or(Delta::Unknown, Delta::Text),
            "thinking" => {
                if let Some(signature) = filled(block.signature) {
                    self.seals.signature(index, &signature)?;
                }
                filled(block.thinking).map_or(Delta::Unknown, Delta::Reasoning)
            }
            "redacted_thinking" => {
                let data = block.data.map(string).transpose()?.unwrap_or_default();
                self.seals.redacted(index, &data)?;
                Delta::SealPiece(data.as_escaped().len())
            }
            "tool_use" => {
                let (Some(id), Some(name)) = (block.id, block.name) else {
                    return Err(not_json(&"a call without a name"));
                };
                Delta::ToolUse { id: string(id)?, name: string(name)? }
            }
            _ => Delta::Unknown,
        };
        Ok(Event::Delta { index: index.into(), delta })
    }

    fn delta<'a>(&mut self, index: u32, delta: Option<&'a RawValue>) -> Result<Event<'a>, Fault> {
        let delta: BlockDelta<'a> = json(delta.unwrap_or(RawValue::NULL).get())?;
        let text = |raw: Option<&'a RawValue>| raw.map(string).transpose().map(Option::unwrap_or_default);
        let delta = match string(delta.kind)?.as_escaped() {
            "text_delta" => Delta::Text(text(delta.text)?),
            "thinking_delta" => Delta::Reasoning(text(delta.thinking)?),
            "input_json_delta" => Delta::ToolInput(text(delta.partial_json)?),
            "signature_delta" => {
                let piece = text(delta.signature)?;
                self.seals.signature(index, &piece)?;
                Delta::SealPiece(piece.as_escaped().len())
            }
            "citations_delta" => delta.citation.and_then(citation).map_or(Delta::Unknown, Delta::Citation),
            _ => Delta::Unknown,
        };
        Ok(Event::Delta { index: index.into(), delta })
    }

    fn stop<'a>(&mut self, wire: &Wire<'a>) -> Result<Event<'a>, Fault> {
        self.count(wire.usage);
        let delta: MessageDelta<'a> = json(wire.delta.unwrap_or(RawValue::NULL).get())?;
        if delta.stop_reason.is_none_or(|reason| Text::from_raw(reason).is_none()) {
            return Ok(Event::Unknown);
        }
        self.stopped = true;
        Ok(Event::Stop(stop(delta.stop_reason, delta.stop_sequence)))
    }
}

/// Whether a word can stand in the `event` line of server-sent events.
fn is_name(word: &str) -> bool {
    let length = word.len();
    (1..=LONGEST_NAME).contains(&length)
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// An error that came as an event, with the status that belongs to its type.
fn refusal(told: Option<&RawValue>) -> Fault {
    let (kind, message) = error_of(told);
    let (status, exception) = match kind.as_str() {
        "invalid_request_error" => (400, "ValidationException"),
        "authentication_error" | "permission_error" => (403, "AccessDeniedException"),
        "not_found_error" => (404, "ResourceNotFoundException"),
        "rate_limit_error" => (429, "ThrottlingException"),
        "timeout_error" => (408, "ModelTimeoutException"),
        "overloaded_error" => (503, "ServiceUnavailableException"),
        _ => (500, "InternalServerException"),
    };
    let message = if message.is_empty() { "The model ended its answer with an error.".to_owned() } else { message };
    Fault::Refused(Refusal { exception: exception.to_owned(), status, message, retry_after: None })
}
