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
        _ => None,
    };
    let quoted = |text: Option<String>| {
        text.map_or_else(|| "null".to_owned(), |text| format!("\"{}\"", Text::from_plain(text).as_escaped()))
    };
    let message = quoted(Some(told::message(fault, path)));
    let (param, code) = (quoted(param), quoted(code));
    let body = format!(r#"{{"error":{{"message":{message},"type":"{kind}","param":{param},"code":{code}}}}}"#);
    RenderedError { status, body, retry_after: told::retry_after(fault) }
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
mod tests {
    use super::*;
    use crate::fault::redacted;
    use std::time::Duration;
    use crate::model::field_ref::FieldRef;

    fn parts(fault: &Fault) -> (u16, serde_json::Value) {
        let told = render(fault);
        (told.status, serde_json::from_str::<serde_json::Value>(&told.body).unwrap()["error"].clone())
    }

    fn refused(exception: &str, status: u16, message: &str) -> Fault {
        let (exception, message) = (exception.to_owned(), message.to_owned());
        Fault::Refused(Refusal { exception, status, message, retry_after: Some(Duration::from_millis(2001)) })
    }

    #[test]
    fn a_mistake_names_its_field() {
        let (status, error) = parts(&Fault::invalid(FieldRef::own("messages[0].role"), "a \"role\" was expected"));
        assert_eq!(status, 400);
        assert_eq!(
            error,
            serde_json::json!({"message": "a \"role\" was expected", "type": "invalid_request_error",
                "param": "messages[0].role", "code": "invalid_value"})
        );
    }

    #[test]
    fn refusals_keep_their_status_and_message() {
        for (exception, status, kind, code) in [
            ("ValidationException", 400, INVALID, "validation"),
            ("ServiceQuotaExceededException", 400, INVALID, "service_quota_exceeded"),
            ("AccessDeniedException", 403, "permission_error", "access_denied"),
            ("ResourceNotFoundException", 404, "not_found_error", "model_not_found"),
            ("ModelTimeoutException", 408, "timeout_error", "model_timeout"),
            ("ModelErrorException", 424, SERVER, "model_error"),
            ("ThrottlingException", 429, "rate_limit_error", "rate_limit_exceeded"),
            ("ModelNotReadyException", 429, "rate_limit_error", "model_not_ready"),
            ("InternalServerException", 500, SERVER, "internal_server"),
            ("ServiceUnavailableException", 503, SERVER, "service_unavailable"),
        ] {
            let (told_status, error) = parts(&refused(exception, status, "Bedrock's words"));
            assert_eq!((told_status, error["type"].as_str(), error["code"].as_str()), (status, Some(kind), Some(code)));
            assert_eq!(error["message"], "Bedrock's words");
        }
        assert_eq!(render(&refused("ThrottlingException", 429, "m")).retry_after, Some(3));
    }

    #[test]
    fn no_address_account_or_role_is_told() {
        let unreachable =
            |fault: fn(String) -> Unreachable| Fault::UpstreamUnreachable(fault("10.0.0.7:443: no".to_owned()));
        for fault in [Unreachable::Connect, Unreachable::Broken, Unreachable::Timeout, Unreachable::Stalled] {
            assert!(!parts(&unreachable(fault)).1.to_string().contains("10.0.0.7"), "{fault:?}");
        }
        assert!(!parts(&unreachable(Unreachable::Credentials)).1.to_string().contains("10.0.0.7"));
        let silent = Fault::UpstreamUnreachable(Unreachable::Timeout("nothing came for 2s".to_owned()));
        assert_eq!(parts(&silent).1["message"], "the upstream did not answer in time: nothing came for 2s");
        let late = Fault::UpstreamUnreachable(Unreachable::Stalled("10.0.0.7:443: no connection in 30ms".to_owned()));
        assert_eq!(parts(&late).1["message"], "the upstream did not answer in time: no connection in 30ms");
        let denied = "User: arn:aws:sts::123456789012:assumed-role/gateway/i-0abc is not authorized to perform: \
                      bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.m, \
                      arn:aws-cn:iam::123456789012:role/x/y.";
        let told = parts(&refused("AccessDeniedException", 403, denied)).1["message"].to_string();
        assert!(!told.contains("123456789012") && !told.contains("gateway") && !told.contains("role"), "{told}");
        assert!(told.contains("arn:aws:sts::[account]:[principal] is not authorized"), "{told}");
        assert!(told.contains("arn:aws:bedrock:us-east-1:[account]:inference-profile/us.m"), "{told}");
        assert_eq!(redacted("arn:aws: odd arn:aws"), "arn:aws: odd arn:aws");
    }

    #[test]
    fn a_call_that_could_not_be_made_is_the_gateways_mistake_and_names_no_address() {
        let (status, error) = parts(&Fault::UpstreamUnreachable(Unreachable::Ours("http://10.0.0.7:8443".to_owned())));
        assert_eq!((status, error["code"].as_str()), (500, Some("internal_error")));
        assert!(!error.to_string().contains("10.0.0.7"), "{error}");
    }

    #[test]
    fn an_overflow_of_the_context_has_the_code_that_clients_look_for() {
        for message in [
            "Input is too long for requested model.",
            "The model returned the following errors: prompt is too long: 210000 tokens > 200000 maximum",
            "The model returned the following errors: input length and `max_tokens` exceed context limit: 199000 + 8192 > \
             200000, decrease input length or `max_tokens` and try again",
            "Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.",
            "This model's maximum context length is 8192 tokens. Please reduce the length of the prompt.",
            "This model\u{2019}s maximum context length is 131072 tokens. However, you requested 140000 tokens.",
            "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
            "Your input exceeds the context window of this model. Please adjust your input and try again.",
            "too many total text bytes: 26000000 > 25000000",
            "too many input tokens: 130000",
        ] {
            let (status, error) = parts(&refused("ValidationException", 400, message));
            let told = (status, error["code"].as_str(), error["param"].as_str());
            assert_eq!(told, (400, Some("context_length_exceeded"), Some("messages")), "{message}");
            let (_, error) = parts(&refused("ModelErrorException", 424, message));
            assert_eq!(error["code"], "context_length_exceeded", "{message}");
        }
        for (exception, status, message) in [
            ("ThrottlingException", 429, "Too many tokens, please wait before trying again."),
            ("ThrottlingException", 429, "Too many input tokens per minute."),
            ("ValidationException", 400, "The maximum tokens you requested exceeds the model limit of 4096."),
            ("ValidationException", 400, "1 validation error detected: Value at 'inferenceConfig.maxTokens'"),
        ] {
            let (_, error) = parts(&refused(exception, status, message));
            assert_ne!(error["code"], "context_length_exceeded", "{message}");
        }
    }
}
