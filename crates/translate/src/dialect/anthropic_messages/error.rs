//! Faults, as the clients of Anthropic's API expect to be told of them.
//!
//! Source: Anthropic's API reference, "Errors"; its SDKs choose the exception by the status alone, retry 408, 409, 429
//! and 5xx unless `x-should-retry` says otherwise, and Claude Code repairs requests by the words of the message: what
//! Bedrock says is told without a word before it.

use super::field::path;
use super::request_id;
use crate::dialect::told;
use crate::fault::{Fault, Mistake, MistakeKind, Refusal, Unreachable};
use crate::model::field_ref::FieldRef;
use crate::model::request_id::RequestId;
use crate::model::text::Text;
use std::borrow::Cow;

/// A fault in this dialect's words.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedMessagesError {
    /// The HTTP status, when nothing was sent yet.
    pub status: u16,
    /// `{"type":"error","error":{"type":...,"message":...},"request_id":...}`
    pub body: String,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u64>,
    /// `x-should-retry`, where the status alone would mislead.
    pub should_retry: Option<bool>,
}

impl std::fmt::Debug for RenderedMessagesError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, body, .. } = self;
        f.debug_struct("RenderedMessagesError")
            .field("status", status)
            .field("bytes", &body.len())
            .finish_non_exhaustive()
    }
}

/// Status and `type`.
type Class = (u16, &'static str);

const INVALID: Class = (400, "invalid_request_error");
const SERVER: Class = (500, "api_error");
/// Anthropic's own status for too many requests of all clients together.
const OVERLOADED: Class = (529, "overloaded_error");

/// Tells a fault of this exchange.
#[must_use]
pub fn render(fault: &Fault, exchange: Option<RequestId>) -> RenderedMessagesError {
    let (status, kind) = class(fault);
    let message = Text::from_plain(message(fault));
    let exchange = exchange.map_or_else(|| "null".to_owned(), |id| format!("\"{}\"", request_id(id)));
    let details = if is_of_a_thread(fault) { NO_THREADS } else { "" };
    let body = format!(
        r#"{{"type":"error","error":{{"type":"{kind}","message":"{}"{details}}},"request_id":{exchange}}}"#,
        message.as_escaped()
    );
    RenderedMessagesError {
        status,
        body,
        retry_after: told::retry_after(fault),
        should_retry: should_retry(fault, status),
    }
}

/// What Anthropic's API says of a request that cannot be a turn of a thread. The SDKs' tool runners ask for a thread, and
/// send whole conversations from then on when they are told this.
const NO_THREADS: &str = r#","details":{"error_code":"thread_unsupported_request","unsupported":["thread"]}"#;

/// Whether a request is refused because it names a conversation that the server keeps.
fn is_of_a_thread(fault: &Fault) -> bool {
    let (Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake)) = fault else { return false };
    mistake.field.as_ref().is_some_and(|field| field.as_own() == Some("thread"))
}

fn class(fault: &Fault) -> Class {
    match fault {
        Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake) => of_mistake(mistake),
        Fault::Refused(refusal) => of_refusal(refusal),
        Fault::UpstreamMisbehaved(_) => (502, SERVER.1),
        Fault::UpstreamUnreachable(Unreachable::Timeout(_) | Unreachable::Stalled(_)) => (504, "timeout_error"),
        Fault::UpstreamUnreachable(Unreachable::Busy(_)) | Fault::Overloaded(_) => OVERLOADED,
        Fault::Ours(_) | Fault::UpstreamUnreachable(Unreachable::Credentials(_) | Unreachable::Ours(_)) => SERVER,
        Fault::UpstreamUnreachable(Unreachable::Connect(_) | Unreachable::Broken(_)) => (502, SERVER.1),
    }
}

