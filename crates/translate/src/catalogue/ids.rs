//! From the many forms of a model id to the one that the catalogue's rows carry.

use super::Catalogue;

/// The base model id in a model id.
///
/// `None` for an ARN that does not tell its model: of an application inference profile, a provisioned, custom or
/// imported model, a prompt, a prompt router, an endpoint. What one of those can do, only its owner knows; even the ARN
/// of a custom model, which names what it was made from, does not say what it has become.
#[must_use]
pub fn base_id(model_id: &str) -> Option<&str> {
    let named = if model_id.starts_with("arn:") { named_in_arn(model_id)? } else { model_id };
    Some(match named.split_once('.') {
        Some((geography, rest)) if is_geography(geography, rest) => rest,
        _ => named,
    })
}

/// The geographies of the inference profiles that can be called in a region (Bedrock, "Cross-region inference").
pub(super) fn geographies(region: &str) -> &'static [&'static str] {
    match region.rsplit_once('-').map_or(region, |(area, _)| area) {
        "us-gov-east" | "us-gov-west" => &["us-gov"],
        area if area.starts_with("us-") => &["us", "global"],
        area if area.starts_with("ca-") => &["ca", "us", "global"],
        area if area.starts_with("eu-") => &["eu", "global"],
        "ap-northeast" if region != "ap-northeast-2" => &["jp", "apac", "global"],
        "ap-southeast" if matches!(region, "ap-southeast-2" | "ap-southeast-4") => &["au", "apac", "global"],
        "ap-south" => &["in", "apac", "global"],
        area if area.starts_with("ap-") => &["apac", "global"],
        _ => &["global"],
    }
}

/// `arn:PARTITION:bedrock:REGION:ACCOUNT:KIND/NAME`.
fn named_in_arn(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let service = parts.nth(2)?;
    let (kind, name) = parts.nth(2)?.split_once('/')?;
    (service == "bedrock" && matches!(kind, "foundation-model" | "inference-profile")).then_some(name)
}

/// `us`, `us-gov`, `apac`, `global` and their like, also those still to come: letters and `-` before the name of a maker
/// of models; two letters before anything, for no maker's name has two.
fn is_geography(label: &str, rest: &str) -> bool {
    let letters = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let Some((maker, _)) = rest.split_once('.').filter(|_| letters) else { return false };
    label.len() == 2 && !label.contains('-') || Catalogue::builtin().is_maker(maker)
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
            assert_eq!(base_id(id), Some("anthropic.claude-opus-4-8"), "{id}");
        }
    }

    #[test]
    fn every_geography_is_taken_off_and_nothing_else() {
        for geography in [
            "us",
            "us-gov",
            "eu",
            "apac",
            "jp",
            "au",
            "ca",
            "in",
            "global",
            "sa",
            "me",
            "latam",
            "eu-west",
            "asia-pacific",
        ] {
            let id = format!("{geography}.openai.gpt-5.6-sol");
            assert_eq!(base_id(&id), Some("openai.gpt-5.6-sol"), "{id}");
        }
        for whole in [
            "us.model",
            "openai.gpt-5.6-sol",
            "ai21.jamba-1.5",
            "a1.openai.gpt-5.4",
            "nobody.knows.this",
            "model",
            "",
            ".",
            "..",
        ] {
            assert_eq!(base_id(whole), Some(whole), "{whole}");
        }
    }

    #[test]
    fn a_region_has_the_ids_that_can_be_called_in_it() {
        let of = |id: &str, region: &str| Catalogue::builtin().lookup(id).ids_in(region).collect::<Vec<_>>();
        let sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0";
        assert_eq!(of(sonnet, "us-east-1"), [format!("global.{sonnet}"), format!("us.{sonnet}")]);
        assert_eq!(of(sonnet, "us-gov-west-1"), [format!("us-gov.{sonnet}")]);
        assert_eq!(of(sonnet, "ap-northeast-1"), [format!("global.{sonnet}"), format!("jp.{sonnet}")]);
        assert_eq!(of("zai.glm-5", "eu-north-1"), ["zai.glm-5"]);
        assert!(of("zai.glm-5", "eu-central-1").is_empty() && of("zai.glm-4.6", "us-east-1").is_empty());
        assert_eq!(
            of("cohere.command-r-v1:0", "us-east-1"),
            ["cohere.command-r-v1:0"],
            "nothing is known of its regions"
        );
    }

    #[test]
    fn an_arn_that_does_not_tell_its_model_has_no_base_id() {
        for resource in [
            "application-inference-profile/abc123def456",
            "provisioned-model/abc123def456",
            "custom-model/amazon.nova-lite-v1:0:300k/abc123def456",
            "custom-model-deployment/abc123def456",
            "imported-model/abc123def456",
            "prompt/PROMPT1234:1",
            "prompt-router/abc123def456",
            "default-prompt-router/anthropic.claude:1",
            "inference-profile",
            "",
        ] {
            let arn = format!("arn:aws:bedrock:us-west-2:123456789012:{resource}");
            assert_eq!(base_id(&arn), None, "{arn}");
        }
        let elsewhere = "arn:aws:sagemaker:us-west-2:123456789012:inference-profile/us.anthropic.claude-opus-4-8";
        for other in [elsewhere, "arn:aws:bedrock", "arn:"] {
            assert_eq!(base_id(other), None, "{other}");
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
