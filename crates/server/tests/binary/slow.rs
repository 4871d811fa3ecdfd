//! Backends that are slow to connect or to answer: another one answers, and nobody waits for the slow one.

use crate::bedrock::{Bedrock, MODEL};
use crate::streams::{Chat, under_way};
use crate::support::{Aquifer, read_reply, region};
use socket2::{Domain, Socket, Type};
use std::net::SocketAddr;

/// Two regions, the first of which is preferred, with annotations of the route and more resources.
fn serve(regions: [SocketAddr; 2], annotations: &str, more: &str, arguments: &[&str]) -> Aquifer {
    let mut text = format!(
        "apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {{name: route, annotations: {{{annotations}}}}}
spec: {{rules: [{{backendRefs: [{{name: region-0}}, {{name: region-1, priority: 1}}]}}]}}
"
    );
    text.extend(regions.iter().enumerate().map(|(at, address)| region(at, MODEL, *address)));
    text.push_str(more);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, text).unwrap();
    let keys = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "the-secret-of-the-tests")];
    Aquifer::serve(&[&["--config", file.to_str().unwrap()], arguments].concat(), &keys)
}

/// A place where connections are neither taken nor refused: its queue is full.
fn blackhole() -> (SocketAddr, Vec<Socket>) {
    let new = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let listener = new();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut sockets: Vec<_> = std::iter::repeat_with(new).take(3).collect();
    for socket in &sockets {
        socket.set_nonblocking(true).unwrap();
        let _ = socket.connect(&address);
    }
    sockets.push(listener);
    (address.as_socket().unwrap(), sockets)
}

const HEDGE: &str = "aquifer.dev/hedge-after: 50ms";

