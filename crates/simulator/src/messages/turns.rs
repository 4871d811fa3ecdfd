//! The system prompt and the messages of Claude's own request: roles, and whether they say anything.

use super::{blocks, only, required, shape};
use crate::families::{Family, Generation};
use crate::refused::Refused;
use serde_json::Value;

pub(super) fn check(family: &Family, body: &Value) -> Result<(), Refused> {
    system(&body["system"])?;
    let messages = &body["messages"];
    if messages.is_null() {
        return Err(required("messages"));
    }
    let messages = messages.as_array().ok_or_else(|| Refused::invalid("messages: Input should be a valid list"))?;
    if messages.is_empty() {
        return Err(Refused::invalid("messages: at least one message is required"));
    }
    for (at, message) in messages.iter().enumerate() {
        let place = format!("messages.{at}");
        only(&place, message, &["role", "content"])?;
        role(family, &place, message)?;
        let is_last = at + 1 == messages.len();
        content(family, body, &place, message, is_last)?;
    }
    Ok(())
}

fn system(system: &Value) -> Result<(), Refused> {
    match system {
        Value::Null | Value::String(_) => Ok(()),
        Value::Array(parts) => {
            for (at, part) in parts.iter().enumerate() {
                blocks::text(&format!("system.{at}"), part)?;
                if part["text"].as_str().is_none_or(str::is_empty) {
                    return Err(Refused::invalid("system: text content blocks must be non-empty"));
                }
            }
            Ok(())
        }
        _ => Err(Refused::invalid("system: Input should be a valid list")),
    }
}

fn role(family: &Family, place: &str, message: &Value) -> Result<(), Refused> {
    match message["role"].as_str() {
        None => Err(required(&format!("{place}.role"))),
        Some("user" | "assistant") => Ok(()),
        Some("system") if family.generation >= Generation::FourEight => Ok(()),
        Some(_) => Err(Refused::invalid(format!("{place}.role: Input should be 'user' or 'assistant'"))),
    }
}

fn content(family: &Family, body: &Value, place: &str, message: &Value, is_last: bool) -> Result<(), Refused> {
    let role = message["role"].as_str().unwrap_or_default();
    let content = &message["content"];
    let empty = match content {
        Value::Null => return Err(required(&format!("{place}.content"))),
        Value::String(text) => text.is_empty(),
        Value::Array(parts) => parts.is_empty(),
        _ => return Err(Refused::invalid(format!("{place}.content: Input should be a valid list"))),
    };
    let prefills = is_last && role == "assistant";
    if empty && !prefills {
        return Err(Refused::invalid(format!(
            "{place}: all messages must have non-empty content except for the optional final assistant message"
        )));
    }
    let blocks = content.as_array().map(Vec::as_slice).unwrap_or_default();
    let taken = blocks::Taken { family, body, role, newest: shape::is_newest(body) };
    for (at, block) in blocks.iter().enumerate() {
        taken.check(&format!("{place}.content.{at}"), block)?;
    }
    let said = content.as_str().into_iter().chain(blocks.iter().filter_map(|block| block["text"].as_str()));
    for text in said {
        if text.is_empty() && !empty {
            return Err(Refused::invalid("messages: text content blocks must be non-empty"));
        }
        if text.trim().is_empty() && !empty {
            return Err(Refused::invalid("messages: text content blocks must contain non-whitespace text"));
        }
    }
    let last = content.as_str().or_else(|| blocks.last().and_then(|block| block["text"].as_str()));
    match prefills && last.is_some_and(|text| text.ends_with(char::is_whitespace)) {
        true => Err(Refused::invalid("messages: final assistant content cannot end with trailing whitespace")),
        false => Ok(()),
    }
}
