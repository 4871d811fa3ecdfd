//! The fields of OpenAI's by which prompts are cached without the client's own breakpoints.

use super::anthropic_words::time_to_live;
use super::json::{Node, Object};
use super::notes::Notes;
use crate::fault::Fault;
use crate::model::request::CacheTtl;

/// `prompt_cache_options` and the older `prompt_cache_retention`. In the mode `explicit` only the client's own
/// breakpoints count.
pub(super) fn automatic_cache(top: &Object<'_, '_>, notes: &mut Notes) -> Result<Option<CacheTtl>, Fault> {
    let mut ttl = top.get("prompt_cache_retention").map(|node| retention(&node, notes)).transpose()?.flatten();
    let Some(node) = top.get("prompt_cache_options") else { return Ok(ttl) };
    let options = node.object()?;
    notes.unknown(&options, &["mode", "ttl"]);
    if let Some(node) = options.get("ttl") {
        let known = time_to_live(&node.string()?);
        if known.is_none() {
            notes.changed(&node, "only `5m`, `30m` and `1h` are known; 5 minutes are used");
        }
        ttl = ttl.max(known);
    }
    let Some(mode) = options.get("mode") else { return Ok(ttl.or(Some(CacheTtl::FiveMinutes))) };
    match mode.string()?.as_ref() {
        "implicit" => Ok(ttl.or(Some(CacheTtl::FiveMinutes))),
        "explicit" => Ok(None),
        _ => Err(mode.invalid("must be `implicit` or `explicit`")),
    }
}

/// An hour is the longest that Bedrock keeps a prefix.
fn retention(node: &Node<'_, '_>, notes: &mut Notes) -> Result<Option<CacheTtl>, Fault> {
    Ok(match node.string()?.as_ref() {
        "24h" => Some(CacheTtl::OneHour),
        "in_memory" | "in-memory" => Some(CacheTtl::FiveMinutes),
        _ => {
            notes.ignored(node, "only `in_memory` and `24h` are known");
            None
        }
    })
}
