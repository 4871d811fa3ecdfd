//! The fields that have no effect, and those that are refused because the client would rely on them.

use crate::dialect::json::Object;
use crate::dialect::notes::Notes;
use crate::fault::Fault;

/// A field that has no effect, or must not be there.
struct Verdict {
    name: &'static str,
    why: &'static str,
}

/// Fields that are left out, and why.
const DROPPED: [Verdict; 7] = [
    Verdict { name: "diagnostics", why: "Bedrock diagnoses no caches" },
    Verdict { name: "fallback_credit_token", why: "Bedrock has no such accounts" },
    Verdict { name: "fallbacks", why: "Bedrock falls back on no other model; routes of the gateway can" },
    Verdict { name: "safeguards", why: "Bedrock's Converse API classifies no use of tools" },
    Verdict { name: "speed", why: "Bedrock has no such speed" },
    Verdict { name: "user_profile_id", why: "Bedrock has no such accounts" },
    Verdict { name: "workspace_id", why: "Bedrock has no such accounts" },
];

/// Fields that are refused, and why.
const REFUSED: [Verdict; 6] = [
    Verdict { name: "billing_policy", why: "asks for a way of billing, which Bedrock does not have" },
    Verdict { name: "compaction", why: "asks for a summary of the conversation, which Bedrock does not make" },
    Verdict { name: "container", why: "asks for a container, which Bedrock does not have" },
    Verdict {
        name: "inference_geo",
        why: "asks where the model runs; name a model id of that geography, for example `eu.anthropic...`",
    },
    Verdict {
        name: "mcp_servers",
        why: "asks for tools of MCP servers, which Bedrock does not call; call them and send what they answer",
    },
    Verdict { name: "thread", why: "names a conversation that is kept elsewhere; send it whole" },
];

/// Fields that some part of this reader takes.
const TAKEN: [&str; 23] = [
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
    for Verdict { name, why } in REFUSED {
        if let Some(node) = top.get(name)
            && !(name == "mcp_servers" && node.list()?.len() == 0)
        {
            return Err(node.unsupported(why));
        }
    }
    for Verdict { name, why } in DROPPED {
        if let Some(node) = top.get(name).filter(|node| name != "speed" || node.raw() != "\"standard\"") {
            notes.dropped(&node, why);
        }
    }
    let (dropped, refused) = (DROPPED.map(|verdict| verdict.name), REFUSED.map(|verdict| verdict.name));
    notes.unknown_to(top, &[&TAKEN, &dropped, &refused]);
    Ok(())
}
