//! Reading a conversation: its turns, its blocks, and the tool loop that is still open.

use serde_json::Value;

/// The messages.
pub(crate) fn turns(body: &Value) -> &[Value] {
    body["messages"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The blocks of one message.
pub(crate) fn content(turn: &Value) -> &[Value] {
    turn["content"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The blocks of one message with their places, without the cache points, which no model sees.
pub(crate) fn visible(turn: &Value) -> impl Iterator<Item = (usize, &Value)> {
    content(turn).iter().enumerate().filter(|(_, block)| block["cachePoint"].is_null())
}

/// Every block of the conversation, with the place that errors name.
pub(crate) fn blocks(turns: &[Value]) -> impl Iterator<Item = (String, &Value)> {
    turns.iter().enumerate().flat_map(|(turn, message)| {
        content(message).iter().enumerate().map(move |(at, block)| (format!("messages.{turn}.content.{at}"), block))
    })
}

pub(crate) fn is_reasoning(block: &Value) -> bool {
    !block["reasoningContent"].is_null()
}

/// Whether a turn of the user gives results and says nothing else.
fn only_results(turn: &Value) -> bool {
    visible(turn).next().is_some() && visible(turn).all(|(_, block)| !block["toolResult"].is_null())
}

/// The place of the last turn in which the user says something: a tool loop is open from there.
pub(crate) fn last_said(turns: &[Value]) -> Option<usize> {
    turns.iter().rposition(|turn| turn["role"] == "user" && !only_results(turn))
}

/// The turns of the assistant in the open tool loop, with their places.
pub(crate) fn open_loop(turns: &[Value]) -> impl Iterator<Item = (usize, &Value)> {
    let start = last_said(turns).map_or(0, |at| at + 1);
    turns.iter().enumerate().skip(start).filter(|(_, turn)| turn["role"] == "assistant")
}

/// How often tools have answered in the open loop.
pub(crate) fn steps(turns: &[Value]) -> usize {
    let start = last_said(turns).map_or(0, |at| at + 1);
    turns.iter().skip(start).filter(|turn| turn["role"] == "user").count()
}

/// What the user said last.
pub(crate) fn asked(body: &Value) -> String {
    let turns = turns(body);
    let said = last_said(turns).and_then(|at| turns.get(at)).map(content).unwrap_or_default();
    said.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
}

/// The tools that the model may call.
pub(crate) fn tools(body: &Value) -> Vec<&Value> {
    let tools = body["toolConfig"]["tools"].as_array().into_iter().flatten();
    tools.map(|tool| &tool["toolSpec"]).filter(|tool| tool.is_object()).collect()
}

/// The forced choice of a tool, in whichever member: `any` or `tool`.
pub(crate) fn forced(body: &Value) -> Option<&'static str> {
    let choice = &body["toolConfig"]["toolChoice"];
    let own = &body["additionalModelRequestFields"]["tool_choice"]["type"];
    ["any", "tool"].into_iter().find(|kind| !choice[*kind].is_null() || own == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_loop_is_open_until_the_user_says_something() {
        let said = json!({ "role": "user", "content": [{ "text": "Go." }, { "cachePoint": { "type": "default" } }] });
        let called = json!({ "role": "assistant", "content": [{ "toolUse": {} }] });
        let result =
            json!({ "role": "user", "content": [{ "toolResult": {} }, { "cachePoint": { "type": "default" } }] });
        let both = json!({ "role": "user", "content": [{ "toolResult": {} }, { "text": "And now?" }] });
        let turns = [said.clone(), called.clone(), result.clone(), called.clone(), result];
        assert_eq!((last_said(&turns), steps(&turns)), (Some(0), 2));
        assert_eq!(open_loop(&turns).map(|(at, _)| at).collect::<Vec<_>>(), [1, 3]);
        let turns = [said, called, both];
        assert_eq!((last_said(&turns), steps(&turns), open_loop(&turns).count()), (Some(2), 0, 0));
        assert_eq!(asked(&json!({ "messages": turns })), "And now?");
    }
}
