//! Reading configurations: what they say when they are right, and every mistake with its place when not.

use crate::support::{Outcome, accepted, no_file, of_bedrock, printed};
use aquifer_gateway::config::{
    BackendKind, Config, Credentials, DEFAULT_REGION, LogLevel, MAX_BYTES, Service, Source, load,
};
use std::io;

fn load_with(text: &str, env: &[(&str, &str)], files: &[(&str, &str)]) -> Outcome {
    let find = |list: &[(&str, &str)], name: &str| {
        list.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    let source = Source { name: "gateway.yaml".to_owned(), text: text.to_owned() };
    let read_file = |path: &str| find(files, path).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
    load(&[source], &|name| find(env, name), &read_file)
}

fn config(text: &str) -> Config {
    accepted(load_with(text, &[], &[]), text)
}

fn mistakes(text: &str) -> Vec<String> {
    printed(&load_with(text, &[], &[]).unwrap_err())
}

fn bedrock(config: &Config, index: usize) -> &Service {
    of_bedrock(&config.backends[index])
}

fn why_not(config: &Config) -> &str {
    match &config.backends[0].kind {
        BackendKind::Served { .. } => panic!("served"),
        BackendKind::NotServed { why, .. } => why,
    }
}

/// The short form with these lines under `config`.
fn short_form(lines: &str) -> String {
    let head = "apiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: AIServiceBackend\nmetadata:\n  name: b\n";
    format!("{head}spec:\n  provider: awsbedrock\n  config:\n{lines}")
}

/// A Bedrock in the Envoy form: the resources every test of it needs, and the policy's spec.
fn envoy_form(policy: &str) -> String {
    format!(
        "
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: b}}
spec:
  schema: {{name: AWSBedrock}}
  backendRef: {{group: gateway.envoyproxy.io, kind: Backend, name: address}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: address}}
spec:
  endpoints: [{{fqdn: {{hostname: bedrock.internal, port: 8443}}}}]
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: BackendSecurityPolicy
metadata: {{name: policy}}
spec:
  targetRefs: [{{group: aigateway.envoyproxy.io, kind: AIServiceBackend, name: b}}]
{policy}
"
    )
}

#[test]
fn every_field_of_the_short_form() {
    let text = short_form(
        "    model: arn:aws:bedrock:eu-west-1:1:x\n    region: eu-west-1\n    endpoint: http://localhost:81\n    \
         http2: true\n    apiKey: key-1\n    baseModel: anthropic.claude-x\n",
    );
    let config = config(&text);
    let bedrock = bedrock(&config, 0);
    assert_eq!(bedrock.region.as_deref(), Some("eu-west-1"));
    assert_eq!(bedrock.endpoint.as_ref().unwrap().as_str(), "http://localhost:81/");
    assert!(bedrock.http2);
    assert!(matches!(&bedrock.credentials, Credentials::ApiKey(key) if key.expose() == "key-1"));
    let arn = "arn:aws:bedrock:eu-west-1:1:x".to_owned();
    assert_eq!(bedrock.models, std::slice::from_ref(&arn));
    assert_eq!(bedrock.base_models, [(arn, "anthropic.claude-x".to_owned())]);
    assert!(!format!("{config:?}").contains("key-1"));
}

#[test]
fn the_environment_fills_what_the_short_form_leaves_open() {
    let env = [("AWS_DEFAULT_REGION", "eu-north-1"), ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:9")];
    let config = load_with(&short_form("    model: m\n"), &env, &[]).unwrap();
    assert_eq!(bedrock(&config, 0).region.as_deref(), Some("eu-north-1"));
    assert_eq!(bedrock(&config, 0).endpoint.as_ref().unwrap().port(), Some(9));
    let nowhere = load_with(&short_form("    model: m\n"), &[], &[]).unwrap();
    assert_eq!(bedrock(&nowhere, 0).region, None);
    assert!(nowhere.notices[0].contains(DEFAULT_REGION), "{:?}", nowhere.notices);
    let wrong = load_with(&short_form("    model: m\n"), &[("AWS_REGION", "not a region")], &[]).unwrap();
    assert!(why_not(&wrong).contains("is not an AWS region"));
}

#[test]
fn all_mistakes_at_once_in_order_with_their_places() {
    let text = "apiVersion: aigateway.envoyproxy.io/v1alpha1
kind: AIServiceBackend
metadata:
  name: Bad_Name
spec:
  provider: cohere
  config:
    regoin: us-east-1
    http2: maybe
    endpoint: ftp://x
---
apiVersion: aigateway.envoyproxy.io/v9
kind: AIGatewayRoute
---
kind: Secret
metadata: {name: x}
---
apiVersion: v1
kind: Secret
metadata: {name: x}
data: {key: 'not base64!'}
";
    let found = mistakes(text);
    let expected = [
        "gateway.yaml:4:9: metadata.name: Invalid value: \"Bad_Name\": metadata.name in body should match",
        "gateway.yaml:6:13: spec.provider: Unsupported value: \"cohere\": supported values: \"awsbedrock\", \"openai\"",
        "gateway.yaml:8:5: spec.config.model: Required value: expected text",
        "gateway.yaml:8:5: spec.config.regoin: unknown field: expected one of model, region, endpoint",
        "gateway.yaml:9:12: spec.config.http2: Invalid value: \"string\": spec.config.http2 in body must be of type bool",
        "gateway.yaml:10:15: spec.config.endpoint: Invalid value: \"endpoint\": expected a URL that begins with http",
        "gateway.yaml:12:13: apiVersion: Unsupported value: \"aigateway.envoyproxy.io/v9\": supported values:",
        "gateway.yaml:15:1: apiVersion: Required value: expected text",
        "gateway.yaml:21:13: data.key: Invalid value: expected base64",
    ];
    assert_eq!(found.len(), expected.len(), "{}", found.join("\n"));
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "found {found}\nexpected {expected}");
    }
}

