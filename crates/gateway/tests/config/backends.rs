//! What a backend in Envoy AI Gateway's form becomes: its address, its region, and why it is not served.

use crate::support::{bedrock, config, loaded};
use aquifer_gateway::config::{BackendKind, Config, Credentials, Service};

fn service(namespace: &str, fields: &str) -> String {
    format!(
        "---
apiVersion: aigateway.envoyproxy.io/v1alpha1
kind: AIServiceBackend
metadata: {{name: b, namespace: {namespace}}}
spec:
  schema: {{name: AWSBedrock}}
  backendRef: {{group: gateway.envoyproxy.io, kind: Backend, name: address{fields}}}
"
    )
}

fn address(namespace: &str, spec: &str) -> String {
    format!(
        "---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: address, namespace: {namespace}}}
spec: {{{spec}}}
"
    )
}

fn policy(name: &str, spec: &str) -> String {
    format!(
        "---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: BackendSecurityPolicy
metadata: {{name: {name}}}
spec: {{targetRefs: [{{group: aigateway.envoyproxy.io, kind: AIServiceBackend, name: b}}], {spec}}}
"
    )
}

fn endpoint(spec: &str) -> String {
    let config = config(&format!("{}{}", service("default", ""), address("default", spec)));
    bedrock(&config).endpoint.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// The first backend's path and service, which speaks OpenAI's dialect.
fn openai_chat(config: &Config) -> (String, Service) {
    let kind = &config.backends[0].kind;
    let (Some(prefix), Some(service)) = (kind.openai_prefix(), kind.service()) else { panic!("{kind:?}") };
    (prefix.to_owned(), service.clone())
}

fn why_not(text: &str) -> String {
    let config = config(text);
    match &config.backends[0].kind {
        kind @ BackendKind::Served { .. } => panic!("served: {kind:?}"),
        BackendKind::NotServed { schema, why } => {
            assert!(config.notices.iter().any(|notice| notice.contains(why.as_str())), "{:?}", config.notices);
            format!("{schema}: {why}")
        }
    }
}

#[test]
fn addresses() {
    for (spec, expected) in [
        ("endpoints: [{fqdn: {hostname: a.internal, port: 80}}]", "http://a.internal/"),
        ("endpoints: [{fqdn: {hostname: a.internal, port: 8080}}]", "http://a.internal:8080/"),
        ("endpoints: [{fqdn: {hostname: a.internal, port: 443}}]", "https://a.internal/"),
        ("endpoints: [{fqdn: {hostname: a.internal, port: 8443}}], tls: {}", "https://a.internal:8443/"),
        ("endpoints: [{ip: {address: 10.0.0.1, port: 81}}]", "http://10.0.0.1:81/"),
        ("endpoints: [{ip: {address: '::1', port: 81}}]", "http://[::1]:81/"),
        ("endpoints: [{fqdn: {hostname: a, port: 1}}, {fqdn: {hostname: b, port: 2}}]", "http://a:1/"),
    ] {
        assert_eq!(endpoint(spec), expected, "{spec}");
    }
}

#[test]
fn the_region_is_the_policys_or_else_the_hosts() {
    let host = |name: &str| address("default", &format!("endpoints: [{{fqdn: {{hostname: {name}, port: 443}}}}]"));
    let region = |host: &str, policy: &str| {
        let config = config(&format!("{}{host}{policy}", service("default", "")));
        bedrock(&config).region.clone()
    };
    let amazon = host("bedrock-runtime.eu-west-3.amazonaws.com");
    assert_eq!(region(&amazon, "").as_deref(), Some("eu-west-3"));
    assert_eq!(region(&host("bedrock-runtime-fips.us-gov-west-1.amazonaws.com"), "").as_deref(), Some("us-gov-west-1"));
    assert_eq!(region(&host("s3.eu-west-3.amazonaws.com"), ""), None);
    assert_eq!(region(&host("bedrock-runtime.example.com"), ""), None);
    let chosen = policy("p", "type: AWSCredentials, awsCredentials: {region: us-west-2}");
    assert_eq!(region(&amazon, &chosen).as_deref(), Some("us-west-2"));
    let wrong = policy("p", "type: AWSCredentials, awsCredentials: {region: 'us west'}");
    let why = why_not(&format!("{}{amazon}{wrong}", service("default", "")));
    assert_eq!(why, "AWSBedrock: the region is not an AWS region, such as us-east-1");
}

#[test]
fn namespaces_part_what_has_one_name() {
    let spec = |host: &str| format!("endpoints: [{{fqdn: {{hostname: {host}, port: 80}}}}]");
    let addresses = format!("{}{}", address("default", &spec("here")), address("other", &spec("there")));
    let host = |service: String| {
        let config = config(&format!("{service}{addresses}"));
        bedrock(&config).endpoint.as_ref().and_then(|url| url.host_str().map(str::to_owned))
    };
    assert_eq!(host(service("default", "")).as_deref(), Some("here"));
    assert_eq!(host(service("other", "")).as_deref(), Some("there"));
    assert_eq!(host(service("default", ", namespace: other")).as_deref(), Some("there"));
    assert!(why_not(&format!("{}{addresses}", service("third", ""))).contains("Backend third/address is not in these"));
}

#[test]
fn what_cannot_be_called_says_why() {
    let with = |spec: &str| format!("{}{}", service("default", ""), address("default", spec));
    assert!(why_not(&service("default", "")).contains("Backend default/address is not in these files"));
    assert!(why_not(&with("fallback: true")).contains("Backend default/address has no endpoint"));
    assert!(why_not(&with("endpoints: [{unix: {path: /run/x}}]")).contains("names neither fqdn nor ip"));
    let bad = with("endpoints: [{ip: {address: 'a b', port: 80}}]");
    assert!(why_not(&bad).contains("has no host to call"));
    let other = service("default", "").replace("AWSBedrock", "GCPAnthropic");
    assert_eq!(why_not(&other), "GCPAnthropic: the schema GCPAnthropic is not served yet");
}

#[test]
fn what_is_read_and_not_done_is_told() {
    let mutation = "  headerMutation: {set: [{name: x-key, value: hidden-value}]}\n  bodyMutation: {remove: [a]}\n";
    let text = format!(
        "{}{mutation}{}{}",
        service("default", ""),
        address("default", "endpoints: [{fqdn: {hostname: a, port: 1}}, {fqdn: {hostname: b, port: 2}}]"),
        policy(
            "p",
            "type: AWSCredentials, awsCredentials: {region: us-west-2}, credentialOverride: {fromRequestHeaders: {}}"
        ),
    );
    let config = config(&text);
    for expected in ["spec.endpoints: only the first endpoint is called", "spec.credentialOverride: not served yet"] {
        assert!(config.notices.iter().any(|notice| notice.contains(expected)), "{expected}: {:?}", config.notices);
    }
    assert!(!format!("{config:?}").contains("hidden-value"));
}

#[test]
fn a_policy_serves_the_short_form_too_and_a_model_has_one_backend() {
    let short = |name: &str, region: &str| {
        format!(
            "---
apiVersion: aigateway.envoyproxy.io/v1alpha1
kind: AIServiceBackend
metadata: {{name: {name}}}
spec: {{provider: awsbedrock, config: {{model: m{region}}}}}
"
        )
    };
    let key = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {apiKey: key}\n";
    let policy = policy("p", "type: APIKey, apiKey: {secretRef: {name: s}}");
    let config = config(&format!("{}{}{policy}{key}", short("b", ", region: us-east-2"), short("c", "")));
    let found = bedrock(&config);
    assert_eq!(found.region.as_deref(), Some("us-east-2"));
    assert!(matches!(&found.credentials, Credentials::ApiKey(key) if key.expose() == "key"));
    let shadowed = "spec.config.model: an earlier backend serves this model";
    assert!(config.notices.iter().any(|notice| notice.contains(shadowed)), "{:?}", config.notices);
}

#[test]
fn header_values_of_routes_are_never_printed() {
    let route = "
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: r}
spec:
  rules:
  - matches: [{headers: [{name: authorization, value: sk-hidden}, {name: x, type: RegularExpression, value: sk-h.*}]}]
";
    let printed = format!("{:?}", config(route));
    assert!(printed.contains("authorization") && !printed.contains("sk-h"), "{printed}");
}

