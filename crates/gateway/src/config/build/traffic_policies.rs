//! Retries, outlier detection and limits of each rule's calls, from Envoy Gateway's `BackendTrafficPolicy` resources.

use crate::config::check::checker::{join, short};
use crate::config::check::forms::duration;
use crate::config::check::traffic_rules::{
    ANNOTATION, EARLY, FIRST_BYTE, HEDGE, ON_CLIENT_GONE, gateway_target, route_target, targets,
};
use crate::config::resource::{Document, Kind, Resource, Set, location};
use crate::config::resources::backend_traffic_policy::{
    BackOff, BackendTrafficPolicySpec, PassiveHealthCheck, RetryPolicy, RetryTrigger,
};
use crate::config::resources::text::DurationText;
use crate::config::text::mistake::{Location, Report};
use crate::config::text::yaml::Node;
use crate::config::traffic::{Circuit, OnClientGone, Outliers, Retry, Traffic};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// The target of a policy: kind, namespace, name, and the name of a rule.
type Target = (Kind, String, String, Option<String>);

/// The policies, by their targets.
pub(in crate::config) struct TrafficPolicies<'a> {
    found: HashMap<Target, &'a Document<'a>>,
    /// The first policy of a Gateway.
    of_any_gateway: Option<&'a Document<'a>>,
}

/// The fields of a policy that are used, by the path of their mapping; others are named in a notice.
const USED: [(&str, &[&str]); 10] = [
    ("spec", &["targetRef", "targetRefs", "mergeType", "retry", "circuitBreaker", "healthCheck", "timeout"]),
    ("spec.retry", &["numRetries", "numAttemptsPerPriority", "retryOn", "perRetry"]),
    ("spec.retry.retryOn", &["httpStatusCodes", "triggers"]),
    ("spec.retry.perRetry", &["timeout", "backOff"]),
    ("spec.circuitBreaker", &["maxParallelRequests", "maxPendingRequests"]),
    ("spec.healthCheck", &["passive", "panicThreshold"]),
    (
        "spec.healthCheck.passive",
        &[
            "consecutive5XxErrors",
            "consecutiveGatewayErrors",
            "baseEjectionTime",
            "interval",
            "maxEjectionPercent",
            "maxEjectionTime",
        ],
    ),
    ("spec.timeout", &["http", "tcp"]),
    ("spec.timeout.tcp", &["connectTimeout"]),
    ("spec.timeout.http", &["requestTimeout"]),
];

impl<'a> TrafficPolicies<'a> {
    /// Reads the policies in the order of the files: of two at one target the first holds, and the other is told.
    pub(in crate::config) fn read(set: Set<'a>, report: &mut Report) -> Self {
        let mut found: HashMap<Target, &'a Document<'a>> = HashMap::new();
        for document in set.of(Kind::TrafficPolicy) {
            unused(document, report);
            for (node, path) in targets(&document.root) {
                let Some(target) = target(set, document, node, &path, report) else { continue };
                match found.get(&target) {
                    Some(first) if first.id() != document.id() => {
                        let message = format!(
                            "conflict: {} has the BackendTrafficPolicy {} already, which holds",
                            described(&target),
                            first.id()
                        );
                        report.notice(location(document, node, &path), message);
                    }
                    _ => {
                        found.insert(target, document);
                    }
                }
            }
        }
        let of_gateways = found.iter().filter(|(target, _)| target.0 == Kind::Gateway);
        let of_gateways: HashSet<String> = of_gateways.map(|(_, policy)| policy.id()).collect();
        let of_any_gateway = set.of(Kind::TrafficPolicy).find(|policy| of_gateways.contains(&policy.id()));
        Self { found, of_any_gateway }
    }

    /// The traffic policy of calls that no rule sends: that of the first Gateway that has one.
    pub(in crate::config) fn of_short_form(&self) -> Arc<Traffic> {
        Arc::new(self.of_any_gateway().map(|policy| traffic(&[policy])).unwrap_or_default())
    }

