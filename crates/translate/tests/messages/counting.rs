//! Requests whose tokens are counted: the same request in another call, without a limit for an answer.

use aquifer_translate::bedrock::{Api, counted_tokens};
use aquifer_translate::dialect::{Dialect, token_count};
use aquifer_translate::limits::Limits;
use aquifer_translate::translation::Incoming;
use serde_json::Value;

const BODY: &[u8] = br#"{"model":"m","system":"Brief.","messages":[{"role":"user","content":"Hi."}],
    "tools":[{"name":"f","input_schema":{"type":"object"}}],"thinking":{"type":"adaptive"}}"#;

#[test]
fn a_request_is_counted_as_it_would_be_sent() {
    let read = Incoming::read_to_count(Dialect::AnthropicMessages, BODY, std::iter::empty(), &Limits::default());
    let sent = read.unwrap().outgoing("us.anthropic.claude-opus-5", None).unwrap().counting();
    assert_eq!(sent.path, "/model/us.anthropic.claude-opus-5/count-tokens");
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    let counted = body["input"]["converse"].as_object().unwrap();
    let members: Vec<&str> = counted.keys().map(String::as_str).collect();
    assert_eq!(members, ["additionalModelRequestFields", "messages", "system", "toolConfig"]);
    assert!(!sent.stream);
}

#[test]
fn an_answer_needs_a_limit_and_a_count_does_not() {
    let read = Incoming::read_in(Dialect::AnthropicMessages, BODY, std::iter::empty(), &Limits::default());
    assert!(read.is_err());
}

#[test]
fn the_number_is_told_in_the_clients_words() {
    let tokens = counted_tokens(Api::Converse, br#"{"inputTokens":7}"#).unwrap();
    assert_eq!(token_count(Dialect::AnthropicMessages, tokens), r#"{"input_tokens":7}"#);
}
