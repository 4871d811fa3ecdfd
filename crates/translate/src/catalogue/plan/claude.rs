//! The switches of Claude: a budget of tokens for the older models, an adaptive mode for the newer ones.

use super::super::entry::{Allowed, Control, Default as Habit, Entry, Interleaved, Off};
use super::levels::{budget, from_budget, lowered, nearest, share};
use super::{MaxTokens, OpenLoop, Plan, Situation};
use crate::fault::Fault;
use crate::model::field_ref::{FieldRef, NAME};
use crate::model::reasoning::{Display, Effort, ReasoningAsk, Switch};
use crate::warning::Warning;
use serde_json::{Map, Value, json};

/// The least budget that a model takes when its row does not say (bedrock-runtime, "Extended thinking").
const LEAST_BUDGET: u32 = 1024;
/// The budget of a client that wants reasoning and does not say how much.
const USUAL_BUDGET: u32 = 4096;
/// The tokens that an answer needs behind its reasoning.
const ANSWER: u32 = 4096;
/// The beta with which a model with a budget takes an effort too (Claude Opus 4.5, "Effort").
const EFFORT_BETA: &str = "effort-2025-11-24";
/// The beta with which a model shows what it is doing in place of its thoughts.
const UPDATES_BETA: &str = "thinking-display-updates-2026-08-18";
/// The name for the limit of tokens, where the client did not set it by a field.
const ANSWERS_LIMIT: &str = "the answer's limit";
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
            FieldRef::Conversation,
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
            plan.warnings.push(Warning::changed(ask.field(), why));
            plan.on = true;
            words_of_effort(entry, situation, plan);
            return;
        }
        Off::Impossible => {
            let least = entry.efforts.first().copied();
            adaptive(entry, &ReasoningAsk { effort: least, ..ask.clone() }, situation, plan);
            let instead = if least.is_some() { "; the lowest effort is asked for" } else { "" };
            let why = format!("{} always reasons{instead}", entry.name);
            plan.warnings.push(Warning::changed(ask.field(), why));
            return;
        }
        Off::Omit | Off::NoneWord | Off::Unknown => {}
    }
    plan.on = false;
    words_of_effort(entry, situation, plan);
}

/// The effort without reasoning: how hard to work on the answer.
fn words_of_effort(entry: &Entry, situation: &Situation, plan: &mut Plan) {
    let (ask, adjustment) = (&situation.ask, situation.adjustment);
    let Some(wanted) = ask.effort else { return };
    let most = entry.largest_effort_when_off.unwrap_or(Effort::Max);
    match nearest(entry, wanted.min(most), adjustment) {
        Some(level) => effort_field(entry, situation, wanted, level, plan),
        None => no_effort(entry, ask, plan),
    }
}

fn no_effort(entry: &Entry, ask: &ReasoningAsk, plan: &mut Plan) {
    let why = format!("{} takes a budget of tokens and no effort", entry.name);
    plan.warnings.push(Warning::ignored(ask.effort_field(), why));
}

fn effort_field(entry: &Entry, situation: &Situation, wanted: Effort, level: Effort, plan: &mut Plan) {
    plan.fields.push(("output_config", json!({ "effort": level.word() })));
    if entry.control == Control::Budget {
        plan.betas.push(EFFORT_BETA);
    }
    if level != wanted && !lowered(entry, wanted, situation.adjustment) {
        let why = format!("{} has no effort `{}` here; `{}` is asked for", entry.name, wanted.word(), level.word());
        plan.warnings.push(Warning::changed(situation.ask.effort_field(), why));
    }
}

