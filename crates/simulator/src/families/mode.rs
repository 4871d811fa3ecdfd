//! What a model will do about reasoning on one request.

use super::kinds::{Family, Interleaves, Rule, Switch};
use crate::talk;
use serde_json::Value;

/// How Claude's thinking is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Off,
    /// `enabled`, with a budget.
    Budget,
    Adaptive,
    /// Not before the answer, but between tools.
    BetweenTools,
}

fn own(body: &Value) -> &Value {
    &body["additionalModelRequestFields"]
}

/// Whether the request asks for a beta.
pub(crate) fn beta(body: &Value, name: &str) -> bool {
    own(body)["anthropic_beta"].as_array().is_some_and(|betas| betas.iter().any(|beta| beta == name))
}

/// The mode of Claude's thinking.
pub(crate) fn mode(family: &Family, body: &Value) -> Mode {
    match own(body)["thinking"]["type"].as_str() {
        Some("enabled") => Mode::Budget,
        Some("adaptive") => Mode::Adaptive,
        Some("between_tools") => Mode::BetweenTools,
        None if family.on => Mode::Adaptive,
        _ => Mode::Off,
    }
}

/// Whether the model reasons in its answer to this request.
pub(crate) fn reasons(family: &Family, body: &Value) -> bool {
    let own = own(body);
    let by_level = |level: &Value| level.as_str().map_or(family.on, |level| !family.quiet.contains(&level));
    match family.switch {
        Switch::Nothing => family.on,
        Switch::Object => by_level(&own["reasoning"]["effort"]),
        Switch::Flat => by_level(&own["reasoning_effort"]),
        Switch::Word => by_level(&own["reasoning_config"]),
        Switch::Nova => own["reasoningConfig"]["type"] == "enabled",
        Switch::Thinking { interleaves, .. } => thinks(mode(family, body), interleaves, body),
    }
}

/// A forced call leaves no room for a thought. In a tool loop whose thoughts were lost, there are no more of them.
fn thinks(mode: Mode, interleaves: Interleaves, body: &Value) -> bool {
    let turns = talk::turns(body);
    let steps = talk::steps(turns);
    let lost = |skip: usize| {
        talk::open_loop(turns).skip(skip).any(|(_, turn)| !talk::content(turn).iter().any(talk::is_reasoning))
    };
    match mode {
        Mode::Off => false,
        Mode::Budget => steps == 0 || interleaved(interleaves, body),
        _ if talk::forced(body).is_some() => false,
        Mode::Adaptive => !lost(0),
        Mode::BetweenTools => steps > 0 && !lost(1),
    }
}

/// Whether a budget may be spent between tools, and then be larger than `maxTokens`.
pub(crate) fn interleaved(interleaves: Interleaves, body: &Value) -> bool {
    interleaves == Interleaves::WithBeta
        && beta(body, "interleaved-thinking-2025-05-14")
        && !talk::tools(body).is_empty()
}

/// Whether thoughts stay empty, with only the signature shown.
pub(crate) fn hides(family: &Family, body: &Value) -> bool {
    match own(body)["thinking"]["display"].as_str() {
        Some(display) => display == "omitted",
        None => family.has(Rule::HiddenText),
    }
}
