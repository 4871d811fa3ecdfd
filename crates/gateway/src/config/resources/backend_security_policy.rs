//! `BackendSecurityPolicy`: the credentials for calls to backends.

use crate::config::resources::common::{LocalRef, Metadata, SecretRef};
use crate::config::resources::order::in_order;
use crate::config::resources::text::Filled;
use schemars::JsonSchema;
use serde::Deserialize;

/// The credentials for calls to backends.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct BackendSecurityPolicy {
    /// The name of the resource.
    pub(in crate::config) metadata: Metadata,
    /// The targets and the credentials.
    pub(in crate::config) spec: BackendSecurityPolicySpec,
}

/// The targets of a `BackendSecurityPolicy` and the credentials for them.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct BackendSecurityPolicySpec {
    /// Backends of the same namespace.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub(in crate::config) target_refs: Vec<LocalRef>,
    /// The type of the credentials, which decides which of the other fields is set.
    #[serde(rename = "type")]
    pub(in crate::config) kind: CredentialType,
    /// An API key, sent as a bearer token.
    pub(in crate::config) api_key: Option<ApiKeyCredentials>,
    /// An API key of Azure's; not served.
    #[serde(rename = "azureAPIKey")]
    pub(in crate::config) azure_api_key: Option<ApiKeyCredentials>,
    /// An API key of Anthropic's; not served.
    #[serde(rename = "anthropicAPIKey")]
    pub(in crate::config) anthropic_api_key: Option<ApiKeyCredentials>,
    /// AWS credentials.
    pub(in crate::config) aws_credentials: Option<AwsCredentials>,
    /// Azure credentials; not served.
    pub(in crate::config) azure_credentials: Option<AzureCredentials>,
    /// Google Cloud credentials; not served.
    pub(in crate::config) gcp_credentials: Option<GcpCredentials>,
    /// Credentials that each request brings; not served.
    pub(in crate::config) credential_override: Option<CredentialOverride>,
}

/// The types of credentials.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in crate::config) enum CredentialType {
    #[serde(rename = "APIKey")]
    ApiKey,
    #[serde(rename = "AWSCredentials")]
    Aws,
    #[serde(rename = "AzureAPIKey")]
    AzureApiKey,
    #[serde(rename = "AzureCredentials")]
    Azure,
    #[serde(rename = "GCPCredentials")]
    Gcp,
    #[serde(rename = "AnthropicAPIKey")]
    AnthropicApiKey,
}

/// An API key.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct ApiKeyCredentials {
    /// The `Secret` that has it under `apiKey`.
    pub(in crate::config) secret_ref: SecretRef,
}

/// AWS credentials; without a file and a token, those of AWS's default chain.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct AwsCredentials {
    /// The region.
    pub(in crate::config) region: Filled,
    /// A shared credentials file.
    pub(in crate::config) credentials_file: Option<AwsCredentialsFile>,
    /// A role that is taken with a token of an identity provider; not served yet.
    pub(in crate::config) oidc_exchange_token: Option<AwsTokenExchange>,
}

/// A shared credentials file of AWS's.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct AwsCredentialsFile {
    /// The `Secret` that has it under `credentials`.
    pub(in crate::config) secret_ref: SecretRef,
    /// The profile in it; `default` without one.
    pub(in crate::config) profile: Option<String>,
}

/// A role of AWS's that is taken with a token of an identity provider.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct AwsTokenExchange {
    /// The role.
    pub(in crate::config) aws_role_arn: Filled,
    /// The identity provider.
    pub(in crate::config) oidc: Oidc,
    /// The audience of the token.
    pub(in crate::config) aud: Option<String>,
    /// The grant type of the exchange.
    pub(in crate::config) grant_type: Option<String>,
}

/// A token of an identity provider that is exchanged.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct TokenExchange {
    /// The identity provider.
    pub(in crate::config) oidc: Oidc,
    /// The audience of the token.
    pub(in crate::config) aud: Option<String>,
    /// The grant type of the exchange.
    pub(in crate::config) grant_type: Option<String>,
}

/// An identity provider, and the client that asks it for tokens.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct Oidc {
    /// The provider.
    pub(in crate::config) provider: OidcProvider,
    /// The client's id.
    #[serde(rename = "clientID")]
    pub(in crate::config) client_id: Option<Filled>,
    /// The `Secret` that has the client's id.
    #[serde(rename = "clientIDRef")]
    pub(in crate::config) client_id_ref: Option<SecretRef>,
    /// The `Secret` that has the client's secret.
    pub(in crate::config) client_secret: SecretRef,
    /// The scopes that are asked for.
    #[serde(default)]
    pub(in crate::config) scopes: Vec<String>,
}

/// An identity provider.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct OidcProvider {
    /// Its issuer URL.
    pub(in crate::config) issuer: Filled,
}

/// Azure credentials.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct AzureCredentials {
    /// The client's id.
    #[serde(rename = "clientID")]
    pub(in crate::config) client_id: Filled,
    /// The tenant's id.
    #[serde(rename = "tenantID")]
    pub(in crate::config) tenant_id: Filled,
    /// The `Secret` that has the client's secret.
    pub(in crate::config) client_secret_ref: Option<SecretRef>,
    /// A token of an identity provider.
    pub(in crate::config) oidc_exchange_token: Option<TokenExchange>,
}

/// Google Cloud credentials.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct GcpCredentials {
    /// The project.
    pub(in crate::config) project_name: Filled,
    /// The region.
    pub(in crate::config) region: Filled,
    /// A file of a service account's key.
    pub(in crate::config) credentials_file: Option<GcpCredentialsFile>,
    /// Workload identity federation.
    pub(in crate::config) workload_identity_federation_config: Option<WorkloadIdentity>,
}

/// A file of a service account's key.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct GcpCredentialsFile {
    /// The `Secret` that has it.
    pub(in crate::config) secret_ref: SecretRef,
}

/// Workload identity federation of Google Cloud's.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct WorkloadIdentity {
    /// The project's id.
    #[serde(rename = "projectID")]
    pub(in crate::config) project_id: Filled,
    /// The pool.
    pub(in crate::config) workload_identity_pool_name: Filled,
    /// The provider in the pool.
    pub(in crate::config) workload_identity_provider_name: Filled,
    /// The token of an identity provider.
    pub(in crate::config) oidc_exchange_token: TokenExchange,
    /// A service account that is acted for.
    pub(in crate::config) service_account_impersonation: Option<ServiceAccount>,
}

/// A service account that is acted for.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct ServiceAccount {
    /// Its name.
    pub(in crate::config) service_account_name: Filled,
}

/// Credentials that each request brings.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct CredentialOverride {
    /// In a header.
    pub(in crate::config) from_request_headers: Option<OverrideInHeader>,
    /// In the metadata of a filter.
    pub(in crate::config) from_dynamic_metadata: Option<OverrideInMetadata>,
}

/// Credentials in a header of a request.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct OverrideInHeader {
    /// The name of the header.
    pub(in crate::config) header: Option<String>,
    /// Whether the policy's own credentials are used for requests without it.
    pub(in crate::config) fallback_to_configured: Option<bool>,
}

/// Credentials in the metadata of a filter.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct OverrideInMetadata {
    /// The namespace of the metadata.
    pub(in crate::config) namespace: Filled,
    /// The key in it.
    pub(in crate::config) key: Option<String>,
    /// Whether the policy's own credentials are used for requests without it.
    pub(in crate::config) fallback_to_configured: Option<bool>,
}
