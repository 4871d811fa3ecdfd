//! Inference profiles, as `ListInferenceProfiles` and `GetInferenceProfile` of Bedrock's control plane tell them.
//!
//! Claude Code asks for both before its first request: for the profiles of the region, and for the model behind the ARN of
//! an application's profile.

use crate::model::text::Text;

/// A profile that clients may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileSummary<'a> {
    /// The id or the ARN by which it is called.
    pub id: &'a str,
    /// The region in which it is called.
    pub region: &'a str,
    /// The foundation model behind it.
    pub model: &'a str,
}

impl ProfileSummary<'_> {
    fn json(&self) -> String {
        let Self { id, region, model } = *self;
        let is_arn = id.starts_with("arn:");
        // The account is not the client's affair.
        let arn = if is_arn {
            id.to_owned()
        } else {
            format!("arn:aws:bedrock:{region}:000000000000:inference-profile/{id}")
        };
        let kind = if id.contains(":application-inference-profile/") { "APPLICATION" } else { "SYSTEM_DEFINED" };
        let short = id.rsplit('/').next().unwrap_or(id);
        let [arn, short, region, model] = [arn.as_str(), short, region, model].map(Text::from_plain);
        let (short, model) = (short.as_escaped(), model.as_escaped());
        format!(
            r#"{{"inferenceProfileName":"{short}","inferenceProfileId":"{short}","inferenceProfileArn":"{}","models":[{{"modelArn":"arn:aws:bedrock:{}::foundation-model/{model}"}}],"status":"ACTIVE","type":"{kind}"}}"#,
            arn.as_escaped(),
            region.as_escaped(),
        )
    }
}

/// The answer to `ListInferenceProfiles`: one page.
#[must_use]
pub fn list(profiles: &[ProfileSummary<'_>]) -> String {
    let each: Vec<String> = profiles.iter().map(ProfileSummary::json).collect();
    format!(r#"{{"inferenceProfileSummaries":[{}]}}"#, each.join(","))
}

/// The answer to `GetInferenceProfile`.
#[must_use]
pub fn one(profile: &ProfileSummary<'_>) -> String {
    profile.json()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_profile_has_the_members_that_aws_requires() {
        let arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc";
        for (id, kind, short) in [("us.m", "SYSTEM_DEFINED", "us.m"), (arn, "APPLICATION", "abc")] {
            let told = one(&ProfileSummary { id, region: "us-east-1", model: "m" });
            let told: Value = serde_json::from_str(&told).unwrap();
            assert_eq!((told["type"].as_str(), told["status"].as_str()), (Some(kind), Some("ACTIVE")));
            assert_eq!(told["inferenceProfileId"], short);
            assert_eq!(told["models"][0]["modelArn"], "arn:aws:bedrock:us-east-1::foundation-model/m");
            assert!(told["inferenceProfileArn"].as_str().unwrap().ends_with(short));
        }
        assert_eq!(list(&[]), r#"{"inferenceProfileSummaries":[]}"#);
    }
}
