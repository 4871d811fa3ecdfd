//! What the load generator asks: request bodies of Chat Completions and Messages, and what of them must reach the upstream.

use crate::frames::TOOL;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The model that is asked for unless a peer's file names another: one that reasons and takes images.
pub(crate) const MODEL: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A sentence, answered whole.
    Small,
    /// A sentence, to be thought about, answered as a stream.
    Streamed,
    /// So many bytes of text, answered whole.
    Text(usize),
    /// An image of so many bytes in base64, answered whole.
    Image(usize),
    /// 200 messages, answered whole.
    History,
    /// A paragraph as people write it, answered whole.
    SmallProse,
    /// So many bytes of text as people write it, answered whole.
    TextProse(usize),
    /// 200 messages of 500 bytes as people write them, answered whole.
    HistoryProse,
    /// 20 tools and 30 messages, answered as a stream.
    Agent,
    /// A sentence in Messages, to be thought about, answered as a stream.
    Messages,
    /// 128 KB as Claude Code sends them: 200 tools, a long system prompt, 20 calls with results; answered as a stream.
    ClaudeCode,
}

/// A request's body, and texts that the upstream must have received.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// JSON.
    pub(crate) body: String,
    /// Every one of them stands in what the upstream receives.
    pub(crate) markers: Vec<String>,
    /// The path of its dialect, when that is not the target's own.
    pub(crate) path: Option<&'static str>,
}

const HISTORY_MESSAGES: usize = 200;
const AGENT_TOOLS: usize = 20;
/// With the system's message and the user's there are 30.
const AGENT_CALLS: usize = 14;
const CODE_TOOLS: usize = 200;
const CODE_CALLS: usize = 20;

impl Ask {
    /// The request for this model.
    pub(crate) fn asked(self, model: &str) -> Asked {
        let user = |content: Value| vec![json!({ "role": "user", "content": content })];
        let sentence = "What is an aquifer? marker-0000;";
        match self {
            Self::Small => plain(model, user(json!(sentence)), markers(1)),
            Self::Streamed => streamed(model, user(json!(sentence)), Vec::new(), markers(1)),
            Self::Text(bytes) => plain(model, user(json!(long_text(bytes))), markers(2)),
            Self::Image(bytes) => image(model, bytes),
            Self::History => plain(model, history(), markers(HISTORY_MESSAGES)),
            Self::SmallProse => plain(model, user(json!(prose(&marker(0), 500))), markers(1)),
            Self::TextProse(bytes) => {
                let text = prose(&marker(0), bytes) + &marker(1);
                plain(model, user(json!(text)), markers(2))
            }
            Self::HistoryProse => plain(model, prose_history(), markers(HISTORY_MESSAGES)),
            Self::Agent => streamed(model, agent_messages(), tools(), agent_markers()),
            Self::Messages => messages(
                json!({
                    "model": model, "max_tokens": 8192, "stream": true,
                    "thinking": { "type": "enabled", "budget_tokens": 2048 }, "messages": user(json!(sentence)),
                }),
                markers(1),
            ),
            Self::ClaudeCode => claude_code(model),
        }
    }
}

fn plain(model: &str, messages: Vec<Value>, markers: Vec<String>) -> Asked {
    let body = json!({ "model": model, "max_tokens": 1024, "messages": messages });
    Asked { body: body.to_string(), markers, path: None }
}

fn streamed(model: &str, messages: Vec<Value>, tools: Vec<Value>, markers: Vec<String>) -> Asked {
    let mut body = json!({
        "model": model, "max_tokens": 8192, "stream": true, "reasoning_effort": "low", "messages": messages,
    });
    if !tools.is_empty() {
        body["tools"] = json!(tools);
    }
    Asked { body: body.to_string(), markers, path: None }
}

fn messages(body: Value, markers: Vec<String>) -> Asked {
    Asked { body: body.to_string(), markers, path: Some("/v1/messages") }
}

