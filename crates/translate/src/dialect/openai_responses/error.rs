//! Faults, as the clients of OpenAI's Responses expect to be told of them.
//!
//! Source: OpenAI's API reference, "Error codes", and what its SDKs and Codex do with them: a 429 without `Retry-After`
//! ends a task, a failed response with `rate_limit_exceeded` is asked for again after the time that its message names, and
//! one with `server_error` at once.

use super::field::path;
use crate::dialect::openai_chat::error as chat;
use crate::dialect::told;
use crate::fault::{Fault, MistakeKind, Refusal};
use crate::model::field_ref::FieldRef;
use crate::model::text::Text;

/// A fault in this dialect's words.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedResponsesError {
    /// The HTTP status, when nothing was sent yet.
    pub status: u16,
    /// `{"error":{"message":...,"type":...,"param":...,"code":...}}`
    pub body: String,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u64>,
    /// `x-should-retry`, where the status alone would mislead.
    pub should_retry: Option<bool>,
}

impl std::fmt::Debug for RenderedResponsesError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, body, .. } = self;
        f.debug_struct("RenderedResponsesError")
            .field("status", status)
            .field("bytes", &body.len())
            .finish_non_exhaustive()
    }
}

/// Seconds after which a client may come again when Bedrock is throttled and does not say for how long.
const PAUSE: u64 = 2;
const QUOTA: &str = "insufficient_quota";

/// Tells a fault, when nothing was sent yet.
#[must_use]
pub fn render(fault: &Fault) -> RenderedResponsesError {
    let (status, kind, code) = match refusal(fault) {
        Some(refusal) if told::is_quota(refusal) => (429, QUOTA, Some(QUOTA.to_owned())),
        // Whatever status Bedrock has for it: clients shorten the conversation then.
        Some(refusal) if refusal.is_too_long() => (400, "invalid_request_error", Some(TOO_LONG.to_owned())),
        _ => chat::class(fault),
    };
    let message = quoted(Some(message(fault)));
    let (param, code) = (quoted(param(fault)), quoted(code));
    let body = format!(r#"{{"error":{{"message":{message},"type":"{kind}","param":{param},"code":{code}}}}}"#);
    let quota = kind == QUOTA;
    let pause = told::retry_after(fault).or_else(|| (status == 429).then_some(PAUSE)).filter(|_| !quota);
    let should_retry = (quota || matches!(status, 401..=403)).then_some(false);
    RenderedResponsesError { status, body, retry_after: pause, should_retry }
}

const TOO_LONG: &str = "context_length_exceeded";

/// The `error` of a response that failed after it had begun.
pub(super) fn failure(fault: &Fault) -> String {
    let message = message(fault);
    let (code, message) = match (refusal(fault), fault) {
        (Some(refusal), _) if told::is_quota(refusal) => (QUOTA, message),
        (Some(refusal), _) if refusal.is_too_long() => (TOO_LONG, message),
        (Some(Refusal { status: 429, .. }), _) => {
            let pause = told::retry_after(fault).unwrap_or(PAUSE);
            ("rate_limit_exceeded", format!("{message} Please try again in {pause}s."))
        }
        (Some(Refusal { status: 400 | 413 | 422, .. }), _)
        | (None, Fault::ClientMistaken(_) | Fault::Unsupported(_)) => ("invalid_prompt", message),
        (
            Some(_) | None,
            Fault::ClientMistaken(_)
            | Fault::Unsupported(_)
            | Fault::Refused(_)
            | Fault::UpstreamMisbehaved(_)
            | Fault::UpstreamUnreachable(_)
            | Fault::Ours(_)
            | Fault::Overloaded(_),
        ) => ("server_error", message),
    };
    format!(r#"{{"code":"{code}","message":{}}}"#, quoted(Some(message)))
}

fn refusal(fault: &Fault) -> Option<&Refusal> {
    match fault {
        Fault::Refused(refusal) => Some(refusal),
        Fault::ClientMistaken(_)
        | Fault::Unsupported(_)
        | Fault::UpstreamMisbehaved(_)
        | Fault::UpstreamUnreachable(_)
        | Fault::Ours(_)
        | Fault::Overloaded(_) => None,
    }
}

/// The message: in OpenAI's words where clients look for them.
fn message(fault: &Fault) -> String {
    let (Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake)) = fault else {
        return told::message(fault, path);
    };
    match (&mistake.field, mistake.kind) {
        (Some(FieldRef::ToolCalls(at)), MistakeKind::InvalidValue) => format!(
            "No tool output found for a function call of the turn that begins with `input[{at}]`: every call must be followed \
             by an item with its output."
        ),
        (Some(FieldRef::ToolResult(at)), MistakeKind::InvalidValue) => {
            format!("No tool call found for the function call output `input[{at}]`.")
        }
        _ => told::message(fault, path),
    }
}

/// The field that a fault is about.
fn param(fault: &Fault) -> Option<String> {
    match fault {
        Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake) => {
            mistake.field.as_ref().map(|field| path(field).into_owned())
        }
        Fault::Refused(refusal) if refusal.is_too_long() => Some("input".to_owned()),
        Fault::Refused(refusal) => chat::param_of(refusal).map(str::to_owned),
        Fault::UpstreamMisbehaved(_) | Fault::UpstreamUnreachable(_) | Fault::Ours(_) | Fault::Overloaded(_) => None,
    }
}

