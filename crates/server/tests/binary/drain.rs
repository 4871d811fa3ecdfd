//! How the process ends while streams are in flight.

use crate::streams::{Chat, pair, under_way};
use crate::support::{Aquifer, ask, wait_until};
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn streams_in_flight_end_and_nothing_new_begins() {
    let (mut aquifer, bedrock) = pair(&[]);
    let (mut chat, mut call) = under_way(&aquifer, &bedrock);
    aquifer.signal("TERM");
    wait_until("not to be ready", || ask(aquifer.admin.unwrap(), "GET", "/readyz", "").status == 503, || aquifer.log());
    assert_eq!(aquifer.admin("/healthz").status, 200);
    let gateway = aquifer.gateway.unwrap();
    wait_until("new clients to be refused", || TcpStream::connect(gateway).is_err(), || aquifer.log());
    call.text("two");
    chat.read_until("two");
    call.finish();
    chat.read_until("data: [DONE]\n\n");
    assert_eq!(aquifer.wait(), Some(0), "{}", aquifer.log());
}

#[test]
fn an_interrupt_after_the_first_signal_ends_at_once() {
    let (mut aquifer, bedrock) = pair(&[]);
    let (_chat, _call) = under_way(&aquifer, &bedrock);
    aquifer.signal("TERM");
    aquifer.wait_for_log("draining");
    aquifer.signal("INT");
    assert_eq!(aquifer.wait(), Some(1), "{}", aquifer.log());
    // A stream that is cut is recorded.
    aquifer.wait_for_log("the client left");
}

#[test]
fn a_stream_may_not_take_forever_to_end() {
    let (mut aquifer, bedrock) = pair(&["--drain-timeout", "200ms"]);
    let (_chat, mut call) = under_way(&aquifer, &bedrock);
    aquifer.signal("TERM");
    assert_eq!(aquifer.wait(), Some(0), "{}", aquifer.log());
    call.wait_until_dropped();
}

#[test]
fn two_terminations_cut_no_stream() {
    let listen = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let mut aquifer = Aquifer::start(&[&["demo", "--pace", "40ms"][..], &listen].concat(), &[]);
    let mut chats: Vec<Chat> = (0..50).map(|_| Chat::begin(&aquifer, "Hello?")).collect();
    chats.iter_mut().for_each(|chat| chat.read_until("data: "));
    aquifer.signal("TERM");
    std::thread::sleep(Duration::from_millis(10));
    aquifer.signal("TERM");
    for chat in &mut chats {
        chat.read_until("data: [DONE]\n\n");
        assert!(chat.read.contains("\"finish_reason\":\"stop\"") && !chat.read.contains("\"error\""), "{}", chat.read);
    }
    assert_eq!(aquifer.wait(), Some(0), "{}", aquifer.log());
    assert!(aquifer.log().contains("drained"));
}
