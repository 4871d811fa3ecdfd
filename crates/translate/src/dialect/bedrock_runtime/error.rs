//! Faults, as AWS's SDKs expect to be told of them.
//!
//! Source: AWS's restJson1 protocol (`x-amzn-ErrorType` and `{"message": ...}`); Bedrock's API reference, the errors of
//! `Converse`, and `ConverseStreamOutput` for those inside a stream. SDKs retry by the name of the exception and by the
//! statuses 500, 502, 503 and 504.

use super::path;
use crate::dialect::told;
use crate::fault::{Fault, Mistake, MistakeKind, Unreachable};
use crate::model::text::Text;
use crate::wire::eventstream::{Frame, Kind};
use bytes::BytesMut;

/// A fault in AWS's shape.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedAwsError {
    /// The HTTP status, when nothing was sent yet.
    pub status: u16,
    /// The name of the exception, for `x-amzn-ErrorType`.
    pub exception: String,
    /// `{"message": ...}`
    pub body: String,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u64>,
}

impl std::fmt::Debug for RenderedAwsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, exception, body, .. } = self;
        f.debug_struct("RenderedAwsError")
            .field("status", status)
            .field("exception", exception)
            .field("bytes", &body.len())
            .finish_non_exhaustive()
    }
}

const VALIDATION: &str = "ValidationException";
const INTERNAL: &str = "InternalServerException";
const UNAVAILABLE: &str = "ServiceUnavailableException";

/// Tells a fault as an error answer.
#[must_use]
pub fn render(fault: &Fault) -> RenderedAwsError {
    let (status, exception) = class(fault);
    let message = Text::from_plain(told::message(fault, path));
    RenderedAwsError {
        status,
        exception: exception.to_owned(),
        body: format!(r#"{{"message":"{}"}}"#, message.as_escaped()),
        retry_after: told::retry_after(fault),
    }
}

/// Tells a fault inside an event stream: a frame of an exception, after which the stream ends.
pub fn frame(fault: &Fault, out: &mut BytesMut) {
    let RenderedAwsError { status, exception, body, .. } = render(fault);
    let name = match (status, exception.as_str()) {
        (424, _) => "modelStreamErrorException",
        (_, "ThrottlingException") | (429, _) => "throttlingException",
        (_, UNAVAILABLE) | (503, _) => "serviceUnavailableException",
        (_, VALIDATION) | (400, _) => "validationException",
        _ => "internalServerException",
    };
    let payload = body.as_bytes();
    let frame = Frame { kind: Kind::Exception(name), content_type: Some("application/json"), payload };
    // A message is never as long as a frame may be.
    let _ = frame.write(out);
}

/// The status and the name of an exception.
fn class(fault: &Fault) -> (u16, &str) {
    match fault {
        Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake) => of_mistake(mistake),
        Fault::Refused(refusal) => (refusal.status, &refusal.exception),
        Fault::UpstreamMisbehaved(_) => (424, "ModelErrorException"),
        Fault::UpstreamUnreachable(Unreachable::Timeout(_) | Unreachable::Stalled(_)) => (408, "ModelTimeoutException"),
        Fault::UpstreamUnreachable(Unreachable::Busy(_)) | Fault::Overloaded(_) => (503, UNAVAILABLE),
        Fault::UpstreamUnreachable(Unreachable::Connect(_) | Unreachable::Broken(_)) => (503, UNAVAILABLE),
        Fault::Ours(_) | Fault::UpstreamUnreachable(Unreachable::Credentials(_) | Unreachable::Ours(_)) => {
            (500, INTERNAL)
        }
    }
}

fn of_mistake(mistake: &Mistake) -> (u16, &'static str) {
    match mistake.kind {
        MistakeKind::Malformed
        | MistakeKind::InvalidValue
        | MistakeKind::TooMany
        | MistakeKind::UnsupportedParameter
        | MistakeKind::BadRequest => (400, VALIDATION),
        MistakeKind::ModelNotFound | MistakeKind::ResponseNotFound => (404, "ResourceNotFoundException"),
        MistakeKind::PathNotFound => (404, "UnknownOperationException"),
        MistakeKind::MethodNotAllowed => (405, "UnknownOperationException"),
        MistakeKind::TooLarge => (413, VALIDATION),
        MistakeKind::TooSlow => (408, VALIDATION),
        MistakeKind::MediaType => (415, VALIDATION),
        MistakeKind::Misdirected => (421, VALIDATION),
        MistakeKind::NoWebSocket => (426, "UnknownOperationException"),
        MistakeKind::Unauthorized | MistakeKind::ForeignOrigin => (403, "AccessDeniedException"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Misbehaviour, Refusal};
    use crate::wire::eventstream::Decoder;

    fn refusal(exception: &str, status: u16) -> Fault {
        let (exception, message) = (exception.to_owned(), "m".to_owned());
        Fault::Refused(Refusal { exception, status, message, retry_after: None })
    }

    #[test]
    fn every_fault_has_a_status_and_a_name_of_an_exception() {
        for (fault, status, exception) in [
            (Fault::mistake(MistakeKind::Unauthorized, None, "m"), 403, "AccessDeniedException"),
            (Fault::mistake(MistakeKind::ModelNotFound, None, "m"), 404, "ResourceNotFoundException"),
            (refusal("ThrottlingException", 429), 429, "ThrottlingException"),
            (Fault::UpstreamUnreachable(Unreachable::Connect("x".to_owned())), 503, "ServiceUnavailableException"),
            (Fault::Ours("x".to_owned()), 500, "InternalServerException"),
        ] {
            let told = render(&fault);
            assert_eq!((told.status, told.exception.as_str()), (status, exception));
            assert!(told.body.starts_with("{\"message\":\"") && told.body.ends_with("\"}"), "{}", told.body);
        }
    }

    #[test]
    fn a_fault_in_a_stream_is_a_member_of_the_union() {
        for (fault, name) in [
            (refusal("ThrottlingException", 429), "throttlingException"),
            (refusal("ServiceUnavailableException", 503), "serviceUnavailableException"),
            (refusal("AccessDeniedException", 403), "internalServerException"),
            (refusal("ValidationException", 400), "validationException"),
            (Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly), "modelStreamErrorException"),
            (Fault::UpstreamUnreachable(Unreachable::Timeout("x".to_owned())), "internalServerException"),
        ] {
            let mut out = BytesMut::new();
            frame(&fault, &mut out);
            let mut decoder = Decoder::default();
            let read = decoder.next(&mut &out[..]).unwrap().unwrap();
            assert_eq!((read.kind, read.content_type), (Kind::Exception(name), Some("application/json")));
            assert!(read.payload.starts_with(b"{\"message\":\""));
        }
    }
}
