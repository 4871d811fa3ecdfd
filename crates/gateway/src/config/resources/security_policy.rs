//! Envoy Gateway's `SecurityPolicy`: the API keys that clients need.

use crate::config::resources::common::{Metadata, PolicyTarget, SecretRef};
use crate::config::resources::order::in_order;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The API keys that clients need.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct SecurityPolicy {
    /// The name of the resource.
    pub(in crate::config) metadata: Metadata,
    /// The targets and the keys.
    pub(in crate::config) spec: SecurityPolicySpec,
}

/// The targets of a `SecurityPolicy` and the API keys that clients need there.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct SecurityPolicySpec {
    /// The one target.
    pub(in crate::config) target_ref: Option<PolicyTarget>,
    /// The targets, where there are several.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub(in crate::config) target_refs: Vec<PolicyTarget>,
    /// Targets by their labels: refused, because they are not read.
    #[serde(default)]
    pub(in crate::config) target_selectors: Value,
    /// Not read.
    pub(in crate::config) merge_type: Option<String>,
    /// The API keys.
    pub(in crate::config) api_key_auth: Option<ApiKeyAuth>,
}

/// The API keys of clients, and where in a request they stand.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct ApiKeyAuth {
    /// `Secret`s that have a key for each client, under the client's name.
    #[schemars(length(max = 256))]
    pub(in crate::config) credential_refs: Vec<SecretRef>,
    /// The places in a request.
    #[schemars(length(max = 64))]
    pub(in crate::config) extract_from: Vec<ExtractFrom>,
    /// A header for backends with the client's name; not used.
    #[serde(rename = "forwardClientIDHeader")]
    pub(in crate::config) forward_client_id_header: Option<String>,
    /// Whether the key is taken out of the request; it always is.
    pub(in crate::config) sanitize: Option<bool>,
}

/// Places in a request that can have a key.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct ExtractFrom {
    /// Headers.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(in crate::config) headers: Vec<String>,
    /// Parameters of the query; not read.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(in crate::config) params: Vec<String>,
    /// Cookies; not read.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(in crate::config) cookies: Vec<String>,
}