/// With a system prompt in three blocks, of which two are cached, and a cache point behind the last result.
fn claude_code(model: &str) -> Asked {
    let cached = json!({ "type": "ephemeral" });
    let system = json!([
        { "type": "text", "text": format!("You are a coding agent. {}", marker(0)) },
        { "type": "text", "text": prose(&marker(1), 1_000), "cache_control": cached },
        { "type": "text", "text": prose(&marker(2), 16_000), "cache_control": cached },
    ]);
    let field = |what: &str| json!({ "type": "string", "description": format!("The {what} to look for") });
    let tool = |number: usize| {
        let fields = json!({ "pattern": field("\"pattern\""), "path": field("path"), "glob": field("files") });
        json!({ "name": format!("code_{number:03}"), "description": prose("Looks.", 120),
                "input_schema": { "type": "object", "properties": fields, "required": ["pattern"] } })
    };
    let turn = |number: usize| {
        let (id, last) = (format!("toolu_{number:08}"), number + 1 == CODE_CALLS);
        let thought = json!({ "type": "thinking", "thinking": "I look.", "signature": "c2lnbmF0dXJl".repeat(20) });
        let call = json!({ "type": "tool_use", "id": id, "name": "code_000", "input": { "pattern": "a" } });
        let mut result =
            json!({ "type": "tool_result", "tool_use_id": id, "content": prose(&marker(3 + number), 900) });
        if last {
            result["cache_control"] = cached.clone();
        }
        [json!({ "role": "assistant", "content": [thought, call] }), json!({ "role": "user", "content": [result] })]
    };
    let first = json!({ "role": "user", "content": [{ "type": "text", "text": "Look." }] });
    let said: Vec<Value> = std::iter::once(first).chain((0..CODE_CALLS).flat_map(turn)).collect();
    let tools: Vec<Value> = (0..CODE_TOOLS).map(tool).collect();
    let names = (0..CODE_TOOLS).map(|number| format!("code_{number:03}"));
    let markers = markers(3 + CODE_CALLS).into_iter().chain(names).collect();
    let body = json!({
        "model": model, "max_tokens": 32_000, "stream": true, "thinking": { "type": "enabled", "budget_tokens": 31_999 },
        "metadata": { "user_id": "u" }, "system": system, "tools": tools, "messages": said,
    });
    messages(body, markers)
}

