//! Clients that send too much, too slowly, or nothing at all.

use crate::support::{Aquifer, Reply, connect, read_reply, request};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

const CHAT: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: aquifer\r\ncontent-type: application/json\r\n";

/// What comes after these bytes, until the gateway closes the connection.
fn after(aquifer: &Aquifer, bytes: &[u8]) -> String {
    let mut stream = connect(aquifer.gateway.unwrap());
    stream.write_all(bytes).unwrap();
    rest(&mut stream)
}

fn rest(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    // A reset is an end too: the gateway does not read what it has refused.
    let _ = stream.read_to_end(&mut read);
    String::from_utf8(read).unwrap()
}

fn assert_error(reply: &Reply, status: u16, says: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert!(reply.head.contains("content-type: application/json"), "{reply:?}");
    assert!(reply.head.contains("connection: close"), "{reply:?}");
    let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert!(body["error"]["message"].as_str().unwrap().contains(says), "{reply:?}");
    assert!(body["error"]["type"].is_string(), "{reply:?}");
}

#[test]
fn a_body_over_the_limit_is_413_however_it_is_sent() {
    let aquifer = Aquifer::serve(&["--max-body", "1KiB"], &[]);
    let body = "x".repeat(5000);
    assert_error(&aquifer.chat(&body), 413, "limit of 1024 bytes");
    let chunked = format!("{CHAT}transfer-encoding: chunked\r\n\r\n1388\r\n{body}\r\n0\r\n\r\n");
    let mut stream = connect(aquifer.gateway.unwrap());
    stream.write_all(chunked.as_bytes()).unwrap();
    assert_error(&read_reply(&mut stream), 413, "limit of 1024 bytes");
    aquifer.wait_for_metric("aquifer_requests_total{outcome=\"failed\",status=\"413\"", 2.0);
}

#[test]
fn who_asks_first_is_told_before_the_body() {
    let aquifer = Aquifer::serve(&["--max-body", "1KiB"], &[]);
    let told = after(&aquifer, format!("{CHAT}expect: 100-continue\r\ncontent-length: 5000\r\n\r\n").as_bytes());
    assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
    let mut stream = connect(aquifer.gateway.unwrap());
    let head = format!("{CHAT}connection: close\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{}").unwrap();
    assert!(read_reply(&mut stream).status >= 400);
}

#[test]
fn a_body_that_takes_too_long_is_408() {
    let aquifer = Aquifer::serve(&["--body-timeout", "200ms"], &[]);
    let mut stream = connect(aquifer.gateway.unwrap());
    stream.write_all(format!("{CHAT}content-length: 100\r\n\r\n{{").as_bytes()).unwrap();
    assert_error(&read_reply(&mut stream), 408, "did not arrive within");
}

#[test]
fn a_body_that_is_cut_off_does_no_harm() {
    let aquifer = Aquifer::serve(&[], &[]);
    let mut stream = connect(aquifer.gateway.unwrap());
    stream.write_all(format!("{CHAT}content-length: 100\r\n\r\n{{").as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    rest(&mut stream);
    assert_eq!(aquifer.admin("/readyz").status, 200);
}

#[test]
fn a_head_is_limited_in_time_and_size() {
    let aquifer = Aquifer::serve(&["--header-timeout", "200ms"], &[]);
    assert_eq!(after(&aquifer, b""), "");
    assert_eq!(after(&aquifer, b"PRI * HT"), "");
    let slow = after(&aquifer, b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n");
    assert!(slow.is_empty() || slow.starts_with("HTTP/1.1 408 "), "{slow}");
    let patient = Aquifer::serve(&[], &[]);
    let long = format!("GET /v1/models HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n\r\n", "y".repeat(200_000));
    let told = after(&patient, long.as_bytes());
    assert!(told.starts_with("HTTP/1.1 431 "), "{told}");
}

#[test]
fn what_is_no_http_is_400() {
    let aquifer = Aquifer::serve(&[], &[]);
    let told = after(&aquifer, b"\x16\x03\x01 hello\r\n\r\n");
    assert!(told.starts_with("HTTP/1.1 400 "), "{told}");
    let contradictory = format!("{CHAT}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!");
    let told = after(&aquifer, contradictory.as_bytes());
    assert!(told.starts_with("HTTP/1.1 400 "), "{told}");
}

#[test]
fn connections_over_the_limit_wait_for_their_turn() {
    let aquifer = Aquifer::serve(&["--max-connections", "1"], &[]);
    let first = connect(aquifer.gateway.unwrap());
    let mut second = connect(aquifer.gateway.unwrap());
    second.write_all(request("GET", "/v1/models", "").as_bytes()).unwrap();
    drop(first);
    assert!(read_reply(&mut second).status > 0);
}