#[test]
fn more_resources_than_can_be_meant_are_refused() {
    let secret = |n: usize| format!("---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s{n}}}\n");
    let text: String = (0..10_001).map(secret).collect();
    let mistakes = loaded(&text).err().unwrap_or_default();
    assert_eq!(mistakes.len(), 1);
    assert!(mistakes[0].to_string().contains("f:40002:1: Too many: at most 10000 resources are read"), "{mistakes:?}");
}

#[test]
fn a_service_of_openais_dialect() {
    let openai = |schema: &str, host: &str, policies: &str| {
        let service = service("default", "").replace("{name: AWSBedrock}", schema);
        let address = address("default", &format!("endpoints: [{{fqdn: {{hostname: {host}, port: 443}}}}]"));
        openai_chat(&config(&format!("{service}{address}{policies}")))
    };
    let plain = openai("{name: OpenAI, version: v9}", "api.example.com", "");
    assert_eq!((plain.0.as_str(), &plain.1.credentials), ("v1", &Credentials::Nobody));
    assert_eq!(plain.1.endpoint.unwrap().as_str(), "https://api.example.com/");
    let aws = policy("p", "type: AWSCredentials, awsCredentials: {region: eu-west-1}");
    let bedrock = openai("{name: OpenAI, prefix: openai/v1}", "bedrock-runtime.us-east-1.amazonaws.com", &aws);
    assert_eq!((bedrock.0.as_str(), &bedrock.1.credentials), ("openai/v1", &Credentials::Default));
    assert_eq!(bedrock.1.region.as_deref(), Some("eu-west-1"));
    assert_eq!(openai("{name: OpenAI, prefix: ''}", "a.example", "").0, "v1");
}

