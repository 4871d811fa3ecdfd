//! The deltas that make up nearly all of a stream, found in place: no JSON is parsed where its shape is the usual one.
//!
//! Anything that departs from the usual shape is left to the thorough reader, which then says what it is. So this one
//! need not know all of JSON, but what it takes must be what the other would take.

use crate::model::delta::Delta;
use crate::model::text::Text;
use crate::wire::json::{self, plain};
use ascii::AsciiStr;

/// The beginning of a delta's payload.
const OPEN: &[u8] = br#"{"contentBlockIndex":"#;
/// The JSON between the index and each kind of text, and the JSON behind the text.
const TEXT: (&[u8], &[u8]) = (br#","delta":{"text":""#, b"\"}");
const REASONING: (&[u8], &[u8]) = (br#","delta":{"reasoningContent":{"text":""#, b"\"}}");
const TOOL: (&[u8], &[u8]) = (br#","delta":{"toolUse":{"input":""#, b"\"}}");
/// The member that pads every payload.
const PADDING: &[u8] = br#","p":""#;

/// The block and the text of a delta in its usual shape; `None` for every other payload.
pub(super) fn delta(payload: &[u8]) -> Option<(u32, Delta<'_>)> {
    let (index, rest) = number(payload.strip_prefix(OPEN)?)?;
    let delta = if let Some(rest) = rest.strip_prefix(TEXT.0) {
        Delta::Text(text(rest, TEXT.1)?)
    } else if let Some(rest) = rest.strip_prefix(REASONING.0) {
        Delta::Reasoning(text(rest, REASONING.1)?)
    } else {
        Delta::ToolInput(text(rest.strip_prefix(TOOL.0)?, TOOL.1)?)
    };
    Some((index, delta))
}

/// The text that is left of a payload, up to what closes it.
fn text<'a>(rest: &'a [u8], close: &[u8]) -> Option<Text<'a>> {
    let (text, rest) = rest.split_at_checked(length(rest)?)?;
    if !padded(rest.strip_prefix(close)?) {
        return None;
    }
    // Most texts are ASCII, which is seen at a glance.
    let text = AsciiStr::from_ascii(text).map(AsciiStr::as_str).or_else(|_| std::str::from_utf8(text));
    text.ok().map(Text::from_escaped)
}

/// A small number without a leading zero.
pub(in crate::bedrock) fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    if let [digit @ b'0'..=b'9', rest @ ..] = bytes
        && rest.first() == Some(&b',')
    {
        return Some((u32::from(digit - b'0'), rest));
    }
    let length = bytes.iter().take(7).position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = bytes.split_at_checked(length)?;
    if digits.is_empty() || digits.len() > 6 || digits.starts_with(b"0") {
        return None;
    }
    Some((digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')), rest))
}

/// The length of the inside of a string whose opening quote was taken.
#[inline]
pub(in crate::bedrock) fn length(bytes: &[u8]) -> Option<usize> {
    let at = plain(bytes);
    if bytes.get(at) == Some(&b'"') { Some(at) } else { with_escapes(bytes, at) }
}

/// The same of a string whose first escape stands at this place.
fn with_escapes(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += escape(bytes.get(at + 1..)?)? + 1,
            _ => return None,
        }
        at += plain(bytes.get(at..)?);
    }
}

/// The length of an escape behind its backslash. Those of code units are left to the thorough reader when they may be
/// half of a pair.
fn escape(bytes: &[u8]) -> Option<usize> {
    let may_be_half = matches!(bytes, [b'u', b'd' | b'D', ..]);
    json::escape(bytes).filter(|_| !may_be_half)
}

/// Whether only the padding and the end follow.
fn padded(rest: &[u8]) -> bool {
    let Some(rest) = rest.strip_prefix(PADDING) else { return rest == b"}" };
    rest.get(plain(rest)..) == Some(b"\"}") && rest.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(payload: &str) -> Option<(u32, &'static str, String)> {
        let (index, delta) = delta(payload.as_bytes())?;
        let (kind, text) = match delta {
            Delta::Text(text) => ("text", text),
            Delta::Reasoning(text) => ("reasoning", text),
            Delta::ToolInput(text) => ("input", text),
            _ => return None,
        };
        Some((index, kind, text.as_escaped().to_owned()))
    }

    #[test]
    fn the_usual_deltas_are_found() {
        let some = |index, kind, text: &str| Some((index, kind, text.to_owned()));
        assert_eq!(
            found(r#"{"contentBlockIndex":0,"delta":{"text":"a\n\"é\u00e9\\"},"p":"abcD1"}"#),
            some(0, "text", r#"a\n\"é\u00e9\\"#)
        );
        assert_eq!(found(r#"{"contentBlockIndex":12,"delta":{"text":""}}"#), some(12, "text", ""));
        assert_eq!(
            found(r#"{"contentBlockIndex":1,"delta":{"reasoningContent":{"text":"t"}},"p":""}"#),
            some(1, "reasoning", "t")
        );
        assert_eq!(
            found(r#"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"a"}},"p":"x"}"#),
            some(2, "input", r#"{\"a"#)
        );
    }

    #[test]
    fn everything_else_is_left_to_the_thorough_reader() {
        for payload in [
            "",
            "{",
            r#"{"contentBlockIndex":0,"delta":{"text":"a"},"p":"a"} "#,
            r#"{ "contentBlockIndex":0,"delta":{"text":"a"}}"#,
            r#"{"contentBlockIndex":01,"delta":{"text":"a"}}"#,
            r#"{"contentBlockIndex":-1,"delta":{"text":"a"}}"#,
            r#"{"contentBlockIndex":9999999,"delta":{"text":"a"}}"#,
            r#"{"contentBlockIndex":0,"delta":{"text":"a","citation":{}}}"#,
            r#"{"contentBlockIndex":0,"delta":{"text":"a"},"q":"a"}"#,
            r#"{"contentBlockIndex":0,"delta":{"text":"a"},"p":"a","q":"b"}"#,
            r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"a"}}}"#,
            r#"{"contentBlockIndex":0,"delta":{"text":"a\x"}}"#,
            r#"{"contentBlockIndex":0,"delta":{"text":"\ud83d"}}"#,
            r#"{"contentBlockIndex":0,"delta":{"text":"\u00g0"}}"#,
            r#"{"contentBlockIndex":0,"delta":{"text":"a"#,
            r#"{"contentBlockIndex":0,"delta":{"text":"a\"#,
            "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"a\nb\"}}",
        ] {
            assert_eq!(found(payload), None, "{payload}");
        }
        assert!(delta(b"{\"contentBlockIndex\":0,\"delta\":{\"text\":\"\xff\"}}").is_none());
    }
}
