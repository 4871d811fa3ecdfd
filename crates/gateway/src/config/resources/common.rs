//! Parts that several kinds of resource have.

use crate::config::resources::order::in_order;
use crate::config::resources::text::{
    Filled, Group, HeaderNameText, HeaderValueText, KindName, Namespace, ObjectName, ResourceName,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The name of a resource and what else is known of it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct Metadata {
    /// Its name, unique among the resources of its kind in its namespace.
    pub(in crate::config) name: ResourceName,
    /// Its namespace; `default` without one.
    pub(in crate::config) namespace: Option<Namespace>,
    /// Words for tools; those of `aquifer.dev` are read.
    #[serde(default)]
    pub(in crate::config) annotations: BTreeMap<String, String>,
    /// Words for selectors; not read.
    #[serde(default)]
    pub(in crate::config) labels: BTreeMap<String, String>,
}

/// A reference to a `Secret`, or to another resource that takes its place.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct SecretRef {
    /// The API group.
    pub(in crate::config) group: Option<Group>,
    /// The kind.
    pub(in crate::config) kind: Option<KindName>,
    /// The name.
    pub(in crate::config) name: ObjectName,
    /// The namespace; without one that of the resource that refers.
    pub(in crate::config) namespace: Option<Namespace>,
}

/// A reference to a resource in the namespace of the policy that refers.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct LocalRef {
    /// The API group.
    pub(in crate::config) group: Group,
    /// The kind.
    pub(in crate::config) kind: KindName,
    /// The name.
    pub(in crate::config) name: ObjectName,
}

/// The target of a policy: a resource in its namespace, or one part of it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct PolicyTarget {
    /// The API group.
    pub(in crate::config) group: Group,
    /// The kind.
    pub(in crate::config) kind: KindName,
    /// The name.
    pub(in crate::config) name: ObjectName,
    /// The one rule of a route, or the one listener of a Gateway.
    pub(in crate::config) section_name: Option<ResourceName>,
}

/// Changes of the headers of calls to a backend.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct HeaderMutation {
    /// Headers that are set.
    #[serde(default)]
    #[schemars(
        length(max = 16),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub(in crate::config) set: Vec<HeaderToSet>,
    /// Names of headers that are removed.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub(in crate::config) remove: Vec<String>,
}

/// One header that is set.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct HeaderToSet {
    /// Its name.
    pub(in crate::config) name: HeaderNameText,
    /// Its value.
    pub(in crate::config) value: HeaderValueText,
}

/// Changes of the JSON bodies of calls to a backend.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct BodyMutation {
    /// Members that are set.
    #[serde(default)]
    #[schemars(
        length(max = 16),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["path"])
    )]
    pub(in crate::config) set: Vec<MemberToSet>,
    /// Names of members that are removed.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub(in crate::config) remove: Vec<String>,
}

/// One member of a body that is set.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct MemberToSet {
    /// Its name at the top of the body.
    pub(in crate::config) path: Filled,
    /// Its value, as JSON text.
    pub(in crate::config) value: String,
}
