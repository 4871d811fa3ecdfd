//! `AIGatewayRoute`: its rules, with the backends that they name.

use crate::config::build::client_fields::RequestPolicies;
use crate::config::build::mutations::mutation;
use crate::config::build::policies::Policies;
use crate::config::build::security_policies::SecurityPolicies;
use crate::config::build::traffic_policies::{TrafficPolicies, unknown_annotations};
use crate::config::check::forms::{duration, seconds_since_epoch};
use crate::config::check::traffic_rules::{EARLY, HEDGE, ON_CLIENT_GONE};
use crate::config::resource::{Document, Kind, Resource, Set};
use crate::config::resources::gateway_route::{
    GatewayRouteSpec, HeaderMatchType, ParentRef, RequestCost as SpecifiedCost, RequestCostType, RouteBackendRef,
    RouteHeaderMatch, RouteMatch, RouteRule,
};
use crate::config::resources::text::DurationText;
use crate::config::text::mistake::Report;
use crate::config::text::suggest::did_you_mean;
use crate::config::{Backend, BackendRef, HeaderMatch, HeaderValueMatch, Match, Parent, Route, Rule};
use crate::request_cost::{CostExpression, RouteCost, RouteCostKind};
use regex::{Regex, RegexBuilder};
use std::sync::Arc;
use std::time::Duration;

/// The largest size of a compiled regular expression, in bytes.
const PATTERN_LIMIT: usize = 1 << 18;

/// A pattern that must match the whole of a value.
pub(in crate::config) fn whole_match(pattern: &str) -> Option<Regex> {
    let compiled = |pattern: &str| RegexBuilder::new(pattern).size_limit(PATTERN_LIMIT).build().ok();
    compiled(pattern)?;
    compiled(&format!(r"\A(?:{pattern})\z"))
}

/// The policies of the files that decide about routes.
pub(in crate::config) struct RoutePolicies<'w> {
    pub(in crate::config) reasoning: &'w Policies,
    pub(in crate::config) traffic: &'w TrafficPolicies<'w>,
    pub(in crate::config) requests: &'w RequestPolicies,
    pub(in crate::config) security: &'w SecurityPolicies,
}

/// Every `AIGatewayRoute`, in the order of the files.
pub(in crate::config) fn gateway_routes(
    set: Set<'_>,
    backends: &[Backend],
    policies: &RoutePolicies<'_>,
    report: &mut Report,
) -> Vec<Route> {
    let mut routes = Vec::new();
    for document in set.of(Kind::GatewayRoute) {
        if let Resource::GatewayRoute(resource) = &document.resource {
            routes.push(RouteBuilder { set, document, backends, policies, report }.route(&resource.spec));
        }
    }
    routes
}

/// Builds one route: follows its references, and says what they miss.
struct RouteBuilder<'w> {
    set: Set<'w>,
    document: &'w Document<'w>,
    backends: &'w [Backend],
    policies: &'w RoutePolicies<'w>,
    report: &'w mut Report,
}

