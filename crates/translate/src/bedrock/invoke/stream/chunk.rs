//! The JSON inside one frame of InvokeModel's stream: `{"bytes": base64, "p": padding}`.

use super::fast_delta::{FastDelta, Shape, is_colon, text_length};
use crate::bedrock::converse::error;
use crate::bedrock::converse::response::not_json;
use crate::fault::Fault;
use crate::wire::base64;
use crate::wire::eventstream::{Frame, Kind};
use crate::wire::slice::Slice as _;
use serde::Deserialize;
use std::borrow::Cow;

/// The beginning of a frame's payload in its usual shape.
const OPEN: &[u8] = br#"{"bytes":""#;
/// The type of the frames that hold events.
const CHUNK: &str = "chunk";

/// The buffer into which the payloads of frames are decoded, one after the other.
///
/// The deltas of a block begin alike, three quarters of each of them: what is the same as in the one before is compared,
/// and neither decoded nor read again.
#[derive(Default)]
pub struct ChunkBuffer {
    /// The head, and the last event behind it.
    bytes: Vec<u8>,
    head: usize,
    tail: [u8; 2],
    opening: Opening,
}

/// The beginning of the last event, when that was a delta: up to the last whole group of base64 before its text. It stands
/// decoded in the front of the buffer.
#[derive(Default)]
struct Opening {
    payload: Vec<u8>,
    shape: Shape,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    bytes: Cow<'a, str>,
}

impl ChunkBuffer {
    /// A buffer in which each delta stands between these bytes, so that all is written at once.
    #[must_use]
    pub fn framing(head: &[u8], tail: [u8; 2]) -> Self {
        Self { bytes: head.to_vec(), head: head.len(), tail, opening: Opening::default() }
    }

    /// The event in a frame when it is a delta of text, of reasoning or of a call's arguments which begins as the one before
    /// it did: nearly every event is. `None` for every other frame.
    #[inline(always)]
    pub fn delta(&mut self, frame: &Frame<'_>) -> Option<FastDelta<'_>> {
        let Self { bytes, head, tail, opening: Opening { payload: known, shape } } = self;
        if known.is_empty() || frame.kind != Kind::Event(CHUNK) {
            return None;
        }
        let rest = frame.payload.strip_prefix(known.as_slice())?;
        let letters = known.len() - OPEN.len();
        let encoded = frame.payload.get(OPEN.len()..known.len() + memchr::memchr(b'"', rest)?)?;
        let end = base64::decode_behind(encoded, letters, *head, bytes)?;
        let text = *head + shape.from;
        // What shares a group of letters with the text came anew.
        if !is_colon(bytes.get(*head + letters / 4 * 3..text)?) {
            return None;
        }
        let length = text_length(bytes.get(text..)?, end.checked_sub(text)?)?;
        *bytes.get_mut(end..)?.first_chunk_mut()? = *tail;
        let Shape { index, kind, .. } = *shape;
        Some(FastDelta { index, kind, text: bytes.get(text..text + length)?, framed: bytes.get(..end + tail.len())? })
    }

    /// The JSON of Anthropic's event in a frame; `None` for frames that hold none.
    ///
    /// # Errors
    ///
    /// An exception frame is Bedrock's refusal; a payload that is not what it must be is its misbehaviour.
    pub fn event_of(&mut self, frame: &Frame<'_>) -> Result<Option<&str>, Fault> {
        match frame.kind {
            Kind::Event(CHUNK) => self.event(frame.payload).map(Some),
            Kind::Event(_) => Ok(None),
            Kind::Exception(name) => Err(error::exception(name, frame.payload)),
            Kind::Error { code, message } => Err(error::stream_error(code, message)),
        }
    }

    fn event(&mut self, payload: &[u8]) -> Result<&str, Fault> {
        self.opening.payload.clear();
        let usual = usual(payload).and_then(|encoded| base64::decode(encoded, self.head, &mut self.bytes));
        let end = match usual {
            Some(end) => end,
            None => self.thoroughly(payload)?,
        };
        let json = self.bytes.get(self.head..end).unwrap_or_default();
        if usual.is_some()
            && let Some(shape) = Shape::of(json)
        {
            self.opening.payload.extend_from_slice(payload.upto(OPEN.len() + shape.from / 3 * 4));
            self.opening.shape = shape;
        }
        simdutf8::basic::from_utf8(json).map_err(|error| not_json(&error))
    }

    /// Decodes a payload in any other shape.
    fn thoroughly(&mut self, payload: &[u8]) -> Result<usize, Fault> {
        let text = std::str::from_utf8(payload).map_err(|error| not_json(&error))?;
        let payload: Payload<'_> = crate::bedrock::invoke::response::json(text)?;
        let encoded = payload.bytes.as_bytes();
        base64::decode(encoded, self.head, &mut self.bytes).ok_or_else(|| not_json(&"it holds no base64"))
    }
}

/// The base64 in a payload whose first member it is.
fn usual(payload: &[u8]) -> Option<&[u8]> {
    let inside = payload.strip_prefix(OPEN)?;
    inside.get(..memchr::memchr(b'"', inside)?)
}

impl std::fmt::Debug for ChunkBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChunkBuffer({} bytes)", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delta::Delta;
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::STANDARD;

