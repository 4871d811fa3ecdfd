//! What the many conventions for reasoning ask for, as one ask.
//!
//! Anthropic's own words (`thinking`, `output_config`) stand before `reasoning`, that before `reasoning_effort`,
//! and that before the switches of open-weight servers (`enable_thinking`). The first that says whether to reason
//! decides that. It decides how hard too, unless it leaves that open: then the next one may say so. What says otherwise
//! and does not count is named. What stands among the model's own fields counts before all of them.

use crate::dialect::anthropic_words::thinking;
use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::dialect::openai_chat::field::path;
use crate::dialect::own_fields::OwnFields;
use crate::dialect::reasoning_claim::{Claim, combine, contradicted, effort};
use crate::fault::Fault;
use crate::model::reasoning::{Display, ReasoningAsk, Switch};

/// Reads every field that asks for reasoning, or for less of it. The second is the ask without the model's own fields,
/// where they ask anything.
pub(super) fn read(
    top: &Object<'_, '_>,
    own: &OwnFields<'_>,
    notes: &mut Notes,
) -> Result<(ReasoningAsk, Option<ReasoningAsk>), Fault> {
    let mut ask = ReasoningAsk::default();
    let all = [
        thinking(top, &mut ask, notes)?,
        reasoning(top, &mut ask, notes)?,
        reasoning_effort(top, notes)?,
        enable_thinking(top)?,
        chat_template(top, notes)?,
    ];
    if let Some(node) = top.get("include_reasoning") {
        ask.exclude |= !node.boolean()?;
    }
    let beside = (!own.said.is_empty() || !own.unread.is_empty()).then(|| {
        let mut beside = ask.clone();
        all.into_iter().flatten().for_each(|said| combine(&mut beside, said));
        beside
    });
    ask.display = own.display.or(ask.display);
    for said in own.said.iter().copied().chain(all.into_iter().flatten()) {
        combine(&mut ask, said);
        if let Some(param) = contradicted(&said, &ask) {
            notes.passed_over(param, &path(&ask.field()));
        }
    }
    Ok((ask, beside))
}

/// `reasoning`, OpenRouter's object.
fn reasoning(top: &Object<'_, '_>, ask: &mut ReasoningAsk, notes: &mut Notes) -> Result<Option<Claim>, Fault> {
    let Some(node) = top.get("reasoning") else { return Ok(None) };
    let object = node.object()?;
    notes.unknown(&object, &["effort", "max_tokens", "exclude", "enabled", "summary", "generate_summary"]);
    let effort = object.get("effort").map(|node| effort(&node, "reasoning", notes)).transpose()?.flatten();
    let mut said = effort.unwrap_or_else(|| Claim { param: "reasoning", ..Claim::default() });
    said.effort_param = "reasoning.effort";
    if let Some(node) = object.get("max_tokens") {
        said.switch = if node.number()? == 0.0 { Switch::Off } else { Switch::Budget(node.count()?) };
        said.param = "reasoning.max_tokens";
    }
    match object.get("enabled").map(|node| node.boolean()).transpose()? {
        Some(false) => said = Claim { switch: Switch::Off, effort: None, ..said },
        Some(true) if said.switch == Switch::Unset => said.switch = Switch::On,
        _ => {}
    }
    if let Some(node) = object.get("exclude") {
        ask.exclude |= node.boolean()?;
    }
    if let Some(node) = object.get_any(&["summary", "generate_summary"]) {
        node.string()?;
        ask.display = ask.display.or(Some(Display::Summarized));
    }
    Ok(Some(said))
}

fn reasoning_effort(top: &Object<'_, '_>, notes: &mut Notes) -> Result<Option<Claim>, Fault> {
    let Some(node) = top.get("reasoning_effort") else { return Ok(None) };
    effort(&node, "reasoning_effort", notes)
}

fn enable_thinking(top: &Object<'_, '_>) -> Result<Option<Claim>, Fault> {
    top.get("enable_thinking").map(|node| switched(&node, "enable_thinking")).transpose()
}

/// `chat_template_kwargs`, vLLM's.
fn chat_template(top: &Object<'_, '_>, notes: &mut Notes) -> Result<Option<Claim>, Fault> {
    let Some(node) = top.get("chat_template_kwargs") else { return Ok(None) };
    let object = node.object()?;
    notes.unknown(&object, &["enable_thinking", "thinking"]);
    let node = object.get_any(&["enable_thinking", "thinking"]);
    node.map(|node| switched(&node, "chat_template_kwargs.enable_thinking")).transpose()
}

fn switched(node: &Node<'_, '_>, param: &'static str) -> Result<Claim, Fault> {
    let switch = if node.boolean()? { Switch::On } else { Switch::Off };
    Ok(Claim { switch, param, ..Claim::default() })
}
