//! Claims of a request's fields on the model's reasoning, and their combination into one ask.

use super::json::Node;
use super::notes::Notes;
use crate::fault::Fault;
use crate::model::field_ref::FieldRef;
use crate::model::reasoning::{Effort, ReasoningAsk, Switch};

/// The claim of one field on the model's reasoning.
#[derive(Clone, Copy, Default)]
pub(super) struct Claim {
    pub(super) switch: Switch,
    pub(super) effort: Option<Effort>,
    pub(super) param: &'static str,
    /// The field that says how hard, where that is another one.
    pub(super) effort_param: &'static str,
}

pub(super) fn combine(ask: &mut ReasoningAsk, said: Claim) {
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
pub(super) fn contradicted(said: &Claim, ask: &ReasoningAsk) -> Option<&'static str> {
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

/// An effort in words. A word from a vocabulary newer than ours still asks for reasoning: it asks for as much as
/// the model sees fit, with a warning, because a hint is no reason to fail.
pub(super) fn effort(node: &Node<'_, '_>, param: &'static str, notes: &mut Notes) -> Result<Option<Claim>, Fault> {
    let word = node.string()?;
    let on = Claim { switch: Switch::On, param, ..Claim::default() };
    Ok(Some(match word.to_ascii_lowercase().as_str() {
        "" => return Ok(None),
        "none" => Claim { switch: Switch::Off, ..on },
        "auto" | "default" => on,
        known => {
            let effort = Effort::from_word(known);
            if effort.is_none() {
                notes.changed(node, "unknown effort; the model's own is used");
            }
            Claim { effort, ..on }
        }
    }))
}
