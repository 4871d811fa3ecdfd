//! A stream or an answer of a backend that speaks this dialect itself: it goes on byte for byte, and is only looked at.

mod first_event;

pub use first_event::Failure;

use super::error;
use super::usage::Counts;
use crate::fault::{Fault, Refusal};
use crate::model::milestones::Milestones;
use crate::model::response::Usage;
use crate::wire::retry_after;
use crate::wire::slice::Slice as _;
use bytes::{BufMut as _, BytesMut};
use first_event::FirstEvent;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::borrow::Cow;

/// The longest line of a stream that is looked at; usage and finish reason stand in short ones.
const LONGEST_LINE: usize = 64 << 10;

/// A stream that goes on as it comes.
#[derive(Debug)]
pub struct Relay {
    /// The beginning of a line whose end did not come yet; what is too long is left out.
    line: Vec<u8>,
    /// The line at hand is empty so far, and so is the one before it: an event begins here.
    fresh: bool,
    blank: bool,
    /// The events that are held back until one of them has content.
    opening: Option<Box<FirstEvent>>,
    /// The milestones of the answer so far.
    pub milestones: Milestones,
    /// The tokens as the backend counts them.
    pub usage: Option<Usage>,
    /// The finish reason, once it came.
    pub finish_reason: Option<&'static str>,
    /// `[DONE]` came.
    pub done: bool,
}

impl Relay {
    /// Nothing goes on before there is content.
    #[must_use]
    pub fn new() -> Self {
        Self {
            line: Vec::new(),
            fresh: true,
            blank: true,
            opening: Some(Box::default()),
            milestones: Milestones::default(),
            usage: None,
            finish_reason: None,
            done: false,
        }
    }

    /// Takes bytes; gives what goes on.
    ///
    /// # Errors
    /// The stream begins with an error.
    pub fn take<'b>(&mut self, bytes: &'b [u8]) -> Result<Cow<'b, [u8]>, Failure> {
        let Some(opening) = &mut self.opening else {
            self.look(bytes);
            return Ok(Cow::Borrowed(bytes));
        };
        opening.hold(bytes);
        self.look(bytes);
        self.opened()
    }

    /// The stream is over: a line that did not end counts when nothing of it is missing. Gives what goes on.
    ///
    /// # Errors
    /// The stream is nothing but an error.
    pub fn rest(&mut self) -> Result<Vec<u8>, Failure> {
        let line = std::mem::take(&mut self.line);
        let data = line.strip_prefix(b"data:").unwrap_or_default().trim_ascii();
        if data == b"[DONE]" || serde_json::from_slice::<IgnoredAny>(data).is_ok() {
            self.line_ends(&line);
        }
        self.opened().map(Cow::into_owned)
    }

    fn opened<'b>(&mut self) -> Result<Cow<'b, [u8]>, Failure> {
        match self.opening.as_mut().and_then(|opening| opening.is_over()) {
            Some(over) => {
                self.opening = None;
                over.map(Cow::Owned)
            }
            None => Ok(Cow::Borrowed(&[])),
        }
    }

    /// Looks at bytes that go on.
    fn look(&mut self, bytes: &[u8]) {
        self.milestones.started = true;
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some(end) = part.strip_suffix(b"\n") else {
                self.hold(part);
                continue;
            };
            self.blank = self.fresh && matches!(end, [] | [b'\r']);
            self.fresh = true;
            if self.line.is_empty() {
                self.line_ends(end);
            } else {
                let room = LONGEST_LINE.saturating_sub(self.line.len());
                self.line.extend_from_slice(end.get(..room).unwrap_or(end));
                let line = std::mem::take(&mut self.line);
                self.line_ends(&line);
            }
        }
    }

    fn hold(&mut self, part: &[u8]) {
        let room = LONGEST_LINE.saturating_sub(self.line.len());
        self.line.extend_from_slice(part.get(..room).unwrap_or(part));
        self.fresh = false;
        self.blank = false;
    }

    fn line_ends(&mut self, line: &[u8]) {
        if let Some(opening) = &mut self.opening {
            opening.line(line);
        }
        let Some(data) = line.strip_prefix(b"data:").and_then(|data| std::str::from_utf8(data).ok()) else { return };
        let data = data.trim();
        self.done |= data == "[DONE]";
        self.milestones.reasoning |= has_text(data, "\"reasoning_content\"") || has_text(data, "\"reasoning\"");
        self.milestones.answer |= has_text(data, "\"content\"") || data.contains("\"tool_calls\":[");
        (self.milestones.thought, self.milestones.said) = (self.milestones.reasoning, self.milestones.answer);
        if (data.contains("\"usage\"") || data.contains("\"finish_reason\""))
            && let Ok(fields) = serde_json::from_str::<AnswerFields<'_>>(data)
        {
            self.usage = fields.usage().or(self.usage);
            self.finish_reason = fields.finish_reason().or(self.finish_reason);
        }
    }

    /// Tells the client of a fault in a stream that was begun: after what came of an event that did not end.
    pub fn fail(&self, fault: &Fault, between_events: bool, out: &mut BytesMut) {
        if !between_events {
            out.put_slice(b"\n\n");
        }
        for data in [error::render(fault).body.as_str(), "[DONE]"] {
            out.put_slice(format!("data: {data}\n\n").as_bytes());
        }
    }

    /// Whether the relayed bytes end with a whole event, so that an error event can follow.
    #[must_use]
    pub fn is_between_events(&self) -> bool {
        self.blank
    }
}

