//! The tools of Claude's own request, and the choice among them.

use super::betas::has;
use super::{mismatch, only, required, tag};
use crate::families::{Family, Generation};
use crate::refused::Refused;
use serde_json::Value;

/// The tools beside `custom` that a model knows without a beta, in the order in which a refusal names them.
const KNOWN: [&str; 4] = ["bash_20250124", "text_editor_20250124", "text_editor_20250429", "text_editor_20250728"];

/// A tool that needs a beta.
struct ByBeta {
    tool: &'static str,
    beta: &'static str,
}

const fn by(beta: &'static str, tool: &'static str) -> ByBeta {
    ByBeta { tool, beta }
}

/// The tools that need a beta, with the beta.
const BY_BETA: [ByBeta; 10] = [
    by("computer-use-2024-10-22", "bash_20241022"),
    by("computer-use-2024-10-22", "computer_20241022"),
    by("computer-use-2024-10-22", "text_editor_20241022"),
    by("computer-use-2025-01-24", "computer_20250124"),
    by("computer-use-2025-11-24", "computer_20251124"),
    by("context-management-2025-06-27", "memory_20250818"),
    by(SEARCH, "tool_search_tool_bm25"),
    by(SEARCH, "tool_search_tool_bm25_20251119"),
    by(SEARCH, "tool_search_tool_regex"),
    by(SEARCH, "tool_search_tool_regex_20251119"),
];

const SEARCH: &str = "tool-search-tool-2025-10-19";

/// Whether the request has the beta of the search for tools.
pub(super) fn searches(body: &Value) -> bool {
    has(body, SEARCH)
}

pub(super) fn check(family: &Family, body: &Value) -> Result<(), Refused> {
    let tools = &body["tools"];
    if !tools.is_null() && !tools.is_array() {
        return Err(Refused::invalid("tools: Input should be a valid list"));
    }
    for (at, tool) in tools.as_array().into_iter().flatten().enumerate() {
        one(family, body, &format!("tools.{at}"), tool)?;
    }
    choice(body)
}

fn one(family: &Family, body: &Value, place: &str, tool: &Value) -> Result<(), Refused> {
    let kind = match &tool["type"] {
        Value::Null => "custom",
        _ => tag(place, tool)?,
    };
    if kind == "custom" {
        return custom(family, body, &format!("{place}.custom"), tool);
    }
    let known = KNOWN.contains(&kind) && family.generation >= Generation::ThreeSeven;
    if known || BY_BETA.iter().any(|row| row.tool == kind && has(body, row.beta)) {
        return Ok(());
    }
    let mut tags = vec!["custom"];
    tags.extend(KNOWN);
    tags.sort_unstable();
    Err(mismatch(place, kind, &tags))
}

fn custom(family: &Family, body: &Value, place: &str, tool: &Value) -> Result<(), Refused> {
    let mut members = vec!["type", "name", "description", "input_schema", "cache_control"];
    if searches(body) {
        members.push("defer_loading");
    }
    if has(body, "tool-examples-2025-10-29") {
        members.push("input_examples");
    }
    if has(body, "fine-grained-tool-streaming-2025-05-14") {
        members.push("eager_input_streaming");
    }
    if matches!(family.generation, Generation::FourFive | Generation::FourSix) {
        members.push("strict");
    }
    only(place, tool, &members)?;
    let fits = |name: &str| {
        (1..=128).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    match tool["name"].as_str() {
        None => return Err(required(&format!("{place}.name"))),
        Some(name) if !fits(name) => {
            return Err(Refused::invalid(format!(
                "{place}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            )));
        }
        Some(_) => {}
    }
    let schema = &tool["input_schema"];
    if schema.is_null() {
        return Err(required(&format!("{place}.input_schema")));
    }
    match &schema["type"] {
        Value::Null => Err(required(&format!("{place}.input_schema.type"))),
        kind if kind == "object" => Ok(()),
        _ => Err(Refused::invalid(format!("{place}.input_schema.type: Input should be 'object'"))),
    }
}

fn choice(body: &Value) -> Result<(), Refused> {
    let choice = &body["tool_choice"];
    if choice.is_null() {
        return Ok(());
    }
    let kind = tag("tool_choice", choice)?;
    let members: &[&str] = match kind {
        "auto" | "any" => &["type", "disable_parallel_tool_use"],
        "tool" => &["type", "name", "disable_parallel_tool_use"],
        "none" => &["type"],
        other => return Err(mismatch("tool_choice", other, &["any", "auto", "none", "tool"])),
    };
    only(&format!("tool_choice.{kind}"), choice, members)?;
    let tools = body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    if tools.is_empty() {
        return Err(Refused::invalid("tool_choice: tool_choice may only be specified while providing tools."));
    }
    if kind != "tool" {
        return Ok(());
    }
    match choice["name"].as_str() {
        None => Err(required("tool_choice.tool.name")),
        Some(name) if tools.iter().any(|tool| tool["name"] == name) => Ok(()),
        Some(name) => Err(Refused::invalid(format!("Tool '{name}' not found in provided tools"))),
    }
}
