//! Kubernetes's own `Secret` and `ConfigMap`.

use crate::config::resources::common::Metadata;
use crate::config::resources::order::in_order;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Values that are not shown: keys, certificates, credentials files.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct SecretResource {
    /// The name of the resource. Its annotations `substitution.aigw.run/env/<KEY>` and `substitution.aigw.run/file/<KEY>`
    /// name the variable or the file that has a value.
    pub(in crate::config) metadata: Metadata,
    /// Values in base64.
    #[serde(default)]
    pub(in crate::config) data: BTreeMap<String, String>,
    /// Values as they are.
    #[serde(default)]
    pub(in crate::config) string_data: BTreeMap<String, String>,
    /// The type; not read.
    #[serde(rename = "type")]
    pub(in crate::config) kind: Option<String>,
}

/// Settings of the gateway (`ai-gateway-config`), or certificates to trust (under `ca.crt`).
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct ConfigMap {
    /// The name of the resource.
    pub(in crate::config) metadata: Metadata,
    /// The values; checked only where they are read.
    #[serde(default)]
    pub(in crate::config) data: Value,
}