impl Default for Relay {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether this member is a string with something in it.
fn has_text(data: &str, name: &str) -> bool {
    data.match_indices(name).any(|(at, _)| {
        let rest = data.behind(at + name.len()).trim_start();
        let value = rest.strip_prefix(':').map(str::trim_start).and_then(|rest| rest.strip_prefix('"'));
        value.is_some_and(|value| !value.starts_with('"'))
    })
}

/// The members of an answer, whole or in chunks, that the gateway records.
#[derive(Deserialize)]
struct AnswerFields<'a> {
    #[serde(default)]
    usage: Option<Counts>,
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

impl AnswerFields<'_> {
    /// The tokens as the backend counts them.
    fn usage(&self) -> Option<Usage> {
        self.usage.as_ref().map(Counts::usage)
    }

    fn finish_reason(&self) -> Option<&'static str> {
        let told = self.choices.iter().find_map(|choice| choice.finish_reason.as_deref())?;
        let known = ["stop", "length", "tool_calls", "content_filter", "function_call"];
        known.into_iter().find(|known| *known == told)
    }
}

/// The finish reason and the token counts of a whole answer.
#[must_use]
pub fn finish_and_usage(body: &[u8]) -> (Option<&'static str>, Option<Usage>) {
    match serde_json::from_slice::<AnswerFields<'_>>(body) {
        Ok(fields) => (fields.finish_reason(), fields.usage()),
        Err(_) => (None, None),
    }
}

/// Whether a body is a Chat Completions answer, whole or as a stream, whatever its `content-type`.
#[must_use]
pub fn is_answer(body: &[u8]) -> bool {
    has_choices(body) || is_stream_of_events(body)
}

/// Whether a body is an answer of an encoder: it has vectors, or a ranking.
#[must_use]
pub fn is_encoding(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Body {
        #[serde(alias = "results")]
        data: Vec<IgnoredAny>,
    }
    serde_json::from_slice::<Body>(body).is_ok_and(|body| !body.data.is_empty())
}

fn has_choices(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Body {
        choices: Vec<IgnoredAny>,
    }
    serde_json::from_slice::<Body>(body).is_ok_and(|body| !body.choices.is_empty())
}

fn is_stream_of_events(body: &[u8]) -> bool {
    let mut lines = body.split(|byte| matches!(byte, b'\n' | b'\r')).filter_map(|line| line.strip_prefix(b"data:"));
    lines.any(has_choices)
}

