//! Which model follows which rules, and what it will do on a request.

mod kinds;
mod mode;
mod table;

pub(crate) use kinds::{Family, Generation, Interleaves, Rule, Shows, Switch, Takes};
pub(crate) use mode::{Mode, beta, hides, interleaved, mode, reasons};
pub(crate) use table::PLAIN;

/// What the name of an application inference profile begins with; the id of its model follows.
pub(crate) const PROFILE: &str = "sim-";

/// A model, found by an id in whatever form.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// The id without a geography.
    pub(crate) id: String,
    pub(crate) family: &'static Family,
    /// Whether it was named by an inference profile.
    pub(crate) is_profile: bool,
}

/// The model of an id, a profile's id or an ARN; nothing for an application inference profile that hides its model.
pub(crate) fn of(model_id: &str) -> Option<Model> {
    let mut is_profile = model_id.contains(":application-inference-profile/");
    let name = match model_id.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4)) {
        Some(resource) => match resource.split_once('/') {
            Some(("application-inference-profile", name)) => name.strip_prefix(PROFILE)?,
            Some((_, name)) => name,
            None => resource,
        },
        None => model_id,
    };
    let id = match name.split_once('.') {
        Some((geography, rest)) if is_geography(geography, rest) => {
            is_profile = true;
            rest
        }
        _ => name,
    };
    Some(Model { id: id.to_owned(), family: family(id), is_profile })
}

/// The prefix of an inference profile: letters and `-` before an id of somebody's that is known.
fn is_geography(label: &str, rest: &str) -> bool {
    let letters = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let maker = rest.split_once('.').map(|(maker, _)| maker);
    let known = |maker: &str| table::NAMES.iter().any(|(name, _)| name.split(['.', '*']).next() == Some(maker));
    letters && maker.is_some_and(|maker| known(maker) || maker.starts_with("moonshot") || label.len() == 2)
}

/// The family of the longest name that fits; a name with `*` fits every id that begins so, another one only the id
/// itself, with or without a date and a version.
fn family(id: &str) -> &'static Family {
    let fits = |name: &str| match name.strip_suffix('*') {
        Some(prefix) => id.starts_with(prefix),
        None => id
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || ["-20", "-v", ":"].iter().any(|mark| rest.starts_with(mark))),
    };
    let fitting = table::NAMES.iter().filter(|(name, _)| fits(name));
    fitting.max_by_key(|(name, _)| name.len()).map_or(&PLAIN, |(_, family)| family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_every_form_lead_to_their_model() {
        for (given, id) in [
            ("us.anthropic.claude-sonnet-4-20250514-v1:0", "anthropic.claude-sonnet-4-20250514-v1:0"),
            ("us-gov.openai.gpt-oss-120b-1:0", "openai.gpt-oss-120b-1:0"),
            ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-lite-v1:0", "amazon.nova-2-lite-v1:0"),
            (
                "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-4-8",
                "anthropic.claude-opus-4-8",
            ),
            (
                "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/sim-amazon.nova-pro-v1:0",
                "amazon.nova-pro-v1:0",
            ),
        ] {
            assert_eq!(of(given).unwrap().id, id);
        }
        assert!(of("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456").is_none());
    }

    #[test]
    fn a_name_does_not_stand_for_its_successors() {
        let like = |one: &str, other: &str| family(one) == family(other);
        assert!(!like("anthropic.claude-opus-5", "anthropic.claude-opus-5-5"));
        assert!(like("anthropic.claude-opus-5-6", "anthropic.claude-opus-5-5"), "unknown and newer");
        assert!(like("anthropic.claude-opus-4-20250514-v1:0", "anthropic.claude-sonnet-4-20250514-v1:0"));
        assert!(!like("anthropic.claude-opus-4-20250514-v1:0", "anthropic.claude-opus-4-5-20251101-v1:0"));
        assert!(!like("qwen.qwen3-32b-v1:0", "qwen.qwen3-coder-next"));
        assert!(!like("openai.gpt-5.5-2026-04-23", "openai.gpt-5.6-sol"));
        assert_eq!(*family("someone.else-v1:0"), PLAIN);
    }
}
