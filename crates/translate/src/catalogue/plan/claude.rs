//! The switches of Claude: a budget of tokens for the older models, an adaptive mode for the newer ones.

use super::super::entry::{Allowed, Control, Default as Habit, Entry, Interleaved, Off};
use super::levels::{budget, from_budget, nearest};
use super::{MaxTokens, OpenLoop, Plan, Situation};
use crate::fault::Fault;
use crate::model::reasoning::{Display, Effort, ReasoningAsk, Switch};
use crate::warning::Warning;
use serde_json::{Map, Value, json};

/// The least budget that a model takes (bedrock-runtime, "Extended thinking").
const LEAST_BUDGET: u32 = 1024;
/// The budget of a client that wants reasoning and does not say how much.
const USUAL_BUDGET: u32 = 4096;
/// What lets a model with a budget take an effort too (Claude Opus 4.5, "Effort").
const EFFORT_BETA: &str = "effort-2025-11-24";
/// Above this limit the service wants to stream (bedrock-runtime, "Extended thinking").
pub(super) const MOST_WITHOUT_STREAM: u32 = 21_333;

/// Sets the switch, or leaves it as the model has it.
pub(super) fn switch(entry: &Entry, situation: &Situation, plan: &mut Plan) -> Result<(), Fault> {
    let ask = &situation.ask;
    plan.on = entry.default != Habit::Off;
    if ask.switch == Switch::Off {
        switch_off(entry, situation, plan);
    } else if entry.control == Control::Budget {
        if ask.wants_reasoning() {
            by_budget(entry, situation, plan)?;
        }
    } else if ask.wants_reasoning() || plan.on {
        adaptive(entry, ask, situation, plan);
    }
    if !plan.on && !ask.wants_reasoning() && ask.switch != Switch::Off {
        words_of_effort(entry, situation, plan);
    }
    if situation.prefill && (entry.prefill == Allowed::Refused || plan.on && entry.prefill != Allowed::Allowed) {
        return Err(Fault::unsupported(
            "messages",
            format!(
                "{} takes no conversation that ends with a message of the assistant; end with one of the user",
                entry.name
            ),
        ));
    }
    Ok(())
}

fn switch_off(entry: &Entry, situation: &Situation, plan: &mut Plan) {
    let ask = &situation.ask;
    match entry.off {
        Off::Disabled => plan.fields.push(("thinking", json!({ "type": "disabled" }))),
        Off::BetweenTools => {
            plan.fields.push(("thinking", json!({ "type": "between_tools" })));
            let why =
                format!("{} can be kept from thinking before its answer only, not between tool calls", entry.name);
            plan.warnings.push(Warning::changed(ask.param, why));
        }
        Off::Impossible => {
            adaptive(entry, &ReasoningAsk { effort: Some(Effort::Low), ..ask.clone() }, situation, plan);
            let why = format!("{} always reasons; the lowest effort is asked for", entry.name);
            plan.warnings.push(Warning::changed(ask.param, why));
            return;
        }
        _ => {}
    }
    plan.on = false;
    words_of_effort(entry, situation, plan);
}

/// The effort without reasoning: how hard to work on the answer.
fn words_of_effort(entry: &Entry, situation: &Situation, plan: &mut Plan) {
    let (ask, amend) = (&situation.ask, situation.amend);
    let Some(wanted) = ask.effort else { return };
    let most = entry.largest_effort_when_off.unwrap_or(Effort::Max);
    if let Some(level) = nearest(entry, wanted.min(most), amend) {
        effort_field(entry, ask, wanted, level, plan);
    }
}

fn effort_field(entry: &Entry, ask: &ReasoningAsk, wanted: Effort, level: Effort, plan: &mut Plan) {
    plan.fields.push(("output_config", json!({ "effort": level.word() })));
    if level != wanted {
        let why = format!("{} has no effort `{}` here; `{}` is asked for", entry.name, wanted.word(), level.word());
        plan.warnings.push(Warning::changed(ask.param, why));
    }
}

