//! Resources whose shape and rules hold, and how they are found by their references.

use crate::config::resources::backend_security_policy::BackendSecurityPolicy;
use crate::config::resources::backend_traffic_policy::BackendTrafficPolicy;
use crate::config::resources::gateway_route::GatewayRoute;
use crate::config::resources::network::{BackendResource, BackendTlsPolicy, GatewayResource};
use crate::config::resources::reasoning_policy::ReasoningPolicyResource;
use crate::config::resources::request_policy::RequestPolicy;
use crate::config::resources::security_policy::SecurityPolicy;
use crate::config::resources::service_backend::{ServiceBackend, ShortBackend};
use crate::config::text::deserialize::read;
use crate::config::text::mistake::Location;
use crate::config::text::yaml::Node;
use std::collections::HashMap;

/// The `ConfigMap` that holds the settings.
pub(super) const SETTINGS: &str = "ai-gateway-config";

/// Access to the host's environment variables and files, which resources may refer to.
#[derive(Clone, Copy)]
pub(super) struct Loader<'a> {
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    pub(super) read_file: &'a dyn Fn(&str) -> std::io::Result<String>,
}

/// The kinds of resource that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    ServiceBackend,
    GatewayRoute,
    SecurityPolicy,
    ClientSecurityPolicy,
    ReasoningPolicy,
    RequestPolicy,
    Backend,
    TlsPolicy,
    TrafficPolicy,
    Gateway,
    Secret,
    ConfigMap,
}

/// One resource whose shape and rules hold.
pub(super) struct Document<'a> {
    pub(super) file: &'a str,
    pub(super) kind: Kind,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) root: Node,
    pub(super) resource: Resource,
}

/// A resource read into its struct, of the kinds that are built from one.
pub(super) enum Resource {
    GatewayRoute(Box<GatewayRoute>),
    ServiceBackend(Box<ServiceBackend>),
    ShortBackend(Box<ShortBackend>),
    Gateway(Box<GatewayResource>),
    BackendSecurityPolicy(Box<BackendSecurityPolicy>),
    ReasoningPolicy(Box<ReasoningPolicyResource>),
    RequestPolicy(Box<RequestPolicy>),
    Backend(Box<BackendResource>),
    BackendTlsPolicy(Box<BackendTlsPolicy>),
    BackendTrafficPolicy(Box<BackendTrafficPolicy>),
    SecurityPolicy(Box<SecurityPolicy>),
    /// Built from its nodes.
    Nodes,
}

impl Resource {
    /// Reads a resource whose shape and rules hold.
    ///
    /// # Errors
    ///
    /// The part that does not fit its struct, which the check of shapes should have refused.
    pub(super) fn read(kind: Kind, root: &Node) -> Result<Self, String> {
        let read = match kind {
            Kind::GatewayRoute => read(root).map(Self::GatewayRoute),
            Kind::ServiceBackend if root.at("spec.provider").is_some() => read(root).map(Self::ShortBackend),
            Kind::ServiceBackend => read(root).map(Self::ServiceBackend),
            Kind::ReasoningPolicy => read(root).map(Self::ReasoningPolicy),
            Kind::TlsPolicy => read(root).map(Self::BackendTlsPolicy),
            Kind::Gateway => read(root).map(Self::Gateway),
            Kind::RequestPolicy => read(root).map(Self::RequestPolicy),
            Kind::Backend => read(root).map(Self::Backend),
            Kind::SecurityPolicy => read(root).map(Self::BackendSecurityPolicy),
            Kind::ClientSecurityPolicy => read(root).map(Self::SecurityPolicy),
            Kind::TrafficPolicy => read(root).map(Self::BackendTrafficPolicy),
            Kind::Secret | Kind::ConfigMap => Ok(Self::Nodes),
        };
        read.map_err(|error| error.to_string())
    }
}

