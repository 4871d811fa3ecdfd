//! The words of Anthropic's Messages API that clients of other dialects use too: `thinking` blocks, `cache_control`,
//! `thinking` and `output_config` of a request, and betas.

use super::json::{Node, Object};
use super::media;
use super::notes::Notes;
use super::openai_responses::seal_keys::is_sealed;
use super::reasoning_claim::{Claim, effort};
use super::seal;
use crate::fault::Fault;
use crate::limits::{self, Limits};
use crate::model::issuer::Issuer;
use crate::model::reasoning::{Display, ReasoningAsk, Switch};
use crate::model::request::{Block, CacheTtl, Request};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The beta of Anthropic's that lets a model think between tool calls.
const INTERLEAVED: &str = "interleaved-thinking-2025-05-14";

/// `{"type": "thinking", "thinking": ..., "signature": ...}`, Anthropic's form.
pub(super) fn thinking_block<'a>(part: &Object<'a, '_>) -> Result<Option<Block<'a>>, Fault> {
    let text = part.get("thinking").map(|text| text.text()).transpose()?.unwrap_or_default();
    let signature = part.get("signature").map(|signature| signature.text()).transpose()?;
    let signature = signature.filter(|signature| !signature.is_empty()).map(seal::unmarked);
    let (signature, issuer) = match signature {
        Some((signature, issuer)) => (Some(signature), issuer),
        None => (None, Issuer::default()),
    };
    Ok((!text.is_empty() || signature.is_some()).then_some(Block::Reasoning { text, signature, issuer }))
}

/// `{"type": "redacted_thinking", "data": ...}`, Anthropic's form.
pub(super) fn redacted_block<'a>(part: &Object<'a, '_>, notes: &mut Notes) -> Result<Option<Block<'a>>, Fault> {
    let data = part.need("data")?;
    sealed(&data, notes)
}

/// Reasoning that only its provider can read. What is not base64 cannot have come from Bedrock, and is left out.
pub(super) fn sealed<'a>(data: &Node<'a, '_>, notes: &mut Notes) -> Result<Option<Block<'a>>, Fault> {
    let (text, issuer) = seal::unmarked(data.text()?);
    // A seal of Responses that its client carried into this dialect is opened later.
    if media::is_base64(&text.plain()) || is_sealed(&text.plain()) {
        return Ok(Some(Block::Redacted { data: text, issuer }));
    }
    notes.dropped(data, "it is not base64, so it did not come from Bedrock");
    Ok(None)
}

/// Reads `cache_control` (Anthropic's) and `prompt_cache_breakpoint` (OpenAI's) of a part, a message or a tool.
pub(super) fn cache_point(object: &Object<'_, '_>, notes: &mut Notes) -> Result<Option<Option<CacheTtl>>, Fault> {
    if let Some(node) = object.get("cache_control") {
        let control = node.object()?;
        notes.unknown(&control, &["type", "ttl", "scope"]);
        let kind = control.need("type")?;
        if kind.string()? != "ephemeral" {
            notes.ignored(&kind, "only `ephemeral` is known");
            return Ok(None);
        }
        let Some(ttl) = control.get("ttl") else { return Ok(Some(None)) };
        let known = time_to_live(&ttl.string()?);
        if known.is_none() {
            notes.changed(&ttl, "only `5m` and `1h` are known; 5 minutes are used");
        }
        return Ok(Some(known));
    }
    if let Some(node) = object.get("prompt_cache_breakpoint") {
        node.object()?;
        return Ok(Some(None));
    }
    Ok(None)
}

/// The shortest time that Bedrock offers and that is not shorter than the word says.
pub(super) fn time_to_live(word: &str) -> Option<CacheTtl> {
    match word {
        "5m" => Some(CacheTtl::FiveMinutes),
        "30m" | "1h" => Some(CacheTtl::OneHour),
        _ => None,
    }
}

