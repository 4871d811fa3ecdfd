//! The events of a stream in Anthropic's words, as InvokeModel frames them.

use crate::frames::{Expected, Stream, TOOL};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// As long as a signature of a short thought.
const SIGNATURE_LETTERS: usize = 344;
/// What pads a payload, so that its length does not tell the length of its text.
const PADDING: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Every event of a stream as JSON, and what a client must have read at its end.
pub(crate) fn events(stream: &Stream) -> (Vec<String>, Expected) {
    let mut telling = Telling { events: Vec::new(), expected: Expected::default(), block: 0 };
    let usage =
        r#""usage":{"input_tokens":20,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}"#;
    let message = format!(
        r#""id":"msg_bdrk_0123456789","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,{usage}"#
    );
    telling.events.push(format!(r#"{{"type":"message_start","message":{{{message}}}}}"#));
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
    let usage = r#""usage":{"input_tokens":20,"output_tokens":300}"#;
    let delta = format!(r#""delta":{{"stop_reason":"{stop}","stop_sequence":null}}"#);
    telling.events.push(format!(r#"{{"type":"message_delta",{delta},{usage}}}"#));
    let metrics = r#"{"inputTokenCount":20,"outputTokenCount":300,"invocationLatency":1200,"firstByteLatency":200}"#;
    telling.events.push(format!(r#"{{"type":"message_stop","amazon-bedrock-invocationMetrics":{metrics}}}"#));
    (telling.events, telling.expected)
}

/// The payload of the frame of an event.
pub(crate) fn payload(event: &str) -> String {
    let padding = PADDING.get(..event.len() % PADDING.len()).unwrap_or_default();
    format!(r#"{{"bytes":"{}","p":"{padding}"}}"#, STANDARD.encode(event))
}

/// A story under way.
struct Telling {
    events: Vec<String>,
    expected: Expected,
    block: usize,
}

impl Telling {
    fn start(&mut self, block: &str) {
        self.events.push(format!(r#"{{"type":"content_block_start","index":{},"content_block":{block}}}"#, self.block));
    }

    fn delta(&mut self, delta: &str) {
        self.events.push(format!(r#"{{"type":"content_block_delta","index":{},"delta":{delta}}}"#, self.block));
    }

    fn stop(&mut self) {
        self.events.push(format!(r#"{{"type":"content_block_stop","index":{}}}"#, self.block));
        self.block += 1;
    }

    fn reasoning(&mut self, deltas: usize) {
        self.start(r#"{"type":"thinking","thinking":"","signature":""}"#);
        for number in 0..deltas {
            let text = format!("thought {number:04} so far.");
            self.delta(&format!(r#"{{"type":"thinking_delta","thinking":"{text}"}}"#));
            self.expected.reasoning.push_str(&text);
        }
        let signature = "S".repeat(SIGNATURE_LETTERS);
        self.delta(&format!(r#"{{"type":"signature_delta","signature":"{signature}"}}"#));
        self.stop();
    }

    fn text(&mut self, deltas: usize) {
        self.start(r#"{"type":"text","text":""}"#);
        for number in 0..deltas {
            let text = format!("token {number:04} of text, ");
            self.delta(&format!(r#"{{"type":"text_delta","text":"{text}"}}"#));
            self.expected.content.push_str(&text);
        }
        self.stop();
    }

    fn call(&mut self, deltas: usize) {
        self.start(&format!(r#"{{"type":"tool_use","id":"toolu_bdrk_0123456789","name":"{TOOL}","input":{{}}}}"#));
        for number in 0..deltas {
            let piece = match number {
                0 => r#"{"query":"piece 0000"#.to_owned(),
                _ if number + 1 == deltas => r#"....","last":true  }"#.to_owned(),
                _ => format!(", and the piece {number:04}"),
            };
            let escaped = piece.replace('"', r#"\""#);
            self.delta(&format!(r#"{{"type":"input_json_delta","partial_json":"{escaped}"}}"#));
            self.expected.arguments.push_str(&piece);
        }
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::Pace;
    use serde_json::Value;

    #[test]
    fn events_are_json_and_blocks_are_counted() {
        let (events, expected) = events(&Stream { reasoning: 2, text: 3, arguments: 2, pace: Pace::Each });
        let events: Vec<Value> = events.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
        let stops: Vec<&Value> = events.iter().filter(|event| event["type"] == "content_block_stop").collect();
        assert_eq!((stops.len(), &stops[2]["index"]), (3, &Value::from(2)));
        assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "tool_use");
        assert_eq!((expected.reasoning.len(), expected.content.len()), (40, 60));
        let arguments: Value = serde_json::from_str(&expected.arguments).unwrap();
        assert_eq!(arguments["last"], true);
        let framed: Value = serde_json::from_str(&payload("{}")).unwrap();
        assert_eq!(framed["bytes"], "e30=");
    }
}
