//! Faults, as the clients of OpenAI's API expect to be told of them.
//!
//! Source: OpenAI's API reference, "Error codes"; its SDKs choose the exception by the status alone, retry 408, 409,
//! 429 and 5xx, and show `message`. The table is in `docs/errors.md`.

use super::field::path;
use crate::fault::{Fault, Misbehaviour, Mistake, MistakeKind, Refusal, Unreachable, redacted};
use crate::model::text::Text;
use std::time::Duration;

/// A fault in this dialect's words.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedError {
    /// The HTTP status, when nothing was sent yet.
    pub status: u16,
    /// `{"error":{"message":...,"type":...,"param":...,"code":...}}`
    pub body: String,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u64>,
}

impl std::fmt::Debug for RenderedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RenderedError")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Status, `type` and `code`.
type Class = (u16, &'static str, Option<String>);

const INVALID: &str = "invalid_request_error";
const SERVER: &str = "server_error";

/// Tells a fault.
#[must_use]
pub fn render(fault: &Fault) -> RenderedError {
    let (status, kind, code) = class(fault);
    let param = match fault {
        Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake) => {
            mistake.field.as_ref().map(|field| path(field).into_owned())
        }
        Fault::Refused(refusal) => param_of(refusal).map(str::to_owned),
        Fault::UpstreamMisbehaved(_) | Fault::UpstreamUnreachable(_) | Fault::Ours(_) | Fault::Overloaded(_) => None,
    };
    let retry_after = match fault {
        Fault::Refused(refusal) => refusal.retry_after.map(whole_seconds),
        Fault::UpstreamUnreachable(Unreachable::Busy(_)) | Fault::Overloaded(_) => Some(1),
        Fault::ClientMistaken(_)
        | Fault::Unsupported(_)
        | Fault::UpstreamMisbehaved(_)
        | Fault::UpstreamUnreachable(_)
        | Fault::Ours(_) => None,
    };
    let quoted = |text: Option<String>| {
        text.map_or_else(|| "null".to_owned(), |text| format!("\"{}\"", Text::from_plain(text).as_escaped()))
    };
    let message = quoted(Some(message(fault)));
    let (param, code) = (quoted(param), quoted(code));
    let body = format!(r#"{{"error":{{"message":{message},"type":"{kind}","param":{param},"code":{code}}}}}"#);
    RenderedError { status, body, retry_after }
}

/// The message for the client. Details for the operator alone, which may name addresses, accounts and roles, are left
/// out.
fn message(fault: &Fault) -> String {
    let said = match fault {
        Fault::UpstreamUnreachable(Unreachable::Ours(_)) => {
            "internal error of the gateway: the call to the upstream could not be made"
        }
        Fault::UpstreamUnreachable(Unreachable::Connect(_)) => "could not connect to the upstream",
        Fault::UpstreamUnreachable(Unreachable::Broken(_)) => "the connection to the upstream broke",
        Fault::UpstreamUnreachable(Unreachable::Credentials(_)) => "no AWS credentials to sign the call with",
        Fault::UpstreamUnreachable(Unreachable::Timeout(what) | Unreachable::Stalled(what)) => {
            // What stands before it is an address.
            let limit = what.rsplit(": ").next().filter(|said| LIMITS.iter().any(|begin| said.starts_with(begin)));
            let limit = limit.map(|limit| format!(": {limit}")).unwrap_or_default();
            return format!("the upstream did not answer in time{limit}");
        }
        Fault::Refused(refusal) => return redacted(&refusal.message).into_owned(),
        Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake) => {
            let name = mistake.field.as_ref().map(path).unwrap_or_default();
            return mistake.naming(&name).into_owned();
        }
        other @ (Fault::UpstreamMisbehaved(_)
        | Fault::UpstreamUnreachable(_)
        | Fault::Ours(_)
        | Fault::Overloaded(_)) => return other.to_string(),
    };
    said.to_owned()
}

/// The phrases with which a host names the time limit that was passed; they hold no address.
const LIMITS: [&str; 4] =
    ["nothing came for ", "the answer had not begun after ", "the answer was not complete after ", "no connection in "];

