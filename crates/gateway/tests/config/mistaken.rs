//! Files as people write them by mistake: each with its verdict, refused or a problem, and what it says.

use crate::support::loaded;
use aquifer_gateway::config::Severity;

/// What is said of a file: `error` or `problem` before each line.
fn verdict(text: &str) -> Vec<String> {
    match loaded(text) {
        Ok(config) => {
            let problems = config.notices.iter().filter(|notice| notice.severity == Severity::Problem);
            problems.map(|notice| format!("problem: {notice}")).collect()
        }
        Err(mistakes) => mistakes.iter().map(|mistake| format!("error: {mistake}")).collect(),
    }
}

/// Every expected text is in one of the lines.
fn check(name: &str, text: &str, expected: &[&str]) {
    let said = verdict(text);
    for expected in expected {
        let (kind, rest) = expected.split_once(": ").unwrap_or_else(|| panic!("{expected}"));
        let found = said.iter().any(|line| line.starts_with(kind) && line.contains(rest));
        assert!(found, "{name}: {expected:?} is not in {said:#?}");
    }
}

/// A backend of Bedrock and a route to it, with places to break.
fn route(reference: &str, header: &str) -> String {
    format!(
        "apiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIServiceBackend\nmetadata: {{name: bedrock}}\n\
         spec: {{schema: {{name: AWSBedrock}}, backendRef: {{name: e, kind: Backend, group: gateway.envoyproxy.io}}}}\n---\n\
         apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: Backend\nmetadata: {{name: e}}\n\
         spec: {{endpoints: [{{fqdn: {{hostname: bedrock-runtime.us-east-1.amazonaws.com, port: 443}}}}]}}\n---\n\
         apiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIGatewayRoute\nmetadata: {{name: r}}\nspec:\n  rules:\n  \
         - matches: [{{headers: [{{name: {header}, value: m}}]}}]\n    backendRefs: [{reference}]\n"
    )
}

fn backend(spec: &str) -> String {
    format!(
        "apiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIServiceBackend\nmetadata: {{name: b}}\nspec: {spec}\n"
    )
}

fn short(config: &str) -> String {
    backend(&format!("{{provider: awsbedrock, config: {{{config}}}}}"))
}

fn resource(version: &str, kind: &str, rest: &str) -> String {
    format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\n{rest}\n")
}

#[test]
fn what_is_right_has_no_problem() {
    check("whole", &route("{name: bedrock}", "x-ai-eg-model"), &[]);
    assert!(verdict(&route("{name: bedrock}", "x-ai-eg-model")).is_empty());
    assert!(verdict(&short("model: anthropic.claude-opus-4-8, region: us-east-1")).is_empty());
    assert!(verdict(&short("model: us.anthropic.claude-opus-4-8, region: us-gov-west-1")).is_empty());
}

#[test]
fn references_that_dangle() {
    let all_refused = "problem: none of its backends can be served";
    let dangling = route("{name: bedrok}", "x-ai-eg-model");
    check("1", &dangling, &["problem: did you mean \"bedrock\"?", all_refused, "problem: no backend can be served"]);
    let elsewhere = route("{name: bedrock, namespace: other}", "x-ai-eg-model");
    check("13", &elsewhere, &["problem: there is default/bedrock: name its namespace", all_refused]);
}

#[test]
fn words_that_are_nearly_right() {
    check("2", &backend("{schema: {name: AwsBedrock}}"), &["error: supported values: \"OpenAI\""]);
    check("3", &backend("{schema: AWSBedrock}"), &["error: spec.schema in body must be of type object"]);
    let override_name = route("{name: bedrock, modelnameOverride: m}", "x-ai-eg-model");
    check("4", &override_name, &["problem: unknown field, ignored; did you mean \"modelNameOverride\"?"]);
    let header = route("{name: bedrock}", "x-ai-eg-modle");
    check("5", &header, &["problem: no client sends the header \"x-ai-eg-modle\"; did you mean \"x-ai-eg-model\"?"]);
    let kind = resource("aigateway.envoyproxy.io/v1beta1", "AIServiceBackends", "spec: {}");
    check("10", &kind, &["error: kind: Unsupported value: \"AIServiceBackends\""]);
    let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aigateway-config}\ndata: {log_level: debug}\n";
    check("20", settings, &["problem: did you mean \"ai-gateway-config\"?"]);
    let level = settings.replace("aigateway", "ai-gateway").replace("debug", "verbose");
    check("19", &level, &["error: data.log_level: Unsupported value: \"verbose\""]);
}

