//! The addresses at which clients are served, with their certificates and keys.

use crate::key_ring::KeyRing;
use crate::secret::Secret;
use std::sync::Arc;

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The namespace of its `Gateway`.
    pub namespace: String,
    /// The name of its `Gateway`.
    pub gateway: String,
    /// Its name in the `Gateway`.
    pub name: String,
    /// The port.
    pub port: u16,
    /// The hostname served there, if it is limited to one.
    pub hostname: Option<String>,
    /// The certificate and key, when the listener speaks TLS.
    pub tls: Option<ServerTls>,
    /// The keys that clients need there, as a `SecurityPolicy` says. `None`: those of [`Config::keys`](super::Config::keys).
    pub keys: Option<Arc<KeyRing>>,
}

/// A certificate chain and its key, both PEM.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerTls {
    /// The chain, leaf first.
    pub certificate_pem: String,
    /// The private key.
    pub key_pem: Secret,
}

impl Eq for ServerTls {}
