//! The plan for reasoning: a client's ask, rendered in the fields of one model.

mod ask;
mod claude;
mod levels;

pub use ask::most_budget;
pub(crate) use levels::from_budget as effort_of_budget;

use super::entry::{Allowed, Control, Default as Habit, Entry, Interleaved, Off, Sampling};
use super::rules::{Adjustment, ForcedTool, Rules};
use crate::fault::Fault;
use crate::model::field_ref::FieldRef;
use crate::model::reasoning::{Display, Effort, ReasoningAsk, SentEffort, Switch};
use crate::warning::Warning;
use levels::nearest;
use serde_json::{Value, json};

/// The facts of a request that decide, beside the ask, how reasoning can be had.
#[derive(Clone, Debug, Default)]
pub struct Situation {
    /// The client's ask.
    pub ask: ReasoningAsk,
    /// The answer's limit, when the client set one.
    pub max_tokens: Option<u32>,
    /// The field that set it.
    pub max_tokens_field: Option<FieldRef>,
    /// The answer is wanted as a stream.
    pub stream: bool,
    /// A temperature is set.
    pub temperature: bool,
    /// It is exactly 1, which is what a model does that takes none.
    pub temperature_one: bool,
    /// A top-p is set.
    pub top_p: bool,
    /// It is exactly 1, which is what a model does that takes none.
    pub top_p_one: bool,
    /// A top-k is set.
    pub top_k: bool,
    /// A tool's call is forced.
    pub forced_tool: bool,
    /// There are tools.
    pub has_tools: bool,
    /// The conversation ends with the beginning of an answer.
    pub prefill: bool,
    /// The state of the reasoning of the open tool loop.
    pub open_loop: OpenLoop,
    /// The open tool loop holds sealed reasoning.
    pub sealed_loop: bool,
    /// The operator's rules for reasoning.
    pub rules: Rules,
    /// The changes to the request after Bedrock refused an earlier attempt.
    pub adjustment: Adjustment,
}

/// The state of the reasoning that led to the tool calls just answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenLoop {
    /// No tool call was just answered.
    #[default]
    None,
    /// It is there, or it is known that there was none.
    Whole,
    /// It was lost on the way.
    Lost,
}

/// The plan by which one request is put to one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Members of the model's own fields, in order.
    pub fields: Vec<(&'static str, Value)>,
    /// Beta features that they need.
    pub betas: Vec<&'static str>,
    /// The treatment of `maxTokens`.
    pub max_tokens: MaxTokens,
    /// The temperature must not be sent.
    pub drop_temperature: bool,
    /// The top-p must not be sent.
    pub drop_top_p: bool,
    /// The top-k must not be sent.
    pub drop_top_k: bool,
    /// No call can be forced: the wish for it is said in words.
    pub tool_in_words: bool,
    /// The reasoning of the open tool loop must not be sent: the model refuses it while it does not reason.
    pub strip_loop: bool,
    /// Paths of the model's own answer that are worth asking for.
    pub response_paths: Vec<String>,
    /// The warnings for the client.
    pub warnings: Vec<Warning>,
    /// The model will reason, as far as is known.
    pub on: bool,
}

impl Plan {
    /// What the fields say of how hard to reason.
    #[must_use]
    pub fn sent_effort(&self) -> SentEffort {
        let mut sent = SentEffort::default();
        for (name, value) in &self.fields {
            let member = |member: &str| value.get(member);
            let level = match *name {
                "reasoning_effort" | "reasoning_config" => Some(value),
                _ => member("effort").or_else(|| member("maxReasoningEffort")),
            };
            sent.level = level.and_then(Value::as_str).and_then(Effort::from_word).or(sent.level);
            let budget = member("budget_tokens").and_then(Value::as_u64);
            sent.budget = budget.and_then(|tokens| u32::try_from(tokens).ok()).or(sent.budget);
        }
        sent
    }
}

/// The treatment of `maxTokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaxTokens {
    /// As the client said, or not at all.
    #[default]
    Keep,
    /// This.
    Set(u32),
    /// Left out, whatever the client said.
    Omit,
}

impl Situation {
    /// The field that set the answer's limit.
    #[must_use]
    pub fn max_tokens_field(&self) -> FieldRef {
        self.max_tokens_field.clone().unwrap_or(FieldRef::MaxTokens)
    }
}

