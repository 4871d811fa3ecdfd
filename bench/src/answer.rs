//! What the upstream answers: the bytes of each write, and what a client must have read at their end.

use crate::frames::{self, Expected, Pace, Stream};
use crate::messages;
use serde_json::json;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One JSON object.
    Whole,
    /// An event stream of Converse's.
    Stream(Stream),
    /// The same of InvokeModel's, in Anthropic's words.
    Messages(Stream),
}

/// An answer, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The bytes of each write, the HTTP head and the chunks' lengths with them.
    pub(crate) writes: Vec<Vec<u8>>,
    /// When they are written; a whole answer is one burst.
    pub(crate) pace: Pace,
    /// The body by itself.
    pub(crate) body: Vec<u8>,
    /// What it says.
    pub(crate) expected: Expected,
    /// Its clients speak Messages.
    pub(crate) messages: bool,
    /// Deltas in it.
    pub(crate) deltas: usize,
    /// How many bytes of the body are there when the first reasoning is.
    pub(crate) first_reasoning: Option<usize>,
    /// How many bytes of the body are there when the first text is.
    pub(crate) first_content: Option<usize>,
    /// How many bytes of the body are there when the last text is.
    pub(crate) last_content: usize,
}

/// The text of a whole answer.
const WHOLE: &str = "Aquifers hold water between grains of sand and in cracks of rock.";

impl Answer {
    /// Encodes an answer.
    pub(crate) fn of(shape: Shape) -> anyhow::Result<Self> {
        match shape {
            Shape::Whole => Ok(Self::whole()),
            Shape::Stream(stream) => Self::stream(stream),
            Shape::Messages(stream) => Self::messages(stream),
        }
    }

    fn whole() -> Self {
        let body = json!({
            "output": { "message": { "role": "assistant", "content": [{ "text": WHOLE }] } },
            "stopReason": "end_turn",
            "usage": { "inputTokens": 20, "outputTokens": 15, "totalTokens": 35 },
            "metrics": { "latencyMs": 120 },
        });
        let body = body.to_string().into_bytes();
        let mut bytes = head("application/json", &format!("content-length: {}", body.len()));
        bytes.extend_from_slice(&body);
        Self {
            writes: vec![bytes],
            pace: Pace::Burst,
            body,
            expected: Expected { content: WHOLE.to_owned(), ..Expected::default() },
            messages: false,
            deltas: 0,
            first_reasoning: None,
            first_content: None,
            last_content: 0,
        }
    }

    fn stream(stream: Stream) -> anyhow::Result<Self> {
        let (events, expected) = frames::events(&stream);
        let mut answer = Self::begun(stream, expected);
        for (kind, payload) in events {
            let reasoning = payload.contains(r#""reasoningContent":{"text""#);
            let text = payload.contains(r#""delta":{"text""#);
            answer.add(&frames::encoded(kind, &payload)?, reasoning, text);
            if text && stream.pace == Pace::Hold {
                return Ok(answer);
            }
        }
        answer.close();
        Ok(answer)
    }

    fn messages(stream: Stream) -> anyhow::Result<Self> {
        let (events, expected) = messages::events(&stream);
        let mut answer = Self { messages: true, ..Self::begun(stream, expected) };
        for event in events {
            let (reasoning, text) = (event.contains("thinking_delta"), event.contains("text_delta"));
            answer.add(&frames::encoded("chunk", &messages::payload(&event))?, reasoning, text);
        }
        answer.close();
        Ok(answer)
    }

    fn begun(stream: Stream, expected: Expected) -> Self {
        Self {
            writes: vec![head("application/vnd.amazon.eventstream", "transfer-encoding: chunked")],
            pace: stream.pace,
            body: Vec::new(),
            expected,
            messages: false,
            deltas: stream.reasoning + stream.text + stream.arguments,
            first_reasoning: None,
            first_content: None,
            last_content: 0,
        }
    }

    /// Adds a frame, which may hold reasoning or text.
    fn add(&mut self, frame: &[u8], reasoning: bool, text: bool) {
        self.body.extend_from_slice(frame);
        self.writes.push(chunk(frame));
        let end = self.body.len();
        if reasoning {
            self.first_reasoning.get_or_insert(end);
        }
        if text {
            self.first_content.get_or_insert(end);
            self.last_content = end;
        }
    }

    /// Ends the chunked body; a burst becomes one write with one chunk.
    fn close(&mut self) {
        const LAST: &[u8] = b"0\r\n\r\n";
        if self.pace == Pace::Burst {
            self.writes.truncate(1);
            let whole = chunk(&self.body);
            if let Some(only) = self.writes.first_mut() {
                only.extend_from_slice(&whole);
            }
        }
        if let Some(last) = self.writes.last_mut() {
            last.extend_from_slice(LAST);
        }
    }
}

fn head(kind: &str, length: &str) -> Vec<u8> {
    let id = "x-amzn-requestid: 00000000-0000-4000-8000-000000000000";
    format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{id}\r\n{length}\r\n\r\n").into_bytes()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(pace: Pace) -> Answer {
        Answer::of(Shape::Stream(Stream { reasoning: 2, text: 3, arguments: 0, pace })).unwrap()
    }

    #[test]
    fn each_frame_is_a_write_of_its_own() {
        let answer = stream(Pace::Each);
        // The head; the start, two of reasoning, a signature, a stop; three of text, a stop; the end, the usage.
        assert_eq!(answer.writes.len(), 1 + 5 + 4 + 2);
        assert!(answer.writes[0].ends_with(b"\r\n\r\n"));
        assert!(answer.writes.last().unwrap().ends_with(b"\r\n0\r\n\r\n"));
        assert_eq!(answer.expected.content.len(), 60);
        assert_eq!(answer.expected.reasoning.len(), 40);
        assert_eq!(answer.deltas, 5);
        assert!(answer.first_reasoning < answer.first_content);
    }

    #[test]
    fn a_burst_is_one_write_with_the_same_body() {
        let burst = stream(Pace::Burst);
        assert_eq!(burst.writes.len(), 1);
        assert_eq!(burst.body, stream(Pace::Each).body);
        assert!(burst.writes[0].ends_with(b"\r\n0\r\n\r\n"));
    }

    #[test]
    fn a_held_stream_stays_open_after_the_first_text() {
        let held = stream(Pace::Hold);
        assert_eq!(held.first_content, Some(held.body.len()));
        assert!(!held.writes.last().unwrap().ends_with(b"0\r\n\r\n"));
    }

    #[test]
    fn a_whole_answer_is_one_write() {
        let whole = Answer::of(Shape::Whole).unwrap();
        assert_eq!(whole.writes.len(), 1);
        assert!(whole.writes[0].ends_with(&whole.body));
    }
}
