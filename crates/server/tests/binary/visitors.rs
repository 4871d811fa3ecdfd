//! Clients that take nothing, stay too long, or leave without being seen to: their calls and connections are given back.

use crate::bedrock::{Bedrock, MODEL};
use crate::floods::{END_HEADERS, END_STREAM, HEADERS, PING, SETTINGS, frame, head, stream};
use crate::streams::{Chat, chat_body, pair, under_way};
use crate::support::{Aquifer, connect, read_reply, request, wait_until};
use socket2::SockRef;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// A gateway whose route ends every exchange after a second.
fn hurried(bedrock: &Bedrock, arguments: &[&str]) -> Aquifer {
    let text = format!(
        "apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {{name: route}}
spec: {{rules: [{{timeouts: {{request: 1s}}, backendRefs: [{{name: region}}]}}]}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: region}}
spec: {{provider: awsbedrock, config: {{model: '{MODEL}', region: us-east-1, endpoint: 'http://{}'}}}}
",
        bedrock.address
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, text).unwrap();
    let keys = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "the-secret-of-the-tests")];
    Aquifer::serve(&[&["--config", file.to_str().unwrap()], arguments].concat(), &keys)
}

/// Begins HTTP/2 with no window for answers.
fn without_window(aquifer: &Aquifer) -> TcpStream {
    let mut socket = connect(aquifer.gateway.unwrap());
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    socket.write_all(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])).unwrap();
    socket
}

/// Asks for a stream.
fn ask(socket: &mut TcpStream, at: u32) {
    socket.write_all(&frame(HEADERS, END_HEADERS, stream(at), &head(true))).unwrap();
    socket.write_all(&frame(0, END_STREAM, stream(at), chat_body("Hello?").as_bytes())).unwrap();
}

/// Answers the gateway's questions and reads what else it says, until it closes or the test ends.
fn answer_pings(mut socket: TcpStream) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut head = [0; 9];
        while socket.read_exact(&mut head).is_ok() {
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            if socket.read_exact(&mut payload).is_err() {
                return;
            }
            if (head[3], head[4]) == (PING, 0) && socket.write_all(&frame(PING, 1, 0, &payload)).is_err() {
                return;
            }
        }
    })
}

#[test]
fn streams_without_window_end_with_the_whole_or_when_idle() {
    let bedrock = Bedrock::listen();
    for aquifer in [hurried(&bedrock, &[]), pair_with(&bedrock, &["--client-idle-timeout", "1s"])] {
        let mut socket = without_window(&aquifer);
        let mut calls: Vec<_> = (0..3)
            .map(|at| {
                ask(&mut socket, at);
                let mut call = bedrock.call();
                call.begin();
                call.event("messageStart", r#"{"role":"assistant"}"#);
                call.text("nobody takes this");
                call
            })
            .collect();
        aquifer.wait_for_metric("aquifer_requests_in_flight", 3.0);
        let pings = answer_pings(socket);
        calls.iter_mut().for_each(crate::bedrock::Call::wait_until_dropped);
        aquifer.wait_for_metric("aquifer_requests_in_flight", 0.0);
        aquifer.wait_for_metric("aquifer_requests_total{outcome=\"abandoned\"", 3.0);
        drop(aquifer);
        pings.join().unwrap();
    }
}

fn pair_with(bedrock: &Bedrock, arguments: &[&str]) -> Aquifer {
    let variables = bedrock.variables();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Aquifer::serve(arguments, &variables)
}

#[test]
fn a_client_that_reads_nothing_or_a_byte_at_a_time_gives_its_call_back() {
    let bedrock = Bedrock::listen();
    for (aquifer, drips) in [
        (pair_with(&bedrock, &["--client-idle-timeout", "1s"]), false),
        (hurried(&bedrock, &[]), false),
        (hurried(&bedrock, &[]), true),
    ] {
        let mut chat = Chat::begin(&aquifer, "Hello?");
        SockRef::from(&chat.stream).set_recv_buffer_size(4096).unwrap();
        let mut call = bedrock.call();
        call.begin();
        call.event("messageStart", r#"{"role":"assistant"}"#);
        let over = Arc::new(AtomicBool::new(!drips));
        let end = Arc::clone(&over);
        let drip = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) && chat.stream.read(&mut [0]).is_ok_and(|read| read > 0) {
                sleep(Duration::from_millis(50));
            }
            chat
        });
        call.flood_until_dropped();
        aquifer.wait_for_metric("aquifer_requests_in_flight", 0.0);
        over.store(true, Ordering::Relaxed);
        drop(drip.join().unwrap());
    }
}