#[test]
fn yaml_that_is_none_is_a_mistake_with_a_place_and_the_rest_is_still_checked() {
    let found = mistakes("apiVersion: aigateway.envoyproxy.io/v1beta1\nkind: Wrong\n---\na: b\n  c: [d\n");
    assert!(found[0].starts_with("gateway.yaml:2:7: kind: Unsupported value: \"Wrong\""), "{found:?}");
    assert!(found[1].starts_with("gateway.yaml:5:4: not YAML: "), "{found:?}");
    assert!(mistakes("a: 1\na: 2\n")[0].contains("gateway.yaml:2:1: the field \"a\" is given twice"));
    assert!(mistakes("- a\n")[0].contains("expected a mapping with apiVersion"));
    assert!(mistakes("? [a]\n: b\n")[0].contains("a list or a mapping as a key"));
}

#[test]
fn mistakes_come_in_the_order_of_the_files() {
    let bad = |name: &str| Source { name: name.to_owned(), text: "kind: X\n".to_owned() };
    let found = load(&[bad("z.yaml"), bad("a.yaml")], &|_| None, &no_file).unwrap_err();
    assert_eq!(found.iter().map(|mistake| mistake.file.as_str()).collect::<Vec<_>>(), ["z.yaml", "a.yaml"]);
}

#[test]
fn a_hostile_file_is_refused() {
    let laughs = (1..20).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        let (name, before) = (format!("a{n}"), format!("a{}", n - 1));
        format!("{text}{name}: &{name} [*{before}, *{before}, *{before}, *{before}, *{before}]\n")
    });
    assert!(mistakes(&laughs)[0].contains("too many nodes"), "{:?}", mistakes(&laughs));
    assert!(mistakes(&"- ".repeat(100_000))[0].contains("nested too deep"));
    assert!(mistakes(&"[".repeat(100_000))[0].contains("not YAML"));
    assert!(mistakes(&"x".repeat(MAX_BYTES + 1))[0].contains("too large"));
    assert!(mistakes("a: &a [*a]")[0].contains("an alias of no node before it in this document"));
    let deep = (1..80).fold("a0: &a0 [x]\n".to_owned(), |text, n| format!("{text}a{n}: &a{n} [*a{}]\n", n - 1));
    assert!(mistakes(&deep)[0].contains("nested too deep"));
    let many = "kind: X\n---\n".repeat(5000);
    assert_eq!(mistakes(&many).len(), 1000);
}

#[test]
fn anchors_and_merge_keys_work() {
    let text =
        format!("{}    <<: *common\n    model: n\n", short_form("    &common\n    model: m\n    region: eu-west-1\n"));
    assert!(load_with(&text, &[], &[]).is_err(), "an anchor cannot name the mapping that it is in");
    let text = "
apiVersion: v1
kind: List
items:
- apiVersion: aigateway.envoyproxy.io/v1alpha1
  kind: AIServiceBackend
  metadata: {name: one}
  spec: {provider: awsbedrock, config: &common {model: m, region: eu-west-1}}
- apiVersion: aigateway.envoyproxy.io/v1alpha1
  kind: AIServiceBackend
  metadata: {name: two}
  spec: {provider: awsbedrock, config: {<<: *common, model: n}}
";
    let config = config(text);
    assert_eq!(bedrock(&config, 1).models, ["n"]);
    assert_eq!(bedrock(&config, 1).region.as_deref(), Some("eu-west-1"));
}

