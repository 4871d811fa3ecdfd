//! Bedrock's own API through the binary: every operation, byte for byte in both directions, over each protocol.

use crate::bedrock::{Call, with_policy};
use crate::streams::pair;
use crate::support::{LIMIT, connect};
use aquifer_testing::frames::frame;
use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::thread::JoinHandle;
use tokio::net::TcpStream;

const MODEL: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const ARN: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123";
/// A body as no encoder of JSON would write it.
const BODY: &str = "{ \"messages\" : [{\"role\":\"user\",\"content\":[{\"text\":\"H\\u0069\"}]}],\n\"newer\":1e0 }";
const ANSWER: &str = "{ \"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"H\\u0069\"}]}} ,\"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":1,\"outputTokens\":1,\"totalTokens\":2},\"newer\":1e0}";
const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=00";

/// How a client of an AWS SDK speaks to its endpoint.
#[derive(Clone, Copy, Debug)]
enum Protocol {
    Http1,
    /// HTTP/2 in clear with prior knowledge, as the SDKs for event streams in both directions do.
    Http2,
}

/// What a client was told.
#[derive(Debug)]
struct Told {
    status: u16,
    /// The headers, a line each, in small letters.
    head: String,
    body: Vec<u8>,
}

fn ask(gateway: SocketAddr, protocol: Protocol, path: &str, body: &'static str) -> JoinHandle<Told> {
    let path = path.to_owned();
    std::thread::spawn(move || match protocol {
        Protocol::Http1 => over_http1(gateway, &path, body),
        Protocol::Http2 => over_http2(gateway, &path, body),
    })
}

fn over_http1(gateway: SocketAddr, path: &str, body: &str) -> Told {
    let mut stream = connect(gateway);
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {SIGNED}\r\nconnection: close");
    stream.write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let at = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..at].to_vec()).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = bytes[at + 4..].to_vec();
    let body = if head.contains("transfer-encoding: chunked") { unchunked(&body) } else { body };
    Told { status, head, body }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let at = rest.windows(2).position(|end| end == b"\r\n").unwrap();
        let size = usize::from_str_radix(str::from_utf8(&rest[..at]).unwrap(), 16).unwrap();
        if size == 0 {
            return whole;
        }
        whole.extend_from_slice(&rest[at + 2..at + 2 + size]);
        rest = &rest[at + 4 + size..];
    }
}

fn over_http2(gateway: SocketAddr, path: &str, body: &'static str) -> Told {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let asking = async {
        let stream = TokioIo::new(TcpStream::connect(gateway).await.unwrap());
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        let request = Request::post(format!("http://localhost{path}")).header("authorization", SIGNED);
        let answer = sender.send_request(request.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap());
        let answer = answer.await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        let lines = answer.headers().iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()));
        let (status, head) = (answer.status().as_u16(), lines.collect());
        Told { status, head, body: answer.into_body().collect().await.unwrap().to_bytes().to_vec() }
    };
    runtime.block_on(async { tokio::time::timeout(LIMIT, asking).await.unwrap() })
}

