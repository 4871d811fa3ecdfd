//! Reasoning that comes back: which of it a model takes, and whether it is what the model once said.

use super::{no_field, provider};
use crate::families::{Mode, Model, Rule, Switch, Takes, mode};
use crate::refused::Refused;
use crate::seal::{self, Seal};
use crate::talk::{self, is_reasoning};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::borrow::Cow;

pub(super) fn check<'b>(model: &Model, body: &'b Value) -> Result<Cow<'b, Value>, Refused> {
    let turns = talk::turns(body);
    for (turn, message) in turns.iter().enumerate() {
        for (at, block) in talk::content(message).iter().enumerate().filter(|(_, block)| is_reasoning(block)) {
            shape(&block["reasoningContent"])?;
            if message["role"] == "user" {
                return Err(no_reasoning());
            }
            taken(model, block, &format!("messages.{turn}.content.{at}"))?;
        }
    }
    let Takes::Signed(_) = model.family.takes else { return Ok(Cow::Borrowed(body)) };
    let body = bound(model, body)?;
    let turns = talk::turns(&body);
    whole(model, turns)?;
    open(model, &body)?;
    Ok(body)
}

fn no_reasoning() -> Refused {
    Refused::invalid(
        "User messages cannot contain reasoning content. Please remove the reasoning content and try again.",
    )
}

fn shape(reasoning: &Value) -> Result<(), Refused> {
    let unreadable = |what| Err(Refused::new(400, "SerializationException", what));
    if reasoning.as_object().is_none_or(|members| members.len() != 1) {
        return unreadable("reasoningContent must set exactly one key");
    }
    match (&reasoning["reasoningText"], &reasoning["redactedContent"]) {
        (Value::Object(text), Value::Null) if text.get("text").is_some_and(Value::is_string) => Ok(()),
        (Value::Null, Value::String(data)) if STANDARD.decode(data).is_ok() => Ok(()),
        _ => unreadable("reasoningContent holds neither a text nor base64"),
    }
}

/// Whether the family takes such a block, and this one.
fn taken(model: &Model, block: &Value, place: &str) -> Result<(), Refused> {
    let text = &block["reasoningContent"]["reasoningText"];
    match model.family.takes {
        Takes::Signed(others) => signed(model, others, block, place),
        // What is signed comes from Claude; an empty signature is one too.
        _ if !text["signature"].is_null() => Err(no_field("reasoningContent.reasoningText.signature")),
        Takes::Never => Err(no_reasoning()),
        Takes::Unsigned if text.is_null() => Err(no_field("reasoningContent.redactedContent")),
        Takes::Unsigned => Ok(()),
        Takes::Sealed if !text.is_null() => Err(no_field("reasoningContent.reasoningText")),
        Takes::Sealed => match seal::of_block(block, model.family.vendor) {
            Some(_) => Ok(()),
            None => Err(provider(
                "The encrypted content could not be verified. Reason: Encrypted content could not be decrypted or parsed.",
            )),
        },
    }
}

fn signed(model: &Model, others: &[&str], block: &Value, place: &str) -> Result<(), Refused> {
    let text = &block["reasoningContent"]["reasoningText"];
    if !text.is_null() && text["signature"].as_str().is_none_or(str::is_empty) {
        return Err(provider(format!("{place}.thinking.signature: Field required")));
    }
    let shown = seal::sum(text["text"].as_str().unwrap_or(seal::UNSHOWN));
    let knows = |seal: &Seal| seal.model == model.id || others.contains(&seal.model.as_str());
    match seal::of_block(block, model.family.vendor) {
        Some(seal) if knows(&seal) && seal.text == shown => Ok(()),
        _ if text.is_null() => Err(provider(format!("{place}: Invalid `data` in `redacted_thinking` block"))),
        _ => Err(invalid_signature(place)),
    }
}

/// The refusal of a signature.
pub(crate) fn invalid_signature(place: &str) -> Refused {
    provider(format!("{place}: Invalid `signature` in `thinking` block"))
}