    /// The traffic policy of a rule: annotations of its route, else policies. The nearest policy applies alone: the
    /// rule's, the route's, its Gateway's;
    /// one with a `mergeType` leaves to the Gateway's what it does not say itself.
    pub(in crate::config) fn of_rule(&self, route: &Document<'_>, rule: Option<&str>) -> Arc<Traffic> {
        let at = |section: Option<&str>| {
            self.at((Kind::GatewayRoute, route.namespace.clone(), route.name.clone(), section.map(str::to_owned)))
        };
        let own = rule.and_then(|rule| at(Some(rule))).or_else(|| at(None));
        let gateway = self.of_parents(route);
        let of_policies = match (own, gateway) {
            (Some(own), Some(gateway)) if own.root.at("spec.mergeType").is_some() => traffic(&[own, gateway]),
            (Some(own), _) => traffic(&[own]),
            (None, Some(gateway)) => traffic(&[gateway]),
            (None, None) => Traffic::default(),
        };
        let hedge = annotated(route, HEDGE);
        let hedge = hedge.map_or(of_policies.hedge, |time| Some(time).filter(|time| !time.is_zero()));
        let early_head = annotated(route, EARLY).or(of_policies.early_head);
        let on_client_gone = when_client_gone(route).or(of_policies.on_client_gone);
        Arc::new(Traffic { hedge, early_head, on_client_gone, ..of_policies })
    }

    fn at(&self, target: Target) -> Option<&'a Document<'a>> {
        self.found.get(&target).copied()
    }

    /// The policy of a route's Gateway; a route without one belongs to all.
    fn of_parents(&self, route: &Document<'_>) -> Option<&'a Document<'a>> {
        let parents = route.root.items_at("spec.parentRefs");
        if parents.is_empty() {
            return self.of_any_gateway();
        }
        parents.iter().find_map(|parent| {
            let namespace = parent.text_at("namespace").unwrap_or(&route.namespace);
            self.at((Kind::Gateway, namespace.to_owned(), parent.text_at("name")?.to_owned(), None))
        })
    }

    fn of_any_gateway(&self) -> Option<&'a Document<'a>> {
        self.of_any_gateway
    }
}

fn described((kind, namespace, name, section): &Target) -> String {
    let kind = if *kind == Kind::GatewayRoute { "AIGatewayRoute" } else { "Gateway" };
    let of_rule = section.as_ref().map(|section| format!("the rule {section} of "));
    format!("{}{kind} {namespace}/{name}", of_rule.unwrap_or_default())
}

/// The target that one of the policy's references names; `None`, and a notice, where there is none. An
/// `AIGatewayRoute` stands for the `HTTPRoute`
/// of its name; where the files have no `Gateway` at all, every name of one is good.
fn target(set: Set<'_>, document: &Document<'_>, node: &Node, path: &str, report: &mut Report) -> Option<Target> {
    let at = location(document, node, path);
    let (kind, section) =
        (if route_target(node) { Kind::GatewayRoute } else { Kind::Gateway }, node.text_at("sectionName"));
    if kind == Kind::Gateway && (!gateway_target(node) || section.is_some()) {
        let what =
            if section.is_some() { "one listener of a Gateway" } else { node.text_at("kind").unwrap_or_default() };
        report.problem(at, format!("not used: policies for {} are not known here", short(what)));
        return None;
    }
    let target = (kind, document.namespace.clone(), node.text_at("name")?.to_owned(), section.map(str::to_owned));
    let is_there = set.find(kind, &target.1, &target.2).is_some_and(|found| {
        section
            .is_none_or(|name| found.root.items_at("spec.rules").iter().any(|rule| rule.text_at("name") == Some(name)))
    });
    if is_there || kind == Kind::Gateway && set.of(Kind::Gateway).next().is_none() {
        return Some(target);
    }
    let shown = |field: &str| node.get(field).map(|node| short(node.shown()).to_owned());
    let missing = (kind, document.namespace.clone(), shown("name").unwrap_or_default(), shown("sectionName"));
    report.problem(at, format!("{} is not in these files: the policy does nothing there", described(&missing)));
    None
}

/// Names what a policy says and nobody here reads.
fn unused(document: &Document<'_>, report: &mut Report) {
    for (path, used) in USED {
        for entry in document.root.entries_at(path).iter().filter(|entry| !used.contains(&entry.key.as_str())) {
            let path = join(path, &entry.key);
            let location = Location { file: document.file, position: entry.position, path: &path };
            report.problem(location, "not used: this gateway has nothing like it");
        }
    }
    unknown_annotations(document, &[FIRST_BYTE, HEDGE, EARLY, ON_CLIENT_GONE], report);
}