/// Plans one request.
///
/// # Errors
///
/// A [`Fault`] that names the client's field, for a budget that cannot be had and for a conversation that the model
/// refuses however it is asked.
pub fn plan(entry: &Entry, situation: &Situation) -> Result<Plan, Fault> {
    let mut plan = Plan::default();
    let ask = ask::ruled(entry, situation, &mut plan);
    let situation = &Situation { ask, max_tokens: within_the_limit(entry, situation, &mut plan), ..situation.clone() };
    let wants = situation.ask.wants_reasoning();
    if wants && !entry.can_reason() {
        let why = if entry.is_known() {
            format!("{} cannot reason; it answers without", entry.name)
        } else {
            "the catalogue does not know this model; the configuration can name the one that it is based on".to_owned()
        };
        plan.warnings.push(Warning::reasoning_unavailable(situation.ask.field(), why));
    }
    if !wants && situation.ask.effort.is_some() && situation.ask.switch != Switch::Off && !entry.can_reason() {
        let why = format!("{} has no effort", entry.name);
        plan.warnings.push(Warning::ignored(situation.ask.effort_field(), why));
    }
    if entry.control == Control::Unknown && (wants || situation.ask.switch == Switch::Off) {
        let why = format!("it is not known how the reasoning of {} is switched", entry.name);
        plan.warnings.push(Warning::ignored(situation.ask.field(), why));
    }
    fill_max_tokens(entry, situation, &mut plan);
    match entry.control {
        Control::None | Control::Unknown => plan.on = entry.default == Habit::AlwaysOn,
        Control::Budget | Control::Adaptive => claude::switch(entry, situation, &mut plan)?,
        Control::ReasoningEffort | Control::ReasoningObject | Control::ReasoningConfig | Control::Nova => {
            by_level(entry, situation, &mut plan)
        }
    }
    if entry.control == Control::None && entry.can_reason() {
        no_switch(entry, situation, &mut plan);
    }
    // A client that cannot ask for it otherwise loses nothing: it is shown more than it asked for.
    let could_exclude = !situation.ask.cannot_exclude;
    if plan.on && !entry.display && situation.ask.display == Some(Display::Omitted) && could_exclude {
        let why = format!("{} does not take it; leave the reasoning out with `reasoning.exclude`", entry.name);
        plan.warnings.push(Warning::ignored(FieldRef::ReasoningDisplay, why));
    }
    constrain(entry, situation, &mut plan)?;
    plan.strip_loop = entry.control == Control::Budget && !plan.on && situation.sealed_loop;
    if plan.on
        && let Some(path) = &entry.usage_path
    {
        plan.response_paths.push(path.clone());
    }
    Ok(plan)
}

/// Models that always reason, and take no word about it.
fn no_switch(entry: &Entry, situation: &Situation, plan: &mut Plan) {
    let ask = &situation.ask;
    if ask.switch == Switch::Off {
        plan.warnings.push(Warning::ignored(ask.field(), format!("{} always reasons", entry.name)));
    } else if ask.effort.is_some() || matches!(ask.switch, Switch::Budget(_) | Switch::BetweenTools) {
        plan.warnings
            .push(Warning::ignored(ask.field(), format!("{} always reasons, as much as it sees fit", entry.name)));
    }
}

/// Models whose switch is a level.
fn by_level(entry: &Entry, situation: &Situation, plan: &mut Plan) {
    let ask = &situation.ask;
    let default_on = entry.default != Habit::Off;
    plan.on = default_on;
    if ask.switch == Switch::Off {
        off_by_level(entry, ask, plan);
        if ask.effort.is_some() {
            let why = format!("{} has no effort but that of its reasoning", entry.name);
            plan.warnings.push(Warning::ignored(ask.effort_field(), why));
        }
        return;
    }
    if !ask.wants_reasoning() && ask.effort.is_none() {
        return;
    }
    plan.on = true;
    let wanted = match (ask.effort, ask.switch) {
        (Some(effort), _) => Some(effort),
        (None, Switch::Budget(tokens)) => Some(levels::from_budget(tokens)),
        (None, _) if default_on => None,
        (None, _) => Some(Effort::Medium),
    };
    let Some(wanted) = wanted else { return };
    let Some(level) = nearest(entry, wanted, situation.adjustment) else { return };
    let changed = level != wanted && !levels::lowered(entry, wanted, situation.adjustment);
    if ask.effort.is_some() && changed || matches!(ask.switch, Switch::Budget(_)) {
        let field = if matches!(ask.switch, Switch::Budget(_)) { ask.field() } else { ask.effort_field() };
        let why = format!("{} takes levels; `{}` is asked for", entry.name, level.word());
        plan.warnings.push(Warning::changed(field, why));
    }
    plan.fields.push(level_field(entry.control, level.word()));
    if entry.control == Control::Nova && level == Effort::High {
        if situation.max_tokens.is_some() {
            let why = format!("{} takes no limit at the effort `high`", entry.name);
            plan.warnings.push(Warning::dropped(situation.max_tokens_field(), why));
        }
        plan.max_tokens = MaxTokens::Omit;
        plan.drop_temperature = situation.temperature;
        plan.drop_top_p = situation.top_p;
    }
}

fn level_field(control: Control, word: &str) -> (&'static str, Value) {
    match control {
        Control::ReasoningObject => ("reasoning", json!({ "effort": word })),
        Control::ReasoningConfig => ("reasoning_config", json!(word)),
        Control::Nova => ("reasoningConfig", json!({ "type": "enabled", "maxReasoningEffort": word })),
        Control::None | Control::Budget | Control::Adaptive | Control::ReasoningEffort | Control::Unknown => {
            ("reasoning_effort", json!(word))
        }
    }
}

