//! The beginning of a stream that goes on as it comes: held until there is content in it, or an error.

use super::refusal;
use crate::fault::{Fault, Misbehaviour};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The most that is held, in bytes; what is longer goes on unread.
const LONGEST: usize = 64 << 10;

/// The events before the first content, held back: an error among them can still become an HTTP status.
#[derive(Debug, Default)]
pub(super) struct FirstEvent {
    held: Vec<u8>,
    /// The event at hand says by its name that it is an error.
    named: bool,
    /// An event came that is more than the beginning of an answer.
    content: bool,
    /// `[DONE]` came before anything of an answer did.
    empty: bool,
    /// An event of an answer came.
    answers: bool,
    failure: Option<Failure>,
}

/// An error that came with a status of success.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The status that it names or means.
    pub status: StatusCode,
    /// The error as it came, where that is an object that clients of this dialect know.
    pub body: Option<Bytes>,
    /// The same for those who decide whether to try again.
    pub fault: Fault,
}

impl FirstEvent {
    /// Holds bytes.
    pub(super) fn hold(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// Looks at a whole line of what is held.
    pub(super) fn line(&mut self, line: &[u8]) {
        if self.content || self.failure.is_some() {
            return;
        }
        let text = String::from_utf8_lossy(line);
        if let Some(name) = text.strip_prefix("event:") {
            self.named = name.trim() == "error";
        }
        let Some(data) = text.strip_prefix("data:").map(str::trim) else { return };
        if data == "[DONE]" {
            self.content = self.answers;
            self.empty = !self.answers;
            return;
        }
        self.failure = Failure::told_by(data.as_bytes()).or_else(|| self.named.then(|| Failure::named(data)));
        let part = Part::of(data);
        self.answers |= part != Part::None;
        self.content = self.failure.is_none() && part == Part::Content;
    }

    /// Whether nothing needs to be held back any more: then the held bytes, or the error that they are.
    pub(super) fn is_over(&mut self) -> Option<Result<Vec<u8>, Failure>> {
        match self.failure.take() {
            Some(failure) => Some(Err(failure)),
            None if self.empty => Some(Err(Failure::empty())),
            None if self.content || self.held.len() > LONGEST => Some(Ok(self.release())),
            None => None,
        }
    }

    /// Gives the held bytes, whatever they are.
    fn release(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

/// An event as far as it may be content.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default)]
    choices: Vec<BTreeMap<Cow<'a, str>, &'a RawValue>>,
    #[serde(default)]
    usage: Option<IgnoredAny>,
}

/// The kinds of events, as far as holding them back is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing: it has no choices, or is nothing that is known.
    None,
    /// Choices that say nothing yet.
    Beginning,
    /// Text, reasoning, a call, the end, or something that may be one of these.
    Content,
}

impl Part {
    fn of(data: &str) -> Self {
        let Ok(event) = serde_json::from_str::<Event<'_>>(data) else {
            return if data.starts_with('{') && serde_json::from_str::<IgnoredAny>(data).is_ok() {
                Self::Content
            } else {
                Self::None
            };
        };
        let blank = |value: &RawValue| matches!(value.get(), "null" | "\"\"" | "[]" | "{}");
        let delta = |delta: &RawValue| {
            let members = serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(delta.get());
            members.is_ok_and(|members| members.iter().all(|(name, value)| name == "role" || blank(value)))
        };
        let silent = |(name, value): (&Cow<'_, str>, &&RawValue)| match name.as_ref() {
            "index" | "logprobs" | "content_filter_results" => true,
            "delta" => blank(value) || delta(value),
            _ => blank(value),
        };
        if event.usage.is_some() || !event.choices.iter().flatten().all(silent) {
            Self::Content
        } else if event.choices.is_empty() {
            Self::None
        } else {
            Self::Beginning
        }
    }
}

/// An answer, as far as it tells of an error.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// The members of an error object that tell its kind; each service has its own names.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Kind {
    #[serde(rename = "type")]
    kind: Value,
    code: Value,
    status: Value,
}

