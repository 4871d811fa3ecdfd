//! Streams through the real binary: flushed, held back, cancelled, on connections that are used again.

use crate::bedrock::{Bedrock, Call, MODEL};
use crate::support::{Aquifer, connect, read_reply, request};
use std::io::{Read, Write};
use std::net::TcpStream;

/// A gateway in front of a Bedrock of the test's.
pub(crate) fn pair(arguments: &[&str]) -> (Aquifer, Bedrock) {
    let bedrock = Bedrock::listen();
    let variables = bedrock.variables();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    (Aquifer::serve(arguments, &variables), bedrock)
}

/// The body of a streamed chat completion.
pub(crate) fn chat_body(content: &str) -> String {
    serde_json::json!({
        "model": MODEL,
        "stream": true,
        "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": content}],
    })
    .to_string()
}

/// A streamed chat completion under way.
pub(crate) struct Chat {
    pub(crate) stream: TcpStream,
    pub(crate) read: String,
}

impl Chat {
    pub(crate) fn begin(aquifer: &Aquifer, content: &str) -> Self {
        Self::begin_with(aquifer, content, "")
    }

    /// With more headers.
    pub(crate) fn begin_with(aquifer: &Aquifer, content: &str, headers: &str) -> Self {
        let mut stream = connect(aquifer.gateway.unwrap());
        let request = request("POST", "/v1/chat/completions", &chat_body(content));
        stream.write_all(request.replacen("\r\n", &format!("\r\n{headers}"), 1).as_bytes()).unwrap();
        Self { stream, read: String::new() }
    }

    /// Reads until the answer holds this; no more of it may be needed for that.
    pub(crate) fn read_until(&mut self, text: &str) {
        while !self.read.contains(text) {
            let before = self.read.len();
            self.read_more();
            assert!(self.read.len() > before, "`{text}` never came in {}", self.read);
        }
    }