fn quoted(text: Option<String>) -> String {
    text.map_or_else(|| "null".to_owned(), |text| format!("\"{}\"", Text::from_plain(text).as_escaped()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Unreachable;
    use serde_json::Value;
    use std::time::Duration;

    fn refused(exception: &str, status: u16, message: &str) -> Fault {
        let (exception, message) = (exception.to_owned(), message.to_owned());
        Fault::Refused(Refusal { exception, status, message, retry_after: None })
    }

    /// The status, the code, the pause and the advice.
    fn told(fault: &Fault) -> (u16, String, Option<u64>, Option<bool>) {
        let rendered = render(fault);
        let body: Value = serde_json::from_str(&rendered.body).unwrap();
        assert!(body["error"]["message"].is_string() && body["error"].get("param").is_some());
        let code = body["error"]["code"].as_str().unwrap_or_default().to_owned();
        (rendered.status, code, rendered.retry_after, rendered.should_retry)
    }

    fn in_stream(fault: &Fault) -> (String, String) {
        let error: Value = serde_json::from_str(&failure(fault)).unwrap();
        (error["code"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
    }

    #[test]
    fn a_throttled_client_is_told_when_to_come_again() {
        let fault = refused("ThrottlingException", 429, "Too many requests.");
        assert_eq!(told(&fault), (429, "rate_limit_exceeded".to_owned(), Some(2), None));
        let (code, message) = in_stream(&fault);
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("rate_limit_exceeded", "Too many requests. Please try again in 2s.")
        );
        let Fault::Refused(refusal) = fault else { unreachable!() };
        let fault = Fault::Refused(Refusal { retry_after: Some(Duration::from_millis(6500)), ..refusal });
        assert_eq!(told(&fault).2, Some(7));
        assert!(in_stream(&fault).1.ends_with("try again in 7s."));
    }

    #[test]
    fn a_quota_that_is_used_up_is_not_asked_for_again() {
        let fault = refused("ThrottlingException", 429, "Too many tokens per day, please wait.");
        assert_eq!(told(&fault), (429, "insufficient_quota".to_owned(), None, Some(false)));
        assert_eq!(in_stream(&fault).0, "insufficient_quota");
    }

    #[test]
    fn a_request_that_is_too_long_has_its_code_whatever_its_status() {
        for status in [400, 413, 424] {
            let fault = refused("ValidationException", status, "Input is too long for requested model.");
            assert_eq!(told(&fault), (400, "context_length_exceeded".to_owned(), None, None));
            assert_eq!(in_stream(&fault).0, "context_length_exceeded");
        }
    }

    #[test]
    fn a_mistake_names_its_field() {
        let rendered = render(&Fault::invalid(FieldRef::MaxTokens, "must be a number"));
        let body: Value = serde_json::from_str(&rendered.body).unwrap();
        assert_eq!((rendered.status, body["error"]["param"].as_str()), (400, Some("max_output_tokens")));
        let unauthorized = Fault::mistake(MistakeKind::Unauthorized, None, "no");
        assert_eq!(told(&unauthorized), (401, "invalid_api_key".to_owned(), None, Some(false)));
    }

    #[test]
    fn other_failures_in_a_stream_are_worth_another_attempt_or_not() {
        assert_eq!(in_stream(&refused("InternalServerException", 500, "no")).0, "server_error");
        assert_eq!(in_stream(&refused("ServiceUnavailableException", 503, "no")).0, "server_error");
        assert_eq!(in_stream(&refused("ValidationException", 400, "no")).0, "invalid_prompt");
        assert_eq!(in_stream(&Fault::UpstreamUnreachable(Unreachable::Broken(String::new()))).0, "server_error");
    }
}
