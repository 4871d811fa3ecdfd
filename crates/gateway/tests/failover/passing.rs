//! Services of OpenAI's dialect that answer 200 and mean an error: the next backend is asked, wherever the answer is cut.

use crate::under::{Under, config_of, openai};
use aquifer_gateway::config::{Config, ReasoningPolicy, Traffic};
use aquifer_gateway::exchange::{Call, Input};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::mutation::Mutation;
use aquifer_gateway::record::Outcome;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::sync::Arc;
use std::time::Instant;

const BODY: &str = r#"{"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hello?"}]}"#;
const GOOD: &str = ": hello\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n\
    data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
const BUSY: &str = "{\"error\": {\"message\": \"busy\", \"type\":\"overloaded_error\"}}";

/// The beginning of an answer that says nothing yet.
const ROLE: &str = "{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[],\
    \"reasoning\":null},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}";

/// A request at so many services.
fn at(services: usize) -> Under {
    let now = Instant::now();
    let config = config_of(vec![openai("v1"); services], Traffic::default());
    Under::begin(&config, &Arc::new(BackendHealth::new(services, now)), now, BODY)
}

fn begin(under: &mut Under, kind: &'static str) {
    let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
    under.exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, under.now);
}

/// The answer in parts, each with what becomes of it; whether a further call was asked for.
fn answer<'p>(under: &mut Under, parts: impl Iterator<Item = &'p [u8]>) -> bool {
    begin(under, "text/event-stream; charset=utf-8");
    for part in parts {
        under.exchange.handle(Input::UpstreamBody(part), under.now);
        if under.call().is_some() {
            return true;
        }
    }
    under.exchange.handle(Input::UpstreamEnd, under.now);
    under.call().is_some()
}

/// A stream whole, in two parts cut at every byte, and byte by byte.
fn cuts(stream: &str) -> impl Iterator<Item = Vec<&[u8]>> {
    let bytes = stream.as_bytes();
    let halves = (1..bytes.len()).map(|at| [&bytes[..at], &bytes[at..]].to_vec());
    [vec![bytes], bytes.chunks(1).collect()].into_iter().chain(halves)
}

#[test]
fn an_error_as_the_first_event_is_failed_over_wherever_it_is_cut() {
    for opening in ["", ": waiting\n\n", "event: message\r\n", "id: 7\nretry: 3\n\n"] {
        for ill in [
            format!("{opening}data: {BUSY}\n\ndata: [DONE]\n\n"),
            format!("{opening}data:{BUSY}\r\n\r\n"),
            format!("{opening}event: error\ndata: all is lost\n\n"),
            format!("{opening}data: {BUSY}"),
            format!("{opening}data: {{\"choi"),
            opening.to_owned(),
            format!("{opening}data: {ROLE}\n\ndata: {BUSY}\n\ndata: [DONE]\n\n"),
            format!("{opening}data: {ROLE}\n\n: waiting\n\n"),
            format!("{opening}data: {{\"choices\":[]}}\n\ndata: {{\"type\":\"ping\"}}\n\ndata: [DONE]\n\n"),
            format!("{opening}data: [DONE]"),
        ] {
            for parts in cuts(&ill) {
                let mut under = at(2);
                under.call().unwrap();
                assert!(answer(&mut under, parts.into_iter()), "{ill:?}");
                assert_eq!((under.status, under.said.as_str()), (None, ""), "{ill:?}");
                assert!(!answer(&mut under, std::iter::once(GOOD.as_bytes())));
                assert_eq!(under.said, GOOD);
                assert_eq!(
                    under.record.map(|record| (record.outcome, record.attempts.len())),
                    Some((Outcome::Answered, 2))
                );
            }
        }
    }
}

