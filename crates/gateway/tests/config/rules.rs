//! The rules of the resources' definitions, one broken at a time, in the words that an API server says.

use crate::support::{loaded, printed};

/// What loading one resource of this kind says; nothing when it is accepted.
fn verdict(version: &str, kind: &str, spec: &str) -> String {
    let text = format!(
        "apiVersion: aigateway.envoyproxy.io/{version}\nkind: {kind}\nmetadata: {{name: x}}\nspec:\n  {}\n",
        spec.replace('\n', "\n  ")
    );
    loaded(&text).map_or_else(|mistakes| printed(&mistakes).join("\n"), |_| String::new())
}

fn refused(kind: &str, spec: &str, expected: &str) {
    let told = verdict("v1beta1", kind, spec);
    assert!(told.contains(expected), "{spec}\nfound    {told:?}\nexpected {expected:?}");
}

fn accepted(kind: &str, spec: &str) {
    for version in ["v1alpha1", "v1beta1"] {
        assert_eq!(verdict(version, kind, spec), "", "{spec}");
    }
}

/// A route's spec with one rule, which is this mapping.
fn rule(fields: &str) -> String {
    format!("rules: [{{{fields}}}]")
}

#[test]
fn what_a_route_may_be() {
    let kind = "AIGatewayRoute";
    accepted(kind, "rules: []");
    accepted(kind, &rule("timeouts: {request: 1h30m, backendRequest: 90m}, streamIdleTimeout: 500ms"));
    accepted(kind, &rule("timeouts: {request: 0s, backendRequest: 5s}"));
    for (spec, expected) in [
        ("hostnames: [a]".to_owned(), "spec.rules: Required value: expected a list"),
        ("rules: 1".to_owned(), "spec.rules: Invalid value: \"integer\": spec.rules in body must be of type array"),
        (format!("rules: [{}]", "{},".repeat(16)), "spec.rules: Too many: 16: must have at most 15 items"),
        (
            "parentRefs: [{name: a, kind: Service}]\nrules: []".to_owned(),
            "spec.parentRefs: Invalid value: \"array\": only Gateway is supported",
        ),
        ("hostnames: [Not_A_Host]\nrules: []".to_owned(), "spec.hostnames[0]: Invalid value: \"Not_A_Host\": "),
        (
            rule("timeouts: {request: 5s, backendRequest: 6s}"),
            "spec.rules[0].timeouts: Invalid value: \"object\": backendRequest timeout cannot be longer",
        ),
        (rule("streamIdleTimeout: 5 minutes"), "in body should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'"),
        (rule("modelsCreatedAt: yesterday"), "spec.rules[0].modelsCreatedAt: Invalid value: \"yesterday\": "),
        (
            rule("backendRefs: [{name: a, kind: InferencePool}]"),
            "spec.rules[0].backendRefs[0]: Invalid value: \"object\": group and kind must be specified together",
        ),
        (rule("backendRefs: [{weight: 1}]"), "spec.rules[0].backendRefs[0].name: Required value"),
        (
            rule("backendRefs: [{name: a, weight: -1}]"),
            "weight: Invalid value: -1: spec.rules[0].backendRefs[0].weight in body should be greater than or equal to 0",
        ),
        (rule("backendRefs: [{name: a, priority: 4294967296}]"), "in body should be less than or equal to 2147483647"),
        (
            rule("matches: [{headers: [{name: a, value: b, type: Prefix}]}]"),
            "type: Unsupported value: \"Prefix\": supported values: \"Exact\", \"RegularExpression\"",
        ),
        (
            rule("matches: [{headers: [{name: a, value: b}, {name: a, value: c}]}]"),
            "spec.rules[0].matches[0].headers[1]: Duplicate value",
        ),
        (rule("matches: [{headers: [{name: 'a b', value: b}]}]"), "headers[0].name: Invalid value: \"a b\": "),
        (rule("matches: [{headers: [{name: a, value: ''}]}]"), "should be at least 1 chars long"),
        (
            rule("matches: [{headers: [{name: a, value: '(key-of-mine', type: RegularExpression}]}]"),
            "headers[0].value: Invalid value: not a regular expression",
        ),
    ] {
        refused(kind, &spec, expected);
        assert!(!verdict("v1beta1", kind, &spec).contains("key-of-mine"));
    }
}

