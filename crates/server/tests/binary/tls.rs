//! Certificates for tests, and clients that trust them alone.

use crate::support::{Aquifer, connect, read_reply, request};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::io::Write;
use std::sync::Arc;

/// A certificate for `localhost` with its key, both PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// A new pair.
pub(crate) fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    Pair { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
}

/// A client that trusts this certificate alone.
pub(crate) fn client(trusted: &str) -> ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// The status of one request over TLS, trusting this certificate alone.
pub(crate) fn ask_over_tls(aquifer: &Aquifer, trusted: &str) -> Result<u16, String> {
    let name = ServerName::try_from("localhost").unwrap();
    let session = rustls::ClientConnection::new(Arc::new(client(trusted)), name).unwrap();
    let mut stream = rustls::StreamOwned::new(session, connect(aquifer.gateway.unwrap()));
    stream.write_all(request("GET", "/v1/models", "").as_bytes()).map_err(|error| error.to_string())?;
    Ok(read_reply(&mut stream).status)
}
