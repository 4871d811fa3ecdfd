//! From the many forms of a model id to the one that the catalogue's rows carry.

/// The prefixes of cross-region inference profiles.
const GEOGRAPHIES: [&str; 9] = ["us", "us-gov", "eu", "apac", "jp", "au", "ca", "in", "global"];

/// The base model id in a model id; `None` when it hides its model, as an application inference profile does.
pub(super) fn base(model_id: &str) -> Option<&str> {
    let named = if model_id.starts_with("arn:") {
        let resource = model_id.splitn(6, ':').nth(5)?;
        let (kind, name) = resource.split_once('/')?;
        matches!(kind, "foundation-model" | "inference-profile").then_some(name)?
    } else {
        model_id
    };
    Some(match named.split_once('.') {
        Some((geography, rest)) if GEOGRAPHIES.contains(&geography) && rest.contains('.') => rest,
        _ => named,
    })
}

/// A base id without its date, its version and its context size: `anthropic.claude-x-5-20260101-v1:0:200k` and
/// `anthropic.claude-x-5` have one stem.
pub(super) fn stem(base: &str) -> &str {
    let undetailed = base.split_once(':').map_or(base, |(stem, _)| stem);
    let unversioned = match undetailed.rsplit_once("-v") {
        Some((stem, version)) if !version.is_empty() && digits(version) => stem,
        _ => undetailed,
    };
    match unversioned.rsplit_once('-') {
        Some((stem, date)) if date.len() == 8 && digits(date) => stem,
        _ => unversioned,
    }
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_leads_to_the_base_id() {
        for id in [
            "anthropic.claude-opus-4-8",
            "us.anthropic.claude-opus-4-8",
            "us-gov.anthropic.claude-opus-4-8",
            "global.anthropic.claude-opus-4-8",
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-8",
            "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile/us-gov.anthropic.claude-opus-4-8",
        ] {
            assert_eq!(base(id), Some("anthropic.claude-opus-4-8"), "{id}");
        }
        assert_eq!(base("us.model"), Some("us.model"));
        for hidden in
            ["arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/abc", "arn:aws:bedrock", "arn:"]
        {
            assert_eq!(base(hidden), None, "{hidden}");
        }
    }

    #[test]
    fn the_stem_has_neither_date_nor_version() {
        assert_eq!(stem("anthropic.claude-sonnet-4-5-20250929-v1:0"), "anthropic.claude-sonnet-4-5");
        assert_eq!(stem("anthropic.claude-opus-4-6-v1"), "anthropic.claude-opus-4-6");
        assert_eq!(stem("amazon.nova-lite-v1:0:300k"), "amazon.nova-lite");
        assert_eq!(stem("anthropic.claude-v2"), "anthropic.claude");
        assert_eq!(stem("openai.gpt-oss-120b-1:0"), "openai.gpt-oss-120b-1");
    }
}
