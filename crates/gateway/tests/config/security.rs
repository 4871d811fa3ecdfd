//! Security policies: whose keys are accepted where, and what is said of a policy that cannot be enforced.

use crate::support::{self, Outcome};
use aquifer_gateway::auth::{admit, authorize};
use aquifer_gateway::config::Config;
use aquifer_gateway::exchange::{Exchange, HostTerms, Input, Output, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::ingress::Ingress;
use aquifer_gateway::record::Record;
use aquifer_gateway::restore::Forgetful;
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::fault::{Mistake as ClientMistake, MistakeKind};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};

fn loaded(text: &str) -> Outcome {
    support::loaded(&format!("{PLACES}{text}"))
}

fn config(text: &str) -> Config {
    support::config(&format!("{PLACES}{text}"))
}

/// Two gateways, the first one with two listeners; a route at each; keys for three clients.
const PLACES: &str = "
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: b}
spec: {schema: {name: AWSBedrock}, backendRef: {name: e, kind: Backend, group: gateway.envoyproxy.io}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: e}
spec: {endpoints: [{fqdn: {hostname: bedrock-runtime.us-east-1.amazonaws.com, port: 443}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: first}
spec: {listeners: [{name: one, port: 1, protocol: HTTP}, {name: two, port: 2, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: second}
spec: {listeners: [{name: three, port: 3, protocol: HTTP}]}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: r}
spec:
  parentRefs: [{name: first}]
  rules: [{matches: [{headers: [{name: x-ai-eg-model, value: m}]}], backendRefs: [{name: b}]}]
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: s}
spec:
  parentRefs: [{name: second}]
  rules: [{matches: [{headers: [{name: x-ai-eg-model, value: m}]}], backendRefs: [{name: b}]}]
---
apiVersion: v1
kind: Secret
metadata: {name: team}
stringData: {alice: key-of-alice-123456, bob: key-of-bob-12345678}
---
apiVersion: v1
kind: Secret
metadata: {name: other}
data: {carol: a2V5LW9mLWNhcm9sLTEyMzQ1Ngo=}
---
apiVersion: v1
kind: Secret
metadata: {name: bad}
stringData: {dora: 'key with a space', eve: key-of-alice-123456, \"no name\": key-of-nobody-12345}
";

/// All that was noticed, one a line.
fn told(config: &Config) -> String {
    config.notices.iter().map(|notice| format!("{notice}\n")).collect()
}

fn policy(name: &str, target: &str, secret: &str) -> String {
    let keys = format!("apiKeyAuth: {{credentialRefs: [{{name: {secret}}}], extractFrom: [{{headers: [x-api-key]}}]}}");
    support::policy(["gateway.envoyproxy.io/v1alpha1", "SecurityPolicy"], name, target, &keys)
}

fn gateway(name: &str) -> String {
    format!("{{group: gateway.networking.k8s.io, kind: Gateway, name: {name}}}")
}

fn route(name: &str) -> String {
    format!("{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: {name}}}")
}

fn with_key(key: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if !key.is_empty() {
        headers.insert("x-api-key", HeaderValue::from_str(key).unwrap());
    }
    headers
}

/// Who is let in at a port: `-` is nobody in particular, `401` a refusal.
fn at_head(config: &Config, port: u16, key: &str) -> String {
    said(admit(config, Ingress { port: Some(port), host: None }, &with_key(key)))
}

/// Who may take the route of this name, coming by its own port.
fn at_route(config: &Config, name: &str, key: &str) -> String {
    let route = config.routes.iter().find(|route| route.name == name);
    let port = Some(if name == "r" { 1 } else { 3 });
    said(authorize(config, Ingress { port, host: None }, route, &with_key(key)))
}

fn said(decided: Result<Option<std::sync::Arc<str>>, Fault>) -> String {
    match decided {
        Ok(Some(owner)) => owner.to_string(),
        Ok(None) => "-".to_owned(),
        Err(Fault::ClientMistaken(ClientMistake { kind: MistakeKind::Unauthorized, .. })) => "401".to_owned(),
        Err(other) => panic!("{other:?}"),
    }
}

const ALICE: &str = "key-of-alice-123456";
const CAROL: &str = "key-of-carol-123456";

#[test]
fn without_a_policy_nobody_is_asked() {
    let config = config("");
    assert_eq!(at_head(&config, 1, ""), "-");
    assert_eq!(at_route(&config, "r", ALICE), "-");
}

#[test]
fn a_gateways_policy_covers_its_listeners_and_routes() {
    let config = config(&policy("p", &gateway("first"), "team"));
    for port in [1, 2] {
        assert_eq!([at_head(&config, port, ALICE), at_head(&config, port, "")], ["alice", "401"]);
        assert_eq!(at_head(&config, port, CAROL), "401");
    }
    assert_eq!(at_head(&config, 3, ""), "-");
    assert_eq!([at_route(&config, "r", ALICE), at_route(&config, "r", CAROL)], ["alice", "401"]);
    // An address of the command line stands for all listeners.
    assert_eq!(said(admit(&config, Ingress::default(), &HeaderMap::new())), "401");
    assert!(config.notices.is_empty(), "{:?}", config.notices);
}

#[test]
fn a_listeners_own_policy_applies_before_its_gateways() {
    let one = "{group: gateway.networking.k8s.io, kind: Gateway, name: first, sectionName: one}";
    let config = config(&(policy("p", &gateway("first"), "team") + &policy("q", one, "other")));
    assert_eq!([at_head(&config, 1, CAROL), at_head(&config, 1, ALICE)], ["carol", "401"]);
    assert_eq!([at_head(&config, 2, CAROL), at_head(&config, 2, ALICE)], ["401", "alice"]);
}

#[test]
fn a_routes_policy_applies_before_its_listeners() {
    let config = config(&(policy("p", &gateway("first"), "team") + &policy("q", &route("r"), "other")));
    // Which route it will be is not known yet at the head.
    assert_eq!(
        [at_head(&config, 1, CAROL), at_head(&config, 1, ALICE), at_head(&config, 1, "")],
        ["carol", "alice", "401"]
    );
    assert_eq!([at_route(&config, "r", CAROL), at_route(&config, "r", ALICE)], ["carol", "401"]);
}

#[test]
fn a_route_with_a_policy_at_an_open_listener_is_closed_and_known_from_the_head_on() {
    let config = config(&policy("q", &route("s"), "other"));
    assert_eq!([at_head(&config, 3, CAROL), at_head(&config, 3, "")], ["carol", "401"], "the only route there");
    assert_eq!([at_route(&config, "s", CAROL), at_route(&config, "s", "")], ["carol", "401"]);
    assert_eq!(at_route(&config, "r", ""), "-");
}

#[test]
fn keys_that_cannot_be_used_are_told_and_open_nothing() {
    let config = config(&(policy("p", &gateway("first"), "bad") + &policy("q", &gateway("second"), "missing")));
    let notices = told(&config);
    for expected in [
        "the key of dora is not accepted",
        "the key of no name is not accepted",
        "no keys from here: Secret default/missing is not in these files",
        "no key is accepted: every request at its targets will be refused with 401",
    ] {
        assert!(notices.contains(expected), "{expected} not in {notices}");
    }
    assert_eq!(at_head(&config, 1, ALICE), "eve", "its own Secret decides the name");
    assert_eq!([at_head(&config, 3, ALICE), at_head(&config, 3, "")], ["401", "401"], "closed, not open");
    assert!(!notices.contains(ALICE), "{notices}");
}

#[test]
fn what_cannot_be_enforced_is_refused() {
    for (block, path) in [
        ("jwt: {providers: []}", "spec.jwt"),
        ("basicAuth: {users: {name: x}}", "spec.basicAuth"),
        ("oidc: {}", "spec.oidc"),
        ("extAuth: {}", "spec.extAuth"),
        ("authorization: {defaultAction: Deny}", "spec.authorization"),
        ("csrf: {}", "spec.csrf"),
    ] {
        let text = policy("p", &gateway("first"), "team") + "  " + block + "\n";
        let mistakes = loaded(&text).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].path == path && mistakes[0].message.contains("not enforced"), "{mistakes:?}");
    }
    let selectors = "---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: SecurityPolicy\nmetadata: {name: p}\n\
                     spec: {targetSelectors: [{kind: Gateway}], apiKeyAuth: {credentialRefs: [{name: team}], extractFrom: []}}\n";
    assert!(loaded(selectors).unwrap_err()[0].message.contains("targetSelectors"));
    let name = policy("p", &gateway("first"), "team").replace("x-api-key", "'x y'");
    assert!(loaded(&name).unwrap_err()[0].message.contains("must be the name of a header"));
}

#[test]
fn targets_that_are_not_there_are_told() {
    let notice = |target: &str| told(&config(&policy("p", target, "team")));
    assert!(notice(&gateway("third")).contains("Gateway default/third is not in these files"));
    assert!(notice(&route("third")).contains("AIGatewayRoute default/third is not in these files"));
    let section = "{group: gateway.networking.k8s.io, kind: Gateway, name: first, sectionName: nine}";
    assert!(notice(section).contains("Gateway default/first with nine is not in these files"));
    assert!(notice("{group: gateway.networking.k8s.io, kind: GRPCRoute, name: x}").contains("policies for GRPCRoute"));
    let twice = policy("p", &gateway("first"), "team") + &policy("q", &gateway("first"), "other");
    assert!(told(&config(&twice)).contains("conflict"));
}

/// The status, the headers and the record of a request at port 3.
fn exchanged(config: &std::sync::Arc<Config>, path: &str, key: &str) -> (u16, HeaderMap, String, Record) {
    let mut headers = with_key(key);
    headers.insert("x-caller", HeaderValue::from_static("alice"));
    let body = Bytes::from_static(br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#);
    let (method, body) =
        if path.starts_with("/v1/models") { (Method::GET, Bytes::new()) } else { (Method::POST, body) };
    let now = std::time::Instant::now();
    let head = RequestHead {
        method: &method,
        path,
        query: "",
        headers: &headers,
        port: Some(3),
        random: 7,
        unix_seconds: 0,
        now,
    };
    let mut exchange = Exchange::begin(std::sync::Arc::clone(config), health(config, now), HostTerms::default(), &head);
    exchange.handle(Input::Body { head: &head, bytes: body, turns: &Forgetful }, head.now);
    let mut found = (0, HeaderMap::new(), String::new(), Record::default());
    while let Some(output) = exchange.poll() {
        match output {
            Output::Head { status, headers, .. } => (found.0, found.1) = (status.as_u16(), headers),
            Output::Body(bytes) => found.2 += std::str::from_utf8(&bytes).unwrap(),
            Output::Call(_) => exchange.handle(Input::ClientGone, now),
            Output::Done(record) => found.3 = *record,
            _ => {}
        }
    }
    found
}

fn health(config: &Config, now: std::time::Instant) -> std::sync::Arc<BackendHealth> {
    std::sync::Arc::new(BackendHealth::new(config.backends.len(), now))
}

#[test]
fn an_exchange_asks_for_the_key_and_records_its_owner() {
    let config = std::sync::Arc::new(config(&policy("q", &route("s"), "other")));
    let (status, headers, body, record) = exchanged(&config, "/v1/chat/completions", "");
    assert_eq!((status, record.caller), (401, None));
    assert_eq!(headers["www-authenticate"], "Bearer realm=\"aquifer\"");
    assert!(body.contains("\"code\":\"invalid_api_key\"") && body.contains("No API key was sent"), "{body}");
    let (status, _, body, _) = exchanged(&config, "/v1/chat/completions", ALICE);
    assert!(status == 401 && body.contains("not valid here") && !body.contains(ALICE), "{body}");
    let (_, _, _, record) = exchanged(&config, "/v1/chat/completions", CAROL);
    assert_eq!(record.caller.as_deref(), Some("carol"), "whatever headers claim");
    assert_eq!(exchanged(&config, "/v1/nothing", "").0, 401, "paths are not told either");
}

#[test]
fn models_are_listed_for_those_who_may_use_them() {
    let open = policy("q", &route("s"), "other").replace("name: second", "name: first");
    let config = std::sync::Arc::new(config(&open));
    assert_eq!(exchanged(&config, "/v1/models", "").0, 401);
    let (status, _, body, _) = exchanged(&config, "/v1/models", CAROL);
    assert!(status == 200 && body.contains("\"id\":\"m\""), "{body}");
    assert_eq!(exchanged(&config, "/v1/models/m", CAROL).0, 200);
    assert_eq!(exchanged(&config, "/v1/models/m", ALICE).0, 401);
}
