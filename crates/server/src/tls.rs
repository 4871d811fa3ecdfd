//! TLS configurations: server certificates by hostname (SNI), and trusted roots for backends.

use anyhow::{Context, ensure};
use aquifer_gateway::config::ServerTls;
use aquifer_gateway::secret::Secret;
use rustls::client::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The TLS configuration of a listener with one certificate.
///
/// # Errors
/// As [`server_for`].
pub(crate) fn server(tls: &ServerTls) -> anyhow::Result<Arc<ServerConfig>> {
    server_for(&[(None, tls.clone())])
}

/// The TLS configuration of a listener: HTTP/2 and HTTP/1.1 by ALPN, and certificates by hostname or for every one.
///
/// # Errors
/// A certificate or a key is not PEM, or they do not belong together.
pub(crate) fn server_for(certificates: &[(Option<String>, ServerTls)]) -> anyhow::Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut shown = Vec::with_capacity(certificates.len());
    for (hostname, tls) in certificates {
        shown.push((hostname.clone(), Arc::new(certified(tls, &provider)?)));
    }
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByHostname(shown)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certified(tls: &ServerTls, provider: &CryptoProvider) -> anyhow::Result<CertifiedKey> {
    let (chain, key) = chain_and_key(tls)?;
    CertifiedKey::from_der(chain, key, provider).context("the certificate and the key do not belong together")
}

fn chain_and_key(tls: &ServerTls) -> anyhow::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(tls.certificate_pem.as_bytes())
        .collect::<Result<_, _>>()
        .context("the certificate chain is not PEM")?;
    ensure!(!chain.is_empty(), "the certificate chain holds no certificate");
    let key = PrivateKeyDer::from_pem_slice(tls.key_pem.expose().as_bytes()).context("the private key is not PEM")?;
    Ok((chain, key))
}

/// Certificates by the hostname of the client's handshake (SNI).
#[derive(Debug)]
struct ByHostname(Vec<(Option<String>, Arc<CertifiedKey>)>);

impl ByHostname {
    /// The certificate with the most specific hostname; without a match or SNI the one for all hostnames, or the first.
    fn of(&self, name: Option<&str>) -> Option<&Arc<CertifiedKey>> {
        let name = name.unwrap_or_default().to_ascii_lowercase();
        let fit = |hostname: &Option<String>| match hostname.as_deref() {
            None => Some(1),
            Some(hostname) => match hostname.strip_prefix('*') {
                Some(suffix) => (name.len() > suffix.len() && name.ends_with(suffix)).then(|| 1 + suffix.len()),
                None => (hostname == name).then_some(usize::MAX),
            },
        };
        // Of two equally specific hostnames the first wins; `max_by_key` takes the last.
        let best = self.0.iter().rev().max_by_key(|(hostname, _)| fit(hostname).unwrap_or(0));
        best.map(|(_, key)| key)
    }
}

impl ResolvesServerCert for ByHostname {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.of(hello.server_name()).cloned()
    }
}

/// Reads a certificate chain and a private key from files.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn from_files(certificate: &Path, key: &Path) -> anyhow::Result<ServerTls> {
    let read = |path: &Path| {
        crate::process::config_files::read_bounded(path).with_context(|| format!("cannot read {}", path.display()))
    };
    Ok(ServerTls { certificate_pem: read(certificate)?, key_pem: Secret::new(read(key)?) })
}

/// The certificate authorities that a backend's certificate must be signed by.
pub(crate) enum Authorities<'a> {
    /// These, PEM.
    Own(&'a str),
    /// The system's.
    System,
    /// Nobody: the backend is called without TLS.
    Nobody,
}

/// The TLS configuration of calls to a backend; its ALPN is set by the connector.
///
/// # Errors
/// The given text holds no certificate.
pub(crate) fn client(authorities: &Authorities<'_>) -> anyhow::Result<ClientConfig> {
    client_with(authorities, None)
}

/// The same with a certificate of this process, PEM, that is shown to whoever asks for one.
///
/// # Errors
/// The texts hold no certificate or no key, or they do not belong together.
pub(crate) fn client_with(authorities: &Authorities<'_>, identity: Option<&ServerTls>) -> anyhow::Result<ClientConfig> {
    let roots = match authorities {
        Authorities::Own(pem) => Arc::new(own_roots(pem)?),
        Authorities::System => system_roots(),
        Authorities::Nobody => Arc::new(RootCertStore::empty()),
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let Some(identity) = identity else { return Ok(builder.with_no_client_auth()) };
    let (chain, key) = chain_and_key(identity)?;
    builder.with_client_auth_cert(chain, key).context("the certificate and the key do not belong together")
}

fn own_roots(pem: &str) -> anyhow::Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        store.add(certificate.context("the authorities are not PEM")?)?;
    }
    ensure!(!store.is_empty(), "the authorities hold no certificate");
    Ok(store)
}

/// The system's roots, read once for the life of the process.
fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let read = || {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "some of the system's certificate authorities were not read");
        }
        let mut store = RootCertStore::empty();
        let (added, _) = store.add_parsable_certificates(found.certs);
        if added == 0 {
            tracing::warn!("the system trusts no certificate authority: calls over https will fail");
        }
        Arc::new(store)
    };
    Arc::clone(ROOTS.get_or_init(read))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_pair_is_accepted_and_two_halves_are_not() {
        let (certificate_pem, key) = pair();
        let good = ServerTls { certificate_pem: certificate_pem.clone(), key_pem: Secret::new(key) };
        assert_eq!(server(&good).unwrap().alpn_protocols.len(), 2);
        let (_, foreign) = pair();
        assert!(
            server(&ServerTls { certificate_pem: certificate_pem.clone(), key_pem: Secret::new(foreign) }).is_err()
        );
        assert!(server(&ServerTls { certificate_pem, key_pem: Secret::new("nothing".to_owned()) }).is_err());
    }

    #[test]
    fn authorities_must_be_some() {
        assert!(client(&Authorities::Own(&pair().0)).is_ok());
        assert!(client(&Authorities::Own("nothing")).is_err());
        assert!(client(&Authorities::System).is_ok());
    }
}
