//! What the most expensive requests cost that a client may send: `cargo test --release -p aquifer --test binary worst -- --ignored --nocapture`.

use crate::support::{Aquifer, connect, read_reply, request};
use std::io::Write;

/// The largest body that is taken.
const BODY: usize = 32 << 20;
/// The kernel's unit of CPU time, in milliseconds.
const TICK: u64 = 10;

const MODEL: &str = "anthropic.claude-3-5-sonnet-20241022-v2:0";

/// A request with this content and these other members.
fn body(content: &str, more: &str) -> String {
    format!(r#"{{"model":"{MODEL}",{more}"messages":[{{"role":"user","content":{content}}}]}}"#)
}

/// As many of these as fill a body, or as many as may be.
fn many(most: usize, item: impl Fn(usize) -> String) -> String {
    let room = BODY - 1024;
    let mut joined = String::with_capacity(room);
    for at in 0..most {
        let next = item(at);
        if joined.len() + next.len() + 1 > room {
            break;
        }
        if at > 0 {
            joined.push(',');
        }
        joined.push_str(&next);
    }
    joined
}

fn shapes() -> Vec<(&'static str, String)> {
    let letters = |letter: &str| letter.repeat((BODY - 1024) / letter.len());
    let part = |_| r#"{"type":"text","text":"x"}"#.to_owned();
    let file = |at| {
        format!(
            r#"{{"type":"file","file":{{"filename":"a{}.txt","file_data":"data:text/plain;base64,YQ=="}}}}"#,
            at % 7
        )
    };
    let tool = |at| format!(r#"{{"type":"function","function":{{"name":"t{at}","parameters":{{"type":"object"}}}}}}"#);
    let message = |_| r#"{"role":"user","content":"x"}"#.to_owned();
    let messages = format!(r#"{{"model":"{MODEL}","messages":[{}]}}"#, many(50_000, message));
    let image =
        format!(r#"[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{}"}}}}]"#, letters("AAAA"));
    vec![
        ("text of plain letters", body(&format!("\"{}\"", letters("a")), "")),
        ("text of escapes", body(&format!("\"{}\"", letters("\\n")), "")),
        ("an image", body(&image, "")),
        ("100,000 parts", body(&format!("[{}]", many(99_999, part)), "")),
        ("2,000 documents of seven names", body(&format!("[{}]", many(2_000, file)), "")),
        ("20,000 tools", body("\"x\"", &format!(r#""tools":[{}],"#, many(20_000, tool)))),
        ("50,000 messages", messages),
        (
            "numbers in an unknown field",
            body("\"x\"", &format!(r#""unknown":[{}],"#, many(usize::MAX, |_| "0".to_owned()))),
        ),
        (
            "numbers in a field that is read",
            body("\"x\"", &format!(r#""stop":[{}],"#, many(usize::MAX, |_| "0".to_owned()))),
        ),
    ]
}

#[test]
#[ignore = "measures; says how in its file"]
fn the_worst_requests() {
    println!("| request | bytes | status | CPU ms | memory at most, MiB |\n|---|---|---|---|---|");
    for (name, body) in shapes() {
        let simulator = Aquifer::spawn(&["simulator", "--listen", "127.0.0.1:0"], &[]);
        let endpoint = format!("http://{}", simulator.address("aquifer simulator listening on "));
        let variables = [("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &*endpoint), ("AWS_BEARER_TOKEN_BEDROCK", "any")];
        let gateway = Aquifer::serve(&[], &variables);
        let (before, memory) = (gateway.cpu_ticks(), gateway.memory("VmHWM"));
        let mut stream = connect(gateway.gateway.unwrap());
        let sent = stream.write_all(request("POST", "/v1/chat/completions", &body).as_bytes());
        let status = if sent.is_ok() { read_reply(&mut stream).status } else { 0 };
        let (spent, taken) = ((gateway.cpu_ticks() - before) * TICK, (gateway.memory("VmHWM") - memory) >> 10);
        println!("| {name} | {} | {status} | {spent} | {taken} |", body.len());
    }
}
