//! Clients that send many requests at once and say of each answer whether it was whole, a proper error, or neither.

use crate::support::LIMIT;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};

/// The model that everybody asks for; it reasons.
pub(crate) const MODEL: &str = "anthropic.claude-3-5-sonnet-20241022-v2:0";

/// Every question of a process is another one.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// What a client got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    /// The whole answer: what was thought and said.
    Whole(String),
    /// A status and an error's object.
    Refused(u16),
    /// A stream that ends with an error's object, and nothing that looks like a good end.
    Failed,
    /// No connection, or one that ended before the first byte.
    TurnedAway,
    /// Anything else: nobody may get this.
    Wrong(String),
}

/// What many clients got.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) whole: u64,
    pub(crate) refused: u64,
    /// How often with which status.
    statuses: BTreeMap<u16, u64>,
    pub(crate) failed: u64,
    pub(crate) turned_away: u64,
    pub(crate) wrong: Vec<String>,
}

impl Tally {
    fn count(&mut self, got: Got) {
        self.sent += 1;
        match got {
            Got::Whole(_) => self.whole += 1,
            Got::Refused(status) => {
                self.refused += 1;
                *self.statuses.entry(status).or_default() += 1;
            }
            Got::Failed => self.failed += 1,
            Got::TurnedAway => self.turned_away += 1,
            Got::Wrong(how) => self.wrong.push(how),
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.whole += other.whole;
        self.refused += other.refused;
        other.statuses.into_iter().for_each(|(status, count)| *self.statuses.entry(status).or_default() += count);
        self.failed += other.failed;
        self.turned_away += other.turned_away;
        self.wrong.extend(other.wrong);
    }

    /// Everybody got the whole answer or a proper error.
    pub(crate) fn assert_proper(&self, what: &str) {
        assert!(self.wrong.is_empty() && self.turned_away == 0, "{what}: {self:?}");
        assert_eq!(self.sent, self.whole + self.refused + self.failed, "{what}: {self:?}");
    }
}

/// What a good answer says, streamed and whole; `NUMBER` stands where the question's number is repeated.
#[derive(Clone, Debug, Default)]
pub(crate) struct Right {
    streamed: String,
    whole: String,
}

const PLACEHOLDER: u64 = 99_999_999;

impl Right {
    /// Asks while nothing goes wrong.
    pub(crate) fn learn(gateway: SocketAddr) -> Self {
        let ask = |stream: bool| match attempt(gateway, PLACEHOLDER, stream) {
            Got::Whole(said) => said,
            other => panic!("nothing went wrong yet: {other:?}"),
        };
        Self { streamed: ask(true), whole: ask(false) }
    }

