//! The data file is whole, and each family of switches is asked in its own words.

mod rows;

use super::*;
use crate::model::field_ref::FieldRef;
use crate::model::reasoning::{Effort, ReasoningAsk, Switch};
use serde_json::json;

fn planned(model: &str, change: impl FnOnce(&mut Situation)) -> Plan {
    let max_tokens_field = Some(FieldRef::MaxTokens);
    let mut situation = Situation { max_tokens_field, stream: true, ..Situation::default() };
    situation.ask.field = Some(FieldRef::Effort);
    change(&mut situation);
    plan(Catalogue::builtin().lookup(model), &situation).unwrap()
}

fn fields(model: &str, ask: ReasoningAsk) -> Value {
    let plan = planned(model, |situation| situation.ask = ReasoningAsk { field: Some(FieldRef::Effort), ..ask });
    plan.fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
}

fn effort(effort: Effort) -> ReasoningAsk {
    ReasoningAsk { effort: Some(effort), ..ReasoningAsk::default() }
}

fn switch(switch: Switch) -> ReasoningAsk {
    ReasoningAsk { switch, ..ReasoningAsk::default() }
}

const BUDGET: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";

#[test]
fn the_data_file_is_read_whole() {
    let read = Catalogue::read(include_str!("models.json")).unwrap();
    assert!(read.entries().len() > 80);
    let ids: std::collections::BTreeSet<_> = read.entries().iter().map(|entry| &entry.id).collect();
    assert_eq!(ids.len(), read.entries().len(), "no id twice");
}

#[test]
fn unseen_models_are_like_the_newest_of_their_line() {
    let like = |id: &str| Catalogue::builtin().lookup(id).id.clone();
    assert_eq!(like("anthropic.claude-opus-9-20300101-v1:0"), "anthropic.claude-opus-5-5");
    assert_eq!(like("eu.anthropic.claude-opus-5-20260801-v1:0"), "anthropic.claude-opus-5");
    assert_eq!(like("anthropic.claude-3-5-sonnet-20241022-v2:0:51k"), "anthropic.claude-3-5-sonnet-20241022-v2:0");
    assert_eq!(like("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/x"), "unknown");
    assert_eq!(like("gpt-4o"), "unknown");
}

#[test]
fn each_family_has_its_own_switch() {
    let budget = json!({"thinking": {"type": "enabled", "budget_tokens": 8192}});
    assert_eq!(fields(BUDGET, effort(Effort::Medium)), budget);
    assert_eq!(
        fields("anthropic.claude-opus-4-7", effort(Effort::High)),
        json!({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}})
    );
    assert_eq!(
        fields("anthropic.claude-sonnet-4-6", effort(Effort::High)),
        json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}})
    );
    assert_eq!(
        fields("amazon.nova-2-lite-v1:0", effort(Effort::Low)),
        json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}})
    );
    assert_eq!(fields("openai.gpt-oss-120b-1:0", effort(Effort::High)), json!({"reasoning_effort": "high"}));
    assert_eq!(fields("openai.gpt-6-sol", effort(Effort::Max)), json!({"reasoning": {"effort": "max"}}));
    assert_eq!(fields("qwen.qwen3-32b-v1:0", effort(Effort::Low)), json!({"reasoning_config": "high"}));
    assert_eq!(fields("deepseek.r1-v1:0", effort(Effort::Low)), json!({}));
}

#[test]
fn off_is_said_as_each_model_understands_it() {
    let off = || switch(Switch::Off);
    assert_eq!(fields(BUDGET, off()), json!({}));
    assert_eq!(fields("anthropic.claude-opus-5", off()), json!({"thinking": {"type": "disabled"}}));
    assert_eq!(fields("anthropic.claude-sonnet-5-5", off()), json!({"thinking": {"type": "between_tools"}}));
    assert_eq!(fields("amazon.nova-2-lite-v1:0", off()), json!({"reasoningConfig": {"type": "disabled"}}));
    assert_eq!(fields("openai.gpt-oss-20b-1:0", off()), json!({"reasoning_effort": "low"}));
    let opus = fields("anthropic.claude-opus-5-5", off());
    assert_eq!(opus["output_config"]["effort"], "low");
}

#[test]
fn nothing_asked_is_nothing_sent_unless_the_reasoning_would_be_hidden() {
    for model in [BUDGET, "amazon.nova-2-lite-v1:0", "openai.gpt-oss-120b-1:0", "anthropic.claude-opus-4-6-v1"] {
        assert_eq!(fields(model, ReasoningAsk::default()), json!({}), "{model}");
    }
    let shown = fields("anthropic.claude-opus-5", ReasoningAsk::default());
    assert_eq!(shown["thinking"]["display"], "summarized");
}

#[test]
fn a_model_that_cannot_reason_answers_without() {
    let plan = planned("amazon.nova-lite-v1:0", |situation| situation.ask.effort = Some(Effort::High));
    assert!(plan.fields.is_empty() && !plan.on);
    assert_eq!(plan.warnings[0].kind, crate::warning::WarningKind::ReasoningUnavailable);
}