fn adaptive(entry: &Entry, ask: &ReasoningAsk, situation: &Situation, plan: &mut Plan) {
    let adjustment = situation.adjustment;
    plan.on = true;
    warn_of_lost_loop(entry, situation, plan);
    if ask.switch == Switch::BetweenTools {
        if entry.off == Off::BetweenTools {
            plan.fields.push(("thinking", json!({ "type": "between_tools" })));
            return words_of_effort(entry, situation, plan);
        }
        plan.warnings.push(everywhere(entry, ask));
    }
    let mut thinking = Map::new();
    thinking.insert("type".to_owned(), json!("adaptive"));
    if entry.display {
        let shown = match ask.display {
            Some(Display::Omitted) => "omitted",
            Some(Display::Updates) => {
                plan.betas.push(UPDATES_BETA);
                "updates"
            }
            _ if ask.exclude => "omitted",
            _ => "summarized",
        };
        thinking.insert("display".to_owned(), json!(shown));
    }
    if (adjustment.drop_mismatched || ask.drop_mismatched) && entry.bound {
        thinking.insert("block_binding".to_owned(), json!({ "prefix_mismatch_behavior": "drop_block" }));
        plan.betas.push("thinking-binding-controls-2026-08-01");
    }
    plan.fields.push(("thinking", Value::Object(thinking)));
    how_hard(entry, ask, situation, plan);
}

/// The effort of an adaptive model; a budget stands for one.
fn how_hard(entry: &Entry, ask: &ReasoningAsk, situation: &Situation, plan: &mut Plan) {
    let budget = if let Switch::Budget(tokens) = ask.switch { Some(from_budget(tokens)) } else { None };
    let level = ask.effort.or(budget).and_then(|wanted| nearest(entry, wanted, situation.adjustment));
    if budget.is_some() {
        let instead =
            level.map_or_else(|| "it sees for itself".to_owned(), |level| format!("`{}` is asked for", level.word()));
        let why = format!("{} takes levels and no budget; {instead}", entry.name);
        plan.warnings.push(Warning::changed(ask.field(), why));
    }
    if let Some(level) = level {
        effort_field(entry, situation, ask.effort.unwrap_or(level), level, plan);
    } else if ask.effort.is_some() {
        let why = format!("nothing is known of the levels of {}; it sees for itself", entry.name);
        plan.warnings.push(Warning::ignored(ask.effort_field(), why));
    }
}

/// The client wanted reasoning between tool calls alone, which the model does not have.
fn everywhere(entry: &Entry, ask: &ReasoningAsk) -> Warning {
    Warning::changed(ask.field(), format!("{} has no `between_tools`; it reasons where it sees fit", entry.name))
}

/// The model takes the loop without its thoughts, but thinks no more in it (seen live on Claude 4.6).
fn warn_of_lost_loop(entry: &Entry, situation: &Situation, plan: &mut Plan) {
    let told = situation.ask.switch == Switch::Off || situation.adjustment.without_reasoning;
    if situation.open_loop == OpenLoop::Lost && !told {
        let why = format!(
            "the running tool calls came back without their signed reasoning; {} may not think again before they end",
            entry.name
        );
        plan.warnings.push(Warning::reasoning_unavailable(situation.ask.field(), why));
    }
}

/// A budget, and where it comes from.
struct Budget {
    tokens: u32,
    /// The client named the number.
    explicit: bool,
}

fn by_budget(entry: &Entry, situation: &Situation, plan: &mut Plan) -> Result<(), Fault> {
    let ask = &situation.ask;
    plan.on = false;
    let refused = situation.adjustment.without_reasoning && situation.open_loop != OpenLoop::None;
    if refused || situation.open_loop == OpenLoop::Lost {
        let why = if refused {
            "Bedrock refused the reasoning of the running tool calls, which the model wants to see; it goes on without"
        } else {
            "the running tool calls came back without their signed reasoning, which the model wants to see; it goes on \
             without"
        };
        plan.warnings.push(Warning::reasoning_unavailable(ask.field(), why));
        return Ok(());
    }
    if ask.switch == Switch::BetweenTools {
        plan.warnings.push(everywhere(entry, ask));
    }
    let smallest = entry.min_budget.unwrap_or(LEAST_BUDGET);
    if super::ask::most_budget(&situation.rules).is_some_and(|most| most < smallest) {
        let why = format!("the operator allows less than the least budget, {smallest} tokens");
        plan.warnings.push(Warning::reasoning_unavailable(ask.field(), why));
        return Ok(());
    }
    let wanted = wanted(situation, plan);
    let longer = situation.has_tools && entry.interleaved == Interleaved::Beta && ask.interleaved;
    let (room, by) = room(entry, situation, wanted.explicit, smallest);
    possible(situation, &wanted, longer, room, smallest)?;
    let (room, by) = match entry.max_budget {
        Some(most) if most < room => (most, "the model's largest budget"),
        _ => (room, by),
    };
    if room < smallest && !longer {
        let why = format!("{by} leaves no room for the least budget, {smallest} tokens");
        plan.warnings.push(Warning::reasoning_unavailable(ask.field(), why));
        return Ok(());
    }
    let least = wanted.tokens.max(smallest);
    let tokens = if longer { least } else { least.min(room) };
    if tokens != wanted.tokens {
        let what = if wanted.explicit { "the budget" } else { "the budget that it stands for" };
        let so = if situation.max_tokens.is_some() { ", which the answer shares" } else { "" };
        plan.warnings.push(Warning::changed(ask.field(), format!("{what} was cut to {tokens} tokens by {by}{so}")));
    }
    if situation.max_tokens.is_none() {
        let filled = if let MaxTokens::Set(filled) = plan.max_tokens { filled } else { 0 };
        let most = entry.max_output_tokens.unwrap_or(u32::MAX);
        plan.max_tokens = MaxTokens::Set(filled.max(tokens.saturating_add(ANSWER).min(most)));
    }
    plan.fields.push(("thinking", json!({ "type": "enabled", "budget_tokens": tokens })));
    plan.on = true;
    match ask.effort.map(|effort| (effort, nearest(entry, effort, situation.adjustment))) {
        Some((effort, Some(level))) => effort_field(entry, situation, effort, level, plan),
        Some((_, None)) if wanted.explicit => no_effort(entry, ask, plan),
        _ => {}
    }
    Ok(())
}

