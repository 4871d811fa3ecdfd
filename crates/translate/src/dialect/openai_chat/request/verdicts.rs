//! The fields that have no effect, and those that are refused because the client would rely on them.

use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;

/// Fields that are accepted without effect, and why.
const IGNORED: [(&str, &str); 7] = [
    ("seed", "Bedrock's Converse API has no seed"),
    ("user", "Bedrock's Converse API has no end-user identifier"),
    ("safety_identifier", "Bedrock's Converse API has no end-user identifier"),
    ("prompt_cache_key", "Bedrock's Converse API has no cache key"),
    ("prediction", "Bedrock's Converse API takes no predicted output"),
    ("verbosity", "Bedrock's Converse API has no verbosity"),
    ("store", "nothing is stored"),
];

/// Every field that some part of this reader knows.
const KNOWN: &[&str] = &[
    "additionalModelRequestFields",
    "additional_model_request_fields",
    "anthropic_beta",
    "audio",
    "best_of",
    "chat_template_kwargs",
    "echo",
    "enable_thinking",
    "extra_body",
    "frequency_penalty",
    "function_call",
    "functions",
    "guardrailConfig",
    "guardrail_config",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "moderation",
    "n",
    "output_config",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "prompt_logprobs",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "suffix",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
    "usage",
    "user",
    "verbosity",
    "web_search_options",
];

/// Says what is ignored and what is refused.
pub(super) fn read(top: &Object<'_, '_>, notes: &mut Notes) -> Result<(), Fault> {
    refuse(top)?;
    moderation(top, notes)?;
    for (name, why) in IGNORED {
        if let Some(node) = top.get(name).filter(|node| name != "store" || node.raw() != "false") {
            notes.ignored(&node, why);
        }
    }
    for name in ["frequency_penalty", "presence_penalty"] {
        if let Some(node) = top.get(name)
            && node.number()? != 0.0
        {
            notes.ignored(&node, "Bedrock's Converse API has no penalties");
        }
    }
    notes.unknown(top, KNOWN);
    Ok(())
}

fn refuse(top: &Object<'_, '_>) -> Result<(), Fault> {
    if let Some(node) = top.get("n")
        && node.count()? > 1
    {
        return Err(node.unsupported(
            "must be 1: Bedrock gives one answer to a request; send the request as often as answers are wanted",
        ));
    }
    evaluation(top)?;
    if let Some(node) = top.get("logit_bias")
        && !node.object()?.is_empty()
    {
        return Err(node.unsupported(
            "asks for a bias of single tokens, which Bedrock does not have; say in the prompt which words are wanted",
        ));
    }
    if let Some(node) = top.get("audio") {
        return Err(node.unsupported("asks for an answer in sound, which Bedrock does not give"));
    }
    if let Some(node) = top.get("web_search_options") {
        return Err(node.unsupported("asks for a web search, which Bedrock does not have"));
    }
    top.get("modalities").map_or(Ok(()), |node| modalities(&node))
}

/// Refuses the fields of tools that evaluate models, such as `logprobs`: they would trust in what they got.
fn evaluation(top: &Object<'_, '_>) -> Result<(), Fault> {
    // The older API counts them, the newer one says whether; no number is as good as `false`.
    let asked = |node: &Node<'_, '_>| match node.raw() {
        "true" | "false" => node.boolean(),
        _ => node.number().map(|number| number != 0.0),
    };
    for name in ["logprobs", "top_logprobs", "prompt_logprobs"] {
        if let Some(node) = top.get(name)
            && asked(&node)?
        {
            return Err(node.unsupported(
                "asks for log probabilities, which Bedrock does not give; leave it out, and score what the model writes \
                 (a task that generates text) instead of how likely it is",
            ));
        }
    }
    if let Some(node) = top.get("echo")
        && node.boolean()?
    {
        return Err(node.unsupported("asks for the prompt in the answer, which Bedrock does not give; leave it out, and put the prompt before the answer where it is needed"));
    }
    if let Some(node) = top.get("best_of")
        && node.count()? > 1
    {
        return Err(
            node.unsupported("must be 1: Bedrock gives one answer to a request; send several and choose among them")
        );
    }
    if let Some(node) = top.get("suffix")
        && !node.text()?.is_empty()
    {
        return Err(
            node.unsupported("asks to fill a gap, which Bedrock does not do; say in the prompt what comes after it")
        );
    }
    Ok(())
}

fn modalities(node: &Node<'_, '_>) -> Result<(), Fault> {
    for kind in node.list()?.each() {
        if kind.string()? != "text" {
            return Err(node.unsupported("must be [\"text\"]: Bedrock answers in text"));
        }
    }
    Ok(())
}

/// A client that asks for blocking trusts in it, so it is told; scores are only missed.
fn moderation(top: &Object<'_, '_>, notes: &mut Notes) -> Result<(), Fault> {
    let Some(node) = top.get("moderation") else { return Ok(()) };
    let object = node.object()?;
    let policy = object.get("policy").map(|policy| policy.object()).transpose()?;
    let sides = policy.iter().flat_map(|policy| ["input", "output"].into_iter().filter_map(|side| policy.get(side)));
    let sides: Vec<Object<'_, '_>> = sides.map(|side| side.object()).collect::<Result<_, _>>()?;
    for object in sides.iter().chain([&object]) {
        if let Some(mode) = object.get("mode")
            && mode.string()? == "block"
        {
            return Err(mode.unsupported("asks to block unsafe content; use a Bedrock guardrail (`guardrailConfig`)"));
        }
    }
    notes.ignored(&node, "Bedrock gives no moderation scores");
    Ok(())
}
