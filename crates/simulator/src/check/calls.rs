//! Calls and results: what may stand in them, beside them, and twice.

use super::provider;
use crate::families::{Family, Rule};
use crate::refused::Refused;
use crate::talk;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) fn check(family: &Family, body: &Value) -> Result<(), Refused> {
    let turns = talk::turns(body);
    inputs(turns)?;
    once(turns)?;
    offered_once(body)?;
    alone(family, turns)?;
    parts(family, turns)?;
    ids(family, turns)
}

fn inputs(turns: &[Value]) -> Result<(), Refused> {
    let wrong = |block: &Value| !block["toolUse"].is_null() && !block["toolUse"]["input"].is_object();
    match talk::blocks(turns).find(|(_, block)| wrong(block)) {
        Some((at, _)) => Err(Refused::invalid(format!(
            "The format of the value at {at}.toolUse.input is invalid. Provide a json object for the field and try again."
        ))),
        None => Ok(()),
    }
}

/// The id of a call or of a result.
fn id<'b>(block: &'b Value, kind: &str) -> Option<&'b str> {
    block[kind]["toolUseId"].as_str()
}

/// No id twice: of calls in the conversation, of results in one message.
fn once(turns: &[Value]) -> Result<(), Refused> {
    for (turn, message) in turns.iter().enumerate() {
        for kind in ["toolUse", "toolResult"] {
            let mut seen = BTreeSet::new();
            if let Some(twice) =
                talk::content(message).iter().filter_map(|block| id(block, kind)).find(|id| !seen.insert(*id))
            {
                return Err(Refused::invalid(format!(
                    "The {kind} blocks at messages.{turn}.content contain duplicate Ids: {twice}"
                )));
            }
        }
    }
    let mut seen = BTreeSet::new();
    match talk::blocks(turns).find(|(_, block)| id(block, "toolUse").is_some_and(|id| !seen.insert(id))) {
        Some((at, _)) => Err(provider(format!("{at}: `tool_use` ids must be unique"))),
        None => Ok(()),
    }
}

fn offered_once(body: &Value) -> Result<(), Refused> {
    let mut seen = BTreeSet::new();
    match talk::tools(body).iter().any(|tool| tool["name"].as_str().is_some_and(|name| !seen.insert(name))) {
        true => Err(provider("tools: Tool names must be unique.")),
        false => Ok(()),
    }
}

fn alone(family: &Family, turns: &[Value]) -> Result<(), Refused> {
    for (rule, kind, what) in [(Rule::CallsAlone, "toolUse", "use"), (Rule::ResultsAlone, "toolResult", "result")] {
        let other =
            |block: &Value| block[kind].is_null() && block["cachePoint"].is_null() && !talk::is_reasoning(block);
        let mixed = |turn: &Value| {
            let content = talk::content(turn);
            content.iter().any(|block| !block[kind].is_null()) && content.iter().any(other)
        };
        if family.has(rule) && turns.iter().any(mixed) {
            return Err(Refused::invalid(format!(
                "Conversation blocks and tool {what} blocks cannot be provided in the same turn."
            )));
        }
    }
    Ok(())
}

/// The parts of a result.
fn parts(family: &Family, turns: &[Value]) -> Result<(), Refused> {
    let refused = |part: &Value| {
        let plain = matches!(part["document"]["format"].as_str(), Some("csv" | "txt"));
        let file = family.has(Rule::NoFilesInResults) || family.has(Rule::PlainFilesInResults) && !plain;
        let image = !part["image"].is_null() && family.has(Rule::NoImagesInResults);
        let kind = if image { "image" } else { "document" };
        (image || !part["document"].is_null() && file).then_some(kind)
    };
    for (at, block) in talk::blocks(turns) {
        let parts = block["toolResult"]["content"].as_array().into_iter().flatten();
        if let Some(kind) = parts.into_iter().find_map(refused) {
            return Err(Refused::invalid(format!(
                "This model doesn't support the {kind} content block that you provided at {at}.toolResult.content."
            )));
        }
    }
    Ok(())
}

fn has_nine_letters(id: &str) -> bool {
    id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn ids(family: &Family, turns: &[Value]) -> Result<(), Refused> {
    let mut given = talk::blocks(turns).filter_map(|(_, block)| id(block, "toolUse"));
    match given.find(|id| family.has(Rule::NineLetterIds) && !has_nine_letters(id)) {
        Some(id) => Err(provider(format!("Tool call id was {id} but must be a-z, A-Z, 0-9, with a length of 9."))),
        None => Ok(()),
    }
}
