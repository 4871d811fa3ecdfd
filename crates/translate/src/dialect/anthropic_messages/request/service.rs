//! Fields for the service around the model: tier, metadata, guardrail, betas.

use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::limits;
use crate::model::request::Request;
use std::borrow::Cow;

/// Reads these fields into the request.
pub(super) fn read<'a>(top: &Object<'a, '_>, request: &mut Request<'a>, notes: &mut Notes) -> Result<(), Fault> {
    tier(top, request, notes)?;
    metadata(top, notes)?;
    for name in ["guardrailConfig", "amazon-bedrock-guardrailConfig"] {
        if let Some(node) = top.get(name) {
            request.guardrail = Some(node.raw_object()?);
        }
    }
    // Bedrock's own form of the request has them in the body.
    for name in ["anthropic_beta", "betas"] {
        if let Some(node) = top.get(name) {
            request.betas.extend(betas(&node, notes)?);
        }
    }
    Ok(())
}

/// `metadata.user_id`, when it is a string.
pub(super) fn user(top: &Object<'_, '_>) -> Option<String> {
    let metadata = top.get("metadata")?.object().ok()?;
    metadata.get("user_id")?.string().ok().map(Cow::into_owned)
}

/// Anthropic's own tiers ask for nothing that Bedrock's usual one is not; the others are Bedrock's.
fn tier(top: &Object<'_, '_>, request: &mut Request<'_>, notes: &mut Notes) -> Result<(), Fault> {
    let Some(node) = top.get("service_tier") else { return Ok(()) };
    match node.string()?.as_ref() {
        "auto" | "standard_only" => {}
        "default" => request.service_tier = Some("default"),
        "flex" => request.service_tier = Some("flex"),
        "priority" => request.service_tier = Some("priority"),
        "reserved" => request.service_tier = Some("reserved"),
        _ => notes.ignored(&node, "Bedrock has no such tier"),
    }
    Ok(())
}

/// Reads `metadata`. The user's id is left out without a warning: clients send it with every request, and nothing is lost by
/// it but the vendor's own statistics. Requests of one user stay with one backend.
fn metadata(top: &Object<'_, '_>, notes: &mut Notes) -> Result<(), Fault> {
    let Some(node) = top.get("metadata") else { return Ok(()) };
    let metadata = node.object()?;
    limits::at_most("metadata", metadata.len(), notes.limits.members, "members", "--max-members")?;
    notes.unknown(&metadata, &["user_id"]);
    if let Some(user) = metadata.get("user_id") {
        user.string()?;
    }
    Ok(())
}

fn betas<'a>(node: &Node<'a, '_>, notes: &Notes) -> Result<Vec<Cow<'a, str>>, Fault> {
    let list = node.list()?;
    limits::at_most(&node.at.to_string(), list.len(), notes.limits.betas, "betas", "--max-betas")?;
    list.each().map(|node| node.string()).collect()
}
