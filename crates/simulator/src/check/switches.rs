//! The switches of every family but Claude's.

use super::provider;
use crate::families::{Model, Rule, Switch};
use crate::refused::Refused;
use serde_json::Value;

/// Every word that is some family's own, and refused by the others.
const WORDS: [&str; 9] = [
    "thinking",
    "output_config",
    "reasoning",
    "reasoning_effort",
    "reasoning_config",
    "reasoningConfig",
    "top_k",
    "anthropic_beta",
    "tool_choice",
];

pub(super) fn check(model: &Model, body: &Value) -> Result<(), Refused> {
    let own = &body["additionalModelRequestFields"];
    let word = match model.family.switch {
        Switch::Nothing | Switch::Thinking { .. } => "",
        Switch::Object => "reasoning",
        Switch::Flat => "reasoning_effort",
        Switch::Word => "reasoning_config",
        Switch::Nova => "reasoningConfig",
    };
    let passed = |name: &str| name == word || name == "thinking" && model.family.has(Rule::IgnoresThinking);
    let present = WORDS.iter().filter(|name| !own[**name].is_null());
    if let Some(foreign) = present.into_iter().find(|name| !passed(name)) {
        return Err(foreign_word(model, foreign));
    }
    match model.family.switch {
        _ if own[word].is_null() => Ok(()),
        Switch::Nova => nova(model, &own[word]),
        Switch::Object => level(model, "reasoning.effort", &own[word]["effort"]),
        _ => level(model, word, &own[word]),
    }
}

fn foreign_word(model: &Model, name: &str) -> Refused {
    let family = model.family;
    if family.has(Rule::RefusesReasoningConfig) && name == "reasoningConfig" {
        return Refused::invalid("Malformed input request: the provided reasoning config value is invalid");
    }
    match family.vendor {
        "openai" | "xai" => provider(format!("Unknown parameter: '{name}'.")),
        _ => Refused::invalid(format!(
            "Malformed input request: #: extraneous key [{name}] is not permitted, please reformat your input and try again."
        )),
    }
}

fn level(model: &Model, field: &str, value: &Value) -> Result<(), Refused> {
    match value.as_str() {
        Some(level) if model.family.levels.contains(&level) => Ok(()),
        Some(level) => Err(unsupported_level(model, field, level)),
        None => Err(provider(format!("Invalid type for '{field}': expected a string."))),
    }
}

/// The refusal of a level, with those that there are instead.
pub(crate) fn unsupported_level(model: &Model, field: &str, level: &str) -> Refused {
    let mut rest: Vec<&str> = model.family.levels.iter().copied().filter(|known| *known != level).collect();
    if model.family.is_claude() {
        rest.sort_unstable();
        let rest = rest.join(", ");
        return provider(format!("This model does not support effort level '{level}'. Supported levels: {rest}."));
    }
    let rest: Vec<_> = rest.iter().map(|known| format!("'{known}'")).collect();
    let values = rest.join(", ");
    provider(format!(
        "Unsupported value: '{field}' does not support '{level}' with the '{}' model. Supported values are: {values}.",
        model.id
    ))
}

/// `reasoningConfig`: a type, and with `enabled` an effort.
fn nova(model: &Model, config: &Value) -> Result<(), Refused> {
    let invalid = || Refused::invalid("Malformed input request: the provided reasoning config value is invalid");
    if config
        .as_object()
        .is_none_or(|members| !members.keys().all(|name| matches!(name.as_str(), "type" | "maxReasoningEffort")))
    {
        return Err(invalid());
    }
    let effort = config["maxReasoningEffort"].as_str();
    match (config["type"].as_str(), effort) {
        (Some("disabled"), None) => Ok(()),
        (Some("enabled"), Some(effort)) if model.family.levels.contains(&effort) => Ok(()),
        _ => Err(invalid()),
    }
}
