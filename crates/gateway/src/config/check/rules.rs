//! The rules about whole resources that a shape cannot say, in the words of the resources' own definitions.

use crate::config::build::backends::is_visible;
use crate::config::build::mutations;
use crate::config::check::checker::Check;
use crate::config::check::forms::duration;
use crate::config::check::traffic_rules::{EARLY, HEDGE, annotations};
use crate::config::text::yaml::Node;

/// The types of a `BackendSecurityPolicy`, and the field that belongs to each.
static POLICY_TYPES: [(&str, &str); 6] = [
    ("APIKey", "apiKey"),
    ("AWSCredentials", "awsCredentials"),
    ("AzureAPIKey", "azureAPIKey"),
    ("AzureCredentials", "azureCredentials"),
    ("GCPCredentials", "gcpCredentials"),
    ("AnthropicAPIKey", "anthropicAPIKey"),
];

/// The most regular expressions that all files together may have.
const MOST_PATTERNS: usize = 1000;

/// Rules of an `AIServiceBackend` in Envoy AI Gateway's form.
pub(in crate::config) fn service_backend(check: &mut Check<'_>, root: &Node) {
    if let Some(spec) = root.get("spec") {
        mutations::rules(check, spec, "spec");
    }
    let Some(reference) = root.at("spec.backendRef") else { return };
    let is_backend =
        reference.text_at("kind") == Some("Backend") && reference.text_at("group") == Some("gateway.envoyproxy.io");
    if !is_backend {
        check.break_rule(
            reference,
            "spec.backendRef",
            "BackendRef must be a Backend resource of Envoy Gateway. \
             See https://github.com/envoyproxy/ai-gateway/issues/902 for more details. \
             Expected kind: Backend and group: gateway.envoyproxy.io",
        );
    }
}

/// Rules of an `AIServiceBackend` in the short form: each provider has fields of its own.
pub(in crate::config) fn short_backend(check: &mut Check<'_>, root: &Node) {
    let Some(config) = root.at("spec.config") else { return };
    let openai = root.text_at("spec.provider") == Some("openai");
    if let Some(key) = config.get("apiKey").filter(|key| key.text().is_some_and(|text| !is_visible(text))) {
        let message = "Invalid value: must be visible ASCII without spaces or line breaks to be sent in a header";
        check.refuse(key, "spec.config.apiKey", message.to_owned());
    }
    if openai && config.get("endpoint").is_none() {
        check.refuse(config, "spec.config.endpoint", "Required value: expected text".to_owned());
    }
    let (foreign, provider): (&[&str], _) =
        if openai { (&["region", "baseModel", "reasoning"], "awsbedrock") } else { (&["prefix"], "openai") };
    for entry in config.entries().iter().filter(|entry| foreign.contains(&entry.key.as_str())) {
        let path = crate::config::check::checker::join("spec.config", &entry.key);
        check.refuse(&entry.value, &path, format!("Forbidden: only the provider {provider} has this field"));
    }
}

