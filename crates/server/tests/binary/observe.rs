//! Exchanges under way, watched on the admin listener: their text where a policy lets it be observed, nothing of it where none does.

use crate::bedrock::{Call, with_policy, with_policy_and};
use crate::support::{Aquifer, connect, read_reply, request, request_to, wait_until};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

const CLAUDE: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const NOVA: &str = "us.amazon.nova-2-lite-v1:0";

/// A connection of which what comes is gathered.
struct Reader {
    stream: TcpStream,
    read: String,
}

impl Reader {
    /// A request to the gateway.
    fn ask(aquifer: &Aquifer, path: &str, body: &str) -> Self {
        Self::of(connect(aquifer.gateway.unwrap()), &request("POST", path, body))
    }

    /// A live stream of these topics.
    fn live(aquifer: &Aquifer, topics: &str) -> Self {
        let path = format!("/admin/api/v1/live?topics={topics}");
        Self::of(connect(aquifer.admin.unwrap()), &request_to("localhost", "GET", &path, ""))
    }

    fn of(mut stream: TcpStream, request: &str) -> Self {
        stream.write_all(request.as_bytes()).unwrap();
        Self { stream, read: String::new() }
    }

    /// Reads until this came, and gives all that came.
    fn read_until(&mut self, text: &str) -> &str {
        let mut buffer = [0; 65536];
        while !self.read.contains(text) {
            let read = self.stream.read(&mut buffer).unwrap_or_else(|error| panic!("{error} after {}", self.read));
            assert!(read > 0, "`{text}` never came in {}", self.read);
            self.read.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        &self.read
    }

    fn read_to_end(&mut self) -> String {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).unwrap();
        std::mem::take(&mut self.read) + &String::from_utf8_lossy(&rest)
    }
}

/// The only exchange under way, once it is in this phase.
fn stream_in(aquifer: &Aquifer, phase: &str) -> Value {
    let mut found = Value::Null;
    let streams = || serde_json::from_str::<Value>(&aquifer.admin("/admin/api/v1/streams").body).unwrap();
    wait_until(
        &format!("an exchange that is {phase}"),
        || {
            found = streams()["streams"][0].clone();
            found["phase"] == phase
        },
        || streams().to_string(),
    );
    found
}

fn id_of(stream: &Value) -> String {
    stream["id"].as_str().unwrap().to_owned()
}

/// A request in each dialect: its model, its path, its body.
fn requests(prompt: &str) -> Vec<(&'static str, String, String)> {
    let asked = json!([{"role": "user", "content": prompt}]);
    let chat = json!({"model": CLAUDE, "stream": true, "reasoning_effort": "low", "messages": asked});
    let thinking = json!({"type": "enabled", "budget_tokens": 1024});
    let messages = json!({"model": NOVA, "stream": true, "max_tokens": 4096, "thinking": thinking, "messages": asked});
    let reasoning = json!({"effort": "low", "summary": "auto"});
    let responses = json!({"model": CLAUDE, "stream": true, "reasoning": reasoning, "input": prompt});
    let converse = json!({"messages": [{"role": "user", "content": [{"text": prompt}]}]});
    vec![
        (CLAUDE, "/v1/chat/completions".to_owned(), chat.to_string()),
        (NOVA, "/v1/messages".to_owned(), messages.to_string()),
        (CLAUDE, "/v1/responses".to_owned(), responses.to_string()),
        (CLAUDE, format!("/model/{CLAUDE}/converse-stream"), converse.to_string()),
    ]
}