/// A refusal, for those who decide whether to try again; its client gets it as it came.
#[must_use]
pub fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        error: Inner<'a>,
    }
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow)]
        message: Cow<'a, str>,
        #[serde(default)]
        code: Value,
    }
    let message = serde_json::from_slice::<Body<'_>>(body).map(|body| match body.error.code.as_str() {
        // Whatever its words are.
        Some(code @ "context_length_exceeded") => format!("{} ({code})", body.error.message),
        _ => body.error.message.into_owned(),
    });
    let exception = match status.as_u16() {
        // Bedrock's own meaning of these is about its models.
        408 | 424 => "ValidationException",
        status => Refusal::name_of_status(status),
    };
    Fault::Refused(Refusal {
        exception: exception.to_owned(),
        status: status.as_u16(),
        message: message.unwrap_or_else(|_| format!("the backend answered {status}")),
        retry_after: retry_after::asked_for(headers),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use std::time::Duration;

    const STREAM: &str = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n\
        data: {\"choices\":[{\"delta\":{\"reasoning_content\": \"hm\"}}]}\r\n\r\n: comment\n\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":null}]}\n\n\
        data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n\
        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4,\
        \"prompt_tokens_details\":{\"cached_tokens\":2},\"completion_tokens_details\":{\"reasoning_tokens\":3}}}\n\n\
        data: [DONE]\n\n";

    #[test]
    fn a_stream_is_understood_however_it_is_cut() {
        for size in [1, 2, 3, 7, 50, STREAM.len()] {
            let mut relay = Relay::new();
            STREAM.as_bytes().chunks(size).for_each(|part| relay.look(part));
            let usage = relay.usage.unwrap();
            assert_eq!((usage.input, usage.output, usage.cache_read, usage.reasoning), (7, 4, Some(2), Some(3)));
            assert_eq!((relay.finish_reason, relay.done, relay.blank), (Some("stop"), true, true));
            assert!(relay.milestones.reasoning && relay.milestones.answer);
        }
    }

    #[test]
    fn reasoning_comes_before_the_answer() {
        let mut relay = Relay::new();
        let (before, _) = STREAM.split_once(": comment").unwrap();
        relay.look(before.as_bytes());
        assert!(relay.milestones.reasoning && !relay.milestones.answer, "a role with an empty text is no answer");
    }

    #[test]
    fn a_fault_does_not_run_into_an_event_that_did_not_end() {
        let told = |before: &[u8]| {
            let (mut relay, mut out) = (Relay::new(), BytesMut::new());
            relay.look(before);
            relay.fail(&Fault::Ours("x".to_owned()), relay.is_between_events(), &mut out);
            String::from_utf8(out.to_vec()).unwrap()
        };
        assert!(told(b"data: {}\n\n").starts_with("data: {\"error\":"));
        assert!(told(b"data: {}\n\n").ends_with("}\n\ndata: [DONE]\n\n"));
        for cut in [&b"data: {\"a"[..], b"data: {}\n", b"data: {}\r"] {
            assert!(told(cut).starts_with("\n\ndata: {\"error\":"));
        }
    }

    #[test]
    fn refusals_have_names_that_nobody_else_chooses() {
        let body = br#"{"error":{"message":"slow down","type":"anything"}}"#;
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("7"));
        let Fault::Refused(refused) = refusal(StatusCode::TOO_MANY_REQUESTS, &headers, body) else { panic!() };
        assert_eq!((refused.exception.as_str(), refused.message.as_str()), ("ThrottlingException", "slow down"));
        assert_eq!((refused.status, refused.retry_after), (429, Some(Duration::from_secs(7))));
        let Fault::Refused(other) = refusal(StatusCode::BAD_GATEWAY, &HeaderMap::new(), b"<html>") else { panic!() };
        assert_eq!(other.message, "the backend answered 502 Bad Gateway");
    }
}
