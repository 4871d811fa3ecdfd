//! Envoy Gateway's `SecurityPolicy`: which API keys clients need at a listener or for a route.
//!
//! A policy that cannot be enforced must not leave its targets open. What is not supported is refused when the files
//! are read,
//! and a policy whose keys are missing accepts nobody.

use crate::config::build::secrets;
use crate::config::check::checker::{Check, join, short};
use crate::config::check::traffic_rules::{gateway_target, route_target, targets};
use crate::config::resource::{Document, Kind, Set, location};
use crate::config::text::mistake::{Location, Report};
use crate::config::text::yaml::Node;
use crate::key_ring::{KeyDigest, KeyRing, file};
use http::HeaderName;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::Arc;

/// Blocks that decide who may come in, and that nothing here enforces.
const UNSUPPORTED: [&str; 6] = ["jwt", "oidc", "basicAuth", "extAuth", "authorization", "csrf"];

/// Rules that a shape cannot say.
pub(in crate::config) fn check(check: &mut Check<'_>, root: &Node) {
    let Some(spec) = root.get("spec") else { return };
    for block in UNSUPPORTED {
        if let Some(node) = spec.get(block) {
            let message =
                format!("Unsupported value: {block} is not enforced by this gateway, so its targets would be open");
            check.refuse(node, &join("spec", block), message);
        }
    }
    let targets = [spec.get("targetRef"), spec.get("targetRefs")].into_iter().flatten().count();
    match spec.get("targetSelectors") {
        Some(node) => {
            let message = "Unsupported value: targetSelectors are not read; name the targets in targetRefs";
            check.refuse(node, "spec.targetSelectors", message.to_owned());
        }
        None if targets != 1 => check.break_rule(spec, "spec", "either targetRef or targetRefs must be used"),
        None => {}
    }
    for (index, source) in spec.items_at("apiKeyAuth.extractFrom").iter().enumerate() {
        for (at, header) in source.items_at("headers").iter().enumerate() {
            if HeaderName::from_bytes(header.text().unwrap_or_default().as_bytes()).is_err() {
                let path = format!("spec.apiKeyAuth.extractFrom[{index}].headers[{at}]");
                let message = format!("Invalid value: {:?}: must be the name of a header", short(header.shown()));
                check.refuse(header, &path, message);
            }
        }
    }
}

/// The target of a policy: a route, a listener of a Gateway, or (`section: None`) all of its listeners.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Target {
    kind: Kind,
    namespace: String,
    name: String,
    section: Option<String>,
}

/// The rings of keys, by the targets of their policies.
#[derive(Default)]
pub(in crate::config) struct SecurityPolicies {
    rings: HashMap<Target, Arc<KeyRing>>,
}

impl SecurityPolicies {
    /// Reads the policies in the order of the files: if two have one target, the first applies, and the other is told.
    pub(in crate::config) fn read(set: Set<'_>, report: &mut Report) -> Self {
        let mut rings = HashMap::new();
        for document in set.of(Kind::ClientSecurityPolicy) {
            let Some(auth) = document.root.at("spec.apiKeyAuth") else {
                let message = "not used: of a SecurityPolicy only apiKeyAuth is read";
                report.problem(location(document, &document.root, "spec"), message);
                continue;
            };
            let ring = Arc::new(ring(set, document, auth, report));
            for (node, path) in targets(&document.root) {
                let Some(target) = target(set, document, node, &path, report) else { continue };
                match rings.entry(target) {
                    Slot::Occupied(_) => {
                        let message = "conflict: this target has a SecurityPolicy already, which applies";
                        report.problem(location(document, node, &path), message);
                    }
                    Slot::Vacant(slot) => {
                        slot.insert(Arc::clone(&ring));
                    }
                }
            }
        }
        Self { rings }
    }

    /// The keys of a route.
    pub(in crate::config) fn of_route(&self, namespace: &str, name: &str) -> Option<Arc<KeyRing>> {
        self.at(Kind::GatewayRoute, namespace, name, None)
    }

    /// The keys of a listener: its own, else its Gateway's.
    pub(in crate::config) fn of_listener(&self, namespace: &str, gateway: &str, name: &str) -> Option<Arc<KeyRing>> {
        let own = self.at(Kind::Gateway, namespace, gateway, Some(name));
        own.or_else(|| self.at(Kind::Gateway, namespace, gateway, None))
    }

    fn at(&self, kind: Kind, namespace: &str, name: &str, section: Option<&str>) -> Option<Arc<KeyRing>> {
        let section = section.map(str::to_owned);
        let target = Target { kind, namespace: namespace.to_owned(), name: name.to_owned(), section };
        self.rings.get(&target).map(Arc::clone)
    }
}

