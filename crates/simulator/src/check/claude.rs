//! Claude's own fields: `thinking`, the effort, betas, and the prefill that some of them refuse.

use super::{provider, switches};
use crate::families::{Family, Generation, Interleaves, Mode, Model, Rule, Switch, beta, interleaved, mode};
use crate::refused::Refused;
use crate::talk;
use serde_json::Value;

const BINDING: &str = "thinking-binding-controls-2026-08-01";
const EVERY_LEVEL: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];
const CONTROL: &str = "\"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior.";

pub(super) fn check(model: &Model, body: &Value) -> Result<(), Refused> {
    fields(model.family, body)?;
    if let Switch::Thinking { modes, interleaves } = model.family.switch {
        thinking(modes, body)?;
        older_display(model.family, body)?;
        budget(interleaves, body)?;
    }
    effort(model, body)?;
    prefill(model.family, body)
}

/// The members of Anthropic's own request that are taken.
fn fields(family: &Family, body: &Value) -> Result<(), Refused> {
    let own = &body["additionalModelRequestFields"];
    let thinks = matches!(family.switch, Switch::Thinking { .. });
    let taken = |name: &str| match name {
        "top_k" | "anthropic_beta" | "tool_choice" | "tools" | "metadata" => true,
        "thinking" | "output_config" => thinks,
        "context_management" => beta(body, "context-management-2025-06-27"),
        _ => false,
    };
    match own.as_object().and_then(|members| members.keys().find(|name| !taken(name))) {
        Some(extra) => Err(provider(format!("{extra}: Extra inputs are not permitted"))),
        None => Ok(()),
    }
}

/// The betas that Converse refuses, whatever the model.
pub(super) fn betas(body: &Value) -> Result<(), Refused> {
    let betas = &body["additionalModelRequestFields"]["anthropic_beta"];
    if betas.is_null() {
        return Ok(());
    }
    let Some(betas) = betas.as_array() else {
        return Err(provider("anthropic_beta: Input should be a valid list"));
    };
    let fails = |beta: &str| {
        beta.contains("advanced-tool-use") || beta.contains("prompt-caching") || beta == "compact-2026-01-12"
    };
    match betas.iter().any(|beta| beta.as_str().is_none_or(fails)) {
        true => Err(provider("invalid beta flag")),
        false => Ok(()),
    }
}

fn thinking(modes: &[&str], body: &Value) -> Result<(), Refused> {
    let thinking = &body["additionalModelRequestFields"]["thinking"];
    if thinking.is_null() {
        return Ok(());
    }
    let Some(kind) = thinking["type"].as_str() else {
        return Err(provider("thinking: Unable to extract tag using discriminator 'type'"));
    };
    let members: &[&str] = match kind {
        "enabled" => &["type", "budget_tokens", "display"],
        "adaptive" | "between_tools" => &["type", "display", "block_binding"],
        "disabled" => &["type"],
        _ => {
            return Err(provider(format!(
                "thinking: Input tag '{kind}' found using 'type' does not match any of the expected tags: 'adaptive', \
                 'disabled', 'enabled'"
            )));
        }
    };
    if !modes.contains(&kind) {
        return Err(provider(unsupported(kind, modes)));
    }
    let extra = thinking.as_object().and_then(|given| given.keys().find(|name| !members.contains(&name.as_str())));
    if let Some(extra) = extra {
        return Err(provider(format!("thinking.{kind}.{extra}: Extra inputs are not permitted")));
    }
    display(kind, thinking, body)?;
    binding(kind, thinking, body)
}

/// Why a model does not take this type of thinking.
fn unsupported(kind: &str, modes: &[&str]) -> String {
    let no = format!("\"thinking.type.{kind}\" is not supported for this model.");
    match kind {
        "adaptive" => "adaptive thinking is not supported on this model".to_owned(),
        "between_tools" => no,
        "disabled" if modes.contains(&"between_tools") => {
            format!("{no} Use \"thinking.type.between_tools\" for the lowest thinking setting, or {CONTROL}")
        }
        _ => format!("{no} Use {CONTROL}"),
    }
}

