//! Bedrock's refusals: HTTP errors, and exceptions inside a stream.
//!
//! Source: Bedrock's API reference, the errors of `Converse` and `ConverseStream`; AWS's restJson1 protocol for the
//! places of the exception's name.

use crate::fault::{Fault, Refusal};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::text::Text;
use crate::wire::retry_after;

/// The most of an error's body that is taken as its message, in bytes.
const LONGEST_MESSAGE: usize = 16 << 10;

#[derive(Deserialize, Default)]
struct Body<'a> {
    #[serde(borrow, alias = "Message")]
    message: Option<&'a RawValue>,
    #[serde(borrow, rename = "originalMessage")]
    original_message: Option<&'a RawValue>,
    #[serde(borrow, rename = "__type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow, rename = "Output")]
    output: Option<Output<'a>>,
}

/// The body with which the service answers a path that it does not know, with status 200.
#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow, rename = "__type")]
    kind: Option<&'a RawValue>,
}

/// An answer with an HTTP status that is no success.
#[must_use]
pub fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
    let parsed = Body::read(body);
    let header = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let exception = header
        .map(bare_name)
        .filter(|name| !name.is_empty())
        .or_else(|| parsed.name())
        .unwrap_or_else(|| Refusal::name_of_status(status.as_u16()).to_owned());
    let message = parsed.message().unwrap_or_else(|| fallback(status, body));
    let retry_after = retry_after::asked_for(headers);
    // An unknown path is answered 200. Any other status that is no error is not Bedrock's, but somebody's on the way.
    let unknown = parsed.output.as_ref().is_some_and(|output| output.kind.is_some());
    let status = match status.as_u16() {
        status @ 400..=599 => status,
        _ if unknown => 404,
        _ => 502,
    };
    Fault::Refused(Refusal { exception, status, message, retry_after })
}

/// Whether a body of status 200 is an error nevertheless: the service answers unknown paths so.
#[must_use]
pub fn is_unknown_operation(body: &[u8]) -> bool {
    Body::read(body).output.is_some_and(|output| output.kind.is_some())
}

/// An exception frame in a stream; `name` is the union's member, for example `throttlingException`.
#[must_use]
pub fn exception(name: &str, payload: &[u8]) -> Fault {
    let mut letters = bare_name(name).chars().collect::<Vec<_>>();
    if let Some(first) = letters.first_mut() {
        first.make_ascii_uppercase();
    }
    let exception: String = letters.into_iter().collect();
    let parsed = Body::read(payload);
    let message = parsed.message().unwrap_or_else(|| format!("Bedrock ended the answer with {exception}."));
    let status = status_of(&exception);
    Fault::Refused(Refusal { exception, status, message, retry_after: None })
}

/// An error frame in a stream, which has a code and a message and no shape.
#[must_use]
pub fn stream_error(code: &str, message: &str) -> Fault {
    let exception = if code.is_empty() { "InternalServerException".to_owned() } else { bare_name(code) };
    let message =
        if message.is_empty() { format!("Bedrock ended the answer with {exception}.") } else { message.to_owned() };
    Fault::Refused(Refusal { status: 500, exception, message, retry_after: None })
}

/// The status that belongs to an exception: inside a stream nobody else tells it.
fn status_of(exception: &str) -> u16 {
    match exception {
        "ValidationException" | "ServiceQuotaExceededException" | "ConflictException" => 400,
        "AccessDeniedException" => 403,
        "ResourceNotFoundException" => 404,
        "ModelTimeoutException" => 408,
        "ModelErrorException" | "ModelStreamErrorException" => 424,
        "ThrottlingException" | "ModelNotReadyException" => 429,
        "ServiceUnavailableException" => 503,
        _ => 500,
    }
}

/// The name without its namespace and its documentation address: after the last `#`, before the first `:`.
fn bare_name(name: &str) -> String {
    let name = name.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default().trim().to_owned()
}

impl<'a> Body<'a> {
    fn read(body: &'a [u8]) -> Self {
        std::str::from_utf8(body).ok().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    fn name(&self) -> Option<String> {
        let output = self.output.as_ref().and_then(|output| output.kind);
        let text = [self.kind, self.code, output].into_iter().flatten().find_map(Text::from_raw)?;
        Some(bare_name(&text.plain())).filter(|name| !name.is_empty())
    }

    fn message(&self) -> Option<String> {
        let said = |raw: Option<&'a RawValue>| raw.and_then(Text::from_raw).map(|text| text.plain().into_owned());
        said(self.message).or_else(|| said(self.original_message)).filter(|message| !message.is_empty())
    }
}

/// A proxy on the way may answer with text; a page of HTML is nobody's message.
fn fallback(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..LONGEST_MESSAGE).unwrap_or(body));
    let text = text.trim();
    if text.is_empty() || text.starts_with(['<', '{', '[']) {
        format!("Bedrock answered {status} without a message.")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn refused(status: u16, kind: Option<&'static str>, body: &str) -> Refusal {
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert("x-amzn-errortype", HeaderValue::from_static(kind));
        }
        match refusal(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes()) {
            Fault::Refused(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_name_is_found_in_every_place_it_can_stand() {
        let address = "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/";
        assert_eq!(refused(429, Some(address), r#"{"message":"m"}"#).exception, "ThrottlingException");
        let body = r#"{"__type":"com.amazon.coral.validate#ValidationException","Message":"m"}"#;
        assert_eq!(refused(400, None, body).exception, "ValidationException");
        assert_eq!(refused(403, None, "").exception, "AccessDeniedException");
        let unknown = r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#;
        let unknown_refusal = refused(200, None, unknown);
        assert_eq!((unknown_refusal.exception.as_str(), unknown_refusal.status), ("UnknownOperationException", 404));
        assert!(is_unknown_operation(unknown.as_bytes()));
        assert!(!is_unknown_operation(br#"{"output":{"message":{}}}"#));
    }

    #[test]
    fn the_message_is_bedrocks_own() {
        assert_eq!(refused(400, None, r#"{"message":"Input is \"too\" long"}"#).message, "Input is \"too\" long");
        assert_eq!(refused(400, None, r#"{"Message":"m"}"#).message, "m");
        assert_eq!(refused(502, None, "upstream down").message, "upstream down");
        assert_eq!(refused(502, None, "<html>").message, "Bedrock answered 502 Bad Gateway without a message.");
    }

    #[test]
    fn a_status_that_is_no_error_is_a_bad_gateway() {
        for status in [100, 101, 204, 206, 301, 302, 304, 307, 308, 600, 999] {
            assert_eq!(refused(status, None, "").status, 502, "{status}");
        }
        assert_eq!((refused(400, None, "").status, refused(599, None, "").status), (400, 599));
    }

    #[test]
    fn an_exception_in_a_stream_has_its_own_status() {
        for (name, status) in [
            ("throttlingException", 429),
            ("validationException", 400),
            ("modelStreamErrorException", 424),
            ("internalServerException", 500),
            ("serviceUnavailableException", 503),
            ("newerException", 500),
        ] {
            let Fault::Refused(refusal) = exception(name, br#"{"message":"m"}"#) else { panic!() };
            assert_eq!((refusal.status, refusal.message.as_str()), (status, "m"), "{name}");
            assert!(refusal.exception.starts_with(|first: char| first.is_ascii_uppercase()));
        }
    }
}
