//! `additionalModelRequestFields`: members for the model's own body, and what they ask of its reasoning.

use crate::dialect::anthropic_words;
use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::dialect::reasoning_claim::Claim;
use crate::fault::Fault;
use crate::limits;
use crate::model::raw::Raw;
use crate::model::reasoning::{Display, Effort, Switch, own};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The vendor fields of a request, read.
#[derive(Default)]
pub(super) struct OwnFields<'a> {
    /// The members, as they came, but for the betas.
    pub(super) members: Vec<(Cow<'a, str>, Raw<'a>)>,
    pub(super) betas: Vec<Cow<'a, str>>,
    /// Their claims on the model's reasoning.
    pub(super) said: Vec<Claim>,
    pub(super) display: Option<Display>,
    /// They switch the reasoning, beside saying how hard to work.
    pub(super) switches: bool,
    /// The name of a member that switches reasoning, and whose value nobody can read.
    pub(super) unread: Vec<Cow<'a, str>>,
    /// They force the call of a tool.
    pub(super) forces_tool: bool,
    /// There are any members at all.
    pub(super) present: bool,
}

/// Reads the members under either spelling of the field; of a member under both, the first counts.
pub(super) fn read<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<OwnFields<'a>, Fault> {
    let mut fields = OwnFields::default();
    let mut known = BTreeSet::new();
    for spelling in ["additionalModelRequestFields", "additional_model_request_fields"] {
        let Some(node) = top.get(spelling) else { continue };
        node.raw_object()?;
        let object = node.object()?;
        fields.present |= !object.is_empty();
        limits::at_most(spelling, object.len(), notes.limits.members, "members", "--max-members")?;
        for (name, node) in object.once() {
            if !known.insert(name.clone()) {
                notes.ignored(&node, "it stands under the other spelling of the field too");
            } else if name == "anthropic_beta" {
                fields.betas.extend(anthropic_words::betas(&node, notes)?);
            } else {
                fields.take(&name, &node);
                fields.members.push((name, Raw::from_json(node.raw())));
            }
        }
    }
    Ok(fields)
}

impl<'a> OwnFields<'a> {
    fn take(&mut self, name: &str, node: &Node<'a, '_>) {
        if own::is_tool_choice(name) {
            self.forces_tool |= forces(node);
        }
        if !own::is_switch(name) {
            return;
        }
        let Some(said) = self.said(name, node) else {
            self.unread.push(Cow::Owned(name.to_owned()));
            return;
        };
        self.switches |= own::plain(name) != "outputconfig";
        self.said.push(said);
    }

    /// Reads the claim of one member; `None` when it cannot be read.
    fn said(&mut self, name: &str, node: &Node<'a, '_>) -> Option<Claim> {
        let (param, within) = match own::plain(name).as_str() {
            "thinking" => ("additionalModelRequestFields.thinking", None),
            "reasoning" => ("additionalModelRequestFields.reasoning", None),
            "reasoningeffort" => ("additionalModelRequestFields.reasoning_effort", None),
            "reasoningconfig" => ("additionalModelRequestFields.reasoningConfig", None),
            "outputconfig" => ("additionalModelRequestFields.output_config", None),
            "enablethinking" => ("additionalModelRequestFields.enable_thinking", None),
            "chattemplatekwargs" => {
                ("additionalModelRequestFields.chat_template_kwargs", Some(["enable_thinking", "thinking"]))
            }
            _ => return None,
        };
        if let Some(names) = within {
            let object = node.object().ok()?;
            return value(&object.get_any(&names)?, param);
        }
        if own::plain(name) == "outputconfig" {
            let word = node.object().ok()?.get("effort")?.string().ok()?.to_ascii_lowercase();
            let effort = Some(Effort::from_word(&word)?);
            return Some(Claim { switch: Switch::Unset, effort, param, effort_param: param });
        }
        if let Ok(object) = node.object()
            && let Some(shown) = object.get("display")
        {
            self.display = match shown.string().as_deref() {
                Ok("summarized") => Some(Display::Summarized),
                Ok("omitted") => Some(Display::Omitted),
                _ => self.display,
            };
        }
        value(node, param)
    }
}

/// A switch in any of its forms: a word, a boolean, an object with a type, a budget or an effort.
fn value(node: &Node<'_, '_>, param: &'static str) -> Option<Claim> {
    let said = Claim { param, effort_param: param, ..Claim::default() };
    if let Ok(on) = node.boolean() {
        return Some(Claim { switch: if on { Switch::On } else { Switch::Off }, ..said });
    }
    if let Ok(word) = node.string() {
        return word_says(&word, said);
    }
    let object = node.object().ok()?;
    let kind = object.get("type").map(|kind| kind.string().ok()).map_or(Some(None), |kind| kind.map(Some))?;
    let enabled = object.get("enabled").map(|node| node.boolean().ok()).map_or(Some(None), |on| on.map(Some))?;
    let budget = object.get_any(&["budget_tokens", "budgetTokens", "max_tokens", "maxTokens"]);
    let budget = budget.map(|node| node.count().ok()).map_or(Some(None), |tokens| tokens.map(Some))?;
    let efforts = ["effort", "maxReasoningEffort", "max_reasoning_effort", "reasoning_effort", "reasoningEffort"];
    let mut said = match object.get_any(&efforts) {
        Some(node) => word_says(&node.string().ok()?, said)?,
        None => said,
    };
    match kind.as_deref() {
        Some("disabled") => return Some(Claim { switch: Switch::Off, effort: None, ..said }),
        Some("between_tools") => said.switch = Switch::BetweenTools,
        Some("enabled" | "adaptive" | "auto") if said.switch == Switch::Unset => said.switch = Switch::On,
        None | Some("enabled" | "adaptive" | "auto") => {}
        Some(_) => return None,
    }
    match (enabled, budget) {
        (Some(false), _) => return Some(Claim { switch: Switch::Off, effort: None, ..said }),
        (_, Some(tokens)) if kind.as_deref() != Some("adaptive") => said.switch = Switch::Budget(tokens),
        (Some(true), _) if said.switch == Switch::Unset => said.switch = Switch::On,
        _ => {}
    }
    (said.switch != Switch::Unset || said.effort.is_some()).then_some(said)
}

fn word_says(word: &str, said: Claim) -> Option<Claim> {
    let on = Claim { switch: Switch::On, ..said };
    Some(match word.to_ascii_lowercase().as_str() {
        "none" | "disabled" | "off" => Claim { switch: Switch::Off, ..said },
        "auto" | "default" | "enabled" | "adaptive" | "on" => on,
        known => Claim { effort: Some(Effort::from_word(known)?), ..on },
    })
}

/// Whether a tool choice in the vendor's own words forces a call.
fn forces(node: &Node<'_, '_>) -> bool {
    let word = match node.object() {
        Ok(object) => object.get("type").and_then(|kind| kind.string().ok()),
        Err(_) => node.string().ok(),
    };
    matches!(word.as_deref(), Some("any" | "tool" | "required" | "function"))
}
