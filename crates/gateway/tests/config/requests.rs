//! Request policies: which fields clients may use, where that holds, and every mistake in them.

use crate::support::{self, BACKEND, ROUTE, RULE, begin, config, loaded, printed};
use aquifer_gateway::config::{Config, FieldPolicy};
use aquifer_gateway::exchange::Output;
use aquifer_testing::frames::frame;
use http::HeaderMap;
use std::time::Instant;

fn mistakes(text: &str) -> Vec<String> {
    printed(&loaded(text).unwrap_err())
}

const MODEL: &str = "anthropic.claude-sonnet-4-20250514-v1:0";

/// A backend of the short form, one of OpenAI's dialect, a route with a named rule, an unnamed one, and one to the other.
fn places(own: &str) -> String {
    format!(
        "
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: b}}
spec: {{provider: awsbedrock, config: {{model: '{MODEL}', region: us-east-1{own}}}}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: o}}
spec: {{provider: openai, config: {{model: gpt, endpoint: 'http://127.0.0.1:9'}}}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {{name: r}}
spec:
  rules:
  - {{name: named, matches: [{{headers: [{{name: x-ai-eg-model, value: named}}]}}], backendRefs: [{{name: b, modelNameOverride: '{MODEL}'}}]}}
  - {{matches: [{{headers: [{{name: x-ai-eg-model, value: other}}]}}], backendRefs: [{{name: b, modelNameOverride: '{MODEL}'}}]}}
  - {{matches: [{{headers: [{{name: x-ai-eg-model, value: relayed}}]}}], backendRefs: [{{name: o}}]}}
"
    )
}

const OPENAI: &str = "{group: aigateway.envoyproxy.io, kind: AIServiceBackend, name: o}";

fn policy(name: &str, target: &str, fields: &str) -> String {
    let kind = ["aquifer.dev/v1alpha1", "RequestPolicy"];
    support::policy(kind, name, target, &format!("clientFields: {{{fields}}}"))
}

