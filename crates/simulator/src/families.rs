//! Which model ids behave in which way.

use serde_json::Value;

/// A line of models that reason in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Claude that takes a budget of tokens.
    Budget,
    /// Claude that takes the adaptive mode; `always`: and reasons whatever is said.
    Adaptive { always: bool, hidden: bool },
    /// The model of the demo: reasons without being asked.
    Demo,
    /// Nova 2: its thoughts are never shown.
    Nova2,
    /// Reasons always, without a signature.
    Open,
    /// Reasons not at all.
    Plain,
}

const GEOGRAPHIES: [&str; 9] = ["us", "us-gov", "eu", "apac", "jp", "au", "ca", "in", "global"];

const BUDGET: [&str; 7] = [
    "claude-3-7-sonnet",
    "claude-sonnet-4-2",
    "claude-opus-4-2",
    "claude-opus-4-1",
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
    "claude-opus-4-5",
];

/// The family of a model id, in whatever form.
pub(crate) fn of(model_id: &str) -> Family {
    let name = model_id.rsplit('/').next().unwrap_or_default();
    let base = match name.split_once('.') {
        Some((geography, rest)) if GEOGRAPHIES.contains(&geography) => rest,
        _ => name,
    };
    if base == "anthropic.claude-3-5-sonnet-20241022-v2:0" {
        return Family::Demo;
    }
    let Some(claude) = base.strip_prefix("anthropic.") else {
        return match base {
            _ if base.starts_with("amazon.nova-2") => Family::Nova2,
            _ if base.starts_with("openai.gpt-oss") || base.starts_with("deepseek.r1") => Family::Open,
            _ => Family::Plain,
        };
    };
    if BUDGET.iter().any(|known| claude.starts_with(known)) {
        Family::Budget
    } else if claude.starts_with("claude-3") || claude.starts_with("claude-v") || claude.starts_with("claude-instant") {
        Family::Plain
    } else {
        let always = ["opus-5-5", "fable", "mythos"].iter().any(|name| claude.contains(name));
        Family::Adaptive { always, hidden: !claude.ends_with("-4-6") && !claude.ends_with("-4-6-v1") }
    }
}

impl Family {
    pub(crate) fn is_claude(self) -> bool {
        matches!(self, Self::Budget | Self::Adaptive { .. } | Self::Demo)
    }

    /// Whether the reasoning carries a signature.
    pub(crate) fn signs(self) -> bool {
        self.is_claude()
    }

    /// Whether it reasons on this request.
    pub(crate) fn reasons(self, body: &Value) -> bool {
        let own = &body["additionalModelRequestFields"];
        match self {
            Self::Demo | Self::Open => true,
            Self::Plain => false,
            Self::Budget => own["thinking"]["type"] == "enabled",
            Self::Adaptive { always, .. } => always || own["thinking"]["type"] == "adaptive",
            Self::Nova2 => own["reasoningConfig"]["type"] == "enabled",
        }
    }

    /// Whether the thoughts stay empty, with only the signature shown.
    pub(crate) fn hides(self, body: &Value) -> bool {
        let display = &body["additionalModelRequestFields"]["thinking"]["display"];
        matches!(self, Self::Adaptive { hidden: true, .. }) && display != "summarized" || display == "omitted"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_every_form_have_their_family() {
        assert_eq!(of("us.anthropic.claude-sonnet-4-20250514-v1:0"), Family::Budget);
        assert_eq!(of("anthropic.claude-3-5-sonnet-20241022-v2:0"), Family::Demo);
        assert_eq!(of("anthropic.claude-3-haiku-20240307-v1:0"), Family::Plain);
        assert_eq!(of("anthropic.claude-opus-4-6-v1"), Family::Adaptive { always: false, hidden: false });
        assert_eq!(of("global.anthropic.claude-opus-5-5"), Family::Adaptive { always: true, hidden: true });
        assert_eq!(of("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-lite-v1:0"), Family::Nova2);
        assert_eq!(of("amazon.nova-lite-v1:0"), Family::Plain);
    }
}