#[test]
fn a_client_that_pauses_within_its_time_misses_nothing() {
    let (aquifer, bedrock) = pair(&["--client-idle-timeout", "20s"]);
    let mut chat = Chat::begin(&aquifer, "Hello?");
    let mut call = bedrock.call();
    call.begin();
    call.event("messageStart", r#"{"role":"assistant"}"#);
    call.text("one");
    sleep(Duration::from_millis(1500));
    call.text("two");
    call.finish();
    chat.read_until("data: [DONE]\n\n");
}

#[test]
fn clients_of_http2_that_idle_are_asked_to_leave() {
    let aquifer = Aquifer::serve(&["--header-timeout", "1s", "--max-connections", "2"], &[]);
    let clients: Vec<_> = (0..2)
        .map(|_| {
            let mut socket = connect(aquifer.gateway.unwrap());
            socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
            socket.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
            socket.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &head(false))).unwrap();
            answer_pings(socket)
        })
        .collect();
    assert_eq!(aquifer.ask("GET", "/v1/models", "").status, 200, "there is room again");
    clients.into_iter().for_each(|client| client.join().unwrap());
}

#[test]
fn a_connection_has_an_age() {
    let aquifer = Aquifer::serve(&["--max-connection-age", "500ms"], &[]);
    let mut http1 = connect(aquifer.gateway.unwrap());
    http1.write_all(b"GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let mut told = String::new();
    http1.read_to_string(&mut told).unwrap();
    assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
    let mut http2 = connect(aquifer.gateway.unwrap());
    http2.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    http2.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    answer_pings(http2).join().unwrap();
}

#[test]
fn a_stream_may_outlive_the_age_of_its_connection() {
    let (aquifer, bedrock) = pair(&["--max-connection-age", "300ms"]);
    let (mut chat, mut call) = under_way(&aquifer, &bedrock);
    sleep(Duration::from_millis(800));
    call.text("two");
    call.finish();
    chat.read_until("data: [DONE]\n\n");
}

/// Leaves: with a reset, or as a program does that ends.
fn leave(stream: TcpStream, reset: bool) {
    if reset {
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
    drop(stream);
}

#[test]
fn a_client_that_left_is_noticed_whatever_it_had_sent_before() {
    let (aquifer, bedrock) = pair(&[]);
    let whole =
        chat_body("Hello?").replacen("\"stream\":true", "\"stream\":false", 1).replacen("include_usage", "o", 1);
    let much = "x".repeat(300_000);
    for body in [&whole, &chat_body("Hello?")] {
        for more in ["\r\n", "x", "GET / HTTP/1.1\r\nhost: a\r\n\r\n", &much] {
            for reset in [true, false] {
                let mut stream = connect(aquifer.gateway.unwrap());
                let asked = request("POST", "/v1/chat/completions", body).replace("connection: close\r\n", "");
                stream.write_all(asked.as_bytes()).unwrap();
                let mut call = bedrock.call();
                stream.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
                let _ = stream.write_all(more.as_bytes());
                leave(stream, reset);
                call.wait_until_dropped();
            }
        }
    }
    aquifer.wait_for_metric("aquifer_requests_total{outcome=\"abandoned\"", 16.0);
    aquifer.wait_for_metric("aquifer_requests_in_flight", 0.0);
}

#[test]
fn further_requests_that_came_early_are_answered_in_turn() {
    let (aquifer, bedrock) = pair(&[]);
    let mut chat = Chat::begin_with(&aquifer, "Hello?", "");
    let mut call = bedrock.call();
    chat.stream.write_all(b"GET /").unwrap();
    drop(chat);
    call.wait_until_dropped();
    let mut stream = connect(aquifer.gateway.unwrap());
    let asked = request("POST", "/v1/chat/completions", &chat_body("Hello?")).replace("connection: close\r\n", "");
    stream.write_all(asked.as_bytes()).unwrap();
    stream.write_all(request("GET", "/v1/models", "").as_bytes()).unwrap();
    let mut call = bedrock.call();
    // Longer than the gateway takes to look for a client that left.
    sleep(Duration::from_millis(2500));
    call.begin();
    call.event("messageStart", r#"{"role":"assistant"}"#);
    call.text("one");
    call.finish();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    assert_eq!(told.matches("HTTP/1.1 200 ").count(), 2, "{told}");
}

#[test]
fn what_is_answered_at_once_is_told_to_a_client_that_says_no_more() {
    let aquifer = Aquifer::serve(&[], &[]);
    for (method, path) in [("GET", "/v1/models"), ("POST", "/v1/chat/completions")] {
        let mut stream = connect(aquifer.gateway.unwrap());
        stream.write_all(request(method, path, "").as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(read_reply(&mut stream).status > 0);
    }
}

#[test]
fn silent_clients_and_half_heads_do_not_hold_the_drain() {
    let mut aquifer = Aquifer::serve(&[], &[]);
    let begun = ["", "P", "PRI * HT", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nhost: a\r\n"];
    let _held: Vec<_> = begun
        .iter()
        .map(|bytes| {
            let mut stream = connect(aquifer.gateway.unwrap());
            stream.write_all(bytes.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_eq!(aquifer.ask("GET", "/v1/models", "").status, 200);
    let tasks = || aquifer.metric("aquifer_tasks");
    wait_until("all to be accepted", || tasks() >= 5.0, || aquifer.admin("/metrics").body);
    aquifer.signal("TERM");
    assert_eq!(aquifer.wait(), Some(0), "{}", aquifer.log());
    assert!(aquifer.log().contains("drained"), "not because the time was over: {}", aquifer.log());
}

#[test]
fn clients_are_accepted_for_a_while_when_the_gateway_is_no_longer_ready() {
    let mut aquifer = Aquifer::serve(&["--shutdown-delay", "3s"], &[]);
    aquifer.signal("TERM");
    wait_until("not to be ready", || aquifer.admin("/readyz").status == 503, || aquifer.log());
    assert_eq!(aquifer.ask("GET", "/v1/models", "").status, 200);
    assert_eq!(aquifer.wait(), Some(0), "{}", aquifer.log());
    let mut hurried = Aquifer::serve(&["--shutdown-delay", "10m"], &[]);
    hurried.signal("TERM");
    hurried.wait_for_log("not ready any more");
    hurried.signal("TERM");
    assert_eq!(hurried.admin("/readyz").status, 503, "a second SIGTERM says nothing new");
    hurried.signal("INT");
    assert_eq!(hurried.wait(), Some(0), "{}", hurried.log());
}

#[test]
fn an_address_has_so_many_connections() {
    let aquifer = Aquifer::serve(&["--max-connections-per-address", "2"], &[]);
    let gateway = aquifer.gateway.unwrap();
    let held = [connect(gateway), connect(gateway)];
    let mut third = connect(gateway);
    let _ = third.write_all(request("GET", "/v1/models", "").as_bytes());
    let mut told = Vec::new();
    let _ = third.read_to_end(&mut told);
    assert!(told.is_empty());
    drop(held);
    let served = || {
        let mut stream = connect(gateway);
        let _ = stream.write_all(request("GET", "/v1/models", "").as_bytes());
        let mut told = String::new();
        stream.read_to_string(&mut told).is_ok() && told.starts_with("HTTP/1.1 200 ")
    };
    wait_until("room again", served, || aquifer.log());
}
