//! Everything that can be asked of the gateway beside a stream.

use crate::bedrock::{Bedrock, MODEL};
use crate::streams::{Chat, pair};
use crate::support::{Aquifer, connect, read_reply, request};
use serde_json::{Value, json};
use std::fs::write;
use std::io::{Read, Write};

fn short_form(bedrock: &Bedrock) -> String {
    format!(
        "apiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: AIServiceBackend\nmetadata: {{name: one}}\nspec:\n  \
         provider: awsbedrock\n  config: {{model: \"{MODEL}\", region: eu-west-1, endpoint: \"http://{}\"}}\n",
        bedrock.address
    )
}

fn error(body: &str) -> Value {
    serde_json::from_str::<Value>(body).unwrap()["error"].clone()
}

#[test]
fn an_answer_that_is_no_stream_has_a_length() {
    let (aquifer, bedrock) = pair(&[]);
    let asked = json!({"model": MODEL, "messages": [{"role": "user", "content": "Hello?"}]}).to_string();
    let mut stream = connect(aquifer.gateway.unwrap());
    stream.write_all(request("POST", "/v1/chat/completions", &asked).as_bytes()).unwrap();
    let call = bedrock.call();
    assert!(call.head.starts_with("POST /model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse HTTP/1.1"));
    call.answer(
        "200 OK",
        "",
        r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hello!"}]}},"stopReason":"end_turn",
            "usage":{"inputTokens":3,"outputTokens":2,"totalTokens":5},"metrics":{"latencyMs":1}}"#,
    );
    let answered = read_reply(&mut stream);
    assert_eq!(answered.status, 200, "{answered:?}");
    assert!(answered.head.contains(&format!("content-length: {}", answered.body.len())), "{answered:?}");
    let body: Value = serde_json::from_str(&answered.body).unwrap();
    assert_eq!(body["choices"][0]["message"]["content"], "Hello!");
    assert_eq!(body["usage"]["total_tokens"], 5);
}

#[test]
fn the_models_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    write(&file, short_form(&Bedrock::listen())).unwrap();
    let aquifer = Aquifer::serve(&["--config", file.to_str().unwrap()], &[]);
    let list: Value = serde_json::from_str(&aquifer.ask("GET", "/v1/models", "").body).unwrap();
    assert_eq!((&list["object"], &list["data"][0]["id"]), (&json!("list"), &json!(MODEL)), "{list}");
    let one: Value = serde_json::from_str(&aquifer.ask("GET", &format!("/v1/models/{MODEL}"), "").body).unwrap();
    assert_eq!(one["id"], MODEL);
    assert_eq!(aquifer.ask("GET", "/v1/models/nobody", "").status, 404);
    let unknown = aquifer.chat(r#"{"model": "nobody", "messages": [{"role": "user", "content": "Hello?"}]}"#);
    assert_eq!((unknown.status, &error(&unknown.body)["code"]), (404, &json!("model_not_found")));
}

#[test]
fn wrong_paths_and_methods_are_told_what_is_right() {
    let aquifer = Aquifer::serve(&[], &[]);
    let unknown = aquifer.ask("POST", "/v1/completions", "{}");
    assert_eq!(unknown.status, 404);
    assert!(error(&unknown.body)["message"].as_str().unwrap().contains("/v1/chat/completions"));
    for method in ["GET", "HEAD", "DELETE"] {
        let refused = aquifer.ask(method, "/v1/chat/completions", "");
        assert_eq!(refused.status, 405);
        assert!(refused.head.contains("allow: post"), "{refused:?}");
        assert!(method == "HEAD" || error(&refused.body)["message"].is_string());
    }
}

#[test]
fn a_probe_of_the_root_is_answered_by_its_head() {
    let aquifer = Aquifer::serve(&[], &[]);
    let probed = aquifer.ask("HEAD", "/", "");
    assert_eq!((probed.status, probed.body.as_str()), (200, ""), "{probed:?}");
    assert!(!probed.head.contains("content-type") && probed.head.contains("x-request-id: "), "{probed:?}");
    assert_eq!(aquifer.ask("GET", "/", "").status, 404);
    assert_eq!(aquifer.ask("POST", "/", "").status, 404);
}

#[test]
fn the_methods_of_every_path_are_told() {
    let aquifer = Aquifer::serve(&[], &[]);
    for (path, allow) in [
        ("/v1/chat/completions", "post"),
        ("/v1/messages", "post"),
        ("/v1/messages?beta=true", "post"),
        ("/anthropic/v1/messages", "post"),
        ("/v1/messages/count_tokens", "post"),
        ("/v1/models", "get, head"),
        ("/v1/models/anthropic.claude-opus-5", "get, head"),
    ] {
        let told = aquifer.ask("OPTIONS", path, "");
        assert_eq!((told.status, told.body.as_str()), (204, ""), "{path} {told:?}");
        assert!(told.head.contains(&format!("allow: {allow}\r\n")), "{path} {told:?}");
        assert!(!told.head.contains("content-length") && !told.head.contains("content-type"), "{path} {told:?}");
        // CORS is for origins that are allowed.
        assert!(!told.head.contains("access-control"), "{path} {told:?}");
    }
    assert_eq!(aquifer.ask("OPTIONS", "/v1/completions", "").status, 404);
    assert_eq!(aquifer.ask("OPTIONS", "/", "").status, 404);
}

#[test]
fn a_head_request_is_answered_without_a_body_and_the_connection_goes_on() {
    let aquifer = Aquifer::serve(&[], &[]);
    let mut stream = connect(aquifer.gateway.unwrap());
    let head = b"HEAD /v1/models HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(head).unwrap();
    stream.write_all(b"GET /v1/models HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
    let mut both = String::new();
    stream.read_to_string(&mut both).unwrap();
    assert_eq!(both.matches("HTTP/1.1 200 OK").count(), 2, "{both}");
    assert_eq!(both.matches("\"object\":\"list\"").count(), 1, "{both}");
}

#[test]
fn the_config_map_switches_the_progress_of_reasoning_on() {
    let bedrock = Bedrock::listen();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    write(&file, short_form(&bedrock)).unwrap();
    let variables = bedrock.variables();
    let keys: Vec<_> = variables[2..].iter().map(|(name, value)| (*name, value.as_str())).collect();
    let aquifer = Aquifer::serve(&["--config", file.to_str().unwrap()], &keys);
    let chat = || {
        let mut chat = Chat::begin(&aquifer, "Hello?");
        let mut call = bedrock.call();
        assert!(call.head.contains("/eu-west-1/bedrock/aws4_request"), "{}", call.head);
        call.begin();
        call.reasoning("hm");
        call.signature("c2ln");
        call.text("Hello!");
        call.finish();
        chat.read_until("data: [DONE]\n\n");
    };
    chat();
    aquifer.wait_for_log("answered");
    assert!(!aquifer.log().contains("block opened"), "{}", aquifer.log());
    let log = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ai-gateway-config}\ndata: {log_level: debug}\n";
    write(&file, format!("{}---\n{log}", short_form(&bedrock))).unwrap();
    aquifer.signal("HUP");
    crate::support::wait_until(
        "the new level",
        || aquifer.log().matches("serving 1 backend").count() >= 2,
        || aquifer.log(),
    );
    chat();
    aquifer.wait_for_log("reasoning: block opened");
    aquifer.wait_for_log("reasoning: block closed");
}
