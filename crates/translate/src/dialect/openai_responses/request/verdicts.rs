//! The fields that have no effect, and those that are refused because the client would rely on them.

use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;

/// A field that has no effect, or must not be there.
struct Verdict {
    name: &'static str,
    why: &'static str,
}

/// Fields that are left out, and why.
const DROPPED: [Verdict; 9] = [
    Verdict { name: "access_programs", why: "Bedrock has no such programs" },
    Verdict { name: "background_options", why: "Bedrock answers at once" },
    Verdict { name: "client_metadata", why: "Bedrock takes none; `metadata` goes into its log of calls" },
    Verdict { name: "context_management", why: "Bedrock edits no conversation; all of it is sent" },
    Verdict { name: "image", why: "Bedrock changes no pictures" },
    Verdict { name: "max_tool_calls", why: "it counts tools that OpenAI runs, and Bedrock runs none" },
    Verdict { name: "moderation", why: "Bedrock has guardrails in its place" },
    Verdict { name: "safety_identifier", why: "Bedrock has no end-user identifier" },
    Verdict { name: "user", why: "Bedrock has no end-user identifier" },
];

/// Fields that are refused, and why.
const REFUSED: [Verdict; 2] = [
    Verdict { name: "conversation", why: "names a conversation that is kept elsewhere; send its items as `input`" },
    Verdict { name: "prompt", why: "names a template that is kept elsewhere; send its text as `instructions`" },
];

/// Fields that some part of this reader takes.
const TAKEN: [&str; 26] = [
    "background",
    "guardrailConfig",
    "guardrail_config",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "metadata",
    "model",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
];

/// Says what is left out and what is refused.
pub(super) fn read(top: &Object<'_, '_>, notes: &mut Notes) -> Result<(), Fault> {
    for Verdict { name, why } in REFUSED {
        if let Some(node) = top.get(name) {
            return Err(node.unsupported(why));
        }
    }
    if let Some(node) = top.get("background")
        && node.boolean()?
    {
        return Err(node.unsupported("asks for an answer that is fetched later, which Bedrock does not keep"));
    }
    if let Some(node) = top.get("top_logprobs")
        && node.number()? != 0.0
    {
        return Err(node.unsupported("asks for the probabilities of tokens, which Bedrock does not tell"));
    }
    for Verdict { name, why } in DROPPED {
        if let Some(node) = top.get(name) {
            notes.dropped(&node, why);
        }
    }
    for (name, check) in [("include", include as Check), ("truncation", truncation), ("stream_options", stream_options)]
    {
        if let Some(node) = top.get(name) {
            check(&node, notes)?;
        }
    }
    let (dropped, refused) = (DROPPED.map(|verdict| verdict.name), REFUSED.map(|verdict| verdict.name));
    notes.unknown_to(top, &[&TAKEN, &dropped, &refused]);
    Ok(())
}

/// The check of one field.
type Check = fn(&Node<'_, '_>, &mut Notes) -> Result<(), Fault>;

/// Reasoning is sealed into `encrypted_content` in any case; clients ask for more than there is, and never wait for it.
fn include(node: &Node<'_, '_>, notes: &mut Notes) -> Result<(), Fault> {
    for node in node.list()?.each() {
        if node.string()? != "reasoning.encrypted_content" {
            notes.dropped(&node, "Bedrock has nothing of that kind");
        }
    }
    Ok(())
}

fn truncation(node: &Node<'_, '_>, notes: &mut Notes) -> Result<(), Fault> {
    match node.string()?.as_ref() {
        "disabled" => {}
        "auto" => notes.dropped(node, "Bedrock leaves nothing out of a conversation that is too long"),
        _ => return Err(node.invalid("must be `auto` or `disabled`")),
    }
    Ok(())
}

fn stream_options(node: &Node<'_, '_>, notes: &mut Notes) -> Result<(), Fault> {
    let options = node.object()?;
    notes.unknown(&options, &["include_obfuscation", "include_usage"]);
    if let Some(node) = options.get("include_obfuscation").filter(|node| node.raw() != "false") {
        notes.ignored(&node, "events are not padded");
    }
    Ok(())
}