#[test]
fn json_is_yaml() {
    let text = r#"{"apiVersion": "aigateway.envoyproxy.io/v1alpha1", "kind": "AIServiceBackend", "metadata": {"name": "b"},
        "spec": {"provider": "awsbedrock", "config": {"model": "m", "region": "us-east-1", "http2": true}}}"#;
    assert!(bedrock(&config(text), 0).http2);
}

#[test]
fn variables_are_replaced_wherever_they_stand() {
    let text = "
apiVersion: aigateway.envoyproxy.io/v1alpha1
kind: AIServiceBackend
metadata: {name: b}
spec:
  provider: awsbedrock
  config: {model: ${MODEL}, region: '${PLACE:=eu}-${SIDE:-west}-1', http2: ${H2}, apiKey: $${MODEL}}
";
    let env = [("MODEL", "123"), ("H2", "true"), ("SIDE", "")];
    let config = load_with(text, &env, &[]).unwrap();
    let found = bedrock(&config, 0);
    assert_eq!(found.models, ["123"]);
    assert_eq!(found.region.as_deref(), Some("eu-west-1"));
    assert!(found.http2);
    assert!(matches!(&found.credentials, Credentials::ApiKey(key) if key.expose() == "${MODEL}"));
}

#[test]
fn a_variable_that_is_not_set_is_named_and_its_value_never_shown() {
    let text = short_form("    model: m-${NOWHERE}\n    region: ${HIDDEN}\n");
    let mistakes = load_with(&text, &[("HIDDEN", "top secret")], &[]).unwrap_err();
    assert!(mistakes[0].to_string().contains("9:13: spec.config.region: Invalid value: \"${HIDDEN}\""), "{mistakes:?}");
    let unset = config(&short_form("    model: m-${NOWHERE}\n    region: us-east-1\n"));
    let expected = [
        "gateway.yaml:8:12: the environment has no NOWHERE: nothing stands in its place",
        "gateway.yaml:8:12: spec.config.model: the catalogue knows no model of Bedrock \"m-${NOWHERE}\"",
    ];
    assert_eq!(unset.notices, expected);
    assert_eq!(bedrock(&unset, 0).models, ["m-"]);
}

#[test]
fn a_value_of_the_environment_never_becomes_yaml() {
    let text = short_form("    model: ${MODEL}\n    region: us-east-1\n");
    let config = load_with(&text, &[("MODEL", "m\n    endpoint: http://evil")], &[]).unwrap();
    assert_eq!(bedrock(&config, 0).endpoint, None);
}

#[test]
fn credentials_of_every_kind() {
    let secret = |lines: &str| format!("---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{lines}");
    let file =
        "  type: AWSCredentials\n  awsCredentials: {region: us-west-2, credentialsFile: {secretRef: {name: s}}}\n";
    let with = |policy: &str, lines: &str| config(&format!("{}{}", envoy_form(policy), secret(lines)));
    let found = with(file, "stringData: {credentials: INI}\n");
    assert_eq!(bedrock(&found, 0).region.as_deref(), Some("us-west-2"));
    assert_eq!(bedrock(&found, 0).endpoint.as_ref().unwrap().as_str(), "http://bedrock.internal:8443/");
    let Credentials::File { text, profile } = &bedrock(&found, 0).credentials else { panic!() };
    assert_eq!((text.expose(), profile.as_str()), ("INI", "default"));

    let key = "  type: APIKey\n  apiKey: {secretRef: {name: s}}\n";
    let found = with(key, "data: {apiKey: a2V5\n   }\n");
    assert!(matches!(&bedrock(&found, 0).credentials, Credentials::ApiKey(key) if key.expose() == "key"));

    let chain = "  type: AWSCredentials\n  awsCredentials: {region: us-west-2}\n";
    assert_eq!(bedrock(&config(&envoy_form(chain)), 0).credentials, Credentials::Default);

    let refused = |policy: &str, lines: &str, expected: &str| {
        let found = with(policy, lines);
        let Credentials::NotServed { why } = &bedrock(&found, 0).credentials else { panic!("{expected}") };
        assert!(why.contains(expected), "{why}");
        assert!(found.notices.iter().any(|notice| notice.contains(expected)), "{:?}", found.notices);
    };
    refused(key, "data: {other: a2V5}\n", "Secret default/s has no key apiKey");
    refused(key, "data: {apiKey: gA==}\n", "has no text in apiKey");
    let oidc = "  type: AWSCredentials\n  awsCredentials: {region: r, oidcExchangeToken: {awsRoleArn: a, oidc: \
                {provider: {issuer: i}, clientID: c, clientSecret: {name: s}}}}\n";
    refused(oidc, "", "oidcExchangeToken are not served yet");
    refused("  type: AzureAPIKey\n  azureAPIKey: {secretRef: {name: s}}\n", "", "AzureAPIKey cannot authorize");
}