fn display(kind: &str, thinking: &Value, body: &Value) -> Result<(), Refused> {
    let display = &thinking["display"];
    let updates = beta(body, "thinking-display-updates-2026-08-18");
    match display.as_str() {
        Some("summarized" | "omitted") => Ok(()),
        Some("updates") if updates => Ok(()),
        None if display.is_null() => Ok(()),
        _ => Err(provider(format!("thinking.{kind}.display: Input should be 'summarized' or 'omitted'"))),
    }
}

/// What older models, which show a summary by themselves, say of a display.
fn older_display(family: &Family, body: &Value) -> Result<(), Refused> {
    let thinking = &body["additionalModelRequestFields"]["thinking"];
    if family.generation >= Generation::FourSeven || thinking["display"].is_null() {
        return Ok(());
    }
    let kind = thinking["type"].as_str().unwrap_or("enabled");
    Err(provider(format!("thinking.{kind}.display: Extra inputs are not permitted")))
}

fn binding(kind: &str, thinking: &Value, body: &Value) -> Result<(), Refused> {
    let binding = &thinking["block_binding"];
    if binding.is_null() {
        return Ok(());
    }
    if !beta(body, BINDING) {
        return Err(provider(format!("thinking.{kind}.block_binding: Extra inputs are not permitted")));
    }
    match binding["prefix_mismatch_behavior"].as_str() {
        Some("error" | "drop_block") => Ok(()),
        _ => Err(provider(format!(
            "thinking.{kind}.block_binding.prefix_mismatch_behavior: Input should be 'error' or 'drop_block'"
        ))),
    }
}

fn budget(interleaves: Interleaves, body: &Value) -> Result<(), Refused> {
    let thinking = &body["additionalModelRequestFields"]["thinking"];
    if thinking["type"] != "enabled" {
        return Ok(());
    }
    let Some(budget) = thinking["budget_tokens"].as_u64() else {
        return Err(provider("thinking.enabled.budget_tokens: Field required"));
    };
    if budget < 1024 {
        return Err(provider("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"));
    }
    let most = body["inferenceConfig"]["maxTokens"].as_u64();
    if most.is_some_and(|most| most <= budget) && !interleaved(interleaves, body) {
        return Err(provider("`max_tokens` must be greater than `thinking.budget_tokens`."));
    }
    Ok(())
}

fn effort(model: &Model, body: &Value) -> Result<(), Refused> {
    let family = model.family;
    let typed = &body["outputConfig"]["effort"];
    let own = &body["additionalModelRequestFields"]["output_config"]["effort"];
    if !typed.is_null() && !own.is_null() {
        return Err(Refused::invalid(
            "The additional field output_config/effort conflicts with the existing field outputConfig.effort. Remove \
             output_config/effort and try again.",
        ));
    }
    let asked = if own.is_null() { typed } else { own };
    if asked.is_null() {
        return Ok(());
    }
    let Some(level) = asked.as_str().filter(|level| EVERY_LEVEL.contains(level)) else {
        return Err(provider("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"));
    };
    if family.levels.is_empty() {
        return Err(provider("This model does not support the effort parameter."));
    }
    if family.has(Rule::EffortByBeta) && !beta(body, "effort-2025-11-24") {
        return Err(provider("output_config.effort: Extra inputs are not permitted"));
    }
    if !family.levels.contains(&level) {
        return Err(switches::unsupported_level(model, "output_config.effort", level));
    }
    let off = matches!(mode(family, body), Mode::Off | Mode::BetweenTools);
    if off && matches!(level, "xhigh" | "max") && family.has(Rule::EffortCappedWhenOff) {
        return Err(provider(format!(
            "output_config.effort '{level}' is not supported when thinking is disabled on this model. Use effort 'high' \
             or below, or enable thinking."
        )));
    }
    Ok(())
}

fn prefill(family: &Family, body: &Value) -> Result<(), Refused> {
    let turns = talk::turns(body);
    let Some(last) = turns.last().filter(|last| last["role"] == "assistant") else { return Ok(()) };
    if family.has(Rule::NoPrefill) {
        return Err(provider(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ));
    }
    let starts_with_thought = talk::content(last).first().is_some_and(talk::is_reasoning);
    if family.has(Rule::NoPrefillWhileReasoning) && mode(family, body) == Mode::Budget && !starts_with_thought {
        return Err(super::history::expected_thought(turns.len() - 1, last));
    }
    Ok(())
}
