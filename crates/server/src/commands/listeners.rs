//! Binds the listeners for clients: the command line's address, those of the configuration, or the default.

use super::run::{ClientListener, bind};
use crate::cli::{DEFAULT_PORT, Serve};
use crate::client::listen::Certificate;
use crate::tls;
use aquifer_gateway::config::{Listener, ServerTls};
use arc_swap::ArcSwap;
use std::net::SocketAddr;
use std::sync::Arc;

/// A certificate in force, with the port of its listeners; `None` for the command line's address.
pub(super) type PortCertificate = (Option<u16>, Certificate);

/// Binds the listeners, with their certificates. Those of one port share a socket.
pub(super) async fn bind_listeners(
    arguments: &Serve,
    listeners: &[Listener],
) -> anyhow::Result<(Vec<ClientListener>, Vec<PortCertificate>)> {
    let own = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(certificate), Some(key)) => Some(tls::from_files(certificate, key)?),
        _ => None,
    };
    let (mut bound, mut certificates) = (Vec::new(), Vec::new());
    for (port, address) in addresses(arguments, listeners) {
        let shown = match &own {
            Some(own) => vec![(None, own.clone())],
            None => certificates_of(listeners, port),
        };
        let certificate = match shown.as_slice() {
            [] => None,
            shown => Some(Arc::new(ArcSwap::new(tls::server_for(shown)?))),
        };
        certificates.extend(certificate.clone().map(|certificate| (port, certificate)));
        bound.push(ClientListener { listener: bind("--listen", &address).await?, certificate, port });
    }
    Ok((bound, certificates))
}

fn addresses(arguments: &Serve, listeners: &[Listener]) -> Vec<(Option<u16>, String)> {
    let mut ports: Vec<u16> = listeners.iter().map(|listener| listener.port).collect();
    ports.sort_unstable();
    ports.dedup();
    match arguments.listen.as_deref().filter(|listen| !listen.is_empty()) {
        None if !ports.is_empty() => {
            let address = |port| (Some(port), SocketAddr::new(arguments.bind, port).to_string());
            ports.into_iter().map(address).collect()
        }
        None => vec![(None, SocketAddr::new(arguments.bind, DEFAULT_PORT).to_string())],
        Some(listen) => vec![(None, listen.to_owned())],
    }
}

/// The certificates of the listeners of a port, each for its hostname; for the command line's address that of the first
/// listener.
pub(super) fn certificates_of(listeners: &[Listener], port: Option<u16>) -> Vec<(Option<String>, ServerTls)> {
    match port {
        None => listeners.first().and_then(|first| Some((None, first.tls.clone()?))).into_iter().collect(),
        Some(port) => {
            let of_port = listeners.iter().filter(|listener| listener.port == port);
            of_port.filter_map(|listener| Some((listener.hostname.clone(), listener.tls.clone()?))).collect()
        }
    }
}