/// Rules of an `AIGatewayRoute`.
pub(in crate::config) fn gateway_route(check: &mut Check<'_>, root: &Node) {
    annotations(check, root, &[HEDGE, EARLY]);
    if let Some(parents) = root.at("spec.parentRefs")
        && !parents.items().iter().all(|parent| parent.text_at("kind").is_none_or(|kind| kind == "Gateway"))
    {
        check.break_rule(parents, "spec.parentRefs", "only Gateway is supported");
    }
    let Some(rules) = root.at("spec.rules") else { return };
    let mut names = Vec::new();
    for (index, rule) in rules.items().iter().enumerate() {
        route_rule(check, rule, &format!("spec.rules[{index}]"));
        names.extend(rule.text_at("name"));
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    if names.len() < count {
        check.break_rule(rules, "spec.rules", "rule name must be unique within the route");
    }
}

fn route_rule(check: &mut Check<'_>, rule: &Node, path: &str) {
    if rule.text_at("name") == Some("route-not-found") {
        check.break_rule(rule, path, "rule name route-not-found is reserved");
    }
    let references = rule.items_at("backendRefs");
    for (index, reference) in references.iter().enumerate() {
        let path = format!("{path}.backendRefs[{index}]");
        mutations::rules(check, reference, &path);
        match (reference.text_at("group"), reference.text_at("kind")) {
            (None, None) | (Some("inference.networking.k8s.io"), Some("InferencePool")) => {}
            (Some(_), Some(_)) => check.break_rule(
                reference,
                &path,
                "only InferencePool from inference.networking.k8s.io group is supported",
            ),
            (Some(_), None) | (None, Some(_)) => {
                check.break_rule(reference, &path, "group and kind must be specified together");
            }
        }
    }
    let pools = references.iter().filter(|reference| reference.text_at("kind") == Some("InferencePool")).count();
    if pools > 0 && pools < references.len() {
        check.break_rule(rule, path, "cannot mix InferencePool and AIServiceBackend references in the same rule");
    }
    if pools > 1 {
        check.break_rule(rule, path, "only one InferencePool backend is allowed per rule");
    }
    timeouts(check, rule, path);
    for (index, header) in rule.items_at("matches").iter().enumerate() {
        patterns(check, header, &format!("{path}.matches[{index}]"));
    }
}

fn timeouts(check: &mut Check<'_>, rule: &Node, path: &str) {
    let Some(timeouts) = rule.at("timeouts") else { return };
    let read = |name| timeouts.text_at(name).and_then(duration);
    if let (Some(request), Some(backend)) = (read("request"), read("backendRequest"))
        && backend > request
        && !request.is_zero()
    {
        let message = "backendRequest timeout cannot be longer than request timeout";
        check.break_rule(timeouts, &format!("{path}.timeouts"), message);
    }
}

/// A header's value can be a key, so that a mistake names only its place.
fn patterns(check: &mut Check<'_>, condition: &Node, path: &str) {
    for (index, header) in condition.items_at("headers").iter().enumerate() {
        if header.text_at("type") != Some("RegularExpression") {
            continue;
        }
        let Some(value) = header.at("value") else { continue };
        check.report.patterns = check.report.patterns.saturating_add(1);
        if check.report.patterns > MOST_PATTERNS {
            let message = format!("Too many: at most {MOST_PATTERNS} regular expressions are read");
            check.refuse(value, &format!("{path}.headers[{index}].value"), message);
            return;
        }
        if value.text().is_some_and(|pattern| crate::config::build::routes::whole_match(pattern).is_none()) {
            let path = format!("{path}.headers[{index}].value");
            check.refuse(value, &path, "Invalid value: not a regular expression of the RE2 syntax".to_owned());
        }
    }
}

/// Rules of a `BackendSecurityPolicy`.
pub(in crate::config) fn security_policy(check: &mut Check<'_>, root: &Node, alpha: bool) {
    let Some(spec) = root.get("spec") else { return };
    let most = if alpha { 3 } else { 4 };
    let known = spec.entries().iter().filter(|entry| {
        POLICY_TYPES.iter().any(|(_, field)| *field == entry.key)
            || matches!(entry.key.as_str(), "type" | "targetRefs")
            || (!alpha && entry.key == "credentialOverride")
    });
    let count = known.count();
    if count > most {
        check.refuse(spec, "spec", format!("Too many: {count}: must have at most {most} items"));
    }
    policy_type(check, spec);
    if let Some(targets) = spec.get("targetRefs")
        && !targets.items().iter().all(is_credential_target)
    {
        let message = "targetRefs must reference AIServiceBackend or InferencePool resources";
        check.break_rule(targets, "spec.targetRefs", message);
    }
    credentials(check, spec, alpha);
    identity(check, spec, "spec");
}

fn is_credential_target(target: &Node) -> bool {
    let target = (target.text_at("group"), target.text_at("kind"));
    target == (Some("aigateway.envoyproxy.io"), Some("AIServiceBackend"))
        || target == (Some("inference.networking.k8s.io"), Some("InferencePool"))
}

fn policy_type(check: &mut Check<'_>, spec: &Node) {
    let Some(chosen) = spec.text_at("type") else { return };
    let Some((_, field)) = POLICY_TYPES.iter().find(|(name, _)| *name == chosen) else { return };
    let fits = POLICY_TYPES.iter().all(|(_, other)| spec.get(other).is_some() == (other == field));
    if !fits {
        check.break_rule(spec, "spec", &format!("When type is {chosen}, only {field} field should be set"));
    }
}

fn credentials(check: &mut Check<'_>, spec: &Node, alpha: bool) {
    let given = |node: &Node, fields: [&str; 2]| fields.iter().filter(|field| node.get(field).is_some()).count();
    if let Some(azure) = spec.get("azureCredentials")
        && given(azure, ["clientSecretRef", "oidcExchangeToken"]) != 1
    {
        let message = "Exactly one of clientSecretRef or oidcExchangeToken must be specified";
        check.break_rule(azure, "spec.azureCredentials", message);
    }
    if let Some(gcp) = spec.get("gcpCredentials") {
        let count = given(gcp, ["credentialsFile", "workloadIdentityFederationConfig"]);
        if count > 1 || (alpha && count == 0) {
            let how = if alpha { "Exactly" } else { "At most" };
            let message =
                format!("{how} one of GCPWorkloadIdentityFederationConfig or GCPCredentialsFile must be specified");
            check.break_rule(gcp, "spec.gcpCredentials", &message);
        }
    }
    if let Some(changed) = spec.get("credentialOverride").filter(|_| !alpha)
        && given(changed, ["fromRequestHeaders", "fromDynamicMetadata"]) != 1
    {
        let message = "Exactly one of fromRequestHeaders or fromDynamicMetadata must be specified";
        check.break_rule(changed, "spec.credentialOverride", message);
    }
}

/// Every `oidc` below `node` names its client in exactly one way.
fn identity(check: &mut Check<'_>, node: &Node, path: &str) {
    for entry in node.entries() {
        let path = crate::config::check::checker::join(path, &entry.key);
        let ways = ["clientID", "clientIDRef"].iter().filter(|field| entry.value.get(field).is_some()).count();
        if entry.key == "oidc" && ways != 1 {
            check.break_rule(&entry.value, &path, "only one of clientID or clientIDRef must be set");
        }
        identity(check, &entry.value, &path);
    }
}

/// Rules of a `Secret`: its data is base64. The mistake does not show it.
pub(in crate::config) fn secret(check: &mut Check<'_>, root: &Node) {
    for entry in root.entries_at("data") {
        let sound = entry.value.text().is_none_or(|text| crate::config::build::secrets::base64_bytes(text).is_some());
        if !sound {
            let path = crate::config::check::checker::join("data", &entry.key);
            check.refuse(
                &entry.value,
                &path,
                "Invalid value: expected base64; text as it is belongs under stringData".to_owned(),
            );
        }
    }
}