fn adaptive(entry: &Entry, ask: &ReasoningAsk, situation: &Situation, plan: &mut Plan) {
    let amend = situation.amend;
    plan.on = true;
    warn_of_lost_loop(entry, situation, plan);
    if ask.switch == Switch::BetweenTools && entry.off == Off::BetweenTools {
        plan.fields.push(("thinking", json!({ "type": "between_tools" })));
        return;
    }
    let mut thinking = Map::new();
    thinking.insert("type".to_owned(), json!("adaptive"));
    if entry.display {
        let shown = match ask.display {
            Some(Display::Omitted) => "omitted",
            _ if ask.exclude => "omitted",
            _ => "summarized",
        };
        thinking.insert("display".to_owned(), json!(shown));
    }
    if amend.drop_mismatched && entry.bound {
        thinking.insert("block_binding".to_owned(), json!({ "prefix_mismatch_behavior": "drop_block" }));
        plan.betas.push("thinking-binding-controls-2026-08-01");
    }
    plan.fields.push(("thinking", Value::Object(thinking)));
    let wanted = match (ask.effort, ask.switch) {
        (Some(effort), _) => Some(effort),
        (None, Switch::Budget(tokens)) => Some(from_budget(tokens)),
        (None, _) => None,
    };
    if let Some(wanted) = wanted
        && let Some(level) = nearest(entry, wanted, amend)
    {
        if matches!((ask.effort, ask.switch), (None, Switch::Budget(_))) {
            plan.fields.push(("output_config", json!({ "effort": level.word() })));
            let why = format!("{} takes levels and no budget; `{}` is asked for", entry.name, level.word());
            plan.warnings.push(Warning::changed(ask.param, why));
        } else {
            effort_field(entry, ask, wanted, level, plan);
        }
    }
}

/// The model takes the loop without its thoughts, but thinks no more in it (seen live on Claude 4.6).
fn warn_of_lost_loop(entry: &Entry, situation: &Situation, plan: &mut Plan) {
    if situation.open_loop == OpenLoop::Lost && situation.ask.wants_reasoning() {
        let why = format!(
            "the running tool calls came back without their signed reasoning; {} may not think again before they end",
            entry.name
        );
        plan.warnings.push(Warning::reasoning_unavailable(situation.ask.param, why));
    }
}

fn by_budget(entry: &Entry, situation: &Situation, plan: &mut Plan) -> Result<(), Fault> {
    let ask = &situation.ask;
    if situation.open_loop == OpenLoop::Lost {
        let why = "the running tool calls came back without their signed reasoning, which the model wants to see; it goes \
                   on without";
        plan.warnings.push(Warning::reasoning_unavailable(ask.param, why));
        plan.on = false;
        return Ok(());
    }
    let (wanted, explicit) = match (ask.switch, ask.effort) {
        (Switch::Budget(tokens), _) => (tokens, true),
        (_, Some(effort)) => (budget(effort), false),
        (_, None) => (USUAL_BUDGET, false),
    };
    let wanted = wanted.min(super::ask::most_budget(&situation.rules).unwrap_or(u32::MAX));
    let longer = situation.has_tools && entry.interleaved == Interleaved::Beta && ask.interleaved;
    let room = situation.max_tokens.or(entry.max_output_tokens).map_or(u32::MAX, |limit| limit.saturating_sub(1));
    if explicit && wanted < LEAST_BUDGET {
        let message = format!("the budget must be at least {LEAST_BUDGET} tokens, and is {wanted}");
        return Err(Fault::invalid(ask.param, message));
    }
    if explicit && situation.max_tokens.is_some() && wanted > room && !longer {
        let message = format!(
            "the budget ({wanted}) must be less than {} ({})",
            situation.max_tokens_param,
            room.saturating_add(1)
        );
        return Err(Fault::invalid(ask.param, message));
    }
    if room < LEAST_BUDGET && !longer {
        let why = format!("{} leaves no room for the least budget, {LEAST_BUDGET} tokens", situation.max_tokens_param);
        plan.warnings.push(Warning::reasoning_unavailable(ask.param, why));
        plan.on = false;
        return Ok(());
    }
    let tokens = if longer { wanted.max(LEAST_BUDGET) } else { wanted.clamp(LEAST_BUDGET, room) };
    if tokens != wanted {
        let limit =
            if situation.max_tokens.is_some() { situation.max_tokens_param } else { "the model's largest answer" };
        let why = format!("the budget that it stands for was cut to {tokens} tokens by {limit}");
        plan.warnings.push(Warning::changed(ask.param, why));
    }
    if situation.max_tokens.is_none() {
        let filled = if let MaxTokens::Set(filled) = plan.max_tokens { filled } else { 0 };
        let with_answer = tokens.saturating_add(USUAL_BUDGET).min(room.saturating_add(1));
        plan.max_tokens = MaxTokens::Set(filled.max(with_answer));
    }
    plan.fields.push(("thinking", json!({ "type": "enabled", "budget_tokens": tokens })));
    plan.on = true;
    if let Some(effort) = ask.effort
        && let Some(level) = nearest(entry, effort, situation.amend)
    {
        plan.fields.push(("output_config", json!({ "effort": level.word() })));
        plan.betas.push(EFFORT_BETA);
    }
    Ok(())
}
