//! What the operator changes of calls: read, merged, refused, and done.

use crate::support::{self, Outcome, begin};
use aquifer_gateway::config::Config;
use aquifer_gateway::exchange::{Call, Output};
use std::time::Instant;

/// A backend with these mutations, and a route whose reference to it has those.
fn loaded(of_backend: &str, of_route: &str) -> Outcome {
    let text = format!(
        "
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: address}}
spec: {{endpoints: [{{fqdn: {{hostname: bedrock-runtime.us-east-1.amazonaws.com, port: 443}}}}]}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: b}}
spec:
  schema: {{name: AWSBedrock}}
  backendRef: {{group: gateway.envoyproxy.io, kind: Backend, name: address}}
{of_backend}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {{name: r}}
spec:
  rules:
  - backendRefs:
    - name: b
{of_route}
"
    );
    support::loaded(&text)
}

fn call(config: Config) -> Call {
    let body = r#"{"model":"amazon.nova-lite-v1:0","messages":[{"role":"user","content":"Hi"}],"temperature":0.5}"#;
    let mut exchange = begin(config, body, Instant::now());
    assert!(matches!(exchange.poll(), Some(Output::ReadBody { .. })));
    match exchange.poll() {
        Some(Output::Call(call)) => *call,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_is_changed_by_the_backend_and_by_the_route() {
    let plain = call(loaded("", "").unwrap());
    let backend = r#"
  headerMutation:
    set: [{name: X-Team, value: one}, {name: x-cost, value: "1"}]
    remove: [accept]
  bodyMutation:
    set: [{path: requestMetadata, value: '{"team":"one"}'}, {path: performanceConfig, value: '{"latency":"optimized"}'}]
"#;
    let route = r#"
      headerMutation: {set: [{name: x-team, value: two}]}
      bodyMutation: {set: [{path: requestMetadata, value: '{"team": "two"}'}], remove: [inferenceConfig]}
"#;
    let config = loaded(backend, route).unwrap();
    assert_eq!(config.notices, [""; 0]);
    let changed = call(config);
    let headers = |call: &Call, name: &str| call.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(headers(&changed, "x-team").as_deref(), Some("two"));
    assert_eq!(headers(&changed, "x-cost").as_deref(), Some("1"));
    assert_eq!((headers(&plain, "accept").is_some(), headers(&changed, "accept")), (true, None));
    let (plain, changed) = (String::from_utf8_lossy(&plain.body), String::from_utf8_lossy(&changed.body));
    assert!(plain.ends_with(r#","inferenceConfig":{"temperature":0.5}}"#), "{plain}");
    let rest = plain.strip_suffix(r#","inferenceConfig":{"temperature":0.5}}"#).unwrap();
    let expected =
        format!(r#"{rest},"requestMetadata":{{"team": "two"}},"performanceConfig":{{"latency":"optimized"}}}}"#);
    assert_eq!(changed, expected);
}

#[test]
fn headers_that_are_the_gateways_own_are_named() {
    let backend = "
  headerMutation: {set: [{name: Authorization, value: secret}, {name: x-a, value: b}], remove: [x-amz-date, Host]}";
    let config = loaded(backend, "      headerMutation: {remove: [content-length]}").unwrap();
    let not = "not done: the gateway itself decides about the header";
    assert_eq!(
        config.notices,
        [
            format!("f:14:26: spec.headerMutation.set[0]: {not} Authorization"),
            format!("f:14:97: spec.headerMutation.remove[0]: {not} x-amz-date"),
            format!("f:14:109: spec.headerMutation.remove[1]: {not} Host"),
            format!("f:23:33: spec.rules[0].backendRefs[0].headerMutation.remove[0]: {not} content-length"),
        ]
    );
    assert_eq!(call(config).headers["x-a"], "b");
}

#[test]
fn mistakes_do_not_show_what_may_be_a_key() {
    let mistakes = |backend: &str, route: &str| -> Vec<String> {
        loaded(backend, route).unwrap_err().iter().map(ToString::to_string).collect()
    };
    let route = "      bodyMutation: {set: [{path: a, value: hunter2}]}";
    let json = r#"Invalid value: expected JSON, such as "\"text\"", "42" or "{\"a\":true}""#;
    assert_eq!(
        mistakes("", route),
        [format!("f:22:45: spec.rules[0].backendRefs[0].bodyMutation.set[0].value: {json}")]
    );
    let backend = r#"  headerMutation: {set: [{name: a, value: "hunter2\n"}]}"#;
    let visible = "Invalid value: a header holds visible ASCII only";
    assert_eq!(mistakes(backend, ""), [format!("f:13:43: spec.headerMutation.set[0].value: {visible}")]);
}