#[test]
fn secrets_from_the_environment_and_from_files() {
    let key = "  type: APIKey\n  apiKey: {secretRef: {name: s}}\n";
    let annotated = |source: &str| {
        let annotation = format!("substitution.aigw.run/{source}");
        format!(
            "{}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s, annotations: {{{annotation}}}}}\nstringData: \
             {{apiKey: PLACEHOLDER}}\n",
            envoy_form(key)
        )
    };
    let env = [("HOME", "/home/a"), ("KEY", "from-env")];
    let files = [("/home/a/key", "from-file")];
    let key_of = |config: &Config| match &bedrock(config, 0).credentials {
        Credentials::ApiKey(key) => key.expose().to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!(key_of(&load_with(&annotated("env/apiKey: KEY"), &env, &files).unwrap()), "from-env");
    assert_eq!(key_of(&load_with(&annotated("file/apiKey: ~/key"), &env, &files).unwrap()), "from-file");
    assert!(key_of(&config(&annotated("env/apiKey: KEY"))).contains("needs the environment variable KEY"));
    assert!(key_of(&config(&annotated("file/apiKey: /gone"))).contains("needs the file /gone"));
}

#[test]
fn tls_to_the_backend() {
    let chain = "  type: AWSCredentials\n  awsCredentials: {region: us-west-2}\n";
    let tls = "---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: tls}
spec:
  targetRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: address}]
  validation:
    hostname: bedrock.example.com
    caCertificateRefs: [{group: '', kind: ConfigMap, name: roots}]
";
    let roots = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: roots}\ndata: {ca.crt: PEM}\n";
    let found = config(&format!("{}{tls}{roots}", envoy_form(chain)));
    let bedrock = bedrock(&found, 0);
    assert_eq!(bedrock.endpoint.as_ref().unwrap().as_str(), "https://bedrock.internal:8443/");
    assert_eq!(bedrock.tls_hostname.as_deref(), Some("bedrock.example.com"));
    assert_eq!(bedrock.tls_ca_pem.as_deref().map(str::trim), Some("PEM"));
    let without = config(&format!("{}{tls}", envoy_form(chain)));
    assert!(why_not(&without).contains("ConfigMap default/roots"), "{}", why_not(&without));
}

#[test]
fn listeners_of_every_gateway() {
    let text = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g}
spec:
  listeners:
  - {name: plain, protocol: HTTP, port: 80, hostname: '*.example.com'}
  - {name: secure, protocol: HTTPS, port: 443, tls: {certificateRefs: [{name: cert}]}}
  - {name: broken, protocol: HTTPS, port: 444, tls: {certificateRefs: [{name: gone}]}}
  - {name: mixed, protocol: HTTP, port: 443}
  - {name: raw, protocol: TCP, port: 22}
---
apiVersion: v1
kind: Secret
metadata: {name: cert}
stringData: {tls.crt: CERTIFICATE, tls.key: PRIVATE}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: other}
spec: {listeners: [{name: x, protocol: HTTP, port: 1}]}
";
    let config = config(text);
    let ports: Vec<u16> = config.listeners.iter().map(|listener| listener.port).collect();
    assert_eq!(ports, [80, 443, 1]);
    assert_eq!((config.listeners[2].gateway.as_str(), config.listeners[2].namespace.as_str()), ("other", "default"));
    assert_eq!(config.listeners[0].hostname.as_deref(), Some("*.example.com"));
    let tls = config.listeners[1].tls.as_ref().unwrap();
    assert_eq!((tls.certificate_pem.as_str(), tls.key_pem.expose()), ("CERTIFICATE", "PRIVATE"));
    for expected in ["Secret default/gone", "HTTP and HTTPS", "the listener secure has this port with another protocol"]
    {
        assert!(config.notices.iter().any(|notice| notice.contains(expected)), "{:?}", config.notices);
    }
    assert!(!format!("{config:?}").contains("PRIVATE"));
}

#[test]
fn the_settings() {
    let text = |level: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ai-gateway-config}}\ndata: {{log_level: {level}, x: y}}\n"
        )
    };
    assert_eq!(config(&text("WARN")).log_level, Some(LogLevel::Warn));
    assert!(config(&text("info")).notices[0].contains("data.x: unknown setting"));
    assert!(mistakes(&text("loud"))[0].contains(":4:19: data.log_level: Unsupported value: \"loud\""));
}

