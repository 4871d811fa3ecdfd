//! What a request says, what a model answers and what signs the call never reach the log, not even at debug.

use crate::streams::{Chat, pair};
use crate::support::{Aquifer, connect, read_reply};
use std::io::{Read as _, Write as _};

const MARKER: &str = "xyzzymarker";

fn assert_clean(aquifer: &Aquifer) {
    let log = aquifer.log();
    assert!(!log.contains(MARKER) && !log.contains("the-secret-of-the-tests"), "{log}");
    assert!(!log.contains("Signature=") && !log.contains("sk-client-key"), "{log}");
}

#[test]
fn not_from_a_stream_but_its_progress_is() {
    let (aquifer, bedrock) = pair(&["--log-level", "debug"]);
    let mut chat = Chat::begin(&aquifer, MARKER);
    let mut call = bedrock.call();
    assert!(call.body.contains(MARKER));
    call.begin();
    call.reasoning(&format!("thinking of {MARKER}"));
    call.signature("xyzzymarkerc2ln");
    call.text(&format!("say {MARKER}"));
    call.finish();
    chat.read_until("data: [DONE]\n\n");
    aquifer.wait_for_log("answered");
    for progress in ["reasoning: block opened", "reasoning: signature seen", "reasoning: block closed"] {
        aquifer.wait_for_log(progress);
    }
    assert_clean(&aquifer);
}

#[test]
fn not_from_what_goes_wrong() {
    let (aquifer, bedrock) = pair(&["--log-level", "debug"]);
    for body in [MARKER.to_owned(), format!("{{\"messages\": \"{MARKER}\"}}"), format!("[\"{MARKER}\"")] {
        assert_eq!(aquifer.chat(&body).status, 400);
    }
    let chat = Chat::begin(&aquifer, MARKER);
    let refused = format!(r#"{{"message":"The value {MARKER} is not allowed"}}"#);
    bedrock.call().answer("400 Bad Request", "x-amzn-errortype: ValidationException\r\n", &refused);
    let reply = read_reply(&mut { chat.stream });
    assert!(reply.body.contains(MARKER), "the client is told what Bedrock said: {reply:?}");
    for (status, exception) in [
        ("403 Forbidden", "AccessDeniedException"),
        ("404 Not Found", "ResourceNotFoundException"),
        ("418 Odd", "OddException"),
        ("401 Unauthorized", "UnrecognizedClientException"),
    ] {
        let chat = Chat::begin(&aquifer, MARKER);
        bedrock.call().answer(status, &format!("x-amzn-errortype: {exception}\r\n"), &refused);
        let reply = read_reply(&mut { chat.stream });
        assert!(reply.body.contains(MARKER), "{reply:?}");
        aquifer.wait_for_log(exception);
    }
    let mut chat = Chat::begin(&aquifer, MARKER);
    let mut call = bedrock.call();
    call.begin();
    call.text(MARKER);
    call.event("modelStreamErrorException", &refused);
    call.end();
    chat.read_until("data: [DONE]\n\n");
    let mut chat = Chat::begin(&aquifer, MARKER);
    let mut call = bedrock.call();
    call.begin();
    call.event("contentBlockDelta", &format!("{{\"{MARKER}"));
    call.end();
    chat.read_until("error");
    aquifer.wait_for_metric("aquifer_requests_total{outcome=\"failed\"", 10.0);
    assert_clean(&aquifer);
}

#[test]
fn a_clients_key_is_in_no_log() {
    let (aquifer, bedrock) = pair(&["--log-level", "trace"]);
    let mut chat = Chat::begin_with(&aquifer, "Hello?", "authorization: Bearer sk-client-key\r\n");
    let mut call = bedrock.call();
    assert!(!call.head.contains("sk-client-key"), "{}", call.head);
    call.begin();
    call.text("one");
    call.finish();
    chat.read_until("data: [DONE]\n\n");
    aquifer.wait_for_log("answered");
    assert!(!aquifer.log().contains("sk-client-key"));
}

#[test]
fn not_from_a_head_that_is_none_and_its_client_hears_none_of_it_either() {
    let aquifer = Aquifer::serve(&["--log-level", "debug"], &[]);
    let secret = format!("authorization: Bearer {MARKER}\r\n");
    let many = secret.repeat(300);
    for head in [
        format!("GET /{MARKER}\0 HTTP/1.1\r\nhost: a\r\n{secret}\r\n"),
        format!("GET / HTTP/1.1\r\nhost: a\r\n{secret} folded\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: a\r\n{MARKER} name: {MARKER}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n"),
        format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", MARKER.repeat(20_000)),
        format!("GET /{MARKER} HTTP/9.9\r\n\r\n"),
        format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {MARKER}\r\n\r\n"),
        format!("POST / HTTP/1.1\r\nhost: {MARKER}, b\r\n\r\n"),
        format!("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: {MARKER}\r\n\r\n"),
        format!("{MARKER}\r\n\r\n"),
    ] {
        let mut stream = connect(aquifer.gateway.unwrap());
        // Some of it may be refused before all of it is sent.
        let _ = stream.write_all(head.as_bytes());
        let mut told = Vec::new();
        let _ = stream.read_to_end(&mut told);
        let told = String::from_utf8_lossy(&told);
        let told = told.to_lowercase();
        assert!(!told.contains(MARKER) && !told.contains("hyper"), "{told}");
    }
    assert_clean(&aquifer);
}