fn of_mistake(mistake: &Mistake) -> Class {
    match mistake.kind {
        MistakeKind::Malformed
        | MistakeKind::InvalidValue
        | MistakeKind::TooMany
        | MistakeKind::UnsupportedParameter
        | MistakeKind::BadRequest => INVALID,
        MistakeKind::ModelNotFound | MistakeKind::PathNotFound | MistakeKind::ResponseNotFound => {
            (404, "not_found_error")
        }
        MistakeKind::MethodNotAllowed => (405, INVALID.1),
        MistakeKind::TooLarge => (413, "request_too_large"),
        MistakeKind::TooSlow => (408, "timeout_error"),
        MistakeKind::ForeignOrigin => (403, "permission_error"),
        MistakeKind::MediaType => (415, INVALID.1),
        MistakeKind::Misdirected => (421, INVALID.1),
        MistakeKind::NoWebSocket => (426, INVALID.1),
        MistakeKind::Unauthorized => (401, "authentication_error"),
    }
}

fn of_refusal(refusal: &Refusal) -> Class {
    if told::is_quota(refusal) {
        return (429, "rate_limit_error");
    }
    match refusal.status {
        401 => (401, "authentication_error"),
        402 => (402, "billing_error"),
        403 => (403, "permission_error"),
        404 => (404, "not_found_error"),
        408 | 504 => (504, "timeout_error"),
        413 => (413, "request_too_large"),
        424 => SERVER,
        429 => (429, "rate_limit_error"),
        503 | 529 => OVERLOADED,
        502 => (502, SERVER.1),
        400..=499 => INVALID,
        _ => SERVER,
    }
}

/// The exception by which a refusal of the gateway's own credentials is told.
const DENIED: &str = "UpstreamAccessDeniedException";

/// SDKs and Claude Code retry a 401, a 429 and a 502 for minutes, unless they are told that it is of no use.
fn should_retry(fault: &Fault, status: u16) -> Option<bool> {
    let hopeless = matches!(fault, Fault::Refused(refusal) if told::is_quota(refusal) || refusal.exception == DENIED);
    (hopeless || matches!(status, 401..=403)).then_some(false)
}

/// The message: of a mistake with the field's path before it, as Anthropic's are.
fn message(fault: &Fault) -> String {
    let said = told::message(fault, path);
    let (Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake)) = fault else { return said };
    let Some(field) = &mistake.field else { return said };
    match (field, mistake.kind) {
        (FieldRef::ToolCalls(at), MistakeKind::InvalidValue) => format!(
            "messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after. Each `tool_use` block \
             must have a corresponding `tool_result` block in the next message."
        ),
        (FieldRef::ToolResult(at), MistakeKind::InvalidValue) => format!(
            "messages.{at}.content: unexpected `tool_use_id` found in `tool_result` blocks. Each `tool_result` block must \
             have a corresponding `tool_use` block in the previous message."
        ),
        _ => at_path(field, &said),
    }
}

/// `messages.0.role: Input should be ...`, of a message that may begin with the field in its own notation.
fn at_path(field: &FieldRef, said: &str) -> String {
    let path = path(field);
    let own = field.as_own().unwrap_or(&path);
    let named = [own, path.as_ref()].into_iter().find_map(|name| {
        let rest = said.strip_prefix('`')?.strip_prefix(name)?.strip_prefix("` ")?;
        rest.starts_with(|letter: char| letter.is_ascii_lowercase()).then_some(rest)
    });
    format!("{path}: {}", in_its_words(named.unwrap_or(said)))
}

