//! `RequestPolicy`: the fields of Bedrock's own that clients may use, and how answers name the model.

use crate::config::resources::common::{Metadata, PolicyTarget};
use crate::config::resources::order::in_order;
use schemars::JsonSchema;
use serde::Deserialize;

/// The fields of Bedrock's own that clients may use, and how answers name the model.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct RequestPolicy {
    /// The name of the resource.
    pub(in crate::config) metadata: Metadata,
    /// The targets and the policy.
    pub(in crate::config) spec: RequestPolicySpec,
}

/// The targets of a `RequestPolicy` and the policy. Unknown fields are refused: a denial that is misspelt would deny nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct RequestPolicySpec {
    /// Routes, rules of routes and backends of the same namespace.
    #[schemars(length(max = 16))]
    pub(in crate::config) target_refs: Vec<PolicyTarget>,
    /// The fields that clients may use.
    pub(in crate::config) client_fields: ClientFields,
    /// The name that answers give the model.
    pub(in crate::config) report_model: Option<ReportedModel>,
}

/// The name that answers give the model: the client's, or the id that the backend was called with.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum ReportedModel {
    Client,
    Upstream,
}

/// The fields of Bedrock's own that clients may use.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct ClientFields {
    /// The vendor's own parameters.
    pub(in crate::config) additional_model_request_fields: Option<Permission>,
    /// A guardrail of the client's choice.
    pub(in crate::config) guardrail_config: Option<Permission>,
    /// A tier of service.
    pub(in crate::config) service_tier: Option<Permission>,
    /// Latency-optimised inference.
    pub(in crate::config) performance_config: Option<Permission>,
    /// Media and documents at `s3://` addresses.
    pub(in crate::config) s3_uris: Option<Permission>,
}

/// Whether clients may use a field.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in crate::config) enum Permission {
    Allow,
    Deny,
}
