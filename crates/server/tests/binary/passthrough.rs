//! Backends that speak the client's own dialect: their answers come byte for byte, and they stand in for Bedrock.

use crate::bedrock::MODEL;
use crate::support::{Aquifer, LIMIT, Reply};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};

const KEY: &str = "sk-of-the-other-service";

/// The resources for a service of OpenAI's dialect.
fn openai(name: &str, address: SocketAddr, schema: &str) -> String {
    format!(
        "apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: {name}}}
spec: {{endpoints: [{{ip: {{address: {}, port: {}}}}}]}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: {name}}}
spec: {{schema: {schema}, backendRef: {{group: gateway.envoyproxy.io, kind: Backend, name: {name}}}}}
---
",
        address.ip(),
        address.port()
    )
}

/// A Bedrock at this address, with credentials that the simulator takes.
fn bedrock(name: &str, address: SocketAddr) -> String {
    format!(
        "{}apiVersion: aigateway.envoyproxy.io/v1beta1
kind: BackendSecurityPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{{group: aigateway.envoyproxy.io, kind: AIServiceBackend, name: {name}}}]
  type: AWSCredentials
  awsCredentials: {{region: us-east-1, credentialsFile: {{secretRef: {{name: {name}}}}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: {name}}}
stringData: {{credentials: \"[default]\\naws_access_key_id=A\\naws_secret_access_key=B\\n\"}}
---
",
        openai(name, address, "{name: AWSBedrock}")
    )
}

fn key(name: &str) -> String {
    format!(
        "apiVersion: aigateway.envoyproxy.io/v1beta1
kind: BackendSecurityPolicy
metadata: {{name: key}}
spec:
  targetRefs: [{{group: aigateway.envoyproxy.io, kind: AIServiceBackend, name: {name}}}]
  type: APIKey
  apiKey: {{secretRef: {{name: key}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: key}}
stringData: {{apiKey: {KEY}}}
---
"
    )
}

fn route(references: &str) -> String {
    format!(
        "apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {{name: route}}
spec: {{rules: [{{backendRefs: [{references}]}}]}}
"
    )
}

fn serve(text: &str) -> Aquifer {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, text).unwrap();
    Aquifer::serve(&["--config", file.to_str().unwrap()], &[])
}

/// A service that gives these answers, one a connection, and tells what it was asked.
fn service(answers: Vec<String>) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, asked) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = Vec::new();
            let mut buffer = [0; 4096];
            while !is_whole(&String::from_utf8_lossy(&bytes)) {
                let read = stream.read(&mut buffer).unwrap();
                bytes.extend_from_slice(&buffer[..read]);
            }
            sender.send(String::from_utf8(bytes).unwrap()).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, asked)
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn answer(status: &str, kind: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nconnection: close\r\nx-other: y\r\n\r\n{body}")
}

const STREAM: &str = "data: {\"choices\": [{\"delta\":{\"content\":\"Hi\"}}], \"odd\":1}\r\n\r\n: a comment\n\n\
    data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n\
    data: [DONE]\n\n";
const BODY: &str =
    "{ \"n\": 2,\n  \"model\" : \"m\",\"messages\":[{\"role\":\"user\",\"content\":\"é\"}], \"stream\":true}";

#[test]
fn words_and_answers_go_on_as_they_come() {
    let (address, asked) = service(vec![answer("200 OK", "text/event-stream", STREAM)]);
    let config =
        [&openai("o", address, "{name: OpenAI}"), &key("o"), &route("{name: o, modelNameOverride: \"real\\\"m\"}")];
    let gateway = serve(&config.map(String::as_str).concat());
    let reply = gateway.chat(BODY);
    assert_eq!((reply.status, reply.body.as_str()), (200, STREAM));
    assert!(reply.head.contains("content-type: text/event-stream"), "{}", reply.head);
    assert!(reply.head.contains("x-request-id: ") && !reply.head.contains("x-other"), "{}", reply.head);
    let asked = asked.recv_timeout(LIMIT).unwrap();
    let (head, body) = asked.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains(&format!("authorization: Bearer {KEY}")) && head.contains("accept: text/event-stream"),
        "{head}"
    );
    assert_eq!(body, BODY.replace("\"m\"", "\"real\\\"m\""));
    gateway.wait_for_metric("gen_ai_client_token_usage_sum{", 7.0);
    assert!(gateway.admin("/metrics").body.contains("gen_ai_provider_name=\"openai\""));
}