#[test]
fn budgets_fit_below_the_limit_or_are_refused() {
    let derived = planned(BUDGET, |situation| {
        situation.ask.effort = Some(Effort::High);
        situation.max_tokens = Some(3000);
    });
    assert_eq!(derived.fields[0].1["budget_tokens"], 2000);
    let no_room = planned(BUDGET, |situation| {
        situation.ask.effort = Some(Effort::High);
        situation.max_tokens = Some(500);
    });
    assert!(!no_room.on && no_room.fields.is_empty());
    for (budget, limit) in [(1000, None), (5000, Some(5000))] {
        let situation = Situation {
            ask: ReasoningAsk {
                field: Some(FieldRef::own("thinking.budget_tokens")),
                ..switch(Switch::Budget(budget))
            },
            max_tokens: limit,
            ..Situation::default()
        };
        assert!(plan(Catalogue::builtin().lookup(BUDGET), &situation).is_err(), "{budget}");
    }
    let filled = planned(BUDGET, |situation| situation.ask.effort = Some(Effort::High));
    assert_eq!(filled.max_tokens, MaxTokens::Set(64000));
}

#[test]
fn what_excludes_reasoning_is_named_and_left_out() {
    let plan = planned(BUDGET, |situation| {
        situation.ask.effort = Some(Effort::Low);
        (situation.temperature, situation.top_p, situation.top_k, situation.forced_tool) = (true, true, true, true);
        situation.rules.forced_tool = ForcedTool::Auto;
    });
    assert!(plan.drop_temperature && plan.drop_top_p && plan.drop_top_k && plan.tool_in_words);
    assert_eq!(plan.warnings.len(), 4);
    let without = planned(BUDGET, |situation| (situation.temperature, situation.forced_tool) = (true, true));
    assert!(!without.drop_temperature && !without.tool_in_words);
    let high = planned("amazon.nova-2-lite-v1:0", |situation| {
        situation.ask.effort = Some(Effort::High);
        situation.max_tokens = Some(100);
    });
    assert_eq!(high.max_tokens, MaxTokens::Omit);
}

#[test]
fn a_tool_turn_without_its_signed_reasoning_goes_on_without_reasoning() {
    let plan = planned(BUDGET, |situation| {
        situation.ask.effort = Some(Effort::Low);
        situation.open_loop = OpenLoop::Lost;
    });
    assert!(!plan.on && plan.fields.is_empty() && plan.warnings.len() == 1);
}

#[test]
fn the_rows_limits_of_a_budget_hold() {
    let row = json!({"min_budget": 2000, "max_budget": 5000});
    let entry = Catalogue::builtin().overridden(BUDGET, None, row.as_object().unwrap()).unwrap();
    let mut situation = Situation { ask: effort(Effort::High), stream: true, ..Situation::default() };
    let planned = plan(&entry, &situation).unwrap();
    assert_eq!(planned.fields[0].1["budget_tokens"], 5000);
    assert!(planned.warnings[0].why.contains("largest budget"), "{:?}", planned.warnings);
    situation.ask = switch(Switch::Budget(1500));
    assert!(plan(&entry, &situation).is_err());
}

/// What AWS's table and the clients tell of tools, the system's text and streams, for every row; what nobody tells is said
/// to be unproven.
#[test]
fn tools_system_text_and_streams_are_as_they_are_told() {
    let begins = |id: &str, names: &[&str]| names.iter().any(|name| id.starts_with(name));
    for entry in Catalogue::builtin().entries() {
        let id = entry.id.as_str();
        let small = ["meta.llama3-8b", "meta.llama3-70b", "meta.llama3-2-1b", "meta.llama3-2-3b"];
        let old = ["amazon.titan-", "mistral.mistral-7b", "mistral.mixtral-"];
        let tools = !begins(id, &small) && !begins(id, &old) && id != "deepseek.r1-v1:0";
        assert_eq!(entry.tools, tools, "{id}: tools");
        assert_eq!(entry.system, !begins(id, &old), "{id}: system");
        let whole = tools && begins(id, &["meta.", "writer."]);
        assert_eq!(
            entry.streaming,
            if whole { Streaming::NotWithTools } else { Streaming::Allowed },
            "{id}: streaming"
        );
        let told = begins(id, &["anthropic."]) || whole || !tools || !entry.converse;
        let nova = begins(id, &["amazon.nova-micro", "amazon.nova-premier"]);
        let doubt = entry.unproven.as_deref().unwrap_or_default();
        assert_eq!(
            doubt.contains("tools in a stream"),
            whole && doubt.contains("clients only") || !told && !nova,
            "{id}"
        );
    }
}

#[test]
fn documents_are_as_they_are_told() {
    for entry in Catalogue::builtin().entries().iter().filter(|entry| entry.converse && entry.media.is_some()) {
        let id = entry.id.as_str();
        let makers = ["anthropic.", "amazon.", "meta."];
        let some = ["mistral.mistral-7b", "mistral.mixtral-", "mistral.pixtral-"];
        let takes = makers.iter().chain(&some).any(|name| id.starts_with(name)) && id != "amazon.nova-micro-v1:0";
        assert_eq!(entry.takes(Medium::Document), takes, "{id}");
        let doubt = entry.unproven.as_deref().unwrap_or_default();
        let told = takes || id == "amazon.nova-micro-v1:0" || id == "mistral.mistral-small-2402-v1:0";
        assert_eq!(doubt.contains("documents is not told"), !told, "{id}");
    }
}
