//! `AIGatewayRoute`: its rules, with the backends that they name.

use crate::config::build::client_fields::RequestPolicies;
use crate::config::build::mutations::mutation;
use crate::config::build::policies::Policies;
use crate::config::build::security_policies::SecurityPolicies;
use crate::config::build::traffic_policies::{TrafficPolicies, unknown_annotations};
use crate::config::check::forms::{duration, seconds_since_epoch};
use crate::config::check::traffic_rules::{EARLY, HEDGE};
use crate::config::resource::{Document, Kind, Set, spot};
use crate::config::text::mistake::{Report, Spot};
use crate::config::text::suggest::did_you_mean;
use crate::config::text::yaml::Node;
use crate::config::{Backend, BackendRef, HeaderMatch, HeaderValueMatch, Match, Parent, Route, Rule};
use regex::{Regex, RegexBuilder};
use std::sync::Arc;
use std::time::Duration;

/// How large one compiled pattern may be, in bytes.
const PATTERN_LIMIT: usize = 1 << 18;

/// A pattern that must match the whole of a value.
pub(in crate::config) fn whole_match(pattern: &str) -> Option<Regex> {
    let compiled = |pattern: &str| RegexBuilder::new(pattern).size_limit(PATTERN_LIMIT).build().ok();
    compiled(pattern)?;
    compiled(&format!(r"\A(?:{pattern})\z"))
}

/// Every `AIGatewayRoute`, in the order of the files.
pub(in crate::config) fn gateway_routes(
    set: Set<'_>,
    backends: &[Backend],
    policies: OfFiles<'_>,
    security: &SecurityPolicies,
    report: &mut Report,
) -> Vec<Route> {
    set.of(Kind::GatewayRoute)
        .map(|document| {
            if let Some(costs) = document.root.at("spec.llmRequestCosts") {
                report.notice(spot(document, costs, "spec.llmRequestCosts"), "not used yet");
            }
            unknown_annotations(document, &[HEDGE, EARLY], report);
            let rules = document.root.items_at("spec.rules").iter().enumerate();
            Route {
                namespace: document.namespace.clone(),
                name: document.name.clone(),
                parents: parents(set, document, report),
                hostnames: hostnames(&document.root),
                rules: rules.map(|(index, node)| rule((document, backends, policies), node, index, report)).collect(),
                keys: security.of_route(&document.namespace, &document.name),
            }
        })
        .collect()
}

/// The Gateways of these files that a route names; one that is not there limits nothing.
fn parents(set: Set<'_>, document: &Document<'_>, report: &mut Report) -> Vec<Parent> {
    let nodes = document.root.items_at("spec.parentRefs").iter().enumerate();
    let parent = nodes.filter_map(|(index, node)| {
        let parent = Parent {
            namespace: node.text_at("namespace").unwrap_or(&document.namespace).to_owned(),
            name: node.text_at("name")?.to_owned(),
            listener: node.text_at("sectionName").map(str::to_owned),
            port: node.get("port").and_then(Node::whole).and_then(|port| u16::try_from(port).ok()),
        };
        let found = set.find(Kind::Gateway, &parent.namespace, &parent.name);
        if found.is_none() && set.of(Kind::Gateway).next().is_some() {
            let path = format!("spec.parentRefs[{index}]");
            let gateways = set.of(Kind::Gateway).filter(|gateway| gateway.namespace == parent.namespace);
            let meant = did_you_mean(&parent.name, gateways.map(|gateway| gateway.name.as_str()));
            let id = format!("{}/{}", parent.namespace, parent.name);
            let message = format!("no Gateway {id} in these files: it limits nothing{meant}");
            report.problem(spot(document, node, &path), message);
        }
        found.map(|_| parent)
    });
    parent.collect()
}

fn hostnames(root: &Node) -> Vec<String> {
    root.items_at("spec.hostnames").iter().filter_map(Node::text).map(str::to_owned).collect()
}

/// The policies of the files: of reasoning, of trying, of what clients may ask for.
type OfFiles<'w> = (&'w Policies, &'w TrafficPolicies<'w>, &'w RequestPolicies);