    fn frame(payload: &[u8]) -> Frame<'_> {
        Frame { kind: Kind::Event(CHUNK), content_type: None, payload }
    }

    fn decoded(payload: &str) -> Option<String> {
        ChunkBuffer::default().event(payload.as_bytes()).ok().map(str::to_owned)
    }

    #[test]
    fn base64_is_found_wherever_it_stands() {
        for payload in [
            r#"{"bytes":"eyJhIjoxfQ==","p":"abc"}"#,
            r#"{"p":"abc","bytes":"eyJhIjoxfQ=="}"#,
            r#"{ "bytes" : "eyJhIjoxfQ\u003d=" }"#,
        ] {
            assert_eq!(decoded(payload).as_deref(), Some(r#"{"a":1}"#), "{payload}");
        }
        for payload in ["", "{}", r#"{"bytes":"?"}"#, r#"{"bytes":1}"#, r#"{"bytes":"/w=="}"#] {
            assert_eq!(decoded(payload), None, "{payload}");
        }
    }

    #[test]
    fn a_short_event_leaves_nothing_of_a_long_one_before() {
        let mut buffer = ChunkBuffer::default();
        assert_eq!(buffer.event(br#"{"bytes":"eyJhIjoxMjN9"}"#).unwrap(), r#"{"a":123}"#);
        assert_eq!(buffer.event(br#"{"bytes":"e30="}"#).unwrap(), "{}");
    }

    #[test]
    fn a_delta_behind_another_is_what_it_is_alone() {
        let texts =
            ["", "a", "ab", "abc", r#"\""#, "é", r#"a","estimated_tokens":"1"#, "\u{1f4a7} water", r"a\nb", r"\"];
        let kinds = [r#""type":"text_delta","text""#, r#""type":"thinking_delta","thinking""#, r#""type":"x","text""#];
        let mut found = 0;
        arbtest::arbtest(|u| {
            let mut buffer = ChunkBuffer::framing(b"head ", *b"\n\n");
            for _ in 0..u.int_in_range(1..=12)? {
                let (index, kind) = (u.int_in_range(0..=11)?, u.choose(&kinds)?);
                let text = format!("{}{}", u.choose(&texts)?, "x".repeat(u.int_in_range(0..=70)?));
                let json = format!(r#"{{"type":"content_block_delta","index":{index},"delta":{{{kind}:"{text}"}}}}"#);
                let payload = format!(r#"{{"bytes":"{}","p":"ab"}}"#, STANDARD.encode(&json));
                if let Some(delta) = buffer.delta(&frame(payload.as_bytes())) {
                    found += 1;
                    let (Delta::Text(said) | Delta::Reasoning(said)) = delta.delta() else { panic!("no text") };
                    assert_eq!((delta.index, said.as_escaped()), (index, text.as_str()));
                    assert_eq!(std::str::from_utf8(delta.framed), Ok(format!("head {json}\n\n").as_str()));
                } else {
                    assert_eq!(buffer.event(payload.as_bytes()).unwrap(), json);
                }
            }
            Ok(())
        });
        assert!(found > 50, "{found}");
    }

    #[test]
    fn what_only_begins_like_the_delta_before_it_is_left() {
        let encode = |json: &[u8]| format!(r#"{{"bytes":"{}"}}"#, STANDARD.encode(json)).into_bytes();
        let delta = encode(br#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"abc"}}"#);
        let number = encode(br#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text": 1}}"#);
        let no_text = encode(
            b"{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"\xff\"}}",
        );
        let mut buffer = ChunkBuffer::default();
        assert!(buffer.delta(&frame(&delta)).is_none(), "nothing came before it");
        for other in [&number, &no_text, &delta[..90].to_vec(), &Vec::new()] {
            buffer.event(&delta).unwrap();
            assert!(buffer.delta(&frame(&delta)).is_some());
            assert!(buffer.delta(&frame(other)).is_none());
            let exception = Frame { kind: Kind::Exception("chunk"), ..frame(&delta) };
            assert!(buffer.delta(&exception).is_none());
        }
        assert!(buffer.event(&no_text).is_err());
    }
}
