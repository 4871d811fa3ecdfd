//! The rules about a `BackendTrafficPolicy` that a schema cannot say.

use crate::config::check::checker::{Check, join, short};
use crate::config::check::forms::{Form, duration};
use crate::config::text::yaml::Node;
use crate::config::traffic::OnClientGone;

/// The annotations that say what Envoy Gateway has no words for.
pub(in crate::config) const ANNOTATION: &str = "aquifer.dev/";
/// From a call to the first byte of its answer.
pub(in crate::config) const FIRST_BYTE: &str = "aquifer.dev/first-byte-timeout";
/// After this time without a word of the answer another backend is asked too.
pub(in crate::config) const HEDGE: &str = "aquifer.dev/hedge-after";

/// After this time without a word of a stream its head is sent, and no other backend is asked any more.
pub(in crate::config) const EARLY: &str = "aquifer.dev/early-head";

/// What becomes of a call whose client leaves: `close` or `drain`.
pub(in crate::config) const ON_CLIENT_GONE: &str = "aquifer.dev/on-client-gone";

/// Those that speak of gRPC's statuses.
const OF_GRPC: [&str; 5] = ["cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"];

/// The targets of a policy of Envoy Gateway's, each with its path: it names one in `targetRef` or several in
/// `targetRefs`.
pub(in crate::config) fn targets(root: &Node) -> impl Iterator<Item = (&Node, String)> {
    let single = root.at("spec.targetRef").map(|node| (node, "spec.targetRef".to_owned()));
    let several = root.items_at("spec.targetRefs").iter().enumerate();
    single.into_iter().chain(several.map(|(at, node)| (node, format!("spec.targetRefs[{at}]"))))
}

/// Whether a reference names an `AIGatewayRoute`, by itself or by the `HTTPRoute` that stands for it.
pub(in crate::config) fn route_target(target: &Node) -> bool {
    matches!(
        (target.text_at("group"), target.text_at("kind")),
        (Some("gateway.networking.k8s.io"), Some("HTTPRoute"))
            | (Some("aigateway.envoyproxy.io"), Some("AIGatewayRoute"))
    )
}

/// Whether a reference names a `Gateway`.
pub(in crate::config) fn gateway_target(target: &Node) -> bool {
    target.text_at("group") == Some("gateway.networking.k8s.io") && target.text_at("kind") == Some("Gateway")
}

/// Rules of a `BackendTrafficPolicy`.
pub(in crate::config) fn traffic_policy(check: &mut Check<'_>, root: &Node) {
    annotations(check, root, &[FIRST_BYTE, HEDGE, EARLY]);
    let Some(spec) = root.get("spec") else { return };
    let (single, several) = (spec.get("targetRef"), spec.get("targetRefs"));
    if single.is_some() == several.is_some() && spec.get("targetSelectors").is_none() {
        check.break_rule(spec, "spec", "either targetRef or targetRefs must be used");
    }
    for target in single.into_iter().chain(several.map(Node::items).unwrap_or_default()) {
        known_target(check, target);
    }
    back_off(check, spec);
    triggers(check, spec);
}

fn known_target(check: &mut Check<'_>, target: &Node) {
    let gateway_api = target.text_at("group") == Some("gateway.networking.k8s.io");
    let kind = target.text_at("kind").unwrap_or_default();
    let kinds = ["Gateway", "HTTPRoute", "GRPCRoute", "UDPRoute", "TCPRoute", "TLSRoute"];
    let known = route_target(target) || gateway_api && kinds.contains(&kind);
    if !known {
        let message = "this policy can only have a target of gateway.networking.k8s.io \
                       (Gateway/HTTPRoute/GRPCRoute/TCPRoute/UDPRoute/TLSRoute) or an AIGatewayRoute";
        check.break_rule(target, "spec.targetRefs", message);
    }
}

fn back_off(check: &mut Check<'_>, spec: &Node) {
    let Some(back_off) = spec.at("retry.perRetry.backOff") else { return };
    let time = |name: &str| back_off.text_at(name).and_then(duration);
    let path = "spec.retry.perRetry.backOff";
    match (time("baseInterval"), time("maxInterval")) {
        (Some(base), _) if base.is_zero() => {
            check.break_rule(back_off, path, "baseInterval must be longer than nought");
        }
        (Some(base), Some(most)) if most < base => {
            check.break_rule(back_off, path, "maxInterval must not be shorter than baseInterval");
        }
        _ => {}
    }
}

/// A policy may hold what cannot happen here: that is said.
fn triggers(check: &mut Check<'_>, spec: &Node) {
    let Some(retry_on) = spec.at("retry.retryOn") else { return };
    let named: Vec<&str> = retry_on.items_at("triggers").iter().filter_map(Node::text).collect();
    let path = "spec.retry.retryOn.triggers";
    let mut notice = |node: &Node, path: &str, message: String| {
        let location = crate::config::text::mistake::Location { file: check.file, position: node.position, path };
        check.report.notice(location, message);
    };
    for (index, node) in retry_on.items_at("triggers").iter().enumerate() {
        if let Some(word) = node.text().filter(|word| OF_GRPC.contains(word)) {
            notice(node, &format!("{path}[{index}]"), format!("{word} speaks of gRPC, which is not spoken here"));
        }
    }
    if let Some(codes) = retry_on.get("httpStatusCodes")
        && !named.is_empty()
        && !named.contains(&"retriable-status-codes")
    {
        let message = "without effect: triggers does not name retriable-status-codes".to_owned();
        notice(codes, "spec.retry.retryOn.httpStatusCodes", message);
    }
}

/// The annotation of what becomes of a call whose client leaves is one of its words.
fn on_client_gone(check: &mut Check<'_>, annotations: &Node) {
    let Some(node) = annotations.get(ON_CLIENT_GONE) else { return };
    if node.text().and_then(OnClientGone::read).is_none() {
        let words = OnClientGone::WORDS.join(" or ");
        let message = format!("Invalid value: {:?}: must be {words}", short(node.shown()));
        check.refuse(node, &join("metadata.annotations", ON_CLIENT_GONE), message);
    }
}

/// Annotations of these names are times; that of clients which leave is a word.
pub(in crate::config) fn annotations(check: &mut Check<'_>, root: &Node, times: &[&str]) {
    let Some(annotations) = root.at("metadata.annotations") else { return };
    on_client_gone(check, annotations);
    for name in times {
        let Some(node) = annotations.get(name) else { continue };
        let sound = node.text().is_some_and(|text| Form::Duration.fits(text) && duration(text).is_some());
        if !sound {
            let message = format!("Invalid value: {:?}: must be a duration such as 5s", short(node.shown()));
            check.refuse(node, &join("metadata.annotations", name), message);
        }
    }
}