#[test]
fn references_that_lead_nowhere_are_told() {
    let text = "
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: r}
spec:
  filterConfig: {}
  rules: [{backendRefs: [{name: gone, weight: 3}]}]
---
{apiVersion: apps/v1, kind: Deployment}
---
{apiVersion: apps/v1, kind: Deployment}
---
{some: values}
";
    let expected = [
        "gateway.yaml:6:3: spec.filterConfig: unknown field, ignored",
        "gateway.yaml:13:1: skipped: not a resource, it has neither apiVersion nor kind",
        "gateway.yaml:7:26: spec.rules[0].backendRefs[0]: no AIServiceBackend default/gone in these files: no request is \
         sent there",
        "gateway.yaml:7:11: spec.rules[0]: none of its backends can be served: every request of this rule will be refused",
        "no backend can be served: every request will be refused",
        "skipped, as they do not concern this gateway: Deployment (2)",
    ];
    assert_eq!(config(text).notices, expected);
}

#[test]
fn two_of_one_name_are_refused() {
    let one = short_form("    model: m\n    region: us-east-1\n");
    let found = mistakes(&format!("{one}---\n{one}"));
    assert_eq!(
        found,
        ["gateway.yaml:14:9: metadata.name: Duplicate value: default/b is already given at gateway.yaml:1"]
    );
    let chain = "  type: AWSCredentials\n  awsCredentials: {region: us-west-2}\n";
    let policies = envoy_form(chain);
    let second = policies.rsplit("---").next().unwrap().replace("name: policy", "name: second");
    let found = mistakes(&format!("{policies}---{second}"));
    assert!(found[0].contains("spec.targetRefs: AIServiceBackend default/b already has the policy"), "{found:?}");
}

#[test]
fn no_file_at_all() {
    let env = |name: &str| (name == "AWS_REGION").then(|| "ap-south-1".to_owned());
    let config = Config::from_environment(&env);
    assert_eq!(bedrock(&config, 0).region.as_deref(), Some("ap-south-1"));
    assert_eq!(config.notices, [""; 0]);
    let nowhere = Config::from_environment(&|_| None);
    assert!(nowhere.notices[0].contains("AWS_REGION"), "{:?}", nowhere.notices);
    let env = |name: &str| name.starts_with("AWS_ENDPOINT").then(|| "http://user:unshown@host".to_owned());
    let wrong = Config::from_environment(&env);
    assert!(why_not(&wrong).contains("AWS_ENDPOINT_URL_BEDROCK_RUNTIME: expected a URL without"));
    assert!(!format!("{wrong:?}").contains("unshown"));
}

#[test]
fn a_reload_takes_away_every_backend_only_when_the_file_says_so() {
    let some = config(&short_form("    model: m\n"));
    let settings = |said: &str| {
        config(&format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ai-gateway-config}}\ndata: {{no_backends: {said}}}\n"
        ))
    };
    let not_served = short_form("    model: m\n").replace("awsbedrock", "anthropic");
    let not_served = load_with(&not_served, &[], &[]).unwrap_or_default();
    for none in [config(""), config("# nothing\n"), settings("false"), not_served] {
        assert!(none.may_replace(&some).is_err_and(|why| why.contains("no_backends")), "{none:?}");
        assert_eq!(none.may_replace(&none.clone()), Ok(()), "there was none before");
        assert_eq!(some.may_replace(&none), Ok(()));
    }
    assert_eq!(settings("true").may_replace(&some), Ok(()));
    assert_eq!(settings("\"true\"").may_replace(&some), Ok(()));
    let odd = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ai-gateway-config}\ndata: {no_backends: maybe}\n";
    assert!(mistakes(odd)[0].contains(":4:21: data.no_backends: Unsupported value: \"maybe\""), "{:?}", mistakes(odd));
}

#[test]
fn a_key_that_no_header_can_hold_is_refused_without_being_shown() {
    for key in ["k\\ney", "key\\n", "k\u{e9}y", "k ey", "\\tkey", "k\\0ey"] {
        let found = mistakes(&short_form(&format!("    model: m\n    apiKey: \"{key}\"\n")));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(":9:13: spec.config.apiKey: Invalid value: must be visible ASCII"), "{found:?}");
        let secret =
            format!("---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{apiKey: \"{key}\"}}\n");
        let policy = envoy_form("  type: APIKey\n  apiKey: {secretRef: {name: s}}");
        let found = mistakes(&[policy, secret].concat());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("spec.apiKey: Invalid value: the key must be visible ASCII"), "{found:?}");
    }
}
