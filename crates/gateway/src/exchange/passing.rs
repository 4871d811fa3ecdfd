//! A backend that speaks the client's own dialect: its answer goes on byte for byte, and is only looked at.

use super::Exchange;
use super::answer::{self, Upstream};
use super::opening::{Failure, Opening};
use super::veil::{Veil, VeiledStream};
use aquifer_translate::Fault;
use aquifer_translate::bedrock::converse;
use aquifer_translate::dialect::openai_chat::error;
use aquifer_translate::fault::{Misbehaviour, Refusal};
use aquifer_translate::model::response::Usage;
use aquifer_translate::translation::Seen;
use aquifer_translate::wire::pause;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::borrow::Cow;
use std::time::Instant;

/// The longest line of a stream that is looked at; usage and finish reason stand in short ones.
const LONGEST_LINE: usize = 64 << 10;

/// A stream that goes on as it comes.
#[derive(Debug, Default)]
pub(super) struct Passing {
    /// The beginning of a line whose end did not come yet; what is too long is left out.
    line: Vec<u8>,
    /// Whether the line at hand is empty so far, and the one before it.
    fresh: bool,
    blank: bool,
    /// What is held until some of it is content.
    opening: Option<Box<Opening>>,
    pub(super) seen: Seen,
    pub(super) usage: Option<Usage>,
    pub(super) finish_reason: Option<&'static str>,
    /// `[DONE]` came.
    pub(super) done: bool,
    /// What stands between it and the client.
    veil: Option<Box<VeiledStream>>,
}

impl Passing {
    /// Nothing goes on before there is content.
    pub(super) fn new(veil: Option<Veil>) -> Self {
        let veil = veil.map(|veil| Box::new(VeiledStream::new(veil)));
        Self { fresh: true, blank: true, opening: Some(Box::default()), veil, ..Self::default() }
    }

    /// What the client may see of bytes that go on, and what is wrong with those behind.
    fn seen_by_client<'b>(&mut self, bytes: Cow<'b, [u8]>) -> (Cow<'b, [u8]>, Result<(), Fault>) {
        let Some(veil) = &mut self.veil else { return (bytes, Ok(())) };
        let mut out = Vec::new();
        let taken = veil.take(&bytes, &mut out);
        (Cow::Owned(out), taken)
    }

    /// Takes bytes; gives what goes on.
    fn take<'b>(&mut self, bytes: &'b [u8]) -> Result<Cow<'b, [u8]>, Failure> {
        let Some(opening) = &mut self.opening else {
            self.look(bytes);
            return Ok(Cow::Borrowed(bytes));
        };
        opening.hold(bytes);
        self.look(bytes);
        self.opened()
    }

    /// The stream is over: a line that did not end counts when nothing of it is missing.
    fn rest(&mut self) -> Result<Vec<u8>, Failure> {
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
        self.seen.started = true;
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
        self.seen.reasoning |= has_text(data, "\"reasoning_content\"") || has_text(data, "\"reasoning\"");
        self.seen.answer |= has_text(data, "\"content\"") || data.contains("\"tool_calls\":[");
        if (data.contains("\"usage\"") || data.contains("\"finish_reason\""))
            && let Ok(told) = serde_json::from_str::<Told<'_>>(data)
        {
            self.usage = told.usage().or(self.usage);
            self.finish_reason = told.finish_reason().or(self.finish_reason);
        }
    }

    /// Tells the client of a fault in a stream that was begun: after what came of an event that did not end.
    pub(super) fn fail(&self, fault: &Fault, out: &mut BytesMut) {
        if !self.is_between_events() {
            out.put_slice(b"\n\n");
        }
        for data in [error::told(fault).body.as_str(), "[DONE]"] {
            out.put_slice(format!("data: {data}\n\n").as_bytes());
        }
    }

    /// Tells the client that the stream goes on, where that does not cut an event in two.
    pub(super) fn keep_alive(&self, out: &mut BytesMut) {
        if self.is_between_events() {
            out.put_slice(b": keep-alive\n\n");
        }
    }

    /// Whether the client has whole events only: behind a veil it never has others.
    fn is_between_events(&self) -> bool {
        self.blank || self.veil.is_some()
    }
}

