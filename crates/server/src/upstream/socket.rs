//! Connections to backends: a name is looked up, TCP and TLS are set up, all within a time limit.

use crate::tls::{self, Authorities};
use anyhow::Context as _;
use aquifer_gateway::config::Bedrock;
use aquifer_gateway::translate::fault::Unreachable;
use http::Uri;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tower_service::Service;

/// How long a connection may take, name lookup and TLS handshake included, where nobody says it.
pub(super) const CONNECT: Duration = Duration::from_secs(10);
/// A model may think for minutes without a byte; a peer that vanished is found by TCP's own probes.
pub(super) const TCP_KEEPALIVE: Duration = Duration::from_secs(45);

/// Makes connections to one backend.
#[derive(Clone)]
pub(super) struct Connector {
    tls: ClientConfig,
    /// The name that its certificate must bear, when it is not the URL's.
    name: Option<ServerName<'static>>,
    http2: bool,
}

type Https = MaybeHttpsStream<TokioIo<TcpStream>>;
type Connecting = Pin<Box<dyn Future<Output = std::result::Result<Https, BoxError>> + Send>>;
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
        let name = bedrock.tls_hostname.clone().map(ServerName::try_from).transpose();
        let name = name.context("the TLS host name is not one")?;
        Ok(Self { tls: tls::client(&authorities)?, name, http2: bedrock.http2 })
    }

    /// With a time limit for TCP: of several addresses each has its share of it.
    fn within(&self, limit: Duration) -> HttpsConnector<HttpConnector> {
        let connector = HttpsConnectorBuilder::new().with_tls_config(self.tls.clone()).https_or_http();
        let connector = match &self.name {
            Some(name) => connector.with_server_name_resolver(FixedServerNameResolver::new(name.clone())),
            None => connector,
        };
        match self.http2 {
            true => connector.enable_http2().wrap_connector(tcp(limit)),
            false => connector.enable_http1().wrap_connector(tcp(limit)),
        }
    }

    /// A connection, if it is there in time: name lookups and TLS handshakes have no limit of their own.
    fn connected(&self, to: Uri, limit: Duration) -> Connecting {
        let connecting = self.within(limit).call(to);
        Box::pin(async move {
            let connected = tokio::time::timeout(limit, connecting).await;
            connected.map_err(|_| Error::from(ErrorKind::TimedOut))?
        })
    }

    /// A new connection to where the URL says, within this time.
    ///
    /// # Errors
    /// There is none, or not in time.
    pub(super) async fn connect(&self, to: &Uri, limit: Duration) -> std::result::Result<Socket, Unreachable> {
        let place = |what: &dyn std::fmt::Display| format!("{}: {what}", host(to));
        match self.connected(to.clone(), limit).await {
            Ok(MaybeHttpsStream::Http(plain)) => Ok(Socket::Plain(plain.into_inner())),
            Ok(https) => Ok(Socket::Tls(Box::new(TokioIo::new(https)))),
            Err(error) => {
                let deepest = super::deepest(&*error);
                let timed_out = deepest.downcast_ref::<Error>().is_some_and(|io| io.kind() == ErrorKind::TimedOut);
                Err(match timed_out {
                    true => late(host(to), limit),
                    false => Unreachable::Connect(place(&deepest)),
                })
            }
        }
    }
}

/// What is said of a connection that is not there in time. Whoever waits shorter than usual may try again.
pub(super) fn late(host: &str, limit: Duration) -> Unreachable {
    let what = format!("{host}: no connection in {limit:?}");
    if limit < CONNECT { Unreachable::Stalled(what) } else { Unreachable::Timeout(what) }
}

/// Host and port, as they stand in the URL.
pub(super) fn host(uri: &Uri) -> &str {
    uri.authority().map_or("", |authority| authority.as_str())
}

/// Connections of which each part is sent at once, and whose other end is asked whether it is still there.
fn tcp(limit: Duration) -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(limit));
    tcp.set_keepalive(Some(TCP_KEEPALIVE));
    tcp.set_keepalive_interval(Some(TCP_KEEPALIVE / 3));
    tcp.set_keepalive_retries(Some(4));
    tcp
}

impl Socket {
    /// Whether the system may acknowledge two parts of an answer at once, as TCP has it since RFC 1122, and not each as
    /// soon as it is read: that is a packet less for each pair. Where the other end waits for an acknowledgement before
    /// it sends more, the system sends it after 40 ms, and acknowledges each part at once from then on (Linux, tcp(7):
    /// `TCP_QUICKACK` is not permanent).
    pub(super) fn acknowledge_in_pairs(&self, pairs: bool) {
        let plain = match self {
            Self::Plain(plain) => plain,
            Self::Tls(tls) => match tls.inner() {
                MaybeHttpsStream::Http(plain) => plain.inner(),
                MaybeHttpsStream::Https(tls) => tls.inner().get_ref().0.inner().inner(),
            },
        };
        #[cfg(target_os = "linux")]
        if let Err(error) = plain.set_quickack(!pairs) {
            tracing::debug!(%error, pairs, "how parts of an answer are acknowledged was not set");
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (plain, pairs);
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
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
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
