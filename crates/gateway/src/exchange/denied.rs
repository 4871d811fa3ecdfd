//! Fields that an operator denies, in a request that goes on to a service of its own dialect as it came.

use crate::config::FieldPolicy;
use aquifer_translate::Fault;
use aquifer_translate::model::field_ref::{FieldRef, NAME};
use aquifer_translate::model::reasoning::own::plain;
use serde_json::Value;

/// Refuses what is denied in so many words: such a service reads nothing with the gateway's own role, so that what is
/// only not allowed is its own affair.
pub(super) fn check(body: &[u8], fields: FieldPolicy) -> Result<(), Fault> {
    let denies = |said: Option<bool>| said == Some(false);
    let FieldPolicy {
        additional_model_request_fields,
        guardrail_config,
        service_tier,
        performance_config,
        s3_uris,
        report_upstream_model: _,
    } = fields;
    let denied = [
        ("additionalmodelrequestfields", denies(additional_model_request_fields)),
        ("guardrailconfig", denies(guardrail_config)),
        ("servicetier", denies(service_tier)),
        ("performanceconfig", denies(performance_config)),
    ];
    if !denies(s3_uris) && denied.iter().all(|(_, denied)| !denied) {
        return Ok(());
    }
    // What is no JSON is refused elsewhere.
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(body) else { return Ok(()) };
    let beside = members.get("extra_body").and_then(Value::as_object).into_iter().flatten();
    for (name, value) in members.iter().chain(beside) {
        let usual = value.is_null() || matches!(value.as_str(), Some("auto" | "default"));
        let known = plain(name);
        // Clients ask for the faster hardware by a tier.
        let fast = denies(performance_config) && known == "servicetier" && value == "fast";
        if fast || !usual && denied.iter().any(|(denied, holds)| *holds && *denied == known) {
            let message = format!("`{NAME}` is not allowed by the operator");
            return Err(Fault::unsupported(FieldRef::own(name.clone()), message));
        }
        if denies(s3_uris) && holds_address(value) {
            let message = format!("`{NAME}` holds an address in S3, which the operator does not allow");
            return Err(Fault::unsupported(FieldRef::own(name.clone()), message));
        }
    }
    Ok(())
}

fn holds_address(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim_start().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("s3://")),
        Value::Array(items) => items.iter().any(holds_address),
        Value::Object(members) => members.values().any(holds_address),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_denied_in_words_is_refused() {
        let tier = FieldPolicy { service_tier: Some(false), ..FieldPolicy::default() };
        let addresses = FieldPolicy { s3_uris: Some(false), ..FieldPolicy::default() };
        let guardrail = FieldPolicy { guardrail_config: Some(false), ..FieldPolicy::default() };
        for (body, fields, refused) in [
            (r#"{"service_tier":"priority"}"#, tier, true),
            (r#"{"serviceTier":"priority"}"#, tier, true),
            (r#"{"service\u005ftier":"flex"}"#, tier, true),
            (r#"{"extra_body":{"service_tier":"flex"}}"#, tier, true),
            (
                r#"{"service_tier":"fast"}"#,
                FieldPolicy { performance_config: Some(false), ..FieldPolicy::default() },
                true,
            ),
            (r#"{"service_tier":"auto"}"#, tier, false),
            (r#"{"service_tier":"priority"}"#, FieldPolicy::default(), false),
            (r#"{"service_tier":"priority"}"#, guardrail, false),
            (r#"{"guardrailConfig":{}}"#, guardrail, true),
            (r#"{"messages":[{"content":[{"image_url":{"url":"S3://b/k"}}]}]}"#, addresses, true),
            (r#"{"messages":[{"content":"see s3://b/k"}]}"#, addresses, false),
            (r#"{"messages":[{"content":[{"image_url":{"url":"s3://b/k"}}]}]}"#, FieldPolicy::default(), false),
        ] {
            assert_eq!(check(body.as_bytes(), fields).is_err(), refused, "{body}");
        }
    }
}
