//! The members at the top of Claude's own request.

use super::betas::has;
use super::{extraneous, mismatch, only, required, tag};
use crate::families::{Family, Generation};
use crate::refused::Refused;
use serde_json::Value;

/// The members that Bedrock takes of Anthropic's request; no `model` and no `stream`.
const MEMBERS: [&str; 16] = [
    "anthropic_version",
    "anthropic_beta",
    "context_management",
    "max_tokens",
    "messages",
    "metadata",
    "output_config",
    "safeguards",
    "stop_sequences",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

/// The version of the body that every Claude takes.
const BEDROCK: &str = "bedrock-2023-05-31";
/// The version that those from Opus 4.7 on take besides.
const NEWEST: &str = "2026-10-21";

pub(super) fn check(family: &Family, body: &Value) -> Result<(), Refused> {
    let members = body
        .as_object()
        .ok_or_else(|| Refused::invalid("Malformed input request, please reformat your input and try again."))?;
    if let Some(extra) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(extraneous(extra));
    }
    version(family, body)?;
    limits(body)?;
    ranges(body)?;
    thinking(family, body)?;
    output(family, body)?;
    safeguards(body)?;
    context(family, body)
}

fn version(family: &Family, body: &Value) -> Result<(), Refused> {
    let version = &body["anthropic_version"];
    if version.is_null() {
        return Err(required("anthropic_version"));
    }
    let newest = family.generation >= Generation::FourSeven;
    match version.as_str() {
        Some(BEDROCK) => Ok(()),
        Some(NEWEST) if newest => Ok(()),
        _ if newest => Err(Refused::invalid(format!("anthropic_version: Input should be '{BEDROCK}' or '{NEWEST}'"))),
        _ => Err(Refused::invalid(format!("anthropic_version: Input should be '{BEDROCK}'"))),
    }
}

/// Whether the body has the newest version.
pub(super) fn is_newest(body: &Value) -> bool {
    body["anthropic_version"] == NEWEST
}

fn limits(body: &Value) -> Result<(), Refused> {
    let most = &body["max_tokens"];
    match (most.is_null(), most.as_i64()) {
        (true, _) => Err(required("max_tokens")),
        (_, None) => Err(Refused::invalid("max_tokens: Input should be a valid integer")),
        (_, Some(..1)) => Err(Refused::invalid("max_tokens: Input should be greater than or equal to 1")),
        _ => Ok(()),
    }
}

fn ranges(body: &Value) -> Result<(), Refused> {
    for name in ["temperature", "top_p"] {
        let value = &body[name];
        match value.as_f64() {
            None if !value.is_null() => {
                return Err(Refused::invalid(format!("{name}: Input should be a valid number")));
            }
            Some(number) if !(0.0..=1.0).contains(&number) => {
                return Err(Refused::invalid(format!("{name}: range: 0..1")));
            }
            _ => {}
        }
    }
    let stops = body["stop_sequences"].as_array().into_iter().flatten();
    match stops.into_iter().any(|stop| stop.as_str().is_none_or(|stop| stop.trim().is_empty())) {
        true => Err(Refused::invalid("stop_sequences: each stop sequence must contain non-whitespace")),
        false => Ok(()),
    }
}

/// What InvokeModel says of `thinking` before anything else of it: older models know no display.
fn thinking(family: &Family, body: &Value) -> Result<(), Refused> {
    let thinking = &body["thinking"];
    if family.generation >= Generation::FourSeven || thinking["display"].is_null() {
        return Ok(());
    }
    let kind = thinking["type"].as_str().unwrap_or("enabled");
    Err(extraneous(&format!("thinking.{kind}.display")))
}

fn output(family: &Family, body: &Value) -> Result<(), Refused> {
    let output = &body["output_config"];
    if output.is_null() {
        return Ok(());
    }
    if family.generation < Generation::FourFive {
        return Err(extraneous("output_config"));
    }
    only("output_config", output, &["effort", "format"])?;
    let format = &output["format"];
    if format.is_null() {
        return Ok(());
    }
    match tag("output_config.format", format)? {
        "json_schema" if format["schema"].is_object() => Ok(()),
        "json_schema" => Err(required("output_config.format.schema")),
        other => Err(mismatch("output_config.format", other, &["json_schema"])),
    }
}

fn safeguards(body: &Value) -> Result<(), Refused> {
    match body["safeguards"].is_null() || has(body, "dangerous-tool-use-2026-09-03") {
        true => Ok(()),
        false => Err(extraneous("safeguards")),
    }
}

/// The edits of a context, each with its beta.
fn context(family: &Family, body: &Value) -> Result<(), Refused> {
    let asked = &body["context_management"];
    if asked.is_null() {
        return Ok(());
    }
    if family.generation < Generation::Four || !has(body, "context-management-2025-06-27") {
        return Err(extraneous("context_management"));
    }
    for (at, edit) in asked["edits"].as_array().into_iter().flatten().enumerate() {
        let place = format!("context_management.edits.{at}");
        match tag(&place, edit)? {
            "clear_tool_uses_20250919" | "clear_thinking_20251015" => {}
            "compact_20260112" if has(body, "compact-2026-01-12") => {}
            other => return Err(mismatch(&place, other, &["clear_thinking_20251015", "clear_tool_uses_20250919"])),
        }
    }
    Ok(())
}