#[test]
fn a_whole_answer_and_a_refusal_come_as_they_are() {
    let whole = "{\"choices\" : [{\"finish_reason\":\"length\"}],  \"usage\":{\"prompt_tokens\":3}}";
    let refusal = "{\"error\":{\"message\":\"no\",\"type\":\"odd\",\"code\":418,\"more\":[1]}}";
    let answers = vec![
        answer("200 OK", "application/json; charset=utf-8", whole),
        answer("418 Odd", "application/json", refusal),
    ];
    let (address, asked) = service(answers);
    let gateway = serve(&[openai("o", address, "{name: OpenAI, prefix: /}"), route("{name: o}")].concat());
    let body = BODY.replace("true", "false");
    let reply = gateway.chat(&body);
    assert_eq!((reply.status, reply.body.as_str()), (200, whole));
    assert!(reply.head.contains("content-type: application/json; charset=utf-8"), "{}", reply.head);
    let reply = gateway.chat(&body);
    assert_eq!((reply.status, reply.body.as_str()), (418, refusal));
    for _ in 0..2 {
        let asked = asked.recv_timeout(LIMIT).unwrap();
        assert!(asked.starts_with("POST /chat/completions HTTP/1.1\r\n"), "{asked}");
        assert!(asked.ends_with(&body) && !asked.to_ascii_lowercase().contains("authorization"), "{asked}");
    }
}

#[test]
fn a_stream_that_is_cut_off_ends_with_an_error() {
    let cut = &STREAM[..STREAM.find(": a comment").unwrap()];
    let (address, _asked) = service(vec![answer("200 OK", "text/event-stream", cut)]);
    let gateway = serve(&[openai("o", address, "{name: OpenAI}"), route("{name: o}")].concat());
    let reply = gateway.chat(BODY);
    let rest = reply.body.strip_prefix(cut).unwrap();
    assert!(rest.starts_with("data: {\"error\":") && rest.contains("upstream_ended_early"), "{rest}");
}

#[test]
fn an_error_behind_a_good_status_is_failed_over() {
    let error = "data: {\"error\":{\"message\":\"busy\",\"type\":\"overloaded_error\"}}\n\n";
    let (ill, first) = service(vec![answer("200 OK", "text/event-stream", error)]);
    let (well, second) = service(vec![answer("200 OK", "text/event-stream", STREAM)]);
    let gateway = serve(
        &[
            openai("ill", ill, "{name: OpenAI, version: v9, prefix: /openai/v1/}"),
            openai("well", well, "{name: OpenAI, version: v1}"),
            route("{name: ill}, {name: well, priority: 1}"),
        ]
        .concat(),
    );
    let reply = gateway.chat(BODY);
    assert_eq!((reply.status, reply.body.as_str()), (200, STREAM));
    for (asked, path) in [(first, "/openai/v1/chat/completions"), (second, "/v1/chat/completions")] {
        let asked = asked.recv_timeout(LIMIT).unwrap();
        assert!(asked.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{asked}");
    }
}

/// The answer's text, whoever gave it.
fn said(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.body);
    let whole: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    whole["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
}

fn simulator(arguments: &[&str]) -> (Aquifer, SocketAddr) {
    let all = [&["simulator", "--listen", "127.0.0.1:0", "--pace", "0ms"], arguments].concat();
    let simulator = Aquifer::spawn(&all, &[]);
    let address = simulator.address("aquifer simulator listening on ");
    (simulator, address)
}

#[test]
fn bedrock_and_another_service_stand_in_for_each_other() {
    let (ill, well) = (simulator(&["--fault", "unavailable=1"]), simulator(&[]));
    let other = Aquifer::demo(&[]);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let backends = [
        bedrock("ill", ill.1),
        bedrock("well", well.1),
        openai("other", other.gateway.unwrap(), "{name: OpenAI}"),
        openai("nobody", nobody, "{name: OpenAI}"),
    ]
    .concat();
    let body = serde_json::json!({"model": MODEL, "messages": [{"role": "user", "content": "Hello?"}]}).to_string();
    let expected = said(&other.chat(&body));
    let stream = body.replacen('{', "{\"stream\":true,", 1);
    for references in ["{name: ill}, {name: other, priority: 1}", "{name: nobody}, {name: well, priority: 1}"] {
        let gateway = serve(&format!("{backends}{}", route(references)));
        assert_eq!(said(&gateway.chat(&body)), expected);
        let streamed = gateway.chat(&stream);
        assert!(streamed.status == 200 && streamed.body.ends_with("data: [DONE]\n\n"), "{streamed:?}");
    }
}

#[test]
fn what_a_service_says_of_a_request_is_in_no_log() {
    let refusal =
        "{\"error\":{\"message\":\"bad prompt: xyzzymarker, User: arn:aws:sts::123456789012:assumed-role/r/s\"}}";
    let statuses = ["401 A", "403 B", "404 C", "418 D", "500 E", "500 E", "500 E", "500 E", "500 E"];
    let (address, _asked) =
        service(statuses.iter().map(|status| answer(status, "application/json", refusal)).collect());
    let gateway = serve(&[openai("o", address, "{name: OpenAI}"), route("{name: o}")].concat());
    for status in [401, 403, 404, 418, 500] {
        let reply = gateway.chat(&BODY.replace("true", "false"));
        assert_eq!(reply.status, status);
        assert!(reply.body.contains("xyzzymarker") && !reply.body.contains("123456789012"), "{}", reply.body);
    }
    gateway.wait_for_metric("aquifer_requests_total{outcome=\"failed\"", 5.0);
    assert!(!gateway.log().contains("xyzzymarker"), "{}", gateway.log());
}