    /// Reads what there is next of the answer.
    pub(crate) fn read_more(&mut self) {
        let mut buffer = [0; 65536];
        let read = self.stream.read(&mut buffer).unwrap_or_else(|error| panic!("{error} after {}", self.read));
        self.read.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
}

fn begun(aquifer: &Aquifer, bedrock: &Bedrock) -> (Chat, Call) {
    let chat = Chat::begin(aquifer, "Hello?");
    let mut call = bedrock.call();
    call.begin();
    call.event("messageStart", r#"{"role":"assistant"}"#);
    (chat, call)
}

/// A stream of which its client has read the first word, which is `one`.
pub(crate) fn under_way(aquifer: &Aquifer, bedrock: &Bedrock) -> (Chat, Call) {
    let (mut chat, mut call) = begun(aquifer, bedrock);
    call.text("one");
    chat.read_until("one");
    (chat, call)
}

#[test]
fn each_delta_reaches_the_client_before_the_next_is_there() {
    let (aquifer, bedrock) = pair(&[]);
    let (mut chat, mut call) = begun(&aquifer, &bedrock);
    assert!(call.head.starts_with("POST /model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse-stream HTTP/1.1"));
    assert_eq!(call.header("accept-encoding"), Some("identity"));
    assert!(call.header("authorization").unwrap().contains("Credential=AKIDEXAMPLE/"), "{}", call.head);
    call.reasoning("thought one");
    chat.read_until("thought one");
    call.reasoning("thought two");
    chat.read_until("thought two");
    call.signature("c2lnbmF0dXJl");
    call.text("answer one");
    chat.read_until("answer one");
    call.text("answer two");
    chat.read_until("answer two");
    call.finish();
    chat.read_until("data: [DONE]\n\n");
    let head = chat.read.to_ascii_lowercase();
    for header in ["content-type: text/event-stream", "cache-control: no-cache", "x-accel-buffering: no"] {
        assert!(head.contains(header), "{header} is missing in {head}");
    }
    aquifer.wait_for_metric("aquifer_requests_total{outcome=\"answered\",status=\"200\"", 1.0);
    aquifer.wait_for_metric("gen_ai_server_time_to_first_token_seconds_count", 1.0);
    aquifer.wait_for_metric("aquifer_time_to_first_reasoning_seconds_count", 1.0);
    aquifer.wait_for_metric("aquifer_requests_in_flight", 0.0);
    assert!((aquifer.metric("gen_ai_client_token_usage_sum") - 30.0).abs() < 0.1);
}

/// How many bytes whole chunks hold.
fn unchunked_so_far(mut rest: &str) -> usize {
    let mut whole = 0;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole += size;
        rest = after[size..].strip_prefix("\r\n").unwrap();
    }
    whole
}

#[test]
fn a_client_that_leaves_in_mid_stream_ends_the_call() {
    let (aquifer, bedrock) = pair(&[]);
    let (chat, mut call) = under_way(&aquifer, &bedrock);
    aquifer.wait_for_metric("aquifer_requests_in_flight", 1.0);
    let (_, told) = chat.read.split_once("\r\n\r\n").unwrap();
    let told = unchunked_so_far(told);
    drop(chat);
    call.wait_until_dropped();
    aquifer.wait_for_metric("aquifer_requests_total{outcome=\"abandoned\"", 1.0);
    aquifer.wait_for_metric("aquifer_requests_in_flight", 0.0);
    aquifer.wait_for_metric("aquifer_told_bytes_total{outcome=\"abandoned\"}", told as f64);
    aquifer.wait_for_log(&format!("told_bytes={told}"));
}

#[test]
fn the_call_of_a_client_that_left_is_drained_where_that_is_wanted() {
    let (aquifer, bedrock) = pair(&["--on-client-gone", "drain", "--gone-clients", "1"]);
    let (chat, mut call) = under_way(&aquifer, &bedrock);
    let (second, mut closed) = under_way(&aquifer, &bedrock);
    drop(chat);
    aquifer.wait_for_metric("aquifer_requests_in_flight", 1.0);
    aquifer.wait_for_metric("aquifer_backend_open_calls", 2.0);
    // One is drained at once, and no other.
    drop(second);
    closed.wait_until_dropped();
    aquifer.wait_for_metric("aquifer_drains_total{result=\"no_room\"}", 1.0);
    call.text("two");
    call.finish();
    aquifer.wait_for_metric("aquifer_drains_total{result=\"reported\"}", 1.0);
    aquifer.wait_for_metric("aquifer_requests_total{outcome=\"abandoned\"", 2.0);
    aquifer.wait_for_metric("aquifer_backend_open_calls", 0.0);
    aquifer.wait_for_metric("aquifer_open_streams", 0.0);
    assert!((aquifer.metric("gen_ai_client_token_usage_sum") - 30.0).abs() < 0.1);
    aquifer.wait_for_metric("aquifer_cost_unknown_total{reason=\"no_usage\"}", 1.0);
    aquifer.wait_for_log("drain=\"reported\"");
    let log = aquifer.log();
    let line = log.lines().find(|line| line.contains("drain=\"reported\"")).unwrap();
    assert!(line.contains("outcome=\"abandoned\"") && line.contains("usage=\"reported\""), "{line}");
    // It may be the next one again.
    let (third, mut limited) = under_way(&aquifer, &bedrock);
    drop(third);
    aquifer.wait_for_metric("aquifer_requests_in_flight", 0.0);
    limited.text("three");
    drop(limited);
    aquifer.wait_for_metric("aquifer_drains_total{result=\"broken\"}", 1.0);
}

#[test]
fn a_drain_ends_by_its_limits_and_with_the_process() {
    let limits = ["--on-client-gone", "drain", "--gone-client-time", "200ms", "--drain-timeout", "1s"];
    let (aquifer, bedrock) = pair(&limits);
    let (chat, mut call) = under_way(&aquifer, &bedrock);
    drop(chat);
    call.wait_until_dropped();
    aquifer.wait_for_metric("aquifer_drains_total{result=\"limit\"}", 1.0);
    for (limit, ends) in [("1s", "limit"), ("30s", "reported")] {
        let (mut aquifer, bedrock) = pair(&["--on-client-gone", "drain", "--drain-timeout", limit]);
        let (chat, call) = under_way(&aquifer, &bedrock);
        drop(chat);
        aquifer.wait_for_metric("aquifer_requests_in_flight", 0.0);
        aquifer.signal("TERM");
        aquifer.wait_for_log("draining: streams");
        let call = if ends == "reported" {
            call.finish();
            None
        } else {
            Some(call)
        };
        assert_eq!(aquifer.wait(), Some(0));
        aquifer.wait_for_log(&format!("drain=\"{ends}\""));
        drop(call);
    }
}

#[test]
fn a_client_that_leaves_before_the_answer_ends_the_call() {
    let (aquifer, bedrock) = pair(&[]);
    let chat = Chat::begin(&aquifer, "Hello?");
    let mut call = bedrock.call();
    drop(chat);
    call.wait_until_dropped();
    aquifer.wait_for_metric("aquifer_requests_total{outcome=\"abandoned\"", 1.0);
}

#[test]
fn a_slow_client_slows_the_call_and_misses_nothing() {
    const MOST: usize = 50_000;
    let (aquifer, bedrock) = pair(&[]);
    let (mut chat, mut call) = begun(&aquifer, &bedrock);
    let taken = call.flood(MOST);
    assert!(taken < MOST, "200 MB were taken from Bedrock for a client that reads nothing");
    let rest = std::thread::spawn(move || {
        let mut whole = String::new();
        chat.stream.read_to_string(&mut whole).unwrap();
        whole
    });
    // The delta that was cut when the flood stopped cannot be completed, so the stream breaks here.
    drop(call);
    let whole = rest.join().unwrap();
    assert_eq!(whole.matches(&"x".repeat(4000)).count(), taken);
    assert!(whole.contains("\"error\""));
}

#[test]
fn a_connection_is_used_again() {
    let (aquifer, bedrock) = pair(&[]);
    for round in 0..3 {
        let (mut chat, mut call) = begun(&aquifer, &bedrock);
        call.text("one");
        call.finish();
        chat.read_until("data: [DONE]\n\n");
        let metric = "aquifer_requests_total{outcome=\"answered\",status=\"200\"";
        aquifer.wait_for_metric(metric, f64::from(round + 1));
    }
    assert_eq!(bedrock.connections(), 1);
}

#[test]
fn a_connection_that_bedrock_closed_is_not() {
    let (aquifer, bedrock) = pair(&[]);
    for (round, headers) in ["connection: close\r\n", "", ""].into_iter().enumerate() {
        let chat = Chat::begin(&aquifer, "Hello?");
        bedrock.call().answer_and_close("400 Bad Request", headers, r#"{"message":"no"}"#);
        assert_eq!(read_reply(&mut { chat.stream }).status, 400);
        aquifer.wait_for_metric("aquifer_requests_total{outcome=\"failed\"", round as f64 + 1.0);
    }
    assert_eq!(bedrock.connections(), 3);
}

#[test]
fn a_silent_bedrock_is_given_up() {
    let (aquifer, bedrock) = pair(&["--upstream-timeout", "300ms"]);
    let chat = Chat::begin(&aquifer, "Hello?");
    let mut call = bedrock.call();
    let reply = read_reply(&mut { chat.stream });
    assert!(matches!(reply.status, 502 | 504), "{reply:?}");
    assert!(reply.body.contains("nothing came for 300ms"), "{reply:?}");
    call.wait_until_dropped();
    let (mut chat, mut call) = begun(&aquifer, &bedrock);
    call.text("one");
    chat.read_until("nothing came for 300ms");
    call.wait_until_dropped();
}

#[test]
fn the_pause_that_bedrock_asks_for_reaches_the_client() {
    let (aquifer, bedrock) = pair(&[]);
    let chat = Chat::begin(&aquifer, "Hello?");
    let throttled = r#"{"message":"Too many requests"}"#;
    for pause in ["1", "1", "soon", "2", "1500"] {
        let headers = format!("x-amzn-errortype: ThrottlingException\r\nx-amz-retry-after: {pause}\r\n");
        bedrock.call().answer("429 Too Many Requests", &headers, throttled);
    }
    let reply = read_reply(&mut { chat.stream });
    assert!(reply.status == 429 && reply.head.contains("retry-after: 2"), "{reply:?}");
}

#[test]
fn a_bedrock_that_is_not_there() {
    let bedrock = Bedrock::listen();
    let mut variables = bedrock.variables();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    variables[1].1 = format!("http://{gone}");
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let aquifer = Aquifer::serve(&[], &variables);
    let reply = aquifer.chat(&chat_body("Hello?"));
    assert!(matches!(reply.status, 502 | 503), "{reply:?}");
    assert!(serde_json::from_str::<serde_json::Value>(&reply.body).unwrap()["error"]["message"].is_string());
    aquifer.wait_for_metric("aquifer_request_errors_total{fault=\"upstream_unreachable\"", 1.0);
}

#[test]
fn a_client_hears_that_a_silent_stream_goes_on() {
    for (kind, word) in [("comment", ": keep-alive\n\n"), ("chunk", "\"delta\":{}")] {
        let (aquifer, bedrock) = pair(&["--keep-alive", "50ms", "--keep-alive-kind", kind]);
        let mut chat = Chat::begin(&aquifer, "Hello?");
        let mut call = bedrock.call();
        call.begin();
        // Nothing was said yet, not even that the answer begins.
        chat.read_until(word);
        call.event("messageStart", r#"{"role":"assistant","p":"a"}"#);
        call.reasoning("Hm.");
        chat.read_until("Hm.");
        let before = chat.read.matches(word).count();
        while chat.read.matches(word).count() < before + 2 {
            let more = chat.read.len();
            chat.read_more();
            assert!(chat.read.len() > more);
        }
        call.text("one");
        call.finish();
        chat.read_until("data: [DONE]\n\n");
    }
}
