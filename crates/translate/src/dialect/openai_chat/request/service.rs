//! The fields for the service around the model: tier, metadata, caching, guardrails, betas.

use crate::dialect::anthropic_words::{betas, interleaved};
use crate::dialect::json::Object;
use crate::dialect::notes::Notes;
use crate::dialect::prompt_cache::automatic_cache;
use crate::fault::Fault;
use crate::limits;
use crate::model::request::Request;
use std::borrow::Cow;

/// Reads these fields into the request.
pub(super) fn read<'a>(top: &Object<'a, '_>, request: &mut Request<'a>, notes: &mut Notes) -> Result<(), Fault> {
    tier(top, request, notes)?;
    request.metadata = metadata(top, notes)?;
    request.automatic_cache = automatic_cache(top, notes)?;
    for name in ["guardrailConfig", "guardrail_config"] {
        if let Some(node) = top.get(name) {
            request.guardrail = Some(node.raw_object()?);
        }
    }
    if let Some(node) = top.get("anthropic_beta") {
        request.betas.extend(betas(&node, notes)?);
        let most = notes.limits.betas;
        limits::at_most("anthropic_beta", request.betas.len(), most, "betas", "--max-betas")?;
    }
    request.reasoning.interleaved = interleaved(&request.betas);
    Ok(())
}

fn tier(top: &Object<'_, '_>, request: &mut Request<'_>, notes: &mut Notes) -> Result<(), Fault> {
    let Some(node) = top.get("service_tier") else { return Ok(()) };
    match node.string()?.as_ref() {
        "auto" | "default" => request.service_tier = Some("default"),
        "flex" => request.service_tier = Some("flex"),
        "priority" => request.service_tier = Some("priority"),
        "reserved" => request.service_tier = Some("reserved"),
        "fast" => request.latency_optimized = true,
        _ => notes.ignored(&node, "Bedrock has no such tier"),
    }
    Ok(())
}

type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

fn metadata<'a>(top: &Object<'a, '_>, notes: &Notes) -> Result<Pairs<'a>, Fault> {
    let Some(node) = top.get("metadata") else { return Ok(Vec::new()) };
    let object = node.object()?;
    limits::at_most("metadata", object.len(), notes.limits.members, "members", "--max-members")?;
    object.once().into_iter().map(|(name, node)| Ok((name, node.string()?))).collect()
}