    fn judge(&self, got: Got, number: u64, stream: bool) -> Got {
        let right = if stream { &self.streamed } else { &self.whole };
        let right = right.replace(&marker(PLACEHOLDER), &marker(number));
        match got {
            Got::Whole(said) if said != right && !(stream && began_again(&said, &right)) => {
                Got::Wrong(format!("`{said}` instead of `{right}`"))
            }
            other => other,
        }
    }
}

/// Whether a stream died while its model was thinking: its unfinished thoughts stand before the whole answer.
fn began_again(said: &str, right: &str) -> bool {
    let Some(mut unfinished) = said.strip_suffix(right) else { return false };
    while !unfinished.is_empty() {
        let same = unfinished.bytes().zip(right.bytes().take_while(|byte| *byte != b'|')).take_while(|it| it.0 == it.1);
        let length = same.count();
        if length == 0 {
            return false;
        }
        unfinished = unfinished.get(length..).unwrap_or_default();
    }
    true
}

/// So many clients, each with so many requests one after the other, every second one streamed.
pub(crate) fn load(gateway: SocketAddr, right: &Right, clients: u64, each: u64) -> Tally {
    std::thread::scope(|scope| {
        let one = || {
            let mut tally = Tally::default();
            for _ in 0..each {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let stream = number.is_multiple_of(2);
                tally.count(right.judge(attempt(gateway, number, stream), number, stream));
            }
            tally
        };
        let running: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
        let mut all = Tally::default();
        running.into_iter().for_each(|client| all.add(client.join().unwrap()));
        all
    })
}

fn marker(number: u64) -> String {
    format!("number{number:08}")
}

/// One request, with a number of its own, on a connection of its own.
fn attempt(gateway: SocketAddr, number: u64, stream: bool) -> Got {
    let body = json!({
        "model": MODEL,
        "stream": stream,
        "messages": [{ "role": "user", "content": marker(number) }],
    })
    .to_string();
    match exchange(gateway, &body) {
        Ok(bytes) if bytes.is_empty() => Got::TurnedAway,
        Ok(bytes) => read(&bytes).unwrap_or_else(|| Got::Wrong(String::from_utf8_lossy(&bytes).into_owned())),
        Err((read, error)) if read == 0 && error.kind() != std::io::ErrorKind::WouldBlock => Got::TurnedAway,
        Err((read, error)) => Got::Wrong(format!("{error} after {read} bytes")),
    }
}

/// Sends, and reads to the end; an error says after how many bytes.
fn exchange(gateway: SocketAddr, body: &str) -> Result<Vec<u8>, (usize, std::io::Error)> {
    let nothing = |error| (0, error);
    let mut stream = TcpStream::connect_timeout(&gateway, LIMIT).map_err(nothing)?;
    stream.set_read_timeout(Some(2 * LIMIT)).map_err(nothing)?;
    let request = crate::support::request("POST", "/v1/chat/completions", body);
    stream.write_all(request.as_bytes()).map_err(nothing)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map_err(|error| (bytes.len(), error))?;
    Ok(bytes)
}

/// Understands an answer; `None` when it is not a whole one.
fn read(bytes: &[u8]) -> Option<Got> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status: u16 = head.split(' ').nth(1)?.parse().ok()?;
    let head = head.to_ascii_lowercase();
    let body = if head.contains("transfer-encoding: chunked") { unchunked(body)? } else { body.to_owned() };
    if head.contains("content-type: text/event-stream") {
        return stream(&body);
    }
    let announced = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let body: Value = serde_json::from_str(&body).ok().filter(|_| announced == Some(body.len()))?;
    match status {
        200 => {
            let choice = &body["choices"][0];
            choice["finish_reason"].as_str()?;
            let message = &choice["message"];
            Some(Got::Whole(format!("{}|{}", message["reasoning_content"].as_str()?, message["content"].as_str()?)))
        }
        400.. if is_error(&body) => Some(Got::Refused(status)),
        _ => None,
    }
}

fn is_error(body: &Value) -> bool {
    body["error"]["message"].is_string() && body["error"]["type"].is_string()
}

fn unchunked(mut rest: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return (after == "\r\n").then_some(whole);
        }
        whole.push_str(after.get(..size)?);
        rest = after.get(size..)?.strip_prefix("\r\n")?;
    }
}

/// Puts the deltas together.
fn stream(body: &str) -> Option<Got> {
    let events = body.strip_suffix("data: [DONE]\n\n")?;
    let (mut thought, mut said, mut finished, mut failed) = (String::new(), String::new(), false, false);
    for event in events.split_terminator("\n\n").filter(|event| !event.starts_with(':')) {
        let event: Value = serde_json::from_str(event.strip_prefix("data: ")?).ok()?;
        let after_the_end = failed || finished && is_error(&event);
        if after_the_end {
            return None;
        }
        failed = is_error(&event);
        let choice = &event["choices"][0];
        thought.push_str(choice["delta"]["reasoning_content"].as_str().unwrap_or_default());
        said.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
        finished |= choice["finish_reason"].is_string();
    }
    match (finished, failed) {
        (true, false) => Some(Got::Whole(format!("{thought}|{said}"))),
        (false, true) => Some(Got::Failed),
        _ => None,
    }
}