/// Whether a request for this model with these members is sent, or what its client is told.
fn asked(config: &Config, model: &str, members: &str) -> Result<(), String> {
    let content = if members.starts_with("s3") {
        r#"[{"type": "image_url", "image_url": {"url": "s3://bucket/picture.png"}}]"#
    } else {
        r#""Hello?""#
    };
    let members = if members.is_empty() || members.starts_with("s3") { String::new() } else { format!(", {members}") };
    let body = format!(r#"{{"model": "{model}", "messages": [{{"role": "user", "content": {content}}}]{members}}}"#);
    let mut exchange = begin(config.clone(), &body, Instant::now());
    let (mut status, mut said) = (0, String::new());
    while let Some(output) = exchange.poll() {
        match output {
            Output::Call(_) => return Ok(()),
            Output::Head { status: told, .. } => status = told.as_u16(),
            Output::Body(bytes) => said.push_str(std::str::from_utf8(&bytes).unwrap()),
            _ => {}
        }
    }
    assert_eq!(status, 400, "{said}");
    Err(said)
}

const FIELDS: [(&str, &str); 5] = [
    ("additionalModelRequestFields", r#""additionalModelRequestFields": {"top_k": 5}"#),
    ("guardrailConfig", r#""guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"}"#),
    ("serviceTier", r#""service_tier": "priority""#),
    ("performanceConfig", r#""service_tier": "fast""#),
    ("s3Uris", "s3"),
];

#[test]
fn a_field_that_is_denied_is_refused_and_s3_is_until_it_is_allowed() {
    let usual = config(&places(""));
    for (field, members) in FIELDS {
        assert_eq!(asked(&usual, "named", members).is_ok(), field != "s3Uris", "{field}");
        let denied = config(&[places(""), policy("p", ROUTE, &format!("{field}: Deny"))].concat());
        let told = asked(&denied, "named", members).unwrap_err();
        assert!(told.contains("not allowed by the operator") || told.contains("does not allow"), "{told}");
        assert_eq!(asked(&denied, "named", ""), Ok(()));
        let allowed = config(&[places(""), policy("p", ROUTE, &format!("{field}: Allow"))].concat());
        assert_eq!(asked(&allowed, "named", members), Ok(()), "{field}");
    }
}

#[test]
fn a_policy_holds_where_it_is_attached_and_what_any_denies_is_denied() {
    let tier = FIELDS[2].1;
    let at = |text: &str| {
        let config = config(&[places(""), text.to_owned()].concat());
        assert_eq!(config.notices.len(), 0, "{:?}", config.notices);
        ["named", "other", MODEL].map(|model| asked(&config, model, tier).is_ok())
    };
    assert_eq!(at(""), [true; 3]);
    assert_eq!(at(&policy("p", RULE, "serviceTier: Deny")), [false, true, true]);
    assert_eq!(at(&policy("p", ROUTE, "serviceTier: Deny")), [false, false, true]);
    assert_eq!(at(&policy("p", BACKEND, "serviceTier: Deny")), [false; 3]);
    let wide = policy("p", BACKEND, "serviceTier: Deny");
    let loose = policy("q", RULE, "serviceTier: Allow");
    assert_eq!(at(&[wide, loose.clone()].concat()), [false; 3], "a narrower word never loosens");
    assert_eq!(
        at(&[policy("p", BACKEND, "serviceTier: Allow"), policy("q", BACKEND, "serviceTier: Deny")].concat()),
        [false; 3]
    );
    assert_eq!(at(&loose), [true; 3]);
    let own = config(&places(", clientFields: {serviceTier: Deny}"));
    assert!(asked(&own, MODEL, tier).is_err() && asked(&own, "named", tier).is_err());
}

#[test]
fn what_the_command_line_allows_a_policy_can_still_deny() {
    let mut everywhere = config(&places(""));
    everywhere.client_fields.everywhere.s3_uris = Some(true);
    assert_eq!(asked(&everywhere, MODEL, "s3"), Ok(()));
    let mut denied = config(&[places(""), policy("p", RULE, "s3Uris: Deny")].concat());
    denied.client_fields.everywhere = FieldPolicy { s3_uris: Some(true), ..FieldPolicy::default() };
    assert_eq!(asked(&denied, "other", "s3"), Ok(()));
    assert!(asked(&denied, "named", "s3").is_err());
}

#[test]
fn a_service_of_openais_dialect_gets_no_denied_field_either() {
    let usual = config(&places(""));
    for (field, members) in FIELDS {
        assert_eq!(asked(&usual, "relayed", members), Ok(()), "{field}");
        let denied = config(&[places(""), policy("p", OPENAI, &format!("{field}: Deny"))].concat());
        assert!(asked(&denied, "relayed", members).is_err(), "{field}");
        assert_eq!(asked(&denied, "relayed", ""), Ok(()));
    }
}

#[test]
fn mistakes_have_their_place() {
    let one = |fields: &str, expected: &str| {
        let found = mistakes(&[places(""), policy("p", ROUTE, fields)].concat());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(expected), "{found:?}");
    };
    one("serviceTier: Never", "f:26:31: spec.clientFields.serviceTier: Unsupported value: \"Never\"");
    one("servicetier: Deny", "spec.clientFields.servicetier: unknown field: expected one of additionalModelRequest");
    let none = policy("p", ROUTE, "").replace("clientFields: {}", "");
    assert!(mistakes(&[places(""), none].concat())[0].contains("spec.clientFields: Required value"));
    let secret = "{group: '', kind: Secret, name: s}";
    let found = mistakes(&[places(""), policy("p", secret, "")].concat());
    assert!(found[0].contains("targetRefs must reference AIServiceBackend or AIGatewayRoute resources"), "{found:?}");
    let gone = ROUTE.replace("name: r", "name: gone");
    let noticed = config(&[places(""), policy("p", &gone, "serviceTier: Deny")].concat()).notices;
    assert!(noticed[0].contains("AIGatewayRoute default/gone is not in these files"), "{noticed:?}");
    let version = policy("p", ROUTE, "").replace("v1alpha1", "v2");
    assert!(mistakes(&[places(""), version].concat())[0].contains("apiVersion: Unsupported value"));
}

#[test]
fn the_nearest_word_says_how_answers_name_the_model() {
    let policy = |target: &str, word: &str| {
        format!(
            "---\napiVersion: aquifer.dev/v1alpha1\nkind: RequestPolicy\nmetadata: {{name: p{}}}\n\
             spec: {{targetRefs: [{target}], clientFields: {{}}, reportModel: {word}}}\n",
            target.len()
        )
    };
    let named = |text: &str, rule: usize| {
        let config = config(text);
        config.client_fields_at(Some(&config.routes[0].rules[rule]), 0).report_upstream_model
    };
    assert_eq!(named(&places(""), 0), None);
    assert_eq!(named(&places(", reportModel: upstream"), 0), Some(true));
    let at_route = [places(", reportModel: upstream"), policy(ROUTE, "client")].concat();
    assert_eq!((named(&at_route, 0), named(&at_route, 1)), (Some(false), Some(false)));
    let at_rule = [at_route, policy(RULE, "upstream")].concat();
    assert_eq!((named(&at_rule, 0), named(&at_rule, 1)), (Some(true), Some(false)));
    assert!(mistakes(&places(", reportModel: Upstream"))[0].contains("reportModel"));
}

/// The answer to a request for `named`, whole or streamed.
fn answered(text: &str, stream: bool) -> String {
    use aquifer_gateway::exchange::Input;
    let now = Instant::now();
    let body =
        format!(r#"{{"model": "named", "stream": {stream}, "messages": [{{"role": "user", "content": "Hello?"}}]}}"#);
    let mut exchange = begin(config(text), &body, now);
    let (kind, bytes) = if stream {
        let frames = [
            frame("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Hi"}}"#),
            frame("messageStop", r#"{"stopReason":"end_turn"}"#),
        ];
        ("application/vnd.amazon.eventstream", frames.concat())
    } else {
        let whole = r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn"}"#;
        ("application/json", whole.as_bytes().to_vec())
    };
    let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, http::HeaderValue::from_static(kind))]);
    exchange.handle(Input::UpstreamHead { status: http::StatusCode::OK, headers: &headers }, now);
    exchange.handle(Input::UpstreamBody(&bytes), now);
    exchange.handle(Input::UpstreamEnd, now);
    let mut said = String::new();
    while let Some(output) = exchange.poll() {
        if let Output::Body(bytes) = output {
            said.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
    said
}

#[test]
fn answers_name_the_model_as_the_client_did_or_as_the_backend_is_called() {
    for stream in [true, false] {
        assert!(answered(&places(""), stream).contains(r#""model":"named""#));
        let upstream = answered(&places(", reportModel: upstream"), stream);
        assert!(upstream.contains(&format!(r#""model":"{MODEL}""#)) && !upstream.contains("named"), "{upstream}");
    }
}
