//! Requests that nobody sends by accident: each gets one proper answer or a closed connection, in bounded memory.

use crate::streams::chat_body;
use crate::support::{Aquifer, connect, read_reply, request, wait_until};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

const CHAT: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: aquifer\r\ncontent-type: application/json\r\n";

/// What a demo, gateway and simulator together, may need more than when it is idle, in KiB, whatever bodies of some MiB
/// do to it.
const MORE_MEMORY: u64 = 256 << 10;

/// Everything that is said until the gateway closes the connection or has nothing more to say.
fn told(aquifer: &Aquifer, bytes: &[u8]) -> String {
    let mut stream = connect(aquifer.gateway.unwrap());
    // What is refused is not read to its end, so sending may fail.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut read = Vec::new();
    let _ = stream.read_to_end(&mut read);
    String::from_utf8(read).unwrap()
}

fn status(told: &str) -> u16 {
    told.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0)
}

/// A demo, whose model answers.
fn demo() -> (Aquifer, u64) {
    let aquifer = Aquifer::demo(&[]);
    assert_eq!(ask(&aquifer, &json!({}))["object"], "chat.completion");
    let idle = aquifer.memory("VmRSS");
    (aquifer, idle)
}

/// A whole answer to a good request with these members instead of its own.
fn ask(aquifer: &Aquifer, members: &Value) -> Value {
    let mut body: Value = serde_json::from_str(&chat_body("Hello?")).unwrap();
    body["stream"] = json!(false);
    body.as_object_mut().unwrap().remove("stream_options");
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    serde_json::from_str(&aquifer.chat(&body.to_string()).body).unwrap()
}

fn assert_bounded(aquifer: &Aquifer, idle: u64) {
    let most = aquifer.memory("VmHWM");
    assert!(most <= idle + MORE_MEMORY, "{most} KiB at most, {idle} KiB when idle");
    assert_eq!(aquifer.admin("/readyz").status, 200);
    aquifer.wait_for_metric("aquifer_requests_in_flight", 0.0);
}

#[test]
fn heads_that_are_no_heads() {
    let (aquifer, idle) = demo();
    let get = "GET /v1/models HTTP/1.1\r\nhost: a\r\n";
    let many: String = (0..5000).map(|at| format!("x-{at}: y\r\n")).collect();
    for (what, head, statuses) in [
        ("many headers", format!("{get}{many}\r\n"), vec![431]),
        ("a huge header", format!("{get}x: {}\r\n\r\n", "y".repeat(1 << 20)), vec![431]),
        ("a huge path", format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "y".repeat(1 << 20)), vec![414, 431]),
        ("a NUL in a header", format!("{get}x: a\0b\r\n\r\n"), vec![400]),
        ("a NUL in a name", format!("{get}x\0: a\r\n\r\n"), vec![400]),
        ("a NUL in the path", "GET /\0 HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(), vec![400]),
        ("a folded header", format!("{get}x: a\r\n b\r\n\r\n"), vec![400]),
        ("a space before the colon", format!("{get}x : a\r\n\r\n"), vec![400]),
        ("a bare CR", format!("{get}x: a\rb\r\n\r\n"), vec![400]),
        ("no version", "GET /v1/models\r\n\r\n".to_owned(), vec![400]),
        ("another version", "GET /v1/models HTTP/9.9\r\nhost: a\r\n\r\n".to_owned(), vec![400, 505]),
    ] {
        let told = told(&aquifer, head.as_bytes());
        assert!(statuses.contains(&status(&told)), "{what}: {told}");
        assert_eq!(told.matches("HTTP/1.1 ").count(), 1, "{what}: {told}");
    }
    assert_bounded(&aquifer, idle);
}