/// Names annotations of ours that say nothing there: a mistyped one would be missed.
pub(in crate::config) fn unknown_annotations(document: &Document<'_>, known: &[&str], report: &mut Report) {
    for entry in document.root.entries_at("metadata.annotations") {
        if entry.key.starts_with(ANNOTATION) && !known.contains(&entry.key.as_str()) {
            let path = join("metadata.annotations", &entry.key);
            let location = Location { file: document.file, position: entry.position, path: &path };
            report.problem(location, format!("unknown annotation, ignored; known here: {}", known.join(", ")));
        }
    }
}

/// Policies in layers: of each field the first policy that has it decides.
struct TrafficLayers<'d> {
    documents: &'d [&'d Document<'d>],
    specs: Vec<&'d BackendTrafficPolicySpec>,
}

impl<'d> TrafficLayers<'d> {
    fn of(documents: &'d [&'d Document<'d>]) -> Self {
        let specs = documents.iter().filter_map(|document| {
            let Resource::BackendTrafficPolicy(policy) = &document.resource else { return None };
            Some(&policy.spec)
        });
        Self { documents, specs: specs.collect() }
    }

    fn first<T>(&self, field: impl Fn(&'d BackendTrafficPolicySpec) -> Option<T>) -> Option<T> {
        self.specs.iter().find_map(|spec| field(spec))
    }

    fn retry<T>(&self, field: impl Fn(&'d RetryPolicy) -> Option<T>) -> Option<T> {
        self.first(|spec| field(spec.retry.as_ref()?))
    }

    fn back_off(&self, field: impl Fn(&'d BackOff) -> Option<&'d DurationText>) -> Option<Duration> {
        limit(self.retry(|retry| field(retry.per_retry.as_ref()?.back_off.as_ref()?)))
    }

    fn passive<T>(&self, field: impl Fn(&'d PassiveHealthCheck) -> Option<T>) -> Option<T> {
        self.first(|spec| field(spec.health_check.as_ref()?.passive.as_ref()?))
    }

    /// The time that the first policy with this annotation says.
    fn annotated(&self, key: &str) -> Option<Duration> {
        self.documents.iter().find_map(|document| annotated(document, key))
    }
}

/// A limit of time: nought means none.
fn limit(text: Option<&DurationText>) -> Option<Duration> {
    text.and_then(|text| duration(text)).filter(|time| !time.is_zero())
}

/// The time that an annotation says.
fn annotated(document: &Document<'_>, key: &str) -> Option<Duration> {
    document.root.at("metadata.annotations")?.get(key).and_then(Node::text).and_then(duration)
}

/// What an annotation says of calls whose client leaves.
fn when_client_gone(document: &Document<'_>) -> Option<OnClientGone> {
    document.root.at("metadata.annotations")?.get(ON_CLIENT_GONE).and_then(Node::text).and_then(OnClientGone::read)
}

fn traffic(policies: &[&Document<'_>]) -> Traffic {
    let layers = TrafficLayers::of(policies);
    let usual = Outliers::default();
    let panic_threshold = layers.first(|spec| spec.health_check.as_ref()?.panic_threshold);
    Traffic {
        retry: layers.retry(Some).map(|_| retry(&layers)).unwrap_or_default(),
        outliers: Outliers {
            panic_threshold: panic_threshold.unwrap_or(usual.panic_threshold),
            ..layers.passive(Some).map_or(usual, |_| outliers(&layers))
        },
        circuit: Circuit {
            parallel: layers.first(|spec| spec.circuit_breaker.as_ref()?.max_parallel_requests),
            pending: layers.first(|spec| spec.circuit_breaker.as_ref()?.max_pending_requests),
        },
        connect: limit(layers.first(|spec| spec.timeout.as_ref()?.tcp.as_ref()?.connect_timeout.as_ref())),
        hedge: layers.annotated(HEDGE).filter(|time| !time.is_zero()),
        early_head: layers.annotated(EARLY),
        first_byte: layers.annotated(FIRST_BYTE),
        on_client_gone: policies.iter().find_map(|policy| when_client_gone(policy)),
        whole: limit(layers.first(|spec| spec.timeout.as_ref()?.http.as_ref()?.request_timeout.as_ref())),
    }
}

/// As Envoy Gateway has it: without a number two retries; the longest pause is ten times the first one.
fn retry(layers: &TrafficLayers<'_>) -> Retry {
    let usual = Retry::default();
    let base = layers.back_off(|back_off| back_off.base_interval.as_ref());
    let most = layers.back_off(|back_off| back_off.max_interval.as_ref());
    let (statuses, unanswered) = retried(layers);
    Retry {
        attempts: Some(layers.retry(|retry| retry.num_retries).unwrap_or(2).saturating_add(1)),
        per_priority: layers.retry(|retry| retry.num_attempts_per_priority).filter(|number| *number > 0),
        base: base.unwrap_or(usual.base),
        most: most.or_else(|| base.map(|base| base.saturating_mul(10))).unwrap_or(usual.most),
        each: limit(layers.retry(|retry| retry.per_retry.as_ref()?.timeout.as_ref())),
        statuses,
        unanswered,
    }
}

/// The statuses that are retried, and whether a call without an answer is. Without `retryOn` those that are worth it; with
/// it, exactly those that it names.
fn retried(layers: &TrafficLayers<'_>) -> (Option<Vec<u16>>, bool) {
    if layers.retry(|retry| retry.retry_on.as_ref()).is_none() {
        return (None, true);
    }
    let triggers = layers.retry(|retry| retry.retry_on.as_ref()?.triggers.as_deref()).unwrap_or_default();
    let mut named = layers.retry(|retry| retry.retry_on.as_ref()?.http_status_codes.clone()).unwrap_or_default();
    if triggers.is_empty() {
        return (Some(if named.is_empty() { vec![503] } else { named }), true);
    }
    if !triggers.contains(&RetryTrigger::RetriableStatusCodes) {
        named.clear();
    }
    for trigger in triggers {
        match trigger {
            RetryTrigger::Status5xx => named.extend(500..=599),
            RetryTrigger::GatewayError => named.extend([502, 503, 504]),
            RetryTrigger::Retriable4xx => named.push(409),
            RetryTrigger::Reset
            | RetryTrigger::ResetBeforeRequest
            | RetryTrigger::ConnectFailure
            | RetryTrigger::RefusedStream
            | RetryTrigger::RetriableStatusCodes
            | RetryTrigger::Cancelled
            | RetryTrigger::DeadlineExceeded
            | RetryTrigger::Internal
            | RetryTrigger::ResourceExhausted
            | RetryTrigger::Unavailable => {}
        }
    }
    named.sort_unstable();
    named.dedup();
    (Some(named), triggers.iter().any(|trigger| UNANSWERED.contains(trigger)))
}

/// The triggers that a call without an answer sets off.
const UNANSWERED: [RetryTrigger; 6] = [
    RetryTrigger::Status5xx,
    RetryTrigger::GatewayError,
    RetryTrigger::Reset,
    RetryTrigger::ResetBeforeRequest,
    RetryTrigger::ConnectFailure,
    RetryTrigger::RefusedStream,
];

/// As Envoy Gateway has it: five answers of 5xx in a row. Its times would keep a backend that is back from being used:
/// 10 seconds are the most unless the policy names more.
fn outliers(layers: &TrafficLayers<'_>) -> Outliers {
    let usual = Outliers::default();
    let failures = layers.passive(|passive| passive.consecutive_5xx_errors).unwrap_or(5);
    let gateway = layers.passive(|passive| passive.consecutive_gateway_errors).unwrap_or(0);
    let base = limit(layers.passive(|passive| passive.base_ejection_time.as_ref()));
    let most = limit(layers.passive(|passive| passive.max_ejection_time.as_ref()));
    let most = most.unwrap_or_else(|| usual.most.max(base.unwrap_or_default()));
    let interval = layers.passive(|passive| passive.interval.as_ref()).and_then(|interval| duration(interval));
    Outliers {
        failures: [failures, gateway].into_iter().filter(|number| *number > 0).min().unwrap_or(0),
        base: base.unwrap_or(usual.base).min(most),
        most,
        interval: interval.unwrap_or(usual.interval),
        max_ejection_percent: layers
            .passive(|passive| passive.max_ejection_percent)
            .unwrap_or(usual.max_ejection_percent),
        ..usual
    }
}