fn image(model: &str, bytes: usize) -> Asked {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut state = 1_u32;
    file.resize_with(bytes / 4 * 3, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let data = STANDARD.encode(file);
    // A gateway that writes base64 of its own makes the same letters of the same bytes.
    let markers =
        vec![data.get(..64).unwrap_or(&data).to_owned(), data.get(data.len() - 64..).unwrap_or(&data).to_owned()];
    let image = json!({ "type": "image_url", "image_url": { "url": format!("data:image/png;base64,{data}") } });
    let content = json!([{ "type": "text", "text": "What is in this image?" }, image]);
    plain(model, vec![json!({ "role": "user", "content": content })], markers)
}

fn marker(number: usize) -> String {
    format!("marker-{number:04};")
}

fn markers(count: usize) -> Vec<String> {
    (0..count).map(marker).collect()
}

/// Prose with line ends and quotation marks, as files have, between two markers.
fn long_text(bytes: usize) -> String {
    const LINE: &str = "Water moves slowly through \"sand\" and gravel; wells and springs bring it back to light.\n";
    let mut text = marker(0);
    while text.len() < bytes {
        text.push_str(LINE);
    }
    text.push_str(&marker(1));
    text
}

fn history() -> Vec<Value> {
    let filler = "Groundwater fills the pores of sediment, and a well lowers its table. ".repeat(3);
    let message = |number: usize| {
        let role = if number.is_multiple_of(2) { "user" } else { "assistant" };
        json!({ "role": role, "content": format!("{} {filler}", marker(number)) })
    };
    // The last one is the user's, so the first is the system's.
    let first = json!({ "role": "system", "content": format!("{} {filler}", marker(HISTORY_MESSAGES - 1)) });
    std::iter::once(first).chain((0..HISTORY_MESSAGES - 1).map(message)).collect()
}

/// Text as people write it: line breaks, quotation marks, dashes, other scripts, some code.
const PROSE: &str = "\
The well ran dry in August \u{2014} \u{201c}the third time,\u{201d} she said, \u{201c}since we moved here.\u{201d}\n\n\
Nobody had expected it; the aquifer\u{2019}s level had been \"stable\" for years. Na\u{ef}ve, perhaps.\n\
- Z\u{fc}rich: 3\u{2013}4 m below ground\n- \u{41c}\u{43e}\u{441}\u{43a}\u{432}\u{430}: \u{443}\u{440}\u{43e}\u{432}\u{435}\u{43d}\u{44c} \u{43f}\u{430}\u{434}\u{430}\u{435}\u{442}\n\
- \u{5730}\u{4e0b}\u{6c34}\u{4f4d}\u{4e0b}\u{964d}\u{4e86}\u{4e09}\u{7c73}\u{3002}\n\n\
```python\ndef level(depth: float) -> str:\n    return f\"{depth:.1f} m\"  # 'below'\n```\n\
What would you do first? I\u{2019}d measure again, and write everything down before anything is changed.\n";

/// So many bytes of it, or a few more, behind a marker.
fn prose(marker: &str, bytes: usize) -> String {
    let mut text = format!("{marker} ");
    for letter in PROSE.chars().cycle() {
        if text.len() >= bytes {
            break;
        }
        text.push(letter);
    }
    text
}

fn prose_history() -> Vec<Value> {
    let message = |number: usize| {
        let role = match (HISTORY_MESSAGES - number) % 2 {
            1 => "user",
            _ if number == 0 => "system",
            _ => "assistant",
        };
        json!({ "role": role, "content": prose(&marker(number), 500) })
    };
    (0..HISTORY_MESSAGES).map(message).collect()
}

fn tools() -> Vec<Value> {
    let property =
        |what: &str| json!({ "type": "string", "description": format!("The {what} to look for, as the user said it") });
    let tool = |number: usize| {
        json!({ "type": "function", "function": {
            "name": format!("lookup_{number:02}"),
            "description": format!("Looks things up in catalogue {number}. Use it when the user asks for facts."),
            "parameters": { "type": "object", "required": ["query"], "properties": {
                "query": property("words"), "place": property("place"), "author": property("author"),
                "limit": { "type": "integer", "minimum": 1, "maximum": 100 },
                "order": { "type": "string", "enum": ["newest", "oldest", "best"] },
                "last": { "type": "boolean" },
            } },
        } })
    };
    (0..AGENT_TOOLS).map(tool).collect()
}

fn agent_messages() -> Vec<Value> {
    let system = json!({ "role": "system", "content": "You are a librarian. marker-0000;" });
    let user = json!({ "role": "user", "content": "Find everything on aquifers. marker-0001;" });
    let turns = (0..AGENT_CALLS).flat_map(|turn| {
        let (id, thought) = (format!("tooluse_{turn:08}"), format!("I look it up, time {turn}."));
        let details = json!([{ "type": "reasoning.text", "text": thought, "signature": "c2lnbmF0dXJl".repeat(20),
                               "format": "anthropic-claude-v1", "index": 0 }]);
        let call = json!({ "id": id, "type": "function",
                           "function": { "name": TOOL, "arguments": format!("{{\"query\":\"water {turn}\"}}") } });
        let result = format!("{} {}", marker(2 + turn), "A book about water, and another. ".repeat(10));
        [
            json!({ "role": "assistant", "content": null, "reasoning": thought, "reasoning_details": details,
                    "tool_calls": [call] }),
            json!({ "role": "tool", "tool_call_id": id, "content": result }),
        ]
    });
    [system, user].into_iter().chain(turns).collect()
}

fn agent_markers() -> Vec<String> {
    let mut all = markers(2 + AGENT_CALLS);
    all.extend((0..AGENT_TOOLS).map(|number| format!("lookup_{number:02}")));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_marker_stands_in_its_request() {
        let prose = [Ask::SmallProse, Ask::TextProse(5000), Ask::HistoryProse];
        let others = [
            Ask::Small,
            Ask::Streamed,
            Ask::Text(5000),
            Ask::Image(4000),
            Ask::History,
            Ask::Agent,
            Ask::Messages,
            Ask::ClaudeCode,
        ];
        for ask in prose.into_iter().chain(others) {
            let asked = ask.asked("model");
            assert!(!asked.markers.is_empty());
            for marker in &asked.markers {
                assert!(asked.body.contains(marker.as_str()), "{ask:?}: {marker}");
            }
        }
    }

    #[test]
    fn requests_are_as_large_as_they_say() {
        let count = |ask: Ask, what: &str| {
            let body: Value = serde_json::from_str(&ask.asked("model").body).unwrap();
            body[what].as_array().map_or(0, Vec::len)
        };
        assert_eq!(count(Ask::History, "messages"), 200);
        assert_eq!(count(Ask::HistoryProse, "messages"), 200);
        assert!((1_000_000..1_100_000).contains(&Ask::TextProse(1_000_000).asked("model").body.len()));
        assert_eq!(count(Ask::Agent, "messages"), 30);
        assert_eq!(count(Ask::ClaudeCode, "tools"), 200);
        let size = Ask::ClaudeCode.asked("model").body.len();
        assert!((120_000..140_000).contains(&size), "{size}");
        assert_eq!(count(Ask::Agent, "tools"), 20);
        assert!((1_000_000..1_050_000).contains(&Ask::Text(1_000_000).asked("model").body.len()));
        assert!((1_000_000..1_001_000).contains(&Ask::Image(1_000_000).asked("model").body.len()));
    }

    #[test]
    fn turns_alternate_and_the_user_speaks_last() {
        let messages = history();
        assert_eq!(messages[0]["role"], "system");
        assert_eq!(messages[1]["role"], "user");
        assert_eq!(messages[199]["role"], "user");
    }
}