#[test]
fn what_a_backend_may_be() {
    let kind = "AIServiceBackend";
    let with = |reference: &str| format!("schema: {{name: OpenAI}}\nbackendRef: {{{reference}}}");
    accepted(kind, &with("group: gateway.envoyproxy.io, kind: Backend, name: a, port: 80"));
    refused(
        kind,
        &with("name: a, port: 80"),
        "spec.backendRef: Invalid value: \"object\": BackendRef must be a Backend",
    );
    refused(
        kind,
        "schema: {name: OpenAI}",
        "spec.backendRef: Required value: expected a mapping with group, kind, name",
    );
    refused(kind, "schema: {}", "spec.schema.name: Unsupported value: \"\": supported values: \"OpenAI\"");
    refused(
        kind,
        "provider: awsbedrock\nschema: {name: OpenAI}",
        "spec.schema: unknown field: expected one of provider",
    );
    let port = with("group: gateway.envoyproxy.io, kind: Backend, name: a, port: 65536");
    refused(kind, &port, "spec.backendRef.port: Invalid value: 65536: ");
}

#[test]
fn what_a_policy_may_be() {
    let kind = "BackendSecurityPolicy";
    let key = "{secretRef: {name: s}}";
    accepted(kind, &format!("type: APIKey\napiKey: {key}"));
    for (chosen, field) in [("AzureAPIKey", "azureAPIKey"), ("AnthropicAPIKey", "anthropicAPIKey")] {
        accepted(kind, &format!("type: {chosen}\n{field}: {key}"));
        let expected =
            format!("spec: Invalid value: \"object\": When type is {chosen}, only {field} field should be set");
        refused(kind, &format!("type: {chosen}"), &expected);
        refused(kind, &format!("type: {chosen}\n{field}: {key}\napiKey: {key}"), &expected);
    }
    refused(kind, "type: AWSCredentials\nawsCredentials: {region: ''}", "in body should be at least 1 chars long");
    refused(kind, "type: AWSCredentials\nawsCredentials: {}", "spec.awsCredentials.region: Required value");
    let oidc = |client: &str| {
        format!("{{oidc: {{provider: {{issuer: i}}, clientSecret: {{name: s}}, {client}}}, awsRoleArn: a}}")
    };
    let aws = |client: &str| {
        format!("type: AWSCredentials\nawsCredentials: {{region: r, oidcExchangeToken: {}}}", oidc(client))
    };
    accepted(kind, &aws("clientID: c"));
    accepted(kind, &aws("clientIDRef: {name: c}"));
    refused(
        kind,
        &aws("scopes: []"),
        "oidc: Invalid value: \"object\": only one of clientID or clientIDRef must be set",
    );
    let many = format!("type: APIKey\ntargetRefs: []\napiKey: {key}\nazureAPIKey: {key}\nanthropicAPIKey: {key}");
    refused(kind, &many, "spec: Too many: 5: must have at most 4 items");
}

#[test]
fn where_the_versions_of_a_policy_differ() {
    let kind = "BackendSecurityPolicy";
    let gcp = "type: GCPCredentials\ngcpCredentials: {projectName: p, region: r}";
    assert_eq!(verdict("v1beta1", kind, gcp), "");
    assert!(verdict("v1alpha1", kind, gcp).contains("Exactly one of GCPWorkloadIdentityFederationConfig"));
    let changed = "type: AWSCredentials\nawsCredentials: {region: r}\ncredentialOverride: {}";
    assert!(verdict("v1beta1", kind, changed).contains("spec.credentialOverride: "));
    assert_eq!(verdict("v1alpha1", kind, changed), "", "v1alpha1 does not know the field");
}

#[test]
fn long_values_and_names_are_cut_in_messages() {
    let long = "x".repeat(5000);
    let told = verdict("v1beta1", "AIServiceBackend", &format!("schema: {{name: {long}}}\n"));
    assert!(told.len() < 1500, "{}", told.len());
    let told =
        verdict("v1beta1", "AIServiceBackend", &format!("provider: awsbedrock\nconfig: {{model: m, {long}: 1}}"));
    assert!(told.contains("unknown field") && told.len() < 500, "{told}");
}
