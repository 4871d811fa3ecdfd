//! Conversations that are the same, and those that are not.

use super::super::Incoming;
use super::*;
use serde_json::{Value, json};

/// What stands before the turn that calls `t1`.
fn before(messages: Value) -> Before {
    let body = json!({"model": "m", "messages": messages, "tools": [{"type": "function", "function": {"name": "f"}}]});
    let body = body.to_string();
    let (turns, ..) = Incoming::read(body.as_bytes()).unwrap().history();
    turns.into_iter().find(|turn| turn.calls == ["t1"]).unwrap().before
}

fn call(id: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}})
}

fn turn() -> Value {
    json!({"role": "assistant", "tool_calls": [call("t1", "{}")]})
}

/// A conversation of a question, a call, its result, and the turn.
fn usual() -> [Value; 5] {
    [
        json!({"role": "system", "content": "Be brief."}),
        json!({"role": "user", "content": "What is {\"a\": 1}?"}),
        json!({"role": "assistant", "content": "Let me look.", "tool_calls": [call("t0", "{\"a\": 1, \"b\": [1.0, \"é\"]}")]}),
        json!({"role": "tool", "tool_call_id": "t0", "content": "{\"x\": 2}"}),
        turn(),
    ]
}

#[test]
fn what_says_the_same_counts_the_same() {
    let wanted = before(json!(usual()));
    let changed = |at: usize, with: Value| {
        let mut messages = usual();
        messages[at] = with;
        before(json!(messages))
    };
    let arguments = "{ \"b\": [1, \"\\u00e9\"],\"a\":1}";
    let same = [
        changed(0, json!({"role": "developer", "content": [{"type": "text", "text": " Be brief.\n"}]})),
        changed(
            1,
            json!({"role": "user", "content": [{"type": "text", "text": "What is "},
            {"type": "text", "text": "{\"a\":1}?", "cache_control": {"type": "ephemeral"}}]}),
        ),
        changed(
            2,
            json!({"role": "assistant", "content": "Let me look.", "reasoning_content": "Hm.",
            "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "index": 0}],
            "tool_calls": [call("t0", arguments)]}),
        ),
        changed(
            2,
            json!({"role": "assistant", "content": "<think>Hm.</think>\n\nLet me look.",
            "tool_calls": [call("t0", arguments)]}),
        ),
        changed(3, json!({"role": "tool", "tool_call_id": "t0", "content": [{"type": "text", "text": "{\"x\":2}"}]})),
    ];
    assert!(same.iter().all(|found| *found == wanted), "{same:?} {wanted:?}");
    let mut split = usual().to_vec();
    split[1] = json!({"role": "user", "content": "What is"});
    split.insert(2, json!({"role": "user", "content": "{\"a\": 1}?"}));
    assert_eq!(before(json!(split)), wanted);
}

#[test]
fn any_other_word_is_another_conversation() {
    let wanted = before(json!(usual()));
    let changes = [
        (0, json!({"role": "system", "content": "Be brief, Bob."})),
        (0, json!({"role": "user", "content": "Be brief."})),
        (1, json!({"role": "user", "content": "What is {\"a\": 2}?"})),
        (
            2,
            json!({"role": "assistant", "content": "I look.", "tool_calls": [call("t0", "{\"a\": 1, \"b\": [1.0, \"é\"]}")]}),
        ),
        (
            2,
            json!({"role": "assistant", "content": "Let me look.", "tool_calls": [call("t0", "{\"a\": 3, \"b\": [1.0, \"é\"]}")]}),
        ),
        (3, json!({"role": "tool", "tool_call_id": "t0", "content": "{\"x\": 3}"})),
        (3, json!({"role": "tool", "tool_call_id": "t0", "content": ""})),
    ];
    for (at, with) in changes {
        let mut messages = usual();
        messages[at] = with;
        assert_ne!(before(json!(messages)), wanted, "{at}");
    }
    assert_ne!(before(json!(usual()[1..])), wanted);
    let pictures = ["aGk=", "aG8="].map(|data| {
        let url = format!("data:image/png;base64,{data}");
        before(json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}, turn()]))
    });
    assert_ne!(pictures[0], pictures[1]);
}

#[test]
fn what_comes_after_the_turn_does_not_count_and_the_turn_is_found_by_the_answer_to_come() {
    let asked = json!(usual()[..4]);
    let body = json!({"model": "m", "messages": asked, "tools": [{"type": "function", "function": {"name": "f"}}]});
    let (_, next, _) = Incoming::read(body.to_string().as_bytes()).unwrap().history();
    assert_eq!(next, before(json!(usual())));
    let mut longer = usual().to_vec();
    longer.push(json!({"role": "tool", "tool_call_id": "t1", "content": "3"}));
    longer.push(json!({"role": "user", "content": "And then?"}));
    assert_eq!(before(json!(longer)), next);
}