fn streamed() -> Vec<(&'static str, String)> {
    let delta = |delta: &str| format!(r#"{{ "contentBlockIndex":0,"delta":{delta},"p":"abc"}}"#);
    vec![
        ("messageStart", r#"{"role":"assistant"}"#.to_owned()),
        ("contentBlockDelta", delta(r#"{"text":"H\u0069"}"#)),
        ("contentBlockDelta", delta(r#"{"newer":1e0}"#)),
        ("contentBlockStop", r#"{"contentBlockIndex":0}"#.to_owned()),
        ("messageStop", r#"{"stopReason":"end_turn"}"#.to_owned()),
        ("metadata", r#"{"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#.to_owned()),
    ]
}

/// Chunks of InvokeModel's stream, in Anthropic's words.
fn chunks() -> Vec<(&'static str, String)> {
    let events = [
        r#"{"type":"message_start","message":{"usage":{"input_tokens":1,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let chunk = |event: &&str| format!(r#"{{"bytes":"{}","p":"abc"}}"#, aws_smithy_types::base64::encode(event));
    events.iter().map(|event| ("chunk", chunk(event))).collect()
}

fn bytes_of(frames: &[(&'static str, String)]) -> Vec<u8> {
    frames.iter().flat_map(|(kind, payload)| frame(kind, payload)).collect()
}

/// Answers with these frames, whole.
fn answer_with(mut call: Call, frames: &[(&'static str, String)]) {
    call.begin();
    frames.iter().for_each(|(kind, payload)| call.event(kind, payload));
    call.end();
}

fn encoded(id: &str) -> String {
    id.replace(':', "%3A").replace('/', "%2F")
}

#[test]
fn every_operation_goes_through_as_it_came() {
    let (aquifer, bedrock) = pair(&[]);
    let gateway = aquifer.gateway.unwrap();
    type Frames = Vec<(&'static str, String)>;
    let answers: [(&str, Option<Frames>); 5] = [
        ("converse", None),
        ("converse-stream", Some(streamed())),
        ("invoke", None),
        ("invoke-with-response-stream", Some(chunks())),
        ("count-tokens", None),
    ];
    for (operation, frames) in &answers {
        for (protocol, id) in [
            (Protocol::Http1, MODEL.to_owned()),
            (Protocol::Http1, encoded(MODEL)),
            (Protocol::Http1, ARN.to_owned()),
            (Protocol::Http2, encoded(ARN)),
            (Protocol::Http2, ARN.replace('/', "%2F")),
            (Protocol::Http2, MODEL.to_owned()),
        ] {
            let asking = ask(gateway, protocol, &format!("/model/{id}/{operation}"), BODY);
            let call = bedrock.call();
            let plain = id.replace("%3A", ":").replace("%2F", "/");
            // Tokens are counted by models, not by their profiles.
            let sent = if *operation == "count-tokens" { plain.replace("us.", "") } else { plain };
            let line = format!("POST /model/{}/{operation} HTTP/1.1\r\n", encoded(&sent));
            assert!(call.head.starts_with(&line), "{line}{}", call.head);
            assert_eq!(call.body, BODY, "{operation}");
            let signature = call.header("authorization").unwrap();
            assert!(signature.contains("Credential=AKIDEXAMPLE/") && signature != SIGNED, "signed anew: {signature}");
            let expected = match frames {
                Some(frames) => {
                    answer_with(call, frames);
                    bytes_of(frames)
                }
                None => {
                    call.answer("200 OK", "x-amzn-requestid: r-1\r\nx-amzn-bedrock-trace: t\r\n", answer_of(operation));
                    answer_of(operation).as_bytes().to_vec()
                }
            };
            let told = asking.join().unwrap();
            assert_eq!((told.status, &told.body), (200, &expected), "{operation} {protocol:?} {id}");
            let kind = if frames.is_some() { "application/vnd.amazon.eventstream" } else { "application/json" };
            assert!(told.head.contains(&format!("content-type: {kind}")), "{}", told.head);
            assert!(told.head.contains("x-amzn-requestid: "), "{}", told.head);
        }
    }
    aquifer.wait_for_metric("aquifer_requests_total{outcome=\"answered\"", 30.0);
}

/// The answer to an operation that does not stream.
fn answer_of(operation: &str) -> &'static str {
    if operation == "count-tokens" { "{ \"inputTokens\" : 12 }" } else { ANSWER }
}

#[test]
fn exceptions_are_told_as_bedrock_told_them() {
    let (aquifer, bedrock) = pair(&[]);
    let gateway = aquifer.gateway.unwrap();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let asking = ask(gateway, protocol, &format!("/model/{MODEL}/converse"), BODY);
        let headers = "x-amzn-errortype: ValidationException:http://internal.amazon.com/\r\nx-amzn-requestid: r-2\r\n";
        let refusal = "{ \"message\":\"The provided model identifier is invalid.\",\"newer\":1 }";
        bedrock.call().answer("400 Bad Request", headers, refusal);
        let told = asking.join().unwrap();
        assert_eq!((told.status, told.body.as_slice()), (400, refusal.as_bytes()));
        let kind = "x-amzn-errortype: validationexception:http://internal.amazon.com/";
        assert!(told.head.to_ascii_lowercase().contains(kind), "{}", told.head);
        // Behind content it is the end of the stream, once.
        let asking = ask(gateway, protocol, &format!("/model/{MODEL}/converse-stream"), BODY);
        let mut frames = vec![streamed()[0].clone(), streamed()[1].clone()];
        frames.push(("modelStreamErrorException", r#"{ "message":"m","originalStatusCode":500}"#.to_owned()));
        answer_with(bedrock.call(), &frames);
        let told = asking.join().unwrap();
        assert_eq!((told.status, told.body), (200, bytes_of(&frames)));
        // A stream that ends without its end gets one.
        let asking = ask(gateway, protocol, &format!("/model/{MODEL}/converse-stream"), BODY);
        let frames = [("messageStart", r#"{"role":"assistant"}"#.to_owned())];
        let mut call = bedrock.call();
        call.begin();
        call.event(frames[0].0, &frames[0].1);
        call.text("one");
        call.end();
        let told = asking.join().unwrap();
        assert!(told.body.starts_with(&bytes_of(&frames)));
        let shown = String::from_utf8_lossy(&told.body);
        assert_eq!(shown.matches("modelStreamErrorException").count(), 1, "{shown}");
    }
}

#[test]
fn paths_of_no_model_are_refused() {
    let (aquifer, _bedrock) = with_policy(MODEL, "repair: true");
    let ids = ["", "x", "%", "%ff", "a%00b", "%2e%2e%2f", "..", "%2e%2e", "a/../b"];
    for path in ids.map(|id| format!("/model/{id}/converse")).iter().chain([&format!("/model/{MODEL}/converse/more")]) {
        let told = ask(aquifer.gateway.unwrap(), Protocol::Http1, path, BODY).join().unwrap();
        assert!((400..500).contains(&told.status), "{path}: {told:?}");
        assert!(told.body.starts_with(b"{\"message\":") || told.body.starts_with(b"{\"error\":"), "{path}: {told:?}");
    }
}

#[test]
fn reasoning_is_hidden_where_the_operator_hides_it() {
    let (aquifer, bedrock) = with_policy(MODEL, "visibility: Hidden");
    let gateway = aquifer.gateway.unwrap();
    let asking = ask(gateway, Protocol::Http2, &format!("/model/{MODEL}/converse-stream"), BODY);
    let thought = |delta: &str| {
        ("contentBlockDelta", format!(r#"{{"contentBlockIndex":0,"delta":{{"reasoningContent":{delta}}}}}"#))
    };
    let mut frames = vec![("messageStart", r#"{"role":"assistant"}"#.to_owned())];
    frames.extend([
        thought(r#"{"text":"MARKER"}"#),
        thought(r#"{"signature":"MARKER"}"#),
        thought(r#"{"redactedContent":"MARKER"}"#),
        ("contentBlockStop", r#"{"contentBlockIndex":0}"#.to_owned()),
    ]);
    let said = r#"{"contentBlockIndex":1,"delta":{"text":"Hi"}}"#.to_owned();
    let shown = [frames[..1].to_vec(), vec![("contentBlockDelta", said)], streamed()[4..].to_vec()].concat();
    frames.extend_from_slice(&shown[1..]);
    answer_with(bedrock.call(), &frames);
    assert_eq!(asking.join().unwrap().body, bytes_of(&shown));
    let asking = ask(gateway, Protocol::Http1, &format!("/model/{MODEL}/converse"), BODY);
    let whole =
        |content: &str| format!(r#"{{"output":{{"message":{{"content":[{content}]}}}},"stopReason":"end_turn"}}"#);
    let thoughts = r#"{"reasoningContent":{"reasoningText":{"text":"MARKER"}}},{"text":"Hi"}"#;
    bedrock.call().answer("200 OK", "", &whole(thoughts));
    assert_eq!(String::from_utf8(asking.join().unwrap().body).unwrap(), whole(r#"{"text":"Hi"}"#));
    for operation in ["invoke", "invoke-with-response-stream"] {
        let refused = ask(gateway, Protocol::Http1, &format!("/model/{MODEL}/{operation}"), BODY).join().unwrap();
        let told = String::from_utf8(refused.body).unwrap();
        assert!(refused.status == 400 && told.contains("use Converse"), "{told}");
    }
    assert!(!aquifer.log().contains("MARKER"), "{}", aquifer.log());
}

#[test]
fn reasoning_is_limited_where_the_operator_limits_it() {
    let (aquifer, bedrock) = with_policy(MODEL, "limits: {budgetTokens: 2000}");
    let gateway = aquifer.gateway.unwrap();
    const ASKED: &str = r#"{"messages":[], "additionalModelRequestFields": {"thinking":{"type":"enabled","budget_tokens":9000}},"z" : 1}"#;
    let asking = ask(gateway, Protocol::Http1, &format!("/model/{MODEL}/converse"), ASKED);
    let call = bedrock.call();
    assert_eq!(call.body, ASKED.replace("9000", "2000"), "the rest is as it came");
    call.answer("200 OK", "", ANSWER);
    let told = asking.join().unwrap();
    assert_eq!(told.status, 200);
    assert!(told.head.contains("x-aquifer-warning: "), "{}", told.head);
    const LESS: &str = r#"{"max_tokens":9999,"thinking":{"type":"enabled","budget_tokens":1500}}"#;
    let asking = ask(gateway, Protocol::Http1, &format!("/model/{MODEL}/invoke"), LESS);
    let call = bedrock.call();
    assert_eq!(call.body, LESS);
    call.answer("200 OK", "", r#"{"content":[],"stop_reason":"end_turn","usage":{}}"#);
    assert_eq!(asking.join().unwrap().status, 200);
}
