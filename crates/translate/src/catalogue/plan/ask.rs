//! The client's ask within the operator's limits.

use super::super::entry::{Allowed, Control, Default as Habit, Entry, Off};
use super::super::rules::{ForcedTool, Rules, Wanted};
use super::levels::{budget, from_budget};
use super::{Plan, Situation};
use crate::model::reasoning::{Effort, ReasoningAsk, Switch};
use crate::warning::Warning;

/// The ask that counts: the client's, the operator's default where it said nothing, within the operator's limits.
pub(super) fn ruled(entry: &Entry, situation: &Situation, plan: &mut Plan) -> ReasoningAsk {
    let rules = &situation.rules;
    let mut ask = situation.ask.clone();
    if ask.switch == Switch::Unset && ask.effort.is_none() && entry.can_reason() {
        match rules.default {
            Some(Wanted::Off) => ask.switch = Switch::Off,
            Some(Wanted::Effort(effort)) => (ask.switch, ask.effort) = (Switch::On, Some(effort)),
            None => {}
        }
    }
    if situation.forced_tool && !situation.adjustment.tool_in_words {
        tool_first(entry, rules.forced_tool, &mut ask, plan);
    }
    limit(entry, rules, &mut ask, plan);
    ask
}

/// The largest budget that the operator allows, in either way of saying it.
#[must_use]
pub fn most_budget(rules: &Rules) -> Option<u32> {
    match (rules.most_budget, rules.most_effort.map(budget)) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Lets reasoning give way to a forced tool that excludes it: the client waits for the call. Where it did not ask for
/// reasoning, only a model that does not know to leave it out itself is told.
fn tool_first(entry: &Entry, rule: ForcedTool, ask: &mut ReasoningAsk, plan: &mut Plan) {
    let gives_way = match entry.forced_tool {
        Allowed::Allowed | Allowed::Refused => false,
        _ if ask.wants_reasoning() => rule == ForcedTool::DropReasoning,
        Allowed::InsteadOfReasoning => false,
        Allowed::NotWhileReasoning => entry.default == Habit::On && ask.switch == Switch::Unset,
    };
    if gives_way {
        // One that always reasons is not switched off: it leaves its reasoning out of itself.
        if entry.default != Habit::AlwaysOn {
            (ask.switch, ask.effort) = (Switch::Off, None);
        }
        let why = format!("{} does not reason while a tool is forced, and the tool comes first here", entry.name);
        plan.warnings.push(Warning::reasoning_unavailable(ask.field(), why));
    }
}

fn limit(entry: &Entry, rules: &Rules, ask: &mut ReasoningAsk, plan: &mut Plan) {
    if ask.switch == Switch::Off && ask.effort.is_none() {
        return;
    }
    if let (Switch::Budget(asked), Some(most)) = (ask.switch, most_budget(rules))
        && asked > most
    {
        ask.switch = Switch::Budget(most);
        plan.warnings.push(Warning::changed(ask.field(), format!("the operator allows {most} tokens at most")));
    }
    if let Some(most) = rules.most_effort {
        limit_effort(entry, most, ask, plan);
    }
    within_levels(entry, rules, ask, plan);
}

fn limit_effort(entry: &Entry, most: Effort, ask: &mut ReasoningAsk, plan: &mut Plan) {
    match ask.effort {
        Some(asked) if asked > most => {
            ask.effort = Some(most);
            let why = format!("the operator allows the effort `{}` at most", most.word());
            plan.warnings.push(Warning::changed(ask.effort_field(), why));
        }
        // What the model would do of itself may be more than is allowed.
        None if !matches!(ask.switch, Switch::Budget(_)) => {
            let reasons = matches!(ask.switch, Switch::On | Switch::BetweenTools) || entry.default != Habit::Off;
            if reasons && !entry.efforts.is_empty() && entry.default_effort.unwrap_or(Effort::High) > most {
                ask.effort = Some(most);
            }
        }
        _ => {}
    }
}

/// Without a level within the limit there is no reasoning; a model that always reasons does so at its lowest level.
fn within_levels(entry: &Entry, rules: &Rules, ask: &mut ReasoningAsk, plan: &mut Plan) {
    let budget = rules.most_budget.filter(|_| matches!(ask.switch, Switch::Budget(_))).map(from_budget);
    let most = match (rules.most_effort, budget) {
        (Some(one), Some(other)) => one.min(other),
        (one, other) => match one.or(other) {
            Some(most) => most,
            None => return,
        },
    };
    let Some(least) = entry.efforts.first().copied().filter(|least| *least > most) else { return };
    let why = format!("the operator allows the effort `{}` at most, and {} has no such level", most.word(), entry.name);
    if entry.control == Control::Budget || ask.switch == Switch::Off {
        // The level is said beside a budget, or beside no reasoning.
        if ask.effort.take().is_some() {
            plan.warnings.push(Warning::dropped(ask.effort_field(), why));
        }
        return;
    }
    if !ask.wants_reasoning() && entry.default == Habit::Off {
        return;
    }
    let stuck = entry.off == Off::Impossible || entry.off == Off::Unknown && entry.default != Habit::Off;
    if stuck {
        (ask.switch, ask.effort) = (Switch::On, Some(least));
        let why = format!("{why}; it always reasons, and the lowest effort is asked for");
        plan.warnings.push(Warning::changed(ask.effort_field(), why));
        return;
    }
    // Where nobody knows how to say so, silence says it.
    ask.switch = if entry.off == Off::Unknown { Switch::Unset } else { Switch::Off };
    ask.effort = None;
    plan.warnings.push(Warning::reasoning_unavailable(ask.field(), format!("{why}; it answers without reasoning")));
}
