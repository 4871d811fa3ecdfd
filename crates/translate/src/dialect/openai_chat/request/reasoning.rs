//! What the many conventions for reasoning ask for, as one ask.
//!
//! Anthropic's own words (`thinking`, `output_config`) stand before `reasoning`, that before `reasoning_effort`,
//! and that before the switches of open-weight servers (`enable_thinking`). The first that says whether to reason
//! decides that. It decides how hard too, unless it leaves that open: then the next one may say so. What says otherwise
//! and does not count is named. What stands among the model's own fields counts before all of them.

use super::fields::{Node, Object};
use super::notes::Notes;
use super::own_fields::OwnFields;
use super::said::Said;
use crate::fault::Fault;
use crate::model::field_ref::FieldRef;
use crate::model::reasoning::{Display, Effort, ReasoningAsk, Switch};

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
            notes.passed_over(param, &ask.field());
        }
    }
    Ok((ask, beside))
}

fn combine(ask: &mut ReasoningAsk, said: Said) {
    let decided = ask.switch != Switch::Unset;
    let open = !decided || ask.switch == Switch::On && ask.effort.is_none() && said.switch != Switch::Off;
    if !decided || open && matches!(said.switch, Switch::Budget(_)) {
        ask.switch = said.switch;
    }
    if open && ask.effort.is_none() && said.effort.is_some() {
        (ask.effort, ask.effort_field) = (said.effort, field(said.effort_param));
    }
    ask.field = ask.field.take().or_else(|| field(said.param));
}

fn field(path: &'static str) -> Option<FieldRef> {
    (!path.is_empty()).then(|| FieldRef::own(path))
}

/// The field that says otherwise than what counts, if one does.
fn contradicted(said: &Said, ask: &ReasoningAsk) -> Option<&'static str> {
    let switch = match said.switch {
        Switch::Unset => false,
        Switch::Off => ask.switch != Switch::Off,
        Switch::On | Switch::BetweenTools => ask.switch == Switch::Off,
        Switch::Budget(_) => said.switch != ask.switch,
    };
    let effort = said.effort.is_some() && said.effort != ask.effort;
    match (switch, effort) {
        (true, _) => Some(said.param),
        (false, true) if !said.effort_param.is_empty() => Some(said.effort_param),
        (false, true) => Some(said.param),
        (false, false) => None,
    }
}

/// `thinking` and `output_config`, Anthropic's.
fn thinking(top: &Object<'_, '_>, ask: &mut ReasoningAsk, notes: &mut Notes) -> Result<Option<Said>, Fault> {
    let mut said = None;
    if let Some(node) = top.get("output_config") {
        let config = node.object()?;
        notes.unknown(&config, &["effort"]);
        let effort = config.get("effort").map(|node| effort(&node, "output_config", notes)).transpose()?.flatten();
        let effort_param = "output_config.effort";
        said = effort.map(|effort| Said { switch: Switch::Unset, effort_param, ..effort });
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

/// `reasoning`, OpenRouter's object.
fn reasoning(top: &Object<'_, '_>, ask: &mut ReasoningAsk, notes: &mut Notes) -> Result<Option<Said>, Fault> {
    let Some(node) = top.get("reasoning") else { return Ok(None) };
    let object = node.object()?;
    notes.unknown(&object, &["effort", "max_tokens", "exclude", "enabled", "summary", "generate_summary"]);
    let effort = object.get("effort").map(|node| effort(&node, "reasoning", notes)).transpose()?.flatten();
    let mut said = effort.unwrap_or_else(|| Said { param: "reasoning", ..Said::default() });
    said.effort_param = "reasoning.effort";
    if let Some(node) = object.get("max_tokens") {
        said.switch = if node.number()? == 0.0 { Switch::Off } else { Switch::Budget(node.count()?) };
        said.param = "reasoning.max_tokens";
    }
    match object.get("enabled").map(|node| node.boolean()).transpose()? {
        Some(false) => said = Said { switch: Switch::Off, effort: None, ..said },
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

fn reasoning_effort(top: &Object<'_, '_>, notes: &mut Notes) -> Result<Option<Said>, Fault> {
    let Some(node) = top.get("reasoning_effort") else { return Ok(None) };
    effort(&node, "reasoning_effort", notes)
}

/// An effort in words. A word from a vocabulary newer than ours still asks for reasoning: it asks for as much as
/// the model sees fit, with a warning, because a hint is no reason to fail.
fn effort(node: &Node<'_, '_>, param: &'static str, notes: &mut Notes) -> Result<Option<Said>, Fault> {
    let word = node.string()?;
    let on = Said { switch: Switch::On, param, ..Said::default() };
    Ok(Some(match word.to_ascii_lowercase().as_str() {
        "" => return Ok(None),
        "none" => Said { switch: Switch::Off, ..on },
        "auto" | "default" => on,
        known => {
            let effort = Effort::from_word(known);
            if effort.is_none() {
                notes.changed(node, "unknown effort; the model's own is used");
            }
            Said { effort, ..on }
        }
    }))
}

fn enable_thinking(top: &Object<'_, '_>) -> Result<Option<Said>, Fault> {
    top.get("enable_thinking").map(|node| switched(&node, "enable_thinking")).transpose()
}

/// `chat_template_kwargs`, vLLM's.
fn chat_template(top: &Object<'_, '_>, notes: &mut Notes) -> Result<Option<Said>, Fault> {
    let Some(node) = top.get("chat_template_kwargs") else { return Ok(None) };
    let object = node.object()?;
    notes.unknown(&object, &["enable_thinking", "thinking"]);
    let node = object.get_any(&["enable_thinking", "thinking"]);
    node.map(|node| switched(&node, "chat_template_kwargs.enable_thinking")).transpose()
}

fn switched(node: &Node<'_, '_>, param: &'static str) -> Result<Said, Fault> {
    let switch = if node.boolean()? { Switch::On } else { Switch::Off };
    Ok(Said { switch, param, ..Said::default() })
}