/// A client must not come too early.
fn whole_seconds(pause: Duration) -> u64 {
    pause.as_secs().saturating_add(u64::from(pause.subsec_nanos() > 0))
}

fn class(fault: &Fault) -> Class {
    let coded = |status, kind, code: &str| (status, kind, Some(code.to_owned()));
    match fault {
        Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake) => of_mistake(mistake),
        Fault::Refused(refusal) => of_refusal(refusal),
        Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly | Misbehaviour::CutFrame) => {
            coded(502, SERVER, "upstream_ended_early")
        }
        Fault::UpstreamMisbehaved(Misbehaviour::MalformedOutput(reason)) => coded(502, SERVER, reason),
        Fault::UpstreamMisbehaved(_) => coded(502, SERVER, "upstream_protocol_error"),
        Fault::UpstreamUnreachable(Unreachable::Timeout(_) | Unreachable::Stalled(_)) => {
            coded(504, SERVER, "upstream_timeout")
        }
        Fault::UpstreamUnreachable(Unreachable::Busy(_)) | Fault::Overloaded(_) => coded(503, SERVER, "overloaded"),
        Fault::UpstreamUnreachable(Unreachable::Credentials(_)) => coded(500, SERVER, "upstream_credentials"),
        Fault::Ours(_) | Fault::UpstreamUnreachable(Unreachable::Ours(_)) => coded(500, SERVER, "internal_error"),
        Fault::UpstreamUnreachable(_) => coded(502, SERVER, "upstream_unreachable"),
    }
}

fn of_mistake(mistake: &Mistake) -> Class {
    let (status, kind, code) = match mistake.kind {
        MistakeKind::Malformed => (400, INVALID, Some("invalid_json")),
        MistakeKind::InvalidValue | MistakeKind::TooMany => (400, INVALID, Some("invalid_value")),
        MistakeKind::UnsupportedParameter => (400, INVALID, Some("unsupported_parameter")),
        MistakeKind::ModelNotFound => (404, INVALID, Some("model_not_found")),
        MistakeKind::PathNotFound => (404, INVALID, Some("unknown_url")),
        MistakeKind::MethodNotAllowed => (405, INVALID, Some("method_not_supported")),
        MistakeKind::TooLarge => (413, INVALID, Some("request_too_large")),
        MistakeKind::TooSlow => (408, INVALID, Some("request_timeout")),
        MistakeKind::BadRequest => (400, INVALID, Some("bad_request")),
        MistakeKind::ForeignOrigin => (403, INVALID, Some("origin_not_allowed")),
        MistakeKind::MediaType => (415, INVALID, Some("unsupported_media_type")),
        MistakeKind::Misdirected => (421, INVALID, Some("misdirected_request")),
        MistakeKind::Unauthorized => (401, "authentication_error", Some("invalid_api_key")),
    };
    (status, kind, code.map(str::to_owned))
}

fn of_refusal(refusal: &Refusal) -> Class {
    let kind = match refusal.status {
        400 => INVALID,
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        429 => "rate_limit_error",
        402..=499 if refusal.status != 424 => INVALID,
        _ => SERVER,
    };
    let code = match refusal.exception.as_str() {
        _ if refusal.is_too_long() => "context_length_exceeded".to_owned(),
        "ThrottlingException" => "rate_limit_exceeded".to_owned(),
        "ResourceNotFoundException" => "model_not_found".to_owned(),
        name => snake_case(name.strip_suffix("Exception").unwrap_or(name)),
    };
    (refusal.status, kind, Some(code))
}

/// Bedrock names no field; for these two the message does.
fn param_of(refusal: &Refusal) -> Option<&'static str> {
    if refusal.is_too_long() {
        Some("messages")
    } else if refusal.exception == "ResourceNotFoundException" || is_wrong_model(refusal) {
        Some("model")
    } else {
        None
    }
}

fn is_wrong_model(refusal: &Refusal) -> bool {
    let texts = ["The provided model identifier is invalid", "Invocation of model ID"];
    refusal.exception == "ValidationException" && texts.iter().any(|text| refusal.message.starts_with(text))
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (at, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests;