impl Failure {
    /// The error that this object tells of, if it does.
    pub fn told_by(body: &[u8]) -> Option<Self> {
        let error = serde_json::from_slice::<Said<'_>>(body).ok()?.error.filter(|error| error.get() != "null")?;
        let status =
            serde_json::from_str::<Kind>(error.get()).map_or(StatusCode::INTERNAL_SERVER_ERROR, |it| it.status());
        let known = error.get().starts_with('{').then(|| Bytes::copy_from_slice(body));
        Some(Self { status, body: known, fault: refusal(status, &HeaderMap::new(), body) })
    }

    /// A stream that ended before it began.
    fn empty() -> Self {
        let fault = Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly);
        Self { status: StatusCode::BAD_GATEWAY, body: None, fault }
    }

    /// An event named as an error whose data is no object with one.
    fn named(data: &str) -> Self {
        let status = serde_json::from_str::<Kind>(data).map_or(StatusCode::INTERNAL_SERVER_ERROR, |it| it.status());
        Self { status, body: None, fault: refusal(status, &HeaderMap::new(), data.as_bytes()) }
    }
}

impl Kind {
    /// The status that such an error would have had.
    fn status(&self) -> StatusCode {
        let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
        let stated =
            [&self.status, &self.code].into_iter().filter_map(number).find(|number| (400..600).contains(number));
        let status = stated.and_then(|number| u16::try_from(number).ok()).unwrap_or_else(|| self.meant());
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn meant(&self) -> u16 {
        let says =
            |word: &str| [&self.kind, &self.code].iter().any(|it| it.as_str().is_some_and(|it| it.contains(word)));
        let words: [(&[&str], u16); 6] = [
            (&["rate_limit", "quota", "throttl", "too_many"], 429),
            (&["overloaded", "unavailable"], 503),
            (&["authentication", "api_key"], 401),
            (&["permission", "access_denied"], 403),
            (&["not_found"], 404),
            (&["invalid", "context_length", "content_filter"], 400),
        ];
        words.into_iter().find(|(words, _)| words.iter().any(|word| says(word))).map_or(500, |(_, status)| status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(body: &str) -> Option<u16> {
        Failure::told_by(body.as_bytes()).map(|failure| failure.status.as_u16())
    }

    #[test]
    fn an_error_is_found_and_its_status_with_it() {
        for (body, expected) in [
            (r#"{"error":{"message":"m","type":"rate_limit_error"}}"#, 429),
            (r#"{"error":{"message":"m","type":"x","code":"insufficient_quota"}}"#, 429),
            (r#"{"type":"error","error":{"type":"overloaded_error"}}"#, 503),
            (r#"{"id":"x","choices":[],"error":{"code":502,"message":"m"}}"#, 502),
            (r#"{"error":{"code":"429"}}"#, 429),
            (r#"{"error":{"type":"invalid_request_error","code":null}}"#, 400),
            (r#"{"error":{"code":"invalid_api_key","type":"invalid_request_error"}}"#, 401),
            (r#"{"error":{"type":"permission_error"}}"#, 403),
            (r#"{"error":{"code":"model_not_found","type":"invalid_request_error"}}"#, 404),
            (r#"{"error":{"code":7}}"#, 500),
            (r#"{"error":"out of memory"}"#, 500),
        ] {
            assert_eq!(status(body), Some(expected), "{body}");
        }
        for answer in [r#"{"choices":[]}"#, r#"{"choices":[],"error":null}"#, "[DONE]", "", "{", "[]"] {
            assert_eq!(status(answer), None, "{answer}");
        }
    }

    #[test]
    fn only_an_object_is_told_as_it_came() {
        let told = |body: &str| Failure::told_by(body.as_bytes()).unwrap().body;
        assert_eq!(told(r#"{"error":{}}"#).as_deref(), Some(&br#"{"error":{}}"#[..]));
        assert_eq!(told(r#"{"error":"m"}"#), None);
    }
}
