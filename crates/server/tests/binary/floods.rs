//! Floods of HTTP/2 frames from clients that do not read: the connection ends or waits, memory stays, others are served.

use crate::support::{Aquifer, connect, wait_until};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

/// What a gateway may need more than when it is idle, in KiB.
const MORE_MEMORY: u64 = 64 << 10;

const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A head in HPACK: the method, `http`, the path, the authority.
pub(crate) fn head(post: bool) -> Vec<u8> {
    let path = b"/v1/chat/completions";
    let method = if post { 0x83 } else { 0x82 };
    [&[method, 0x86, 0x04, 20][..], path, &[0x01, 1, b'a']].concat()
}

/// The id of the client's nth stream.
pub(crate) fn stream(at: u32) -> u32 {
    2 * at + 1
}

/// Sends frames until the gateway takes no more of them; then it must be as it was.
fn flood(aquifer: &Aquifer, what: &str, count: u32, frames: impl Fn(u32) -> Vec<u8>) {
    let (idle, descriptors) = (aquifer.memory("VmRSS"), aquifer.descriptors());
    let mut socket = connect(aquifer.gateway.unwrap());
    socket.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    socket.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    let taken = (0..count).take_while(|at| socket.write_all(&frames(*at)).is_ok()).count();
    let most = aquifer.memory("VmHWM");
    println!("{what}: {taken} of {count} taken, {idle} KiB before, {most} KiB at most");
    assert!(most <= idle + MORE_MEMORY, "{what}: {most} KiB at most, {idle} KiB before");
    assert_eq!(aquifer.ask("GET", "/v1/models", "").status, 200, "{what}: others are served");
    let _ = socket.shutdown(Shutdown::Write);
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let _ = socket.read_to_end(&mut Vec::new());
    drop(socket);
    aquifer.wait_for_metric("aquifer_requests_in_flight", 0.0);
    let back = || aquifer.descriptors() <= descriptors;
    wait_until(what, back, || format!("{} descriptors, {descriptors} before", aquifer.descriptors()));
}

#[test]
fn of_frames_that_want_an_answer() {
    let aquifer = Aquifer::demo(&[]);
    flood(&aquifer, "pings", 200_000, |_| frame(PING, 0, 0, &[7; 8]));
    flood(&aquifer, "settings", 200_000, |_| frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]));
    flood(&aquifer, "priorities", 100_000, |at| frame(PRIORITY, 0, stream(at), &[0, 0, 0, 0, 1]));
    flood(&aquifer, "window updates", 100_000, |_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]));
}

#[test]
fn of_streams() {
    let aquifer = Aquifer::demo(&[]);
    flood(&aquifer, "rapid resets", 50_000, |at| {
        let asked = frame(HEADERS, END_HEADERS | END_STREAM, stream(at), &head(false));
        [asked, frame(RESET, 0, stream(at), &[0, 0, 0, 8])].concat()
    });
    flood(&aquifer, "streams that never end", 50_000, |at| frame(HEADERS, END_HEADERS, stream(at), &head(true)));
    flood(&aquifer, "streams that break the rules", 50_000, |at| {
        let asked = frame(HEADERS, END_HEADERS, stream(at), &head(true));
        [asked, frame(WINDOW_UPDATE, 0, stream(at), &[0; 4])].concat()
    });
    flood(&aquifer, "empty data", 100_000, |at| match at {
        0 => frame(HEADERS, END_HEADERS, 1, &head(true)),
        _ => frame(DATA, 0, 1, &[]),
    });
}

#[test]
fn of_headers() {
    let aquifer = Aquifer::demo(&[]);
    let field = |at: u32| [&[0x40, 8][..], format!("x{at:07}").as_bytes(), &[127, 0], &[b'y'; 127]].concat();
    let block: Vec<u8> = (0..100).flat_map(field).collect();
    flood(&aquifer, "a head that never ends", 5000, |at| match at {
        0 => frame(HEADERS, 0, 1, &head(false)),
        _ => frame(CONTINUATION, 0, 1, &block),
    });
    flood(&aquifer, "an empty head that never ends", 100_000, |at| match at {
        0 => frame(HEADERS, 0, 1, &head(false)),
        _ => frame(CONTINUATION, 0, 1, &[]),
    });
    flood(&aquifer, "large heads", 5000, |at| {
        let whole = [&head(false)[..], &block].concat();
        frame(HEADERS, END_HEADERS | END_STREAM, stream(at), &whole)
    });
    // A small frame that names a large field of the table again and again.
    flood(&aquifer, "a head that grows when it is read", 5000, |at| {
        let large = [&[0x40, 1, b'x', 127][..], &[0x81, 0x1e], &[b'y'; 4000]].concat();
        let start = if at == 0 { [&head(false)[..], &large].concat() } else { head(false) };
        frame(HEADERS, END_HEADERS | END_STREAM, stream(at), &[&start[..], &[0xbe; 4000]].concat())
    });
}