/// Where two readers could disagree about where a request ends, it is refused, or it is the last of its connection.
#[test]
fn requests_that_hide_another() {
    let (aquifer, idle) = demo();
    let hidden = "GET /hidden HTTP/1.1\r\nhost: a\r\n\r\n";
    let length = hidden.len() + 5;
    for (what, framing, body) in [
        ("both", format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"), "0\r\n\r\n"),
        ("both, the other way", format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n"), "0\r\n\r\n"),
        ("two lengths", format!("content-length: 2\r\ncontent-length: {length}\r\n"), "{}"),
        ("a list of lengths", format!("content-length: 2, {length}\r\n"), "{}"),
        ("a signed length", "content-length: +2\r\n".to_owned(), "{}"),
        ("a negative length", "content-length: -2\r\n".to_owned(), "{}"),
        ("a length beyond numbers", "content-length: 99999999999999999999999\r\n".to_owned(), "{}"),
        ("an unknown coding", "transfer-encoding: xchunked\r\n".to_owned(), "0\r\n\r\n"),
        ("chunked, then not", "transfer-encoding: chunked, identity\r\n".to_owned(), "0\r\n\r\n"),
        ("chunked behind a space", "transfer-encoding : chunked\r\n".to_owned(), "0\r\n\r\n"),
        ("chunked behind a tab", "transfer-encoding:\x0bchunked\r\n".to_owned(), "0\r\n\r\n"),
        ("a chunk size beyond numbers", "transfer-encoding: chunked\r\n".to_owned(), "fffffffffffffffff\r\n"),
        ("a signed chunk size", "transfer-encoding: chunked\r\n".to_owned(), "-1\r\n"),
        ("no chunk size", "transfer-encoding: chunked\r\n".to_owned(), ";a=b\r\n\r\n"),
        ("a chunk longer than it says", "transfer-encoding: chunked\r\n".to_owned(), "1\r\n{}\r\n0\r\n\r\n"),
    ] {
        let told = told(&aquifer, format!("{CHAT}{framing}\r\n{body}{hidden}").as_bytes());
        assert!(status(&told) >= 400, "{what}: {told}");
        assert_eq!(told.matches("HTTP/1.1 ").count(), 1, "{what}: {told}");
        assert!(!told.contains("hidden"), "{what}: {told}");
    }
    let extension = format!("{CHAT}transfer-encoding: chunked\r\n\r\n1;{}\r\n", "x".repeat(1 << 20));
    assert!(matches!(status(&told(&aquifer, extension.as_bytes())), 0 | 400 | 413), "an endless extension");
    assert_bounded(&aquifer, idle);
}

#[test]
fn bodies_that_are_hardly_json() {
    let (aquifer, idle) = demo();
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    let around = |inside: &str| {
        let good = chat_body("Hello?");
        good.replacen('{', &format!("{{{inside},"), 1)
    };
    let (lists, objects) = (deep("[", "]"), deep("{\"a\":", "}").replace(":}", ":1}"));
    let tool = |schema: &str| {
        around(&format!(r#""tools":[{{"type":"function","function":{{"name":"f","parameters":{schema}}}}}]"#))
    };
    for (what, body) in [
        ("a NUL", "{\"model\":\"a\0b\"}".to_owned()),
        ("deep lists", lists.clone()),
        ("deep objects", objects.clone()),
        ("deep lists that never close", "[".repeat(1 << 20)),
        ("a deep message", format!(r#"{{"model":"m","messages":{lists}}}"#)),
        ("a deep schema", tool(&objects)),
        ("a number beyond numbers", around(r#""temperature":1e999"#)),
        ("a huge number", around(r#""max_tokens":1e30"#)),
        ("a long number", around(&format!(r#""max_tokens":{}"#, "9".repeat(1 << 20)))),
        ("a number that is none", around(r#""top_p":NaN"#)),
        ("too many stops", around(&format!(r#""stop":[{}"x"]"#, r#""x","#.repeat(10_000)))),
        ("a list of nothing", "[]".to_owned()),
        ("nothing", String::new()),
        ("a byte order mark", "\u{feff}{}".to_owned()),
        ("two documents", format!("{0}{0}", chat_body("Hello?"))),
    ] {
        let reply = aquifer.chat(&body);
        assert_eq!(reply.status, 400, "{what}: {reply:?}");
        let error: Value = serde_json::from_str(&reply.body).unwrap();
        assert!(error["error"]["message"].is_string(), "{what}: {reply:?}");
        assert!(reply.body.len() < 4096, "{what} is not repeated: {} bytes", reply.body.len());
    }
    let mut stream = connect(aquifer.gateway.unwrap());
    let raw = b"{\"model\":\"\xff\xfe\"}";
    stream.write_all(format!("{CHAT}connection: close\r\ncontent-length: {}\r\n\r\n", raw.len()).as_bytes()).unwrap();
    stream.write_all(raw).unwrap();
    assert_eq!(read_reply(&mut stream).status, 400, "invalid UTF-8");
    assert_bounded(&aquifer, idle);
}

/// What is odd, and means something all the same, is served.
#[test]
fn bodies_that_are_odd() {
    let (aquifer, idle) = demo();
    let say = |body: String| {
        let reply = aquifer.chat(&body);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body
    };
    let streamed = chat_body("Hello?");
    let whole = streamed.replacen("\"stream\":true", "\"stream\":false", 1).replacen("include_usage", "other", 1);
    let lone = say(whole.replacen("Hello?", r"one \ud800 two \udc00", 1));
    assert!(lone.contains('\u{fffd}') && !lone.contains("\\ud800"), "{lone}");
    assert!(say(whole.replacen("Hello?", r"a \u0000 b", 1)).contains("chat.completion"));
    let twice = whole.replacen('{', r#"{"messages":[],"model":"nobody's","#, 1);
    assert!(say(twice).contains("Hello?"), "the last of two counts");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    say(whole.replacen('{', &format!("{{\"unknown\":{deep},"), 1));
    assert_bounded(&aquifer, idle);
}

#[test]
fn counts_beyond_reason_are_served_or_refused_in_few_words() {
    let (aquifer, idle) = demo();
    let tools: Vec<_> = (0..10_000)
        .map(|at| json!({ "type": "function", "function": { "name": format!("f{at}"), "parameters": { "type": "object" } } }))
        .collect();
    let unknown: serde_json::Map<String, Value> = (0..50_000).map(|at| (format!("unknown{at}"), json!(at))).collect();
    let roles = ["user", "assistant"];
    let turn = |at: usize| json!({ "role": roles[at % 2], "content": format!("number {at}") });
    let messages: Vec<_> = (0..20_001).map(turn).collect();
    for (what, members) in [
        ("tools", json!({ "tools": tools })),
        ("unknown fields", Value::Object(unknown)),
        ("messages", json!({ "messages": messages })),
        ("blank stops", json!({ "stop": vec![" "; 2_400] })),
    ] {
        let mut body: Value = serde_json::from_str(&chat_body("Hello?")).unwrap();
        members.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        let reply = aquifer.chat(&body.to_string());
        assert!(reply.head.len() < 32 << 10, "{what}: a head of {} bytes", reply.head.len());
        assert!(
            reply.status == 200 && reply.body.ends_with("data: [DONE]\n\n") || reply.status == 400,
            "{what}: {}",
            reply.status
        );
    }
    let lines = aquifer.log().lines().count();
    assert!(lines < 1000, "{lines} lines of log");
    assert_bounded(&aquifer, idle);
}

#[test]
fn bodies_together_are_bounded() {
    let aquifer = Aquifer::serve(&["--max-body", "8MiB", "--max-bodies", "32MiB", "--body-timeout", "20s"], &[]);
    let idle = aquifer.memory("VmRSS");
    let head = format!("{CHAT}connection: close\r\ncontent-length: {}\r\n\r\n", 8 << 20);
    let begun: Vec<_> = (0..16)
        .map(|_| {
            let mut stream = connect(aquifer.gateway.unwrap());
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&vec![b' '; (8 << 20) - 1]);
            stream
        })
        .collect();
    let refused = "aquifer_requests_total{outcome=\"failed\",status=\"503\"";
    wait_until("some to be refused", || aquifer.metric(refused) >= 12.0, || aquifer.admin("/metrics").body);
    let most = aquifer.memory("VmHWM");
    assert!(most <= idle + (96 << 10), "{most} KiB at most, {idle} KiB when idle");
    drop(begun);
    wait_until("room again", || aquifer.chat(&" ".repeat(4 << 20)).status == 400, || aquifer.log());
}

#[test]
fn clients_that_never_finish_are_let_go() {
    let aquifer = Aquifer::serve(&["--header-timeout", "500ms", "--body-timeout", "500ms"], &[]);
    let before = aquifer.descriptors();
    let heads = ["", "P", "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nx: ", "PRI * HTTP/2.0\r\n\r\nSM"];
    let bodies =
        [format!("{CHAT}content-length: 10\r\n\r\n{{"), format!("{CHAT}transfer-encoding: chunked\r\n\r\n5\r\n{{")];
    let begin = |bytes: &str| {
        let mut stream = connect(aquifer.gateway.unwrap());
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    };
    let all = heads.iter().copied().chain(bodies.iter().map(String::as_str));
    let mut streams: Vec<TcpStream> = all.flat_map(|bytes| (0..40).map(move |_| bytes)).map(begin).collect();
    assert_eq!(aquifer.admin("/readyz").status, 200);
    // One byte more from time to time does not buy more time.
    for stream in &mut streams {
        let _ = stream.write_all(b"a");
    }
    wait_until(
        "all to be let go",
        || aquifer.descriptors() <= before,
        || format!("{} > {before}", aquifer.descriptors()),
    );
    assert!(read_reply(&mut begin(&request("GET", "/v1/models", ""))).status > 0);
}
