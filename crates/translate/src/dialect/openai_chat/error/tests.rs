//! Faults with their status, type, code and param.

use super::*;
use crate::fault::redacted;
use crate::model::field_ref::FieldRef;
use std::time::Duration;

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