/// The request without the bound thoughts that belong to another conversation, if they are to be dropped.
fn bound<'b>(model: &Model, body: &'b Value) -> Result<Cow<'b, Value>, Refused> {
    let mut body = Cow::Borrowed(body);
    if !model.family.has(Rule::Bound) {
        return Ok(body);
    }
    while let Some((turn, at)) = stray(model, &body) {
        if !drops(&body) {
            return Err(provider(format!(
                "messages.{turn}.content.{at}: Invalid `signature` in `thinking` block. The block is bound to a different \
                 conversation. Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` to \
                 \"drop_block\". That setting requires the `thinking-binding-controls-2026-08-01` value in the \
                 `anthropic-beta` header."
            )));
        }
        if let Some(content) = body.to_mut()["messages"][turn]["content"].as_array_mut() {
            content.remove(at);
        }
    }
    Ok(body)
}

/// The first thought that was not thought in this conversation. The oldest thoughts may be missing, later ones not.
fn stray(model: &Model, body: &Value) -> Option<(usize, usize)> {
    talk::turns(body).iter().enumerate().find_map(|(turn, message)| {
        let now = seal::bond(body, turn);
        let belongs = |block: &Value| {
            seal::of_block(block, model.family.vendor).is_some_and(|seal| {
                seal.bond.prefix == now.prefix && (now.thought == 0 || now.thought == seal.bond.thought)
            })
        };
        let at = talk::content(message).iter().position(|block| is_reasoning(block) && !belongs(block))?;
        Some((turn, at))
    })
}

/// No turn ends with a thought; those of the latest turn and of the open loop are all there, and where they were.
fn whole(model: &Model, turns: &[Value]) -> Result<(), Refused> {
    let ends_with_thought = |turn: &Value| talk::content(turn).last().is_some_and(is_reasoning);
    if let Some(turn) = turns.iter().position(ends_with_thought) {
        return Err(provider(format!(
            "messages.{turn}: The final block in an assistant message cannot be `thinking`."
        )));
    }
    let latest = turns.iter().enumerate().rfind(|(_, turn)| turn["role"] == "assistant");
    for (turn, message) in talk::open_loop(turns).chain(latest) {
        if let Some(at) = moved(model, message) {
            return Err(provider(format!(
                "messages.{turn}.content.{at}: `thinking` or `redacted_thinking` blocks in the latest assistant message \
                 cannot be modified. These blocks must remain as they were in the original response."
            )));
        }
    }
    Ok(())
}

/// The first block that stands elsewhere than it did, or beside which one is missing.
fn moved(model: &Model, message: &Value) -> Option<usize> {
    let places = seal::places(talk::visible(message).map(|(_, block)| is_reasoning(block)));
    let thoughts = talk::visible(message).filter(|(_, block)| is_reasoning(block));
    let mut together = thoughts.zip(places);
    let moved = together
        .find(|((_, block), place)| seal::of_block(block, model.family.vendor).is_none_or(|seal| seal.place != *place));
    moved.map(|((at, _), _)| at)
}

/// The open tool loop: thoughts are missed while thinking has a budget, and unwanted while it is off.
fn open(model: &Model, body: &Value) -> Result<(), Refused> {
    let mode = mode(model.family, body);
    let turns = talk::turns(body);
    if mode == Mode::Budget {
        return match talk::open_loop(turns).next() {
            Some((at, turn)) if !talk::content(turn).first().is_some_and(is_reasoning) => {
                Err(expected_thought(at, turn))
            }
            _ => Ok(()),
        };
    }
    let only_budget = matches!(model.family.switch, Switch::Thinking { modes, .. } if !modes.contains(&"adaptive"));
    if mode == Mode::Off && only_budget {
        for (turn, message) in talk::open_loop(turns) {
            if let Some(at) = talk::content(message).iter().position(is_reasoning) {
                return Err(provider(format!(
                    "messages.{turn}.content.{at}: When thinking is disabled, an `assistant` message in the final position \
                     cannot contain `thinking`. To use thinking blocks, enable `thinking` in your request."
                )));
            }
        }
    }
    Ok(())
}

/// The refusal of a turn that should begin with a thought.
pub(super) fn expected_thought(turn: usize, message: &Value) -> Refused {
    let first = talk::content(message).first();
    let found = if first.is_some_and(|block| !block["toolUse"].is_null()) { "tool_use" } else { "text" };
    provider(format!(
        "messages.{turn}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{found}`. When `thinking` is \
         enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` \
         and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement, \
         disable `thinking`."
    ))
}

/// Whether thoughts of another conversation are to be dropped instead of refused.
fn drops(body: &Value) -> bool {
    let binding = &body["additionalModelRequestFields"]["thinking"]["block_binding"];
    binding["prefix_mismatch_behavior"] == "drop_block"
}