/// What a rule is read with: the resource that has it, the backends, the policies.
type With<'w> = (&'w Document<'w>, &'w [Backend], OfFiles<'w>);

fn rule(with: With<'_>, node: &Node, index: usize, report: &mut Report) -> Rule {
    let references = node.items_at("backendRefs").iter().enumerate();
    let references = references.filter_map(|(at, reference)| {
        let path = format!("spec.rules[{index}].backendRefs[{at}]");
        backend_ref(with, node.text_at("name"), reference, &path, report)
    });
    let references = references.collect();
    Rule {
        name: node.text_at("name").map(str::to_owned),
        matches: node.items_at("matches").iter().map(condition).collect(),
        backends: references,
        request_timeout: limit(node, "timeouts.request"),
        call_timeout: limit(node, "timeouts.backendRequest"),
        stream_idle_timeout: limit(node, "streamIdleTimeout"),
        traffic: with.2.1.of_rule(with.0, node.text_at("name")),
        client_fields: with.2.2.of_rule(&with.0.namespace, &with.0.name, node.text_at("name")),
        models_owned_by: node.text_at("modelsOwnedBy").map(str::to_owned),
        models_created_at: node.text_at("modelsCreatedAt").and_then(seconds_since_epoch),
    }
}

/// A duration; nought means no limit, as in the Gateway API.
fn limit(node: &Node, path: &str) -> Option<Duration> {
    node.text_at(path).and_then(duration).filter(|limit| !limit.is_zero())
}

fn condition(node: &Node) -> Match {
    let header = |header: &Node| {
        let value = header.text_at("value").unwrap_or_default();
        let value = match header.text_at("type") {
            Some("RegularExpression") => HeaderValueMatch::Regex(whole_match(value)?),
            _ => HeaderValueMatch::Exact(value.to_owned()),
        };
        Some(HeaderMatch { name: header.text_at("name")?.to_ascii_lowercase(), value })
    };
    Match { headers: node.items_at("headers").iter().filter_map(header).collect() }
}

/// What a reference that dangles may have meant: the same name in another namespace, or a name that is nearly the same.
fn backend_meant(backends: &[Backend], namespace: &str, name: &str) -> String {
    if let Some(elsewhere) = backends.iter().find(|backend| backend.name == name) {
        return format!("; there is {}/{name}: name its namespace", elsewhere.namespace);
    }
    let here = backends.iter().filter(|backend| backend.namespace == namespace);
    did_you_mean(name, here.map(|backend| backend.name.as_str()))
}

/// One reference, or nothing and a notice where these files have no such backend.
fn backend_ref(
    (document, backends, (policies, ..)): With<'_>,
    rule: Option<&str>,
    node: &Node,
    path: &str,
    report: &mut Report,
) -> Option<BackendRef> {
    let spot = Spot { file: document.file, place: node.place, path };
    if node.text_at("kind") == Some("InferencePool") {
        report.problem(spot, "not served: an InferencePool is no Bedrock");
        return None;
    }
    let name = node.text_at("name")?;
    let namespace = node.text_at("namespace").unwrap_or(&document.namespace);
    let backend = backends.iter().position(|backend| backend.name == name && backend.namespace == namespace);
    if backend.is_none() {
        let meant = backend_meant(backends, namespace, name);
        let message = format!("no AIServiceBackend {namespace}/{name} in these files: no request is sent there{meant}");
        report.problem(spot, message);
    }
    let own = mutation(document, node, path, report);
    let below = backend.and_then(|backend| backends.get(backend)).map(|backend| &backend.mutation);
    let number = |field: &str| node.get(field).and_then(Node::whole).and_then(|value| u32::try_from(value).ok());
    Some(BackendRef {
        backend: backend?,
        model_name_override: node.text_at("modelNameOverride").filter(|name| !name.is_empty()).map(str::to_owned),
        weight: number("weight").unwrap_or(1),
        priority: number("priority").unwrap_or(0),
        reasoning: policies.of_rule(&document.namespace, &document.name, rule, (namespace, name)),
        mutation: Arc::new(below.map(|below| own.over(below)).unwrap_or_default()),
    })
}
