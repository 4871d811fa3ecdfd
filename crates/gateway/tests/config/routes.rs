//! Where requests go: rules, headers, hostnames, priorities, and the list of models.

use crate::support;
use aquifer_gateway::config::Config;
use aquifer_gateway::route::{ModelListing, choose, models};
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::fault::MistakeKind;
use aquifer_gateway::translate::model::field_ref::FieldRef;
use http::{HeaderMap, HeaderValue};

const SHORT: &str = "
---
apiVersion: aigateway.envoyproxy.io/v1alpha1
kind: AIServiceBackend
metadata: {name: NAME}
spec: {provider: awsbedrock, config: {model: MODEL, region: us-east-1}}
";

/// Backends `b0` to `b2` of the short form, which serve `m0` to `m2`, an `other` that is not served, and a
/// route with these fields in its spec.
fn config(route: &str) -> Config {
    let mut text: String =
        (0..3).map(|n| SHORT.replace("NAME", &format!("b{n}")).replace("MODEL", &format!("m{n}"))).collect();
    text.push_str(
        "---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: other}
spec: {schema: {name: Cohere}, backendRef: {group: gateway.envoyproxy.io, kind: Backend, name: x}}
",
    );
    if !route.is_empty() {
        text.push_str("---\napiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIGatewayRoute\nmetadata: {name: r}\n");
        text.push_str(&format!("spec:\n{route}"));
    }
    support::config(&text)
}

