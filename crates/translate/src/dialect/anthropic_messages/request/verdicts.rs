//! The fields that have no effect, and those that are refused because the client would rely on them.

use crate::dialect::json::Object;
use crate::dialect::notes::Notes;
use crate::fault::Fault;

/// Fields that are left out, and why.
pub(super) const DROPPED: [(&str, &str); 7] = [
    ("diagnostics", "Bedrock diagnoses no caches"),
    ("fallback_credit_token", "Bedrock has no such accounts"),
    ("fallbacks", "Bedrock falls back on no other model; routes of the gateway can"),
    ("safeguards", "Bedrock's Converse API classifies no use of tools"),
    ("speed", "Bedrock has no such speed"),
    ("user_profile_id", "Bedrock has no such accounts"),
    ("workspace_id", "Bedrock has no such accounts"),
];

/// Fields that are refused, and why.
pub(super) const REFUSED: [(&str, &str); 6] = [
    ("billing_policy", "asks for a way of billing, which Bedrock does not have"),
    ("compaction", "asks for a summary of the conversation, which Bedrock does not make"),
    ("container", "asks for a container, which Bedrock does not have"),
    ("inference_geo", "asks where the model runs; name a model id of that geography, for example `eu.anthropic...`"),
    ("mcp_servers", "asks for tools of MCP servers, which Bedrock does not call; call them and send what they answer"),
    ("thread", "names a conversation that is kept elsewhere; send it whole"),
];

/// Fields that some part of this reader takes.
pub(super) const TAKEN: [&str; 23] = [
    "amazon-bedrock-guardrailConfig",
    "anthropic_beta",
    "anthropic_version",
    "betas",
    "cache_control",
    "context_management",
    "guardrailConfig",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "output_format",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

/// Says what is left out and what is refused.
pub(super) fn read(top: &Object<'_, '_>, notes: &mut Notes) -> Result<(), Fault> {
    for (name, why) in REFUSED {
        if let Some(node) = top.get(name)
            && !(name == "mcp_servers" && node.list()?.len() == 0)
        {
            return Err(node.unsupported(why));
        }
    }
    for (name, why) in DROPPED {
        if let Some(node) = top.get(name).filter(|node| name != "speed" || node.raw() != "\"standard\"") {
            notes.dropped(&node, why);
        }
    }
    let (dropped, refused) = (DROPPED.map(|(name, _)| name), REFUSED.map(|(name, _)| name));
    notes.unknown_to(top, &[&TAKEN, &dropped, &refused]);
    Ok(())
}
