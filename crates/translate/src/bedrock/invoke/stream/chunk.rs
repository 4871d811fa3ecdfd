//! The JSON inside one frame of InvokeModel's stream: `{"bytes": base64, "p": padding}`.

use crate::bedrock::converse::error;
use crate::bedrock::converse::response::not_json;
use crate::fault::Fault;
use crate::wire::base64;
use crate::wire::eventstream::{Frame, Kind};
use serde::Deserialize;
use std::borrow::Cow;

/// The beginning of a frame's payload in its usual shape.
const OPEN: &[u8] = br#"{"bytes":""#;

/// The buffer into which the payloads of frames are decoded, one after the other.
#[derive(Default)]
pub struct ChunkBuffer {
    bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    bytes: Cow<'a, str>,
}

impl ChunkBuffer {
    /// The JSON of Anthropic's event in a frame; `None` for frames that hold none.
    ///
    /// # Errors
    ///
    /// An exception frame is Bedrock's refusal; a payload that is not what it must be is its misbehaviour.
    #[inline]
    pub fn event_of(&mut self, frame: &Frame<'_>) -> Result<Option<&str>, Fault> {
        match frame.kind {
            Kind::Event("chunk") => self.decoded(frame.payload).map(Some),
            Kind::Event(_) => Ok(None),
            Kind::Exception(name) => Err(error::exception(name, frame.payload)),
            Kind::Error { code, message } => Err(error::stream_error(code, message)),
        }
    }

    fn decoded(&mut self, payload: &[u8]) -> Result<&str, Fault> {
        let length = match usual(payload).map(|encoded| base64::decode(encoded, &mut self.bytes)) {
            Some(Some(length)) => length,
            Some(None) | None => self.thoroughly(payload)?,
        };
        let json = self.bytes.get(..length).unwrap_or_default();
        simdutf8::basic::from_utf8(json).map_err(|error| not_json(&error))
    }

    /// The same of a payload in any other shape.
    fn thoroughly(&mut self, payload: &[u8]) -> Result<usize, Fault> {
        let text = std::str::from_utf8(payload).map_err(|error| not_json(&error))?;
        let payload: Payload<'_> = crate::bedrock::invoke::response::json(text)?;
        base64::decode(payload.bytes.as_bytes(), &mut self.bytes).ok_or_else(|| not_json(&"it holds no base64"))
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

    fn decoded(payload: &str) -> Option<String> {
        ChunkBuffer::default().decoded(payload.as_bytes()).ok().map(str::to_owned)
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
        assert_eq!(buffer.decoded(br#"{"bytes":"eyJhIjoxMjN9"}"#).unwrap(), r#"{"a":123}"#);
        assert_eq!(buffer.decoded(br#"{"bytes":"e30="}"#).unwrap(), "{}");
    }
}