/// Whether this member is a string with something in it.
fn has_text(data: &str, name: &str) -> bool {
    data.match_indices(name).any(|(at, _)| {
        let rest = data.get(at + name.len()..).unwrap_or_default().trim_start();
        let value = rest.strip_prefix(':').map(str::trim_start).and_then(|rest| rest.strip_prefix('"'));
        value.is_some_and(|value| !value.starts_with('"'))
    })
}

/// What is read of an answer, whole or in chunks.
#[derive(Deserialize)]
pub(super) struct Told<'a> {
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

#[derive(Deserialize, Default)]
#[serde(default)]
struct Counts {
    prompt_tokens: u64,
    completion_tokens: u64,
    prompt_tokens_details: Option<Details>,
    completion_tokens_details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    cached_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
}

impl Told<'_> {
    /// The tokens as the backend counts them.
    pub(super) fn usage(&self) -> Option<Usage> {
        let Counts { prompt_tokens, completion_tokens, prompt_tokens_details, completion_tokens_details } =
            self.usage.as_ref()?;
        let cached = prompt_tokens_details.as_ref().and_then(|details| details.cached_tokens);
        Some(Usage {
            input: prompt_tokens.saturating_sub(cached.unwrap_or(0)),
            output: *completion_tokens,
            cache_read: cached,
            reasoning: completion_tokens_details.as_ref().and_then(|details| details.reasoning_tokens),
            ..Usage::default()
        })
    }

    pub(super) fn finish_reason(&self) -> Option<&'static str> {
        let told = self.choices.iter().find_map(|choice| choice.finish_reason.as_deref())?;
        let known = ["stop", "length", "tool_calls", "content_filter", "function_call"];
        known.into_iter().find(|known| *known == told)
    }
}

impl Exchange {
    /// Sends bytes of such a stream on, at once.
    pub(super) fn pass_on(&mut self, bytes: &[u8], now: Instant) -> Result<(), Fault> {
        let Some(Upstream::Passing(passing)) = self.waiting.as_mut().map(|waiting| &mut waiting.upstream) else {
            return Ok(());
        };
        let (said, taken) = match passing.take(bytes) {
            Ok(taken) => passing.seen_by_client(taken),
            Err(failure) => return Err(self.refused(failure)),
        };
        let seen = passing.seen;
        self.note(seen, now);
        self.go_on(&said, now);
        taken
    }

    fn go_on(&mut self, bytes: &[u8], now: Instant) {
        if !bytes.is_empty() {
            self.commit(now);
            self.say(BytesMut::from(bytes));
        }
    }

    /// An error that came with a status of success: its client is told of it as it came, if nothing else helps.
    fn refused(&mut self, failure: Failure) -> Fault {
        if let (Some(waiting), Some(body)) = (&mut self.waiting, failure.body) {
            waiting.refuse(failure.status, &HeaderMap::new(), body);
        }
        failure.fault
    }

