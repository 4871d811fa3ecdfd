//! Does one thing so many times, for `valgrind --tool=callgrind` to count its instructions.
//!
//! The arguments are `text`, `reasoning` or `arguments`, how many frames one read brings, and how many deltas; or
//! `request`, `history`, `agent`, `claude-code`, `text-1mb`, `image-1mb`, or `request-prose`, `history-prose`, `text-prose`, 1, and how many requests. Two counts with different numbers give the cost of one, because
//! what is done once falls out of their difference: `cargo run --release -p aquifer-bench -- instructions`.

mod common;

use aquifer_translate::Fault;
use aquifer_translate::bedrock::{Api, Terms};
use aquifer_translate::catalogue::{Adjustment, Catalogue, Rules};
use aquifer_translate::dialect::Dialect;
use aquifer_translate::limits::{ClientFields, Limits};
use aquifer_translate::model::issuer::Mark;
use aquifer_translate::translation::{Exposure, Incoming, Road};
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
            let mut stream = Stream::begin(kind, delta, batch);
            (0..times / batch.max(1)).for_each(|_| stream.read());
        }
        None if kind == "claude-code" => {
            let body = claude_code();
            (0..times).for_each(|_| reframe(&body));
        }
        None => {
            let body = body(kind);
            (0..times).for_each(|_| translate(&body));
        }
    }
}

fn translate(body: &str) {
    let outgoing = Incoming::read(black_box(body.as_bytes())).and_then(|incoming| incoming.outgoing(MODEL, None));
    assert!(black_box(outgoing).is_ok());
}

/// A client's own body for InvokeModel.
fn reframe(body: &str) {
    let (body, betas) = (black_box(body.as_bytes()), std::iter::once("interleaved-thinking-2025-05-14"));
    let incoming = Incoming::read_in(Dialect::AnthropicMessages, body, betas, &Limits::default());
    let (entry, rules) = (Catalogue::builtin().lookup(MODEL), Rules::default());
    let (mark, adjustment, allowed) = (Mark::of(MODEL, ""), Adjustment::default(), ClientFields::default());
    let terms = Terms { api: Api::InvokeModel, model_id: MODEL, entry, mark, rules: &rules, adjustment, allowed };
    let exposure = Exposure::default();
    let outgoing =
        incoming.and_then(|incoming| match incoming.road(Road::Reframe(Api::InvokeModel), &terms, exposure) {
            Road::Reframe(_) => incoming.reframed_on(&terms, exposure),
            Road::Translate(_) | Road::TranslateToOpenAi | Road::Relay | Road::Passthrough | Road::Closed => {
                Err(Fault::Ours("another road".to_owned()))
            }
        });
    assert!(black_box(outgoing).is_ok());
}

