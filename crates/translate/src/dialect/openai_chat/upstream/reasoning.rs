//! The ask for reasoning as `reasoning_effort`, within the operator's limits.

use super::terms::{ChatTerms, Notices};
use crate::catalogue::{Wanted, effort_of_budget, most_budget};
use crate::model::reasoning::{Effort, ReasoningAsk, Switch};
use crate::model::request::Request;

/// What is asked of the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    Off,
    Effort(Effort),
}

/// The models of OpenAI's own, as far as their names tell what they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Answers without reasoning: `gpt-4o`.
    Plain,
    /// Always reasons: `o3`.
    AlwaysReasons,
    /// Reasons, at least a little: `gpt-5`.
    ReasonsALittle,
    /// Reasons or not: from `gpt-5.1` on.
    MayReason,
    /// Of somebody else.
    Other,
}

impl Family {
    /// By the model's id, which may name its vendor first.
    pub(super) fn of(model_id: &str) -> Self {
        let name = model_id.rsplit('/').next().unwrap_or(model_id);
        let is = |begins: &str| name.strip_prefix(begins).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        if ["o1", "o3", "o4"].into_iter().any(is) {
            Self::AlwaysReasons
        } else if is("gpt-5") && name.contains("-chat") || name.starts_with("gpt-4") || name.starts_with("gpt-3") {
            Self::Plain
        } else if is("gpt-5") {
            Self::ReasonsALittle
        } else if name.starts_with("gpt-5.") || name.starts_with("gpt-6") {
            Self::MayReason
        } else {
            Self::Other
        }
    }

    /// Whether it takes neither temperature nor top-p nor stop sequences.
    pub(super) fn is_unsampled(self) -> bool {
        matches!(self, Self::AlwaysReasons | Self::ReasonsALittle | Self::MayReason)
    }
}

/// The word of `reasoning_effort`; `None`: nothing is said.
pub(super) fn effort(request: &Request<'_>, terms: &ChatTerms<'_>, notices: &mut Notices) -> Option<&'static str> {
    let ask = &request.reasoning;
    let family = Family::of(terms.model_id);
    let unable = terms.entry.is_known() && !terms.entry.can_reason() || family == Family::Plain;
    if unable {
        if ask.wants_reasoning() {
            notices.unavailable(ask.field(), "the model does not reason");
        }
        return None;
    }
    match asked(ask, terms, notices) {
        Asked::Nothing => None,
        Asked::Off => off(ask, terms, family, notices),
        Asked::Effort(effort) => Some(word(effort, ask, terms, family, notices)),
    }
}

/// The ask in levels of effort, where the client said nothing the operator's, and no more than the operator allows.
fn asked(ask: &ReasoningAsk, terms: &ChatTerms<'_>, notices: &mut Notices) -> Asked {
    let effort = match (ask.switch, ask.effort) {
        (Switch::Off, _) => return Asked::Off,
        (Switch::Unset, None) => match terms.rules.default {
            None => return Asked::Nothing,
            Some(Wanted::Off) => return Asked::Off,
            Some(Wanted::Effort(effort)) => effort,
        },
        (_, Some(effort)) => effort,
        (Switch::Budget(tokens), None) => {
            let effort = effort_of_budget(tokens);
            notices.changed(ask.field(), format!("the backend takes efforts: `{}`", effort.word()));
            effort
        }
        (Switch::On | Switch::BetweenTools, None) => Effort::Medium,
    };
    let budget = most_budget(terms.rules).map(effort_of_budget);
    let most = terms.rules.most_effort.into_iter().chain(budget).min();
    match most.filter(|most| effort > *most) {
        Some(most) => {
            notices.changed(ask.effort_field(), format!("the operator allows the effort `{}` at most", most.word()));
            Asked::Effort(most)
        }
        None => Asked::Effort(effort),
    }
}

fn off(ask: &ReasoningAsk, terms: &ChatTerms<'_>, family: Family, notices: &mut Notices) -> Option<&'static str> {
    match family {
        Family::MayReason => Some("none"),
        Family::ReasonsALittle | Family::AlwaysReasons => {
            let least = if family == Family::ReasonsALittle { "minimal" } else { "low" };
            notices.changed(ask.field(), format!("the model always reasons; it is asked for the effort `{least}`"));
            Some(least)
        }
        Family::Other if terms.entry.is_known() => Some("none"),
        Family::Plain | Family::Other => {
            if ask.field.is_some() {
                notices
                    .ignored(ask.field(), "nobody knows how this model is told not to reason; its own default counts");
            }
            None
        }
    }
}

/// The word for an effort that the backend knows, as far as is known of it.
fn word(
    effort: Effort,
    ask: &ReasoningAsk,
    terms: &ChatTerms<'_>,
    family: Family,
    notices: &mut Notices,
) -> &'static str {
    let known = match (family, effort) {
        (Family::Other, _) if terms.entry.is_known() => effort,
        (Family::MayReason, Effort::Max) => Effort::XHigh,
        (Family::MayReason, Effort::Minimal) => Effort::Low,
        (
            Family::ReasonsALittle | Family::AlwaysReasons | Family::Other | Family::Plain,
            Effort::XHigh | Effort::Max,
        ) => Effort::High,
        (Family::AlwaysReasons | Family::Other | Family::Plain, Effort::Minimal) => Effort::Low,
        (_, effort) => effort,
    };
    if known != effort {
        notices.changed(ask.effort_field(), format!("the nearest effort that the backend knows is `{}`", known.word()));
    }
    known.word()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_of_openai_are_told_by_their_names() {
        for (model, family) in [
            ("gpt-4o-mini", Family::Plain),
            ("gpt-5-chat-latest", Family::Plain),
            ("openai/gpt-5-mini", Family::ReasonsALittle),
            ("gpt-5.2", Family::MayReason),
            ("o3", Family::AlwaysReasons),
            ("o4-mini", Family::AlwaysReasons),
            ("openai.gpt-oss-120b-1:0", Family::Other),
            ("deepseek-chat", Family::Other),
            ("o365", Family::Other),
        ] {
            assert_eq!(Family::of(model), family, "{model}");
        }
    }
}
