//! The fields for the service around the model: tier, metadata, caching, guardrail.

use crate::dialect::json::Object;
use crate::dialect::notes::Notes;
use crate::dialect::prompt_cache::automatic_cache;
use crate::fault::Fault;
use crate::limits;
use crate::model::request::{CacheTtl, Request};

/// Reads these fields into the request.
pub(super) fn read<'a>(top: &Object<'a, '_>, request: &mut Request<'a>, notes: &mut Notes) -> Result<(), Fault> {
    tier(top, request, notes)?;
    if let Some(node) = top.get("metadata") {
        let object = node.object()?;
        limits::at_most("metadata", object.len(), notes.limits.members, "members", "--max-members")?;
        for (name, node) in object.once() {
            request.metadata.push((name, node.string()?));
        }
    }
    request.automatic_cache = cache(top, notes)?;
    for name in ["guardrailConfig", "guardrail_config"] {
        if let Some(node) = top.get(name) {
            request.guardrail = Some(node.raw_object()?);
        }
    }
    Ok(())
}

fn tier(top: &Object<'_, '_>, request: &mut Request<'_>, notes: &mut Notes) -> Result<(), Fault> {
    let Some(node) = top.get("service_tier") else { return Ok(()) };
    request.service_tier = Some(match node.string()?.as_ref() {
        "flex" => "flex",
        "priority" => "priority",
        "reserved" => "reserved",
        "auto" | "default" => "default",
        _ => {
            notes.changed(&node, "Bedrock has no such tier; `default` is used");
            "default"
        }
    });
    Ok(())
}

/// Whoever names what its requests have in common wants that cached, as OpenAI does by itself.
fn cache(top: &Object<'_, '_>, notes: &mut Notes) -> Result<Option<CacheTtl>, Fault> {
    let said = automatic_cache(top, notes)?;
    let Some(key) = top.get("prompt_cache_key") else { return Ok(said) };
    key.string()?;
    Ok(match top.get("prompt_cache_options") {
        Some(_) => said,
        None => said.or(Some(CacheTtl::FiveMinutes)),
    })
}
