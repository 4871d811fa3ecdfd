//! Responses through the binary: what is remembered and for how long, and the keys that seal reasoning.

use crate::bedrock::{Bedrock, with_policy};
use crate::streams::pair;
use crate::support::{Aquifer, Reply, connect, read_reply, run, wait_until};
use serde_json::{Value, json};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A model that takes its thoughts back.
const MODEL: &str = "us.anthropic.claude-opus-4-8";
const THOUGHT: &str = r#"{"reasoningContent":{"reasoningText":{"text":"Let me look.","signature":"c2ln"}}}"#;

fn say(address: SocketAddr, line: &str, headers: &str, body: &str) -> Reply {
    let mut stream = connect(address);
    let length = body.len();
    let head =
        format!("{line} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}connection: close");
    stream.write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes()).unwrap();
    read_reply(&mut stream)
}

/// Asks for a response that Bedrock answers with a thought and a word: the response, and what Bedrock was sent.
fn answered(aquifer: &Aquifer, bedrock: &Bedrock, headers: &str, body: &Value) -> (Value, Value) {
    let (gateway, headers, body) = (aquifer.gateway.unwrap(), headers.to_owned(), body.to_string());
    let asking = std::thread::spawn(move || say(gateway, "POST /v1/responses", &headers, &body));
    let call = bedrock.call();
    let sent = serde_json::from_str(&call.body).unwrap();
    let content = format!(r#"[{THOUGHT},{{"text":"Hi"}}]"#);
    let usage = r#"{"inputTokens":1,"outputTokens":1,"totalTokens":2}"#;
    call.answer(
        "200 OK",
        "",
        &format!(
            r#"{{"output":{{"message":{{"role":"assistant","content":{content}}}}},"stopReason":"end_turn","usage":{usage}}}"#
        ),
    );
    let reply = asking.join().unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    (serde_json::from_str(&reply.body).unwrap(), sent)
}

fn asked(input: &Value) -> Value {
    json!({"model": MODEL, "input": input})
}

/// Asks for a response by its id.
fn named(aquifer: &Aquifer, method: &str, response: &Value, headers: &str) -> Reply {
    let id = response["id"].as_str().unwrap();
    say(aquifer.gateway.unwrap(), &format!("{method} /v1/responses/{id}"), headers, "")
}

fn code(reply: &Reply) -> (u16, Value) {
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    (reply.status, body["error"]["code"].clone())
}

#[test]
fn a_conversation_goes_on_from_its_responses() {
    let (aquifer, bedrock) = pair(&[]);
    let (first, _) = answered(&aquifer, &bedrock, "", &asked(&json!("a")));
    let next = json!({"model": MODEL, "previous_response_id": first["id"], "input": "b"});
    let (_, sent) = answered(&aquifer, &bedrock, "", &next);
    assert_eq!(sent["messages"].as_array().unwrap().len(), 3);
    assert_eq!(sent["messages"][1]["content"][0], serde_json::from_str::<Value>(THOUGHT).unwrap());
    let item = json!({"type": "item_reference", "id": first["output"][1]["id"]});
    let (_, sent) = answered(
        &aquifer,
        &bedrock,
        "",
        &asked(&json!([{"role": "user", "content": "a"}, item, {"role": "user", "content": "c"}])),
    );
    assert_eq!(sent["messages"][1]["content"], json!([{"text": "Hi"}]));
    let got = named(&aquifer, "GET", &first, "");
    assert_eq!((got.status, serde_json::from_str::<Value>(&got.body).unwrap()), (200, first.clone()));
    assert_eq!(code(&named(&aquifer, "GET", &first, "x-api-key: another\r\n")), (404, json!("not_found")));
    assert_eq!(named(&aquifer, "DELETE", &first, "").status, 200);
    assert_eq!(code(&named(&aquifer, "DELETE", &first, "")), (404, json!("not_found")));
    let gone = aquifer.ask("POST", "/v1/responses", &next.to_string());
    assert_eq!(code(&gone), (404, json!("previous_response_not_found")), "{}", gone.body);
}

#[test]
fn a_websocket_is_refused_at_once() {
    let (aquifer, _bedrock) = pair(&[]);
    let upgrade = "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let told = say(aquifer.gateway.unwrap(), "GET /v1/responses", upgrade, "");
    assert_eq!(code(&told), (426, json!("websocket_not_supported")), "{}", told.head);
}

#[test]
fn what_is_remembered_is_bounded_and_goes_in_time() {
    let (aquifer, bedrock) = with_policy(MODEL, "restore: {maxEntries: 2, maxAge: 2s}");
    let made = ["a", "b", "c"].map(|text| answered(&aquifer, &bedrock, "", &asked(&json!(text))).0);
    let there = || made.each_ref().map(|response| named(&aquifer, "GET", response, "").status);
    assert_eq!(there(), [404, 200, 200], "the oldest goes");
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(there(), [404; 3], "all go in time");
}

/// A file of seal keys.
struct Keys(tempfile::TempDir);

impl Keys {
    fn new(keys: &[u8]) -> Self {
        let file = Self(tempfile::tempdir().unwrap());
        file.write(keys);
        file
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("seal-keys")
    }

    fn write(&self, keys: &[u8]) {
        let lines: Vec<String> = keys.iter().map(|key| format!("{key:02x}").repeat(32)).collect();
        self.write_text(&lines.join("\n"));
    }

    fn write_text(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    fn serve(&self) -> (Aquifer, Bedrock) {
        pair(&["--seal-keys-file", self.path().to_str().unwrap()])
    }
}

/// Whether a thought that came sealed is opened there.
fn opens(aquifer: &Aquifer, bedrock: &Bedrock, seal: &Value) -> bool {
    let item = json!({"type": "reasoning", "summary": [], "encrypted_content": seal});
    let said = json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]});
    let user = json!({"role": "user", "content": "a"});
    let body = json!({"model": MODEL, "store": false, "input": [user, item, said, user]});
    let (_, sent) = answered(aquifer, bedrock, "", &body);
    sent["messages"][1]["content"][0].get("reasoningContent").is_some()
}

