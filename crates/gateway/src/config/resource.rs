//! Resources whose shape and rules hold, and how they are found by their references.

use crate::config::text::mistake::Spot;
use crate::config::text::yaml::Node;

/// The `ConfigMap` that holds the settings.
pub(super) const SETTINGS: &str = "ai-gateway-config";

/// What the files may ask the host for.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
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
}

impl Document<'_> {
    /// `namespace/name`.
    pub(super) fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// All resources of the files, to follow references in.
#[derive(Clone, Copy)]
pub(super) struct Set<'a> {
    pub(super) documents: &'a [Document<'a>],
    pub(super) world: World<'a>,
}

impl<'a> Set<'a> {
    pub(super) fn of(self, kind: Kind) -> impl Iterator<Item = &'a Document<'a>> {
        self.documents.iter().filter(move |document| document.kind == kind)
    }

    pub(super) fn find(self, kind: Kind, namespace: &str, name: &str) -> Option<&'a Document<'a>> {
        self.of(kind).find(|document| document.namespace == namespace && document.name == name)
    }
}

/// Where in a document.
pub(super) fn spot<'d>(document: &Document<'d>, node: &Node, path: &'d str) -> Spot<'d> {
    Spot { file: document.file, place: node.place, path }
}