/// `backend model` of the target, or the fault's message.
fn target(config: &Config, model: &str, headers: &[(&'static str, &'static str)], host: Option<&str>) -> String {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_static(value));
    }
    match choose(config, model, &map, host) {
        Ok(target) => format!("{} {}", config.backends[target.backend].name, target.model_id),
        Err(Fault::ClientMistaken(mistake)) => {
            assert_eq!((mistake.kind, mistake.field), (MistakeKind::ModelNotFound, Some(FieldRef::Model)));
            mistake.message
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn without_a_route_the_short_form_decides() {
    let config = config("");
    assert_eq!(target(&config, "m1", &[], None), "b1 m1");
    assert_eq!(target(&config, "m9", &[], None), "The model \"m9\" does not exist: no route and no backend serves it.");
    assert!(target(&config, &"x".repeat(100_000), &[], None).len() < 400);
}

#[test]
fn the_first_rule_that_matches_decides() {
    let config = config(
        "  rules:
  - matches: [{headers: [{name: x-ai-eg-model, value: a}]}]
    backendRefs: [{name: b1, modelNameOverride: real}]
  - matches: [{headers: [{name: X-AI-EG-Model, type: RegularExpression, value: 'a|b'}]}]
    backendRefs: [{name: b2}]
",
    );
    assert_eq!(target(&config, "a", &[], None), "b1 real");
    assert_eq!(target(&config, "b", &[], None), "b2 b");
    assert!(target(&config, "ab", &[], None).contains("does not exist"), "the whole value must match");
    assert_eq!(target(&config, "m0", &[], None), "b0 m0", "no rule matches: the short form");
    let spoofed = target(&config, "m0", &[("x-ai-eg-model", "a")], None);
    assert_eq!(spoofed, "b0 m0", "the body names the model, whatever the header says");
}

#[test]
fn all_headers_of_a_match_and_any_match_of_a_rule() {
    let config = config(
        "  rules:
  - matches:
    - headers: [{name: x-ai-eg-model, value: a}, {name: Team, value: red}]
    - headers: [{name: team, type: RegularExpression, value: 'blue,.*'}]
    backendRefs: [{name: b1}]
",
    );
    assert!(target(&config, "a", &[], None).contains("does not exist"));
    assert_eq!(target(&config, "a", &[("team", "red")], None), "b1 a");
    assert!(target(&config, "b", &[("team", "red")], None).contains("does not exist"));
    assert_eq!(target(&config, "b", &[("team", "blue"), ("team", "green")], None), "b1 b");
    let mut latin = HeaderMap::new();
    latin.insert("team", HeaderValue::from_bytes(b"blue,\xff").unwrap());
    assert!(choose(&config, "b", &latin, None).is_err());
}

#[test]
fn priorities_then_the_order_of_the_file_then_what_can_be_served() {
    let config = config(
        "  rules:
  - matches: [{headers: [{name: x-ai-eg-model, value: a}]}]
    backendRefs: [{name: b0, priority: 1}, {name: b1, weight: 0}, {name: other}, {name: b2}]
  - matches: [{headers: [{name: x-ai-eg-model, value: b}]}]
    backendRefs: [{name: other}]
  - matches: [{headers: [{name: x-ai-eg-model, value: c}]}]
    backendRefs: [{name: gone}]
",
    );
    assert_eq!(target(&config, "a", &[], None), "b2 a");
    assert_eq!(
        target(&config, "b", &[], None),
        "The model \"b\" cannot be served: its backend default/other is not served: the schema Cohere is not served yet."
    );
    assert_eq!(target(&config, "c", &[], None), "The model \"c\" cannot be served: the route has no backend for it.");
}

#[test]
fn hostnames_limit_a_route() {
    let config = config("  hostnames: [api.example.com, '*.example.org']\n  rules: [{backendRefs: [{name: b1}]}]\n");
    for (host, reached) in [
        (Some("api.example.com"), true),
        (Some("API.example.com:1975"), true),
        (Some("a.b.example.org"), true),
        (Some("example.org"), false),
        (Some("badexample.org"), false),
        (Some("[::1]:80"), false),
        (None, false),
    ] {
        assert_eq!(target(&config, "any", &[], host) == "b1 any", reached, "{host:?}");
    }
}

#[test]
fn the_list_of_models() {
    let config = config(
        "  rules:
  - matches:
    - headers: [{name: x-ai-eg-model, value: a}]
    - headers: [{name: x-ai-eg-model, value: a}, {name: team, value: red}]
    - headers: [{name: x-ai-eg-model, type: RegularExpression, value: z.*}]
    backendRefs: [{name: b1}]
    modelsOwnedBy: Somebody
    modelsCreatedAt: 2025-01-01T01:00:00+01:00
  - matches: [{headers: [{name: x-ai-eg-model, value: m1}]}]
    backendRefs: [{name: b1}]
  - matches: [{headers: [{name: x-ai-eg-model, value: hidden}]}]
    backendRefs: [{name: other}]
",
    );
    let listing =
        |id: &str, owner: &str, created| ModelListing { id: id.to_owned(), owned_by: owner.to_owned(), created };
    let expected = [
        listing("a", "Somebody", 1_735_689_600),
        listing("m1", "Envoy AI Gateway", 0),
        listing("m0", "aquifer", 0),
        listing("m2", "aquifer", 0),
    ];
    assert_eq!(models(&config), expected);
}

#[test]
fn without_a_file_every_model_goes_to_bedrock() {
    let config = Config::from_environment(&|_| None);
    assert_eq!(target(&config, "any.model:0", &[("team", "red")], Some("host")), "bedrock any.model:0");
    assert_eq!(models(&config), []);
}

#[test]
fn the_rule_that_says_most_decides() {
    let config = config(
        "  rules:
  - backendRefs: [{name: b0, modelNameOverride: any}]
  - matches: [{headers: [{name: x-ai-eg-model, type: RegularExpression, value: '.*'}]}]
    backendRefs: [{name: b0, modelNameOverride: pattern}]
  - matches: [{headers: [{name: x-ai-eg-model, value: a}]}]
    backendRefs: [{name: b0, modelNameOverride: exact}]
  - matches: [{headers: [{name: x-ai-eg-model, value: a}, {name: team, value: red}]}]
    backendRefs: [{name: b0, modelNameOverride: both}]
  - matches: [{headers: [{name: x-ai-eg-model, value: a}]}]
    backendRefs: [{name: b0, modelNameOverride: later}]
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: wide}
spec:
  hostnames: ['*.example.com']
  rules: [{backendRefs: [{name: b0, modelNameOverride: wide}]}]
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: narrow}
spec:
  hostnames: [api.example.com]
  rules: [{matches: [{headers: [{name: x-ai-eg-model, value: a}]}], backendRefs: [{name: b0, modelNameOverride: narrow}]}]
",
    );
    for (model, headers, host, expected) in [
        ("z", &[][..], None, "b0 pattern"),
        ("a", &[], None, "b0 exact"),
        ("a", &[("team", "red")], None, "b0 both"),
        ("a", &[("team", "red")], Some("x.example.com"), "b0 wide"),
        ("a", &[], Some("api.example.com"), "b0 narrow"),
        ("z", &[], Some("api.example.com"), "b0 wide"),
    ] {
        assert_eq!(target(&config, model, headers, host), expected);
    }
}
