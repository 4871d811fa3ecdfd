//! The blocks of a message in Claude's own request.

use super::{mismatch, only, required, tag, tools};
use crate::families::{Family, Takes};
use crate::refused::Refused;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The most bytes of an image, in base64 (Anthropic, "Vision").
const LARGEST_IMAGE: usize = 5 << 20;
/// The most images of a message (Bedrock, Anthropic Claude Messages API).
pub(super) const MOST_IMAGES: usize = 20;

/// What says which blocks may stand in a message.
pub(super) struct Taken<'b> {
    pub(super) family: &'b Family,
    pub(super) body: &'b Value,
    pub(super) role: &'b str,
    /// Whether the body has the newest version.
    pub(super) newest: bool,
}

impl Taken<'_> {
    /// The tags of the blocks that this message may hold, in the order of a refusal.
    fn tags(&self) -> Vec<&'static str> {
        let thinks = matches!(self.family.takes, Takes::Signed(_));
        let mut tags = vec!["document", "image", "search_result", "text", "tool_result", "tool_use"];
        if self.role == "system" {
            return vec!["text"];
        }
        if thinks {
            tags.extend(["redacted_thinking", "thinking"]);
        }
        if tools::searches(self.body) {
            tags.extend(["server_tool_use", "tool_search_tool_result"]);
        }
        tags.sort_unstable();
        tags
    }

    /// Checks one block at its place.
    pub(super) fn check(&self, place: &str, block: &Value) -> Result<(), Refused> {
        let kind = tag(place, block)?;
        let tags = self.tags();
        if !tags.contains(&kind) {
            return Err(mismatch(place, kind, &tags));
        }
        self.side(place, kind)?;
        let inside = format!("{place}.{kind}");
        match kind {
            "text" => text(place, block),
            "image" => image(&inside, block),
            "document" => document(&inside, block),
            "search_result" => {
                only(&inside, block, &["type", "content", "source", "title", "citations", "cache_control"])
            }
            "thinking" => opaque(&inside, block, &["thinking", "signature"]),
            "redacted_thinking" => opaque(&inside, block, &["data"]),
            "tool_use" => call(&inside, block),
            "tool_result" => self.result(&inside, block),
            _ => Ok(()),
        }
    }

    /// Blocks that only one side says.
    fn side(&self, place: &str, kind: &str) -> Result<(), Refused> {
        let owner = match kind {
            "thinking" | "redacted_thinking" | "tool_use" => "assistant",
            "tool_result" | "image" | "search_result" => "user",
            "document" if self.newest => "user",
            _ => return Ok(()),
        };
        if owner == self.role {
            return Ok(());
        }
        let place = place.split(".content").next().unwrap_or(place);
        Err(Refused::invalid(format!("{place}: `{kind}` blocks can only be in `{owner}` messages")))
    }

    fn result(&self, place: &str, block: &Value) -> Result<(), Refused> {
        only(place, block, &["type", "tool_use_id", "content", "is_error", "cache_control"])?;
        if block["tool_use_id"].as_str().is_none() {
            return Err(required(&format!("{place}.tool_use_id")));
        }
        match &block["content"] {
            Value::Null | Value::String(_) => Ok(()),
            Value::Array(parts) => {
                for (at, part) in parts.iter().enumerate() {
                    self.part(&format!("{place}.content.{at}"), part)?;
                }
                Ok(())
            }
            _ => Err(Refused::invalid(format!("{place}.content: Input should be a valid list"))),
        }
    }

    /// A part of a tool's result.
    fn part(&self, place: &str, part: &Value) -> Result<(), Refused> {
        let kind = tag(place, part)?;
        let inside = format!("{place}.{kind}");
        match kind {
            "text" => text(place, part),
            "image" => image(&inside, part),
            "document" => document(&inside, part),
            "search_result" => Ok(()),
            "tool_reference" if tools::searches(self.body) => Ok(()),
            other => Err(mismatch(place, other, &["document", "image", "search_result", "text"])),
        }
    }
}

/// A block of text at its place.
pub(super) fn text(place: &str, block: &Value) -> Result<(), Refused> {
    match tag(place, block)? {
        "text" => {}
        other => return Err(mismatch(place, other, &["text"])),
    }
    let inside = format!("{place}.text");
    only(&inside, block, &["type", "text", "cache_control", "citations"])?;
    match block["text"].is_string() {
        true => Ok(()),
        false => Err(required(&format!("{inside}.text"))),
    }
}

/// A block whose members are strings, all of them there, and no others.
fn opaque(place: &str, block: &Value, members: &[&str]) -> Result<(), Refused> {
    if let Some(missing) = members.iter().find(|name| !block[**name].is_string()) {
        return Err(required(&format!("{place}.{missing}")));
    }
    let mut taken = vec!["type"];
    taken.extend(members);
    only(place, block, &taken)
}

fn call(place: &str, block: &Value) -> Result<(), Refused> {
    only(place, block, &["type", "id", "name", "input", "cache_control"])?;
    if let Some(missing) = ["id", "name"].iter().find(|name| !block[**name].is_string()) {
        return Err(required(&format!("{place}.{missing}")));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if block["id"].as_str().is_some_and(|id| id.is_empty() || !id.bytes().all(fits)) {
        return Err(Refused::invalid(format!("{place}.id: String should match pattern '^[a-zA-Z0-9_-]+$'")));
    }
    match &block["input"] {
        Value::Object(_) => Ok(()),
        Value::Null => Err(required(&format!("{place}.input"))),
        _ => Err(Refused::invalid(format!("{place}.input: Input should be a valid dictionary"))),
    }
}

fn image(place: &str, block: &Value) -> Result<(), Refused> {
    only(place, block, &["type", "source", "cache_control"])?;
    let source = &block["source"];
    let at = format!("{place}.source");
    match tag(&at, source)? {
        "base64" => {}
        other => return Err(mismatch(&at, other, &["base64"])),
    }
    if !matches!(source["media_type"].as_str(), Some("image/jpeg" | "image/png" | "image/gif" | "image/webp")) {
        return Err(Refused::invalid(format!(
            "{at}.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"
        )));
    }
    let data = bytes(&at, source)?;
    match data.len() > LARGEST_IMAGE {
        true => Err(Refused::invalid(format!(
            "{at}.base64: image exceeds 5 MB maximum: {} bytes > {LARGEST_IMAGE} bytes",
            data.len()
        ))),
        false => Ok(()),
    }
}

fn document(place: &str, block: &Value) -> Result<(), Refused> {
    only(place, block, &["type", "source", "title", "context", "citations", "cache_control"])?;
    let source = &block["source"];
    let at = format!("{place}.source");
    match tag(&at, source)? {
        "base64" if source["media_type"] == "application/pdf" => bytes(&at, source).map(drop),
        "base64" => Err(Refused::invalid(format!("{at}.base64.media_type: Input should be 'application/pdf'"))),
        "text" if source["data"].is_string() => Ok(()),
        "text" => Err(required(&format!("{at}.text.data"))),
        "content" => Ok(()),
        other => Err(mismatch(&at, other, &["base64", "content", "text"])),
    }
}

/// The base64 of a source.
fn bytes<'b>(place: &str, source: &'b Value) -> Result<&'b str, Refused> {
    let Some(data) = source["data"].as_str() else { return Err(required(&format!("{place}.base64.data"))) };
    match STANDARD.decode(data) {
        Ok(bytes) if !bytes.is_empty() => Ok(data),
        _ => Err(Refused::invalid(format!("{place}.base64.data: Invalid base64 data"))),
    }
}