/// The target that a reference names; `None`, and a notice, where there is none. An `HTTPRoute` stands for the
/// `AIGatewayRoute` of its name.
fn target(set: Set<'_>, document: &Document<'_>, node: &Node, path: &str, report: &mut Report) -> Option<Target> {
    let at = location(document, node, path);
    let kind = match (route_target(node), gateway_target(node)) {
        (true, _) => Kind::GatewayRoute,
        (_, true) => Kind::Gateway,
        _ => {
            let kind = short(node.text_at("kind").unwrap_or_default()).to_owned();
            report.problem(at, format!("not used: policies for {kind} are not known here"));
            return None;
        }
    };
    let (name, section) = (node.text_at("name")?.to_owned(), node.text_at("sectionName").map(str::to_owned));
    let sections = if kind == Kind::Gateway { "spec.listeners" } else { "spec.rules" };
    let found = set.find(kind, &document.namespace, &name);
    let has_section = |wanted: &String| {
        let sections = found.map(|found| found.root.items_at(sections)).unwrap_or_default();
        sections.iter().any(|section| section.text_at("name") == Some(wanted))
    };
    if found.is_none() || section.as_ref().is_some_and(|wanted| !has_section(wanted)) {
        let what = if kind == Kind::Gateway { "Gateway" } else { "AIGatewayRoute" };
        let part = section.map(|section| format!(" with {}", short(&section))).unwrap_or_default();
        let message = format!(
            "{what} {}/{}{part} is not in these files: the policy does nothing there",
            document.namespace,
            short(&name)
        );
        report.problem(at, message);
        return None;
    }
    // Keys are asked for by route: the policy of one rule covers its whole route, which is the safe side.
    let section = section.filter(|_| kind == Kind::Gateway);
    Some(Target { kind, namespace: document.namespace.clone(), name, section })
}

/// The keys of a policy; what cannot be used is told and left out, so that it opens nothing.
fn ring(set: Set<'_>, document: &Document<'_>, auth: &Node, report: &mut Report) -> KeyRing {
    let mut ring = KeyRing::in_headers(headers(document, auth, report));
    for (index, reference) in auth.items_at("credentialRefs").iter().enumerate() {
        let path = format!("spec.apiKeyAuth.credentialRefs[{index}]");
        let at = location(document, reference, &path);
        let namespace = reference.text_at("namespace").unwrap_or(&document.namespace);
        let name = reference.text_at("name").unwrap_or_default();
        match secrets::keys_of(set, namespace, name) {
            Ok(clients) => {
                for client in clients {
                    if let Err(why) = add(set, &mut ring, namespace, name, &client) {
                        report.problem(at, format!("the key of {} is not accepted: {why}", short(&client)));
                    }
                }
            }
            Err(why) => report.problem(at, format!("no keys from here: {why}")),
        }
    }
    if ring.is_empty() {
        let at = location(document, auth, "spec.apiKeyAuth");
        report.problem(at, "no key is accepted: every request at its targets will be refused with 401");
    }
    if let Some(node) = auth.get("forwardClientIDHeader") {
        let at = location(document, node, "spec.apiKeyAuth.forwardClientIDHeader");
        report.notice(at, "not used: backends are not told who asks");
    }
    ring
}

fn add(set: Set<'_>, ring: &mut KeyRing, namespace: &str, name: &str, client: &str) -> Result<(), String> {
    file::check_name(client)?;
    let key = secrets::secret(set, namespace, name, client)?;
    let key = key.expose().trim();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it is empty, or holds a character that a header cannot carry".to_owned());
    }
    if ring.insert(client, KeyDigest::of(key.as_bytes())) {
        Ok(())
    } else {
        Err("another client has the same key, which comes first".to_owned())
    }
}

/// The headers in which the key is looked for.
fn headers(document: &Document<'_>, auth: &Node, report: &mut Report) -> Vec<HeaderName> {
    let mut names = Vec::new();
    for (index, source) in auth.items_at("extractFrom").iter().enumerate() {
        let headers = source.items_at("headers").iter().filter_map(Node::text);
        names.extend(headers.filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()));
        for field in ["params", "cookies"] {
            if let Some(node) = source.get(field) {
                let path = format!("spec.apiKeyAuth.extractFrom[{index}].{field}");
                let at = Location { file: document.file, position: node.position, path: &path };
                report.problem(at, "not used: keys are read from headers only");
            }
        }
    }
    names
}
