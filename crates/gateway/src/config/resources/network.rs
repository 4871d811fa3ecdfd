//! Envoy Gateway's `Backend` and the Gateway API's `BackendTLSPolicy` and `Gateway`: addresses, certificates,
//! listeners.

use crate::config::resources::common::{LocalRef, Metadata, SecretRef};
use crate::config::resources::order::in_order;
use crate::config::resources::text::{Filled, Hostname, ResourceName};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The address of a service.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct BackendResource {
    /// The name of the resource.
    pub(in crate::config) metadata: Metadata,
    /// The address.
    pub(in crate::config) spec: BackendSpec,
}

/// The address of a `Backend`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct BackendSpec {
    /// The endpoints, of which the first is called.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(in crate::config) endpoints: Vec<BackendEndpoint>,
    /// Whether it is a fallback; not read.
    pub(in crate::config) fallback: Option<bool>,
    /// TLS to the service.
    pub(in crate::config) tls: Option<Map<String, Value>>,
}

/// One endpoint of a `Backend`: one of its fields is set.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct BackendEndpoint {
    /// A hostname.
    pub(in crate::config) fqdn: Option<FqdnEndpoint>,
    /// An IP address.
    pub(in crate::config) ip: Option<IpEndpoint>,
    /// A Unix socket; not served.
    pub(in crate::config) unix: Option<UnixEndpoint>,
}

/// A hostname and a port.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct FqdnEndpoint {
    /// The hostname.
    pub(in crate::config) hostname: Hostname,
    /// The port.
    #[schemars(range(min = 1))]
    pub(in crate::config) port: u16,
}

/// An IP address and a port.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct IpEndpoint {
    /// The address.
    pub(in crate::config) address: Filled,
    /// The port.
    #[schemars(range(min = 1))]
    pub(in crate::config) port: u16,
}

/// A Unix socket.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct UnixEndpoint {
    /// Its path.
    pub(in crate::config) path: Filled,
}

/// TLS to `Backend`s.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct BackendTlsPolicy {
    /// The name of the resource.
    pub(in crate::config) metadata: Metadata,
    /// The targets and the certificates.
    pub(in crate::config) spec: BackendTlsPolicySpec,
}

/// The targets of a `BackendTLSPolicy` and the certificates that are accepted there.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct BackendTlsPolicySpec {
    /// `Backend`s of the same namespace.
    #[schemars(length(max = 16))]
    pub(in crate::config) target_refs: Vec<LocalRef>,
    /// The certificates that are accepted.
    pub(in crate::config) validation: TlsValidation,
}

/// The certificates that are accepted of a server.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct TlsValidation {
    /// `ConfigMap`s and `Secret`s that have certificates to trust under `ca.crt`.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub(in crate::config) ca_certificate_refs: Vec<LocalRef>,
    /// The certificates of the system, which are trusted where no others are named.
    #[serde(rename = "wellKnownCACertificates")]
    pub(in crate::config) well_known_ca_certificates: Option<WellKnownCertificates>,
    /// The name that the certificate must have.
    pub(in crate::config) hostname: Hostname,
}

/// Certificates that everybody has.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in crate::config) enum WellKnownCertificates {
    System,
}

/// The addresses at which clients are served.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct GatewayResource {
    /// The name of the resource.
    pub(in crate::config) metadata: Metadata,
    /// The listeners.
    pub(in crate::config) spec: GatewaySpec,
}

/// The listeners of a `Gateway`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct GatewaySpec {
    /// The listeners.
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub(in crate::config) listeners: Vec<GatewayListener>,
}

/// One listener of a `Gateway`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct GatewayListener {
    /// Its name, unique in the Gateway.
    pub(in crate::config) name: ResourceName,
    /// The port.
    #[schemars(range(min = 1))]
    pub(in crate::config) port: u16,
    /// `HTTP` or `HTTPS`; others are not served.
    pub(in crate::config) protocol: Filled,
    /// The hostname that is served there, if it is limited to one.
    pub(in crate::config) hostname: Option<Hostname>,
    /// The certificate of an `HTTPS` listener.
    pub(in crate::config) tls: Option<ListenerTls>,
}

/// TLS of a listener.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct ListenerTls {
    /// The end of TLS; `Passthrough` is not served.
    pub(in crate::config) mode: Option<TlsMode>,
    /// `Secret`s that have a certificate under `tls.crt` and its key under `tls.key`; the first is used.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(in crate::config) certificate_refs: Vec<SecretRef>,
}

/// The end of TLS: at the listener, or behind it.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in crate::config) enum TlsMode {
    Terminate,
    Passthrough,
}
