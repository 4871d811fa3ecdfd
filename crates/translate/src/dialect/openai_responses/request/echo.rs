//! The members of a request that its response object repeats.

use super::Echo;
use crate::dialect::json::{Node, Object};

/// Takes these members as they came, each in one line.
pub(super) fn read(top: &Object<'_, '_>) -> Echo {
    let said = |name: &str| top.get(name).map(|node| line(&node));
    let reasoning = top.get("reasoning").and_then(|node| node.object().ok());
    let of_reasoning =
        |names: &[&str]| reasoning.as_ref().and_then(|object| object.get_any(names).map(|node| line(&node)));
    Echo {
        instructions: said("instructions"),
        metadata: said("metadata"),
        tools: said("tools"),
        tool_choice: said("tool_choice"),
        parallel_tool_calls: said("parallel_tool_calls"),
        temperature: said("temperature"),
        top_p: said("top_p"),
        max_output_tokens: said("max_output_tokens"),
        max_tool_calls: said("max_tool_calls"),
        previous_response_id: said("previous_response_id"),
        prompt_cache_key: said("prompt_cache_key"),
        prompt_cache_retention: said("prompt_cache_retention"),
        effort: of_reasoning(&["effort"]),
        summary: of_reasoning(&["summary", "generate_summary"]),
        service_tier: said("service_tier"),
        store: said("store"),
        text: said("text"),
        truncation: said("truncation"),
        user: said("user"),
    }
}

/// A value in one line: line breaks stand only between its parts, and an event has none.
fn line(node: &Node<'_, '_>) -> String {
    let raw = node.raw();
    if raw.contains(['\n', '\r']) { raw.replace(['\n', '\r'], "") } else { raw.to_owned() }
}
