//! Calls and results of Claude's own request: each call has its result at the start of the next turn.

use super::blocks::MOST_IMAGES;
use crate::refused::Refused;
use serde_json::Value;
use std::collections::BTreeSet;

/// Messages of one role, one after the other: to the model they are one turn.
struct Turn<'b> {
    role: &'b str,
    /// The place of the last of them.
    last: usize,
    blocks: Vec<Placed<'b>>,
}

/// A block and the place that errors name.
struct Placed<'b> {
    place: String,
    block: &'b Value,
}

pub(super) fn check(body: &Value) -> Result<(), Refused> {
    let turns = turns(body);
    once(&turns)?;
    images(&turns)?;
    let nothing = BTreeSet::new();
    let mut called = nothing.clone();
    for (at, turn) in turns.iter().enumerate() {
        for placed in &turn.blocks {
            let id = placed.block["tool_use_id"].as_str().filter(|_| placed.block["type"] == "tool_result");
            if let Some(id) = id.filter(|id| !called.contains(id)) {
                return Err(Refused::invalid(format!(
                    "{}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have \
                     a corresponding `tool_use` block in the previous message.",
                    placed.place
                )));
            }
        }
        called = ids(turn);
        let results = turns.get(at + 1).map(leading).unwrap_or_default();
        let missing: Vec<_> = called.difference(&results).copied().collect();
        if !missing.is_empty() {
            return Err(Refused::invalid(format!(
                "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each \
                 `tool_use` block must have a corresponding `tool_result` block in the next message.",
                turn.last,
                missing.join(", ")
            )));
        }
    }
    Ok(())
}

/// The turns; what the system says in between belongs to none of them.
fn turns(body: &Value) -> Vec<Turn<'_>> {
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for (last, message) in body["messages"].as_array().into_iter().flatten().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        let content = message["content"].as_array().into_iter().flatten().enumerate();
        let blocks = content.map(|(at, block)| Placed { place: format!("messages.{last}.content.{at}"), block });
        match turns.last_mut() {
            _ if role == "system" => {}
            Some(turn) if turn.role == role => {
                turn.last = last;
                turn.blocks.extend(blocks);
            }
            _ => turns.push(Turn { role, last, blocks: blocks.collect() }),
        }
    }
    turns
}

/// The ids of a turn's calls.
fn ids<'b>(turn: &Turn<'b>) -> BTreeSet<&'b str> {
    let calls = turn.blocks.iter().filter(|placed| placed.block["type"] == "tool_use");
    calls.filter_map(|placed| placed.block["id"].as_str()).collect()
}

/// The ids of the results with which a turn begins.
fn leading<'b>(turn: &Turn<'b>) -> BTreeSet<&'b str> {
    let results = turn.blocks.iter().take_while(|placed| placed.block["type"] == "tool_result");
    results.filter_map(|placed| placed.block["tool_use_id"].as_str()).collect()
}

/// No id twice: of calls in the conversation, of results in one turn.
fn once(turns: &[Turn<'_>]) -> Result<(), Refused> {
    let mut calls = BTreeSet::new();
    for turn in turns {
        let mut results = BTreeSet::new();
        for Placed { place, block } in &turn.blocks {
            if block["type"] == "tool_use" && !calls.insert(block["id"].as_str()) {
                return Err(Refused::invalid(format!("{place}: `tool_use` ids must be unique")));
            }
            if block["type"] == "tool_result" && !results.insert(block["tool_use_id"].as_str()) {
                return Err(Refused::invalid(format!(
                    "{place}: each tool_use must have a single result. Found multiple `tool_result` blocks with id: {}",
                    block["tool_use_id"].as_str().unwrap_or_default()
                )));
            }
        }
    }
    Ok(())
}

fn images(turns: &[Turn<'_>]) -> Result<(), Refused> {
    for turn in turns {
        let count = turn.blocks.iter().filter(|placed| placed.block["type"] == "image").count();
        if count > MOST_IMAGES {
            return Err(Refused::invalid(format!(
                "messages.{}.content: Too many images: {count} > {MOST_IMAGES}",
                turn.last
            )));
        }
    }
    Ok(())
}
