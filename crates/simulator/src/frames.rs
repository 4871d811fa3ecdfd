//! An answer as the frames of an event stream, in the order and the shapes in which Bedrock sends them.

use crate::script::{Block, Script};
use crate::tokens;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

/// One event of a stream, not yet framed.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The frame's `:event-type`.
    kind: &'static str,
    payload: Value,
}

impl Event {
    /// An event of ConverseStream.
    pub(crate) fn converse(kind: &'static str, payload: Value) -> Self {
        Self { kind, payload }
    }

    /// An event of Claude's own stream, as InvokeModelWithResponseStream carries it.
    pub(crate) fn chunk(payload: Value) -> Self {
        Self { kind: CHUNK, payload }
    }

    pub(crate) fn is_chunk(&self) -> bool {
        self.kind == CHUNK
    }

    /// Whether it tells why the answer ended.
    pub(crate) fn is_stop(&self) -> bool {
        self.kind == "messageStop" || self.payload["type"] == "message_delta"
    }

    /// Whether it holds a part of a thought's text.
    pub(crate) fn is_thought(&self) -> bool {
        let delta = &self.payload["delta"];
        delta["reasoningContent"]["text"].is_string() || delta["type"] == "thinking_delta"
    }

    /// The event as a frame.
    pub(crate) fn frame(&self) -> Bytes {
        match self.is_chunk() {
            true => event(CHUNK, json!({ "bytes": STANDARD.encode(self.payload.to_string()) })),
            false => event(self.kind, self.payload.clone()),
        }
    }
}

/// The `:event-type` of every event of InvokeModelWithResponseStream.
const CHUNK: &str = "chunk";

/// A frame of the kind of these events whose payload is no JSON, or holds none.
pub(crate) fn broken(chunk: bool) -> Bytes {
    const CUT: &[u8] = b"{\"delta\":";
    match chunk {
        true => event(CHUNK, json!({ "bytes": STANDARD.encode(CUT) })),
        false => encoded("event", ":event-type", "contentBlockDelta", Bytes::from_static(CUT)),
    }
}

/// Every frame of a good answer. Text and reasoning have no start event; usage comes after the stop. `found` is what the
/// request points at; `fault` may cut signatures and redacted contents into several deltas.
pub(crate) fn all(script: &Script, found: Option<Value>, fault: &str) -> Vec<Event> {
    let mut events = vec![Event::converse("messageStart", json!({ "role": "assistant" }))];
    for (index, block) in script.blocks.iter().enumerate() {
        let delta =
            |delta: Value| Event::converse("contentBlockDelta", json!({ "contentBlockIndex": index, "delta": delta }));
        match block {
            Block::Reasoning { text, signature, .. } => {
                events.extend(pieces(text).map(|text| delta(json!({ "reasoningContent": { "text": text } }))));
                let parts = signature.iter().flat_map(|seal| cut(seal.as_bytes(), fault == "split-signature"));
                let parts = parts.map(|part| String::from_utf8_lossy(part));
                events.extend(parts.map(|part| delta(json!({ "reasoningContent": { "signature": part } }))));
            }
            Block::Redacted { data, .. } => {
                let parts = cut(data, fault == "split-redacted").map(|part| STANDARD.encode(part));
                events.extend(parts.map(|part| delta(json!({ "reasoningContent": { "redactedContent": part } }))));
            }
            Block::Text(text) => events.extend(pieces(text).map(|text| delta(json!({ "text": text })))),
            Block::Tool { id, name, input } => {
                let start = json!({ "toolUse": { "toolUseId": id, "name": name } });
                let start = json!({ "contentBlockIndex": index, "start": start });
                events.push(Event::converse("contentBlockStart", start));
                events.push(delta(json!({ "toolUse": { "input": "" } })));
                let input = input.to_string();
                events.extend(pieces(&input).map(|input| delta(json!({ "toolUse": { "input": input } }))));
            }
        }
        if !matches!(block, Block::Redacted { stops: false, .. }) {
            events.push(Event::converse("contentBlockStop", json!({ "contentBlockIndex": index })));
        }
    }
    let mut stop = json!({ "stopReason": script.stop });
    if let Some(found) = found {
        stop["additionalModelResponseFields"] = found;
    }
    events.push(Event::converse("messageStop", stop));
    let mut metadata = json!({ "usage": usage(script), "metrics": { "latencyMs": 120 } });
    if let Some(trace) = &script.trace {
        metadata["trace"] = trace.clone();
    }
    events.push(Event::converse("metadata", metadata));
    events
}