#[test]
fn a_service_of_openais_dialect_in_the_short_form() {
    let short = |provider: &str, fields: &str| {
        format!(
            "apiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: AIServiceBackend\nmetadata: {{name: s}}\n\
             spec: {{provider: {provider}, config: {{model: m, {fields}}}}}\n"
        )
    };
    let found = config(&short("openai", "endpoint: 'https://llm.example.com', apiKey: k, prefix: /"));
    assert_eq!(found.notices, [""; 0]);
    let (prefix, service) = openai_chat(&found);
    assert_eq!((prefix.as_str(), service.models.as_slice()), ("/", &["m".to_owned()][..]));
    assert!(matches!(&service.credentials, Credentials::ApiKey(key) if key.expose() == "k"));
    let target = aquifer_gateway::route::choose(&found, "m", &http::HeaderMap::new(), None).unwrap();
    assert_eq!(target.backend, 0);
    let open = config(&short("openai", "endpoint: 'http://127.0.0.1:8000'"));
    let (prefix, service) = openai_chat(&open);
    assert_eq!((&service.credentials, prefix.as_str()), (&Credentials::Nobody, "v1"));
    for (provider, fields, expected) in [
        ("openai", "apiKey: k", "spec.config.endpoint: Required value: expected text"),
        ("openai", "endpoint: 'http://a', region: us-east-1", "Forbidden: only the provider awsbedrock has this field"),
        ("awsbedrock", "prefix: v1", "Forbidden: only the provider openai has this field"),
    ] {
        let mistakes = loaded(&short(provider, fields)).unwrap_err();
        assert!(mistakes.len() == 1 && mistakes[0].to_string().ends_with(expected), "{mistakes:?}");
    }
}