fn seal(aquifer: &Aquifer, bedrock: &Bedrock) -> Value {
    answered(aquifer, bedrock, "", &asked(&json!("a"))).0["output"][0]["encrypted_content"].clone()
}

#[test]
fn seal_keys_are_rotated_with_overlap_and_wrong_ones_are_not_taken() {
    let keys = Keys::new(&[1]);
    let (aquifer, bedrock) = keys.serve();
    let (other, other_bedrock) = keys.serve();
    let old = seal(&aquifer, &bedrock);
    assert!(opens(&other, &other_bedrock, &old), "replicas share the file");
    let adopted = |times: usize| {
        let count = || aquifer.log().matches("new seal keys").count() == times;
        wait_until("new seal keys", count, || aquifer.log());
    };
    keys.write(&[2, 1]);
    adopted(1);
    let new = seal(&aquifer, &bedrock);
    assert!(opens(&aquifer, &bedrock, &old) && opens(&aquifer, &bedrock, &new));
    // A file that is wrong, empty or gone changes nothing, and is told once.
    for wrong in ["hunter2-MARKER\n", "# none\n"] {
        keys.write_text(wrong);
        let told = aquifer.log().matches("the old seal keys stay").count();
        let again = || aquifer.log().matches("the old seal keys stay").count() > told;
        wait_until("the old seal keys stay", again, || aquifer.log());
        assert!(opens(&aquifer, &bedrock, &old) && opens(&aquifer, &bedrock, &new));
    }
    std::fs::remove_file(keys.path()).unwrap();
    aquifer.wait_for_log("cannot read the seal keys");
    assert!(opens(&aquifer, &bedrock, &old));
    keys.write(&[2]);
    adopted(1);
    wait_until("the old key to go", || !opens(&aquifer, &bedrock, &old), || aquifer.log());
    assert!(opens(&aquifer, &bedrock, &new), "the first key seals");
    assert!(!aquifer.log().contains("MARKER"), "{}", aquifer.log());
}

#[test]
fn a_wrong_file_ends_the_start_and_a_made_key_is_told() {
    let keys = Keys::new(&[]);
    let (code, _, log) = run(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--seal-keys-file",
        keys.path().to_str().unwrap(),
    ]);
    assert!(code == 1 && log.contains("the file holds none"), "{log}");
    let (one, bedrock) = pair(&[]);
    one.wait_for_log("a key to seal reasoning was generated");
    let (other, other_bedrock) = pair(&[]);
    assert!(!opens(&other, &other_bedrock, &seal(&one, &bedrock)), "each process has its own");
}