impl Document<'_> {
    /// `namespace/name`.
    pub(super) fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// The names of its targets of one kind.
    fn targets(&self, group: &'static str, kind: &'static str) -> impl Iterator<Item = &str> {
        let targets = self.root.items_at("spec.targetRefs").iter();
        let of_kind = targets
            .filter(move |target| target.text_at("group") == Some(group) && target.text_at("kind") == Some(kind));
        of_kind.filter_map(|target| target.text_at("name"))
    }

    /// The node at a path such as `spec.rules[0].name`, of names without dots or brackets; the document where there is
    /// none.
    pub(super) fn node(&self, path: &str) -> &Node {
        let found = path.split('.').try_fold(&self.root, |node, part| {
            let mut parts = part.split('[');
            let node = node.get(parts.next()?)?;
            parts.try_fold(node, |node, index| node.items().get(index.strip_suffix(']')?.parse::<usize>().ok()?))
        });
        found.unwrap_or(&self.root)
    }

    /// The place of that node in its file.
    pub(super) fn location_at<'d>(&'d self, path: &'d str) -> Location<'d> {
        location(self, self.node(path), path)
    }
}

/// All resources of the files, to follow references in.
#[derive(Clone, Copy)]
pub(super) struct Set<'a> {
    pub(super) documents: &'a [Document<'a>],
    pub(super) index: &'a DocumentIndex<'a>,
    pub(super) loader: Loader<'a>,
}

/// The resources by their kinds and names: of two of one name the first is found.
#[derive(Default)]
pub(super) struct DocumentIndex<'a> {
    by_kind: HashMap<Kind, Vec<&'a Document<'a>>>,
    by_name: HashMap<(Kind, &'a str, &'a str), usize>,
    /// Policies by their kind and by the namespace and name of their targets, of the one kind of target that such have.
    by_target: HashMap<(Kind, &'a str, &'a str), Vec<&'a Document<'a>>>,
}

/// The group and kind of the targets that policies of a kind are looked for by.
fn target_of(kind: Kind) -> Option<(&'static str, &'static str)> {
    match kind {
        Kind::SecurityPolicy => Some(("aigateway.envoyproxy.io", "AIServiceBackend")),
        Kind::TlsPolicy => Some(("gateway.envoyproxy.io", "Backend")),
        Kind::ServiceBackend
        | Kind::GatewayRoute
        | Kind::ClientSecurityPolicy
        | Kind::ReasoningPolicy
        | Kind::RequestPolicy
        | Kind::Backend
        | Kind::TrafficPolicy
        | Kind::Gateway
        | Kind::Secret
        | Kind::ConfigMap => None,
    }
}

impl<'a> DocumentIndex<'a> {
    pub(super) fn of(documents: &'a [Document<'a>]) -> Self {
        let mut index = Self::default();
        for document in documents {
            let of_kind = index.by_kind.entry(document.kind).or_default();
            let key = (document.kind, document.namespace.as_str(), document.name.as_str());
            index.by_name.entry(key).or_insert(of_kind.len());
            of_kind.push(document);
            let targets = target_of(document.kind).map(|target| document.targets(target.0, target.1));
            for name in targets.into_iter().flatten() {
                let policies = index.by_target.entry((document.kind, &document.namespace, name)).or_default();
                // A policy that names its target twice is one policy.
                if policies.last().is_none_or(|last| !std::ptr::eq(*last, document)) {
                    policies.push(document);
                }
            }
        }
        index
    }
}

impl<'a> Set<'a> {
    /// The resources of a kind, in the order of the files.
    pub(super) fn of(self, kind: Kind) -> impl Iterator<Item = &'a Document<'a>> {
        self.all(kind).iter().copied()
    }

    /// The resource that a reference names.
    pub(super) fn find(self, kind: Kind, namespace: &str, name: &str) -> Option<&'a Document<'a>> {
        self.all(kind).get(self.position(kind, namespace, name)?).copied()
    }

    /// Its position among the resources of its kind.
    pub(super) fn position(self, kind: Kind, namespace: &str, name: &str) -> Option<usize> {
        self.index.by_name.get(&(kind, namespace, name)).copied()
    }

    /// The policies of a kind that name this resource as a target, in the order of the files.
    pub(super) fn policies_of(self, kind: Kind, target: &Document<'_>) -> std::vec::IntoIter<&'a Document<'a>> {
        let policies = self.index.by_target.get(&(kind, target.namespace.as_str(), target.name.as_str()));
        policies.cloned().unwrap_or_default().into_iter()
    }

    fn all(self, kind: Kind) -> &'a [&'a Document<'a>] {
        self.index.by_kind.get(&kind).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The location of a node of a document, for a message.
pub(super) fn location<'d>(document: &Document<'d>, node: &Node, path: &'d str) -> Location<'d> {
    Location { file: document.file, position: node.position, path }
}
