//! Does one thing so many times, for `valgrind --tool=callgrind` to count its instructions.
//!
//! The arguments are `text`, `reasoning` or `arguments`, how many frames one read brings, and how many deltas; or
//! `request` or `history`, 1, and how many requests. Two counts with different numbers give the cost of one, because
//! what is done once falls out of their difference: `cargo run --release -p aquifer-bench -- instructions`.

mod common;

use aquifer_translate::translation::Incoming;
use common::{KINDS, Stream};
use std::hint::black_box;

const MODEL: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, batch, times] = arguments.as_slice() else {
        // `cargo bench` starts every bench with an argument of its own: then there is nothing to count.
        return;
    };
    let (Ok(batch), Ok(times)) = (batch.parse::<usize>(), times.parse::<usize>()) else { return };
    match KINDS.iter().find(|(name, _)| name == kind) {
        Some((_, delta)) => {
            let mut stream = Stream::begin(delta, batch);
            (0..times / batch.max(1)).for_each(|_| stream.read());
        }
        None => {
            let body = request(if kind == "history" { 200 } else { 1 });
            (0..times).for_each(|_| translate(&body));
        }
    }
}

fn translate(body: &str) {
    let outgoing = Incoming::read(black_box(body.as_bytes())).and_then(|incoming| incoming.outgoing(MODEL, None));
    assert!(black_box(outgoing).is_ok());
}

/// A conversation of so many messages, the last of them the user's; an even number begins with the system's.
fn request(messages: usize) -> String {
    let text = "Groundwater fills the pores of sediment, and a well lowers its table. ".repeat(3);
    let message = |number: usize| {
        let role = match (messages - number) % 2 {
            1 => "user",
            _ if number == 0 => "system",
            _ => "assistant",
        };
        format!(r#"{{"role":"{role}","content":"message {number}: {text}"}}"#)
    };
    let all: Vec<String> = (0..messages).map(message).collect();
    format!(r#"{{"model":"{MODEL}","max_tokens":1024,"messages":[{}]}}"#, all.join(","))
}
