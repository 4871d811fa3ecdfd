//! Errors as they stand in a head, a body and a stream.

use aquifer_translate::Fault;
use aquifer_translate::dialect::{AnswerKind, Dialect, error_of, fail_of, head};
use aquifer_translate::fault::{MistakeKind, Refusal};
use aquifer_translate::model::request_id::RequestId;
use bytes::BytesMut;
use http::HeaderMap;
use serde_json::Value;
use std::time::Duration;

const MESSAGES: Dialect = Dialect::AnthropicMessages;
const ID: &str = "req_0000000000000000000000000000002a";

#[test]
fn a_head_and_a_body_name_the_exchange_alike() {
    let throttled = Fault::Refused(Refusal {
        exception: "ThrottlingException".to_owned(),
        status: 429,
        message: "Too many requests, please wait before trying again.".to_owned(),
        retry_after: Some(Duration::from_millis(1500)),
    });
    let answer = error_of(MESSAGES, &throttled, Some(RequestId(42)));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status.as_u16(), body["request_id"].as_str()), (429, Some(ID)));
    assert_eq!(body["error"]["message"], "Too many requests, please wait before trying again.");
    assert_eq!(answer.headers.get("retry-after").unwrap(), "2");
    assert!(answer.headers.get("x-should-retry").is_none());
    for kind in [AnswerKind::Whole, AnswerKind::Stream] {
        assert_eq!(head(MESSAGES, RequestId(42), kind, HeaderMap::new()).get("request-id").unwrap(), ID);
    }
}

#[test]
fn a_client_without_a_key_is_told_not_to_try_again() {
    let answer = error_of(MESSAGES, &Fault::mistake(MistakeKind::Unauthorized, None, "no key"), None);
    assert_eq!(answer.status.as_u16(), 401);
    assert_eq!(answer.headers.get("x-should-retry").unwrap(), "false");
    assert!(answer.headers.contains_key("www-authenticate"));
}

#[test]
fn a_stream_that_fails_before_it_begins_is_one_error() {
    let mut out = BytesMut::new();
    fail_of(MESSAGES, &Fault::Overloaded("no room".to_owned()), Some(RequestId(42)), &mut out);
    let said = str::from_utf8(&out).unwrap();
    let body: Value = serde_json::from_str(said.strip_prefix("event: error\ndata: ").unwrap()).unwrap();
    assert_eq!((body["error"]["type"].as_str(), body["request_id"].as_str()), (Some("overloaded_error"), Some(ID)));
}