/// A stream whose model is thinking these words.
fn thinking(aquifer: &Aquifer, call: &mut Call, words: &str) -> Value {
    call.begin();
    call.event("messageStart", r#"{"role":"assistant"}"#);
    call.reasoning(words);
    stream_in(aquifer, "thinking")
}

#[test]
fn reasoning_and_answer_of_each_dialect_are_seen_while_they_stream() {
    for (model, path, body) in requests("PROMPT?") {
        let (aquifer, bedrock) = with_policy(model, "observe: Everything");
        let mut client = Reader::ask(&aquifer, &path, &body);
        let mut call = bedrock.call();
        let stream = thinking(&aquifer, &mut call, "First thought.");
        assert_eq!((&stream["observe"], &stream["policy"]), (&json!("everything"), &json!("default/p")), "{path}");
        assert_eq!((&stream["model_id"], &stream["backend"]), (&json!(model), &json!("default/one")), "{path}");
        let id = id_of(&stream);
        let mut live = Reader::live(&aquifer, &format!("streams,text:{id}"));
        let snapshot = live.read_until("\"kind\":\"snapshot\"");
        assert!(snapshot.contains("First thought.") && snapshot.contains("PROMPT?"), "{snapshot}");
        call.reasoning(" Second thought.");
        live.read_until(" Second thought.");
        call.signature("c2ln");
        call.text("The answer.");
        let seen = live.read_until("\"phase\":\"answering\"");
        let order = ["First thought.", " Second thought.", "The answer."].map(|words| seen.find(words).unwrap());
        assert!(order.is_sorted(), "{path}: {seen}");
        call.finish();
        live.read_until("\"kind\":\"end\",\"outcome\":\"answered\"");
        assert!(client.read_to_end().contains("The answer."), "{path}");
        let text: Value =
            serde_json::from_str(&aquifer.admin(&format!("/admin/api/v1/exchanges/{id}/text")).body).unwrap();
        assert_eq!(text["reasoning"]["text"], "First thought. Second thought.", "{path}");
        assert_eq!(text["content"]["text"], "The answer.", "{path}");
        assert_eq!(text["blocks"].as_array().unwrap().len(), 2, "{path}: {text}");
        assert!(text["request"]["upstream"].as_str().unwrap().contains("PROMPT?"), "{path}: {text}");
        let audited = format!("exchange=\"{id}\"");
        wait_until("two lines of audit", || aquifer.log().matches("a text was opened").count() == 2, || aquifer.log());
        let log = aquifer.log();
        assert!(log.contains(&audited) && log.contains("loopback"), "{log}");
        assert!(!log.contains("PROMPT?") && !log.contains("thought"), "{log}");
    }
}

#[test]
fn of_reasoning_alone_neither_request_nor_answer_is_seen() {
    let (aquifer, bedrock) = with_policy(CLAUDE, "observe: Reasoning");
    let (_, path, body) = requests("PROMPT?").swap_remove(0);
    let mut client = Reader::ask(&aquifer, &path, &body);
    let mut call = bedrock.call();
    let id = id_of(&thinking(&aquifer, &mut call, "A thought."));
    let mut live = Reader::live(&aquifer, &format!("streams,text:{id}"));
    live.read_until("A thought.");
    call.signature("c2ln");
    call.text("ANSWER!");
    live.read_until("\"phase\":\"answering\"");
    call.finish();
    let seen = live.read_until("\"kind\":\"end\"").to_owned();
    assert!(client.read_to_end().contains("ANSWER!"));
    let text = aquifer.admin(&format!("/admin/api/v1/exchanges/{id}/text")).body;
    for told in [seen, text] {
        assert!(!told.contains("ANSWER!") && !told.contains("PROMPT?"), "{told}");
    }
}

#[test]
fn without_a_policy_that_allows_it_no_text_is_seen() {
    for policy in ["repair: true", "visibility: Hidden\n  observe: Everything"] {
        for (model, path, body) in requests("MARKER?") {
            let (aquifer, bedrock) = with_policy(model, policy);
            let mut live = Reader::live(&aquifer, "stats,streams,exchanges,backends");
            let mut client = Reader::ask(&aquifer, &path, &body);
            let mut call = bedrock.call();
            let stream = thinking(&aquifer, &mut call, "MARKER thought.");
            assert_eq!((&stream["observe"], &stream["reasoning_chars"]), (&json!("metadata"), &Value::Null));
            let id = id_of(&stream);
            let mut text = Reader::live(&aquifer, &format!("streams,text:{id}"));
            text.read_until("\"kind\":\"refused\"");
            call.signature("TUFSS0VS");
            call.text("MARKER answer.");
            let answering = stream_in(&aquifer, "answering");
            assert!(answering["bytes"].as_u64().unwrap() > 0, "{answering}");
            call.finish();
            client.read_to_end();
            let (all, one) = (live.read_until("\"open\":0"), text.read_until("\"open\":0"));
            let path_of_text = format!("/admin/api/v1/exchanges/{id}/text");
            wait_until("a refusal", || aquifer.admin(&path_of_text).status == 403, || aquifer.log());
            let refused = aquifer.admin(&path_of_text);
            assert!(refused.body.contains("observe: metadata"), "{refused:?}");
            for told in [all, one, &refused.body] {
                assert!(!told.contains("MARKER") && !told.contains("TUFSS0VS"), "{path}: {told}");
            }
            assert!(one.contains("observe: metadata"), "{one}");
        }
    }
}

#[test]
fn where_nothing_may_be_observed_nothing_is_listed() {
    let (aquifer, bedrock) = with_policy(CLAUDE, "observe: Nothing");
    let (_, path, body) = requests("MARKER?").swap_remove(0);
    let mut live = Reader::live(&aquifer, "streams");
    let mut client = Reader::ask(&aquifer, &path, &body);
    let mut call = bedrock.call();
    call.begin();
    call.text("one");
    client.read_until("one");
    assert_eq!(aquifer.admin("/admin/api/v1/streams").body, r#"{"streams":[],"open":0}"#);
    call.finish();
    let id = client.read_to_end().split_once("\"id\":\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    assert!(!live.read_until("\"open\":0").contains(&id));
}

#[test]
fn a_viewer_that_reads_nothing_delays_no_client() {
    let (aquifer, bedrock) = with_policy(CLAUDE, "observe: Everything");
    let (_, path, body) = requests("Hello?").swap_remove(0);
    let mut client = Reader::ask(&aquifer, &path, &body);
    let mut call = bedrock.call();
    let id = id_of(&thinking(&aquifer, &mut call, "Hm."));
    // These are never read from again.
    let mut stalled: Vec<Reader> = (0..15).map(|_| Reader::live(&aquifer, &format!("streams,text:{id}"))).collect();
    for viewer in &mut stalled {
        viewer.read_until("snapshot");
    }
    call.signature("c2ln");
    let reading = std::thread::spawn(move || client.read_to_end());
    let part = "0123456789".repeat(400);
    for _ in 0..2000 {
        call.text(&part);
    }
    call.text("THE END");
    call.finish();
    let told = reading.join().unwrap();
    assert!(told.contains("THE END") && told.len() > 8_000_000, "{}", told.len());
    // One more place is there; the one after it is refused.
    let mut last = Reader::live(&aquifer, &format!("text:{id}"));
    let seen = last.read_until("\"kind\":\"end\"");
    assert!(seen.contains("THE END") && seen.len() < 300_000, "the newest part alone is kept: {}", seen.len());
    let mut refused = connect(aquifer.admin.unwrap());
    refused.write_all(request_to("localhost", "GET", "/admin/api/v1/live?topics=stats", "").as_bytes()).unwrap();
    assert_eq!(read_reply(&mut refused).status, 429);
    // A viewer that wakes up is told how much it missed, and the end.
    let woken = stalled[0].read_until("\"kind\":\"end\"");
    assert!(woken.contains("\"kind\":\"lost\""), "{} bytes", woken.len());
}

#[test]
fn a_text_is_gone_a_while_behind_the_end() {
    let (aquifer, bedrock) = with_policy_and(&["--text-retention", "300ms"], CLAUDE, "observe: Everything");
    let (_, path, body) = requests("Hello?").swap_remove(0);
    let mut client = Reader::ask(&aquifer, &path, &body);
    let mut call = bedrock.call();
    let id = id_of(&thinking(&aquifer, &mut call, "Hm."));
    let path = format!("/admin/api/v1/exchanges/{id}/text");
    assert_eq!(aquifer.admin(&path).status, 200);
    call.signature("c2ln");
    call.finish();
    client.read_to_end();
    wait_until("the text to be gone", || aquifer.admin(&path).status == 404, || aquifer.admin(&path).body);
}

#[test]
fn the_demo_shows_everything() {
    let aquifer = Aquifer::demo(&[]);
    let body = json!({"model": CLAUDE, "reasoning_effort": "low", "messages": [{"role": "user", "content": "Hi"}]});
    let answer = aquifer.chat(&body.to_string()).body;
    let id = serde_json::from_str::<Value>(&answer).unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/admin/api/v1/exchanges/{id}/text");
    let text: Value = serde_json::from_str(&aquifer.admin(&path).body).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let message = &answer["choices"][0]["message"];
    assert_eq!((&text["content"]["text"], &text["reasoning"]["text"]), (&message["content"], &message["reasoning"]));
    assert_eq!((&text["ended"], &text["outcome"]), (&json!(true), &json!("answered")));
    assert!(text["request"]["client"].as_str().is_some_and(|body| body.contains("Hi")), "{text}");
}