    /// Such a stream ended as HTTP says it should.
    pub(super) fn passed(&mut self, mut passing: Box<Passing>, now: Instant) -> Result<(), Fault> {
        let rest = passing.rest().map_err(|failure| self.refused(failure))?;
        let (rest, mut taken) = passing.seen_by_client(Cow::Owned(rest));
        let mut rest = rest.into_owned();
        if let Some(veil) = &mut passing.veil {
            taken = taken.and_then(|()| veil.end(&mut rest));
        }
        self.go_on(&rest, now);
        let (reason, usage) = (passing.finish_reason, passing.usage);
        let fault = match taken {
            Ok(()) if passing.done || reason.is_some() => None,
            Ok(()) => Some(Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly)),
            Err(fault) => Some(fault),
        };
        if let Some(fault) = fault {
            if let Some(waiting) = &mut self.waiting {
                waiting.upstream = Upstream::Passing(passing);
            }
            return Err(fault);
        }
        self.told(reason, usage, now);
        Ok(())
    }

    /// Gives a whole answer as it came.
    pub(super) fn hand_over(
        &mut self,
        status: StatusCode,
        kind: Option<HeaderValue>,
        body: Bytes,
        now: Instant,
    ) -> Result<(), Fault> {
        if let Some(failure) = Failure::told_by(&body) {
            return Err(self.refused(failure));
        }
        let Some(waiting) = &self.waiting else { return Ok(()) };
        let mut head = answer::json_head(&self.record.id, waiting.headers());
        if let Some(kind) = kind {
            head.insert(header::CONTENT_TYPE, kind);
        }
        if self.committed {
            return Err(Fault::UpstreamMisbehaved(Misbehaviour::Protocol("a stream was asked for".to_owned())));
        }
        if !has_choices(&body) && !is_stream_of_events(&body) {
            return Err(Fault::UpstreamMisbehaved(Misbehaviour::Json("it has no choices".to_owned())));
        }
        let shown = waiting.veil.map_or_else(|| Ok(body.clone()), |veil| veil.whole(&body).map(Bytes::from))?;
        let (reason, usage) = match serde_json::from_slice::<Told<'_>>(&body) {
            Ok(told) => (told.finish_reason(), told.usage()),
            Err(_) => (None, None),
        };
        self.won(now);
        self.answer(status, head, shown);
        self.told(reason, usage, now);
        Ok(())
    }

    /// Tells a fault as such a backend would: its own refusal as it came, or at the end of its stream. `false`: it is
    /// told as any other.
    pub(super) fn fail_as_it_came(&mut self, fault: &Fault) -> bool {
        let Some(waiting) = &mut self.waiting else { return false };
        if !self.committed
            && let Some((status, kept, body)) = waiting.refused.take()
        {
            let mut headers = answer::json_head(&self.record.id, waiting.headers());
            headers.extend(kept);
            self.answer(status, headers, body);
            return true;
        }
        let Upstream::Passing(passing) = &waiting.upstream else { return false };
        // A client that heard no more than comments is told as at any other backend.
        if !self.committed || self.early {
            return false;
        }
        let mut out = BytesMut::new();
        passing.fail(fault, &mut out);
        self.record.tokens = passing.usage.map(super::tokens);
        self.say(out);
        true
    }
}

/// Whether a whole answer is one.
fn has_choices(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Body {
        choices: Vec<IgnoredAny>,
    }
    serde_json::from_slice::<Body>(body).is_ok_and(|body| !body.choices.is_empty())
}

/// Whether a body is a stream, whatever type it was said to have.
fn is_stream_of_events(body: &[u8]) -> bool {
    let mut lines = body.split(|byte| matches!(byte, b'\n' | b'\r')).filter_map(|line| line.strip_prefix(b"data:"));
    lines.any(has_choices)
}

/// A refusal, for those who decide whether to try again; its client gets it as it came.
pub(super) fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
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
        _ => converse::error::name_of_status(status),
    };
    Fault::Refused(Refusal {
        exception: exception.to_owned(),
        status: status.as_u16(),
        message: message.unwrap_or_else(|_| format!("the backend answered {status}")),
        retry_after: pause::asked_for(headers),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
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
            let mut passing = Passing::new(None);
            STREAM.as_bytes().chunks(size).for_each(|part| passing.look(part));
            let usage = passing.usage.unwrap();
            assert_eq!((usage.input, usage.output, usage.cache_read, usage.reasoning), (7, 4, Some(2), Some(3)));
            assert_eq!((passing.finish_reason, passing.done, passing.blank), (Some("stop"), true, true));
            assert!(passing.seen.reasoning && passing.seen.answer);
        }
    }

    #[test]
    fn reasoning_comes_before_the_answer() {
        let mut passing = Passing::new(None);
        let (before, _) = STREAM.split_once(": comment").unwrap();
        passing.look(before.as_bytes());
        assert!(passing.seen.reasoning && !passing.seen.answer, "a role with an empty text is no answer");
    }

    #[test]
    fn a_fault_does_not_run_into_an_event_that_did_not_end() {
        let told = |before: &[u8]| {
            let (mut passing, mut out) = (Passing::new(None), BytesMut::new());
            passing.look(before);
            passing.fail(&Fault::Ours("x".to_owned()), &mut out);
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