#[test]
fn an_answer_goes_on_byte_for_byte_wherever_it_is_cut() {
    let late = GOOD.replacen("data: [", "data: {\"error\":{\"message\":\"late\"}}\n\ndata: [", 1);
    let long = format!("data: \"{}\"\n\n{GOOD}", "x".repeat(70 << 10));
    let nameless = GOOD.trim_end();
    let empty = format!("data: {ROLE}\n\ndata: [DONE]");
    for good in [GOOD, &late, nameless, &empty] {
        for parts in cuts(good) {
            let mut under = at(2);
            under.call().unwrap();
            assert!(!answer(&mut under, parts.into_iter()), "{good:?}");
            assert_eq!((under.said.as_str(), under.status), (good, Some(StatusCode::OK)));
            assert_eq!(under.record.map(|record| record.outcome), Some(Outcome::Answered));
        }
    }
    let mut under = at(2);
    under.call().unwrap();
    begin(&mut under, "text/event-stream");
    under.exchange.handle(Input::UpstreamBody(&long.as_bytes()[..60 << 10]), under.now);
    assert!(under.call().is_none() && under.said.is_empty());
    under.exchange.handle(Input::UpstreamBody(&long.as_bytes()[60 << 10..68 << 10]), under.now);
    assert!(under.call().is_none());
    assert_eq!(under.said.len(), 68 << 10, "no more is held than that");
}

#[test]
fn an_error_that_nothing_helps_against_is_told_with_its_status() {
    let told = |data: &str| {
        let mut under = at(1);
        while under.call().is_some() {
            begin(&mut under, "text/event-stream");
            under.exchange.handle(Input::UpstreamBody(format!("data: {data}\n\n").as_bytes()), under.now);
        }
        let record = under.record.unwrap();
        assert_eq!(record.outcome, Outcome::Failed);
        (under.status.unwrap().as_u16(), under.said, record.attempts.len())
    };
    let wrong = "{\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\"}}";
    assert_eq!(told(wrong), (400, wrong.to_owned(), 1));
    assert_eq!(told(BUSY), (503, BUSY.to_owned(), 5));
    let (status, said, _) = told("{\"error\":\"out of memory\"}");
    assert!(status == 500 && said.contains("\"type\":\"server_error\""), "{status} {said}");
}

#[test]
fn a_client_that_was_told_that_it_goes_on_may_be_answered_by_another_one() {
    let mut under = at(2);
    under.call().unwrap();
    begin(&mut under, "text/event-stream");
    under.exchange.handle(Input::UpstreamBody(b": hello\n\n"), under.now);
    under.quiet();
    assert!(under.call().is_none());
    assert_eq!((under.said.as_str(), under.status.take()), (": keep-alive\n\n", Some(StatusCode::OK)));
    under.exchange.handle(Input::UpstreamBody(b"data: {\"error\":{}}\n\n"), under.now);
    assert!(under.call().is_some());
    assert!(!answer(&mut under, std::iter::once(GOOD.as_bytes())));
    assert_eq!((under.said, under.status), (format!(": keep-alive\n\n{GOOD}"), None));
    assert_eq!(under.record.unwrap().outcome, Outcome::Answered);
}

#[test]
fn a_client_that_was_told_that_it_goes_on_is_told_in_the_stream_that_nothing_helped() {
    let fails: [fn(&mut Under); 4] = [
        |under| _ = answer(under, std::iter::once(&b"data: {\"error\":{\"message\":\"m\"}}\n\n"[..])),
        |under| under.refuse(400, "ValidationException", "no", None),
        |under| {
            begin(under, "application/json");
            under.exchange.handle(Input::UpstreamBody(b"{\"choices\":[{\"message\":{}}]}"), under.now);
            under.exchange.handle(Input::UpstreamEnd, under.now);
        },
        Under::time_out,
    ];
    for fail in fails {
        let mut under = at(2);
        under.call().unwrap();
        begin(&mut under, "text/event-stream");
        under.exchange.handle(Input::UpstreamBody(format!("data: {ROLE}\n\n").as_bytes()), under.now);
        under.quiet();
        under.exchange.handle(Input::UpstreamEnd, under.now);
        assert_eq!((under.call().is_some(), under.status.take()), (true, Some(StatusCode::OK)));
        while under.record.is_none() {
            fail(&mut under);
            under.call();
        }
        assert_eq!(under.status, None, "one head");
        let said =
            under.said.strip_prefix(": keep-alive\n\ndata: {\"error\":").unwrap_or_else(|| panic!("{}", under.said));
        assert!(said.ends_with("data: [DONE]\n\n"), "{said}");
        assert_eq!(under.record.unwrap().outcome, Outcome::Failed);
    }
}