/// 128 KB as Claude Code sends them: a long system prompt in three blocks, 200 tools, and 20 calls with their results.
fn claude_code() -> String {
    let cached = r#""cache_control":{"type":"ephemeral"}"#;
    let system = |text: &str, more: &str| format!(r#"{{"type":"text","text":"{text}"{more}}}"#);
    let more = format!(",{cached}");
    let system = [system("You are an agent.", ""), system(&prose(1_000), &more), system(&prose(16_000), &more)];
    let field = |name: &str| format!(r#""{name}":{{"type":"string","description":"What to look for, \"{name}\"."}}"#);
    let fields = ["pattern", "path", "glob"].map(field).join(",");
    let schema = format!(r#"{{"type":"object","properties":{{{fields}}},"required":["pattern"]}}"#);
    let tool =
        |number: usize| format!(r#"{{"name":"tool_{number}","description":"{}","input_schema":{schema}}}"#, prose(120));
    let tools: Vec<String> = (0..200).map(tool).collect();
    let turn = |number: usize| {
        let thought = r#"{"type":"thinking","thinking":"I look.","signature":"c2ln"}"#;
        let call =
            format!(r#"{{"type":"tool_use","id":"toolu_{number}","name":"tool_{number}","input":{{"path":"a"}}}}"#);
        let said = format!(r#"{{"role":"assistant","content":[{thought},{call}]}}"#);
        let last = if number == 19 { more.as_str() } else { "" };
        let result =
            format!(r#"{{"type":"tool_result","tool_use_id":"toolu_{number}","content":"{}"{last}}}"#, prose(900));
        format!(r#"{said},{{"role":"user","content":[{result}]}}"#)
    };
    let turns: Vec<String> = (0..20).map(turn).collect();
    let (system, tools, turns) = (system.join(","), tools.join(","), turns.join(","));
    let messages = format!(r#"[{{"role":"user","content":[{{"type":"text","text":"Look."}}]}},{turns}]"#);
    let thinking = r#""thinking":{"type":"enabled","budget_tokens":31999},"metadata":{"user_id":"u"}"#;
    let head = format!(r#""model":"{MODEL}","max_tokens":32000,"stream":true,{thinking}"#);
    format!(r#"{{{head},"messages":{messages},"system":[{system}],"tools":[{tools}]}}"#)
}

fn body(kind: &str) -> String {
    let megabyte = || "a".repeat(1 << 20);
    match kind {
        "history" => request(200),
        "agent" => agent(),
        "request-prose" => request_of(1, |_| prose(500)),
        "history-prose" => request_of(200, |number| format!("message {number}: {}", prose(500))),
        "text-prose" => asking(&format!(r#""{}""#, prose(1_000_000))),
        "text-1mb" => asking(&format!(r#""{}""#, megabyte())),
        "image-1mb" => {
            let image = format!(r#"{{"url":"data:image/png;base64,{}"}}"#, megabyte());
            asking(&format!(r#"[{{"type":"text","text":"Look."}},{{"type":"image_url","image_url":{image}}}]"#))
        }
        _ => request(1),
    }
}

/// One message with this content.
fn asking(content: &str) -> String {
    format!(r#"{{"model":"{MODEL}","max_tokens":1024,"messages":[{{"role":"user","content":{content}}}]}}"#)
}

/// 20 tools, and 10 times a call of one with its result.
fn agent() -> String {
    let field = |name: &str| format!(r#""{name}":{{"type":"string","description":"What to look for, \"{name}\"."}}"#);
    let fields = ["pattern", "path", "glob"].map(field).join(",");
    let schema = format!(r#"{{"type":"object","properties":{{{fields}}},"required":["pattern"]}}"#);
    let tool = |number: usize| {
        let function = format!(r#"{{"name":"tool_{number}","description":"Looks.","parameters":{schema}}}"#);
        format!(r#"{{"type":"function","function":{function}}}"#)
    };
    let turn = |number: usize| {
        let call = format!(r#"{{"name":"tool_{number}","arguments":"{{\"pattern\":\"a\\n\"}}"}}"#);
        let call = format!(r#"{{"id":"call_{number}","type":"function","function":{call}}}"#);
        let detail = r#"{"type":"reasoning.text","text":"I look.","signature":"c2ln","index":0}"#;
        let said = format!(r#""content":null,"reasoning_details":[{detail}],"tool_calls":[{call}]"#);
        let result = format!(r#"{{"role":"tool","tool_call_id":"call_{number}","content":"a.rs:1\nb.rs:2"}}"#);
        format!(r#"{{"role":"assistant",{said}}},{result}"#)
    };
    let tools: Vec<String> = (0..20).map(tool).collect();
    let turns: Vec<String> = (0..10).map(turn).collect();
    let messages = format!(r#"[{{"role":"user","content":"Look."}},{}]"#, turns.join(","));
    format!(r#"{{"model":"{MODEL}","max_tokens":9000,"tools":[{}],"messages":{messages}}}"#, tools.join(","))
}

/// A conversation of so many messages, the last of them the user's; an even number begins with the system's.
fn request(messages: usize) -> String {
    let text = "Groundwater fills the pores of sediment, and a well lowers its table. ".repeat(3);
    request_of(messages, |number| format!("message {number}: {text}"))
}

/// Text as people write it: line breaks, quotation marks, dashes, other scripts, some code.
const PROSE: &str = "\
The well ran dry in August \u{2014} \u{201c}the third time,\u{201d} she said, \u{201c}since we moved here.\u{201d}\n\n\
Nobody had expected it; the aquifer\u{2019}s level had been \"stable\" for years. Na\u{ef}ve, perhaps.\n\
- Z\u{fc}rich: 3\u{2013}4 m below ground\n- \u{41c}\u{43e}\u{441}\u{43a}\u{432}\u{430}: \u{443}\u{440}\u{43e}\u{432}\u{435}\u{43d}\u{44c} \u{43f}\u{430}\u{434}\u{430}\u{435}\u{442}\n\
- \u{5730}\u{4e0b}\u{6c34}\u{4f4d}\u{4e0b}\u{964d}\u{4e86}\u{4e09}\u{7c73}\u{3002}\n\n\
```python\ndef level(depth: float) -> str:\n    return f\"{depth:.1f} m\"  # 'below'\n```\n\
What would you do first? I\u{2019}d measure again, and write everything down before anything is changed.\n";

/// So many bytes of text as people write it, or a few more, escaped as clients do.
fn prose(bytes: usize) -> String {
    let text: String = PROSE.chars().cycle().take(bytes).collect();
    let end = (0..=bytes).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let text = text.get(..end).unwrap_or_default();
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The same with messages of any text.
fn request_of(messages: usize, text: impl Fn(usize) -> String) -> String {
    let message = |number: usize| {
        let role = match (messages - number) % 2 {
            1 => "user",
            _ if number == 0 => "system",
            _ => "assistant",
        };
        format!(r#"{{"role":"{role}","content":"{}"}}"#, text(number))
    };
    let all: Vec<String> = (0..messages).map(message).collect();
    format!(r#"{{"model":"{MODEL}","max_tokens":1024,"messages":[{}]}}"#, all.join(","))
}
