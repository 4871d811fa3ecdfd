//! Tools in Anthropic's own words, which the client runs: Claude takes them among its own fields.
//!
//! Source: Bedrock's user guide, "Computer use tools": `additionalModelRequestFields.tools`, beside `toolConfig`.

use super::notes::Notes;
use crate::catalogue::Entry;
use crate::fault::Fault;
use crate::model::field_ref::NAME;
use crate::model::request::{Request, ToolChoice, VendorTool};
use serde_json::{Map, Value, json};

/// Support for vendor-defined tools: Claude has it.
pub(super) fn are_taken(entry: &Entry) -> bool {
    entry.vendor == "anthropic"
}

/// The vendor-defined tools that are sent.
pub(in crate::bedrock) fn sent<'r, 'a>(request: &'r Request<'a>, entry: &Entry) -> &'r [VendorTool<'a>] {
    if are_taken(entry) && request.tool_choice != ToolChoice::None { &request.vendor_tools } else { &[] }
}

/// The beta that a tool of this kind needs.
pub(super) fn beta(kind: &str) -> Option<&'static str> {
    match kind {
        "computer_20241022" | "bash_20241022" | "text_editor_20241022" => Some("computer-use-2024-10-22"),
        "computer_20250124" => Some("computer-use-2025-01-24"),
        "computer_20251124" => Some("computer-use-2025-11-24"),
        "memory_20250818" => Some("context-management-2025-06-27"),
        _ => None,
    }
}

/// Says which of them are left out, because the model does not know them.
///
/// # Errors
///
/// A call of one of them is forced.
pub(super) fn check(request: &Request<'_>, entry: &Entry, notes: &mut Notes) -> Result<(), Fault> {
    if are_taken(entry) {
        return Ok(());
    }
    for tool in &request.vendor_tools {
        let named = matches!(&request.tool_choice, ToolChoice::Named(name) if *name == tool.name);
        let only = request.tools.is_empty() && request.tool_choice == ToolChoice::Required;
        if named || only {
            let why = format!("`{NAME}` is a tool of Anthropic's models, which {} does not know", entry.name);
            return Err(Fault::unsupported(tool.field.clone(), why));
        }
        notes.dropped(tool.field.clone(), format!("{} does not know this tool of Anthropic's models", entry.name));
    }
    Ok(())
}

/// The choice in the vendor's own words, where `toolConfig` cannot hold it: it names one of these tools, or there are
/// no others.
pub(super) fn own_choice(request: &Request<'_>, entry: &Entry, in_words: bool) -> Option<Value> {
    let tools = sent(request, entry);
    let alone = request.tools.is_empty() && !tools.is_empty();
    let single = request.parallel_tools == Some(false);
    let mut choice = Map::new();
    let kind = match &request.tool_choice {
        ToolChoice::Named(name) if !in_words && tools.iter().any(|tool| tool.name == *name) => {
            choice.insert("name".to_owned(), json!(name));
            "tool"
        }
        ToolChoice::Required if alone && !in_words => "any",
        ToolChoice::Unset | ToolChoice::Auto | ToolChoice::Required | ToolChoice::None | ToolChoice::Named(_)
            if alone && single =>
        {
            "auto"
        }
        ToolChoice::Unset | ToolChoice::Auto | ToolChoice::Required | ToolChoice::None | ToolChoice::Named(_) => {
            return None;
        }
    };
    choice.insert("type".to_owned(), json!(kind));
    if single {
        choice.insert("disable_parallel_tool_use".to_owned(), json!(true));
    }
    Some(Value::Object(choice))
}
