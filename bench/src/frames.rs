//! The events of a stream in Bedrock's order and shapes, encoded by AWS's own library.

use anyhow::Context;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use std::time::Duration;

/// An event stream: its deltas of 20 bytes, and how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    /// Deltas of reasoning, before anything else.
    pub(crate) reasoning: usize,
    /// Deltas of text.
    pub(crate) text: usize,
    /// Deltas of a tool call's arguments, after the text.
    pub(crate) arguments: usize,
    /// When they are written.
    pub(crate) pace: Pace,
}

/// When the frames of a stream are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Each in a write of its own, one after the other.
    Each,
    /// All in one write.
    Burst,
    /// Each in a write of its own, with this pause before the next.
    Slow(Duration),
    /// As `Each`, and after the first text nothing more, for as long as the client stays.
    Hold,
}

/// What a client must read out of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    /// All reasoning, joined.
    pub(crate) reasoning: String,
    /// All text, joined.
    pub(crate) content: String,
    /// The arguments of the one tool call, joined.
    pub(crate) arguments: String,
}

/// What pads a payload, so that its length does not tell the length of its text.
const PADDING: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// As long as a signature of a short thought.
const SIGNATURE_LETTERS: usize = 344;

/// The name of the tool that a stream calls.
pub(crate) const TOOL: &str = "lookup_00";

/// An event's type and payload.
type Event = (&'static str, String);

/// Every event of a stream, and what a client must have read at its end.
pub(crate) fn events(stream: &Stream) -> (Vec<Event>, Expected) {
    let mut telling = Telling { events: Vec::new(), expected: Expected::default(), block: 0 };
    telling.event("messageStart", r#"{"role":"assistant""#);
    if stream.reasoning > 0 {
        telling.reasoning(stream.reasoning);
    }
    if stream.text > 0 {
        telling.text(stream.text);
    }
    if stream.arguments > 0 {
        telling.call(stream.arguments);
    }
    let stop = if stream.arguments > 0 { "tool_use" } else { "end_turn" };
    telling.event("messageStop", &format!(r#"{{"stopReason":"{stop}""#));
    let usage = r#"{"usage":{"inputTokens":20,"outputTokens":300,"totalTokens":320},"metrics":{"latencyMs":1200}"#;
    telling.event("metadata", usage);
    (telling.events, telling.expected)
}

/// A story under way.
struct Telling {
    events: Vec<Event>,
    expected: Expected,
    block: usize,
}

impl Telling {
    /// Adds an event whose payload is still open: padding closes it.
    fn event(&mut self, kind: &'static str, open: &str) {
        let padding = PADDING.get(..open.len() % PADDING.len()).unwrap_or_default();
        self.events.push((kind, format!(r#"{open},"p":"{padding}"}}"#)));
    }

    fn delta(&mut self, delta: &str) {
        self.event("contentBlockDelta", &format!(r#"{{"contentBlockIndex":{},"delta":{delta}"#, self.block));
    }

    fn stop(&mut self) {
        self.event("contentBlockStop", &format!(r#"{{"contentBlockIndex":{}"#, self.block));
        self.block += 1;
    }

    fn reasoning(&mut self, deltas: usize) {
        for number in 0..deltas {
            let text = format!("thought {number:04} so far.");
            self.delta(&format!(r#"{{"reasoningContent":{{"text":"{text}"}}}}"#));
            self.expected.reasoning.push_str(&text);
        }
        let signature = "S".repeat(SIGNATURE_LETTERS);
        self.delta(&format!(r#"{{"reasoningContent":{{"signature":"{signature}"}}}}"#));
        self.stop();
    }

    fn text(&mut self, deltas: usize) {
        for number in 0..deltas {
            let text = format!("token {number:04} of text, ");
            self.delta(&format!(r#"{{"text":"{text}"}}"#));
            self.expected.content.push_str(&text);
        }
        self.stop();
    }

    fn call(&mut self, deltas: usize) {
        let start = format!(r#""start":{{"toolUse":{{"toolUseId":"tooluse_0123456789","name":"{TOOL}"}}}}"#);
        self.event("contentBlockStart", &format!(r#"{{"contentBlockIndex":{},{start}"#, self.block));
        for number in 0..deltas {
            // The pieces are one JSON object in the end: {"query":"...","last":true}
            let piece = match number {
                0 => r#"{"query":"piece 0000"#.to_owned(),
                _ if number + 1 == deltas => r#"....","last":true  }"#.to_owned(),
                _ => format!(", and the piece {number:04}"),
            };
            self.delta(&format!(r#"{{"toolUse":{{"input":"{}"}}}}"#, piece.replace('"', r#"\""#)));
            self.expected.arguments.push_str(&piece);
        }
        self.stop();
    }
}

/// One event as a frame.
pub(crate) fn encoded(kind: &'static str, payload: &str) -> anyhow::Result<Vec<u8>> {
    let text = |text: &'static str| HeaderValue::String(text.into());
    let message = Message::new(payload.as_bytes().to_vec())
        .add_header(Header::new(":event-type", text(kind)))
        .add_header(Header::new(":content-type", text("application/json")))
        .add_header(Header::new(":message-type", text("event")));
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).context("a frame cannot be encoded")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn told(reasoning: usize, text: usize, arguments: usize) -> (Vec<Event>, Expected) {
        events(&Stream { reasoning, text, arguments, pace: Pace::Each })
    }

    #[test]
    fn payloads_are_json_and_deltas_have_20_bytes() {
        let (events, _) = told(3, 3, 3);
        for (kind, payload) in &events {
            let payload: Value = serde_json::from_str(payload).unwrap();
            let delta = &payload["delta"];
            for text in [&delta["text"], &delta["reasoningContent"]["text"], &delta["toolUse"]["input"]] {
                assert!(text.as_str().is_none_or(|text| text.len() == 20), "{kind}: {text}");
            }
        }
    }

    #[test]
    fn arguments_are_one_object() {
        let (events, expected) = told(0, 0, 5);
        let arguments: Value = serde_json::from_str(&expected.arguments).unwrap();
        assert_eq!(arguments["last"], true);
        assert!(events.iter().any(|(_, payload)| payload.contains(r#""stopReason":"tool_use""#)));
    }

    #[test]
    fn blocks_are_counted() {
        let (events, _) = told(1, 1, 2);
        let stops: Vec<_> = events.iter().filter(|(kind, _)| *kind == "contentBlockStop").collect();
        assert_eq!(stops.len(), 3);
        assert!(stops[2].1.contains(r#""contentBlockIndex":2"#));
    }

    #[test]
    fn the_library_reads_its_own_frames() {
        let frame = encoded("messageStart", r#"{"role":"assistant"}"#).unwrap();
        assert!(aws_smithy_eventstream::frame::read_message_from(&frame[..]).is_ok());
    }
}