#[test]
fn another_backend_answers_for_one_that_stalls_and_the_slow_call_is_dropped() {
    let (slow, quick) = (Bedrock::listen(), Bedrock::listen());
    let gateway = serve([slow.address, quick.address], HEDGE, "", &[]);
    let mut chat = Chat::begin(&gateway, "Hello?");
    let mut stalled = slow.call();
    let mut call = quick.call();
    // A head is no word yet, in either call.
    stalled.begin();
    call.begin();
    call.event("messageStart", r#"{"role":"assistant"}"#);
    call.text("from the second");
    chat.read_until("from the second");
    stalled.wait_until_dropped();
    call.finish();
    chat.read_until("data: [DONE]\n\n");
    gateway.wait_for_metric("aquifer_hedges_total{result=\"won\"}", 1.0);
    gateway.wait_for_metric(
        &format!("aquifer_requests_total{{outcome=\"answered\",status=\"200\",model=\"{MODEL}\",backend=\"default/region-1\"}}"),
        1.0,
    );
    assert_eq!((slow.connections(), quick.connections()), (1, 1));
}

#[test]
fn the_first_backend_can_still_win() {
    let (first, second) = (Bedrock::listen(), Bedrock::listen());
    let gateway = serve([first.address, second.address], HEDGE, "", &[]);
    let mut chat = Chat::begin(&gateway, "Hello?");
    let mut call = first.call();
    let mut late = second.call();
    call.begin();
    call.event("messageStart", r#"{"role":"assistant"}"#);
    call.text("from the first");
    chat.read_until("from the first");
    late.wait_until_dropped();
    call.finish();
    chat.read_until("data: [DONE]\n\n");
    gateway.wait_for_metric("aquifer_hedges_total{result=\"lost\"}", 1.0);
}

#[test]
fn either_of_two_calls_may_fail_and_a_client_that_leaves_ends_both() {
    let (first, second) = (Bedrock::listen(), Bedrock::listen());
    let gateway = serve([first.address, second.address], HEDGE, "", &[]);
    let busy = r#"{"message":"busy"}"#;
    for ill in [0, 1] {
        let mut chat = Chat::begin(&gateway, "Hello?");
        let mut calls = [Some(first.call()), Some(second.call())];
        calls[ill].take().unwrap().answer("503 Service Unavailable", "", busy);
        let mut well = calls[1 - ill].take().unwrap();
        well.begin();
        well.event("messageStart", r#"{"role":"assistant"}"#);
        well.text("well");
        well.finish();
        chat.read_until("data: [DONE]\n\n");
    }
    let chat = Chat::begin(&gateway, "Hello?");
    let (mut one, mut two) = (first.call(), second.call());
    drop(chat);
    one.wait_until_dropped();
    two.wait_until_dropped();
    for result in ["won", "abandoned"] {
        gateway.wait_for_metric(&format!("aquifer_hedges_total{{result=\"{result}\"}}"), 1.0);
    }
    // The second failed, or had lost before it was heard.
    gateway.wait_for_metric("aquifer_hedges_total", 3.0);
    gateway.wait_for_metric("aquifer_requests_total", 3.0);
    gateway.wait_for_metric("aquifer_requests_in_flight", 0.0);
}

#[test]
fn without_the_annotation_nobody_else_is_asked() {
    let (slow, quick) = (Bedrock::listen(), Bedrock::listen());
    let gateway = serve([slow.address, quick.address], "", "", &["--upstream-timeout", "700ms"]);
    let mut chat = Chat::begin(&gateway, "Hello?");
    let mut stalled = slow.call();
    stalled.begin();
    // Only when it is given up.
    let mut call = quick.call();
    stalled.wait_until_dropped();
    call.begin();
    call.event("messageStart", r#"{"role":"assistant"}"#);
    call.text("late");
    call.finish();
    chat.read_until("data: [DONE]\n\n");
    assert_eq!(gateway.metric("aquifer_hedges_total"), 0.0);
}

#[test]
fn a_backend_that_takes_no_connection_is_left_in_time() {
    let (full, _sockets) = blackhole();
    let well = Bedrock::listen();
    let policy = "---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: policy}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: route}]
  timeout: {tcp: {connectTimeout: 100ms}}
";
    for (more, arguments) in [(policy, &[][..]), ("", &["--connect-timeout", "100ms"])] {
        let gateway = serve([full, well.address], "", more, arguments);
        let mut chat = Chat::begin(&gateway, "Hello?");
        let mut call = well.call();
        call.begin();
        call.event("messageStart", r#"{"role":"assistant"}"#);
        call.text("well");
        call.finish();
        chat.read_until("data: [DONE]\n\n");
    }
    let gateway = serve([full, full], "", "", &["--connect-timeout", "100ms"]);
    let chat = Chat::begin(&gateway, "Hello?");
    let reply = read_reply(&mut { chat.stream });
    assert!(reply.status == 504 && reply.body.contains("no connection in 100ms"), "{reply:?}");
}

#[test]
fn time_in_the_queue_is_not_the_backends() {
    let (only, other) = (Bedrock::listen(), Bedrock::listen());
    let policy = "---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: p, annotations: {aquifer.dev/first-byte-timeout: 2s, aquifer.dev/hedge-after: 1500ms}}
spec:
  targetRefs: [{group: aigateway.envoyproxy.io, kind: AIGatewayRoute, name: route}]
  circuitBreaker: {maxParallelRequests: 1}
";
    let gateway = serve([only.address, other.address], "", policy, &[]);
    let (mut first, call) = under_way(&gateway, &only);
    let mut second = Chat::begin(&gateway, "Hello?");
    gateway.wait_for_metric("aquifer_requests_in_flight", 2.0);
    std::thread::sleep(std::time::Duration::from_millis(3500));
    assert_eq!(other.connections(), 0, "nobody was slow");
    call.finish();
    first.read_until("data: [DONE]\n\n");
    let mut call = only.call();
    call.begin();
    call.event("messageStart", r#"{"role":"assistant"}"#);
    call.text("two");
    second.read_until("two");
    call.finish();
    second.read_until("data: [DONE]\n\n");
    assert_eq!(other.connections(), 0);
}

#[test]
fn the_beginning_of_an_answer_is_none_and_keep_alives_are_none_either() {
    for (annotations, arguments) in [
        ("", &["--first-byte-timeout", "400ms", "--keep-alive", "60ms"][..]),
        ("aquifer.dev/hedge-after: 300ms", &["--keep-alive", "60ms"]),
    ] {
        let (slow, quick) = (Bedrock::listen(), Bedrock::listen());
        let gateway = serve([slow.address, quick.address], annotations, "", arguments);
        let mut chat = Chat::begin(&gateway, "Hello?");
        let mut stalled = slow.call();
        stalled.begin();
        stalled.event("messageStart", r#"{"role":"assistant"}"#);
        chat.read_until(": keep-alive");
        let mut call = quick.call();
        call.begin();
        call.event("messageStart", r#"{"role":"assistant"}"#);
        call.text("from the second");
        chat.read_until("from the second");
        stalled.wait_until_dropped();
        call.finish();
        chat.read_until("data: [DONE]\n\n");
        assert_eq!(chat.read.matches("\"role\"").count(), 1, "{}", chat.read);
        assert!(chat.read.starts_with("HTTP/1.1 200 ") && !chat.read.contains("\"error\""), "{}", chat.read);
    }
}

#[test]
fn what_nobody_answers_is_told_in_the_stream_once_its_client_heard_that_it_goes_on() {
    let (first, second) = (Bedrock::listen(), Bedrock::listen());
    let gateway =
        serve([first.address, second.address], "", "", &["--first-byte-timeout", "300ms", "--keep-alive", "60ms"]);
    let mut chat = Chat::begin(&gateway, "Hello?");
    let mut call = first.call();
    call.begin();
    call.event("messageStart", r#"{"role":"assistant"}"#);
    chat.read_until(": keep-alive");
    call.event("validationException", r#"{"message":"no"}"#);
    chat.read_until("data: [DONE]\n\n");
    assert!(chat.read.starts_with("HTTP/1.1 200 ") && chat.read.contains("data: {\"error\":"), "{}", chat.read);
    assert_eq!(second.connections(), 0);
}
