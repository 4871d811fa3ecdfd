//! The ordinary settings: sampling, limits, tools and cache points, as far as a family refuses them.

use super::{no_field, provider};
use crate::families::{Family, Mode, Rule, Switch, mode, reasons};
use crate::refused::Refused;
use crate::talk;
use serde_json::Value;

pub(super) fn check(family: &Family, body: &Value) -> Result<(), Refused> {
    ranges(body)?;
    sampling(family, body)?;
    limits(family, body)?;
    choice(family, body)?;
    cache_points(family, body)?;
    if !family.is_claude() && !body["outputConfig"]["effort"].is_null() {
        return Err(no_field("outputConfig.effort"));
    }
    Ok(())
}

fn ranges(body: &Value) -> Result<(), Refused> {
    for name in ["temperature", "topP"] {
        if body["inferenceConfig"][name].as_f64().is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            return Err(Refused::invalid(format!(
                "Value at 'inferenceConfig.{name}' failed to satisfy constraint: Member must have value less than or equal to 1"
            )));
        }
    }
    Ok(())
}

/// The sampling that is set, in the words of Converse and of Claude.
fn set(body: &Value) -> Vec<(&'static str, &'static str)> {
    let config = &body["inferenceConfig"];
    let own = &body["additionalModelRequestFields"];
    let present = [
        ("temperature", "temperature", &config["temperature"]),
        ("topP", "top_p", &config["topP"]),
        ("top_k", "top_k", &own["top_k"]),
    ];
    present.into_iter().filter(|(_, _, value)| !value.is_null()).map(|(ours, theirs, _)| (ours, theirs)).collect()
}

fn sampling(family: &Family, body: &Value) -> Result<(), Refused> {
    let set = set(body);
    let Some((ours, theirs)) = set.first() else { return Ok(()) };
    if family.has(Rule::NoSampling) {
        return Err(match family.is_claude() {
            true => provider(format!("`{theirs}` is deprecated for this model.")),
            false => no_field(ours),
        });
    }
    if family.has(Rule::NoTemperature) && *ours == "temperature" {
        return Err(no_field(ours));
    }
    if family.has(Rule::OneOfTemperatureAndTopP)
        && set.iter().any(|(ours, _)| *ours == "topP")
        && *ours == "temperature"
    {
        return Err(provider(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        ));
    }
    if family.has(Rule::NoSamplingWhileReasoning) {
        return sampling_while_thinking(mode(family, body), &set, body);
    }
    Ok(())
}

/// A temperature of 1 is no sampling: the refusal itself allows it.
fn sampling_while_thinking(mode: Mode, set: &[(&str, &str)], body: &Value) -> Result<(), Refused> {
    let one = body["inferenceConfig"]["temperature"].as_f64() == Some(1.0);
    let wrong = set.iter().find(|(ours, _)| !(one && *ours == "temperature"));
    let when = match mode {
        Mode::Off => return Ok(()),
        Mode::Budget => "when thinking is enabled.",
        Mode::Adaptive | Mode::BetweenTools => "when thinking is enabled or in adaptive mode.",
    };
    match wrong {
        None => Ok(()),
        Some((_, "temperature")) => Err(provider(format!("`temperature` may only be set to 1 {when}"))),
        Some((_, theirs)) => Err(provider(format!("`{theirs}` must be unset {when}"))),
    }
}

fn limits(family: &Family, body: &Value) -> Result<(), Refused> {
    let config = &body["inferenceConfig"];
    if family.has(Rule::NoStopSequences) && config["stopSequences"].as_array().is_some_and(|stops| !stops.is_empty()) {
        return Err(no_field("stopSequences"));
    }
    let asked = config["maxTokens"].as_u64().unwrap_or(0);
    let stops = config["stopSequences"].as_array().map_or(0, Vec::len);
    for rule in family.rules {
        match rule {
            Rule::MostTokens(most) if asked > *most => {
                return Err(Refused::invalid(format!(
                    "The maximum tokens you requested exceeds the model limit of {most}. Try again with a maximum tokens \
                     value that is lower than {most}."
                )));
            }
            Rule::MostStops(most) if stops > *most => {
                return Err(Refused::invalid(format!(
                    "Malformed input request: #/inferenceConfig/stopSequences: expected maximum item count: {most}, found: \
                     {stops}, please reformat your input and try again."
                )));
            }
            _ => {}
        }
    }
    if let Some(most) = config["maxTokens"].as_u64().filter(|most| *most < 16)
        && family.has(Rule::SixteenTokens)
    {
        return Err(provider(format!(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got {most} instead."
        )));
    }
    if family.switch == Switch::Nova
        && body["additionalModelRequestFields"]["reasoningConfig"]["maxReasoningEffort"] == "high"
        && ["maxTokens", "temperature", "topP"].iter().any(|name| !config[*name].is_null())
    {
        return Err(Refused::invalid("maxTokens, temperature and topP must be unset when maxReasoningEffort is high"));
    }
    Ok(())
}

fn choice(family: &Family, body: &Value) -> Result<(), Refused> {
    let choice = &body["toolConfig"]["toolChoice"];
    let own = &body["additionalModelRequestFields"]["tool_choice"]["type"];
    let said = choice.as_object().and_then(|choice| choice.keys().next());
    if let Some(said) = said {
        if family.is_claude() && !own.is_null() {
            return Err(Refused::invalid(format!(
                "The additional field tool_choice/type conflicts with the existing field toolConfig.toolChoice.{said}. \
                 Remove tool_choice/type and try again."
            )));
        }
        if family.has(Rule::NoToolChoice) {
            return Err(no_field(&format!("toolConfig.toolChoice.{said}")));
        }
    }
    let Some(forced) = talk::forced(body) else { return Ok(()) };
    if family.has(Rule::NoForcedTool) {
        return Err(provider("tool_choice: type \"tool\" and \"any\" are not supported for this model."));
    }
    if family.is_claude() && mode(family, body) == Mode::Budget {
        return Err(provider("Thinking may not be enabled when tool_choice forces tool use."));
    }
    if family.has(Rule::NoForcedToolWhileReasoning) && reasons(family, body) {
        return Err(no_field(&format!("toolConfig.toolChoice.{forced}")));
    }
    Ok(())
}

fn cache_points(family: &Family, body: &Value) -> Result<(), Refused> {
    let is_point = |block: &&Value| !block["cachePoint"].is_null();
    let list = |blocks: &Value| blocks.as_array().into_iter().flatten().filter(is_point).count();
    let turns = talk::turns(body);
    let said: usize = turns.iter().map(|turn| list(&turn["content"])).sum();
    let count = list(&body["system"]) + list(&body["toolConfig"]["tools"]) + said;
    if count > 0 && family.has(Rule::NoCachePoints) {
        return Err(no_field("cachePoint"));
    }
    if count > 4 {
        return Err(provider(format!("A maximum of 4 blocks with cache_control may be provided. Found {count}.")));
    }
    let after_thought = |turn: &Value| {
        talk::content(turn)
            .windows(2)
            .any(|pair| matches!(pair, [one, two] if talk::is_reasoning(one) && is_point(&two)))
    };
    if turns.iter().any(after_thought) {
        return Err(Refused::invalid("Cache point cannot be inserted after reasoning block."));
    }
    Ok(())
}