/// The message about a field, in Anthropic's wording where it has one.
fn in_its_words(rule: &str) -> Cow<'_, str> {
    if rule == "is required" {
        return Cow::Borrowed("Field required");
    }
    for (ours, theirs) in [
        ("must be a string; found ", "Input should be a valid string; found "),
        ("must be an object; found ", "Input should be a valid dictionary; found "),
        ("must be an array; found ", "Input should be a valid list; found "),
        ("must be a boolean; found ", "Input should be a valid boolean; found "),
        ("must be a number; found ", "Input should be a valid number; found "),
        ("must be ", "Input should be "),
    ] {
        if let Some(rest) = rule.strip_prefix(ours) {
            return Cow::Owned(format!("{theirs}{rest}"));
        }
    }
    Cow::Borrowed(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(exception: &str, status: u16, message: &str) -> Fault {
        Fault::Refused(Refusal {
            exception: exception.to_owned(),
            status,
            message: message.to_owned(),
            retry_after: None,
        })
    }

    fn parts(fault: &Fault) -> (u16, String, String, Option<bool>) {
        let told = render(fault, Some(RequestId(1)));
        let body: serde_json::Value = serde_json::from_str(&told.body).unwrap();
        assert_eq!(body["type"], "error");
        assert_eq!(body["request_id"], "req_00000000000000000000000000000001");
        let word = |name: &str| body["error"][name].as_str().unwrap().to_owned();
        (told.status, word("type"), word("message"), told.should_retry)
    }

    #[test]
    fn every_refusal_has_its_status_and_bedrocks_own_words() {
        for (exception, status, told_status, kind, retry) in [
            ("ValidationException", 400, 400, "invalid_request_error", None),
            ("AccessDeniedException", 403, 403, "permission_error", Some(false)),
            ("ResourceNotFoundException", 404, 404, "not_found_error", None),
            ("ThrottlingException", 429, 429, "rate_limit_error", None),
            ("ModelNotReadyException", 429, 429, "rate_limit_error", None),
            ("ServiceQuotaExceededException", 400, 429, "rate_limit_error", Some(false)),
            ("InternalServerException", 500, 500, "api_error", None),
            ("ModelErrorException", 424, 500, "api_error", None),
            ("ModelStreamErrorException", 424, 500, "api_error", None),
            ("ServiceUnavailableException", 503, 529, "overloaded_error", None),
            ("ModelTimeoutException", 408, 504, "timeout_error", None),
            ("UpstreamAccessDeniedException", 502, 502, "api_error", Some(false)),
        ] {
            let (seen, said, message, should_retry) = parts(&refused(exception, status, "prompt is too long: 2 > 1"));
            assert_eq!((seen, said.as_str(), should_retry), (told_status, kind, retry), "{exception}");
            assert_eq!(message, "prompt is too long: 2 > 1");
        }
        let day = refused("ThrottlingException", 429, "Too many tokens per day, please wait before trying again.");
        assert_eq!(parts(&day).3, Some(false));
    }

    #[test]
    fn a_mistake_has_the_path_of_its_field_before_it() {
        let field = FieldRef::own("messages[3].content[1].source");
        let message = |fault: &Fault| parts(fault).2;
        let wrong = Fault::invalid(field, "`messages[3].content[1].source` must be an object; found a string");
        assert_eq!(message(&wrong), "messages.3.content.1.source: Input should be a valid dictionary; found a string");
        let missing = Fault::invalid(FieldRef::own("max_tokens"), "`max_tokens` is required");
        assert_eq!(message(&missing), "max_tokens: Field required");
        let other = Fault::unsupported(FieldRef::Conversation, "ends with a message of the assistant");
        assert_eq!(message(&other), "messages: ends with a message of the assistant");
        let calls = message(&Fault::invalid(FieldRef::ToolCalls(2), "x"));
        assert!(calls.starts_with("messages.2: `tool_use` ids were found without `tool_result` blocks"), "{calls}");
    }

    #[test]
    fn faults_of_the_gateway_and_of_the_way_have_their_status() {
        let class = |fault: &Fault| parts(fault).0;
        assert_eq!(class(&Fault::Overloaded("x".to_owned())), 529);
        assert_eq!(class(&Fault::UpstreamUnreachable(Unreachable::Timeout("x".to_owned()))), 504);
        assert_eq!(class(&Fault::UpstreamUnreachable(Unreachable::Connect("x".to_owned()))), 502);
        assert_eq!(class(&Fault::Ours("x".to_owned())), 500);
        let unauthorized = Fault::mistake(MistakeKind::Unauthorized, None, "no key");
        assert_eq!((class(&unauthorized), parts(&unauthorized).3), (401, Some(false)));
        assert_eq!(class(&Fault::mistake(MistakeKind::ModelNotFound, Some(FieldRef::Model), "x")), 404);
    }
}
