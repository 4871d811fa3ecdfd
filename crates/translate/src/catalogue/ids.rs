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
mod tests;