impl RouteBuilder<'_> {
    fn route(&mut self, spec: &GatewayRouteSpec) -> Route {
        let document = self.document;
        let costs = self.costs(spec.llm_request_costs.as_deref().unwrap_or_default());
        unknown_annotations(document, &[HEDGE, EARLY, ON_CLIENT_GONE], self.report);
        Route {
            namespace: document.namespace.clone(),
            name: document.name.clone(),
            parents: self.parents(&spec.parent_refs),
            hostnames: spec.hostnames.iter().map(|name| name.to_string()).collect(),
            rules: spec.rules.iter().enumerate().map(|(index, rule)| self.rule(rule, index)).collect(),
            costs,
            keys: self.policies.security.of_route(&document.namespace, &document.name),
        }
    }

    /// What requests of a route cost; an expression is compiled and tried once.
    fn costs(&mut self, costs: &[SpecifiedCost]) -> Arc<[RouteCost]> {
        let mut counted = Vec::new();
        for (index, cost) in costs.iter().enumerate() {
            let kind = match cost.kind {
                RequestCostType::InputToken => RouteCostKind::Input,
                RequestCostType::CachedInputToken => RouteCostKind::CachedInput,
                RequestCostType::CacheCreationInputToken => RouteCostKind::CacheCreationInput,
                RequestCostType::OutputToken => RouteCostKind::Output,
                RequestCostType::TotalToken => RouteCostKind::Total,
                RequestCostType::ReasoningToken => RouteCostKind::Reasoning,
                RequestCostType::Cel => {
                    let compiled = match cost.cel.as_deref() {
                        Some(text) => CostExpression::compile(text),
                        None => Err("without an expression in cel".to_owned()),
                    };
                    match compiled {
                        Ok(expression) => RouteCostKind::Cel(Arc::new(expression)),
                        Err(why) => {
                            let place = format!("spec.llmRequestCosts[{index}].cel");
                            let message = format!("Invalid value, this cost is not counted: {why}");
                            self.report.problem(self.document.location_at(&place), message);
                            continue;
                        }
                    }
                }
            };
            counted.push(RouteCost { key: cost.metadata_key.as_str().into(), kind });
        }
        counted.into()
    }

    /// The Gateways of these files that a route names; one that is not there limits nothing.
    fn parents(&mut self, references: &[ParentRef]) -> Vec<Parent> {
        let mut parents = Vec::new();
        for (index, reference) in references.iter().enumerate() {
            let namespace = reference.namespace.as_deref().unwrap_or(&self.document.namespace);
            if self.set.find(Kind::Gateway, namespace, &reference.name).is_some() {
                parents.push(Parent {
                    namespace: namespace.to_owned(),
                    name: reference.name.to_string(),
                    listener: reference.section_name.as_ref().map(|name| name.to_string()),
                    port: reference.port,
                });
            } else if self.set.of(Kind::Gateway).next().is_some() {
                let gateways = self.set.of(Kind::Gateway).filter(|gateway| gateway.namespace == namespace);
                let meant = did_you_mean(&reference.name, gateways.map(|gateway| gateway.name.as_str()));
                let id = format!("{namespace}/{}", &*reference.name);
                let message = format!("no Gateway {id} in these files: it limits nothing{meant}");
                self.report.problem(self.document.location_at(&format!("spec.parentRefs[{index}]")), message);
            }
        }
        parents
    }

    fn rule(&mut self, rule: &RouteRule, index: usize) -> Rule {
        let name = rule.name.as_deref();
        let references = rule.backend_refs.iter().enumerate();
        let backends = references.filter_map(|(at, reference)| {
            self.backend_ref(name, reference, &format!("spec.rules[{index}].backendRefs[{at}]"))
        });
        let backends = backends.collect();
        let Self { document, policies, .. } = self;
        Rule {
            name: name.map(str::to_owned),
            matches: rule.matches.iter().map(condition).collect(),
            backends,
            request_timeout: limit(rule.timeouts.as_ref().and_then(|timeouts| timeouts.request.as_ref())),
            call_timeout: limit(rule.timeouts.as_ref().and_then(|timeouts| timeouts.backend_request.as_ref())),
            stream_idle_timeout: limit(rule.stream_idle_timeout.as_ref()),
            traffic: policies.traffic.of_rule(document, name),
            client_fields: policies.requests.of_rule(&document.namespace, &document.name, name),
            models_owned_by: rule.models_owned_by.clone(),
            models_created_at: rule.models_created_at.as_deref().and_then(seconds_since_epoch),
        }
    }

    /// One reference to a backend; `None`, and a notice, where these files have no such backend.
    fn backend_ref(&mut self, rule: Option<&str>, reference: &RouteBackendRef, path: &str) -> Option<BackendRef> {
        let Self { set, document, backends, policies, .. } = *self;
        if reference.kind.as_deref() == Some("InferencePool") {
            self.report.problem(document.location_at(path), "not served: an InferencePool is no Bedrock");
            return None;
        }
        let name = &*reference.name;
        let namespace = reference.namespace.as_deref().unwrap_or(&document.namespace);
        let position = set.position(Kind::ServiceBackend, namespace, name);
        if position.is_none() {
            let meant = backend_meant(backends, namespace, name);
            let message =
                format!("no AIServiceBackend {namespace}/{name} in these files: no request is sent there{meant}");
            self.report.problem(document.location_at(path), message);
        }
        let own = mutation(document, document.node(path), path, self.report);
        let backend = position.and_then(|at| backends.get(at))?;
        let model_name_override = reference.model_name_override.clone();
        Some(BackendRef {
            backend: position?,
            model_name_override: model_name_override.filter(|name| !name.is_empty()),
            weight: reference.weight.unwrap_or(1),
            priority: reference.priority.unwrap_or(0),
            reasoning: policies.reasoning.of_rule(&document.namespace, &document.name, rule, backend),
            mutation: Arc::new(own.over(&backend.mutation)),
        })
    }
}

/// A limit of time; nought means none, as in the Gateway API.
fn limit(text: Option<&DurationText>) -> Option<Duration> {
    text.and_then(|text| duration(text)).filter(|limit| !limit.is_zero())
}

fn condition(condition: &RouteMatch) -> Match {
    Match { headers: condition.headers.iter().filter_map(header_match).collect() }
}

fn header_match(header: &RouteHeaderMatch) -> Option<HeaderMatch> {
    let value = match header.kind {
        Some(HeaderMatchType::RegularExpression) => HeaderValueMatch::Regex(whole_match(&header.value)?),
        Some(HeaderMatchType::Exact) | None => HeaderValueMatch::Exact(header.value.to_string()),
    };
    Some(HeaderMatch { name: header.name.to_ascii_lowercase(), value })
}

/// A suggestion for a reference that dangles: the same name in another namespace, or a name that is nearly the same.
fn backend_meant(backends: &[Backend], namespace: &str, name: &str) -> String {
    if let Some(elsewhere) = backends.iter().find(|backend| backend.name == name) {
        return format!("; there is {}/{name}: name its namespace", elsewhere.namespace);
    }
    let here = backends.iter().filter(|backend| backend.namespace == namespace);
    did_you_mean(name, here.map(|backend| backend.name.as_str()))
}