/// Bytes whole, or in parts of which none but the last has a multiple of three.
fn cut(bytes: &[u8], split: bool) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(if split { 20 } else { bytes.len().max(1) })
}

/// The same answer whole.
pub(crate) fn whole(script: &Script, found: Option<Value>) -> Value {
    let content = script.blocks.iter().map(|block| match block {
        Block::Reasoning { text, signature: Some(signature), .. } => {
            json!({ "reasoningContent": { "reasoningText": { "text": text, "signature": signature } } })
        }
        Block::Reasoning { text, signature: None, .. } => {
            json!({ "reasoningContent": { "reasoningText": { "text": text } } })
        }
        Block::Redacted { data, .. } => json!({ "reasoningContent": { "redactedContent": STANDARD.encode(data) } }),
        Block::Text(text) => json!({ "text": text }),
        Block::Tool { id, name, input } => json!({ "toolUse": { "toolUseId": id, "name": name, "input": input } }),
    });
    let mut answer = json!({
        "output": { "message": { "role": "assistant", "content": content.collect::<Vec<_>>() } },
        "stopReason": script.stop,
        "usage": usage(script),
        "metrics": { "latencyMs": 120 },
    });
    if let Some(found) = found {
        answer["additionalModelResponseFields"] = found;
    }
    if let Some(trace) = &script.trace {
        answer["trace"] = trace.clone();
    }
    answer
}

fn usage(script: &Script) -> Value {
    let output = tokens::said(script);
    let (cached, total) = (script.cached, script.input_tokens + output);
    let mut usage =
        json!({ "inputTokens": cached.rest(script.input_tokens), "outputTokens": output, "totalTokens": total });
    if cached.asked {
        cached.add_to(&mut usage);
    }
    usage
}

/// A text in the pieces in which it is streamed: two to eight letters.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let (mut rest, mut size) = (text, 2);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = rest.char_indices().nth(size).map_or(rest.len(), |(at, _)| at);
        size = if size == 8 { 2 } else { size + 1 };
        let (piece, after) = rest.split_at(at);
        rest = after;
        Some(piece)
    })
}

/// A frame of type `event`, with the member `p` that pads every payload to hide its length.
fn event(kind: &'static str, mut payload: Value) -> Bytes {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let length = payload.to_string().len() % LETTERS.len();
    payload["p"] = json!(LETTERS.get(..length));
    encoded("event", ":event-type", kind, Bytes::from(payload.to_string()))
}

/// A frame of type `exception`.
pub(crate) fn exception(kind: &str, message: &str) -> Bytes {
    encoded("exception", ":exception-type", kind, Bytes::from(json!({ "message": message }).to_string()))
}

/// A frame of type `event` with any payload.
fn encoded(message_type: &str, kind_header: &'static str, kind: &str, payload: Bytes) -> Bytes {
    let text = |text: &str| HeaderValue::String(text.to_owned().into());
    let message = Message::new(payload)
        .add_header(Header::new(kind_header, text(kind)))
        .add_header(Header::new(":content-type", text("application/json")))
        .add_header(Header::new(":message-type", text(message_type)));
    let mut bytes = Vec::new();
    // Only headers or payloads beyond the format's limits fail; none of ours are.
    let _ = write_message_to(&message, &mut bytes);
    Bytes::from(bytes)
}
