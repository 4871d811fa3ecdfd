//! Hostile clients among honest ones: whatever they do, every honest request gets its whole answer.

use crate::client::{MODEL, Tally};
use crate::site::Site;
use crate::support::request;
use socket2::SockRef;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// How long an attempt may take here: no region stalls, so only a machine that is busy is slow.
pub(crate) const GENEROUS: [&str; 2] = ["--upstream-timeout", "20s"];

/// How long a hostile client waits for anything.
const SHORT: Duration = Duration::from_millis(300);

/// What a hostile client does to a gateway, and its name.
type Deed = (&'static str, fn(SocketAddr));

/// What hostile clients do, each on a connection of its own.
const DEEDS: [Deed; 15] = [
    ("says nothing", |gateway| hold(gateway, b"")),
    ("half a head", |gateway| hold(gateway, b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nx-")),
    ("half a preface of HTTP/2", |gateway| hold(gateway, b"PRI * HTTP/2.0\r\n")),
    ("half a body", |gateway| {
        let whole = chat(&question("half"));
        hold(gateway, &whole.as_bytes()[..whole.len() - 9]);
    }),
    ("bytes that are no HTTP", |gateway| hold(gateway, &[0xff; 4096])),
    ("leaves with a byte too many", |gateway| reset(gateway, &(chat(&question("gone")) + "\r\n"))),
    ("leaves at once", |gateway| reset(gateway, &chat(&question("gone")))),
    ("reads nothing", |gateway| hold(gateway, chat(&question("unread")).as_bytes())),
    ("reads a byte at a time", drip),
    ("two thousand documents of one name", |gateway| ask(gateway, &documents(2000))),
    ("a megabyte of numbers", |gateway| ask(gateway, &numbers(1 << 19))),
    ("a model of 66,000 letters", |gateway| ask(gateway, &question("x").replace(MODEL, &"m".repeat(66_000)))),
    ("two models and a byte order mark", |gateway| {
        ask(gateway, &format!("\u{feff}{}", question("x").replacen('{', r#"{"model":"other","#, 1)));
    }),
    ("fifty thousand betas", |gateway| ask(gateway, &betas(50_000))),
    ("a form of somebody else's page", |gateway| {
        let form = chat(&question("form")).replace("application/json", "text/plain\r\norigin: https://evil.example");
        hold(gateway, form.as_bytes());
    }),
];

fn question(text: &str) -> String {
    format!(r#"{{"model":"{MODEL}","stream":true,"messages":[{{"role":"user","content":"{text}"}}]}}"#)
}

fn documents(count: usize) -> String {
    let part = r#"{"type":"file","file":{"filename":"a.txt","file_data":"data:text/plain;base64,YQ=="}}"#;
    let parts = vec![part; count].join(",");
    question("x").replace(r#""x""#, &format!("[{parts}]"))
}

fn numbers(count: usize) -> String {
    question("x").replacen('{', &format!(r#"{{"unknown":[{}0],"#, "0,".repeat(count)), 1)
}

fn betas(count: usize) -> String {
    let names: Vec<String> = (0..count).map(|at| format!("\"beta-{at}\"")).collect();
    question("x").replacen('{', &format!(r#"{{"anthropic_beta":[{}],"#, names.join(",")), 1)
}

fn chat(body: &str) -> String {
    request("POST", "/v1/chat/completions", body)
}

/// A connection; `None` when there is no room for one more just now.
fn connected(gateway: SocketAddr) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&gateway, SHORT).ok()?;
    stream.set_read_timeout(Some(SHORT)).ok()?;
    stream.set_write_timeout(Some(SHORT)).ok()?;
    Some(stream)
}

/// Sends, and does nothing more for a while.
fn hold(gateway: SocketAddr, bytes: &[u8]) {
    let Some(mut stream) = connected(gateway) else { return };
    let _ = stream.write_all(bytes);
    std::thread::sleep(SHORT);
}

/// Sends, and ends the connection hard.
fn reset(gateway: SocketAddr, text: &str) {
    let Some(mut stream) = connected(gateway) else { return };
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    let _ = stream.write_all(text.as_bytes());
}

/// Sends, and reads what comes as long as it comes soon.
fn ask(gateway: SocketAddr, body: &str) {
    let Some(mut stream) = connected(gateway) else { return };
    let _ = stream.write_all(chat(body).as_bytes());
    let mut into = [0; 4096];
    while stream.read(&mut into).is_ok_and(|read| read > 0) {}
}

fn drip(gateway: SocketAddr) {
    let Some(mut stream) = connected(gateway) else { return };
    let _ = SockRef::from(&stream).set_recv_buffer_size(1);
    let _ = stream.write_all(chat(&question("slow")).as_bytes());
    for _ in 0..20 {
        let _ = stream.read(&mut [0]);
        std::thread::sleep(SHORT / 20);
    }
}

/// What honest clients get while hostile ones do everything in turn; and how much of it they did.
pub(crate) fn among_hostile(site: &mut Site, clients: u64, each: u64) -> (usize, Tally) {
    let (gateway, over, done) = (site.address(), AtomicBool::new(false), AtomicUsize::new(0));
    let tally = std::thread::scope(|scope| {
        for first in 0..6 {
            let (over, done) = (&over, &done);
            scope.spawn(move || {
                for (_, deed) in DEEDS.iter().cycle().skip(first * 5 % DEEDS.len()) {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    deed(gateway);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let tally = site.load(clients, each);
        over.store(true, Ordering::Relaxed);
        tally
    });
    (done.into_inner(), tally)
}

#[test]
fn honest_clients_among_hostile_ones_get_whole_answers() {
    let mut site = Site::start(2, &GENEROUS);
    let mut deeds = 0;
    for _ in 0..4 {
        let (done, tally) = among_hostile(&mut site, 4, 40);
        assert_eq!(tally.whole, tally.sent, "{tally:?}");
        deeds += done;
    }
    println!("hostile clients: {deeds} deeds; {} honest requests, all whole", site.sent);
    assert!(deeds >= DEEDS.len(), "{deeds}");
    site.gateway.wait_for_metric("aquifer_requests_in_flight", 0.0);
    let (now, warm) = site.memory();
    assert!(now <= warm + 2 * crate::site::MORE_MEMORY, "{now} KiB, {warm} KiB after the warm-up");
}
