//! Fields that the operator does not allow, in a request of Bedrock's own API: Bedrock reads them with the gateway's own
//! role, and bills its account.

use super::Passed;
use super::glance::S3;
use crate::mutation::Members;
use aquifer_translate::Fault;
use aquifer_translate::dialect::bedrock_runtime::BedrockOperation;
use aquifer_translate::limits::ClientFields;
use aquifer_translate::model::field_ref::{FieldRef, NAME};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Members below the top that hold what people and models say, in no words of Bedrock's.
const FREE: [&str; 5] = ["input", "json", "inputSchema", "input_schema", "arguments"];

/// Refuses what is not allowed.
pub(super) fn check(passed: &Passed, body: &[u8], allowed: ClientFields) -> Result<(), Fault> {
    let ClientFields { additional_model_request_fields, guardrail_config, service_tier, performance_config, s3_uris } =
        allowed;
    // Nearly no body names one, which is seen without reading it.
    if !s3_uris && passed.glance.s3 && holds_s3(body) {
        let message = format!("`{NAME}` is an address in S3, which the operator does not allow; send the data itself");
        return Err(Fault::unsupported(FieldRef::own(S3), message));
    }
    let rules = [
        (guardrail_config, &["guardrailConfig"][..], "x-amzn-bedrock-guardrail"),
        (service_tier, &["serviceTier", "service_tier"], "x-amzn-bedrock-service-tier"),
        (performance_config, &["performanceConfig"], "x-amzn-bedrock-performanceconfig"),
        (additional_model_request_fields, &["additionalModelRequestFields"], "\0"),
    ];
    let denied: Vec<_> = rules.into_iter().filter(|rule| !rule.0).collect();
    if denied.is_empty() || passed.operation == BedrockOperation::CountTokens {
        return Ok(());
    }
    let refused = |field: String| {
        Err(Fault::unsupported(FieldRef::own(field), format!("`{NAME}` is not allowed by the operator")))
    };
    if !additional_model_request_fields && !passed.operation.is_converse() {
        let message = "InvokeModel is not allowed by the operator: all of its body is `additionalModelRequestFields`";
        return Err(Fault::unsupported(FieldRef::OwnFields, message));
    }
    for (_, members, header) in denied {
        if let Some(name) = passed.headers.keys().find(|name| name.as_str().starts_with(header)) {
            return refused(name.as_str().to_owned());
        }
        let said = Members::read(body)?.0.into_iter().find(|said| members.contains(&said.0.as_ref()));
        if let Some((name, _)) = said {
            return refused(name.into_owned());
        }
    }
    Ok(())
}

/// Whether a body names an address in S3.
fn holds_s3(body: &[u8]) -> bool {
    let mut json = serde_json::Deserializer::from_slice(body);
    // What cannot be read goes nowhere: nobody knows what Bedrock reads in it.
    Scan { depth: 0 }.deserialize(&mut json).unwrap_or(true)
}

/// A look at all names in a value: also at those that are there twice.
struct Scan {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Scan {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(inside) = items.next_element_seed(Self { depth: self.depth + 1 })? {
            found |= inside;
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(Name(name)) = members.next_key()? {
            found |= name == S3;
            if self.depth > 0 && FREE.contains(&name.as_ref()) {
                members.next_value::<IgnoredAny>()?;
            } else {
                found |= members.next_value_seed(Self { depth: self.depth + 1 })?;
            }
        }
        Ok(found)
    }
}

/// The name of a member.
struct Name<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'_, str>::deserialize(deserializer).map(|name| Self(Cow::Owned(name.into_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Glance;
    use super::*;
    use http::{HeaderMap, HeaderValue};

    fn refused(operation: BedrockOperation, body: &str, allowed: ClientFields) -> bool {
        let glance = Glance::at(operation, body.as_bytes());
        check(&Passed::of(operation, &HeaderMap::new(), glance), body.as_bytes(), allowed).is_err()
    }

    #[test]
    fn addresses_in_s3_are_found_wherever_bedrock_reads_them() {
        let usual = ClientFields::default();
        for (body, expected) in [
            (r#"{"messages":[{"content":[{"image":{"source":{"s3Location":{"uri":"s3://b/k"}}}}]}]}"#, true),
            (r#"{"messages":[{"content":[{"image":{"source":{"\u00733Location":{}},"source":{"bytes":""}}}]}]}"#, true),
            (r#"{"input":{"converse":{"messages":[{"s3Location":{}}]}}}"#, true),
            (r#"{"messages":[{"content":[{"text":"what is an s3Location, s3://b?"}]}]}"#, false),
            (r#"{"messages":[{"content":[{"toolUse":{"input":{"s3Location":"s3://b/k"}}}]}]}"#, false),
            (r#"{"messages":[{"content":[{"text":"\u001b[0m \u00e9"}]}]}"#, false),
            (r#"{"s3Location": "#, true),
            ("no JSON at all", false),
        ] {
            assert_eq!(refused(BedrockOperation::Converse, body, usual), expected, "{body}");
            assert!(!refused(BedrockOperation::Converse, body, ClientFields { s3_uris: true, ..usual }), "{body}");
        }
    }

    #[test]
    fn what_the_operator_denies_is_refused_in_bodies_and_headers() {
        let usual = ClientFields::default();
        let (converse, invoke) = (BedrockOperation::Converse, BedrockOperation::InvokeModel);
        for (body, operation, allowed) in [
            (r#"{"guardrailConfig":{}}"#, converse, ClientFields { guardrail_config: false, ..usual }),
            (r#"{"serviceTier":{}}"#, converse, ClientFields { service_tier: false, ..usual }),
            (r#"{"performanceConfig":{}}"#, converse, ClientFields { performance_config: false, ..usual }),
            (
                r#"{"additionalModelRequestFields":{}}"#,
                converse,
                ClientFields { additional_model_request_fields: false, ..usual },
            ),
            ("{}", invoke, ClientFields { additional_model_request_fields: false, ..usual }),
        ] {
            assert!(refused(operation, body, allowed), "{body}");
            assert!(!refused(operation, body, usual), "{body}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-bedrock-guardrailidentifier", HeaderValue::from_static("g"));
        let passed = Passed::of(invoke, &headers, Glance::at(invoke, b"{}"));
        assert!(check(&passed, b"{}", usual).is_ok());
        assert!(check(&passed, b"{}", ClientFields { guardrail_config: false, ..usual }).is_err());
    }
}
