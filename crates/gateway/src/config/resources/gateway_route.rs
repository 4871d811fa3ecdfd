//! `AIGatewayRoute`: the rules by which requests are routed to backends.

use crate::config::resources::common::{BodyMutation, HeaderMutation, Metadata};
use crate::config::resources::order::in_order;
use crate::config::resources::text::{
    DurationText, Filled, Group, HeaderNameText, HeaderValueText, Hostname, KindName, Namespace, ObjectName,
    ResourceName, Time,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The rules by which requests are routed to backends.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct GatewayRoute {
    /// The name of the resource.
    pub(in crate::config) metadata: Metadata,
    /// The route.
    pub(in crate::config) spec: GatewayRouteSpec,
}

/// The rules of an `AIGatewayRoute` and where they hold.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct GatewayRouteSpec {
    /// The Gateways, and their listeners, at which the route is served; without any, all.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub(in crate::config) parent_refs: Vec<ParentRef>,
    /// The hostnames that the route is limited to; without any, all.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub(in crate::config) hostnames: Vec<Hostname>,
    /// The rules; of those that match a request, the most specific one decides.
    #[schemars(length(max = 15))]
    pub(in crate::config) rules: Vec<RouteRule>,
    /// What requests cost, by counts of tokens: told in the log.
    #[serde(default)]
    #[schemars(length(max = 36))]
    pub(in crate::config) llm_request_costs: Option<Vec<RequestCost>>,
}

/// A Gateway at which a route is served.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct ParentRef {
    /// The API group.
    pub(in crate::config) group: Option<Group>,
    /// The kind: `Gateway`.
    pub(in crate::config) kind: Option<KindName>,
    /// The name.
    pub(in crate::config) name: ObjectName,
    /// The namespace; without one that of the route.
    pub(in crate::config) namespace: Option<Namespace>,
    /// The one listener.
    pub(in crate::config) section_name: Option<ResourceName>,
    /// The one port.
    #[schemars(range(min = 1))]
    pub(in crate::config) port: Option<u16>,
}

/// One rule of a route.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct RouteRule {
    /// Its name, unique in the route.
    pub(in crate::config) name: Option<ResourceName>,
    /// The conditions, of which one must hold; without any, every request matches.
    #[serde(default)]
    #[schemars(length(max = 128))]
    pub(in crate::config) matches: Vec<RouteMatch>,
    /// The backends.
    #[serde(default)]
    #[schemars(length(max = 128))]
    pub(in crate::config) backend_refs: Vec<RouteBackendRef>,
    /// The limits of time.
    pub(in crate::config) timeouts: Option<RouteTimeouts>,
    /// The longest silence of a stream.
    pub(in crate::config) stream_idle_timeout: Option<DurationText>,
    /// The owner of the rule's models in the list of models.
    pub(in crate::config) models_owned_by: Option<String>,
    /// The time at which the rule's models were made, in the list of models.
    pub(in crate::config) models_created_at: Option<Time>,
}

/// A condition of a rule: all of its headers must match.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct RouteMatch {
    /// The headers.
    #[serde(default)]
    #[schemars(
        length(max = 16),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub(in crate::config) headers: Vec<RouteHeaderMatch>,
}

/// A condition on one header.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct RouteHeaderMatch {
    /// The comparison of the value; `Exact` without one.
    #[serde(rename = "type")]
    pub(in crate::config) kind: Option<HeaderMatchType>,
    /// The name of the header; `x-ai-eg-model` stands for the model that the body names.
    pub(in crate::config) name: HeaderNameText,
    /// The value, or the regular expression that the whole value must match.
    pub(in crate::config) value: HeaderValueText,
}

/// The comparison of the value of a header.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in crate::config) enum HeaderMatchType {
    Exact,
    RegularExpression,
}

/// A backend of a rule.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct RouteBackendRef {
    /// The name.
    pub(in crate::config) name: Filled,
    /// The namespace; without one that of the route.
    pub(in crate::config) namespace: Option<Namespace>,
    /// The API group of an `InferencePool`; none for an `AIServiceBackend`.
    pub(in crate::config) group: Option<Group>,
    /// `InferencePool`; none for an `AIServiceBackend`.
    pub(in crate::config) kind: Option<KindName>,
    /// The model id to call instead of the one that the client names.
    pub(in crate::config) model_name_override: Option<String>,
    /// Changes of the headers of its calls.
    pub(in crate::config) header_mutation: Option<HeaderMutation>,
    /// Changes of the bodies of its calls.
    pub(in crate::config) body_mutation: Option<BodyMutation>,
    /// Its share of the requests among the backends of one priority; 1 without one.
    #[schemars(range(max = 2_147_483_647))]
    pub(in crate::config) weight: Option<u32>,
    /// Its priority: lower ones are tried first; 0 without one.
    #[schemars(range(max = 2_147_483_647))]
    pub(in crate::config) priority: Option<u32>,
}

/// The limits of time of a rule; nought means no limit.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct RouteTimeouts {
    /// The whole exchange.
    pub(in crate::config) request: Option<DurationText>,
    /// One call to a backend.
    pub(in crate::config) backend_request: Option<DurationText>,
}

/// A cost that rate limits can count; not used yet.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct RequestCost {
    /// The key of the metadata.
    pub(in crate::config) metadata_key: String,
    /// The tokens or the expression that is counted.
    #[serde(rename = "type")]
    pub(in crate::config) kind: RequestCostType,
    /// An expression of Common Expression Language.
    pub(in crate::config) cel: Option<String>,
}

/// The tokens or the expression that a cost counts.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in crate::config) enum RequestCostType {
    OutputToken,
    InputToken,
    CachedInputToken,
    CacheCreationInputToken,
    TotalToken,
    ReasoningToken,
    #[serde(rename = "CEL")]
    Cel,
}
