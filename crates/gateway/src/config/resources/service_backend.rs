//! `AIServiceBackend`: a service that answers requests, in Envoy AI Gateway's form and in the short form of this
//! gateway.

use crate::config::resources::common::{BodyMutation, HeaderMutation, Metadata};
use crate::config::resources::order::{in_order, in_order_before, refuse_unknown_fields};
use crate::config::resources::reasoning_policy::Reasoning;
use crate::config::resources::request_policy::{ClientFields, ReportedModel};
use crate::config::resources::text::{Endpoint, Filled, Group, KindName, ModelId, Namespace, ObjectName, Region};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A service that answers requests, as Envoy AI Gateway has it: its address is that of a `Backend`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct ServiceBackend {
    /// The name of the resource.
    pub(in crate::config) metadata: Metadata,
    /// The service.
    pub(in crate::config) spec: ServiceBackendSpec,
}

/// The service of an `AIServiceBackend`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct ServiceBackendSpec {
    /// The API that the service speaks.
    pub(in crate::config) schema: ApiSchema,
    /// The `Backend` that has the address.
    pub(in crate::config) backend_ref: ServiceBackendRef,
    /// Changes of the headers of its calls.
    pub(in crate::config) header_mutation: Option<HeaderMutation>,
    /// Changes of the bodies of its calls.
    pub(in crate::config) body_mutation: Option<BodyMutation>,
}

/// The API that a service speaks.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct ApiSchema {
    /// The name of the API.
    pub(in crate::config) name: ApiSchemaName,
    /// The version of the API; not read.
    pub(in crate::config) version: Option<String>,
    /// The path before `/chat/completions` of OpenAI's API; `v1` without one.
    pub(in crate::config) prefix: Option<String>,
}

/// The names of the APIs. Served are `AWSBedrock` and `OpenAI`.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in crate::config) enum ApiSchemaName {
    OpenAI,
    Cohere,
    AWSBedrock,
    AzureOpenAI,
    GCPVertexAI,
    GCPAnthropic,
    Anthropic,
    AWSAnthropic,
}

/// A reference to the `Backend` of a service.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct ServiceBackendRef {
    /// The API group: `gateway.envoyproxy.io`.
    pub(in crate::config) group: Option<Group>,
    /// The kind: `Backend`.
    pub(in crate::config) kind: Option<KindName>,
    /// The name.
    pub(in crate::config) name: ObjectName,
    /// The namespace; without one that of the `AIServiceBackend`.
    pub(in crate::config) namespace: Option<Namespace>,
    /// A port; not read, the `Backend` has its own.
    #[schemars(range(min = 1))]
    pub(in crate::config) port: Option<u16>,
}

/// A service that answers requests, in the short form: all about one model in one document.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct ShortBackend {
    /// The name of the resource.
    pub(in crate::config) metadata: Metadata,
    /// The service.
    pub(in crate::config) spec: ShortBackendSpec,
}

/// The service of an `AIServiceBackend` in the short form.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct ShortBackendSpec {
    /// The provider of the service.
    pub(in crate::config) provider: Provider,
    /// The model and the way to it.
    pub(in crate::config) config: ShortConfig,
}

/// The providers of the short form.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum Provider {
    AwsBedrock,
    OpenAi,
}

/// The APIs of Bedrock's by which a model answers.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum BedrockApi {
    Converse,
    Invoke,
}

/// The model and the way to it, in the short form.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct ShortConfig {
    /// The id of the model: requests for it come here without a route.
    pub(in crate::config) model: ModelId,
    /// The AWS region; without one that of the environment or of the AWS profile.
    pub(in crate::config) region: Option<Region>,
    /// The address to call instead of the region's own.
    pub(in crate::config) endpoint: Option<Endpoint>,
    /// HTTP/2 to the service instead of HTTP/1.1.
    pub(in crate::config) http2: Option<bool>,
    /// The way in which calls are authorised with AWS credentials.
    pub(in crate::config) auth: Option<AwsAuth>,
    /// The API of Bedrock's that is called; without one InvokeModel for Claude where clients speak Messages, else Converse.
    pub(in crate::config) api: Option<BedrockApi>,
    /// An API key that is sent as a bearer token.
    pub(in crate::config) api_key: Option<Filled>,
    /// The path before `/chat/completions` of OpenAI's API; `v1` without one.
    pub(in crate::config) prefix: Option<String>,
    /// The id of the foundation model behind an inference profile or an imported model.
    pub(in crate::config) base_model: Option<Filled>,
    /// The policy of reasoning there.
    pub(in crate::config) reasoning: Option<ShortReasoning>,
    /// The fields of Bedrock's own that clients may use there.
    pub(in crate::config) client_fields: Option<ClientFields>,
    /// The name that answers give the model.
    pub(in crate::config) report_model: Option<ReportedModel>,
}

/// The ways in which calls are authorised with AWS credentials: `sigv4` signs each call, `bearer` derives a short-term
/// API key,
/// `auto` does that until AWS denies it.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum AwsAuth {
    Bearer,
    SigV4,
    Auto,
}

/// The fields of a backend's policy of reasoning beside those of the policy itself.
const BESIDE_REASONING: &[&str] = &["row"];

/// The policy of reasoning of a backend in the short form.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order_before::<Reasoning>(BESIDE_REASONING), transform = refuse_unknown_fields)]
pub(in crate::config) struct ShortReasoning {
    /// Fields that take the place of the catalogue's for this model.
    pub(in crate::config) row: Option<Map<String, Value>>,
    /// The policy.
    #[serde(flatten)]
    pub(in crate::config) policy: Reasoning,
}
