//! What the admin API changes: the level of the log, and requests of the playground.

use super::{API, JSON, TOKEN, code, get, near, say};
use crate::support::{Aquifer, connect, wait_until};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;

fn set_level(aquifer: &Aquifer, body: &str) -> crate::support::Reply {
    say(aquifer, "POST", &format!("{API}log-level"), JSON, body)
}

#[test]
fn the_logs_level_falls_back_by_itself() {
    let aquifer = Aquifer::demo(&[]);
    assert_eq!(get(&aquifer, "log-level"), json!({"level": "info", "until_unix_ms": null}));
    let reply = set_level(&aquifer, "{\"level\": \"debug\", \"for_s\": 2}");
    assert_eq!(reply.status, 200, "{reply:?}");
    let state = get(&aquifer, "log-level");
    assert!(state["level"] == "debug" && state["until_unix_ms"].is_u64(), "{state}");
    crate::admin_api::answered(&aquifer);
    aquifer.wait_for_log("reasoning: block opened");
    let level = || get(&aquifer, "log-level");
    wait_until("the level to fall back", || level()["level"] == "info", || level().to_string());
    assert!(level()["until_unix_ms"].is_null());
    aquifer.wait_for_log("the log's level has fallen back");
    // A newer level is not taken back by the end of an older one.
    assert_eq!(set_level(&aquifer, "{\"level\": \"debug\", \"for_s\": 1}").status, 200);
    assert_eq!(set_level(&aquifer, "{\"level\": \"warn\"}").status, 200);
    std::thread::sleep(std::time::Duration::from_millis(1300));
    assert_eq!(get(&aquifer, "log-level")["level"], "warn");
}

#[test]
fn a_level_is_one_that_writes_no_content() {
    let aquifer = Aquifer::demo(&[]);
    for wrong in [
        "",
        "{}",
        "[]",
        "{\"level\": \"trace\"}",
        "{\"level\": \"loud\"}",
        "{\"level\": \"debug\", \"for_s\": 0}",
        "{\"level\": \"debug\", \"for_s\": 86401}",
        "{\"level\": \"debug\", \"for\": \"10m\"}",
    ] {
        let reply = set_level(&aquifer, wrong);
        assert_eq!((reply.status, code(&reply).as_str()), (400, "invalid_value"), "{wrong}");
    }
    let large = format!("{{\"level\": \"{}\"}}", "x".repeat(20_000));
    assert_eq!(set_level(&aquifer, &large).status, 413);
    assert_eq!(get(&aquifer, "log-level")["level"], "info");
}

#[test]
fn the_playground_asks_over_the_data_path() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    std::fs::write(&keys, "alice: key-of-alice-0123456789\n").unwrap();
    let simulator = Aquifer::spawn(&["simulator", "--listen", "127.0.0.1:0"], &[]);
    let endpoint = format!("http://{}", simulator.address("aquifer simulator listening on "));
    let variables = [
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
        ("AQUIFER_ADMIN_TOKEN", TOKEN),
    ];
    let aquifer = Aquifer::serve(&["--api-keys-file", keys.to_str().unwrap(), "--max-body", "8KiB"], &variables);
    let body = crate::streams::chat_body("Hello?");
    assert_eq!(aquifer.chat(&body).status, 401, "clients need a key");
    let path = format!("{API}play/v1/chat/completions");
    assert_eq!(say(&aquifer, "POST", &path, JSON, &body).status, 401, "and so do viewers");
    let admitted = format!("{JSON}authorization: Bearer {TOKEN}\r\n");
    let played = say(&aquifer, "POST", &path, &admitted, &body);
    assert_eq!(played.status, 200, "{played:?}");
    assert!(
        played.head.contains("text/event-stream") && played.head.contains("cache-control: no-store"),
        "{}",
        played.head
    );
    assert!(played.head.contains("x-content-type-options: nosniff"), "{}", played.head);
    assert!(played.body.contains("\"delta\"") && played.body.ends_with("data: [DONE]\n\n"), "{}", played.body);
    let refused = say(&aquifer, "POST", &path, &admitted, "{\"model\": 1}");
    assert_eq!(refused.status, 400, "{refused:?}");
    let large = crate::streams::chat_body(&"x".repeat(10_000));
    assert_eq!(say(&aquifer, "POST", &path, &admitted, &large).status, 413, "limits hold");
    let read = |query: &str| {
        let reply = say(&aquifer, "GET", &format!("{API}exchanges{query}"), &admitted, "");
        serde_json::from_str::<serde_json::Value>(&reply.body).unwrap()["exchanges"].as_array().unwrap().clone()
    };
    let played = read("?q=source:playground");
    assert_eq!(played.len(), 3, "{played:?}");
    assert!(played.iter().all(|row| row["caller"].is_null()), "{played:?}");
    assert_eq!(read("?q=source:client").len(), 1);
}

/// Reads live events until one holds this text; gives all that came.
fn events_until(stream: &mut TcpStream, read: &mut String, text: &str) {
    let mut buffer = [0; 65536];
    while !read.contains(text) {
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0 && read.len() < 4 << 20, "`{text}` never came in {read}");
        read.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}

fn live(aquifer: &Aquifer, topics: &str, headers: &str) -> TcpStream {
    let address = near(aquifer);
    let mut stream = connect(address);
    let head = format!("GET {API}live?topics={topics} HTTP/1.1\r\nhost: {address}\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn live_events_tell_what_the_other_endpoints_tell() {
    let aquifer = Aquifer::demo(&[]);
    let (mut stream, mut read) = (live(&aquifer, "stats%2Cexchanges,backends,streams", ""), String::new());
    events_until(&mut stream, &mut read, "event: stats");
    let head = read.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
    for header in ["content-type: text/event-stream", "cache-control: no-store", "x-content-type-options: nosniff"] {
        assert!(head.contains(header), "{head}");
    }
    events_until(&mut stream, &mut read, "\"usd_per_hour\":\"0.000000\"");
    events_until(&mut stream, &mut read, "default/simulator");
    crate::admin_api::answered(&aquifer);
    let id = get(&aquifer, "exchanges")["exchanges"][0]["id"].as_str().unwrap().to_owned();
    events_until(&mut stream, &mut read, "event: exchanges");
    events_until(&mut stream, &mut read, &format!("\"id\":\"{id}\""));
    let whole = get(&aquifer, &format!("exchanges/{id}"));
    assert_eq!(whole["text"]["observe"], "everything", "{whole:#}");
    let refused = say(&aquifer, "GET", &format!("{API}live?topics=nothing"), "", "");
    assert_eq!((refused.status, code(&refused).as_str()), (400, "invalid_topics"));
}

#[test]
fn a_token_without_the_scope_opens_no_text() {
    let aquifer = Aquifer::serve(&["--admin-scopes", "observe"], &[("AQUIFER_ADMIN_TOKEN", TOKEN)]);
    let bearer = format!("authorization: Bearer {TOKEN}\r\n");
    let (mut stream, mut read) = (live(&aquifer, "text:chatcmpl-a", &bearer), String::new());
    events_until(&mut stream, &mut read, "\"kind\":\"refused\"");
    assert!(read.contains("observe:text"), "{read}");
}