fn off_by_level(entry: &Entry, ask: &ReasoningAsk, plan: &mut Plan) {
    match entry.off {
        Off::NoneWord => {
            plan.fields.push(level_field(entry.control, "none"));
            plan.on = false;
        }
        Off::Disabled if entry.control == Control::Nova => {
            plan.fields.push(("reasoningConfig", json!({ "type": "disabled" })));
            plan.on = false;
        }
        Off::Impossible => {
            if let Some(least) = entry.efforts.first() {
                plan.fields.push(level_field(entry.control, least.word()));
            }
            plan.warnings.push(Warning::changed(
                ask.field(),
                format!("{} always reasons; the lowest effort is asked for", entry.name),
            ));
        }
        _ if plan.on || entry.off == Off::Unknown => plan.warnings.push(Warning::ignored(
            ask.field(),
            format!("it is not known how the reasoning of {} is switched off", entry.name),
        )),
        Off::Omit | Off::Disabled | Off::BetweenTools | Off::Unknown => {}
    }
}

/// The client's limit, or the model's where that is smaller.
fn within_the_limit(entry: &Entry, situation: &Situation, plan: &mut Plan) -> Option<u32> {
    let (asked, most) = (situation.max_tokens?, entry.max_output_tokens.unwrap_or(u32::MAX));
    if asked > most {
        plan.max_tokens = MaxTokens::Set(most);
        let why = format!("{} answers with {most} tokens at most", entry.name);
        plan.warnings.push(Warning::changed(situation.max_tokens_field(), why));
    }
    Some(asked.min(most))
}

/// Bedrock's own default is too small to think in, and what is left out reserves no less.
fn fill_max_tokens(entry: &Entry, situation: &Situation, plan: &mut Plan) {
    if let (true, None, Some(most)) = (entry.fill_max_tokens, situation.max_tokens, entry.max_output_tokens) {
        plan.max_tokens = MaxTokens::Set(if situation.stream { most } else { most.min(claude::MOST_WITHOUT_STREAM) });
    }
    if let (Some(asked), Some(least)) = (situation.max_tokens, entry.min_max_tokens)
        && asked < least
    {
        plan.max_tokens = MaxTokens::Set(least);
        let why = format!("{} takes no limit below {least}", entry.name);
        plan.warnings.push(Warning::changed(situation.max_tokens_field(), why));
    }
}

/// Adds the model's constraints to the plan, or refuses: forced tools, sampling and the like beside reasoning.
fn constrain(entry: &Entry, situation: &Situation, plan: &mut Plan) -> Result<(), Fault> {
    let refused = match entry.sampling {
        Sampling::Free => false,
        Sampling::NotWhileReasoning => plan.on,
        Sampling::Never => true,
    };
    // The refusal itself lets it be 1 while the model reasons.
    let one = situation.temperature_one;
    plan.drop_temperature |= refused && situation.temperature && !(one && entry.sampling != Sampling::Never);
    plan.drop_top_p |= refused && situation.top_p;
    plan.drop_top_k |= refused && situation.top_k;
    let why = |plan: &Plan| {
        let when = if plan.on && entry.sampling != Sampling::Never { " while it reasons" } else { "" };
        format!("{} does not take it{when}", entry.name)
    };
    for (dropped, field) in [
        (plan.drop_temperature && !one, FieldRef::Temperature),
        (plan.drop_top_p && !situation.top_p_one, FieldRef::TopP),
        (plan.drop_top_k, FieldRef::TopK),
    ] {
        if dropped {
            plan.warnings.push(Warning::dropped(field, why(plan)));
        }
    }
    if entry.one_of_temperature_top_p && situation.temperature && situation.top_p && !plan.drop_temperature {
        plan.drop_top_p = true;
        if !situation.top_p_one {
            let why = format!("{} takes either temperature or top_p", entry.name);
            plan.warnings.push(Warning::dropped(FieldRef::TopP, why));
        }
    }
    let unforced = match entry.forced_tool {
        Allowed::Allowed => false,
        Allowed::NotWhileReasoning => plan.on,
        Allowed::InsteadOfReasoning => {
            plan.on && situation.ask.wants_reasoning() && situation.rules.forced_tool != ForcedTool::DropReasoning
        }
        Allowed::Refused => true,
    };
    if situation.forced_tool && (unforced || situation.adjustment.tool_in_words) {
        let when = if entry.forced_tool == Allowed::Refused || !unforced { "" } else { " while it reasons" };
        let cannot = format!("{} cannot be made to call a tool{when}", entry.name);
        if situation.rules.forced_tool == ForcedTool::Refuse {
            return Err(Fault::unsupported(FieldRef::ToolChoice, format!("{cannot}; use `auto`")));
        }
        plan.tool_in_words = true;
        // A refusal by a model that seemed to take it is told where it is amended.
        if unforced {
            plan.warnings
                .push(Warning::changed(FieldRef::ToolChoice, format!("{cannot}; it is asked in words to call it")));
        }
    }
    if plan.on && entry.interleaved == Interleaved::Beta && situation.ask.interleaved {
        plan.betas.push("interleaved-thinking-2025-05-14");
    }
    Ok(())
}