/// The budget that the client wants, within the operator's limit.
fn wanted(situation: &Situation, plan: &mut Plan) -> Budget {
    let ask = &situation.ask;
    let (tokens, explicit) = match (ask.switch, ask.effort) {
        (Switch::Budget(tokens), _) => (tokens, true),
        (_, Some(effort)) => (budget(effort), false),
        (_, None) => (USUAL_BUDGET, false),
    };
    let most = super::ask::most_budget(&situation.rules).unwrap_or(u32::MAX);
    if tokens > most && ask.effort.is_some() {
        plan.warnings.push(Warning::changed(ask.field(), format!("the operator allows {most} tokens at most")));
    }
    Budget { tokens: tokens.min(most), explicit }
}

/// The largest budget that fits, and what sets that limit. Behind a budget that the client did not name, an answer must
/// fit: of the client's limit it takes no more than the effort's share, and the least budget no more than the largest one.
fn room<'s>(entry: &Entry, situation: &'s Situation, explicit: bool, smallest: u32) -> (u32, &'s str) {
    if let Some(limit) = situation.max_tokens {
        let by = situation.max_tokens_field.as_ref().and_then(FieldRef::as_own).unwrap_or(ANSWERS_LIMIT);
        if explicit {
            return (limit.saturating_sub(1), by);
        }
        let most = share(limit, situation.ask.effort.unwrap_or(Effort::Medium));
        return (if smallest <= share(limit, Effort::Max) { most.max(smallest) } else { most }, by);
    }
    let largest = entry.max_output_tokens.unwrap_or(u32::MAX);
    if explicit {
        return (largest.saturating_sub(1), "the model's largest answer");
    }
    match situation.stream || largest <= MOST_WITHOUT_STREAM {
        true => (largest.saturating_sub(ANSWER), "the model's largest answer"),
        false => (MOST_WITHOUT_STREAM - ANSWER, "the largest answer without a stream"),
    }
}

/// Refuses a number of the client's that cannot be had.
fn possible(situation: &Situation, wanted: &Budget, longer: bool, room: u32, smallest: u32) -> Result<(), Fault> {
    let (field, tokens) = (situation.ask.field(), wanted.tokens);
    if wanted.explicit && tokens < smallest {
        return Err(Fault::invalid(field, format!("`{NAME}` must be at least {smallest}, and is {tokens}")));
    }
    if let Some(limit) = situation.max_tokens.filter(|_| wanted.explicit && tokens > room && !longer) {
        let other = situation.max_tokens_field.as_ref().and_then(FieldRef::as_own).unwrap_or(ANSWERS_LIMIT);
        return Err(Fault::invalid(field, format!("`{NAME}` ({tokens}) must be less than `{other}` ({limit})")));
    }
    Ok(())
}
