//! What may be told of a fault: words without content.

use aquifer_translate::dialect::Dialect;
use aquifer_translate::fault::{Fault, Misbehaviour, Mistake, MistakeKind, Refusal};

/// What may be logged of a fault: its message unless that may quote a prompt, an answer or a value of the request.
pub(super) fn without_content(dialect: Dialect, fault: &Fault) -> String {
    match fault {
        Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake) => mistaken(dialect, mistake),
        Fault::Refused(refusal) => refused(refusal),
        Fault::UpstreamMisbehaved(Misbehaviour::Json(_)) => "the answer is not the JSON it should be".to_owned(),
        Fault::UpstreamMisbehaved(_) | Fault::UpstreamUnreachable(_) | Fault::Ours(_) | Fault::Overloaded(_) => {
            fault.to_string()
        }
    }
}

fn mistaken(dialect: Dialect, mistake: &Mistake) -> String {
    let what = match mistake.kind {
        MistakeKind::ModelNotFound
        | MistakeKind::PathNotFound
        | MistakeKind::MethodNotAllowed
        | MistakeKind::BadRequest
        | MistakeKind::ForeignOrigin
        | MistakeKind::MediaType
        | MistakeKind::Misdirected
        | MistakeKind::NoWebSocket
        | MistakeKind::ResponseNotFound
        | MistakeKind::TooLarge
        | MistakeKind::TooSlow => &mistake.message,
        MistakeKind::Malformed => "the body is not JSON",
        MistakeKind::InvalidValue => "a wrong value",
        MistakeKind::UnsupportedParameter => "a parameter that is not supported",
        MistakeKind::TooMany | MistakeKind::Unauthorized => "the client's mistake",
    };
    match &mistake.field {
        Some(field) => format!("{what}: {}", dialect.path(field)),
        None => what.to_owned(),
    }
}

/// Of an upstream's message only what AWS says of rights, word for word: any other may quote the request.
fn refused(refusal: &Refusal) -> String {
    let Refusal { exception, status, message, .. } = refusal;
    match missing_right(message) {
        Some((who, action, what)) => {
            format!("{exception} ({status}): {who} is not authorized to perform {action} on {what}")
        }
        None => format!("{exception} ({status})"),
    }
}

/// Who may not do what on what: `User: ARN is not authorized to perform: ACTION on resource: ARN`, as AWS says it.
fn missing_right(message: &str) -> Option<(&str, &str, &str)> {
    let arn = |word: &str| {
        let letters = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/@+=,*".contains(&byte));
        letters && word.starts_with("arn:aws") && word.len() <= 512
    };
    let (who, rest) = message.strip_prefix("User: ")?.split_once(" is not authorized to perform: ")?;
    let (action, rest) = rest.split_once(" on resource: ")?;
    let what = rest.split([' ', '\n']).next()?;
    let known = action.strip_prefix("bedrock:").is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphabetic()));
    (known && arn(who) && arn(what)).then_some((who, action, what))
}

#[cfg(test)]
mod tests {
    use super::super::Record;
    use super::*;
    use aquifer_translate::fault::Unreachable;
    use aquifer_translate::model::field_ref::FieldRef;

    const MARKER: &str = "xyzzy";

    fn remembered(fault: &Fault) -> String {
        let mut record = Record::default();
        record.blame(Dialect::default(), fault);
        assert_eq!(record.fault.as_deref(), Some(fault.label()));
        record.fault_message.unwrap()
    }

    fn refusal(exception: &str, message: &str) -> Fault {
        let (exception, message) = (exception.to_owned(), message.to_owned());
        Fault::Refused(Refusal { exception, status: 400, message, retry_after: None })
    }

    #[test]
    fn what_may_quote_the_request_or_the_answer_is_left_out() {
        for (fault, told) in [
            (Fault::invalid(FieldRef::own("messages[0].role"), MARKER), "a wrong value: messages[0].role"),
            (Fault::unsupported(FieldRef::own("n"), MARKER), "a parameter that is not supported: n"),
            (Fault::mistake(MistakeKind::Malformed, None, MARKER), "the body is not JSON"),
            (refusal("ValidationException", MARKER), "ValidationException (400)"),
            (refusal("ModelStreamErrorException", MARKER), "ModelStreamErrorException (400)"),
            (refusal("AccessDeniedException", MARKER), "AccessDeniedException (400)"),
            (refusal("ResourceNotFoundException", MARKER), "ResourceNotFoundException (400)"),
            (refusal("ThrottlingException", MARKER), "ThrottlingException (400)"),
            (refusal("InternalServerException", MARKER), "InternalServerException (400)"),
            (refusal("ServiceUnavailableException", MARKER), "ServiceUnavailableException (400)"),
            (refusal("UnrecognizedClientException", MARKER), "UnrecognizedClientException (400)"),
            (
                refusal(
                    "AccessDeniedException",
                    "User: xyzzy is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:::m",
                ),
                "AccessDeniedException (400)",
            ),
            (
                Fault::UpstreamMisbehaved(Misbehaviour::Json(MARKER.to_owned())),
                "the answer is not the JSON it should be",
            ),
        ] {
            assert_eq!(remembered(&fault), told);
        }
    }

    #[test]
    fn what_the_operator_must_know_is_kept() {
        for (fault, told) in [
            (
                refusal(
                    "AccessDeniedException",
                    "User: arn:aws:sts::123456789012:assumed-role/gateway/i-1 is not authorized to perform: \
                     bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/m because no \
                     identity-based policy allows the bedrock:InvokeModel action",
                ),
                "AccessDeniedException (400): arn:aws:sts::123456789012:assumed-role/gateway/i-1 is not authorized to \
                 perform bedrock:InvokeModel on arn:aws:bedrock:us-east-1::foundation-model/m",
            ),
            (Fault::mistake(MistakeKind::ModelNotFound, None, "no such model"), "no such model"),
            (Fault::Ours("a bug".to_owned()), "internal error of the gateway: a bug"),
            (
                Fault::UpstreamUnreachable(Unreachable::Timeout("nothing came".to_owned())),
                "the upstream did not answer in time: nothing came",
            ),
        ] {
            assert_eq!(remembered(&fault), told);
        }
    }
}