#[test]
fn a_whole_answer_that_is_none_is_failed_over() {
    for none in
        ["", "{", "{\"choices\":[", "{}", "[]", "null", "{\"choices\":[]}", "{\"choices\":null}", "<html>", "OK"]
    {
        for body in [BODY, &BODY.replace("true", "false")] {
            let now = Instant::now();
            let config = config_of(vec![openai("v1"); 2], Traffic::default());
            let mut under = Under::begin(&config, &Arc::new(BackendHealth::new(2, now)), now, body);
            for attempt in 0.. {
                let Some(call) = under.call() else { break };
                assert_eq!(call.backend, attempt % 2, "{none}");
                begin(&mut under, "application/json");
                under.exchange.handle(Input::UpstreamBody(none.as_bytes()), under.now);
                under.exchange.handle(Input::UpstreamEnd, under.now);
            }
            assert_eq!(under.status, Some(StatusCode::BAD_GATEWAY));
            assert!(under.said.contains("upstream_protocol_error"), "{}", under.said);
            assert!(under.record.is_some_and(|record| record.attempts.len() > 1));
        }
    }
}

#[test]
fn a_request_that_is_too_long_there_goes_to_the_next_service() {
    for (status, long) in [
        (400, r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","code":null}}"#),
        (400, r#"{"error":{"message":"Too much.","type":"invalid_request_error","code":"context_length_exceeded"}}"#),
        (413, r#"{"error":{"message":"The prompt is too long: 9000, model maximum context length: 8192"}}"#),
        (422, r#"{"error":{"message":"Input token count exceeds 4096"}}"#),
    ] {
        let mut under = at(3);
        let mut backends = Vec::new();
        while let Some(call) = under.call() {
            backends.push(call.backend);
            let headers =
                HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
            let status = StatusCode::from_u16(status).unwrap();
            under.exchange.handle(Input::UpstreamHead { status, headers: &headers }, under.now);
            under.exchange.handle(Input::UpstreamBody(long.as_bytes()), under.now);
            under.exchange.handle(Input::UpstreamEnd, under.now);
        }
        assert_eq!(backends, [0, 1, 2], "{long}");
        assert_eq!((under.status.unwrap().as_u16(), under.said.as_str()), (status, long));
    }
}

/// The head of an answer that is compressed.
fn compressed(under: &mut Under, status: u16, kind: &'static str, encoding: &'static str) {
    let headers = HeaderMap::from_iter([
        (http::header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (http::header::CONTENT_ENCODING, HeaderValue::from_static(encoding)),
    ]);
    let status = StatusCode::from_u16(status).unwrap();
    under.exchange.handle(Input::UpstreamHead { status, headers: &headers }, under.now);
}

#[test]
fn what_is_compressed_unasked_is_refused_in_words_that_are_not() {
    for kind in ["text/event-stream", "application/json"] {
        for encoding in ["gzip", "zstd", "br", "x-unheard-of"] {
            let mut under = at(1);
            under.call().unwrap();
            compressed(&mut under, 200, kind, encoding);
            assert!(under.call().is_none());
            assert_eq!(under.status, Some(StatusCode::BAD_GATEWAY));
            assert!(under.said.contains("upstream_protocol_error"), "{}", under.said);
            assert!(!under.headers.contains_key(http::header::CONTENT_ENCODING));
        }
        let mut under = at(1);
        under.call().unwrap();
        compressed(&mut under, 200, kind, "identity");
        under.exchange.handle(Input::UpstreamBody(GOOD.as_bytes()), under.now);
        under.exchange.handle(Input::UpstreamEnd, under.now);
        assert!(under.call().is_none());
        assert_eq!((under.status, under.said.as_str()), (Some(StatusCode::OK), GOOD));
    }
    let mut under = at(2);
    under.call().unwrap();
    compressed(&mut under, 429, "application/json", "gzip");
    under.exchange.handle(Input::UpstreamBody(b"\x1f\x8b\x08"), under.now);
    under.exchange.handle(Input::UpstreamEnd, under.now);
    assert!(under.call().is_some(), "its status is plain: another one is asked");
    compressed(&mut under, 422, "application/json", "gzip");
    under.exchange.handle(Input::UpstreamBody(b"\x1f\x8b\x08"), under.now);
    under.exchange.handle(Input::UpstreamEnd, under.now);
    assert!(under.call().is_none());
    assert!(under.status.is_some_and(|status| status == 422) && under.said.starts_with("{\"error\":"));
    assert!(!under.headers.contains_key(http::header::CONTENT_ENCODING));
}

#[test]
fn a_status_that_no_answer_has_is_not_told_as_one() {
    for status in [100, 204, 206, 301, 302, 307, 399, 600, 999] {
        for kind in ["text/event-stream", "application/json", "text/html"] {
            let mut under = at(1);
            under.call().unwrap();
            let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
            let status = StatusCode::from_u16(status).unwrap();
            under.exchange.handle(Input::UpstreamHead { status, headers: &headers }, under.now);
            assert!(under.call().is_none());
            assert_eq!(under.status, Some(StatusCode::BAD_GATEWAY), "{status}");
            assert!(under.said.contains("upstream_protocol_error"), "{}", under.said);
        }
    }
}

#[test]
fn a_whole_answer_has_one_type() {
    for kind in ["application/json", "application/json; charset=utf-8", "text/html"] {
        let mut under = at(1);
        under.call().unwrap();
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
        under.exchange.handle(Input::UpstreamHead { status: StatusCode::CREATED, headers: &headers }, under.now);
        under.exchange.handle(Input::UpstreamBody(b"{}"), under.now);
        under.exchange.handle(Input::UpstreamEnd, under.now);
        assert!(under.call().is_none());
        assert_eq!(under.headers.get_all(http::header::CONTENT_TYPE).iter().count(), 1);
    }
}

#[test]
fn a_refusal_without_an_end_is_told_or_tried_again_when_enough_of_it_came() {
    for (status, again) in [(400, false), (500, true)] {
        let mut under = at(2);
        under.call().unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        under.exchange.handle(Input::UpstreamHead { status, headers: &HeaderMap::new() }, under.now);
        let mut called = false;
        for _ in 0..16 {
            under.exchange.handle(Input::UpstreamBody(&[b'x'; 64 << 10]), under.now);
            called |= under.call().is_some();
        }
        assert_eq!((called, under.record.is_some()), (again, !again));
    }
}

#[test]
fn a_whole_answer_that_is_an_error_is_failed_over_too() {
    let mut under = at(2);
    under.call().unwrap();
    begin(&mut under, "application/json");
    under.exchange.handle(Input::UpstreamBody(BUSY.as_bytes()), under.now);
    under.exchange.handle(Input::UpstreamEnd, under.now);
    assert!(under.call().is_some() && under.status.is_none());
}

#[test]
fn the_prefix_of_the_schema_stands_before_the_path() {
    for (prefix, path) in
        [("v1", "/v1/chat/completions"), ("/openai/v1", "/openai/v1/chat/completions"), ("/", "/chat/completions")]
    {
        let now = Instant::now();
        let config = config_of(vec![openai(prefix)], Traffic::default());
        let mut under = Under::begin(&config, &Arc::new(BackendHealth::new(1, now)), now, BODY);
        assert_eq!(under.call().unwrap().path, path);
    }
}

#[test]
fn what_was_counted_before_a_client_left_is_remembered() {
    let mut under = at(1);
    under.call().unwrap();
    begin(&mut under, "text/event-stream");
    let said = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4}}\n\n";
    under.exchange.handle(Input::UpstreamBody(said.as_bytes()), under.now);
    under.exchange.handle(Input::ClientGone, under.now);
    assert!(under.call().is_none());
    let record = under.record.unwrap();
    assert_eq!((record.outcome, record.told), (Outcome::Abandoned, said.len() as u64));
    assert_eq!(record.tokens.map(|tokens| (tokens.input, tokens.output)), Some((9, 4)));
}

/// What is sent to a service of OpenAI's dialect for this body, or the status of the refusal.
fn sent_for(body: &[u8], mutation: Mutation) -> Result<Call, u16> {
    let now = Instant::now();
    let mut config = Arc::into_inner(config_of(vec![openai("v1")], Traffic::default())).unwrap();
    config.routes.change(|routes| routes[0].rules[0].backends[0].mutation = Arc::new(mutation));
    let mut under = Under::begin_with(&Arc::new(config), &Arc::new(BackendHealth::new(1, now)), now, body);
    under.call().ok_or_else(|| under.status.unwrap().as_u16())
}

#[test]
fn no_odd_request_becomes_a_call_of_converse_or_goes_on_unread() {
    let odd: [(&[u8], bool); 16] = [
        (br#"{"model":"m","model":"m2","messages":[]}"#, true),
        (br#"{"model":"m","stream":true,"stream":false,"messages":[{"role":"user","content":"x"}]}"#, true),
        (b"\xef\xbb\xbf{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", true),
        (br#"{"extra_body":{"model":"m"},"messages":[{"role":"user","content":"x"}]}"#, true),
        (br#"{"model":"m\ud83e","messages":[{"role":"user","content":"x"}]}"#, true),
        (br#"{"mod\u0065l":"m","messages":[{"role":"user","content":"\udd80"}]}"#, true),
        (br#"{"model":"m","n":2,"messages":"what nobody knows"}"#, true),
        (b"{\"model\":\"m\",\"x\":\"\xff\",\"messages\":[]}", false),
        (b"{\"model\":\"m\",\"\xff\":1,\"messages\":[]}", false),
        (br#"{"model":"m","\ud83e":1,"messages":[]}"#, false),
        (br#"{"model":"m","stream":"yes","messages":[]}"#, false),
        (br#"{"model":"  ","messages":[]}"#, false),
        (br#"["model"]"#, false),
        (br#"{"model":"m","messages":[]} x"#, false),
        (br#"{"model":7,"messages":[]}"#, false),
        (br#"{"model":null,"extra_body":{"model":"m"},"messages":[]}"#, false),
    ];
    for (body, goes_on) in odd {
        let shown = String::from_utf8_lossy(body);
        match sent_for(body, Mutation::default()) {
            Ok(call) => assert!(goes_on && call.path == "/v1/chat/completions", "{shown}: {}", call.path),
            Err(status) => assert!(!goes_on && status == 400, "{shown}: {status}"),
        }
    }
}

#[test]
fn the_operators_changes_are_made_of_every_request() {
    let mutation = || Mutation {
        set_fields: vec![("max_tokens".to_owned(), "100".to_owned()), ("user".to_owned(), "\"gateway\"".to_owned())],
        remove_fields: vec!["store".to_owned()],
        ..Mutation::default()
    };
    for body in [
        r#"{"model":"m","max_tokens":99999,"store":true,"messages":[]}"#,
        r#"{"model":"m","max_tokens":1,"max_tokens":99999,"store":true,"store":1,"messages":[]}"#,
        r#"{"model":"m","max_t\u006fkens":99999,"st\u006fre":true,"messages":[]}"#,
        r#"{"model":"m","extra_body":{"max_tokens":99999,"store":true},"messages":[]}"#,
        "\u{feff}{\"model\":\"m\",\"max_tokens\":99999,\"store\":true,\"messages\":[]}",
        r#"{"model":"m","x":"\ud83e","max_tokens":99999,"store":true,"messages":[]}"#,
    ] {
        let sent = sent_for(body.as_bytes(), mutation()).unwrap().body;
        let said = std::str::from_utf8(&sent).unwrap();
        assert!(said.contains(r#":100"#) && said.contains(r#""user":"gateway""#), "{said}");
        assert!(!said.contains("99999") && !said.contains("store") && !said.contains("st\\u"), "{said}");
    }
    let unreadable = b"{\"model\":\"m\",\"max_tokens\":99999,\"store\":true,\"x\":\"\xff\"}";
    assert_eq!(sent_for(unreadable, mutation()).err(), Some(400));
}

#[test]
fn a_models_id_has_a_longest() {
    for length in [2049, 66_000] {
        let body = format!(r#"{{"model":"{}","messages":[{{"role":"user","content":"x"}}]}}"#, "m".repeat(length));
        assert_eq!(sent_for(body.as_bytes(), Mutation::default()).err(), Some(400));
    }
}

/// A request at a service whose reasoning is nobody's to see.
fn hidden(body: &str) -> Under {
    let now = Instant::now();
    let mut config = Arc::into_inner(config_of(vec![openai("v1")], Traffic::default())).unwrap();
    let policy = ReasoningPolicy { hidden: true, ..ReasoningPolicy::default() };
    config.routes.change(|routes| routes[0].rules[0].backends[0].reasoning = Arc::new(policy));
    let mut under = Under::begin(&Arc::new(config), &Arc::new(BackendHealth::new(1, now)), now, body);
    under.call().unwrap();
    under
}

#[test]
fn reasoning_that_is_hidden_is_in_no_answer() {
    let thought = "{\"choices\":[{\"delta\":{\"reasoning_content\":\"xyzzy\",\"reasoning\":\"xyzzy\"}}]}";
    let stream = GOOD.replacen("data: ", &format!("data: {thought}\n\ndata: "), 1);
    for parts in cuts(&stream) {
        let mut under = hidden(BODY);
        assert!(!answer(&mut under, parts.into_iter()));
        assert!(!under.said.contains("xyzzy") && under.said.contains("\"content\":\"Hi\""), "{}", under.said);
        let record = under.record.unwrap();
        assert_eq!((record.outcome, record.finish_reason), (Outcome::Answered, Some("stop")));
        assert!(record.reasoned && under.said.ends_with("data: [DONE]\n\n"));
    }
    for body in [BODY, &BODY.replace("true", "false")] {
        let mut under = hidden(body);
        begin(&mut under, "application/json");
        let whole = b"{\"choices\":[{\"message\":{\"content\":\"Hi\",\"reasoning_details\":[\"xyzzy\"]}}]}";
        under.exchange.handle(Input::UpstreamBody(whole), under.now);
        under.exchange.handle(Input::UpstreamEnd, under.now);
        assert!(under.call().is_none());
        assert_eq!(under.said, "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}");
    }
}

#[test]
fn an_answer_that_cannot_be_read_is_not_told_where_reasoning_is_hidden() {
    let mut under = hidden(&BODY.replace("true", "false"));
    begin(&mut under, "text/plain");
    under.exchange.handle(Input::UpstreamBody(b"xyzzy"), under.now);
    under.exchange.handle(Input::UpstreamEnd, under.now);
    assert!(under.call().is_none());
    assert!(under.status == Some(StatusCode::BAD_GATEWAY) && !under.said.contains("xyzzy"), "{}", under.said);
    let mut under = hidden(BODY);
    begin(&mut under, "text/event-stream");
    under.exchange.handle(
        Input::UpstreamBody(b": hello\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"),
        under.now,
    );
    under.quiet();
    under.exchange.handle(Input::UpstreamBody(b"data: {\"choices\":[xyzzy"), under.now);
    under.quiet();
    assert!(under.call().is_none());
    assert_eq!(under.said, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n: keep-alive\n\n: keep-alive\n\n");
    under.exchange.handle(Input::UpstreamBody(b"\n\n"), under.now);
    assert!(under.call().is_none());
    assert!(!under.said.contains("xyzzy") && under.said.ends_with("data: [DONE]\n\n"), "{}", under.said);
}

#[test]
fn a_vendors_words_are_told_and_not_remembered() {
    for status in [400, 401, 403, 404, 418, 429, 500, 503] {
        for told in [
            "{\"error\":{\"message\":\"xyzzy\",\"type\":\"xyzzy\",\"code\":\"xyzzy\"}}",
            "xyzzy",
            "{\"message\":\"xyzzy\"}",
        ] {
            let mut under = at(1);
            while under.call().is_some() {
                let status = StatusCode::from_u16(status).unwrap();
                under.exchange.handle(Input::UpstreamHead { status, headers: &HeaderMap::new() }, under.now);
                under.exchange.handle(Input::UpstreamBody(told.as_bytes()), under.now);
                under.exchange.handle(Input::UpstreamEnd, under.now);
            }
            let record = under.record.unwrap();
            assert!(!format!("{record:?}").contains("xyzzy"), "{record:?}");
            assert_eq!(under.said, told);
        }
    }
    for event in ["{\"error\":{\"message\":\"xyzzy\"}}", "{\"error\":\"xyzzy\"}"] {
        let mut under = at(1);
        while under.call().is_some() {
            begin(&mut under, "text/event-stream");
            under
                .exchange
                .handle(Input::UpstreamBody(format!("event: error\ndata: {event}\n\n").as_bytes()), under.now);
        }
        let record = under.record.unwrap();
        assert!(!format!("{record:?}").contains("xyzzy"), "{record:?}");
    }
}

#[test]
fn any_stream_comes_to_the_same_however_it_is_cut() {
    arbtest::arbtest(|u| {
        let words = [
            "data:",
            "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}",
            "data: {\"error\":{\"code\":429}}",
            "event: error",
            "\n",
            "\n\n",
            "\r\n",
            "\r",
            "data: [DONE]\n\n",
            "{}",
            "x",
            ": c\n",
            "\"finish_reason\":\"stop\"",
            "\u{feff}",
            "<think>",
            "data: {\"choices\":[{\"delta\":{\"reasoning\":\"r\"},\"finish_reason\":\"stop\"}]}\n\n",
        ];
        let mut data = u.arbitrary::<[u8; 4]>()?.to_vec();
        for _ in 0..u.int_in_range(0..=12)? {
            data.extend_from_slice(u.choose(&words)?.as_bytes());
        }
        if u.arbitrary()? {
            data.extend_from_slice(&u.arbitrary::<Vec<u8>>()?);
        }
        crate::passing_body::run(&data);
        Ok(())
    });
}

#[test]
fn what_is_beyond_the_limits_of_a_request_goes_to_nobody_whatever_they_speak() {
    let tools = r#"[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}]"#;
    let body = BODY.replacen('{', &format!("{{\"tools\": {tools}, "), 1);
    for (most, status) in [(1, Some(StatusCode::BAD_REQUEST)), (2, None)] {
        let mut config = Config::clone(&config_of(vec![openai("v1")], Traffic::default()));
        config.limits.tools = most;
        let now = Instant::now();
        let mut under = Under::begin(&Arc::new(config), &Arc::new(BackendHealth::new(1, now)), now, &body);
        assert_eq!((under.call().is_some(), under.status), (status.is_none(), status));
        assert_eq!(under.said.contains("--max-tools"), status.is_some(), "{}", under.said);
    }
}
