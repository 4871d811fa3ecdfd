//! What the sources tell of the models, row by row, against what the data file says.

use crate::catalogue::*;
use crate::model::field_ref::FieldRef;
use crate::model::reasoning::{Effort, ReasoningAsk};

fn row(id: &str) -> &'static Entry {
    let (entry, known) = Catalogue::builtin().resolve(id);
    assert_eq!(known, Known::Row, "{id}");
    entry
}

fn rows(ids: &[&str]) -> impl Iterator<Item = &'static Entry> {
    ids.iter().map(|id| row(id))
}

#[test]
fn how_a_row_was_found_is_told() {
    let resolve = |id: &str| {
        let (entry, known) = Catalogue::builtin().resolve(id);
        (entry.id.as_str(), known)
    };
    assert_eq!(resolve("global.anthropic.claude-opus-4-8"), ("anthropic.claude-opus-4-8", Known::Row));
    assert_eq!(resolve("sa.anthropic.claude-opus-4-8-v1:0"), ("anthropic.claude-opus-4-8", Known::Row));
    assert_eq!(resolve("us.anthropic.claude-opus-9"), ("anthropic.claude-opus-5-5", Known::Like));
    assert_eq!(resolve("nobody.knows"), ("unknown", Known::Nothing));
    for kind in ["application-inference-profile", "provisioned-model", "imported-model", "custom-model-deployment"] {
        let arn = format!("arn:aws:bedrock:us-east-1:123456789012:{kind}/abc123def456");
        assert_eq!(resolve(&arn), ("unknown", Known::Nothing), "{arn}");
    }
    let custom = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0/abc123def456";
    let router = "arn:aws:bedrock:us-east-1:123456789012:default-prompt-router/anthropic.claude:1";
    assert_eq!((resolve(custom).1, resolve(router).1), (Known::Nothing, Known::Nothing));
}

#[test]
fn what_conflicts_says_what_is_best_done_about_it() {
    for entry in Catalogue::builtin().entries() {
        assert!(!entry.fallback_schema || entry.structured_output, "{}", entry.id);
        assert!(!(entry.fallback_schema || entry.fallback_effort) || entry.fallback.is_some(), "{}", entry.id);
        assert!(entry.fallback.is_none() || entry.unproven.is_some() || entry.fallback_effort, "{}", entry.id);
        assert!(entry.control != Control::Unknown || entry.unproven.is_some(), "{}", entry.id);
        let conflict = entry.unproven.as_deref().is_some_and(|words| words.contains("conflict"));
        assert!(!conflict || entry.fallback.is_some(), "{}", entry.id);
    }
}

#[test]
fn budgets_begin_at_1024_and_only_where_there_are_budgets() {
    for entry in Catalogue::builtin().entries() {
        let least = (entry.control == Control::Budget).then_some(1024);
        assert_eq!((entry.min_budget, entry.max_budget), (least, None), "{}", entry.id);
    }
}

#[test]
fn a_forced_tool() {
    let of = |ids: &[&str], expected: Allowed| {
        for entry in rows(ids) {
            assert_eq!(entry.forced_tool, expected, "{}", entry.id);
        }
    };
    of(&["anthropic.claude-sonnet-4-5", "anthropic.claude-3-7-sonnet", "deepseek.v3.2"], Allowed::NotWhileReasoning);
    let instead = ["opus-4-6", "sonnet-4-6", "opus-4-7", "opus-4-8", "sonnet-5", "opus-5", "haiku-5-5", "fable-5"];
    let instead = instead.map(|name| format!("anthropic.claude-{name}"));
    of(&instead.each_ref().map(String::as_str), Allowed::InsteadOfReasoning);
    let refused = ["opus-5-5", "sonnet-5-5", "fable-5-1", "mythos-5-1"].map(|name| format!("anthropic.claude-{name}"));
    of(&refused.each_ref().map(String::as_str), Allowed::Refused);
    of(&["xai.grok-4.6", "zai.glm-5", "openai.gpt-6-sol"], Allowed::Allowed);
}

#[test]
fn reasoning_in_a_history() {
    for entry in Catalogue::builtin().entries() {
        let expected: &[Replay] = match entry.vendor.as_str() {
            "anthropic" if entry.can_reason() => &[Replay::Signed, Replay::Redacted],
            "openai" if entry.control == Control::ReasoningObject && !entry.id.contains("gpt-5.4") => {
                if entry.id.contains("gpt-5.5") { &[] } else { &[Replay::Redacted] }
            }
            "minimax" | "moonshotai" => &[Replay::Unsigned],
            _ => &[],
        };
        assert_eq!(entry.replay, expected, "{}", entry.id);
    }
}

#[test]
fn bound_blocks() {
    let bound = Catalogue::builtin().entries().iter().filter(|entry| entry.bound).map(|entry| entry.id.as_str());
    let expected = ["haiku-5-5", "sonnet-5-5", "opus-5-5", "fable-5-1"].map(|name| format!("anthropic.claude-{name}"));
    assert_eq!(bound.collect::<Vec<_>>(), expected);
}

#[test]
fn reasoning_that_is_no_block_of_its_own() {
    let tag = |id: &str| row(id).inline_tag.as_deref();
    for nova in ["micro", "lite", "pro", "premier"] {
        assert_eq!(tag(&format!("amazon.nova-{nova}-v1:0")), Some("thinking"));
    }
    assert_eq!(tag("openai.gpt-oss-20b-1:0"), Some("reasoning"));
    assert_eq!((tag("openai.gpt-oss-safeguard-20b"), tag("amazon.nova-2-lite-v1:0")), (None, None));
    let shown = |id: &str| row(id).redacted_text.as_deref();
    assert_eq!((shown("amazon.nova-2-lite-v1:0"), shown("amazon.nova-lite-v1:0")), (Some("[REDACTED]"), None));
}

#[test]
fn levels() {
    use Effort::{High, Low, Max, Medium, XHigh};
    for (id, levels, default) in [
        ("anthropic.claude-opus-4-6-v1", &[Low, Medium, High, Max][..], Some(High)),
        ("anthropic.claude-opus-4-7", &[Low, Medium, High, XHigh, Max], Some(High)),
        ("anthropic.claude-opus-5-5", &[Low, Medium, High, XHigh, Max], Some(Medium)),
        ("anthropic.claude-mythos-preview", &[], None),
        ("openai.gpt-5.5", &[Low, Medium, High, XHigh], Some(Medium)),
        ("openai.gpt-6-astra", &[Low, Medium, High, XHigh, Max], None),
        ("xai.grok-4.6", &[Low, Medium, High, XHigh], Some(Low)),
        ("zai.glm-4.7", &[High], None),
        ("zai.glm-5.3", &[Low, Medium, High, XHigh, Max], Some(Max)),
        ("moonshot.kimi-k2-thinking", &[Low, High, Max], None),
    ] {
        assert_eq!((row(id).efforts.as_slice(), row(id).default_effort), (levels, default), "{id}");
    }
}

#[test]
fn a_switch_that_nobody_knows_is_not_guessed() {
    let ask = ReasoningAsk { effort: Some(Effort::High), field: Some(FieldRef::Effort), ..ReasoningAsk::default() };
    for entry in rows(&["minimax.minimax-m2", "moonshotai.kimi-k3", "mistral.magistral-small-2509"]) {
        let plan = plan(entry, &Situation { ask: ask.clone(), ..Situation::default() });
        let plan = plan.unwrap_or_else(|fault| panic!("{fault:?}"));
        assert!(plan.fields.is_empty() && !plan.on && plan.warnings.len() == 1, "{}: {plan:?}", entry.id);
    }
}
