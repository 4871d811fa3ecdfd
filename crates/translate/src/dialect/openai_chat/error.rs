//! Faults, as the clients of OpenAI's API expect to be told of them.
//!
//! Source: OpenAI's API reference, "Error codes"; its SDKs choose the exception by the status alone, retry 408, 409,
//! 429 and 5xx, and show `message`. The table is in `docs/errors.md`.

use super::field::path;
use crate::dialect::told;
use crate::fault::{Fault, Misbehaviour, Mistake, MistakeKind, Refusal, Unreachable};
use crate::model::text::Text;

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
pub(in crate::dialect) type Class = (u16, &'static str, Option<String>);

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
    let quoted = |text: Option<String>| {
        text.map_or_else(|| "null".to_owned(), |text| format!("\"{}\"", Text::from_plain(text).as_escaped()))
    };
    let message = quoted(Some(told::message(fault, path)));
    let (param, code) = (quoted(param), quoted(code));
    let body = format!(r#"{{"error":{{"message":{message},"type":"{kind}","param":{param},"code":{code}}}}}"#);
    RenderedError { status, body, retry_after: told::retry_after(fault) }
}

/// The class of a fault, for every dialect of OpenAI's.
pub(in crate::dialect) fn class(fault: &Fault) -> Class {
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
        MistakeKind::ResponseNotFound if mistake.field.is_some() => (404, INVALID, Some("previous_response_not_found")),
        MistakeKind::ResponseNotFound => (404, INVALID, Some("not_found")),
        MistakeKind::NoWebSocket => (426, INVALID, Some("websocket_not_supported")),
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
pub(in crate::dialect) fn param_of(refusal: &Refusal) -> Option<&'static str> {
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
