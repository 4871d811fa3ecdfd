//! Requests of Bedrock's own API: what goes on of their heads.

use super::*;
use aquifer_translate::catalogue::Catalogue;
use http::HeaderName;

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const OPUS: &str = "us.anthropic.claude-opus-4-8";

fn rewritten(model: &str, body: &str) -> Option<String> {
    let operation = BedrockOperation::InvokeModel;
    let passed = Passed::of(operation, &HeaderMap::new(), Glance::at(operation, body.as_bytes()));
    let entry = Catalogue::builtin().entry(model);
    let rewritten = passed.known_version(&Bytes::from(body.to_owned()), &entry).unwrap();
    rewritten.map(|(body, _)| String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn only_the_version_changes_and_only_for_models_that_do_not_know_it() {
    let body = r#"{ "max_tokens":1, "anthropic_version" : "2026-10-21","messages":[{"content":"2026-10-21"}]}"#;
    let older =
        r#"{ "max_tokens":1, "anthropic_version" : "bedrock-2023-05-31","messages":[{"content":"2026-10-21"}]}"#;
    assert_eq!(rewritten(SONNET, body).as_deref(), Some(older));
    assert_eq!(rewritten("anthropic.claude-haiku-4-5-20251001-v1:0", body).as_deref(), Some(older));
    assert_eq!(rewritten("us.anthropic.claude-opus-4-6-v1", body).as_deref(), Some(older));
    for newer in
        [OPUS, "us.anthropic.claude-opus-4-7", "global.anthropic.claude-opus-5-5", "us.anthropic.claude-opus-5"]
    {
        assert_eq!(rewritten(newer, body), None, "{newer}");
    }
    assert_eq!(rewritten("us.anthropic.claude-sonnet-5", body), None);
    assert_eq!(rewritten(SONNET, older), None);
    assert_eq!(rewritten("amazon.nova-2-lite-v1:0", body), None);
    assert_eq!(rewritten(SONNET, "2026-10-21"), None);
}

#[test]
fn headers_that_are_bedrocks_go_on_and_no_others() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("authorization", "AWS4-HMAC-SHA256 x"),
        ("x-amz-date", "d"),
        ("x-amz-security-token", "t"),
        ("amz-sdk-invocation-id", "i"),
        ("user-agent", "u"),
        ("anthropic-beta", "b"),
        ("accept", "*/*"),
        ("x-amzn-bedrock-trace", "ENABLED"),
        ("content-type", "application/octet-stream"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let passed = Passed::of(BedrockOperation::InvokeModel, &headers, Glance::at(BedrockOperation::InvokeModel, b""));
    let mut names: Vec<&str> = passed.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "content-type", "x-amzn-bedrock-trace"]);
    assert_eq!(passed.headers["content-type"], "application/octet-stream");
}

#[test]
fn what_cannot_be_veiled_is_refused() {
    let hidden = |operation, model: &str, body: &'static str| {
        let passed = Passed::of(operation, &HeaderMap::new(), Glance::at(operation, body.as_bytes()));
        passed.check_hidden(&Bytes::from_static(body.as_bytes()), &Catalogue::builtin().entry(model)).is_err()
    };
    let (converse, invoke) = (BedrockOperation::ConverseStream, BedrockOperation::InvokeModelWithResponseStream);
    assert!(hidden(invoke, OPUS, "{}") && hidden(invoke, "some.model-of-which-nothing-is-known", "{}"));
    assert!(!hidden(converse, OPUS, "{}"));
    assert!(hidden(converse, OPUS, r#"{"additionalModelResponseFieldPath\u0073":["/thinking"]}"#));
    assert!(!hidden(BedrockOperation::CountTokens, OPUS, "{}"));
    let tagged = Catalogue::builtin().entries().iter().find(|entry| entry.inline_tag.is_some()).unwrap();
    assert!(hidden(converse, &tagged.id, "{}"));
}
