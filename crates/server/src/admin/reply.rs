//! Answers of the admin listener: JSON, errors in the shape of the data path, text.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use std::convert::Infallible;

/// The body of an answer of the admin listener.
pub(crate) type AdminBody = UnsyncBoxBody<Bytes, Infallible>;

/// An answer of the admin listener.
pub(super) type Answer = Response<AdminBody>;

/// The type of plain text.
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// An answer of this type.
pub(super) fn typed(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut response = empty(status);
    *response.body_mut() = Full::new(body.into()).boxed_unsync();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut response = Response::new(Full::default().boxed_unsync());
    *response.status_mut() = status;
    response
}

/// An answer of plain text.
pub(super) fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    typed(status, TEXT, body)
}

/// An answer of JSON.
pub(super) fn json(value: &Value) -> Answer {
    json_text(StatusCode::OK, value.to_string())
}

/// An answer of JSON that is text already.
pub(super) fn json_text(status: StatusCode, text: String) -> Answer {
    typed(status, "application/json", text)
}

/// A refusal, with its code and in words.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Answer {
    let kind = match status {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::FORBIDDEN => "permission_error",
        StatusCode::NOT_FOUND => "not_found_error",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    };
    let value = json!({ "error": { "message": message, "type": kind, "code": code } });
    json_text(status, value.to_string())
}

/// The refusal of a method that a path does not take.
pub(super) fn method_not_allowed(allow: &'static str) -> Answer {
    let message = format!("this path takes {allow}");
    let mut refused = error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &message);
    refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    refused
}