/// `thinking` and `output_config`, Anthropic's.
pub(super) fn thinking(
    top: &Object<'_, '_>,
    ask: &mut ReasoningAsk,
    notes: &mut Notes,
) -> Result<Option<Claim>, Fault> {
    let mut said = None;
    if let Some(node) = top.get("output_config") {
        let config = node.object()?;
        notes.unknown(&config, &["effort"]);
        let effort = config.get("effort").map(|node| effort(&node, "output_config", notes)).transpose()?.flatten();
        let effort_param = "output_config.effort";
        said = effort.map(|effort| Claim { switch: Switch::Unset, effort_param, ..effort });
    }
    let Some(node) = top.get("thinking") else { return Ok(said) };
    let mut said = said.unwrap_or_default();
    let thinking = node.object()?;
    notes.unknown(&thinking, &["type", "budget_tokens", "display"]);
    let kind = thinking.need("type")?;
    let budget = thinking.get("budget_tokens");
    said.param = "thinking";
    said.switch = match (kind.string()?.as_ref(), &budget) {
        ("enabled", Some(budget)) => {
            said.param = "thinking.budget_tokens";
            Switch::Budget(budget.count()?)
        }
        ("enabled", None) => Switch::On,
        // `auto` is the word of some open-weight servers.
        ("adaptive" | "auto", _) => Switch::On,
        ("disabled", _) => Switch::Off,
        ("between_tools", _) => Switch::BetweenTools,
        _ => return Err(kind.invalid("must be `enabled`, `adaptive`, `disabled` or `between_tools`")),
    };
    if let Some(budget) = budget.filter(|_| !matches!(said.switch, Switch::Budget(_))) {
        notes.ignored(&budget, "only `enabled` has a budget");
    }
    if let Some(node) = thinking.get("display") {
        ask.display = match node.string()?.as_ref() {
            "summarized" => Some(Display::Summarized),
            "omitted" => Some(Display::Omitted),
            _ => {
                notes.ignored(&node, "only `summarized` and `omitted` are known");
                None
            }
        };
    }
    Ok(Some(said))
}

/// Adds the betas of headers, each with names between commas.
///
/// # Errors
///
/// Headers that are too long, and too many betas.
pub(super) fn add_betas<'h>(
    request: &mut Request<'_>,
    headers: impl Iterator<Item = &'h str> + Clone,
    limits: &Limits,
) -> Result<(), Fault> {
    for header in headers.clone() {
        limits::at_most("anthropic-beta", header.len(), limits.header_bytes, "bytes", "--max-header-bytes")?;
    }
    let names = headers.flat_map(|header| header.split(',')).map(str::trim).filter(|name| !name.is_empty());
    let mut known: BTreeSet<Cow<'_, str>> = request.betas.iter().cloned().collect();
    for name in names {
        if known.insert(Cow::Borrowed(name)) {
            request.betas.push(Cow::Owned(name.to_owned()));
        }
    }
    request.reasoning.interleaved = interleaved(&request.betas);
    limits::at_most("anthropic-beta", request.betas.len(), limits.betas, "betas", "--max-betas")
}

pub(super) fn interleaved(betas: &[Cow<'_, str>]) -> bool {
    betas.iter().any(|beta| beta == INTERLEAVED)
}

/// `anthropic_beta`: an array, or a string with commas.
pub(super) fn betas<'a>(node: &Node<'a, '_>, notes: &Notes) -> Result<Vec<Cow<'a, str>>, Fault> {
    let within = |count| limits::at_most(&node.at.to_string(), count, notes.limits.betas, "betas", "--max-betas");
    if node.is_list() {
        let list = node.list()?;
        within(list.len())?;
        return list.each().map(|node| node.string()).collect();
    }
    let all = node.string().map_err(|_| node.wrong("an array of strings or a string"))?;
    within(all.split(',').count())?;
    let names = all.split(',').map(str::trim).filter(|name| !name.is_empty());
    Ok(names.map(|name| Cow::Owned(name.to_owned())).collect())
}
