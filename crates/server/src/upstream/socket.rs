//! Connections to backends: a name is looked up, TCP and TLS are set up, all within a time limit.

use crate::tls::{self, Authorities};
use anyhow::Context as _;
use aquifer_gateway::config::Bedrock;
use aquifer_gateway::translate::fault::Unreachable;
use http::Uri;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tower_service::Service;

/// For one TCP connection; the name lookup and the TLS handshake share [`HANDSHAKE_TIMEOUT`] with it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For a connection that is ready to be used.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);
/// A model may think for minutes without a byte; a peer that vanished is found by TCP's own probes.
pub(super) const TCP_KEEPALIVE: Duration = Duration::from_secs(45);

/// A connector that gives up: name lookups and TLS handshakes have no time limit of their own.
#[derive(Clone)]
pub(super) struct Connector(HttpsConnector<HttpConnector>);

type Https = MaybeHttpsStream<TokioIo<TcpStream>>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A connection in clear or over TLS; what TLS holds stands elsewhere, so that a connection in clear is small.
pub(super) enum Socket {
    Plain(TcpStream),
    Tls(Box<TokioIo<Https>>),
}

impl Connector {
    /// For one backend: its authorities, the name its certificate must bear, its version of HTTP.
    ///
    /// # Errors
    /// The authorities or the name cannot be used.
    pub(super) fn new(bedrock: &Bedrock, plain: bool) -> anyhow::Result<Self> {
        let authorities = match &bedrock.tls_ca_pem {
            Some(pem) => Authorities::Own(pem),
            None if plain => Authorities::Nobody,
            None => Authorities::System,
        };
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls::client(&authorities)?).https_or_http();
        let connector = match &bedrock.tls_hostname {
            Some(name) => {
                let name = name.clone().try_into().context("the TLS host name is not one")?;
                connector.with_server_name_resolver(FixedServerNameResolver::new(name))
            }
            None => connector,
        };
        Ok(Self(match bedrock.http2 {
            true => connector.enable_http2().wrap_connector(tcp()),
            false => connector.enable_http1().wrap_connector(tcp()),
        }))
    }

    /// A new connection to where the URL says.
    ///
    /// # Errors
    /// There is none, or not in time.
    pub(super) async fn connect(&self, to: &Uri) -> std::result::Result<Socket, Unreachable> {
        let place = |what: &dyn std::fmt::Display| format!("{}: {what}", host(to));
        match self.clone().call(to.clone()).await {
            Ok(MaybeHttpsStream::Http(plain)) => Ok(Socket::Plain(plain.into_inner())),
            Ok(https) => Ok(Socket::Tls(Box::new(TokioIo::new(https)))),
            Err(error) => {
                let deepest = super::deepest(&*error);
                let late = deepest.downcast_ref::<Error>().is_some_and(|io| io.kind() == ErrorKind::TimedOut);
                Err(if late { Unreachable::Timeout } else { Unreachable::Connect }(place(&deepest)))
            }
        }
    }
}

/// Host and port, as they stand in the URL.
pub(super) fn host(uri: &Uri) -> &str {
    uri.authority().map_or("", |authority| authority.as_str())
}

/// Connections of which each part is sent at once, and whose other end is asked whether it is still there.
fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.set_keepalive(Some(TCP_KEEPALIVE));
    tcp.set_keepalive_interval(Some(TCP_KEEPALIVE / 3));
    tcp.set_keepalive_retries(Some(4));
    tcp
}

impl Service<Uri> for Connector {
    type Response = Https;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Https, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<std::result::Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move {
            let late = || Error::new(ErrorKind::TimedOut, format!("no connection in {HANDSHAKE_TIMEOUT:?}"));
            tokio::time::timeout(HANDSHAKE_TIMEOUT, connecting).await.map_err(|_| late())?
        })
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_read(cx, into),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_write_vectored(cx, slices),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
