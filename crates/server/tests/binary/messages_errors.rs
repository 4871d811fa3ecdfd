//! Every error of Anthropic's Messages, as its clients get it: status, type, id, and whether to try again.

use crate::bedrock::{Bedrock, MODEL};
use crate::real_clients::gateway;
use crate::support::{Aquifer, Reply, connect, read_reply, request};
use serde_json::{Value, json};
use std::io::Write;

const HELLO: &str = r#"{"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello?"}]}"#;

/// The value of a header of an answer.
fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Holds an answer against a row of the table, and gives its message.
#[track_caller]
fn check(reply: &Reply, status: u16, kind: &str, should_retry: Option<&str>) -> String {
    let body: Value = serde_json::from_str(&reply.body).unwrap_or_else(|_| panic!("{reply:?}"));
    assert_eq!((reply.status, body["error"]["type"].as_str()), (status, Some(kind)), "{reply:?}");
    assert_eq!(body["type"], "error", "{reply:?}");
    let id = header(reply, "request-id").unwrap_or_else(|| panic!("no request-id: {reply:?}"));
    assert!(id.starts_with("req_") && body["request_id"] == id, "{reply:?}");
    assert_eq!(header(reply, "x-should-retry"), should_retry, "{reply:?}");
    assert_eq!(header(reply, "content-type"), Some("application/json"), "{reply:?}");
    body["error"]["message"].as_str().unwrap().to_owned()
}

fn messages(aquifer: &Aquifer, body: &str) -> Reply {
    aquifer.ask("POST", "/v1/messages", body)
}

#[test]
fn what_bedrock_refuses_is_told_in_its_words_with_anthropics_status() {
    let simulator = Aquifer::spawn(&["simulator", "--listen", "127.0.0.1:0", "--pace", "0ms"], &[]);
    let address = simulator.address("aquifer simulator listening on ");
    for api in ["converse", "invoke"] {
        let (_folder, aquifer) = gateway(address, api);
        for (fault, status, kind, should_retry) in [
            ("validation", 400, "invalid_request_error", None),
            ("access-denied", 403, "permission_error", Some("false")),
            ("not-found", 404, "not_found_error", None),
            ("throttling", 429, "rate_limit_error", None),
            ("model-not-ready", 429, "rate_limit_error", None),
            ("internal", 500, "api_error", None),
            ("model-error", 500, "api_error", None),
            ("unavailable", 529, "overloaded_error", None),
            ("model-timeout", 504, "timeout_error", None),
        ] {
            for stream in [false, true] {
                let asked = json!([{"role": "user", "content": format!("[[fault:{fault}]]")}]);
                let body = json!({"model": "claude-opus-5", "max_tokens": 9, "messages": asked, "stream": stream});
                let reply = messages(&aquifer, &body.to_string());
                let told = check(&reply, status, kind, should_retry);
                assert!(!told.is_empty() && !told.contains("Exception"), "{told}");
            }
        }
    }
}

#[test]
fn what_fails_in_a_stream_is_its_last_event() {
    let simulator = Aquifer::spawn(&["simulator", "--listen", "127.0.0.1:0", "--pace", "0ms"], &[]);
    let address = simulator.address("aquifer simulator listening on ");
    for api in ["converse", "invoke"] {
        let (_folder, aquifer) = gateway(address, api);
        for (exception, kind) in [
            ("throttlingException", "rate_limit_error"),
            ("serviceUnavailableException", "overloaded_error"),
            ("internalServerException", "api_error"),
            ("modelStreamErrorException", "api_error"),
        ] {
            let asked = json!([{"role": "user", "content": format!("[[fault:mid-stream-exception:{exception}]]")}]);
            let body = json!({"model": "claude-opus-5", "max_tokens": 9, "messages": asked, "stream": true});
            let reply = messages(&aquifer, &body.to_string());
            assert!(reply.status == 200 && reply.body.starts_with("event: message_start\n"), "{reply:?}");
            let (_, last) = reply.body.rsplit_once("event: ").unwrap();
            let event: Value = serde_json::from_str(last.strip_prefix("error\ndata: ").unwrap()).unwrap();
            assert_eq!((event["type"].as_str(), event["error"]["type"].as_str()), (Some("error"), Some(kind)), "{api}");
            assert_eq!(event["request_id"].as_str(), header(&reply, "request-id"), "{reply:?}");
            assert!(!reply.body.contains("message_stop"), "{reply:?}");
        }
    }
}

#[test]
fn what_the_gateway_refuses_is_told_alike() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    std::fs::write(&keys, "alice: 0123456789abcdef\n").unwrap();
    let guarded = Aquifer::serve(&["--api-keys-file", keys.to_str().unwrap()], &[]);
    let told = check(&messages(&guarded, HELLO), 401, "authentication_error", Some("false"));
    assert!(told.contains("x-api-key"), "{told}");
    let strict = Aquifer::serve(&["--max-body", "1KiB", "--body-timeout", "300ms"], &[]);
    let large = messages(&strict, &format!("{HELLO}{}", " ".repeat(2000)));
    check(&large, 413, "request_too_large", None);
    let mut slow = connect(strict.gateway.unwrap());
    let head = "POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    slow.write_all(head.as_bytes()).unwrap();
    check(&read_reply(&mut slow), 408, "timeout_error", None);
    check(&messages(&strict, "{"), 400, "invalid_request_error", None);
    let told = check(&messages(&strict, r#"{"model": "m", "messages": []}"#), 400, "invalid_request_error", None);
    assert!(!told.is_empty());
    check(&strict.ask("PUT", "/v1/messages", "{}"), 405, "invalid_request_error", None);
    let beside =
        request("POST", "/v1/messages/batches", "{}").replacen("\r\n", "\r\nanthropic-version: 2023-06-01\r\n", 1);
    let mut other = connect(strict.gateway.unwrap());
    other.write_all(beside.as_bytes()).unwrap();
    check(&read_reply(&mut other), 404, "not_found_error", None);
}

#[test]
fn a_model_that_is_not_served_and_a_quota_are_no_matter_of_patience() {
    let bedrock = Bedrock::listen();
    let (_folder, named) = gateway(bedrock.address, "converse");
    check(&messages(&named, HELLO), 404, "not_found_error", None);
    let variables = bedrock.variables();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let open = Aquifer::serve(&["--max-requests", "1"], &variables);
    let asked = request("POST", "/v1/messages", &HELLO.replacen("\"m\"", &format!("\"{MODEL}\""), 1));
    let mut first = connect(open.gateway.unwrap());
    first.write_all(asked.as_bytes()).unwrap();
    let call = bedrock.call();
    // The gateway itself has too much to do.
    let busy = messages(&open, HELLO);
    check(&busy, 529, "overloaded_error", None);
    assert!(header(&busy, "retry-after").is_some_and(|after| after.parse::<u32>().is_ok()), "{busy:?}");
    let kind = "x-amzn-errortype: ServiceQuotaExceededException\r\n";
    call.answer("400 Bad Request", kind, r#"{"message":"Your account has used up its quota."}"#);
    let told = check(&read_reply(&mut first), 429, "rate_limit_error", Some("false"));
    assert_eq!(told, "Your account has used up its quota.");
}