#[test]
fn what_is_no_yaml_or_no_resource() {
    check("6", "apiVersion: v1\n\tkind: x\n", &["error: not YAML"]);
    check("18", "apiVersion: \"v1\nkind: x\n", &["error: not YAML"]);
    check("11", "metadata: {name: x}\n---\n[1, 2]\n---\nword\n", &["error: apiVersion", "error: expected a mapping"]);
    check("22", "apiVersion: v1\nkind: ConfigMap\nkind: Secret\n", &["error: is given twice"]);
    check("empty", "", &["problem: there is no resource in what was read", "problem: no backend can be served"]);
    check("comments", "# nothing\n---\n", &["problem: there is no resource in what was read"]);
    let litellm = "model_list:\n- {model_name: c, litellm_params: {model: bedrock/x}}\n";
    check("16", litellm, &["problem: this is a configuration of LiteLLM", "problem: no backend can be served"]);
    check("other", "{a: 1}", &["problem: not a resource", "problem: no backend can be served"]);
}

#[test]
fn values_that_do_not_fit() {
    let host = resource(
        "gateway.envoyproxy.io/v1alpha1",
        "Backend",
        "spec: {endpoints: [{fqdn: {hostname: 'https://x.example.com', port: '443'}}]}",
    );
    check("7", &host, &["error: a hostname has no scheme", "error: must be of type integer"]);
    let policy = resource("aigateway.envoyproxy.io/v1beta1", "BackendSecurityPolicy", "spec: {type: AWS}");
    check("8", &policy, &["error: spec.type: Unsupported value: \"AWS\""]);
    let secret = resource("v1", "Secret", "data: {key: 'not base64!'}");
    check("9", &secret, &["error: expected base64; text as it is belongs under stringData"]);
    let numbers =
        route("{name: bedrock, weight: -1, priority: high}", "x-ai-eg-model") + "    timeouts: {request: 60}\n";
    check(
        "12",
        &numbers,
        &["error: backendRefs[0].weight", "error: backendRefs[0].priority", "error: timeouts.request"],
    );
    check("14", &short("model: m, regoin: us-east-1"), &["error: regoin"]);
    let meant = "problem: did you mean \"anthropic.claude-sonnet-4-5-20250929-v1:0\"?";
    let region = "problem: \"us-east1\" is not the name of an AWS region; did you mean \"us-east-1\"?";
    check("15", &short("model: claude-sonnet-4-5, region: us-east1"), &[meant, region]);
    let group = backend("{schema: {name: AWSBedrock}, backendRef: {name: e, kind: Backend}}");
    check("21", &group, &["error: Expected kind: Backend and group: gateway.envoyproxy.io"]);
    let anthropic =
        backend("{schema: {name: Anthropic}, backendRef: {name: e, kind: Backend, group: gateway.envoyproxy.io}}");
    check("21 vendor", &anthropic, &["problem: not served", "problem: no backend can be served"]);
    let reasoning = resource("aigateway.envoyproxy.io/v1beta1", "ReasoningPolicy", "spec: {}");
    check("17", &reasoning, &["error: apiVersion: Unsupported value"]);
    let limits = "spec: {targetRefs: [{kind: AIServiceBackend, name: b}], limit: {effort: low}, restore: {maxAge: 0s}}";
    let limits = resource("aquifer.dev/v1alpha1", "ReasoningPolicy", limits);
    check("17 fields", &limits, &["error: spec.targetRefs[0].group", "error: must be longer than nought"]);
}
